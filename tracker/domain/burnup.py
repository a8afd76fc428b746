"""How a budget filled up: what was used and held by day of work, the limit and where it moved; and what it was on a past day.

All figures are whole minutes, added up from the ledger's postings and never rounded. Source: docs/rules/hours_report.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from tracker.domain.budget import Balance, BudgetKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid
from tracker.domain.workday import Calendar

EARLIEST_YEAR = 2000


@dataclass(frozen=True)
class Worked:
    """What stands of the work of one day on one budget, in minutes: booked, and how much of that is approved."""

    day: date
    booked: int
    approved: int

    @property
    def held(self) -> int:
        return self.booked - self.approved


@dataclass(frozen=True)
class Step:
    """The limit moved on a day by so many minutes, either way."""

    day: date
    minutes: int
    why: str


@dataclass(frozen=True)
class Block:
    """One purchase of PS hours as it is known at some moment; `booked` is what it has paid for by then."""

    minutes: int
    booked: int
    reference: str
    purchased_on: date
    voided_at: datetime | None
    lapsed_at: datetime | None
    carries_over: bool


@dataclass(frozen=True)
class Point:
    """One day on which something moved: the minutes of that day's work, and how the budget stood with it."""

    day: date
    used_that_day: int
    held_that_day: int
    steps: tuple[Step, ...]
    used: int
    held: int
    limit: int

    @property
    def moved_limit(self) -> int:
        return sum(step.minutes for step in self.steps)

    @property
    def left(self) -> int:
        return self.limit - self.used - self.held


def steps_of(blocks: Iterable[Block], until: datetime | None, calendar: Calendar) -> list[Step]:
    """Where the limit of a pool moved: up with a purchase, down with a block that was voided or whose rest lapsed.

    `until` is the moment as of which it is asked, None for now. What a lapsed block gets back lapses at once, so its
    limit is what it has paid for.
    """
    steps = []
    for block in blocks:
        steps.append(Step(block.purchased_on, block.minutes, f"{block.reference}: {say_minutes(block.minutes)} bought"))
        voided_on, lapsed_on = (_day_of(moment, until, calendar) for moment in (block.voided_at, block.lapsed_at))
        rest = 0 if block.carries_over else block.minutes - block.booked
        if voided_on is not None:
            steps.append(Step(voided_on, -block.minutes, f"{block.reference}: voided"))
        elif lapsed_on is not None and rest:
            steps.append(Step(lapsed_on, -rest, f"{block.reference}: {say_minutes(rest)} lapsed"))
    return sorted(steps, key=lambda step: step.day)


def _day_of(moment: datetime | None, until: datetime | None, calendar: Calendar) -> date | None:
    """The day of what had happened by then; None for what had not."""
    return None if moment is None or (until is not None and moment >= until) else calendar.local_date(moment)


def burn_up(opening: int, worked: Iterable[Worked], steps: Sequence[Step]) -> list[Point]:
    """The days on which something moved, in order. `opening` is the limit before any step.

    Work of one day may come several times, as the sites of an engagement together have it.
    """
    booked: dict[date, tuple[int, int]] = {}
    for each in worked:
        used, held = booked.get(each.day, (0, 0))
        booked[each.day] = (used + each.approved, held + each.held)
    points, used_so_far, held_so_far, limit = [], 0, 0, opening
    for day in sorted({day for day, minutes in booked.items() if any(minutes)} | {step.day for step in steps}):
        used, held = booked.get(day, (0, 0))
        moved = tuple(step for step in steps if step.day == day)
        used_so_far, held_so_far = used_so_far + used, held_so_far + held
        limit += sum(step.minutes for step in moved)
        points.append(Point(day, used, held, moved, used_so_far, held_so_far, limit))
    return points


def balance_of(kind: BudgetKind, opening: int, worked: Sequence[Worked], steps: Sequence[Step]) -> Balance:
    """The three numbers, added up."""
    used, held = sum(each.approved for each in worked), sum(each.held for each in worked)
    return Balance(kind, opening + sum(step.minutes for step in steps), used, held)


def check_past(day: date, today: date) -> date:
    """A day as of which a balance may be asked. Raises Invalid at `as_of`."""
    if day > today:
        raise Invalid.at("as_of", "That day has not come yet. Choose today or a day before.")
    if day.year < EARLIEST_YEAR:
        raise Invalid.at("as_of", f"The year {day.year:04d} is not plausible.")
    return day
