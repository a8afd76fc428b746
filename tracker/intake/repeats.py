"""On which days an all-day event repeats (RFC 5545, 3.3.10), by looking at each day: a rule that never comes true ends too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby, islice
from typing import Any

WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
RHYTHMS = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
READ = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYMONTH", "BYMONTHDAY", "BYDAY", "BYSETPOS"}
ONE_DAY = timedelta(days=1)


class UnreadRule(ValueError):
    """The rule asks for something that days off do not need, such as hours or numbered weeks."""


@dataclass(frozen=True)
class Rule:
    """How something repeats from its first day on. Days of the week stand with their place in the month or year, or none."""

    start: date
    rhythm: str
    interval: int = 1
    count: int | None = None
    until: date | None = None
    week_start: int = 0
    months: Sequence[int] = ()
    month_days: Sequence[int] = ()
    weekdays: Sequence[tuple[int | None, int]] = ()
    places: Sequence[int] = ()

    def days(self, last: date) -> Iterator[date]:
        """Every day on which it happens, up to the last."""
        end = min(last, self.until or last)
        span = (end - self.start).days + 1
        matching = (day for day in (self.start + index * ONE_DAY for index in range(max(0, span))) if self._matches(day))
        return islice(self._placed(matching) if self.places else matching, self.count)

    def _placed(self, matching: Iterator[date]) -> Iterator[date]:
        for _, group in groupby(matching, self._period):
            days = list(group)
            yield from (day for index, day in enumerate(days) if index + 1 in self.places or index - len(days) in self.places)

    def _period(self, day: date) -> int:
        """The number of the year, month, week or day in which a day lies."""
        if self.rhythm == "YEARLY":
            return day.year
        if self.rhythm == "MONTHLY":
            return day.year * 12 + day.month
        if self.rhythm == "WEEKLY":
            # The first of January of the year 1 was a Monday, the first ordinal day.
            return (day.toordinal() - 1 - self.week_start) // 7
        return day.toordinal()

    def _matches(self, day: date) -> bool:
        if (self._period(day) - self._period(self.start)) % self.interval:
            return False
        if self.months and day.month not in self.months:
            return False
        if self.month_days and not {day.day, day.day - _month_length(day) - 1} & set(self.month_days):
            return False
        return self._weekday_fits(day) if self.weekdays else bool(self.month_days) or self._like_the_first(day)

    def _weekday_fits(self, day: date) -> bool:
        places = {None, *self._places_of(day)}
        return any(weekday == day.weekday() and place in places for place, weekday in self.weekdays)

    def _places_of(self, day: date) -> tuple[int, int]:
        """Which Monday (say) of its month it is, or of its year, from the front and from the back."""
        if self.rhythm == "YEARLY" and not self.months:
            index, length = day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday
        else:
            index, length = day.day, _month_length(day)
        return (index - 1) // 7 + 1, -((length - index) // 7 + 1)

    def _like_the_first(self, day: date) -> bool:
        """What a rule leaves open is as on its first day."""
        if self.rhythm == "YEARLY":
            return day.day == self.start.day and (bool(self.months) or day.month == self.start.month)
        if self.rhythm == "MONTHLY":
            return day.day == self.start.day
        return self.rhythm == "DAILY" or day.weekday() == self.start.weekday()


def read_rule(start: date, parts: Mapping[str, Any]) -> Rule:
    """Read the parts of an RRULE. Raises UnreadRule."""
    rhythm = str(_first(parts, "FREQ")).upper()
    interval = _first(parts, "INTERVAL", 1)
    if rhythm not in RHYTHMS or set(parts) - READ or interval < 1:
        raise UnreadRule
    until = _first(parts, "UNTIL")
    return Rule(
        start=start,
        rhythm=rhythm,
        interval=interval,
        count=_first(parts, "COUNT"),
        # An end that is a moment is read as its day: the days of an all-day event have no zone.
        until=until.date() if isinstance(until, datetime) else until,
        week_start=WEEKDAYS.index(str(_first(parts, "WKST", "MO")).upper()),
        months=[int(month) for month in parts.get("BYMONTH", ())],
        month_days=[int(day) for day in parts.get("BYMONTHDAY", ())],
        weekdays=[_weekday(str(each)) for each in parts.get("BYDAY", ())],
        places=[int(place) for place in parts.get("BYSETPOS", ())],
    )


def _first(parts: Mapping[str, Any], name: str, default: Any = None) -> Any:
    value = parts.get(name, default)
    return value[0] if isinstance(value, list) else value


def _weekday(text: str) -> tuple[int | None, int]:
    """Such as FR, 2FR or -1FR."""
    place, name = text[:-2], text[-2:].upper()
    return (int(place) if place else None), WEEKDAYS.index(name)


def _month_length(day: date) -> int:
    following = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (following - ONE_DAY).day
