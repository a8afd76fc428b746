"""Logging hours by the page: what is left is said beforehand, nothing is lost, and decisions are a manager's."""

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, sign_in, some_work
from tracker.domain.access import SYSTEM
from tracker.services.engagement import add_member
from tracker.services.time_entry import book, submit
from tracker.store.budget import Budget, PsBlock, counter_faults
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.transaction import transaction


def entries() -> list[TimeEntry]:
    return list(db.session.scalars(sa.select(TimeEntry).order_by(TimeEntry.id)))


def typed(site: Site, **over: str) -> dict[str, str]:
    """What somebody types who researched for an hour and a half."""
    return {
        "site_id": str(site.id),
        "worked_on": TODAY.isoformat(),
        "duration": "1h30",
        "kind": "known_incompatibility",
        "activity": "research",
        "note": "Cache plugin",
    } | over


def words(text: str) -> str:
    """A page as it is read: without markup, with single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def logged(site: Site, minutes: int) -> TimeEntry:
    admin = actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        return book(db.session, admin, some_work(site, minutes), now=NOW)[0].entry


def make_site_for(*engineers: Person) -> Site:
    """An agreed site to which engineers are assigned."""
    site = make_agreed_site()
    with transaction(db.session, now=NOW):
        for engineer in engineers:
            add_member(db.session, SYSTEM, site.engagement_id, engineer.id, now=NOW)
    return site


def sold(site: Site, minutes: int) -> None:
    """PS hours in the engagement's pool."""
    with transaction(db.session, now=NOW):
        mine = Budget.engagement_id == site.engagement_id, Budget.kind == "ps"
        db.session.execute(sa.update(Budget).where(*mine).values(limit_minutes=minutes))
        block = PsBlock(
            engagement_id=site.engagement_id, limit_minutes=minutes, reference="SOW-2", purchased_on=TODAY, created_at=NOW
        )
        db.session.add(block)


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def manager(client: FlaskClient, site: Site) -> FlaskClient:
    """A manager's browser."""
    sign_in(client, make_person())
    return client


def test_hours_are_logged_and_echoed_as_they_were_understood(manager: FlaskClient, site: Site) -> None:
    before = words(manager.get(f"/time?site={site.id}").text)
    assert "5 h left of 5 h on this site" in before
    answer = manager.post("/time", data=typed(site), follow_redirects=True)
    assert "1 h 30 logged on Shop, Mon 2 Mar 2026." in answer.text
    assert "3 h 30 left of 5 h on this site" in words(answer.text)
    assert [(entry.minutes, entry.state, entry.note) for entry in entries()] == [(90, "draft", "Cache plugin")]


def test_a_form_sent_twice_logs_once(manager: FlaskClient, site: Site) -> None:
    data = typed(site, request_key="one-submission")
    first, second = manager.post("/time", data=data), manager.post("/time", data=data)
    assert (first.status_code, second.status_code, second.location) == (303, 303, first.location)
    assert len(entries()) == 1
    other = manager.post("/time", data=data | {"duration": "2h"})
    assert other.status_code == 422
    assert "You have sent this form already" in other.text
    assert len(entries()) == 1


def test_what_cannot_be_read_is_explained_at_its_field_and_kept(manager: FlaskClient, site: Site) -> None:
    page = manager.post("/time", data=typed(site, duration="30", worked_on="2.3.", activity="", note="Tüte <b>"))
    assert page.status_code == 422
    assert "30: write 30m or 30h" in page.text
    assert "Write the day as 2026-11-20." in page.text
    assert "Tüte &lt;b&gt;" in page.text
    ruled = manager.post("/time", data=typed(site, activity="", worked_on="2020-01-01"))
    assert ruled.status_code == 422
    assert "The allowance pays for research or a known solution only." in ruled.text
    assert "The agreement was signed on 2026-01-12" in ruled.text


def test_a_refusal_says_what_is_left_and_a_split_loses_no_minute(manager: FlaskClient, site: Site) -> None:
    sold(site, 240)
    logged(site, 260)
    refused = manager.post("/time", data=typed(site, note="Rest of it"))
    assert refused.status_code == 409
    assert "Known-incompatibility allowance: 40 min left, so this does not fit." in refused.text
    assert "Split it: 40 min here, 50 min on PS hours" in refused.text
    assert f'href="/engagements/{site.engagement_id}/ps-blocks/new"' in refused.text
    assert 'value="1h30"' in refused.text
    assert "Rest of it" in refused.text
    option = re.search(r'name="option"\s+value="([^"]+)"', refused.text)
    assert option is not None
    done = manager.post("/time", data=typed(site, option=option[1]), follow_redirects=True)
    assert "1 h 30 logged on Shop, Mon 2 Mar 2026: 40 min as Known incompatibility and 50 min as PS work." in done.text
    assert [(entry.kind, entry.minutes) for entry in entries()[1:]] == [("known_incompatibility", 40), ("ps", 50)]
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


