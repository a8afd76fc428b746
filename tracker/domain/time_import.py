"""Hours as rows of a table: what the words of a row mean, and the key under which a row is booked once, for ever.

Source: docs/rules/time_import.md.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import count
from typing import Any
from uuid import UUID

from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.duration import EXAMPLES, DurationError, parse_minutes, say_minutes
from tracker.domain.errors import FieldError, Guard, Invalid, NotAllowed, TrackerError
from tracker.domain.rejected_row import RejectedRow, harmless_cells
from tracker.domain.text import TextError, read_line, read_text
from tracker.domain.time_entry import ACTIVITIES, ENTRY_LIFECYCLE, NOTE_LENGTH, PS_KINDS, Work

MOST_ROWS = 2000
LONGEST_LINE = 2000
# Entries in these states hold no hours: there is nothing of them to book elsewhere.
WITHOUT_HOURS = frozenset({"rejected", "reversed", "reversal"})
YES, NO = ("yes", "true", "1", "y", "x"), ("no", "false", "0", "n")
DAY_WORDS = "Write the day as 2026-11-20 or 20.11.2026."
ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
DOTTED_DAY = re.compile(r"(?P<day>\d{1,2})\.\s?(?P<month>\d{1,2})\.\s?(?P<year>\d{4})", re.ASCII)
SLASHED_DAY = re.compile(r"\d{1,4}/\d{1,2}/\d{1,4}", re.ASCII)
# How a spreadsheet writes 1:30 once it has understood it as a time of day.
WITH_SECONDS = re.compile(r"(\d{1,2}:\d{2}):00", re.ASCII)


class Change(StrEnum):
    """What a good row does."""

    NEW = "new"
    THERE = "already there"


class CellError(ValueError):
    """What stands in a cell cannot be used; `message` says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True)
class EntryRow:
    """One piece of work as a row says it: only what it says, by column, as plain values and as its words; and the row itself."""

    row: int
    said: Mapping[str, Any]
    words: Mapping[str, str]
    cells: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "EntryRow":
        """As `plain` wrote it."""
        return cls(kept["row"], kept["said"], kept["words"], tuple((name, text) for name, text in kept["cells"]))

    def plain(self) -> dict[str, Any]:
        """For keeping as JSON."""
        return {"row": self.row, "said": dict(self.said), "words": dict(self.words), "cells": harmless_cells(self.cells)}

    @property
    def entry_id(self) -> UUID | None:
        """The entry that the row was exported from, perhaps in another installation."""
        return UUID(self.said["id"]) if "id" in self.said else None

    @property
    def holds_hours(self) -> bool:
        return self.said.get("state") not in WITHOUT_HOURS

    def work(self, site_id: UUID, person_id: UUID) -> Work:
        """The work that the row states, on the site and of the person that its words were found to mean."""
        return Work(
            site_id=site_id,
            worked_on=date.fromisoformat(self.said["worked_on"]),
            minutes=self.said.get("minutes", 0),
            kind=WorkKind(self.said["kind"]),
            activity=self.said.get("activity"),
            known_issue_id=self.said.get("known_issue_id"),
            ps_kind=self.said.get("ps_kind"),
            note=self.said.get("note", ""),
            person_id=person_id,
        )


# --- what the words of a row mean -------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Without capitals, spaces and signs."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _line(text: str) -> str:
    return read_line(text, LONGEST_LINE)


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise CellError("That is no id of ours. Leave the column out where the hours come from elsewhere.") from None


def _day(text: str) -> str:
    if SLASHED_DAY.fullmatch(text):
        raise CellError(f"Which of the numbers is the month? {DAY_WORDS}")
    dotted = DOTTED_DAY.fullmatch(text)
    parts = (dotted["year"], dotted["month"], dotted["day"]) if dotted else None
    if parts is None and (iso := ISO_DAY.fullmatch(text)):
        parts = (iso[1], iso[2], iso[3])
    if parts is None:
        raise CellError(DAY_WORDS)
    try:
        return date(*map(int, parts)).isoformat()
    except ValueError:
        raise CellError(f"There is no such day. {DAY_WORDS}") from None


