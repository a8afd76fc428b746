"""When each kind of date is worth a word: the ladders of docs/rules/reminders.md, as tables."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.reminders.ladder import Ladder, Moment, next_repeat, occasions
from tracker.domain.reminders.registry import REMINDERS
from tracker.domain.workday import Calendar

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
# Good Friday and Easter Monday, in a year in which Berlin's clock changes on 29 March and New York's on 8 March.
EASTER = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
PAGE = Path(__file__).parents[2] / "docs" / "rules" / "reminders.md"


def told(
    kind: str, dates: Dates, *, zone: str = BERLIN, holidays: frozenset[date] = frozenset(), now: datetime = LONG_AGO
) -> list[tuple[str, str]]:
    """Each occasion's name and local time, as it is planned."""
    moment = Moment(dates, Calendar(zone, holidays), window=2)
    found = occasions(REMINDERS[DeadlineKind(kind)], moment, after=LONG_AGO, now=now)
    return [(each.name, f"{each.at.astimezone(ZoneInfo(zone)):%m-%d %H:%M}") for each in found]


def day(text: str) -> Dates:
    return Dates(due_on=date.fromisoformat(text))


def at(text: str, zone: str = BERLIN) -> Dates:
    return Dates(due_at=datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC))


LADDERS = [
    pytest.param("kickoff", day("2026-04-15"), ["04-08 5d", "04-14 1d"], id="kick-off"),
    # Due on the business day before the kick-off (15 April here), from which its leads of 10, 5 and 2 are counted.
    pytest.param(
        "inventory", day("2026-04-14"), ["03-30 9d", "04-08 4d", "04-13 1d", "04-15 overdue-2026-04-15"], id="inventory"
    ),
    pytest.param("join_channel", day("2026-04-15"), ["04-16 after1d", "04-20 after3d"], id="joining the channel"),
    pytest.param("access", day("2026-04-15"), ["04-08 5d", "04-13 2d", "04-15 0d"], id="access"),
    pytest.param(
        "code_freeze", day("2026-04-15"), ["04-10 3d", "04-14 1d", "04-15 0d", "04-22 week-2026-04-22"], id="code freeze"
    ),
    pytest.param("ttl", day("2026-04-15"), ["04-02 7d", "04-08 5d", "04-10 3d"], id="TTL"),
    pytest.param("content_freeze", day("2026-04-15"), ["04-08 5d", "04-13 2d", "04-14 1d", "04-15 2h"], id="content freeze"),
    pytest.param(
        "content_freeze_notice",
        day("2026-04-14"),
        ["04-07 5d", "04-10 2d", "04-13 1d", "04-15 overdue-2026-04-15"],
        id="announcing the content freeze",
    ),
    pytest.param("dns_cutover", day("2026-04-15"), ["04-14 1d", "04-15 1h", "04-15 start", "04-16 half"], id="DNS cutover"),
    pytest.param("hypercare_end", day("2026-04-15"), ["04-14 1d"], id="hypercare"),
    pytest.param("custom", day("2026-04-15"), ["04-14 1d", "04-15 0d"], id="a date of one's own"),
    pytest.param(
        "uat",
        Dates(due_on=date(2026, 4, 15), opens_on=date(2026, 4, 8)),
        ["04-08 open", "04-10 midpoint", "04-13 2d", "04-14 1d", "04-16 overdue-2026-04-16"],
        id="UAT",
    ),
]


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK])
@pytest.mark.parametrize(("kind", "dates", "expected"), LADDERS)
def test_each_kind_has_its_ladder_over_the_holidays(kind: str, dates: Dates, expected: list[str], zone: str) -> None:
    found = told(kind, dates, zone=zone, holidays=EASTER)
    assert [f"{when.split()[0]} {name}" for name, when in found] == expected
    mornings = [when.split()[1] for name, when in found if name not in ("1h", "2h", "half")]
    assert set(mornings) == {"09:00"}


def test_every_kind_is_in_the_tables() -> None:
    assert {str(row.values[0]) for row in LADDERS} == set(REMINDERS)


