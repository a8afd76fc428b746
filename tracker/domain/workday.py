"""Business days and local times of one engagement, in its client's time zone.

Days are `date`, instants are aware UTC. A clock change never loses a deadline: a local time that does not exist moves
forward by the length of the gap, and of a time that happens twice the first counts (RFC 5545, 3.3.5).
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MONDAY_TO_FRIDAY = frozenset(range(5))
ONE_DAY = timedelta(days=1)
MIDNIGHT = time()

# They name the machine's setting, the database's internals, or clocks that count leap seconds: no place has them.
NOT_A_PLACE = ("localtime", "posixrules", "Factory", "posix/", "right/")

Note = Literal["ok", "gap_shifted", "fold_first"]


class UnknownTimeZone(ValueError):
    """No such time zone in the IANA database."""

    def __init__(self, key: str) -> None:
        shown = f"“{key[:60]}”" if key.isprintable() and key else "This"
        super().__init__(f"{shown} is not a time zone. Write its IANA name, such as Europe/Berlin.")


class DateOutOfRange(ValueError):
    """The calculation leaves the years 1 to 9999."""

    def __init__(self) -> None:
        super().__init__("That day is outside the calendar, which holds the years 1 to 9999.")


@dataclass(frozen=True)
class Resolved:
    """The instant of a local time, and whether a clock change had a say in it."""

    instant: datetime
    note: Note


def zone_of(key: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises UnknownTimeZone."""
    if key.startswith(NOT_A_PLACE):
        raise UnknownTimeZone(key)
    try:
        return ZoneInfo(key)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # A folder such as "Europe" is an OSError.
        raise UnknownTimeZone(key) from error


def resolve(day: date, clock: time, zone: ZoneInfo) -> Resolved:
    """Find the instant of a local time, also in the hours that a clock change skips or repeats.

    Raises DateOutOfRange where UTC would need a year before 1 or after 9999.
    """
    local = datetime.combine(day, clock.replace(tzinfo=None, fold=0))
    # Python reads fold=0 with the offset before a gap and before the second pass of a fold: just what RFC 5545 asks.
    first = local.replace(tzinfo=zone)
    try:
        instant = first.astimezone(UTC)
        shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
    except OverflowError as error:
        raise DateOutOfRange from error
    if shown != local:
        return Resolved(instant, "gap_shifted")
    if first.replace(fold=1).utcoffset() != first.utcoffset():
        return Resolved(instant, "fold_first")
    return Resolved(instant, "ok")


@dataclass(frozen=True)
class Calendar:
    """When a client works: a time zone, the days of the week (Monday is 0), and the public holidays among them.

    Raises UnknownTimeZone, and ValueError for a week without a working day.
    """

    time_zone: str
    holidays: frozenset[date] = frozenset()
    working_days: frozenset[int] = MONDAY_TO_FRIDAY

    def __post_init__(self) -> None:
        zone_of(self.time_zone)
        if not self.working_days or not self.working_days <= set(range(7)):
            raise ValueError("A week needs at least one working day, from 0 for Monday to 6 for Sunday.")

    @property
    def zone(self) -> ZoneInfo:
        return zone_of(self.time_zone)

    def is_working_day(self, day: date) -> bool:
        return day.weekday() in self.working_days and day not in self.holidays

    def add_business_days(self, day: date, count: int) -> date:
        """Return the `count`-th working day after a day, or before it when `count` is negative.

        The day itself is never counted, so one after a Saturday is the Monday. Zero returns the day as it is, working
        day or not: to move off a weekend is a decision of its own. Raises DateOutOfRange.
        """
        step = ONE_DAY if count > 0 else -ONE_DAY
        left = abs(count)
        try:
            while left:
                day += step
                left -= self.is_working_day(day)
        except OverflowError as error:
            raise DateOutOfRange from error
        return day

    def business_days_between(self, start: date, end: date) -> int:
        """Return how many business days to add to `start` to reach `end`; negative when `end` comes first.

        Working days after `start` up to and with `end` count; going back, those before `start` down to and with `end`.
        """
        if end < start:
            return -self._working_days(end, start - ONE_DAY) if start > date.min else 0
        return self._working_days(start + ONE_DAY, end) if start < end else 0

    def _working_days(self, first: date, last: date) -> int:
        """How many working days there are from one day to another, both included: whole weeks at once, then the rest."""
        weeks, rest = divmod((last - first).days + 1, 7)
        weekdays = sum((first.weekday() + index) % 7 in self.working_days for index in range(rest))
        holidays = sum(first <= day <= last and day.weekday() in self.working_days for day in self.holidays)
        return weeks * len(self.working_days) + weekdays - holidays

    def at(self, day: date, clock: time) -> datetime:
        """Return the UTC instant at which the client's clock shows this time. Raises DateOutOfRange."""
        return resolve(day, clock, self.zone).instant

    def end_of_day(self, day: date) -> datetime:
        """Return the local midnight that ends a day, in UTC: `due_on` is kept by whatever comes before it.

        Where the clock jumps over midnight the day ends at the jump. Raises DateOutOfRange.
        """
        if day == date.max:
            raise DateOutOfRange
        return self.at(day + ONE_DAY, MIDNIGHT)

    def local_date(self, instant: datetime) -> date:
        """Return the client's date at an instant. Raises ValueError for an instant without a time zone."""
        if instant.utcoffset() is None:
            raise ValueError("An instant needs a time zone.")
        try:
            return instant.astimezone(self.zone).date()
        except OverflowError as error:
            raise DateOutOfRange from error
