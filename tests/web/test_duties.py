"""Duties, freezes and UAT as people meet them on the pages."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import (
    NOW,
    actor,
    agree,
    make_defect,
    make_duty,
    make_engagement,
    make_freeze,
    make_person,
    make_round,
    make_site,
    sign_in,
)
from tracker.domain.engagement import Windows
from tracker.services.engagement import AgreementSpec
from tracker.services.freeze import override
from tracker.store import duty as duties
from tracker.store import freeze as freezes
from tracker.store import uat as rounds
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def engagement(client: FlaskClient) -> Engagement:
    return make_engagement(make_person(name="Jonas Weber"), name="Museum move", kickoff_on=NOW.date())


@pytest.fixture
def site(engagement: Engagement) -> Site:
    return make_site(engagement, name="Shop")


@pytest.fixture
def approver(client: FlaskClient) -> Person:
    """A signed-in approver of the customer."""
    person = make_person("customer_approver", name="Petra Approver")
    sign_in(client, person)
    return person


def by_manager(client: FlaskClient, engagement: Engagement) -> Person:
    """Sign the engagement's manager in."""
    manager = db.session.get_one(Person, engagement.manager_id)
    sign_in(client, manager)
    return manager


def state_of(site: Site, kind: str) -> tuple[str, str]:
    db.session.close()
    duty = make_duty(site, kind)
    return duty.state, duty.evidence


def test_the_page_says_what_is_to_be_done_by_whom_by_when_and_what_proves_it(
    client: FlaskClient, engagement: Engagement, site: Site, approver: Person
) -> None:
    page = client.get(f"/engagements/{engagement.id}/duties").text
    assert "Deliver the site inventory" in page
    assert "Fri 27 Feb 2026" in page
    assert "days late" in page, "said in a word, not by its colour alone"
    assert "What you sent, when and to whom" in page
    assert "Changes on the source after the start become the customer&#39;s own responsibility." in page


def test_an_approver_marks_a_duty_done_with_what_proves_it(
    client: FlaskClient, engagement: Engagement, site: Site, approver: Person
) -> None:
    address = f"/duties/{make_duty(site, 'site-inventory').id}/done"
    empty = client.post(address, data={"evidence": "", "version": "1"})
    assert empty.status_code == 422
    assert "Say what proves it" in empty.text
    stale = client.post(address, data={"evidence": "Sent by mail", "version": "7"})
    assert stale.status_code == 409
    assert "Sent by mail" in stale.text
    secret = client.post(address, data={"evidence": "password: hunter2-and-more"})
    assert secret.status_code == 422
    said = {"evidence": "Sent by mail on Monday", "request_key": "once"}
    assert [client.post(address, data=said).location for _ in range(2)] == [f"/engagements/{engagement.id}/duties"] * 2
    assert state_of(site, "site-inventory") == ("done", "Sent by mail on Monday")
    page = client.get(f"/engagements/{engagement.id}/duties").text
    assert "Petra Approver" in page
    duty = make_duty(site, "site-inventory")
    assert client.post(f"/duties/{duty.id}/reopen", data={"version": duty.version}).status_code == 303
    assert state_of(site, "site-inventory")[0] == "open"


def test_a_manager_says_whose_a_duty_is_waives_it_and_marks_what_came(
    client: FlaskClient, engagement: Engagement, site: Site
) -> None:
    viewer = make_person("customer_viewer", name="Tom Baker")
    by_manager(client, engagement)
    duty = make_duty(site, "source-access")
    assert "Tom Baker" in client.get(f"/duties/{duty.id}/edit").text
    saved = client.post(f"/duties/{duty.id}/edit", data={"owner_id": str(viewer.id), "due_on": "2026-12-01", "version": "1"})
    assert saved.status_code == 303
    assert "Tom Baker" in client.get(f"/engagements/{engagement.id}/duties").text
    assert client.post(f"/duties/{duty.id}/waive", data={"reason": "We move it from a backup."}).status_code == 303
    assert "We move it from a backup." in client.get(f"/engagements/{engagement.id}/duties").text
    inventory = make_duty(site, "site-inventory")
    assert client.post(f"/deadlines/{inventory.deadline_id}/done", data={}).status_code == 303
    assert state_of(site, "site-inventory") == ("done", "Received by the team. Marked done with its date.")


