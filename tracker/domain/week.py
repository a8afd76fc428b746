"""One person's week as a grid: a row for each site and what pays for it, a column for each day, and which cells are open.

Minutes are whole. A cell is open where it holds nothing, or one draft, and its day may still be booked on: what is
submitted, approved or closed is changed elsewhere, and the cell says so. Source: docs/rules/week.md.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from tracker.domain.budget import DRAWS_ON, Balance, BudgetKind, WorkKind
from tracker.domain.errors import Invalid
from tracker.domain.time_entry import EARLIEST_YEAR, LATEST_YEAR, Work

DAYS = 7
WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})", re.ASCII)
# Rows that hold no hours yet and stand in an address only; more than anybody works on in a week.
MOST_ADDED = 40
KINDS = tuple(WorkKind)


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday, named as in ISO 8601: 2026-W09."""

    monday: date

    @classmethod
    def of(cls, day: date) -> "Week":
        """The week that a day lies in."""
        return cls(day - timedelta(days=day.weekday()))

    @classmethod
    def read(cls, text: str) -> "Week":
        """Raises Invalid at `week`."""
        try:
            year, number = (int(part) for part in WEEK.fullmatch(text.strip()).groups())  # type: ignore[union-attr]
            if EARLIEST_YEAR <= year <= LATEST_YEAR:
                return cls(date.fromisocalendar(year, number, 1))
        except (AttributeError, ValueError):
            pass
        raise Invalid.at("week", "Write the week as 2026-W09.") from None

    @property
    def name(self) -> str:
        year, number, _day = self.monday.isocalendar()
        return f"{year:04d}-W{number:02d}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar()[1]

    @property
    def days(self) -> tuple[date, ...]:
        return tuple(self.monday + timedelta(days=index) for index in range(DAYS))

    @property
    def sunday(self) -> date:
        return self.days[-1]

    def shifted(self, weeks: int) -> "Week":
        """The week so many weeks later, or earlier."""
        return Week(self.monday + timedelta(weeks=weeks))


@dataclass(frozen=True)
class RowKey:
    """What makes a row: the site, and the kind of work with what it names."""

    site_id: UUID
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None

    @classmethod
    def read(cls, text: str) -> "RowKey":
        """Read a row as `text` writes it. Raises Invalid at `row`."""
        try:
            site, kind, *named = text.split("~")
            activity, known_issue_id, ps_kind = (part or None for part in named)
            return cls(UUID(site), WorkKind(kind), activity, known_issue_id, ps_kind)
        except ValueError:
            raise Invalid.at("row", "There is no such row. Load the page again.") from None

    @property
    def text(self) -> str:
        """How an address and a form name it."""
        return "~".join((str(self.site_id), self.kind, self.activity or "", self.known_issue_id or "", self.ps_kind or ""))

    @property
    def label(self) -> str:
        """The work in words, such as "Known incompatibility: research"."""
        named = [part.replace("_", " ").replace("-", " ") for part in (self.activity, self.ps_kind) if part]
        named += [self.known_issue_id] if self.known_issue_id else []
        return f"{self.kind.label}: {', '.join(named)}" if named else self.kind.label

    @property
    def draws_on(self) -> BudgetKind | None:
        return DRAWS_ON[self.kind]

    def work(self, day: date, minutes: int, note: str = "") -> Work:
        """Some time of this row on one day."""
        return Work(self.site_id, day, minutes, self.kind, self.activity, self.known_issue_id, self.ps_kind, note)


@dataclass(frozen=True)
class Ground:
    """What of a site and its engagement decides which days of its rows are open."""

    site_id: UUID
    site_name: str
    engagement_id: UUID
    engagement_name: str
    is_workable: bool
    locked_through: date | None = None
    signed_on: date | None = None


@dataclass(frozen=True)
class Piece:
    """One entry, as far as a week shows it. `reason` is why it was rejected."""

    id: UUID
    version: int
    row: RowKey
    day: date
    minutes: int
    state: str
    reason: str | None = None


@dataclass(frozen=True)
class Shut:
    """Why a cell cannot be typed in: in a word, and in a sentence."""

    word: str
    why: str


