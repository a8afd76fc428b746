"""A list of sites as a spreadsheet holds it: what its words mean, and what it changes about the sites that are listed.

Sources: docs/rules/site.md, docs/rules/inventory.md, BR-01.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tracker.domain.errors import Invalid
from tracker.domain.rejected_row import RejectedRow, harmless_cells
from tracker.domain.site import (
    CMS,
    CMS_VARIANTS,
    LONGEST_URL,
    MULTISITE_DECISIONS,
    PACKAGES,
    PLANS,
    PREMIUM_OPTIONS,
    UPSTREAM_CHOICES,
)
from tracker.domain.text import TextError, read_line

MOST_SITES = 500


def plain(text: str) -> str:
    """Without capitals, spaces and signs."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _words(names: Iterable[str], **more: str) -> dict[str, str]:
    return {plain(name): name for name in names} | more


YES, NO = ("yes", "true", "1", "y", "x"), ("no", "false", "0", "n")
# What people write in each column, without capitals, spaces and signs.
WORDS: Mapping[str, Mapping[str, str]] = {
    "cms": _words(CMS, wp="wordpress"),
    "cms_variant": _words(CMS_VARIANTS, composer="drupal-composer", d7="drupal-7"),
    "plan": _words(
        PLANS, performancesmall="performance_s", performancemedium="performance_m", performancelarge="performance_l",
        performanceextralarge="performance_xl",
    ),
    "package": _words(PACKAGES),
    "premium_option": _words(
        PREMIUM_OPTIONS, tenmorehours="extra-hours-10", extrahours="extra-hours-10", onecustomupstream="custom-upstream",
        onemorecontentresync="extra-content-resync",
    ),
    "upstream_choice": _words(UPSTREAM_CHOICES, custom="custom-or-alternative", composer="nested-docroot-or-composer"),
    "multisite_decision": _words(MULTISITE_DECISIONS),
}  # fmt: skip
# "Drupal 10", "WP 6.7": a system with its version.
WITH_VERSION = re.compile(r"(wordpress|wp|drupal)\s*v?(\d+(?:\.\d+){0,3})", re.IGNORECASE)
NOTHING = frozenset({"", "none", "na"})


@dataclass(frozen=True)
class SiteRow:
    """One site as a row of the list says it: only what it says, and the row itself."""

    row: int
    values: Mapping[str, Any]
    cells: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "SiteRow":
        """As `plain` wrote it."""
        return cls(kept["row"], kept["values"], tuple((name, text) for name, text in kept["cells"]))

    def plain(self) -> dict[str, Any]:
        """For keeping as JSON."""
        return {"row": self.row, "values": dict(self.values), "cells": harmless_cells(self.cells)}


def read_site_row(row: int, said: Mapping[str, str], cells: tuple[tuple[str, str], ...]) -> SiteRow | RejectedRow:
    """What one row says, its words understood; whether it can stand is the use case's to check."""
    values: dict[str, Any] = {}
    for column, text in said.items():
        try:
            word = plain(read_line(text, LONGEST_URL))
        except TextError as error:
            return RejectedRow.of(row, column, text, error.message, cells)
        if column in ("name", "url", "cms_version"):
            values |= {column: text} if text else {}
        elif word in NOTHING:
            continue
        elif column == "network":
            if word not in YES + NO:
                return RejectedRow.of(row, column, text, "Write yes or no, or leave it empty.", cells)
            values[column] = word in YES
        elif column == "cms" and (found := WITH_VERSION.fullmatch(text)):
            values |= _system(found[1], found[2])
        elif word not in WORDS[column]:
            known = ", ".join(dict.fromkeys(WORDS[column].values()))
            return RejectedRow.of(row, column, text, f"Write one of: {known}.", cells)
        else:
            values[column] = WORDS[column][word]
    values.setdefault("name", values.get("url", ""))
    return SiteRow(row, values, cells)


def _system(name: str, version: str) -> dict[str, str]:
    """Drupal 7 is a variant of its own; whether a later one is built with Composer is not guessed."""
    said = {"cms": WORDS["cms"][name.casefold()], "cms_version": version}
    return said | ({"cms_variant": "drupal-7"} if said["cms"] == "drupal" and version.split(".")[0] == "7" else {})


def reject(row: SiteRow, error: Invalid) -> RejectedRow:
    """The row with the first thing that cannot stand."""
    fault = error.errors[0]
    return RejectedRow.of(row.row, fault.field, str(row.values.get(fault.field, "")), fault.message, row.cells)
