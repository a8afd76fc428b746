"""The page of an engagement, as a manager and as its customer see and use it."""

import re
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import NOW, SIGNED_ON, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tracker.services.time_entry import book, submit
from tracker.store import requirements
from tracker.store.database import db
from tracker.store.engagement import Agreement, Customer, Engagement
from tracker.store.requirements import Signature
from tracker.store.transaction import transaction

NEW = {
    "name": "Three-site migration",
    "customer": "Northwind Museums",
    "time_zone": "Europe/Berlin",
    "type": "managed",
    "country": "DE",
    "kickoff_on": "2026-11-03",
    "reference": "SOW 2026-114",
    "signed_on": "2026-10-12",
    "uat_business_days": "5",
    "cutover_business_days": "2",
    "hypercare_business_days": "10",
    "uat_silence": "hold",
}


# What stands in the agreement that `make_engagement` makes.
AGREED = {
    "type": "managed",
    "reference": "SOW-1",
    "signed_on": "2026-01-12",
    "uat_business_days": "5",
    "cutover_business_days": "2",
    "hypercare_business_days": "10",
    "uat_silence": "hold",
}


@pytest.fixture
def manager(client: FlaskClient) -> Callable[..., TestResponse]:
    """A signed-in manager's way to fill in the form for a new engagement."""
    person = make_person(name="Jonas Weber")
    sign_in(client, person)

    def fill_in(**over: str) -> TestResponse:
        said = NEW | {"engagement_manager": str(person.id), "request_key": "once"} | over
        return client.post("/engagements/new", data=said)

    return fill_in


def value_of(page: str, name: str) -> str:
    """What a field of the page holds."""
    tag = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert tag is not None
    found = re.search(r'value="([^"]*)"', tag[0])
    return found[1] if found else ""


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_new_engagement_shows_its_agreement_and_the_dates_that_follow(
    client: FlaskClient, manager: Callable[..., TestResponse]
) -> None:
    answer = manager()
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Three-site migration" in page
    assert "SOW 2026-114" in page
    assert "10 business days" in page
    assert "Germany" in page
    assert "Mon 2 Nov 2026" in page
    assert "1 business day before the kick-off" in page


def test_sending_the_form_twice_opens_one_engagement(manager: Callable[..., TestResponse]) -> None:
    first, second = manager(), manager()
    assert first.location == second.location
    assert (count(Engagement), count(Customer)) == (1, 1)


@pytest.mark.parametrize("missing", ["uat_business_days", "cutover_business_days", "hypercare_business_days"])
def test_a_managed_engagement_names_every_window_of_its_agreement(manager: Callable[..., TestResponse], missing: str) -> None:
    answer = manager(**{missing: ""})
    assert answer.status_code == 422
    assert f'id="{missing}-error"' in answer.text
    assert value_of(answer.text, "name") == "Three-site migration"
    assert count(Engagement) == 0


def test_what_cannot_stand_is_said_at_its_field(manager: Callable[..., TestResponse]) -> None:
    answer = manager(time_zone="Europe/Berlinn", slack_channel="#general", uat_business_days="999")
    assert answer.status_code == 422
    assert "There is no such time zone" in answer.text
    assert 'id="slack_channel-error"' in answer.text
    assert value_of(answer.text, "time_zone") == "Europe/Berlinn"


def test_a_self_service_migration_may_have_no_agreement(client: FlaskClient, manager: Callable[..., TestResponse]) -> None:
    windows = dict.fromkeys(("uat_business_days", "cutover_business_days", "hypercare_business_days"), "")
    answer = manager(type="self_service", reference="", signed_on="", **windows)
    assert answer.status_code == 303
    assert "No agreement." in client.get(answer.location).text
    assert count(Agreement) == 0


