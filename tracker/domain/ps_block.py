"""How long a PS block can be drawn, when somebody is told that it ends, and what it is called meanwhile.

Days are counted by the engagement's calendar, minutes are whole. Source: docs/rules/budget.md, "PS blocks that end".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from tracker.domain.duration import say_minutes
from tracker.domain.errors import FieldError
from tracker.domain.workday import ONE_DAY, Calendar

# So many days before its last day people hear of it.
LEADS = (30, 14, 3)
TOLD_AT = time(9)
MAX_VALID_DAYS = 3650
YEARS = range(2000, 2100)


class BlockState(StrEnum):
    """What has become of a block, as the API names it."""

    OPEN = "open"
    ENDED = "ended"
    CARRIED_OVER = "carried_over"
    VOIDED = "voided"


@dataclass(frozen=True)
class Term:
    """The last day on which a block can be drawn, none for ever; and whether what is left then stays."""

    expires_on: date | None
    carries_over: bool

    def ended(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.expires_on is not None and self.expires_on < today


@dataclass(frozen=True)
class Warned:
    """One warning: how many days before the last one, when, and from when on the next thing matters instead."""

    days: int
    at: datetime
    useless_after: datetime


def last_day(purchased_on: date, valid_days: int | None) -> date | None:
    """The last day of a block that can be drawn so many days, counting from its purchase; None for ever."""
    return None if valid_days is None else purchased_on + timedelta(days=valid_days)


def check_valid_days(field: str, days: int | None) -> list[FieldError]:
    """What is wrong with the days for which blocks can be drawn; none means for ever."""
    if days is None or 1 <= days <= MAX_VALID_DAYS:
        return []
    return [FieldError(field, f"Write a number of days from 1 to {MAX_VALID_DAYS}, or leave it empty.")]


def check_term(term: Term, purchased_on: date, today: date) -> list[FieldError]:
    """What is wrong with the term of a block that is sold or given another last day; `today` is the engagement's."""
    day = term.expires_on
    if day is None:
        return []
    if day.year not in YEARS:
        return [FieldError("expires_on", f"The year {day.year:04d} is not plausible.")]
    if day < purchased_on:
        return [FieldError("expires_on", "That day lies before the purchase.")]
    if term.ended(today) and not term.carries_over:
        said = f"Its last day would be {say_on(day, today)}, which has passed: nothing of it could be used."
        return [FieldError("expires_on", f"{said} Give it a later day, or let what is left carry over.")]
    return []


def warned(expires_on: date, calendar: Calendar) -> list[Warned]:
    """Every warning before a last day, in order: at 09:00 there, each useless as soon as the next has come."""
    moments = [(days, calendar.at(expires_on - timedelta(days=days), TOLD_AT)) for days in LEADS]
    nexts = [*(at for _days, at in moments[1:]), calendar.end_of_day(expires_on)]
    return [Warned(days, at, following) for (days, at), following in zip(moments, nexts, strict=True)]


def warning_due(expires_on: date, calendar: Calendar, now: datetime) -> Warned | None:
    """The warning that matters at a moment: of several that have passed, such as in an outage, the latest only."""
    return next((each for each in warned(expires_on, calendar) if each.at <= now < each.useless_after), None)


def next_turn(expires_on: date | None, calendar: Calendar, after: datetime) -> datetime | None:
    """When a block has next to be looked at: a warning is due, or its last day is over. None where nothing is to come."""
    if expires_on is None:
        return None
    moments = [*(each.at for each in warned(expires_on, calendar)), calendar.end_of_day(expires_on)]
    return next((moment for moment in moments if moment > after), None)


def first_turn(expires_on: date | None, calendar: Calendar, now: datetime) -> datetime | None:
    """When a block that was sold or changed just now is first looked at: at once, where a warning has passed already."""
    if expires_on is None:
        return None
    if calendar.end_of_day(expires_on) <= now or warning_due(expires_on, calendar, now) is not None:
        return now
    return next_turn(expires_on, calendar, now)


def state_of(term: Term, today: date, *, voided: bool) -> BlockState:
    """What has become of a block."""
    if voided:
        return BlockState.VOIDED
    if not term.ended(today):
        return BlockState.OPEN
    return BlockState.CARRIED_OVER if term.carries_over else BlockState.ENDED


def say_term(term: Term, today: date, *, left: int, lapsed: int) -> str:
    """How a block stands, in words: "ends Fri 4 Dec, in 8 days". `left` and `lapsed` are minutes."""
    day = term.expires_on
    if day is None:
        return "used up" if left == 0 else "does not end"
    if not term.ended(today):
        ends = f"ends {say_on(day, today)}, {say_in((day - today).days)}"
        return f"{ends}, then carried over" if term.carries_over else ends
    if term.carries_over:
        return "carried over" if left else "used up"
    return f"ended, {say_minutes(lapsed)} lapsed" if lapsed else "ended, all used"


def say_lapsed_since(blocks: Iterable[tuple[str, date | None, int]]) -> str:
    """What a refusal says of work that is logged after its blocks have ended: reference, last day and lapsed minutes of each."""
    said = [f"{say_minutes(lapsed)} lapsed with block {name} after {day:%a %-d %b %Y}" for name, day, lapsed in blocks if day]
    if not said:
        return ""
    return f"{'; '.join(said)}. A manager can give the block a later last day: what lapsed then comes back."


def say_on(day: date, today: date) -> str:
    """A day with its weekday, and with its year where it is another one: Fri 4 Dec."""
    return f"{day:%a %-d %b}" if day.year == today.year else f"{day:%a %-d %b %Y}"


def say_in(days: int) -> str:
    """How far off a last day is, in words."""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def told_of_end_at(expires_on: date, calendar: Calendar, now: datetime) -> datetime:
    """When people hear that a block has ended: the next morning, or at once where that has passed."""
    return max(calendar.at(expires_on + ONE_DAY, TOLD_AT), now)
