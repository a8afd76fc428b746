"""Putting a message off: for an hour of elapsed time, or until a time that the engagement's clock shows.

Never past the date that it speaks of. Source: docs/rules/slack.md, "Snooze".
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from tracker.domain.deadline import WORKDAY_START
from tracker.domain.workday import Calendar

HOUR = timedelta(hours=1)
DAYS_OF_A_WEEK = 7


class Snooze(StrEnum):
    """For how long."""

    HOUR = "1h"
    TOMORROW = "tomorrow"
    MONDAY = "monday"

    @property
    def label(self) -> str:
        return {"1h": "1 hour", "tomorrow": "Tomorrow 09:00", "monday": "Until Monday"}[self]

    def until(self, now: datetime, calendar: Calendar) -> datetime:
        """When it is told again. A Monday is always a later day than today."""
        if self is Snooze.HOUR:
            return now + HOUR
        today = calendar.local_date(now)
        days = 1 if self is Snooze.TOMORROW else DAYS_OF_A_WEEK - today.weekday()
        return calendar.at(today + timedelta(days=days), WORKDAY_START)


def possible(now: datetime, calendar: Calendar, limit: datetime | None) -> Iterator[Snooze]:
    """What ends before a moment."""
    for choice in Snooze:
        if limit is None or choice.until(now, calendar) < limit:
            yield choice
