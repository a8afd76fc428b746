"""When somebody may be told things: not in their quiet hours, and on their working days only. Pure; nothing here reads a clock.

A moment that may not be is put off to the first one that may, unless the thing would be past by then: it is told early then.
Sources: docs/rules/reminders.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tracker.domain.workday import Calendar

LONGEST_SHIFT = timedelta(days=7)
MORNING = time(9)
MIDNIGHT = time()
MINUTE = timedelta(minutes=1)
STEPS = 40


@dataclass(frozen=True)
class QuietHours:
    """Local times between which nothing is told (over midnight too), and the days on which anything is (Monday is 0).

    Days alone are quiet until nine: a Monday does not begin at midnight.
    """

    begins: time | None = None
    ends: time | None = None
    working_days: frozenset[int] | None = None

    @property
    def is_set(self) -> bool:
        return self.working_days is not None or (self.begins is not None and self.ends is not None)

    @property
    def span(self) -> tuple[time, time]:
        if self.begins is not None and self.ends is not None:
            return self.begins, self.ends
        return MIDNIGHT, MORNING

    def is_day_off(self, moment: datetime, calendar: Calendar) -> bool:
        day = calendar.local_date(moment)
        if self.working_days is None:
            return False
        return day.weekday() not in self.working_days or day in calendar.holidays

    def is_quiet(self, moment: datetime, calendar: Calendar) -> bool:
        begins, ends = self.span
        clock = moment.astimezone(calendar.zone).time()
        return begins <= clock < ends if begins <= ends else clock >= begins or clock < ends


def next_allowed(moment: datetime, quiet: QuietHours, calendar: Calendar, *, latest: datetime) -> datetime:
    """The moment itself where it is allowed, else the first later one that is; never after `latest`, then the last earlier one.

    Put off by a week at most: who allows nothing for longer is told as planned.
    """
    if not quiet.is_set:
        return moment
    later = _walk(moment, quiet, calendar, _ahead)
    if later is None or later <= latest:
        return later or moment
    return _walk(moment, quiet, calendar, _back) or moment


def _walk(
    moment: datetime, quiet: QuietHours, calendar: Calendar, step: Callable[[datetime, QuietHours, Calendar], datetime]
) -> datetime | None:
    at = moment
    for _ in range(STEPS):
        if abs(at - moment) > LONGEST_SHIFT:
            return None
        if not quiet.is_day_off(at, calendar) and not quiet.is_quiet(at, calendar):
            return at
        at = step(at, quiet, calendar)
    return None


def _ahead(at: datetime, quiet: QuietHours, calendar: Calendar) -> datetime:
    day = calendar.local_date(at)
    over = calendar.end_of_day(day)
    if quiet.is_day_off(at, calendar):
        return over
    if _clock_changes(day, calendar):
        return _by_minutes(at, quiet, calendar, MINUTE)
    ends = calendar.at(day, quiet.span[1])
    return ends if ends > at else over


def _back(at: datetime, quiet: QuietHours, calendar: Calendar) -> datetime:
    day = calendar.local_date(at)
    began = calendar.at(day, MIDNIGHT)
    if quiet.is_day_off(at, calendar):
        return began - MINUTE
    if _clock_changes(day, calendar):
        return _by_minutes(at, quiet, calendar, -MINUTE)
    begins = calendar.at(day, quiet.span[0])
    return (begins if begins <= at else began) - MINUTE


def _clock_changes(day: date, calendar: Calendar) -> bool:
    """Whether a time of this day is shown twice, or never: then only looking at the clock tells when it is quiet."""
    return calendar.end_of_day(day) - calendar.at(day, MIDNIGHT) != timedelta(days=1)


def _by_minutes(at: datetime, quiet: QuietHours, calendar: Calendar, step: timedelta) -> datetime:
    day, minute = calendar.local_date(at), at.replace(second=0, microsecond=0) + step
    while calendar.local_date(minute) == day and quiet.is_quiet(minute, calendar):
        minute += step
    return minute
