"""The weekly update as it is composed: what a customer asks first comes first, and nothing is said of nothing."""

from datetime import date

import pytest

from tracker.domain.weekly_update import MOST_LINES, TEXT_LENGTH, Coming, Facts, compose, monday_of


def test_a_week_with_everything_in_it() -> None:
    facts = Facts(
        hours=[("Shop", 90), ("www", 60)],
        stages=[("Shop", "in UAT")],
        decided=["Search, Shop: included"],
        waiting=["Who owns the DNS? (by Wed 4 Mar 2026)"],
        coming=[Coming("Fri 6 Mar 2026", "UAT sign-off due", "Shop"), Coming("Mon 9 Mar 2026", "Kick-off")],
    )
    assert compose(facts) == (
        "What waits on you\n"
        "• Who owns the DNS? (by Wed 4 Mar 2026)\n"
        "\n"
        "What was done\n"
        "• Shop is now in UAT\n"
        "• Shop: 1 h 30 of work\n"
        "• www: 1 h of work\n"
        "\n"
        "What was decided\n"
        "• Search, Shop: included\n"
        "\n"
        "What comes next\n"
        "• Fri 6 Mar 2026: UAT sign-off due, Shop\n"
        "• Mon 9 Mar 2026: Kick-off"
    )


def test_a_part_with_nothing_in_it_is_left_out() -> None:
    assert compose(Facts(decided=["Cron: out of scope"])) == "What was decided\n• Cron: out of scope"


def test_a_week_without_anything_says_so() -> None:
    assert compose(Facts()).startswith("Nothing to report this week")


def test_a_long_part_says_how_much_more_there_is() -> None:
    said = compose(Facts(hours=[(f"site {number}", 60) for number in range(50)])).splitlines()
    assert len(said) == 1 + MOST_LINES
    assert said[-1] == f"• and {50 - MOST_LINES + 1} more"


def test_it_is_never_longer_than_what_is_kept() -> None:
    facts = Facts(waiting=["w" * 900] * 12, decided=["d" * 900] * 12)
    assert len(compose(facts)) <= TEXT_LENGTH


@pytest.mark.parametrize(
    ("day", "monday"),
    [(date(2026, 3, 2), date(2026, 3, 2)), (date(2026, 3, 8), date(2026, 3, 2)), (date(2026, 1, 1), date(2025, 12, 29))],
)
def test_a_week_is_named_by_its_monday(day: date, monday: date) -> None:
    assert monday_of(day) == monday
