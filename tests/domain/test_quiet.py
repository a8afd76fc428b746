"""Quiet hours: what may be told when, in any zone, and never after it is too late."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.quiet import LONGEST_WAIT, QuietRules, next_allowed
from tracker.domain.workday import Calendar

FAR = datetime(2100, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Pacific/Apia", "UTC", "Asia/Kathmandu")
clocks = st.one_of(st.none(), st.times().map(lambda each: each.replace(microsecond=0, tzinfo=None)))
days = st.frozensets(st.integers(0, 6), min_size=1)
rules = st.builds(
    lambda zone, week, first, last, only: QuietRules(Calendar(zone, working_days=week), first, last, only),
    st.sampled_from(ZONES),
    days,
    clocks,
    clocks,
    st.booleans(),
)
moments = st.datetimes(datetime(2011, 11, 1), datetime(2027, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 -- given a zone


@settings(max_examples=200, derandomize=True, deadline=None)
@given(rules, moments, st.timedeltas(timedelta(0), timedelta(days=9)), st.timedeltas(timedelta(0), timedelta(days=9)))
def test_it_settles_keeps_the_order_and_never_passes_the_deadline(
    rule: QuietRules, instant: datetime, gap: timedelta, left: timedelta
) -> None:
    deadline = instant + gap + left
    told, later = (next_allowed(each, rule, deadline=deadline) for each in (instant, instant + gap))
    assert next_allowed(told, rule, deadline=deadline) == told
    assert told <= later
    assert max(told, later) <= deadline
    assert abs(told - instant) <= LONGEST_WAIT
    assert next_allowed(instant, rule, deadline=deadline, bypass=True) == instant


NIGHT = (time(20), time(8))


@pytest.mark.parametrize(
    ("zone", "instant", "expected"),
    [
        pytest.param("Europe/Berlin", "2026-03-28T23:30+01:00", "2026-03-29T08:00+02:00", id="the clock goes forward"),
        pytest.param("Europe/Berlin", "2026-10-24T23:30+02:00", "2026-10-25T08:00+01:00", id="the clock goes back"),
        pytest.param("America/Havana", "2026-03-07T23:30-05:00", "2026-03-08T08:00-04:00", id="no midnight in Havana"),
        pytest.param("Australia/Lord_Howe", "2026-04-04T23:30+11:00", "2026-04-05T08:00+10:30", id="half an hour"),
        pytest.param("Pacific/Apia", "2011-12-29T23:30-10:00", "2011-12-31T08:00+14:00", id="a day that never was"),
    ],
)
def test_a_quiet_night_ends_at_its_hour_whatever_the_clock_does(zone: str, instant: str, expected: str) -> None:
    told = next_allowed(datetime.fromisoformat(instant), QuietRules(Calendar(zone), *NIGHT), deadline=FAR)
    assert told == datetime.fromisoformat(expected)


def test_what_would_wait_past_its_deadline_comes_early_and_a_weekend_waits_for_monday() -> None:
    rule = QuietRules(Calendar("UTC", frozenset({date(2026, 4, 6)})), *NIGHT, only_working_days=True)
    saturday = datetime(2026, 4, 4, 9, tzinfo=UTC)
    assert next_allowed(saturday, rule, deadline=FAR) == datetime(2026, 4, 7, 8, tzinfo=UTC), "Easter Monday is none either"
    sunday = saturday + timedelta(days=1)
    assert next_allowed(saturday, rule, deadline=sunday) == datetime(2026, 4, 3, 19, 59, tzinfo=UTC)