@dataclass(frozen=True)
class Cell:
    """One row on one day: the entries that count, and why it is not open."""

    day: date
    pieces: Sequence[Piece]
    shut: Shut | None
    # Why what stood here was rejected, while nothing stands in its place.
    rejected: str | None = None

    @property
    def minutes(self) -> int:
        return sum(piece.minutes for piece in self.pieces)

    @property
    def draft(self) -> Piece | None:
        """The one entry that typing mends."""
        return self.pieces[0] if self.shut is None and self.pieces else None

    @property
    def state(self) -> str:
        """empty, draft, submitted, approved, or mixed where several entries are in different states."""
        states = {piece.state for piece in self.pieces}
        return "empty" if not states else states.pop() if len(states) == 1 else "mixed"


@dataclass(frozen=True)
class Row:
    """One row with its seven cells. Without a balance it draws on nothing, or its site has no such hours."""

    key: RowKey
    ground: Ground
    cells: Sequence[Cell]
    balance: Balance | None

    @property
    def minutes(self) -> int:
        return sum(cell.minutes for cell in self.cells)


@dataclass(frozen=True)
class WeekGrid:
    """A whole week of one person."""

    week: Week
    rows: Sequence[Row]

    @property
    def day_minutes(self) -> tuple[int, ...]:
        return tuple(sum(row.cells[index].minutes for row in self.rows) for index in range(DAYS))

    @property
    def minutes(self) -> int:
        return sum(row.minutes for row in self.rows)

    def cell(self, key: RowKey, day: date) -> Cell | None:
        """One cell, if there is such a row."""
        found = next((row for row in self.rows if row.key == key), None)
        return next((cell for cell in found.cells if cell.day == day), None) if found else None


@dataclass(frozen=True)
class Facts:
    """What a week is laid out from: the entries, the ground of each site, and the balance that each row draws on."""

    pieces: Sequence[Piece]
    grounds: Mapping[UUID, Ground]
    balances: Mapping[tuple[UUID, BudgetKind], Balance]


def lay_out(week: Week, facts: Facts, added: Iterable[RowKey], *, today: date) -> WeekGrid:
    """The rows of a week in order of engagement, site and kind: those with entries, and those added that have none yet.

    `today` is the day in the person's own zone. A row whose site its reader may not know of is left out.
    """
    keys = dict.fromkeys([*(piece.row for piece in facts.pieces), *added])
    rows = [_row(week, key, facts, today) for key in keys if key.site_id in facts.grounds]
    return WeekGrid(week, sorted(rows, key=_order))


def _order(row: Row) -> tuple[object, ...]:
    key, ground = row.key, row.ground
    named = (key.activity or "", key.ps_kind or "", key.known_issue_id or "")
    return (ground.engagement_name, ground.site_name, str(ground.site_id), KINDS.index(key.kind), *named)


def _row(week: Week, key: RowKey, facts: Facts, today: date) -> Row:
    ground = facts.grounds[key.site_id]
    balance = facts.balances.get((key.site_id, key.draws_on)) if key.draws_on else None
    return Row(key, ground, [_cell(key, day, ground, facts.pieces, today) for day in week.days], balance)


def _cell(key: RowKey, day: date, ground: Ground, pieces: Sequence[Piece], today: date) -> Cell:
    here = [piece for piece in pieces if piece.row == key and piece.day == day]
    counted = [piece for piece in here if piece.state != "rejected"]
    shut = _shut_by_state(counted) or _shut_by_day(day, ground, today)
    rejected = None if counted else next((piece.reason for piece in reversed(here)), None)
    return Cell(day, counted, shut, rejected)


def _shut_by_state(pieces: Sequence[Piece]) -> Shut | None:
    if len(pieces) > 1:
        return Shut(f"{len(pieces)} entries", "Several entries make up this time. Change them under My entries.")
    state = pieces[0].state if pieces else "draft"
    if state == "submitted":
        return Shut("submitted", "It is submitted and waits for approval. Reverse it under My entries to correct it.")
    if state == "approved":
        return Shut("approved", "It is approved. An engagement manager can reverse it.")
    return None


def _shut_by_day(day: date, ground: Ground, today: date) -> Shut | None:
    if not ground.is_workable:
        return Shut("no work", "This site or its engagement is closed, on hold or withdrawn; no work can be logged.")
    if ground.signed_on is not None and day < ground.signed_on:
        return Shut("too early", f"The agreement was signed on {ground.signed_on.isoformat()}; work before it cannot be logged.")
    if ground.locked_through is not None and day <= ground.locked_through:
        closed = ground.locked_through.isoformat()
        return Shut("closed", f"The hours up to {closed} are closed. An engagement manager can open them again.")
    if day > today + timedelta(days=1):
        return Shut("to come", "That day lies in the future. Log work once it is done.")
    return None
