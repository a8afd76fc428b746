"""Quiet hours: what may not be told now is told at the first moment that may be, and never too late."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.quiet import QuietHours, next_allowed
from tracker.domain.workday import Calendar

NIGHTS = QuietHours(time(18), time(8))
WEEK = QuietHours(working_days=frozenset(range(5)))
FAR = datetime(2100, 1, 1, tzinfo=UTC)
START = datetime(2024, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 4 * 365 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
CLOCKS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
ZONES = st.sampled_from(["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "America/New_York", "UTC"])


@st.composite
def some_hours(draw: st.DrawFn) -> QuietHours:
    days = draw(st.none() | st.frozensets(st.integers(0, 6), min_size=1))
    return QuietHours(draw(CLOCKS), draw(CLOCKS), days) if draw(st.booleans()) else QuietHours(working_days=days)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(some_hours(), ZONES, MOMENTS, st.integers(0, 3000), st.integers(0, 12_000))
def test_a_shift_is_stable_keeps_the_order_and_never_passes_the_deadline(
    quiet: QuietHours, zone: str, moment: datetime, minutes: int, left: int
) -> None:
    calendar, other = Calendar(zone), moment + timedelta(minutes=minutes)
    latest = other + timedelta(minutes=left)
    told = next_allowed(moment, quiet, calendar, latest=latest)
    assert told <= latest
    assert abs(told - moment) <= timedelta(days=7)
    assert told <= next_allowed(other, quiet, calendar, latest=latest)
    assert next_allowed(told, quiet, calendar, latest=latest) == told
    if told != moment:
        assert not quiet.is_quiet(told, calendar)
        assert not quiet.is_day_off(told, calendar)


@pytest.mark.parametrize(
    ("zone", "until", "moment", "told"),
    [
        ("Europe/Berlin", time(2, 30), "2026-10-25T01:25", "2026-10-25T01:30"),
        ("America/Havana", time(0, 30), "2026-11-01T05:25", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", time(1, 45), "2026-04-04T15:10", "2026-04-04T15:15"),
        ("Europe/Berlin", time(2, 30), "2026-03-29T00:55", "2026-03-29T01:00"),
        ("Australia/Lord_Howe", time(2, 15), "2026-10-03T15:25", "2026-10-03T15:30"),
    ],
)
def test_quiet_ends_by_the_clock_also_where_it_shows_a_time_twice_or_never(
    zone: str, until: time, moment: str, told: str
) -> None:
    at, wanted = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (moment, told))
    assert next_allowed(at, QuietHours(time(18), until), Calendar(zone), latest=FAR) == wanted


@pytest.mark.parametrize(
    ("quiet", "moment", "told"),
    [
        (QuietHours(), "2026-03-07T03:00", "2026-03-07T03:00"),
        (NIGHTS, "2026-03-02T12:00", "2026-03-02T12:00"),
        (NIGHTS, "2026-03-02T22:00", "2026-03-03T07:00"),
        (NIGHTS, "2026-03-02T04:00", "2026-03-02T07:00"),
        (WEEK, "2026-03-07T12:00", "2026-03-09T08:00"),
        # Both clock changes: eight o'clock stays eight o'clock.
        (NIGHTS, "2026-03-28T20:00", "2026-03-29T06:00"),
        (NIGHTS, "2026-10-24T20:00", "2026-10-25T07:00"),
    ],
)
def test_it_is_told_when_their_clock_says_so(quiet: QuietHours, moment: str, told: str) -> None:
    at, wanted = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (moment, told))
    assert next_allowed(at, quiet, Calendar("Europe/Berlin"), latest=FAR) == wanted


def test_what_would_be_past_is_told_before_the_quiet_begins() -> None:
    moment = datetime(2026, 3, 3, 4, tzinfo=UTC)
    told = next_allowed(moment, NIGHTS, Calendar("Europe/Berlin"), latest=moment + timedelta(hours=1))
    assert told == datetime(2026, 3, 2, 16, 59, tzinfo=UTC)


def test_a_long_closure_alone_makes_nobody_be_told_early() -> None:
    calendar = Calendar("UTC", frozenset(date(2026, 12, 21) + timedelta(days=number) for number in range(14)))
    moment = datetime(2026, 12, 22, 9, tzinfo=UTC)
    assert next_allowed(moment, WEEK, calendar, latest=FAR) == moment
