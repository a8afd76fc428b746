"""The day on which a budget runs out if work goes on as in the last weeks: a range, or nothing where nobody can know.

Whole minutes and fractions, business days of the engagement's calendar. Source: docs/rules/hours_report.md, "Forecast".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import ceil

from tracker.domain.workday import Calendar

WEEKS, LEAST_WEEKS, LEAST_DAYS_WITH_WORK = 4, 2, 5
# About two years of business days. What lies further off says more about the pace than about the budget.
HORIZON = 520


@dataclass(frozen=True)
class RunsOut:
    """The first and the last day that the pace allows. Without a last day it is further off than anybody plans."""

    earliest: date
    latest: date | None


@dataclass(frozen=True)
class Week:
    """Seven days: the minutes worked in them, and how many business days they have."""

    minutes: int
    business_days: int


def runs_out(left: int, worked: Mapping[date, int], today: date, calendar: Calendar) -> RunsOut | None:
    """When `left` minutes are used up, at the pace of the last four weeks; `worked` is minutes by day of work.

    The range has the pace without the slowest week at one end and without the quickest at the other, so that one odd
    week does not decide. None where nothing is left, where the first work is less than two weeks old, with fewer than
    five days of work in the weeks that count, and where all of them fell into one week.
    """
    weeks = weeks_before(today, worked, calendar)
    if left <= 0 or len(weeks) < LEAST_WEEKS or _days_with_work(worked, today, len(weeks)) < LEAST_DAYS_WITH_WORK:
        return None
    paces = [pace for index in range(len(weeks)) if (pace := pace_of(weeks[:index] + weeks[index + 1 :])) is not None]
    if not paces or min(paces) <= 0:
        return None
    earliest, latest = (_day_after(left, pace, today, calendar) for pace in (max(paces), min(paces)))
    return None if earliest is None else RunsOut(earliest, latest)


def weeks_before(today: date, worked: Mapping[date, int], calendar: Calendar) -> list[Week]:
    """The last full weeks up to yesterday since work began, four at most, the latest first."""
    first = min((day for day, minutes in worked.items() if minutes > 0), default=today)
    return [_week(today - timedelta(days=7 * index), worked, calendar) for index in range(min(WEEKS, (today - first).days // 7))]


def _week(end: date, worked: Mapping[date, int], calendar: Calendar) -> Week:
    """The seven days before a day."""
    days = [end - timedelta(days=back) for back in range(1, 8)]
    return Week(sum(worked.get(day, 0) for day in days), sum(calendar.is_working_day(day) for day in days))


def pace_of(weeks: list[Week]) -> Fraction | None:
    """Minutes per business day; None for weeks that are all holidays."""
    days = sum(week.business_days for week in weeks)
    return Fraction(sum(week.minutes for week in weeks), days) if days else None


def _days_with_work(worked: Mapping[date, int], today: date, weeks: int) -> int:
    first = today - timedelta(days=7 * weeks)
    return sum(1 for day, minutes in worked.items() if minutes > 0 and first <= day < today)


def _day_after(left: int, pace: Fraction, today: date, calendar: Calendar) -> date | None:
    days = ceil(left / pace)
    return calendar.add_business_days(today, days) if days <= HORIZON else None
