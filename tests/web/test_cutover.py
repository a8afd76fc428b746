"""The customer's name under the DNS cutover, without which no site launches."""

import re

import pytest
from flask.testing import FlaskClient

from tests.factories import NOW, agree, make_engagement, make_person, make_site, sign_in
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def engagement() -> Engagement:
    return make_engagement()


@pytest.fixture
def site(engagement: Engagement) -> Site:
    site = make_site(engagement, name="Shop")
    agree(engagement)
    return site


@pytest.fixture
def approver(client: FlaskClient) -> Person:
    person = make_person("customer_approver", name="Petra Approver")
    sign_in(client, person)
    return person


def put_at(site: Site, stage: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = stage


def test_an_approver_signs_the_cutover_where_the_first_page_asks_for_it(
    client: FlaskClient, engagement: Engagement, site: Site, approver: Person
) -> None:
    address = f"/sites/{site.id}/cutover"
    assert address not in client.get(f"/engagements/{engagement.id}").text
    put_at(site, "cutover_open")
    assert address in client.get(f"/engagements/{engagement.id}").text
    page = client.get(address).text
    found = re.search(r'name="hash"[^>]*value="([0-9a-f]{64})"', page)
    assert found is not None
    said = {"hash": found[1], "agree": "y", "signed_name": "Somebody"}
    unnamed = client.post(address, data=said)
    assert (unnamed.status_code, "You are signed in as Petra Approver" in unnamed.text) == (422, True)
    signed = client.post(address, data=said | {"signed_name": "petra approver"})
    assert (signed.status_code, signed.location) == (303, f"/sites/{site.id}")
    overview = client.get(f"/engagements/{engagement.id}").text
    assert "DNS cutover, Shop" in overview.partition("Sign-offs")[2]
    assert address not in overview


def test_a_cutover_that_is_not_asked_for_is_not_signed(client: FlaskClient, site: Site, approver: Person) -> None:
    early = client.get(f"/sites/{site.id}/cutover")
    assert (early.status_code, "this is not asked for now" in early.text) == (409, True)


def test_who_may_not_sign_does_not_get_the_page(client: FlaskClient, site: Site) -> None:
    put_at(site, "cutover_open")
    sign_in(client, make_person("customer_viewer"))
    assert client.get(f"/sites/{site.id}/cutover").status_code == 403


def test_a_duty_without_a_date_that_holds_up_the_next_step_is_a_thing_to_do(
    client: FlaskClient, engagement: Engagement, site: Site, approver: Person
) -> None:
    todo = client.get(f"/engagements/{engagement.id}").text.partition("What you have to do")[2].partition("</section>")[0]
    assert "Tell everyone affected about the content freeze" not in todo
    put_at(site, "launch_planned")
    todo = client.get(f"/engagements/{engagement.id}").text.partition("What you have to do")[2].partition("</section>")[0]
    assert "Tell everyone affected about the content freeze, Shop" in todo
