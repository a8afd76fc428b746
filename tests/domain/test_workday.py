"""Business days, and what clock changes do to local times."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.workday import Calendar, DateOutOfRange, Note, UnknownTimeZone, resolve

FRIDAY = date(2026, 4, 3)  # Good Friday
SATURDAY = date(2026, 4, 4)
SUNDAY = date(2026, 4, 5)
EASTER_MONDAY = date(2026, 4, 6)
TUESDAY = date(2026, 4, 7)

PLAIN = Calendar("Europe/Berlin")
EASTER = Calendar("Europe/Berlin", holidays=frozenset({FRIDAY, EASTER_MONDAY}))
SUNDAY_TO_THURSDAY = Calendar("Africa/Cairo", working_days=frozenset({6, 0, 1, 2, 3}))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "day", "works"),
    [
        pytest.param(PLAIN, FRIDAY, True, id="a Friday"),
        pytest.param(PLAIN, SATURDAY, False, id="a Saturday"),
        pytest.param(EASTER, FRIDAY, False, id="a holiday"),
        pytest.param(EASTER, TUESDAY, True, id="the day after the holidays"),
        pytest.param(SUNDAY_TO_THURSDAY, SUNDAY, True, id="a Sunday where the week begins on it"),
        pytest.param(SUNDAY_TO_THURSDAY, FRIDAY, False, id="a Friday where it is the weekend"),
    ],
)
def test_which_days_are_worked(calendar: Calendar, day: date, works: bool) -> None:
    assert calendar.is_working_day(day) is works


@pytest.mark.parametrize(
    ("calendar", "day", "count", "result"),
    [
        pytest.param(PLAIN, FRIDAY, 1, EASTER_MONDAY, id="over a weekend"),
        pytest.param(PLAIN, EASTER_MONDAY, -1, FRIDAY, id="back over a weekend"),
        pytest.param(PLAIN, SATURDAY, 1, EASTER_MONDAY, id="one after a Saturday is the Monday"),
        pytest.param(PLAIN, SUNDAY, -1, FRIDAY, id="one before a Sunday is the Friday"),
        pytest.param(PLAIN, SATURDAY, 0, SATURDAY, id="zero moves nothing, not even off a weekend"),
        pytest.param(PLAIN, TUESDAY, 5, date(2026, 4, 14), id="five days are a week"),
        pytest.param(PLAIN, TUESDAY, -10, date(2026, 3, 24), id="ten days back are two weeks"),
        pytest.param(EASTER, date(2026, 4, 2), 1, TUESDAY, id="over holidays on both sides of a weekend"),
        pytest.param(EASTER, EASTER_MONDAY, 2, date(2026, 4, 8), id="from a holiday"),
        pytest.param(SUNDAY_TO_THURSDAY, date(2026, 4, 2), 1, SUNDAY, id="Thursday to Sunday"),
        pytest.param(PLAIN, date(2027, 12, 31), 1, date(2028, 1, 3), id="into the next year"),
        pytest.param(PLAIN, date(2028, 2, 28), 2, date(2028, 3, 1), id="over a leap day"),
    ],
)
def test_business_days_are_added(calendar: Calendar, day: date, count: int, result: date) -> None:
    assert calendar.add_business_days(day, count) == result
    assert calendar.business_days_between(day, result) == count


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        pytest.param(FRIDAY, FRIDAY, 0, id="a day to itself"),
        pytest.param(FRIDAY, SUNDAY, 0, id="into the weekend"),
        pytest.param(SATURDAY, TUESDAY, 2, id="from the weekend"),
        pytest.param(TUESDAY, SATURDAY, -1, id="back into the weekend leaves only the Monday"),
    ],
)
def test_business_days_between_days_that_are_not_worked(start: date, end: date, count: int) -> None:
    assert PLAIN.business_days_between(start, end) == count


@pytest.mark.parametrize(
    ("zone", "local", "instant", "note"),
    [
        pytest.param("Europe/Berlin", "2026-03-28T02:30", "2026-03-28T01:30", "ok", id="the day before"),
        pytest.param("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00", "gap_shifted", id="the gap begins"),
        pytest.param("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:30", "gap_shifted", id="in the gap"),
        pytest.param("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00", "ok", id="the gap is over"),
        pytest.param("Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00", "fold_first", id="the fold begins"),
        pytest.param("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30", "fold_first", id="in the fold"),
        pytest.param("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00", "ok", id="the fold is over"),
        pytest.param("America/New_York", "2026-03-08T02:30", "2026-03-08T07:30", "gap_shifted", id="New York, spring"),
        pytest.param("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", "fold_first", id="New York, autumn"),
        pytest.param("America/Havana", "2026-03-08T00:00", "2026-03-08T05:00", "gap_shifted", id="Havana, no midnight"),
        pytest.param("America/Havana", "2026-11-01T00:00", "2026-11-01T04:00", "fold_first", id="Havana, two midnights"),
        pytest.param("America/Santiago", "2026-09-06T00:15", "2026-09-06T04:15", "gap_shifted", id="Santiago, spring"),
        pytest.param("America/Santiago", "2026-04-04T23:30", "2026-04-05T02:30", "fold_first", id="Santiago, autumn"),
        pytest.param("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:45", "gap_shifted", id="half an hour"),
        pytest.param("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45", "fold_first", id="half an hour back"),
        pytest.param("Australia/Lord_Howe", "2026-04-05T02:00", "2026-04-04T15:30", "ok", id="half an hour later"),
        pytest.param("Pacific/Apia", "2011-12-29T09:00", "2011-12-29T19:00", "ok", id="Apia, before the lost day"),
        pytest.param("Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00", "gap_shifted", id="Apia, the lost day"),
        pytest.param("Pacific/Apia", "2011-12-31T09:00", "2011-12-30T19:00", "ok", id="Apia, after it"),
        pytest.param("UTC", "2026-03-29T02:30", "2026-03-29T02:30", "ok", id="UTC has no changes"),
        pytest.param("Asia/Kathmandu", "2026-03-29T09:00", "2026-03-29T03:15", "ok", id="a quarter of an hour"),
    ],
)
def test_a_local_time_has_one_instant(zone: str, local: str, instant: str, note: Note) -> None:
    wanted = datetime.fromisoformat(local)
    resolved = resolve(wanted.date(), wanted.time(), ZoneInfo(zone))
    assert (resolved.instant, resolved.note) == (utc(instant), note)
    assert resolved.instant.tzinfo is UTC
    assert Calendar(zone).at(wanted.date(), wanted.time()) == utc(instant)


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        pytest.param("Europe/Berlin", date(2026, 3, 28), "2026-03-28T23:00", id="a common day"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), "2026-03-29T22:00", id="a day of 23 hours"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), "2026-10-25T23:00", id="a day of 25 hours"),
        pytest.param("America/Havana", date(2026, 3, 7), "2026-03-08T05:00", id="it ends where the clock jumps"),
        pytest.param("America/Havana", date(2026, 10, 31), "2026-11-01T04:00", id="it ends at the first midnight"),
        pytest.param("America/Santiago", date(2026, 9, 5), "2026-09-06T04:00", id="Santiago jumps over midnight"),
        pytest.param("America/Santiago", date(2026, 4, 4), "2026-04-05T04:00", id="its last hour comes twice"),
        pytest.param("Pacific/Apia", date(2011, 12, 29), "2011-12-30T10:00", id="before the lost day"),
        pytest.param("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00", id="the lost day has no length"),
    ],
)
def test_a_day_ends_at_local_midnight(zone: str, day: date, end: str) -> None:
    calendar = Calendar(zone)
    assert calendar.end_of_day(day) == utc(end)
    assert calendar.local_date(utc(end)) > day


def test_a_date_belongs_to_the_client() -> None:
    late = datetime(2026, 4, 3, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    assert PLAIN.local_date(late) == SATURDAY
    assert Calendar("America/New_York").local_date(late) == SATURDAY
    assert Calendar("Pacific/Honolulu").local_date(late) == FRIDAY


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        PLAIN.local_date(datetime(2026, 4, 3, 12))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    "key", ["", "Europe", "Europe/Atlantis", "europe/berlin ", "../etc/passwd", "/etc/localtime", "localtime",
            "right/UTC", "posix/Europe/Berlin", "a\0b", "\ud800", "x" * 10_000, "zone.tab"]
)  # fmt: skip
def test_an_unknown_zone_is_refused_in_words(key: str) -> None:
    with pytest.raises(UnknownTimeZone, match=r"is not a time zone\. Write its IANA name") as refused:
        Calendar(key)
    assert len(str(refused.value).encode()) < 150


@pytest.mark.parametrize("days", [frozenset[int](), frozenset({7}), frozenset({-1, 0})])
def test_a_week_needs_a_working_day(days: frozenset[int]) -> None:
    with pytest.raises(ValueError, match="at least one working day"):
        Calendar("UTC", working_days=days)


EAST, WEST = Calendar("Asia/Tokyo"), Calendar("Pacific/Honolulu")


@pytest.mark.parametrize(
    "beyond",
    [
        pytest.param(lambda: EAST.at(date.min, time()), id="UTC is a year behind"),
        pytest.param(lambda: WEST.at(date.max, time(23)), id="UTC is a year ahead"),
        pytest.param(lambda: EAST.end_of_day(date.max), id="the last day has no end"),
        pytest.param(lambda: EAST.local_date(datetime.max.replace(tzinfo=UTC)), id="the client is a year ahead"),
        pytest.param(lambda: PLAIN.add_business_days(date.max, 1), id="after the last day"),
        pytest.param(lambda: PLAIN.add_business_days(date(1, 1, 8), -10), id="before the first day"),
    ],
)
def test_the_calendar_has_edges(beyond: Callable[[], object]) -> None:
    with pytest.raises(DateOutOfRange, match="years 1 to 9999"):
        beyond()


def test_the_calendar_reaches_its_edges() -> None:
    assert WEST.at(date.min, time()).date() == date.min
    assert EAST.at(date.max, time(23)).date() == date.max
    assert PLAIN.add_business_days(date(9999, 12, 30), 1) == date.max


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))
counts = st.integers(-60, 60)
weeks = st.frozensets(st.integers(0, 6), min_size=1)
calendars = st.builds(
    Calendar,
    st.just("Europe/Berlin"),
    holidays=st.frozensets(days, max_size=5),
    working_days=weeks,
)


@given(calendars, days, counts)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_from_a_working_day_there_and_back_is_the_same_day(calendar: Calendar, day: date, count: int) -> None:
    start = calendar.add_business_days(day, 1)
    end = calendar.add_business_days(start, count)
    assert calendar.add_business_days(end, -count) == start
    assert calendar.is_working_day(end)


@given(calendars, days, counts)
@settings(derandomize=True, max_examples=60, deadline=None)
def test_between_undoes_adding_from_any_day(calendar: Calendar, day: date, count: int) -> None:
    assert calendar.business_days_between(day, calendar.add_business_days(day, count)) == count


@given(calendars, days, st.integers(0, 20), counts, st.integers(0, 5))
@settings(derandomize=True, max_examples=60, deadline=None)
def test_a_later_start_or_more_days_never_end_sooner(calendar: Calendar, day: date, later: int, count: int, more: int) -> None:
    end = calendar.add_business_days(day, count)
    assert calendar.add_business_days(day + timedelta(days=later), count) >= end
    assert calendar.add_business_days(day, count + more) >= end


@given(
    st.sampled_from(["Europe/Berlin", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Pacific/Apia"]),
    days | st.dates(date(2011, 12, 28), date(2012, 1, 2)),
    st.integers(0, 24 * 60 - 1),
)
@settings(derandomize=True, max_examples=100, deadline=None)
def test_a_local_time_moves_only_when_it_does_not_exist(key: str, day: date, minute: int) -> None:
    zone = ZoneInfo(key)
    clock = time(minute // 60, minute % 60)
    resolved = resolve(day, clock, zone)
    shown = resolved.instant.astimezone(zone).replace(tzinfo=None)
    wanted = datetime.combine(day, clock)
    assert shown > wanted if resolved.note == "gap_shifted" else shown == wanted
