"""Public holidays from the package, as the calendar wants them."""

from datetime import date

import pytest

from tracker.domain.workday import Calendar
from tracker.store.holiday import countries, holidays_of


def test_the_years_asked_for_and_no_others() -> None:
    found = holidays_of("DE", [2026, 2027])
    assert {date(2026, 4, 3), date(2026, 4, 6), date(2027, 1, 1)} <= found
    assert {day.year for day in found} == {2026, 2027}


def test_a_holiday_on_a_weekend_is_observed_on_the_working_day() -> None:
    independence_day = date(2026, 7, 4)  # A Saturday.
    assert date(2026, 7, 3) in holidays_of("US", [independence_day.year])


def test_a_calendar_skips_the_holidays_of_its_country() -> None:
    calendar = Calendar("Europe/Berlin", holidays_of("DE", range(2025, 2028)))
    assert calendar.add_business_days(date(2026, 4, 2), 1) == date(2026, 4, 7)


@pytest.mark.parametrize("country", [None, ""])
def test_without_a_country_only_weekends_are_free(country: str | None) -> None:
    assert holidays_of(country, [2026]) == frozenset()


def test_no_years_no_holidays() -> None:
    assert holidays_of("DE", []) == frozenset()


@pytest.mark.parametrize("year", [1, 9999])
def test_a_year_nobody_knows_about_has_no_holidays(year: int) -> None:
    assert holidays_of("DE", [year]) == frozenset()


def test_small_letters_are_the_same_country() -> None:
    assert holidays_of("de", [2026]) == holidays_of("DE", [2026])


@pytest.mark.parametrize("country", ["XX", "NYSE", "Germany", "../x", "🏖", "\ud800"])
def test_an_unknown_country_is_refused_in_words(country: str) -> None:
    with pytest.raises(ValueError, match="No holidays are known for this country"):
        holidays_of(country, [2026])


def test_every_country_can_be_chosen_by_its_name() -> None:
    offered = countries()
    assert {("DE", "Germany"), ("AX", "Åland Islands"), ("US", "United States"), ("CD", "DR Congo")} <= set(offered)
    assert ("BA", "Bosnia and Herzegovina") in offered
    assert len({code for code, _ in offered}) == len({name for _, name in offered}) == len(offered) > 200
    assert [name for _, name in offered][:3] == ["Afghanistan", "Åland Islands", "Albania"]
