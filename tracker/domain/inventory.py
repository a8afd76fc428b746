"""The extensions of a site: how a row of an inventory reads, what it changes, and what is known of each.

Sources: docs/rules/inventory.md, BR-08, BR-38. Slugs are compared without regard to capitals.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from tracker.domain.known_issue import KnownIssue
from tracker.domain.rejected_row import FORMULA, RejectedRow, harmless_cells
from tracker.domain.text import TextError, read_line

LONGEST_SLUG, LONGEST_NAME, LONGEST_VERSION = 200, 200, 60
SLUG = re.compile(r"[a-z0-9_][a-z0-9_.-]*", re.ASCII | re.IGNORECASE)


class ItemKind(StrEnum):
    """What an inventory lists."""

    PLUGIN = "plugin"
    THEME = "theme"
    MODULE = "module"
    CORE = "core"


class Change(StrEnum):
    """What an import does to one item."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


class Verdict(StrEnum):
    """What becomes of an extension, named as the API names it."""

    WORKS = "works"
    CONFIGURE = "configure"
    REPLACE = "replace"
    DISABLE = "disable"
    NO_SOLUTION = "no_solution"
    UNKNOWN = "unknown"


# What people and programs call them, without spaces and signs.
STATUS_WORDS: Mapping[str, str] = {
    "active": "active", "enabled": "active", "installed": "active", "on": "active", "yes": "active",
    "inactive": "inactive", "disabled": "inactive", "notinstalled": "inactive", "off": "inactive", "no": "inactive",
    "networkactive": "network_active", "activenetwork": "network_active",
    "mustuse": "must_use", "dropin": "dropin", "parent": "active",
}  # fmt: skip
STATUSES = tuple(dict.fromkeys(STATUS_WORDS.values()))
NO_VERSION = frozenset({"", "-", "–", "—", "?", "n/a", "none", "unknown", "null"})
KIND_OF_CMS: Mapping[str, ItemKind] = {"wordpress": ItemKind.PLUGIN, "drupal": ItemKind.MODULE}

Key = tuple[str, str]


def slug_key(slug: str) -> str:
    """Two spellings of one slug have the same key."""
    return slug.casefold()


@dataclass(frozen=True)
class InventoryRow:
    """One extension as a file lists it. `kind` None: whatever the site's system has, plugins or modules."""

    row: int
    slug: str
    name: str
    version: str | None = None
    status: str | None = None
    kind: ItemKind | None = None
    cells: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "InventoryRow":
        """As `plain` wrote it."""
        kind = ItemKind(plain["kind"]) if plain["kind"] else None
        return cls(**{**plain, "kind": kind, "cells": tuple((name, text) for name, text in plain["cells"])})

    def plain(self) -> dict[str, Any]:
        """For keeping as JSON. Other columns of a good row may hold anything, so they are made harmless."""
        return asdict(self) | {"cells": harmless_cells(self.cells)}

    def key(self) -> Key:
        """Only of a row whose kind is known."""
        assert self.kind is not None
        return self.kind, slug_key(self.slug)


# --- how a row reads --------------------------------------------------------------------------------------------------


def read_slug(text: str) -> str:
    """The slug of `folder/file.php`, `file.php` or `folder`. Raises TextError."""
    typed = read_line(text, LONGEST_SLUG)
    if not typed:
        raise TextError("The slug is missing: the folder of the extension, such as contact-form-7.")
    if typed.startswith(FORMULA):
        raise TextError(f"A slug does not begin with {typed[0]}: this looks like a formula. Write the folder's name.")
    slug = typed.strip("/").partition("/")[0].removesuffix(".php")
    if not SLUG.fullmatch(slug):
        raise TextError("A slug holds only letters a to z, digits, hyphens, dots and underscores, such as contact-form-7.")
    return slug


def read_name(text: str) -> str:
    return read_line(text, LONGEST_NAME)


def read_version(text: str) -> str | None:
    """None for none. Raises TextError."""
    version = read_line(text, LONGEST_VERSION)
    if version.lower() in NO_VERSION:
        return None
    if version.startswith(FORMULA):
        raise TextError(f"A version does not begin with {version[0]}. Write it like 5.0.2, or leave it empty.")
    return version


def read_status(text: str) -> str | None:
    """None where nothing is said. Raises TextError."""
    word = re.sub(r"[\W_]+", "", read_line(text, LONGEST_NAME).casefold())
    if word and word not in STATUS_WORDS:
        raise TextError(f"Write one of: {', '.join(STATUSES)}; or leave it empty.")
    return STATUS_WORDS.get(word)


def read_kind(text: str) -> ItemKind | None:
    """None where nothing is said. Raises TextError."""
    word = read_line(text, LONGEST_NAME).casefold().removesuffix("s")
    if word and word not in set(ItemKind):
        raise TextError(f"Write one of: {', '.join(ItemKind)}; or leave it empty.")
    return ItemKind(word) if word else None


