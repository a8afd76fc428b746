"""Splitting a network or a Drupal multisite into single sites: what may be split, and the list of targets as it is typed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.domain.errors import FieldError, Guard, Invalid
from tracker.domain.site import read_address

FEWEST, MOST = 2, 50


@dataclass(frozen=True)
class Target:
    """One site that comes out of a split. What is None is as with the source, or its default."""

    name: str
    url: str
    plan: str | None = None
    package: str | None = None
    premium_option: str | None = None


def what_splits(cms: str, network: bool | None, facts: Mapping[str, Any]) -> str:
    """The scope item under which a site is split: a WordPress network, or a Drupal multisite. Raises Guard for a single site."""
    if cms == "wordpress":
        if network is True:
            return "migrate-wp-network"
        raise Guard("Only a network is split. Note first that this WordPress is one.", rule="multisite", missing=["network"])
    if facts.get("drupal_multisite") is True:
        return "split-drupal-multisite"
    raise Guard("Only a multisite is split. Note first that this Drupal is one.", rule="multisite", missing=["drupal_multisite"])


def read_targets(text: str) -> list[Target]:
    """Read one target in each line, as `name, address`; empty lines do not count.

    Raises Invalid at `targets`, one sentence for each line that cannot be read.
    """
    targets: list[Target] = []
    faults: list[FieldError] = []
    for number, line in _lines(text):
        name, comma, url = (part.strip() for part in line.partition(","))
        if not comma or not name or not url:
            faults.append(
                FieldError("targets", f"Line {number}: write a name, a comma and an address, such as “blog, blog.example.com”.")
            )
        targets.append(Target(name, url))
    if faults:
        raise Invalid(faults)
    return targets


def line_numbers(text: str) -> list[int]:
    """In which line each target stands."""
    return [number for number, _line in _lines(text)]


def _lines(text: str) -> Iterable[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip())


def check_distinct(targets: Sequence[Target], listed: Mapping[str, str]) -> None:
    """Raises Invalid for an address that cannot be read, that is listed already, or that two targets share.

    `listed` has the names of the other sites by the keys of their addresses.
    """
    seen = dict(listed)
    faults: list[FieldError] = []
    for number, target in enumerate(targets):
        try:
            key = read_address(target.url).key
        except Invalid as error:
            faults += [FieldError(f"targets.{number}.{each.field}", each.message) for each in error.errors]
            continue
        if key in seen:
            faults.append(FieldError(f"targets.{number}.url", f"This address is listed already, as {seen[key][:60]}."))
        seen.setdefault(key, target.name)
    if faults:
        raise Invalid(faults)
