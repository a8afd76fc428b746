"""The catalogue and its versions."""

import json
from collections.abc import Mapping
from dataclasses import asdict

import click

from tracker.catalog import loader
from tracker.cli.base import as_json, cli, fail
from tracker.domain.catalogue_search import Difference, differences


@cli.group()
def catalog() -> None:
    """The catalogue: what is sold, known issues, guided paths."""


@catalog.command("diff")
@click.option("--from", "before", type=int, help="The earlier version. Default: the one before the later.")
@click.option("--to", "after", type=int, help="The later version. Default: the newest.")
@as_json
def catalog_diff(before: int | None, after: int | None, json_: bool) -> None:
    """Say what differs between two versions. An engagement keeps the version of its agreement until somebody changes that."""
    loader.check_all()
    known = loader.versions()
    after = known[-1] if after is None else after
    earlier = [version for version in known if version < after]
    before = before if before is not None else earlier[-1] if earlier else None
    for version in (before, after):
        if version is not None and version not in known:
            fail(f"there is no catalogue {version}. There is: {', '.join(map(str, known))}")
    found = differences(loader.catalogue(before), loader.catalogue(after)) if before is not None else {}
    if json_:
        parts = {part: asdict(difference) for part, difference in found.items()}
        click.echo(json.dumps({"from": before, "to": after, "parts": parts}))
    elif before is None:
        click.echo(f"There is one version, {after}: nothing to compare.")
    else:
        click.echo(f"From {before} to {after}:" if found else f"Versions {before} and {after} say the same.")
        _say_differences(found)


def _say_differences(found: Mapping[str, Difference]) -> None:
    for part, difference in found.items():
        for word, ids in asdict(difference).items():
            for each in ids:
                click.echo(f"  {part.replace('_', ' ')}, {word}: {each}")