def test_the_page_of_reminders_has_a_row_for_each_kind() -> None:
    rows = [line.split("|")[1].strip().strip("`") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert sorted(rows) == sorted(REMINDERS)


@pytest.mark.parametrize(
    ("kind", "dates", "zone", "expected"),
    [
        pytest.param("content_freeze", at("2026-04-15T18:30"), BERLIN, ("2h", "04-15 16:30"), id="hours before an instant"),
        pytest.param("dns_cutover", at("2026-04-15T22:00"), BERLIN, ("start", "04-15 22:00"), id="at the instant itself"),
        pytest.param("dns_cutover", at("2026-03-29T03:15"), BERLIN, ("1h", "03-29 01:15"), id="an hour over the gap in spring"),
        pytest.param("dns_cutover", at("2026-10-25T03:15"), BERLIN, ("1h", "10-25 02:15"), id="an hour in the fold in autumn"),
        pytest.param("dns_cutover", at("2026-03-08T03:15", NEW_YORK), NEW_YORK, ("1h", "03-08 01:15"), id="the gap in New York"),
        pytest.param("access", day("2026-03-30"), BERLIN, ("2d", "03-26 09:00"), id="nine o'clock before the change"),
        pytest.param("access", day("2026-03-30"), BERLIN, ("0d", "03-30 09:00"), id="nine o'clock after it"),
        pytest.param("access", day("2026-10-26"), BERLIN, ("2d", "10-22 09:00"), id="nine o'clock before the change in autumn"),
        pytest.param("access", day("2026-11-02"), NEW_YORK, ("0d", "11-02 09:00"), id="nine o'clock after New York's"),
    ],
)
def test_clock_changes_move_no_reminder(kind: str, dates: Dates, zone: str, expected: tuple[str, str]) -> None:
    assert expected in told(kind, dates, zone=zone)


def test_an_hour_is_an_hour_when_the_clock_jumps() -> None:
    dates = at("2026-03-29T03:15")
    moment = Moment(dates, Calendar(BERLIN))
    (hour,) = [
        each for each in occasions(REMINDERS[DeadlineKind.DNS_CUTOVER], moment, after=LONG_AGO, now=LONG_AGO) if each.name == "1h"
    ]
    assert dates.due_at is not None
    assert dates.due_at - hour.at == timedelta(hours=1)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-04-15T12:00", ["overdue-2026-04-16"], id="before it is due the first one is planned"),
        pytest.param("2026-04-16T08:59", ["overdue-2026-04-16"], id="just before nine"),
        pytest.param(
            "2026-04-16T09:00", ["overdue-2026-04-16", "overdue-2026-04-17"], id="at nine it has come, the next is planned"
        ),
        pytest.param("2026-04-18T12:00", ["overdue-2026-04-17", "overdue-2026-04-20"], id="nothing at the weekend"),
        pytest.param("2026-06-30T12:00", ["overdue-2026-06-30", "overdue-2026-07-01"], id="months later only today's"),
    ],
)
def test_overdue_repeats_each_working_day_one_ahead(now: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    assert [name for name, _ in told("inventory", day("2026-04-15"), now=moment) if name.startswith("overdue")] == expected


def test_overdue_skips_holidays() -> None:
    now = datetime(2026, 4, 2, 12, tzinfo=UTC)
    found = told("inventory", day("2026-04-01"), holidays=EASTER, now=now)
    assert [name for name, _ in found][-2:] == ["overdue-2026-04-02", "overdue-2026-04-07"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        pytest.param("2026-04-15T12:00", ["week-2026-04-22"], id="first week"),
        pytest.param("2026-04-22T09:00", ["week-2026-04-22", "week-2026-04-29"], id="at nine of the next"),
        pytest.param("2026-05-20T08:00", ["week-2026-05-13", "week-2026-05-20"], id="early on its day"),
    ],
)
def test_a_freeze_repeats_each_week(now: str, expected: list[str]) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)
    assert [name for name, _ in told("code_freeze", day("2026-04-15"), now=moment) if name.startswith("week")] == expected


def test_after_an_outage_only_the_latest_is_still_useful() -> None:
    moment = Moment(day("2026-04-15"), Calendar(BERLIN))
    now = datetime(2026, 4, 14, 12, tzinfo=UTC)
    due = [each for each in occasions(REMINDERS[DeadlineKind.KICKOFF], moment, after=LONG_AGO, now=now) if each.at <= now]
    assert [each.name for each in due] == ["5d", "1d"]
    assert [each.name for each in due if each.useless_after > now] == ["1d"]


def test_what_announces_a_start_is_useless_once_it_has_started() -> None:
    moment = Moment(at("2026-04-15T18:00"), Calendar(BERLIN))
    found = occasions(REMINDERS[DeadlineKind.CONTENT_FREEZE], moment, after=LONG_AGO, now=LONG_AGO)
    assert found[-1].useless_after == moment.starts_at


def test_a_short_window_has_no_midpoint_and_no_window_no_half() -> None:
    assert "midpoint" not in dict(told("uat", Dates(due_on=date(2026, 4, 15), opens_on=date(2026, 4, 14))))
    moment = Moment(day("2026-04-15"), Calendar(BERLIN), window=None)
    names = [each.name for each in occasions(REMINDERS[DeadlineKind.DNS_CUTOVER], moment, after=LONG_AGO, now=LONG_AGO)]
    assert "half" not in names


def test_two_rungs_at_one_moment_are_one() -> None:
    found = told("uat", Dates(due_on=date(2026, 4, 15), opens_on=date(2026, 4, 13)))
    assert [name for name, when in found if when == "04-13 09:00"] == ["open"]


MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 -- bounds are naive
ZONES = st.sampled_from([BERLIN, NEW_YORK, "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "America/Havana"])


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    kind=st.sampled_from(list(REMINDERS)),
    due=MOMENTS,
    is_day=st.booleans(),
    opens=st.integers(0, 40),
    window=st.none() | st.integers(1, 20),
    zone=ZONES,
    holidays=st.frozensets(st.dates(date(2024, 1, 1), date(2030, 12, 31)), max_size=40),
    now=MOMENTS,
    after=MOMENTS,
)
def test_occasions_follow_each_other_and_are_useful_for_a_while(
    kind: DeadlineKind,
    due: datetime,
    is_day: bool,
    opens: int,
    window: int | None,
    zone: str,
    holidays: frozenset[date],
    now: datetime,
    after: datetime,
) -> None:
    opens_on = due.date() - timedelta(days=opens + 2) if kind is DeadlineKind.UAT else None
    dates = Dates(due_on=due.date(), opens_on=opens_on) if is_day else Dates(due_at=due, opens_on=opens_on)
    ladder: Ladder = REMINDERS[kind]
    moment = Moment(dates, Calendar(zone, holidays), window)
    found = occasions(ladder, moment, after=after, now=now)
    moments = [each.at for each in found]
    assert moments == sorted(set(moments))
    assert all(each.useless_after > each.at > after for each in found)
    assert len({each.name for each in found}) == len(found)
    again = next_repeat(ladder, moment, now)
    assert again is None or again > now
    assert (again is None) == (ladder.repeat is None)


def test_the_working_day_begins_at_nine() -> None:
    moment = Moment(day("2026-04-15"), Calendar(BERLIN))
    assert moment.morning(moment.day).astimezone(ZoneInfo(BERLIN)).time() == time(9)