def test_a_blocked_step_names_its_duty_on_the_page_of_the_site(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    by_manager(client, engagement)
    page = client.get(f"/sites/{site.id}").text
    assert "It waits for the duty “Deliver the site inventory”" in page
    assert "Still open before" in page


def test_an_approver_answers_a_freeze_by_name(client: FlaskClient, site: Site, approver: Person) -> None:
    freeze = make_freeze(site)
    address = f"/freezes/{freeze.id}/answer"
    page = client.get(address).text
    assert "we carry every later change to the new site ourselves." in page
    wrong = client.post(address, data={"answer": "freeze", "signed_name": "Somebody"})
    assert "You are signed in as Petra Approver" in wrong.text
    assert (
        client.post(address, data={"answer": "freeze", "signed_name": "petra approver"}).location == f"/sites/{site.id}/freezes"
    )
    db.session.close()
    assert freezes.get(db.session, actor(approver), freeze.id).freeze.answer == "freeze"
    page = client.get(f"/sites/{site.id}/freezes").text
    assert "Petra Approver" in page
    assert "Change the answer" in page
    again = client.post(address, data={"answer": "accept_responsibility", "signed_name": "Petra Approver", "reason": ""})
    assert again.status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/sites/{site}",
        "/sites/{site}/edit",
        "/sites/{site}/freezes",
        "/sites/{site}/uat",
        "/freezes/{freeze}/override",
        "/defects/{defect}",
    ],
)
def test_every_page_of_a_frozen_site_says_so(client: FlaskClient, engagement: Engagement, site: Site, path: str) -> None:
    freeze = make_freeze(site)
    make_round(site)
    ids = {"site": site.id, "freeze": freeze.id, "defect": make_defect(site).id}
    manager = by_manager(client, engagement)
    with transaction(db.session, now=NOW):
        override(db.session, actor(manager), freeze.id, "Prices in the shop", "A sale", None, now=NOW)
    page = client.get(path.format(**ids)).text
    assert "Code freeze of Shop</strong> since Mon 2 Mar 2026, 12:00 CET" in page
    assert "The customer has not answered yet." in page
    assert "Exception by Jonas Weber:</strong> Prices in the shop" in page


