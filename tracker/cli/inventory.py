"""Inventories from a file."""

import json
from pathlib import Path
from typing import IO
from uuid import UUID

import click

from tracker.app import MAX_BODY
from tracker.cli.base import as_json, cli, fail, in_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.edge.work import work
from tracker.intake.inventory.registry import FORMATS, read_inventory
from tracker.services import inventory as inventory_service
from tracker.store.database import db


@cli.group()
def inventory() -> None:
    """What is installed on the sites."""


@inventory.command("import")
@click.argument("site_id", type=click.UUID)
@click.argument("file", type=click.File("rb"))
@click.option("--source", type=click.Choice(list(FORMATS)), help="The format. Default: as the file is recognised.")
@click.option(
    "--complete/--partial", default=None, help="Whether what it does not name has been removed. Default: as the format is."
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@as_json
@in_app
def inventory_import(
    site_id: UUID, file: IO[bytes], source: str | None, complete: bool | None, dry_run: bool, json_: bool
) -> None:
    """Import a list of extensions into a site; - reads standard input. Bad rows are told and left out."""
    data = file.read(MAX_BODY + 1)
    if len(data) > MAX_BODY:
        fail(f"{file.name} is larger than {MAX_BODY // 1024**2} MB, which no such list is")
    read, name = read_inventory(data, source), Path(file.name).name
    if dry_run:
        trial = inventory_service.try_file(db.session, SYSTEM, site_id, read, complete=complete)
    else:
        with work():
            trial = inventory_service.import_file(db.session, SYSTEM, site_id, read, now=utc_now(), complete=complete, name=name)
    if json_:
        rows = [{"row": row.row, "slug": row.slug, "change": change} for row, change in trial.difference.accepted]
        rejected = [each.told() for each in trial.rejected]
        said = {"source": trial.source, "dry_run": dry_run, "complete": trial.complete, "removed": list(trial.removed_slugs)}
        click.echo(json.dumps(said | {"accepted": rows, "rejected": rejected}))
        return
    for each in trial.rejected:
        click.echo(f"Row {each.row}, {each.column or 'whole row'}: {each.value!r}: {each.reason}")
    counts = ", ".join(f"{count} {change}" for change, count in trial.counts.items() if count)
    click.echo(f"{name} ({trial.source}): {counts or 'nothing'}{', only tried' if dry_run else ''}.")