def _minutes(text: str) -> int:
    if not re.fullmatch(r"[-−]?[0-9]{1,6}", text):
        raise CellError("Write whole minutes, such as 90, or name the column duration and write 1:30.")
    return int(text.replace("−", "-"))


def _duration(text: str) -> int:
    seconds = WITH_SECONDS.fullmatch(text)
    return parse_minutes(seconds[1] if seconds else text)


def _word_of(words: Mapping[str, str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        found = words.get(plain(text))
        if found is None:
            raise CellError(f"Write one of: {', '.join(dict.fromkeys(words.values()))}.")
        return found

    return read


def _yes_no(text: str) -> bool:
    if plain(text) not in YES + NO:
        raise CellError("Write yes or no, or leave it empty.")
    return plain(text) in YES


def _copy(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= MOST_ROWS:
        raise CellError("Write which of several rows alike it is: 1, 2 and so on.")
    return int(text)


KINDS = {plain(kind): kind.value for kind in WorkKind} | {plain(kind.label): kind.value for kind in WorkKind}
READERS: Mapping[str, Callable[[str], Any]] = {
    "id": _id,
    "worked_on": _day,
    "engagement": _line,
    "site_id": _id,
    "site": _line,
    "site_url": _line,
    "person": _line,
    "person_email": _line,
    "minutes": _minutes,
    "duration": _duration,
    "kind": _word_of(KINDS | {"allowance": WorkKind.ALLOWANCE.value}),
    "activity": _word_of({plain(each): each for each in ACTIVITIES}),
    "known_issue_id": _line,
    "ps_kind": _word_of({plain(each): each for each in PS_KINDS}),
    "note": lambda text: read_text(text, NOTE_LENGTH),
    "split": _yes_no,
    "copy": _copy,
    "state": _line,
}


def read_entry_row(row: int, said: Mapping[str, str], cells: tuple[tuple[str, str], ...]) -> EntryRow | RejectedRow:
    """What one row says, its words understood; whether it can stand is for the booking to say."""
    values: dict[str, Any] = {}
    spent = "duration" if "minutes" not in said else "minutes"
    given = {column: text for column, text in said.items() if text}
    if plain(given.get("state", "")) in WITHOUT_HOURS:
        given.pop("duration", None)
    for column, text in given.items():
        try:
            values[column] = READERS[column](text)
        except (CellError, TextError, DurationError) as error:
            return RejectedRow.of(row, column, text, error.message, cells)
    if "state" in values:
        values["state"] = values["state"].lower()
    if values.get("state") not in ENTRY_LIFECYCLE:
        values.pop("state", None)
    fault = _missing(values, spent) or _contradiction(values)
    if fault is not None:
        return RejectedRow.of(row, fault.field, given.get(fault.field, ""), fault.message, cells)
    if "duration" in values:
        values["minutes"] = values["duration"]
    return EntryRow(row, values, given, cells)


def _missing(values: Mapping[str, Any], spent: str) -> FieldError | None:
    """The first thing that the row has to say and does not."""
    if "worked_on" not in values:
        return FieldError("worked_on", "Say on which day.")
    if not values.keys() & {"site_id", "site", "site_url"}:
        return FieldError("site", "Choose a site: write its address, its name or its id.")
    if "kind" not in values:
        return FieldError("kind", f"Say what kind of work it was: {', '.join(WorkKind)}.")
    if not values.keys() & {"minutes", "duration"} and values.get("state") not in WITHOUT_HOURS:
        return FieldError(spent, f"Write how long it took. {EXAMPLES}")
    return None


def _contradiction(values: Mapping[str, Any]) -> FieldError | None:
    minutes, duration = values.get("minutes"), values.get("duration")
    if minutes is None or duration is None or minutes == duration:
        return None
    return FieldError("duration", f"The minutes say {minutes}, this says {say_minutes(duration)}. Mend one, or leave it out.")


# --- the key under which a row is booked once -------------------------------------------------------------------------


def numbers_of(stated: Sequence[tuple[EntryRow, Work]]) -> list[int]:
    """Which of several rows alike each one is, from 1. The file alone decides, neither its name nor what was booked before.

    Rows with an id are counted first, so that a row which is added above or below an exported one is a further one. Which
    one a row is may be said in `copy`: the file of rejected rows does, where an earlier row alike was good.
    """
    contents = [_content(work) for _row, work in stated]
    taken: dict[str, set[int]] = defaultdict(set)
    for content, (row, _work) in zip(contents, stated, strict=True):
        if "copy" in row.said:
            taken[content].add(row.said["copy"])
    numbers = [0] * len(stated)
    for place in sorted(range(len(stated)), key=lambda place: stated[place][0].entry_id is None):
        content, row = contents[place], stated[place][0]
        numbers[place] = row.said.get("copy") or next(n for n in count(1) if n not in taken[content])
        taken[content].add(numbers[place])
    return numbers


def key_of(work: Work, number: int) -> str:
    """The key of a row: what it states, and which of several rows alike it is."""
    return hashlib.sha256(json.dumps([_content(work), number]).encode()).hexdigest()


def _content(work: Work) -> str:
    said = (work.person_id, work.site_id, work.worked_on, work.minutes, work.kind.value)
    return json.dumps([*map(str, said), work.activity, work.known_issue_id, work.ps_kind, work.note])


# --- why a row cannot be booked ---------------------------------------------------------------------------------------

# Where the booking names a field otherwise than the table does.
COLUMN_OF = {"person_id": "person_email", "site_id": "site"}
SPLIT_HINT = "write yes under split"


def reject(row: EntryRow, error: TrackerError) -> RejectedRow:
    """The row, at its column, with the reason in the words in which the form says it."""
    column, reason = _reason(error)
    column = "duration" if column == "minutes" and "duration" in row.words else COLUMN_OF.get(column, column)
    return RejectedRow.of(row.row, column, row.words.get(column, ""), reason, row.cells)


def _reason(error: TrackerError) -> tuple[str, str]:
    """Where a fault stands, and what it says. Several faults of one row are told together, at the first of them."""
    if isinstance(error, Invalid):
        first, *others = error.errors
        return first.field, " ".join(
            [first.message, *(f"{COLUMN_OF.get(each.field, each.field)}: {each.message}" for each in others)]
        )
    if isinstance(error, BudgetExceeded):
        return "minutes", f"{error.message} {_ways_on(error)}"
    if isinstance(error, Guard) and error.rule == "hours_locked":
        return "worked_on", error.message
    if isinstance(error, NotAllowed):
        return "person_email", error.message
    return "site", error.message


def _ways_on(error: BudgetExceeded) -> str:
    """The lawful ways on, as words: a file has no buttons."""
    parts = [option.label for option in error.options if option.action == "split"]
    ways = [option.label for option in error.options if option.action != "split"]
    split = [f"{' and '.join(parts)} ({SPLIT_HINT})"] if parts else []
    return f"Ways on: {'; '.join(split + ways)}."


def may_be_split(rejected: RejectedRow) -> bool:
    """Whether the row would be good if what does not fit was split."""
    return SPLIT_HINT in rejected.reason


def with_copy(rejected: RejectedRow, number: int) -> RejectedRow:
    """The rejected row, saying that it is a further one of several alike, so that it stays one when it comes back alone."""
    cells = tuple(cell for cell in rejected.cells if plain(cell[0]) != "copy")
    return replace(rejected, cells=(*cells, ("copy", str(number)))) if number > 1 else rejected
