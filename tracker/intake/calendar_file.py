"""Days off in a calendar file (.ics, RFC 5545): its all-day events, those that repeat written out a few years ahead.

What a file can ask for is bounded: its size, its events, how many repeat, how far they are written out, how many days.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from icalendar import Calendar, Event
from icalendar.error import BrokenCalendarProperty

from tracker.domain.day_off import NAME_LENGTH
from tracker.domain.errors import UnreadableFile
from tracker.intake.repeats import read_rule

LARGEST = 256 * 1024
MOST_DAYS = 500
MOST_REPEATING = 100
LONGEST_EVENT = 60
YEARS_BACK, YEARS_AHEAD = 1, 3
# A rule is walked from its first day on: one that began ages ago would cost nothing but time.
EARLIEST_START = 1970
NO_CALENDAR = "This is no calendar file. Export the calendar as .ics and send that."
NAMELESS = "Day off"


@dataclass(frozen=True)
class FoundDays:
    """The days that a file holds, by day, and how many of its events are none: with a time, cancelled, or out of reach."""

    days: dict[date, str]
    passed_over: int


def read_days_off(data: bytes, *, today: date) -> FoundDays:
    """Read the all-day events from a year ago to three years ahead. Raises UnreadableFile."""
    if len(data) > LARGEST:
        raise UnreadableFile(f"This file is larger than {LARGEST // 1024} KiB, which no such calendar is. Is it the right file?")
    events = _events(data)
    if sum("RRULE" in event for event in events) > MOST_REPEATING:
        raise UnreadableFile(f"More than {MOST_REPEATING} events in this file repeat. Is it a calendar of days off?")
    first, last = date(today.year - YEARS_BACK, today.month, 1), date(today.year + YEARS_AHEAD, 12, 31)
    replaced = {(str(event.get("UID")), _day(event, "RECURRENCE-ID")) for event in events if "RECURRENCE-ID" in event}
    found: dict[date, str] = {}
    passed_over = 0
    for event in events:
        days = [day for day in _days_of(event, first, last, replaced) if first <= day <= last]
        passed_over += not days
        for day in days:
            found.setdefault(day, _name(event))
        if len(found) > MOST_DAYS:
            raise UnreadableFile(f"This file holds more than {MOST_DAYS} days off. Is it the right calendar?")
    if not found:
        raise UnreadableFile(f"This file holds no all-day event from {first:%-d %b %Y} to {last:%-d %b %Y}.")
    return FoundDays(dict(sorted(found.items())), passed_over)


def _events(data: bytes) -> list[Event]:
    if b"BEGIN:VCALENDAR" not in data.upper():
        raise UnreadableFile(NO_CALENDAR)
    try:
        calendars = Calendar.from_ical(data, multiple=True)
        return [event for calendar in calendars for event in calendar.events]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableFile(NO_CALENDAR) from error


def _days_of(event: Event, first: date, last: date, replaced: set[tuple[str, date | None]]) -> Iterator[date]:
    """The days of one event; none where it has a time of day, is cancelled, or says nothing that can be read."""
    start = _day(event, "DTSTART")
    if start is None or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return
    length = _length(event, start)
    uid = str(event.get("UID"))
    alone = "RECURRENCE-ID" in event
    for begins in [start] if alone else _beginnings(event, start, first - timedelta(days=length), last):
        if alone or (uid, begins) not in replaced:
            yield from (begins + timedelta(days=index) for index in range(length))


def _beginnings(event: Event, start: date, first: date, last: date) -> Iterable[date]:
    """When an event begins, every time that it repeats, from one day to another."""
    if "RRULE" not in event:
        return {start, *_listed(event, "RDATE")}
    parts: Any = event["RRULE"]
    if isinstance(parts, list) or start.year < EARLIEST_START:
        return ()
    try:
        found = {day for day in read_rule(start, parts).days(last) if day >= first}
    except (ValueError, TypeError, AttributeError, OverflowError, BrokenCalendarProperty):
        return ()
    return (found | set(_listed(event, "RDATE"))) - set(_listed(event, "EXDATE"))


def _listed(event: Event, name: str) -> Iterator[date]:
    """Every day in a property that may stand several times, with several days each."""
    held: Any = event.get(name, [])
    for each in held if isinstance(held, list) else [held]:
        try:
            moments = getattr(each, "dts", [])
        except BrokenCalendarProperty:
            continue
        for moment in moments:
            if isinstance(moment.dt, date):
                yield moment.dt.date() if isinstance(moment.dt, datetime) else moment.dt


def _day(event: Event, name: str) -> date | None:
    """A property that is a day and no moment."""
    try:
        value = getattr(event.get(name), "dt", None)
    except BrokenCalendarProperty:
        return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _length(event: Event, start: date) -> int:
    """How many days an event takes: its end is the day after the last. At most sixty."""
    end = _day(event, "DTEND")
    try:
        duration = getattr(event.get("DURATION"), "dt", None)
    except BrokenCalendarProperty:
        duration = None
    days = (end - start).days if end is not None else duration.days if isinstance(duration, timedelta) else 1
    return min(max(1, days), LONGEST_EVENT)


def _name(event: Event) -> str:
    """The event's title on one line, without what no line holds."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(event.get("SUMMARY") or ""))
    return " ".join(text.split())[:NAME_LENGTH].strip() or NAMELESS
