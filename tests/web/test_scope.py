"""The scope as its pages show it: to a manager, an engineer, and a customer."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from tests.factories import NOW, change_item, item_of, make_engagement, make_person, make_site, sign_in
from tests.web.test_engagement import value_of
from tracker.domain.access import SYSTEM
from tracker.services import engagement as engagement_service
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    """A signed-in engagement manager."""
    person = make_person(name="Jonas Weber")
    sign_in(client, person)
    return person


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager, name="Museum move")


@pytest.fixture
def site(engagement: Engagement) -> Site:
    """A site on the Basic plan of which little is known."""
    return make_site(engagement, name="Shop", plan="basic", upstream_choice="default")


def engineer_on(engagement: Engagement) -> Person:
    engineer = make_person("engineer", name="Mei Lindqvist")
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    return engineer


def test_a_scope_says_what_is_included_what_is_not_and_why(client: FlaskClient, site: Site) -> None:
    page = client.get(f"/sites/{site.id}/scope").text
    assert "4 out of scope" in page
    assert "The Basic plan has no object cache. A bigger plan brings it. Your account representative can quote it." in page
    assert "Managed Migration Service (2023 revision): Included configuration support" in page
    assert "Newest upstream release before UAT, roll back to the production version if it breaks." in page
    assert page.index('id="scope-included"') < page.index('id="scope-out_of_scope"') < page.index('id="scope-undecided"')


def test_the_scope_of_an_engagement_counts_each_site_and_names_the_way_on(
    client: FlaskClient, engagement: Engagement, site: Site
) -> None:
    page = client.get(f"/engagements/{engagement.id}/scope").text
    assert f'href="/sites/{site.id}/scope"' in page
    assert "Keeping Git history" in page
    assert "You can do it yourself, with our guide. Manual migration path keeps history." in page


def test_a_manager_decides_an_item_with_a_reason(client: FlaskClient, site: Site) -> None:
    item = item_of(site, "email-external")
    address = f"/scope-items/{item.id}"
    said = {"decision": "ps", "work_state": "planned", "clause": "Quote Q-7", "version": "1"}
    refused = client.post(address, data=said)
    assert refused.status_code == 422
    assert "Say why; the customer reads it." in refused.text
    assert 'value="Quote Q-7"' in refused.text, "what was typed is kept"
    saved = client.post(address, data=said | {"reason": "Their relay needs code"})
    assert saved.location == f"/sites/{site.id}/scope"
    page = client.get(saved.location).text
    assert "Their relay needs code PS hours can pay for it." in page
    assert "decided by Jonas Weber" in page


def test_two_people_who_edit_one_item_do_not_overwrite_each_other(client: FlaskClient, site: Site) -> None:
    item = item_of(site, "transfer-code-db-files")
    change_item(item, work_state="doing", evidence="The dump is loaded")
    answer = client.post(
        f"/scope-items/{item.id}",
        data={"decision": "included", "work_state": "done", "evidence": "212 tables on both sides", "version": "1"},
    )
    assert answer.status_code == 409
    assert "Somebody else changed this meanwhile." in answer.text
    assert "212 tables on both sides" in answer.text
    assert "Now: The dump is loaded" in answer.text
    assert value_of(answer.text, "version") == "2"
    assert item_of(site, "transfer-code-db-files").work_state == "doing"


def test_an_engineer_notes_the_work_and_proposes_what_a_manager_takes_up(
    client: FlaskClient, engagement: Engagement, site: Site, manager: Person
) -> None:
    item = item_of(site, "email-external")
    sign_in(client, engineer_on(engagement))
    address = f"/scope-items/{item.id}"
    page = client.get(address).text
    assert 'name="proposed_decision"' in page
    assert 'name="decision"' not in page
    said = {"work_state": "doing", "proposed_decision": "ps", "proposed_reason": "It needs code", "version": "1"}
    assert client.post(address, data=said).status_code == 303
    sign_in(client, make_person("customer_viewer"))
    assert "It needs code" not in client.get(address).text, "a proposal is the team's own"
    sign_in(client, manager)
    assert "Mei Lindqvist" in client.get(address).text
    client.post(f"{address}/proposal", data={"answer": "take", "version": "2"})
    taken = item_of(site, "email-external")
    assert (taken.decision, taken.reason, taken.work_state) == ("ps", "It needs code", "doing")
    client.post(f"{address}/rules", data={"version": "3"})
    assert item_of(site, "email-external").decision == "undecided"


def test_a_stale_button_says_so(client: FlaskClient, site: Site) -> None:
    item = item_of(site, "email-external")
    change_item(item, proposed_decision="ps", proposed_reason="It needs code")
    answer = client.post(f"/scope-items/{item.id}/proposal", data={"answer": "decline", "version": "1"})
    assert answer.status_code == 409
    assert "Somebody else changed this meanwhile." in answer.text
    assert client.post(f"/scope-items/{item.id}/proposal", data={"answer": "decline", "version": "2"}).status_code == 303
    assert item_of(site, "email-external").proposed_decision is None


def test_a_customer_reads_an_item_and_changes_nothing(client: FlaskClient, site: Site) -> None:
    item = item_of(site, "email-external")
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/scope-items/{item.id}").text
    assert "Not known yet: Sends e-mail." in page
    assert "<form" not in page.split("<main")[1]
    assert client.post(f"/scope-items/{item.id}", data={"work_state": "done"}).status_code == 403


def test_an_item_of_ones_own_is_added_and_marked(client: FlaskClient, engagement: Engagement, site: Site) -> None:
    address = f"/engagements/{engagement.id}/scope-items/new?site={site.id}"
    said = {"title": "Retire the S3 bucket", "site_id": str(site.id), "decision": "ps", "due_before": "launch"}
    assert "Say why; the customer reads it." in client.post(address, data=said).text
    added = client.post(address, data=said | {"reason": "Quote Q-7"})
    assert added.location == f"/sites/{site.id}/scope"
    assert "Retire the S3 bucket" in client.get(added.location).text


def test_the_steps_of_a_site_say_which_items_uat_waits_for(client: FlaskClient, site: Site) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "ready_for_uat"
    page = client.get(f"/sites/{site.id}").text
    assert "scope items are not settled: “Move code, database and user files to the target site”" in page


@pytest.mark.parametrize("page", ["scope", "overview"])
def test_the_scope_takes_as_many_statements_with_many_sites(
    client: FlaskClient, engagement: Engagement, site: Site, statements: Callable[[str], int], page: str
) -> None:
    address = f"/engagements/{engagement.id}" + ("/scope" if page == "scope" else "")
    few = statements(address)
    for _ in range(5):
        make_site(engagement)
    assert statements(address) == few
