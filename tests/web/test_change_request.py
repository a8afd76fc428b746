"""Change requests on pages: asked for in a form without a script, read in plain words, approved with one's name."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import (
    NOW,
    actor,
    agree,
    make_agreed_site,
    make_engagement,
    make_person,
    make_site,
    raise_change_request,
    sign_in,
    some_work,
)
from tests.web.test_engagement import value_of
from tracker.services import change_request as service
from tracker.services import requirements as requirements_service
from tracker.services.time_entry import book
from tracker.store import requirements
from tracker.store.change_request import ChangeRequest
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction
from tracker.web.change_form import ROWS

BLOG = {"changes-0-kind": "add_site", "changes-0-name": "Blog", "changes-0-url": "blog.example.com", "changes-0-cms": "wordpress"}
BLOG |= {"changes-0-package": "standard"}


@pytest.fixture
def viewer(client: FlaskClient) -> Person:
    """A signed-in viewer of Acme."""
    person = make_person("customer_viewer", name="Tom Baker")
    sign_in(client, person)
    return person


def listed(engagement: Engagement) -> Site:
    site = make_site(engagement)
    agree(engagement)
    return site


def the_request() -> ChangeRequest:
    db.session.close()
    return db.session.scalars(sa.select(ChangeRequest)).one()


def test_an_empty_list_says_what_it_is_for(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement()
    page = client.get(f"/engagements/{engagement.id}/change-requests").text
    assert "Nothing is waiting." in page
    assert f"/engagements/{engagement.id}/change-requests/new" in page


def test_a_viewer_asks_for_two_changes_in_a_form_without_a_script(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement()
    listed(engagement)
    address = f"/engagements/{engagement.id}/change-requests/new"
    assert 'value="add_site"' in client.get(address).text
    one = client.post(address, data={"add": "add_site"})
    assert (one.status_code, "1. Another site" in one.text) == (200, True)
    two = client.post(address, data=BLOG | {"add": "ps_hours", "reason": "The blog moves too."})
    assert "2. PS hours" in two.text
    assert value_of(two.text, "changes-0-name") == "Blog"
    less = client.post(address, data=BLOG | {"changes-1-kind": "ps_hours", "changes-1-reference": "Q-9", "remove": "0"})
    assert value_of(less.text, "changes-0-reference") == "Q-9"
    hours = {"changes-1-kind": "ps_hours", "changes-1-duration": "8h", "changes-1-reference": "Q-9"}
    said = BLOG | hours | {"reason": "The blog moves too.", "request_key": "once"}
    first, second = (client.post(address, data=said) for _ in range(2))
    assert (first.status_code, first.location) == (303, second.location)
    page = client.get(first.location).text
    assert "Blog (blog.example.com) is added to the agreed sites" in page
    assert "8 h of PS hours are sold" in page
    assert "Waits for the team" in page
    assert "Tom Baker raised it" in page
    assert "/approve" not in page


def test_a_form_that_says_nothing_is_explained_and_faults_stand_at_their_fields(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement()
    listed(engagement)
    address = f"/engagements/{engagement.id}/change-requests/new"
    nothing = client.post(address, data={"reason": "So"})
    assert (nothing.status_code, "Say at least one thing" in nothing.text) == (422, True)
    wrong = client.post(address, data=BLOG | {"changes-0-package": "premium", "reason": "So"})
    assert wrong.status_code == 422
    assert "takes exactly one extra" in wrong.text.partition('id="changes-0-premium_option-error"')[2]
    small = {"changes-0-kind": "ps_hours", "changes-0-duration": "2h", "changes-0-reference": "Q", "reason": "So"}
    assert "4 h or more" in client.post(address, data=small).text.partition('id="changes-0-duration-error"')[2]


@pytest.mark.parametrize("kind", ROWS)
def test_every_kind_has_a_form(client: FlaskClient, viewer: Person, kind: str) -> None:
    engagement = make_engagement()
    listed(engagement)
    page = client.get(
        f"/engagements/{engagement.id}/change-requests/new?kind={kind}&minutes=junk&site=x&deadline=y&due_on=z&due_at=1"
    )
    assert (page.status_code, 'name="changes-0-kind"' in page.text) == (200, True)


def test_a_refused_time_entry_begins_a_change_request(client: FlaskClient) -> None:
    admin = make_person("admin")
    site = make_agreed_site(name="Shop")
    sign_in(client, admin)
    with transaction(db.session, now=NOW):
        book(db.session, actor(admin), some_work(site, 280), now=NOW)
    said = {"site_id": str(site.id), "worked_on": "2026-03-02", "duration": "90m", "kind": "known_incompatibility"}
    refused = client.post("/time", data=said | {"activity": "research", "note": "Redirect loop & more"})
    assert refused.status_code == 409
    found = re.search(r'href="([^"]*change-requests/new[^"]*)"', refused.text)
    assert found is not None
    page = client.get(html.unescape(found[1])).text
    assert value_of(page, "changes-0-duration") == "4 h"
    assert "The hours of Shop do not last for this work: Redirect loop &amp; more" in page


def test_an_unlisted_site_begins_a_change_request_with_what_was_typed(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    listed(engagement)
    sign_in(client, manager)
    typed = {"name": "Blog", "url": "blog.example.com", "cms": "drupal", "package": "standard", "plan": "basic"}
    refused = client.post(f"/engagements/{engagement.id}/sites/new", data=typed)
    assert refused.status_code == 409
    assert "Raise a change request for this site" in refused.text
    carried = client.post(f"/engagements/{engagement.id}/change-requests/new", data=typed | {"prefill": "add_site"})
    assert carried.status_code == 200
    assert value_of(carried.text, "changes-0-url") == "blog.example.com"
    assert '<option selected value="drupal">' in carried.text


def test_a_customer_asks_for_another_date_from_the_dates(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement(kickoff_on=NOW.date().replace(year=2099))
    address = client.get(f"/engagements/{engagement.id}").text
    found = re.search(r'href="([^"]*kind=move_date[^"]*)"', address)
    assert found is not None
    page = client.get(html.unescape(found[1])).text
    kickoff = db.session.scalars(sa.select(Deadline).where(Deadline.kind == "inventory")).one()
    assert f'<option selected value="{kickoff.id}">' in page


def approved_by_team(engagement: Engagement, manager: Person, *changes: dict[str, Any]) -> ChangeRequest:
    asked = raise_change_request(engagement, manager, *changes, estimate_minutes=90)
    with transaction(db.session, now=NOW):
        return service.approve(db.session, actor(manager), asked.id, now=NOW)


def test_an_approver_signs_the_next_version_with_their_own_name(client: FlaskClient) -> None:
    manager, approver = make_person(), make_person("customer_approver", name="Priya Nair")
    engagement = make_engagement(manager)
    listed(engagement)
    with transaction(db.session, now=NOW):
        agreed = requirements.latest(db.session, engagement.id)
        assert agreed is not None
        requirements_service.sign(db.session, actor(approver), engagement.id, "requirements", agreed.hash, now=NOW)
    asked = approved_by_team(engagement, manager, {"kind": "add_site", "name": "Blog", "url": "blog.example.com"})
    sign_in(client, approver)
    address = f"/change-requests/{asked.id}"
    page = client.get(address).text
    assert "version 2 of the requirements" in page
    assert "Waits for you" in page
    said = {"version": value_of(page, "version"), "foresaw": value_of(page, "foresaw"), "agree": "y"}
    wrong = client.post(f"{address}/approve", data=said | {"signed_name": "Somebody"})
    assert (wrong.status_code, "You are signed in as Priya Nair" in html.unescape(wrong.text)) == (422, True)
    other = client.post(f"{address}/approve", data=said | {"foresaw": "0" * 64, "signed_name": "Priya Nair"})
    assert other.status_code == 409
    assert client.post(f"{address}/approve", data=said | {"signed_name": "priya nair"}).status_code == 303
    now = client.get(address).text
    assert "Version 2 of the requirements came of it." in now
    latest = requirements.latest(db.session, engagement.id)
    assert latest is not None
    signature = requirements.signature(db.session, engagement.id, "requirements", latest.hash)
    assert signature is not None
    assert signature.signed_by == approver.id


def test_a_manager_estimates_approves_and_rejects(client: FlaskClient) -> None:
    manager, approver = make_person(), make_person("customer_approver")
    engagement = make_engagement(manager)
    asked = raise_change_request(engagement, approver)
    sign_in(client, manager)
    address = f"/change-requests/{asked.id}"
    assert "Nobody approves it before" in client.get(address).text
    assert client.post(f"{address}/estimate", data={"duration": "soon"}).status_code == 422
    assert client.post(f"{address}/estimate", data={"duration": "1h30", "version": "1"}).status_code == 303
    assert the_request().estimate_minutes == 90
    stale = client.post(f"{address}/approve", data={"version": "1"})
    assert (stale.status_code, "changed this meanwhile" in stale.text) == (409, True)
    assert client.post(f"{address}/approve", data={"version": value_of(stale.text, "version")}).status_code == 303
    assert client.post(f"{address}/reject", data={"reason": ""}).status_code == 422
    assert client.post(f"{address}/reject", data={"reason": "Not this year."}).status_code == 303
    assert "Not this year." in client.get(address).text
    decided = client.get(f"/engagements/{engagement.id}/change-requests?show=decided").text
    assert "Something more" in decided


def test_who_raised_it_edits_it_in_the_same_form(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement()
    asked = raise_change_request(engagement, viewer)
    address = f"/change-requests/{asked.id}"
    shown = client.get(f"{address}?edit=1").text
    assert value_of(shown, "changes-0-duration") == "4 h"
    said = {"changes-0-kind": "ps_hours", "changes-0-duration": "10h", "changes-0-reference": "Q-7", "reason": "We need it."}
    version = {"version": value_of(shown, "version")}
    assert client.post(f"{address}/edit", data=said | version).status_code == 303
    assert the_request().changes[0]["minutes"] == 600
    stale = client.post(f"{address}/edit", data=said | {"changes-0-duration": "12h"} | version)
    assert (stale.status_code, value_of(stale.text, "changes-0-duration")) == (409, "12h")
    assert client.post(f"{address}/withdraw", data={}).status_code == 303
    assert the_request().state == "withdrawn"
    assert "Edit change request" not in client.get(f"{address}?edit=1").text


def test_what_no_database_keeps_is_refused(client: FlaskClient, viewer: Person) -> None:
    engagement = make_engagement()
    listed(engagement)
    said = BLOG | {"changes-0-name": "Bl\0og", "reason": "So"}
    answer = client.post(f"/engagements/{engagement.id}/change-requests/new", data=said)
    assert (answer.status_code, "cannot be kept" in answer.text) == (422, True)
    for address in ("?before=99999999999999999999", "?before=-1", "?show=x&before=y"):
        assert client.get(f"/engagements/{engagement.id}/change-requests{address}").status_code == 200


def test_pages_cost_the_same_for_many_changes_as_for_one(client: FlaskClient, statements: Callable[[str], int]) -> None:
    manager = make_person()
    engagement, other = make_engagement(manager), make_engagement(manager)
    listed(engagement)
    sites = [make_site(other) for _ in range(10)]
    agree(other)
    small = raise_change_request(engagement, manager)
    edits = [{"kind": "edit_site", "site_id": str(site.id), "name": f"{site.name} 2"} for site in sites]
    large = raise_change_request(other, manager, *edits)
    for _ in range(9):
        raise_change_request(other, make_person("customer_viewer"))
    sign_in(client, manager)
    assert statements(f"/change-requests/{small.id}") == statements(f"/change-requests/{large.id}")
    assert statements(f"/engagements/{engagement.id}/change-requests") == statements(f"/engagements/{other.id}/change-requests")
