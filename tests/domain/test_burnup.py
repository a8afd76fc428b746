"""How a budget filled up, day by day, and what moved its limit."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tracker.domain.budget import Balance, BudgetKind
from tracker.domain.burnup import Block, Point, Step, Worked, balance_of, burn_up, check_past, steps_of
from tracker.domain.errors import Invalid
from tracker.domain.workday import Calendar

MONDAY = date(2026, 3, 2)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
NEW_YORK = Calendar("America/New_York", frozenset())
LATE = datetime(2026, 3, 4, 3, tzinfo=UTC)  # still Tuesday in New York


def block(**over: object) -> Block:
    values: dict[str, object] = {"minutes": 480, "booked": 60, "reference": "Q-7", "purchased_on": MONDAY}
    values |= {"voided_at": None, "lapsed_at": None, "carries_over": False}
    return Block(**(values | over))  # type: ignore[arg-type]


def test_the_minutes_of_the_days_add_up_to_what_stands_in_the_end() -> None:
    worked = [Worked(TUESDAY, 90, 60), Worked(MONDAY, 60, 60), Worked(TUESDAY, 10, 0)]
    points = burn_up(300, worked, [])
    assert points == [Point(MONDAY, 60, 0, (), 60, 0, 300), Point(TUESDAY, 60, 40, (), 120, 40, 300)]
    assert points[-1].left == 140
    assert balance_of(BudgetKind.ALLOWANCE, 300, worked, []) == Balance(BudgetKind.ALLOWANCE, 300, 120, 40)


def test_a_day_whose_work_was_all_taken_back_is_no_point() -> None:
    assert burn_up(300, [Worked(MONDAY, 0, 0)], []) == []


def test_the_limit_moves_on_its_day_also_without_work() -> None:
    bought = Step(TUESDAY, 240, "Q-7: 4 h bought")
    points = burn_up(0, [Worked(MONDAY, 30, 0)], [bought])
    assert [(point.day, point.limit, point.steps) for point in points] == [(MONDAY, 0, ()), (TUESDAY, 240, (bought,))]


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        pytest.param({}, [(MONDAY, 480)], id="bought"),
        pytest.param({"voided_at": LATE, "booked": 0}, [(MONDAY, 480), (TUESDAY, -480)], id="voided, on the day of its zone"),
        pytest.param({"lapsed_at": LATE}, [(MONDAY, 480), (TUESDAY, -420)], id="what was not used lapsed"),
        pytest.param({"lapsed_at": LATE, "booked": 480}, [(MONDAY, 480)], id="nothing was left to lapse"),
        pytest.param({"lapsed_at": LATE, "carries_over": True}, [(MONDAY, 480)], id="what was not used carried over"),
        pytest.param({"lapsed_at": LATE, "voided_at": LATE, "booked": 0}, [(MONDAY, 480), (TUESDAY, -480)], id="then voided"),
    ],
)  # fmt: skip
def test_a_pool_rises_and_falls_with_its_blocks(over: dict[str, object], expected: list[tuple[date, int]]) -> None:
    assert [(step.day, step.minutes) for step in steps_of([block(**over)], None, NEW_YORK)] == expected


def test_what_happened_to_a_block_later_was_not_so_then() -> None:
    later = block(voided_at=LATE, booked=0)
    assert [step.minutes for step in steps_of([later], LATE, NEW_YORK)] == [480]
    assert [step.minutes for step in steps_of([later], LATE + timedelta(microseconds=1), NEW_YORK)] == [480, -480]


def test_a_balance_is_asked_of_a_day_that_was() -> None:
    assert check_past(MONDAY, MONDAY) == MONDAY
    with pytest.raises(Invalid, match="not come yet"):
        check_past(TUESDAY, MONDAY)
    with pytest.raises(Invalid, match="1999 is not plausible"):
        check_past(date(1999, 12, 31), MONDAY)
