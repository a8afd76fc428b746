"""When a PS block is looked at, which warning matters, and what it is called: in any zone, over any clock change."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.ps_block import (
    BlockState,
    Term,
    check_term,
    first_turn,
    last_day,
    next_turn,
    say_lapsed_since,
    say_term,
    state_of,
    warned,
    warning_due,
)
from tracker.domain.workday import Calendar

BERLIN, APIA, HAVANA, UTC_ZONE = Calendar("Europe/Berlin"), Calendar("Pacific/Apia"), Calendar("America/Havana"), Calendar("UTC")
SECOND = timedelta(seconds=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("calendar", "expires_on", "moments"),
    [
        pytest.param(
            BERLIN, date(2026, 12, 4), ["2026-11-04T08:00", "2026-11-20T08:00", "2026-12-01T08:00", "2026-12-04T23:00"],
            id="winter",
        ),
        pytest.param(
            BERLIN, date(2026, 4, 10), ["2026-03-11T08:00", "2026-03-27T08:00", "2026-04-07T07:00", "2026-04-10T22:00"],
            id="clocks go forward between two warnings: it is nine on the clock there",
        ),
        pytest.param(
            BERLIN, date(2026, 11, 8), ["2026-10-09T07:00", "2026-10-25T08:00", "2026-11-05T08:00", "2026-11-08T23:00"],
            id="a warning on the day on which clocks go back",
        ),
        pytest.param(
            APIA, date(2026, 12, 4), ["2026-11-03T20:00", "2026-11-19T20:00", "2026-11-30T20:00", "2026-12-04T11:00"],
            id="where the day ends before it does anywhere else",
        ),
        pytest.param(
            APIA, date(2011, 12, 29), ["2011-11-29T19:00", "2011-12-15T19:00", "2011-12-26T19:00", "2011-12-30T10:00"],
            id="the day after the last one was left out of the calendar",
        ),
        pytest.param(
            HAVANA, date(2026, 3, 7), ["2026-02-05T14:00", "2026-02-21T14:00", "2026-03-04T14:00", "2026-03-08T05:00"],
            id="the midnight that ends the day does not exist",
        ),
        pytest.param(
            HAVANA, date(2026, 10, 31), ["2026-10-01T13:00", "2026-10-17T13:00", "2026-10-28T13:00", "2026-11-01T04:00"],
            id="the midnight that ends the day comes twice: the first counts",
        ),
    ],
)  # fmt: skip
def test_a_block_is_looked_at_at_nine_before_each_warning_and_when_its_last_day_is_over(
    calendar: Calendar, expires_on: date, moments: list[str]
) -> None:
    expected, found, after = [utc(each) for each in moments], [], utc("2000-01-01T00:00")
    while (moment := next_turn(expires_on, calendar, after)) is not None:
        found.append(moment)
        after = moment
    assert found == expected


@pytest.mark.parametrize(
    ("now", "days"),
    [
        pytest.param("2026-11-04T07:59", None, id="before the first"),
        pytest.param("2026-11-04T08:00", 30, id="at nine"),
        pytest.param("2026-11-20T07:59", 30, id="until the next"),
        pytest.param("2026-11-20T08:00", 14, id="the next"),
        pytest.param("2026-12-02T12:00", 3, id="several have passed: the latest"),
        pytest.param("2026-12-04T22:59", 3, id="in the last minute"),
        pytest.param("2026-12-04T23:00", None, id="it has ended"),
    ],
)
def test_of_the_warnings_that_have_passed_only_the_latest_matters(now: str, days: int | None) -> None:
    warning = warning_due(date(2026, 12, 4), BERLIN, utc(now))
    assert (warning.days if warning else None) == days


def test_each_warning_is_useless_once_the_next_has_come() -> None:
    first, second, third = warned(date(2026, 12, 4), BERLIN)
    assert (first.useless_after, second.useless_after, third.useless_after) == (second.at, third.at, utc("2026-12-04T23:00"))


@pytest.mark.parametrize(
    ("expires_on", "now", "turn"),
    [
        pytest.param(None, "2026-11-10T12:00", None, id="one that does not end is never looked at"),
        pytest.param(date(2026, 12, 4), "2026-11-01T12:00", "2026-11-04T08:00", id="at its first warning"),
        pytest.param(date(2026, 12, 4), "2026-11-10T12:00", "2026-11-10T12:00", id="at once where a warning has passed"),
        pytest.param(date(2026, 12, 4), "2026-12-05T12:00", "2026-12-05T12:00", id="at once where it has ended"),
    ],
)
def test_a_block_that_was_sold_or_changed_is_first_looked_at(expires_on: date | None, now: str, turn: str | None) -> None:
    assert first_turn(expires_on, BERLIN, utc(now)) == (utc(turn) if turn else None)


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(
    zone=st.sampled_from(
        ["Europe/Berlin", "Pacific/Apia", "America/Havana", "Asia/Beirut", "Pacific/Kiritimati", "Asia/Kathmandu"]
    ),
    expires_on=st.dates(date(2005, 1, 1), date(2040, 12, 31)),
)
def test_by_its_clock_a_block_ends_just_when_its_last_day_is_over_by_the_calendar(zone: str, expires_on: date) -> None:
    """The tick goes by the moment, a booking by the day: they must never disagree, or a block would be stuck."""
    calendar = Calendar(zone)
    end = calendar.end_of_day(expires_on)
    term = Term(expires_on, carries_over=False)
    assert term.ended(calendar.local_date(end))
    assert not term.ended(calendar.local_date(end - SECOND))
    assert next_turn(expires_on, calendar, end) is None
    assert next_turn(expires_on, calendar, end - SECOND) == end


TODAY = date(2026, 11, 26)


@pytest.mark.parametrize(
    ("term", "left", "lapsed", "said"),
    [
        pytest.param(Term(date(2026, 12, 4), carries_over=False), 90, 0, "ends Fri 4 Dec, in 8 days", id="running"),
        pytest.param(Term(TODAY, carries_over=False), 90, 0, "ends Thu 26 Nov, today", id="its last day"),
        pytest.param(Term(date(2026, 11, 27), carries_over=False), 90, 0, "ends Fri 27 Nov, tomorrow", id="tomorrow"),
        pytest.param(Term(date(2027, 1, 4), carries_over=False), 90, 0, "ends Mon 4 Jan 2027, in 39 days", id="in another year"),
        pytest.param(
            Term(date(2026, 12, 4), carries_over=True), 90, 0, "ends Fri 4 Dec, in 8 days, then carried over", id="carries over"
        ),
        pytest.param(Term(date(2026, 11, 20), carries_over=False), 0, 90, "ended, 1 h 30 lapsed", id="lapsed"),
        pytest.param(Term(date(2026, 11, 20), carries_over=False), 0, 0, "ended, all used", id="ended empty"),
        pytest.param(Term(date(2026, 11, 20), carries_over=True), 90, 0, "carried over", id="carried over"),
        pytest.param(Term(date(2026, 11, 20), carries_over=True), 0, 0, "used up", id="carried over and used since"),
        pytest.param(Term(None, carries_over=False), 90, 0, "does not end", id="for ever"),
        pytest.param(Term(None, carries_over=False), 0, 0, "used up", id="for ever, used up"),
    ],
)
def test_how_a_block_stands_is_said_in_words(term: Term, left: int, lapsed: int, said: str) -> None:
    assert say_term(term, TODAY, left=left, lapsed=lapsed) == said


@pytest.mark.parametrize(
    ("term", "voided", "state"),
    [
        (Term(None, carries_over=False), False, BlockState.OPEN),
        (Term(TODAY, carries_over=False), False, BlockState.OPEN),
        (Term(TODAY - timedelta(days=1), carries_over=False), False, BlockState.ENDED),
        (Term(TODAY - timedelta(days=1), carries_over=True), False, BlockState.CARRIED_OVER),
        (Term(None, carries_over=False), True, BlockState.VOIDED),
    ],
)
def test_the_state_of_a_block(term: Term, voided: bool, state: BlockState) -> None:
    assert state_of(term, TODAY, voided=voided) is state


@pytest.mark.parametrize(
    ("expires_on", "carries_over", "refused"),
    [
        (None, False, None),
        (TODAY, False, None),
        (TODAY - timedelta(days=1), True, None),
        (TODAY - timedelta(days=1), False, "has passed"),
        (date(2026, 11, 1), False, "before the purchase"),
        (date(2206, 11, 1), False, "not plausible"),
    ],
)
def test_a_last_day_that_cannot_be_is_refused(expires_on: date | None, carries_over: bool, refused: str | None) -> None:
    errors = check_term(Term(expires_on, carries_over), date(2026, 11, 2), TODAY)
    assert [error.field for error in errors] == (["expires_on"] if refused else [])
    assert refused is None or refused in errors[0].message


def test_the_last_day_counts_from_the_purchase() -> None:
    assert last_day(date(2026, 2, 2), 30) == date(2026, 3, 4)
    assert last_day(date(2026, 2, 2), None) is None


def test_late_work_is_told_what_lapsed_meanwhile() -> None:
    assert say_lapsed_since([]) == ""
    said = say_lapsed_since([("Q-7", date(2026, 3, 4), 90), ("Q-8", date(2026, 3, 5), 30)])
    assert said.startswith("1 h 30 lapsed with block Q-7 after Wed 4 Mar 2026; 30 min lapsed with block Q-8")
