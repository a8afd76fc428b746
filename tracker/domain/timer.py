"""A running timer: how long it has run, when that is too long to be believed, and what is said about it.

Source: docs/rules/timer.md.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.domain.budget import PS_MINIMUM_MINUTES, BudgetExceeded, BudgetKind, Option, Room
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Guard

# Beyond it nobody is sure to have worked all the time: the stop asks.
LONG_RUN = timedelta(hours=10)
DAYS_BY_NAME = 6  # A weekday alone names a day of the last week; further back its date is said.


def seconds_between(started_at: datetime, now: datetime) -> int:
    """How long a timer has run, in whole seconds; nothing where clocks disagree about what came first."""
    return max(0, int((now - started_at).total_seconds()))


def minutes_between(started_at: datetime, stopped_at: datetime) -> int:
    """What is booked for a run: whole minutes, to the nearest, half a minute up, one at least."""
    return max(1, (seconds_between(started_at, stopped_at) + 30) // 60)


def must_ask(started_at: datetime, now: datetime) -> bool:
    """Whether it ran so long that the stop asks how long was worked."""
    return now - started_at > LONG_RUN


def day_of(started_at: datetime, time_zone: str) -> date:
    """The day that the work counts on: that of its start, where the person is."""
    return started_at.astimezone(ZoneInfo(time_zone)).date()


def say_clock(seconds: int) -> str:
    """A running time as a clock shows it, such as 0:42."""
    return f"{seconds // 3600}:{seconds % 3600 // 60:02}"


def say_run(started_at: datetime, now: datetime, time_zone: str) -> str:
    """How long it has run and since when, such as "It has run for 14 h 20 since Mon 08:10."."""
    local, today = started_at.astimezone(ZoneInfo(time_zone)), now.astimezone(ZoneInfo(time_zone)).date()
    day = f"{local:%a}" if (today - local.date()).days <= DAYS_BY_NAME else f"{local:%a %-d %b}"
    return f"It has run for {say_minutes(minutes_between(started_at, now))} since {day} {local:%H:%M}."


def ask(started_at: datetime, now: datetime, time_zone: str) -> str:
    """The question of a stop after a long run."""
    return f"{say_run(started_at, now, time_zone)} How long did you work?"


class TimerRuns(Guard):
    """A person has one timer, and it runs. `asks` says that its stop needs an answer first."""

    def __init__(self, message: str, *, asks: bool) -> None:
        super().__init__(message, rule="timer_running")
        self.asks = asks


class BudgetEmpty(BudgetExceeded):
    """There is nothing left to start on. How much will be needed nobody knows yet, so the ways on name the least of each."""

    def __init__(self, kind: BudgetKind, rooms: Sequence[Room]) -> None:
        message = f"{kind.label}: nothing is left, so no timer starts on it."
        super().__init__(kind, 0, ways_to_start(rooms), message=message)


def ways_to_start(rooms: Sequence[Room]) -> list[Option]:
    """The lawful moves for work whose own budget (the first room) is empty.

    `split` names a further budget with what it still holds: the work starts on the first of them.
    """
    elsewhere = [Option("split", room.kind, room.left) for room in rooms[1:] if room.left > 0]
    return [
        *elsewhere,
        Option("buy_ps", BudgetKind.PS, PS_MINIMUM_MINUTES),
        Option("change_request", rooms[0].kind, PS_MINIMUM_MINUTES),
    ]