READERS: Mapping[str, Callable[[str], str | None]] = {
    "slug": read_slug,
    "name": read_name,
    "kind": read_kind,
    "version": read_version,
    "status": read_status,
}


def read_row(row: int, said: Mapping[str, str], cells: Sequence[tuple[str, str]]) -> InventoryRow | RejectedRow:
    """One row of any format, by the same rules."""
    read: dict[str, str | None] = {}
    for column, reader in READERS.items():
        text = said.get(column, "")
        try:
            read[column] = reader(text)
        except TextError as error:
            return RejectedRow.of(row, column, text, error.message, cells, read.get("slug"))
    slug = read["slug"]
    assert slug is not None
    kind = ItemKind(read["kind"]) if read["kind"] else None
    return InventoryRow(row, slug, read["name"] or slug, read["version"], read["status"], kind, tuple(cells))


def settle(rows: Iterable[InventoryRow], cms: str) -> tuple[list[InventoryRow], list[RejectedRow]]:
    """Give every row its kind, and keep the first of those that name the same thing."""
    first: dict[Key, InventoryRow] = {}
    repeated: list[RejectedRow] = []
    for each in rows:
        row = replace(each, kind=each.kind or KIND_OF_CMS[cms])
        earlier = first.setdefault(row.key(), row)
        if earlier is not row:
            reason = f"Row {earlier.row} lists this already, as {earlier.slug}. Capitals make no difference."
            repeated.append(RejectedRow.of(row.row, "slug", row.slug, reason, row.cells, row.slug))
    return list(first.values()), repeated


# --- what an import changes -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """An item that the inventory has already."""

    slug: str
    name: str
    version: str | None
    status: str | None
    removed: bool = False


@dataclass(frozen=True)
class Coverage:
    """What a complete list of a format speaks of: kinds, without those of certain statuses."""

    kinds: frozenset[ItemKind]
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Difference:
    """What an import would do: each accepted row with its change, and what a complete list no longer names."""

    accepted: tuple[tuple[InventoryRow, Change], ...]
    removed: tuple[Key, ...]

    @property
    def is_nothing(self) -> bool:
        return not self.removed and all(change is Change.UNCHANGED for _, change in self.accepted)

    def counts(self) -> dict[str, int]:
        """How many of each change."""
        changes = [change for _, change in self.accepted]
        return {change.value: changes.count(change) for change in Change} | {Change.REMOVED.value: len(self.removed)}


def compare(
    known: Mapping[Key, Known], rows: Sequence[InventoryRow], rejected: Iterable[RejectedRow], covered: Coverage | None
) -> Difference:
    """What rows change. `covered` is given for a complete list: of what it speaks and does not name, it says that it is gone.

    What a rejected row names is not gone: it only could not be read.
    """
    named = {slug_key(row.slug) for row in rows} | {slug_key(each.slug) for each in rejected if each.slug}
    removed = [] if covered is None else [
        key for key, item in known.items()
        if not item.removed and key[0] in covered.kinds and item.status not in covered.without and key[1] not in named
    ]  # fmt: skip
    return Difference(tuple((row, _change(known.get(row.key()), row)) for row in rows), tuple(removed))


def _change(item: Known | None, row: InventoryRow) -> Change:
    if item is None:
        return Change.ADDED
    same = (item.name, item.version, item.status) == (row.name, row.version, row.status) and not item.removed
    return Change.UNCHANGED if same else Change.UPDATED


# --- what is known of an item -----------------------------------------------------------------------------------------

# The worst first: where several issues are known of one extension, the worst decides.
VERDICT_OF: Mapping[str, Verdict] = {
    "out-of-scope": Verdict.NO_SOLUTION,
    "replace": Verdict.REPLACE,
    "disable": Verdict.DISABLE,
    "known-workaround": Verdict.CONFIGURE,
}


@dataclass(frozen=True)
class Finding:
    """The verdict on one item, whether an engineer said it, and what is known. Retired issues are hints only."""

    verdict: Verdict
    said: bool
    issues: tuple[KnownIssue, ...]
    hints: tuple[KnownIssue, ...]


def find(said: str | None, issues: Collection[KnownIssue]) -> Finding:
    """What an engineer said, else what the current issues say. What is not listed is unknown, never fine."""
    current = tuple(issue for issue in issues if issue.status == "current")
    hints = tuple(issue for issue in issues if issue.status != "current")
    named = {issue.disposition for issue in current}
    by_catalogue = next((verdict for disposition, verdict in VERDICT_OF.items() if disposition in named), Verdict.UNKNOWN)
    return Finding(Verdict(said) if said else by_catalogue, said is not None, current, hints)