def test_a_stale_edit_keeps_what_was_typed_and_can_be_saved_after_reading(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Old name", account_rep="Ruth")
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}/edit"
    shown = client.get(address).text
    said = {
        "name": "Old name",
        "time_zone": "Europe/Berlin",
        "engagement_manager": str(manager.id),
        "slack_channel": "C1",
        "state": "active",
        "version": value_of(shown, "version"),
    } | AGREED
    assert client.post(address, data=said | {"name": "Theirs", "account_rep": "Ruth"}).status_code == 303
    stale = client.post(address, data=said | {"account_rep": "Mina"})
    assert stale.status_code == 409
    assert "Somebody else changed this meanwhile" in stale.text
    assert "Now: Theirs" in stale.text
    assert value_of(stale.text, "account_rep") == "Mina"
    again = client.post(address, data=said | {"account_rep": "Mina", "version": value_of(stale.text, "version")})
    assert again.status_code == 303
    page = client.get(again.location).text
    assert "Mina" in page
    assert "Theirs" not in page


def test_the_agreement_is_corrected_on_the_edit_page(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Museums")
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}/edit"
    shown = client.get(address).text
    assert [value_of(shown, name) for name in ("reference", "signed_on", "uat_business_days")] == ["SOW-1", "2026-01-12", "5"]
    said = {
        "name": "Museums",
        "time_zone": "Europe/Berlin",
        "engagement_manager": str(manager.id),
        "slack_channel": "C1",
        "state": "active",
        "version": value_of(shown, "version"),
    }
    emptied = client.post(address, data=said | AGREED | {"type": "self_service", "reference": ""})
    assert (emptied.status_code, 'id="reference-error"' in emptied.text) == (422, True)
    secret = client.post(address, data=said | AGREED | {"reference": "password: example1"})
    assert (secret.status_code, 'id="reference-error"' in secret.text) == (422, True)
    saved = client.post(address, data=said | AGREED | {"reference": "SOW-2", "uat_business_days": "8"})
    assert saved.status_code == 303
    page = client.get(saved.location).text
    assert "SOW-2" in page
    assert "8 business days" in page
    stale = client.post(address, data=said | AGREED)
    assert stale.status_code == 409
    assert "Now: SOW-2" in stale.text


def test_a_self_service_migration_gets_its_agreement_later(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Guided", type="self_service", agreement=None)
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}/edit"
    said = {
        "name": "Guided",
        "time_zone": "Europe/Berlin",
        "engagement_manager": str(manager.id),
        "slack_channel": "C1",
        "state": "active",
        "type": "self_service",
        "uat_silence": "hold",
    }
    assert client.post(address, data=said | {"name": "Guided move"}).status_code == 303
    assert count(Agreement) == 0
    assert client.post(address, data=said | {"type": "managed"}).status_code == 422
    assert client.post(address, data=said | AGREED).status_code == 303
    assert count(Agreement) == 1


def test_the_customer_signs_what_was_agreed_with_their_own_name(client: FlaskClient) -> None:
    manager, approver = make_person(), make_person("customer_approver", name="Priya Nair")
    engagement = make_engagement(manager)
    make_site(engagement, name="Museum shop")
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}"
    shown = client.get(address).text
    assert client.post(f"{address}/agree", data={"hash": value_of(shown, "hash")}).status_code == 303

    sign_in(client, approver)
    page = client.get(address).text
    assert "Sign the project requirements" in page
    assert "Museum shop" in page
    said = {"hash": value_of(page, "hash"), "agree": "y", "request_key": "once"}
    wrong = client.post(f"{address}/sign", data=said | {"signed_name": "Somebody Else"})
    assert wrong.status_code == 422
    assert "You are signed in as Priya Nair" in wrong.text
    assert client.post(f"{address}/sign", data=said | {"signed_name": "priya  nair"}).status_code == 303
    assert client.post(f"{address}/sign", data=said | {"signed_name": "priya  nair"}).status_code == 303
    assert count(Signature) == 1
    assert "by Priya Nair" in client.get(address).text


