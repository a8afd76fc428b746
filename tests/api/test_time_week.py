"""One's own week over the API: what the hours page shows."""

from collections.abc import Callable
from datetime import timedelta

from tests.api.conftest import Ask
from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, some_work
from tracker.services.time_entry import book, submit
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction

As = Callable[[Person], Ask]


def lay(person: Person, site: Site) -> None:
    """An hour on Monday that is submitted, half an hour on Tuesday that is a draft."""
    who = actor(person)
    with transaction(db.session, now=NOW):
        first = book(db.session, who, some_work(site, 60), now=NOW)[0].entry
        book(db.session, who, some_work(site, 30, worked_on=TODAY + timedelta(days=1)), now=NOW)
        submit(db.session, who, first.id, now=NOW)


def test_a_week_is_answered_with_rows_cells_totals_and_what_is_left(asking: As) -> None:
    person, site = make_person(), make_agreed_site(name="Shop")
    lay(person, site)
    ask = asking(person)
    answer = ask("GET", "/time-week?week=2026-W10")
    assert answer.status_code == 200
    (row,) = answer.json["rows"]
    assert (row["site_name"], row["kind"], row["activity"], row["minutes"]) == ("Shop", "known_incompatibility", "research", 90)
    assert (row["left_minutes"], row["limit_minutes"]) == (210, 300)
    monday, tuesday, *_rest = row["cells"]
    assert (monday["minutes"], monday["state"], monday["editable"], monday["version"]) == (60, "submitted", False, None)
    assert monday["reason"] == "It is submitted and waits for approval. Reverse it under My entries to correct it."
    assert (tuesday["minutes"], tuesday["state"], tuesday["editable"], tuesday["version"]) == (30, "draft", True, 1)
    assert ask("GET", f"/time-entries/{tuesday['entry_ids'][0]}").json["minutes"] == 30
    assert [day["minutes"] for day in answer.json["days"]] == [60, 30, 0, 0, 0, 0, 0]
    assert answer.json["minutes"] == 90


def test_a_week_is_ones_own_and_of_sites_one_may_know_of(asking: As) -> None:
    person, site = make_person(), make_agreed_site()
    lay(person, site)
    assert asking(make_person("admin"))("GET", "/time-week?week=2026-W10").json["rows"] == []
    assert asking(make_person("customer_viewer"))("GET", "/time-week").status_code == 404


def test_without_a_name_it_is_the_week_of_today_and_what_is_no_week_is_refused(asking: As) -> None:
    ask = asking(make_person())
    assert len(ask("GET", "/time-week").json["days"]) == 7
    refused = ask("GET", "/time-week?week=2026-W60")
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "week")
