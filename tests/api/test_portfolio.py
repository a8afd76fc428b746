"""The portfolio and the search over the API: the same filters, orders and alarms as on the page."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import TODAY, actor, make_engagement, make_person, make_question
from tracker.domain.portfolio import Order
from tracker.store.person import Person


@pytest.fixture
def four(app: Flask) -> list[str]:
    """Four engagements whose names, customers and dates are in different orders."""
    specs = (("Delta", "Zulu", 9), ("alpha", "Yankee", None), ("Charlie", "zulu", 3), ("Éclair", "Xray", 6))
    manager = make_person(name="Mei")
    for name, customer, days in specs:
        kickoff = TODAY + timedelta(days=days) if days else None
        make_engagement(manager, name=name, customer=customer, kickoff_on=kickoff)
    return [name for name, *_rest in specs]


def names(ask: Ask, path: str) -> list[str]:
    """The names on all pages of a list of engagements, two a page."""
    found: list[str] = []
    cursor = ""
    while True:
        answer = ask("GET", f"/engagements?limit=2&{path}{cursor}")
        assert answer.status_code == 200, answer.json
        found += [item["name"] for item in answer.json["items"]]
        if answer.json["next_cursor"] is None:
            return found
        cursor = f"&cursor={answer.json['next_cursor']}"


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("newest", ["Éclair", "Charlie", "alpha", "Delta"]),
        ("next", ["Charlie", "Éclair", "Delta", "alpha"]),
        ("customer", ["Éclair", "alpha", "Delta", "Charlie"]),
    ],
)
def test_every_order_is_read_to_its_end(ask: Ask, four: list[str], order: str, expected: list[str]) -> None:
    assert names(ask, f"sort={order}") == expected


def test_names_are_ordered_however_they_are_capitalised(ask: Ask, four: list[str]) -> None:
    found = names(ask, "sort=name")
    assert found[:2] == ["alpha", "Charlie"]
    assert set(found) == set(four)


def test_filters_hold_together(ask: Ask, four: list[str]) -> None:
    rows = ask("GET", "/engagements").json["items"]
    delta = next(row for row in rows if row["name"] == "Delta")
    whole = ask("GET", f"/engagements/{delta['id']}").json
    assert sorted(names(ask, f"customer_id={whole['customer_id']}")) == ["Charlie", "Delta"]
    assert names(ask, f"customer_id={whole['customer_id']}&q=char") == ["Charlie"]
    assert names(ask, f"manager_id={whole['engagement_manager_id']}&q=xray") == ["Éclair"]
    assert names(ask, f"manager_id={delta['id']}") == []
    assert ask("PATCH", f"/engagements/{delta['id']}", {"status": "on_hold"}).status_code == 200
    assert names(ask, "status=on_hold") == ["Delta"]
    row = ask("GET", "/engagements?status=on_hold").json["items"][0]
    assert (row["next_on"], row["risks"]) == (None, {})


def test_rows_say_when_something_is_next_and_why_to_look(ask: Ask, app: Flask) -> None:
    engagement = make_engagement(kickoff_on=date(2026, 3, 9))
    make_question(engagement, "Which host?")
    (row,) = ask("GET", "/engagements?risk=overdue,waiting").json["items"]
    assert row["next_on"] == "2026-03-06"
    assert row["risks"] == {"overdue": 3, "waiting": 3}, "kick-off, channel and inventory; the question and two of these"
    assert ask("GET", "/engagements?risk=frozen,over_80").json["items"] == []


def test_only_mine_are_those_i_lead_or_work_on(asking: Callable[[Person], Ask], app: Flask) -> None:
    mei = make_person()
    make_engagement(mei, name="Mine")
    make_engagement(name="Another's")
    assert names(asking(mei), "mine=true") == ["Mine"]
    assert actor(mei).sees_all


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("sort=colour", "sort"),
        ("status=lost", "status"),
        ("risk=overdue,rain", "risk"),
        ("cursor=nonsense", "cursor"),
        ("customer_id=7", "customer_id"),
        ("colour=red", "colour"),
    ],
)
def test_an_unknown_filter_is_named(ask: Ask, path: str, field: str) -> None:
    answer = ask("GET", f"/engagements?{path}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_cursor_of_another_order_is_refused(ask: Ask, four: list[str]) -> None:
    cursor = ask("GET", "/engagements?limit=1&sort=name").json["next_cursor"]
    for order in Order:
        status = ask("GET", f"/engagements?limit=1&sort={order}&cursor={cursor}").status_code
        assert status == (200 if order is Order.NAME else 422)


def test_the_search_answers_by_kind(ask: Ask, app: Flask) -> None:
    manager = make_person()
    for number in range(12):
        make_engagement(manager, name=f"Harbour {number:02}")
    items = ask("GET", "/search?q=HARBOUR&kind=engagements").json["items"]
    assert [item["title"] for item in items] == [f"Harbour {number:02}" for number in range(12)]
    assert [item["kind"] for item in ask("GET", "/search?q=harbour").json["items"]] == ["engagements"] * 10
    assert ask("GET", "/search").json == {"items": [], "next_cursor": None}
    for path, field in (("q=ab", "q"), ("q=harbour&kind=boats", "kind")):
        refused = ask("GET", f"/search?{path}")
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)