def test_nobody_agrees_a_list_that_they_have_not_seen(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    make_site(engagement)
    sign_in(client, manager)
    seen = value_of(client.get(f"/engagements/{engagement.id}").text, "hash")
    make_site(engagement, name="Added meanwhile")
    answer = client.post(f"/engagements/{engagement.id}/agree", data={"hash": seen})
    assert answer.status_code == 409
    assert "The list of sites has changed" in answer.text
    assert requirements.latest(db.session, engagement.id) is None


def test_a_signature_needs_the_tick_and_names_what_was_shown(client: FlaskClient) -> None:
    approver = make_person("customer_approver", name="Priya Nair")
    engagement = make_engagement()
    make_site(engagement)
    agreed = agree(engagement)
    sign_in(client, approver)
    address = f"/engagements/{engagement.id}/sign"
    unticked = client.post(address, data={"hash": agreed.hash, "signed_name": "Priya Nair"})
    assert (unticked.status_code, "Tick this to sign." in unticked.text) == (422, True)
    other = client.post(address, data={"hash": "0" * 64, "agree": "y", "signed_name": "Priya Nair"})
    assert other.status_code == 409
    assert count(Signature) == 0


def test_the_customer_reads_the_same_page_without_what_is_the_teams_own(client: FlaskClient) -> None:
    viewer, engineer = make_person("customer_viewer"), make_person("engineer")
    manager = make_person()
    engagement = make_engagement(manager, internal_slack_channel="C0SECRET")
    site = make_site(engagement)
    agree(engagement)
    with transaction(db.session, now=NOW):
        (found,) = book(db.session, actor(manager), some_work(site, note="Found the cause"), now=NOW)
        submit(db.session, actor(manager), found.entry.id, now=NOW)
        book(db.session, actor(manager), some_work(site, note="Still a draft"), now=NOW)
    address = f"/engagements/{engagement.id}"

    sign_in(client, manager)
    staff_page = client.get(address).text
    sign_in(client, viewer)
    page = client.get(address).text
    for own in ("C0SECRET", "Still a draft", "Next reminders", "Log hours", f"{address}/edit", "Assign somebody"):
        assert own in staff_page
        assert own not in page
    assert "Found the cause" in page
    assert "3 h left" in page
    assert client.get(f"{address}/edit").status_code == 404
    sign_in(client, engineer)
    assert client.get(address).status_code == 404


def test_people_are_assigned_and_taken_off_but_never_the_one_who_leads(client: FlaskClient) -> None:
    manager, engineer = make_person(), make_person("engineer", name="Ada Byron")
    engagement = make_engagement(manager)
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}"
    assert client.post(f"{address}/members", data={"person_id": ""}).status_code == 422
    for _ in range(2):
        answer = client.post(f"{address}/members", data={"person_id": str(engineer.id), "request_key": "once"})
        assert answer.status_code == 303
    remove = f"{address}/members/{engineer.id}/remove"
    assert remove in client.get(address).text
    assert f"{address}/members/{manager.id}/remove" not in client.get(address).text
    assert client.post(remove).status_code == 303
    assert remove not in client.get(address).text


def test_the_page_costs_the_same_for_twenty_sites_as_for_one(client: FlaskClient, statements: Callable[..., int]) -> None:
    manager = make_person()
    small, large = make_engagement(manager), make_engagement(manager)
    for engagement, sites in ((small, 1), (large, 20)):
        for _ in range(sites):
            make_site(engagement)
        agree(engagement)
    sign_in(client, manager)
    assert statements(f"/engagements/{small.id}") == statements(f"/engagements/{large.id}")


def test_the_agreement_is_dated_as_it_was_signed(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    sign_in(client, manager)
    assert f"{SIGNED_ON:%a %-d %b %Y}" in client.get(f"/engagements/{engagement.id}").text


def test_public_holidays_are_set_on_the_edit_page(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Relaunch")
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}/edit"
    said = {
        "name": "Relaunch",
        "time_zone": "Europe/Berlin",
        "engagement_manager": str(manager.id),
        "slack_channel": "C1",
        "state": "active",
        "country": "DE",
        "version": value_of(client.get(address).text, "version"),
    }
    answer = client.post(address, data=said | AGREED)
    assert answer.status_code == 303
    assert "Germany" in client.get(answer.location).text


@pytest.mark.parametrize("role", ["engagement_manager", "customer_viewer"])
def test_the_agreement_leads_to_the_catalogue_that_it_was_made_on(client: FlaskClient, role: str) -> None:
    engagement = make_engagement()
    sign_in(client, make_person(role))
    assert 'href="/catalog?version=1"' in client.get(f"/engagements/{engagement.id}").text
    assert client.get("/catalog?version=1").status_code == 200
