"""The page of a site, its form and its steps."""

from uuid import UUID

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import agree, make_agreed_site, make_engagement, make_person, make_site, sign_in
from tests.web.test_engagement import value_of
from tracker.store.database import db
from tracker.store.site import Site

SHOP = {"name": "Shop", "url": "shop.example.com", "cms": "wordpress", "package": "standard", "request_key": "once"}


def test_a_listed_site_has_its_five_hours(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}/sites/new"
    first, second = (client.post(address, data=SHOP) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Site)) == 1
    page = client.get(f"/engagements/{engagement.id}").text
    assert "Shop" in page
    assert "5 h left" in page


@pytest.mark.parametrize(
    ("said", "field", "message"),
    [
        pytest.param({"url": "not an address"}, "url", "Write it like https://shop.example.com.", id="address"),
        pytest.param({"package": "premium"}, "premium_option", "takes exactly one extra", id="premium without extra"),
        pytest.param({"cms_variant": "drupal-7"}, "cms_variant", "Only a Drupal site has a variant", id="variant"),
    ],
)
def test_what_cannot_be_listed_is_said_at_its_field(client: FlaskClient, said: dict[str, str], field: str, message: str) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    sign_in(client, manager)
    answer = client.post(f"/engagements/{engagement.id}/sites/new", data=SHOP | said)
    assert answer.status_code == 422
    assert message in answer.text.partition(f'id="{field}-error"')[2]
    assert value_of(answer.text, "name") == "Shop"


def test_after_the_agreement_a_further_site_needs_a_change_request(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    make_site(engagement)
    agree(engagement)
    sign_in(client, manager)
    answer = client.post(f"/engagements/{engagement.id}/sites/new", data=SHOP)
    assert answer.status_code == 409
    assert "Raise a change request" in answer.text
    assert value_of(answer.text, "url") == "shop.example.com"


def test_what_was_agreed_is_not_asked_again_and_the_rest_may_change(client: FlaskClient) -> None:
    manager = make_person("admin")
    site = make_agreed_site(name="Shop")
    sign_in(client, manager)
    shown = client.get(f"/sites/{site.id}/edit").text
    assert 'name="package"' not in shown
    assert "change request" in shown
    said = {"version": value_of(shown, "version"), "plan": "elite", "cms_version": "6.7", "network": "no"}
    answer = client.post(f"/sites/{site.id}/edit", data=said)
    assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Elite" in page
    assert "WordPress 6.7" in page
    stale = client.post(f"/sites/{site.id}/edit", data=said | {"cms_version": "6.8"})
    assert stale.status_code == 409
    assert value_of(stale.text, "cms_version") == "6.8"
    assert "Now: 6.7" in stale.text
    again = client.post(f"/sites/{site.id}/edit", data=said | {"version": value_of(stale.text, "version")})
    assert again.status_code == 303


def test_a_step_that_is_not_open_says_all_that_is_missing(client: FlaskClient) -> None:
    manager = make_person()
    site = make_site(make_engagement(manager))
    sign_in(client, manager)
    page = client.get(f"/sites/{site.id}").text
    assert "Qualified" in page
    assert "The site inventory has not been received." in page
    refused = client.post(f"/sites/{site.id}/transitions", data={"to": "qualified"})
    assert refused.status_code == 409
    assert "The requirements that list this site are not agreed yet." in refused.text


def test_a_step_pressed_twice_is_taken_once(client: FlaskClient) -> None:
    manager = make_person()
    site = make_site(make_engagement(manager))
    sign_in(client, manager)
    for _ in range(2):
        answer = client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn", "request_key": "once"})
        assert answer.status_code == 303
    assert "This site has reached the end of its way." in client.get(f"/sites/{site.id}").text


def test_the_customer_sees_their_site_without_buttons_and_nobody_elses(client: FlaskClient) -> None:
    site = make_agreed_site(name="Shop")
    theirs = make_site(make_engagement(customer="Globex"))
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/sites/{site.id}").text
    assert "5 h left" in page
    for own in ("Log hours", f"/sites/{site.id}/edit", f"/sites/{site.id}/transitions", "Set a date"):
        assert own not in page
    assert client.get(f"/sites/{theirs.id}").status_code == 404
    assert client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn"}).status_code == 404
    assert client.get(f"/sites/{UUID(int=0)}").status_code == 404