def test_other_pages_and_other_sites_carry_no_banner(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    make_freeze(site)
    other = make_site(engagement, name="Blog")
    by_manager(client, engagement)
    for path in (f"/sites/{other.id}", f"/engagements/{engagement.id}", "/"):
        assert "Code freeze of" not in client.get(path).text


def test_a_stranger_reads_no_banner_on_the_page_that_says_there_is_nothing(client: FlaskClient, site: Site) -> None:
    make_freeze(site)
    sign_in(client, make_person("customer_viewer", customer="Other"))
    answer = client.get(f"/sites/{site.id}")
    assert answer.status_code == 404
    assert "Shop" not in answer.text


def test_a_freeze_is_set_moved_and_excepted_on_the_pages(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    by_manager(client, engagement)
    address = f"/sites/{site.id}/freezes/new"
    backwards = {"kind": "code", "starts_at": "2027-03-10T09:00", "ends_at": "2027-03-09T09:00"}
    assert "The end lies before the start." in client.post(address, data=backwards).text
    assert client.post(address, data={"kind": "code", "starts_at": "2027-03-10T09:00"}).status_code == 303
    page = client.get(f"/sites/{site.id}/freezes").text
    assert "Wed 10 Mar 2027, 09:00 CET" in page
    (row,) = freezes.of_site(db.session, site.id)
    moved = client.post(
        f"/freezes/{row.freeze.id}/edit",
        data={"starts_at": "2026-03-01T09:00", "reason": "It began.", "version": row.freeze.version},
    )
    assert moved.status_code == 303
    held = client.post(f"/freezes/{row.freeze.id}/edit", data={"starts_at": "2027-03-10T09:00", "reason": "Later"})
    assert held.status_code == 409
    assert "the customer has planned on it" in held.text
    said = {"what": "Prices", "reason": "A sale", "until": ""}
    assert client.post(f"/freezes/{row.freeze.id}/override", data=said).status_code == 303
    assert "Exception by Jonas Weber" in client.get(f"/sites/{site.id}").text


@pytest.mark.parametrize(("silence", "offered"), [("hold", False), ("proceed", True)])
def test_a_round_lapses_only_where_the_agreement_says_so(client: FlaskClient, silence: str, offered: bool) -> None:
    terms = AgreementSpec("SOW-2", NOW.date(), Windows(uat=5, cutover=2, hypercare=10, uat_silence=silence))
    engagement = make_engagement(agreement=terms)
    site = make_site(engagement, name="Shop")
    make_round(site)
    by_manager(client, engagement)
    assert ("Let it lapse" in client.get(f"/sites/{site.id}/uat").text) is offered


def test_an_approver_accepts_a_site_or_says_what_is_missing(
    client: FlaskClient, engagement: Engagement, site: Site, approver: Person
) -> None:
    agree(engagement)
    tested = make_round(site)
    address = f"/uat-rounds/{tested.id}/sign"
    page = client.get(f"/sites/{site.id}/uat").text
    assert "Accept Shop" in page
    digest = page.partition('name="hash"')[2].partition('value="')[2].partition('"')[0]
    unnamed = client.post(address, data={"hash": digest, "agree": "y", "signed_name": "Somebody"})
    assert unnamed.status_code == 422
    assert "You are signed in as Petra Approver" in unnamed.text
    assert client.post(address, data={"hash": digest, "agree": "y", "signed_name": "Petra Approver"}).status_code == 303
    assert "Signed" in client.get(f"/sites/{site.id}/uat").text
    other = make_site(make_engagement(name="Second"))
    rejected = make_round(other)
    assert client.post(f"/uat-rounds/{rejected.id}/reject", data={"reason": "No search"}).status_code == 303
    assert "No search" in client.get(f"/sites/{other.id}/uat").text


def test_a_defect_goes_from_its_report_to_its_confirmation(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    make_round(site)
    viewer = make_person("customer_viewer", name="Tom Baker")
    sign_in(client, viewer)
    assert client.post(f"/sites/{site.id}/defects/new", data={"title": ""}).status_code == 422
    assert client.post(f"/sites/{site.id}/defects/new", data={"title": "Search finds nothing"}).status_code == 303
    (row,) = rounds.defects_of_site(db.session, site.id)
    address = f"/defects/{row.defect.id}"
    assert "What happens to it" not in client.get(address).text
    by_manager(client, engagement)
    unseen = client.post(address, data={"state": "open", "classification": "pre_existing", "source_checked": ""})
    assert "on the source as well" in unseen.text
    assert client.post(address, data={"state": "fixed", "classification": "migration_defect"}).status_code == 303
    sign_in(client, viewer)
    assert "Is it fixed?" in client.get(address).text
    assert client.post(address, data={"state": "confirmed"}).status_code == 303
    assert "None in this state" in client.get(f"/sites/{site.id}/uat?state=open").text
    assert "Search finds nothing" in client.get(f"/sites/{site.id}/uat?state=confirmed").text


def test_testers_are_named_line_by_line(client: FlaskClient, site: Site, approver: Person) -> None:
    tested = make_round(site)
    address = f"/uat-rounds/{tested.id}/testers"
    wrong = client.post(address, data={"testers": "Tom, nowhere"})
    assert wrong.status_code == 422
    assert "not an e-mail address" in wrong.text
    assert client.post(address, data={"testers": "Tom Baker, tom@example.com\nAnn", "version": "1"}).status_code in (303, 409)
    db.session.close()
    version = rounds.get_round(db.session, actor(approver), tested.id).round.version
    assert client.post(address, data={"testers": "Tom Baker, tom@example.com\nAnn", "version": version}).status_code == 303
    assert "Tom Baker, Ann" in client.get(f"/sites/{site.id}/uat").text


def test_the_pages_cost_the_same_however_much_there_is(
    client: FlaskClient, statements: Callable[..., int], engagement: Engagement, site: Site
) -> None:
    small = make_site(make_engagement(db.session.get_one(Person, engagement.manager_id)))
    for each in (site, small):
        make_freeze(each)
        make_round(each)
        make_defect(each)
    for number in range(6):
        make_site(engagement)
        make_defect(site, f"Defect {number}")
    make_freeze(site, "content", starts_at=NOW + timedelta(days=900))
    by_manager(client, engagement)
    pairs: list[tuple[str, Any, Any]] = [
        ("/engagements/{}/duties", engagement.id, small.engagement_id),
        ("/sites/{}/freezes", site.id, small.id),
        ("/sites/{}/uat", site.id, small.id),
        ("/sites/{}", site.id, small.id),
    ]
    for path, large, little in pairs:
        assert statements(path.format(large)) == statements(path.format(little)), path
    assert len(duties.of_engagement(db.session, engagement.id)) == 2 + 7 * 5


def test_hours_for_a_frozen_site_are_logged_under_its_banner(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    make_freeze(site)
    other = make_site(engagement, name="Blog")
    by_manager(client, engagement)
    assert "Code freeze of Shop" in client.get(f"/time?site={site.id}").text
    assert "Code freeze of Shop" in client.post("/time", data={"site_id": str(site.id)}).text
    for path in ("/time", f"/time?site={other.id}", "/time?site=none"):
        assert "Code freeze of" not in client.get(path).text
