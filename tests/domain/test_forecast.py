"""When a budget runs out: the range, and when nothing is said."""

from datetime import date, timedelta

import pytest

from tracker.domain.forecast import RunsOut, runs_out
from tracker.domain.workday import Calendar

TODAY = date(2026, 3, 30)  # a Monday
BERLIN = Calendar("Europe/Berlin", frozenset())
EASTER = Calendar("Europe/Berlin", frozenset({date(2026, 4, 3), date(2026, 4, 6)}))


def work(*weeks: list[int], before: date = TODAY) -> dict[date, int]:
    """Minutes by day, from Monday on, of the weeks before a Monday; the latest week comes last."""
    worked: dict[date, int] = {}
    for back, minutes in enumerate(reversed(weeks), start=1):
        worked |= {before - timedelta(days=7 * back - index): each for index, each in enumerate(minutes)}
    return worked


EVEN = work(*[[60] * 5] * 4)


@pytest.mark.parametrize(
    ("left", "worked", "calendar", "expected"),
    [
        pytest.param(300, EVEN, BERLIN, (date(2026, 4, 6), date(2026, 4, 6)), id="an hour a day, five hours left, is a week"),
        pytest.param(301, EVEN, BERLIN, (date(2026, 4, 7), date(2026, 4, 7)), id="a minute more takes one more day"),
        pytest.param(300, EVEN, EASTER, (date(2026, 4, 8), date(2026, 4, 8)), id="holidays are no business days"),
        pytest.param(
            600, work([60], [0] * 5, [60] * 5, [60] * 5, [120] * 5), BERLIN, (date(2026, 4, 9), date(2026, 4, 20)),
            id="without the slowest week eighty minutes a day, without the quickest forty",
        ),
        pytest.param(
            300, work([60] * 5, [120] * 5), BERLIN, (date(2026, 4, 2), date(2026, 4, 6)), id="two weeks are the least"
        ),
        pytest.param(
            60_000, work([60] * 5, [120] * 5), BERLIN, (date(2028, 2, 28), None), id="what lies too far off has no last day"
        ),
        pytest.param(600, work([900] * 5, *[[60] * 5] * 4), BERLIN, (date(2026, 4, 13), date(2026, 4, 13)),
                     id="work of more than four weeks ago says nothing"),
        pytest.param(300, EVEN | {TODAY: 400}, BERLIN, (date(2026, 4, 6), date(2026, 4, 6)), id="today is not over"),
        pytest.param(0, EVEN, BERLIN, None, id="nothing is left"),
        pytest.param(300, {}, BERLIN, None, id="nothing was worked"),
        pytest.param(300, work([60] * 5), BERLIN, None, id="one week is too little"),
        pytest.param(300, work([60, 60], [60, 60]), BERLIN, None, id="four days of work are too few"),
        pytest.param(300, work([60, 60, 60], [60, 60]), BERLIN, (date(2026, 4, 10), date(2026, 4, 16)), id="five days are not"),
        pytest.param(300, work([60] * 5, [], []), BERLIN, None, id="all of it fell into one week"),
        pytest.param(6_000_000, EVEN, BERLIN, None, id="nobody plans that far"),
        pytest.param(300, work(*[[60] * 5] * 4, before=date(2026, 1, 5)), BERLIN, None, id="nobody worked in the last weeks"),
    ],
)  # fmt: skip
def test_a_budget_runs_out_within_a_range(
    left: int, worked: dict[date, int], calendar: Calendar, expected: tuple[date, date | None] | None
) -> None:
    assert runs_out(left, worked, TODAY, calendar) == (RunsOut(*expected) if expected else None)


def test_a_country_whose_last_weeks_were_all_holidays_forecasts_nothing() -> None:
    holidays = frozenset(TODAY - timedelta(days=back) for back in range(1, 29))
    assert runs_out(300, EVEN, TODAY, Calendar("Europe/Berlin", holidays)) is None
