"""A row of somebody's file that cannot be used: which, where in it, what stands there, and why not."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tracker.domain.secret import find_secret

SHOWN, KEPT = 100, 1000
HIDDEN = "(not shown)"
# What a spreadsheet takes for a formula where it comes first in a cell.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
GUARD = "'"


@dataclass(frozen=True)
class RejectedRow:
    """`row` counts as a spreadsheet does. `value` is shortened; `cells` are the whole row, to be given back for repair."""

    row: int
    column: str
    value: str
    reason: str
    cells: tuple[tuple[str, str], ...] = ()
    # What the row speaks of, as far as that could be read: it is rejected, and yet not gone.
    slug: str | None = None

    @classmethod
    def of(
        cls, row: int, column: str, value: str, reason: str, cells: Iterable[tuple[str, str]] = (), slug: str | None = None
    ) -> "RejectedRow":
        """Secrets are left out and control characters made harmless, because rejected rows are shown and kept."""
        return cls(row, column, harmless(value, SHOWN), reason, harmless_cells(cells), slug)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> "RejectedRow":
        """As `plain` wrote it."""
        return cls(**{**plain, "cells": tuple((name, text) for name, text in plain["cells"])})

    def told(self) -> dict[str, Any]:
        """What is answered and kept of it for good."""
        return {"row": self.row, "column": self.column, "value": self.value, "reason": self.reason}

    def plain(self) -> dict[str, Any]:
        """For keeping as JSON."""
        return asdict(self)


def harmless(text: str, longest: int) -> str:
    """A text of a stranger's file as it may be shown and kept: no secret, no control character, not endless."""
    if find_secret(text):
        return HIDDEN
    shown = "".join(mark if unicodedata.category(mark) not in ("Cc", "Cs") else "\ufffd" for mark in text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}…"


def harmless_cells(cells: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """A whole row of a file, each cell under its heading."""
    return tuple((harmless(name, SHOWN), harmless(text, KEPT)) for name, text in cells)


def guarded(text: str) -> str:
    """A cell that no spreadsheet carries out: only its first character decides, and an apostrophe before it is not shown.

    A cell that looks guarded already gets a further one, so that `unguarded` gives back every text as it was.
    """
    return f"{GUARD}{text}" if text.lstrip(GUARD).startswith(FORMULA) else text


def unguarded(text: str) -> str:
    """The cell again, when such a file comes back."""
    return text[1:] if text.startswith(GUARD) and text.lstrip(GUARD).startswith(FORMULA) else text
