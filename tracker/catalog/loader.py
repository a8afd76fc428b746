"""Reads the catalogue's files, checks them against their schema, and says in words what is wrong with one."""

import tomllib
from functools import cache
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tracker.domain.catalogue import Catalogue
from tracker.domain.known_issue import KnownIssues
from tracker.domain.offering import Offering
from tracker.domain.runbook import Runbooks

FOLDER = Path(__file__).parent
SHOWN = 5
# What a field must be, by how pydantic's names of faults begin.
WANTED = {
    "int": "a whole number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "list": "a list",
    "dict": "a table",
    "mapping": "a table",
    "dataclass": "a table",
}
Part = TypeVar("Part", Offering, KnownIssues, Runbooks)


class CatalogueFault(Exception):
    """A file of the catalogue cannot be used. The message is one line, with the file and the place in it."""


def versions(folder: Path = FOLDER) -> list[int]:
    """The versions there are, oldest first."""
    return sorted(int(path.name[1:]) for path in folder.glob("v*") if path.is_dir() and path.name[1:].isdecimal())


def newest() -> Catalogue:
    """The version on which new agreements are made."""
    return catalogue(versions()[-1])


@cache
def catalogue(version: int) -> Catalogue:
    """One version, read once. Raises CatalogueFault."""
    return read(FOLDER, version)


def pinned(version: int | None) -> Catalogue:
    """The version that an agreement names; the newest where there is no agreement. Raises CatalogueFault."""
    return newest() if version is None else catalogue(version)


def check_all() -> None:
    """Read every version, at the start of the program. Raises CatalogueFault."""
    if not versions():
        raise CatalogueFault(f"There is no catalogue in {FOLDER.name}/: a folder such as v1 is missing.")
    for version in versions():
        catalogue(version)


def read(folder: Path, version: int) -> Catalogue:
    """Read a version from a folder. Raises CatalogueFault naming the file, the entry and the field."""
    place = folder / f"v{version}"
    found = Catalogue(
        version,
        _part(place / "offering.toml", Offering),
        _part(place / "known_issues.toml", KnownIssues),
        _part(place / "runbooks.toml", Runbooks),
    )
    faults = list(found.faults())
    if faults:
        more = f" (and {len(faults) - SHOWN} more)" if len(faults) > SHOWN else ""
        raise CatalogueFault(f"Catalogue {place.name}: {'; '.join(faults[:SHOWN])}{more}.")
    return found


def _part(path: Path, kind: type[Part]) -> Part:
    name = f"{path.parent.name}/{path.name}"
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CatalogueFault(f"Catalogue file {name} is missing.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CatalogueFault(f"Catalogue file {name} is not TOML: {error}.") from None
    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        said = [_say(each["loc"], _reason(each), data) for each in error.errors(include_url=False)]
        more = f" (and {len(said) - SHOWN} more)" if len(said) > SHOWN else ""
        raise CatalogueFault(f"Catalogue file {name}: {'; '.join(said[:SHOWN])}{more}.") from None


def _say(place: tuple[int | str, ...], message: str, data: object) -> str:
    """The place of a fault, entries by their id instead of their number."""
    words: list[str] = []
    for part in place:
        if isinstance(data, dict):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
            name = data.get("id") if isinstance(data, dict) else None
            words.append(str(name or part + 1))
            continue
        words.append(str(part))
    return f"{' > '.join(words)}: {message}"


def _reason(error: ErrorDetails) -> str:
    """What is wrong with a field, in plain words."""
    kind, given = error["type"], repr(error["input"])[:60]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        return "there is no such field"
    if kind.startswith("missing"):
        return "this field is missing"
    if kind == "literal_error":
        return f"must be {error['ctx']['expected']}, not {given}"
    wanted = WANTED.get(kind.partition("_")[0])
    return f"must be {wanted}, not {given}" if wanted else f"{error['msg'][:1].lower()}{error['msg'][1:]}"
