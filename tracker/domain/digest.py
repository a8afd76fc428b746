"""When digests are written: on Mondays and on working days, at nine unless another hour is wished, by the engagement's clock.

Source: docs/rules/delivery.md, "Digests".
"""

from datetime import date, datetime, time, timedelta

from tracker.domain.deadline import WORKDAY_START
from tracker.domain.weekly_update import monday_of
from tracker.domain.workday import Calendar

ONE_WEEK = timedelta(days=7)


def first_weekly(kickoff: date, calendar: Calendar, hour: int | None, now: datetime) -> datetime:
    """The first Monday morning after now that comes after the day of the kick-off."""
    monday = monday_of(max(calendar.local_date(now), kickoff))
    while monday <= kickoff or _at(calendar, monday, hour) <= now:
        monday += ONE_WEEK
    return _at(calendar, monday, hour)


def first_daily(calendar: Calendar, hour: int | None, now: datetime) -> datetime:
    """The first morning of a working day after now."""
    day = calendar.local_date(now)
    if calendar.is_working_day(day) and _at(calendar, day, hour) > now:
        return _at(calendar, day, hour)
    return _at(calendar, calendar.add_business_days(day, 1), hour)


def _at(calendar: Calendar, day: date, hour: int | None) -> datetime:
    return calendar.at(day, WORKDAY_START if hour is None else time(hour))
