"""Hours and burn-ups over the API: the figures of the pages, and what cannot be asked."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, some_work
from tracker.services.time_entry import book
from tracker.store.database import db
from tracker.store.site import Site
from tracker.store.transaction import transaction

MARCH = "from=2026-03-01&to=2026-03-31"


@pytest.fixture
def site(app: Flask) -> Site:
    """A site with an hour on one day and two on the day before."""
    made = make_agreed_site(name="Shop")
    who = actor(make_person("admin", name="Ada"))
    with transaction(db.session, now=NOW):
        for minutes, back in ((60, 0), (120, 1)):
            book(db.session, who, some_work(made, minutes, worked_on=TODAY - timedelta(days=back)), now=NOW)
    return made


def test_hours_come_with_their_totals_and_the_days_that_count(ask: Ask, site: Site) -> None:
    answer = ask("GET", f"/hours?{MARCH}&group_by=person").json
    (item,) = answer["items"]
    assert (item["label"], item["used_minutes"], item["held_minutes"], item["total_minutes"]) == ("Ada", 0, 180, 180)
    assert (answer["from"], answer["to"], answer["total_minutes"]) == ("2026-03-01", "2026-03-31", 180)
    by_site = ask("GET", f"/hours?{MARCH}&group_by=site&engagement_id={site.engagement_id}").json["items"]
    assert [(row["key"], row["label"], row["total_minutes"]) for row in by_site] == [(str(site.id), "Shop", 180)]
    by_month = ask("GET", "/hours?from=2026-02-01&group_by=month").json["items"]
    assert [(row["key"], row["total_minutes"]) for row in by_month] == [("2026-03", 180)]


def test_pages_join_to_the_whole_and_each_has_the_total_of_all(ask: Ask, site: Site) -> None:
    who = actor(make_person("admin"))
    for minutes in (30, 30, 10):
        other = make_agreed_site()
        with transaction(db.session, now=NOW):
            book(db.session, who, some_work(other, minutes), now=NOW)
    for group in ("engagement", "site", "person", "kind", "month"):
        path = f"/hours?{MARCH}&group_by={group}"
        whole = ask("GET", path).json
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = ask("GET", f"{path}&limit=1{cursor and '&cursor='}{cursor}").json
            assert page["total_minutes"] == whole["total_minutes"] == 250
            items, cursor = [*items, *page["items"]], page["next_cursor"]
        assert items == whole["items"], group


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("group_by=mood", "group_by"),
        ("kind=fun", "kind"),
        ("state=reversed", "state"),
        ("from=2026-03-02&to=2026-03-01", "to"),
        ("cursor=next", "cursor"),
        ("from=soon", "from"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_field(ask: Ask, query: str, field: str) -> None:
    answer = ask("GET", f"/hours?{query}")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_burn_up_adds_up_to_the_balance(ask: Ask, site: Site) -> None:
    items = ask("GET", f"/engagements/{site.engagement_id}/burn-up").json["items"]
    budgets = ask("GET", f"/engagements/{site.engagement_id}/budgets").json["items"]
    assert [each["budget_id"] for each in items] == [each["id"] for each in budgets]
    own, pool = items
    assert [(day["day"], day["held_minutes"], day["held_so_far"], day["limit_minutes"]) for day in own["days"]] == [
        ("2026-03-01", 120, 120, 300),
        ("2026-03-02", 60, 180, 300),
    ]
    assert (own["days"][-1]["held_so_far"], pool["days"]) == (budgets[0]["held_minutes"], [])
    of_site = ask("GET", f"/engagements/{site.engagement_id}/burn-up?site_id={site.id}").json["items"]
    assert of_site == [own]


@pytest.mark.parametrize("of", ["sites", "engagements"])
def test_budgets_can_be_asked_as_of_a_past_day(ask: Ask, site: Site, of: str) -> None:
    path = f"/{of}/{site.id if of == 'sites' else site.engagement_id}/budgets"
    today = ask("GET", path).json["items"]
    assert ask("GET", f"{path}?as_of=2026-03-02").json["items"] == today
    assert [each["kind"] for each in ask("GET", f"{path}?as_of=2026-03-01").json["items"]] == ["ps"] * (of == "engagements")
    refused = ask("GET", f"{path}?as_of=2199-01-01")
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "as_of")


def test_a_customer_reads_burn_ups_and_not_the_report(asking: Any, site: Site) -> None:
    ask = asking(make_person("customer_viewer"), "read")
    assert ask("GET", f"/engagements/{site.engagement_id}/burn-up").status_code == 200
    assert ask("GET", "/hours").status_code == 404
