"""What a report on hours is asked for, and how its rows go on."""

from datetime import date
from uuid import UUID

import pytest

from tracker.domain.errors import Invalid
from tracker.domain.hours_report import GroupBy, HoursFilter, HoursPlace, HoursRow, by_month, read_place, span_asked

TODAY = date(2026, 12, 31)
SOME_ID = str(UUID(int=7))


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        pytest.param(None, None, (date(2026, 12, 1), TODAY), id="the whole month where no day is named"),
        pytest.param(date(2026, 3, 2), None, (date(2026, 3, 2), None), id="open to the end"),
        pytest.param(None, date(2026, 3, 2), (None, date(2026, 3, 2)), id="open from the beginning"),
    ],
)
def test_days_that_are_not_named(first: date | None, last: date | None, expected: tuple[date | None, date | None]) -> None:
    assert span_asked(first, last, TODAY) == expected


def test_a_leap_year_has_its_month_whole() -> None:
    assert span_asked(None, None, date(2028, 2, 3)) == (date(2028, 2, 1), date(2028, 2, 29))


def test_a_span_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(Invalid, match="before the first"):
        HoursFilter(first=date(2026, 3, 2), last=date(2026, 3, 1)).checked()


def test_days_fold_into_their_months_in_order() -> None:
    days = [(date(2026, 4, 1), 5, 0), (date(2026, 3, 31), 60, 10), (date(2026, 3, 1), 0, 20)]
    assert by_month(days) == [HoursRow("2026-03", "March 2026", None, 60, 30), HoursRow("2026-04", "April 2026", None, 5, 0)]


@pytest.mark.parametrize(
    ("group", "place"),
    [
        (GroupBy.SITE, HoursPlace(90, SOME_ID)),
        (GroupBy.KIND, HoursPlace(0, "known_incompatibility")),
        (GroupBy.MONTH, HoursPlace(90, "2026-03")),
    ],
)
def test_a_cursor_names_its_place(group: GroupBy, place: HoursPlace) -> None:
    assert read_place(place.cursor(), group) == place


@pytest.mark.parametrize(
    "cursor",
    ["", "90", f"-1.{SOME_ID}", f"9999999999999.{SOME_ID}", "90.ps", f"90.{SOME_ID} ", f"٣.{SOME_ID}"],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid, match="not a cursor"):
        read_place(cursor, GroupBy.PERSON)