def test_without_ps_hours_an_engineer_is_told_whom_to_ask(client: FlaskClient) -> None:
    engineer = make_person("engineer")
    site = make_site_for(engineer)
    sign_in(client, engineer)
    refused = client.post("/time", data=typed(site, duration="6h"))
    assert refused.status_code == 409
    assert 'name="option"' not in refused.text
    assert "ps-blocks/new" not in refused.text
    assert "Sell a PS block of at least 4 h: ask the engagement manager." in refused.text
    assert "/change-requests/new?kind=ps_hours" in refused.text
    assert "Raise a change request for 1 h" in refused.text


def test_a_site_of_somebody_else_cannot_be_chosen(client: FlaskClient, site: Site) -> None:
    sign_in(client, make_person("engineer"))
    assert "No site to log on yet." in client.get("/time").text
    assert client.post("/time", data=typed(site)).status_code == 422
    assert entries() == []


def test_an_entry_is_submitted_and_approved_once(client: FlaskClient, site: Site) -> None:
    manager = make_person()
    sign_in(client, manager)
    client.post("/time", data=typed(site))
    (entry,) = entries()
    key = {"request_key": "pressed"}
    for _press in range(2):
        answer = client.post(f"/time/{entry.id}/submit", data=key, follow_redirects=True)
        assert "Submitted. It waits for approval." in answer.text
    assert "1 to approve" in answer.text
    approved = client.post(f"/time/{entry.id}/approve", data=key | {"request_key": "yes"}, follow_redirects=True)
    assert "Nothing waits for you." in approved.text
    again = client.post(f"/time/{entry.id}/approve", data={"request_key": "later"})
    assert again.status_code == 409
    assert "From approved there is no step to approved." in words(again.text)


def test_a_rejection_needs_a_reason_and_shows_it_to_whoever_logged(client: FlaskClient) -> None:
    engineer = make_person("engineer")
    site = make_site_for(engineer)
    with transaction(db.session, now=NOW):
        entry = book(db.session, actor(engineer), some_work(site), now=NOW)[0].entry
        submit(db.session, actor(engineer), entry.id, now=NOW)
    sign_in(client, make_person())
    silent = client.post(f"/time/{entry.id}/reject", data={"reason": " "})
    assert silent.status_code == 422
    assert "Say why, so that it can be logged right." in silent.text
    assert client.post(f"/time/{entry.id}/reject", data={"reason": "Wrong site"}).status_code == 303
    sign_in(client, engineer)
    page = words(client.get("/time").text)
    assert "Rejected Wrong site" in page
    assert "5 h left of 5 h" in page


def test_an_engineer_touches_nobody_elses_entry(client: FlaskClient) -> None:
    engineer, other = make_person("engineer"), make_person("engineer")
    site = make_site_for(engineer, other)
    with transaction(db.session, now=NOW):
        entry = book(db.session, actor(other), some_work(site), now=NOW)[0].entry
    sign_in(client, engineer)
    for step in ("submit", "reverse", "approve", "reject"):
        assert client.post(f"/time/{entry.id}/{step}").status_code == 403, step
    foreign = logged(make_agreed_site(), 30)
    assert client.post(f"/time/{foreign.id}/reverse").status_code == 404


def test_a_reversal_gives_the_minutes_back(manager: FlaskClient, site: Site) -> None:
    manager.post("/time", data=typed(site))
    (entry,) = entries()
    page = manager.post(f"/time/{entry.id}/reverse", follow_redirects=True)
    assert "Reversed. Its hours are free again." in page.text
    assert "−1 h 30" in page.text
    assert "5 h left of 5 h" in words(page.text)


def test_older_entries_are_one_press_away(manager: FlaskClient, site: Site) -> None:
    for number in range(27):
        manager.post("/time", data=typed(site, duration="1m", note=f"Piece {number}."))
    first = manager.get("/time").text
    assert "Piece 26." in first
    assert "Piece 1." not in first
    older = re.search(r'href="(/time\?before=[^"]+)" rel="next"', first)
    assert older is not None
    last = manager.get(older[1]).text
    assert "Piece 1." in last
    assert "Piece 0." in last
    assert 'rel="next"' not in last


def test_customers_have_no_such_page(client: FlaskClient) -> None:
    sign_in(client, make_person("customer_approver"))
    assert client.get("/time").status_code == 404
