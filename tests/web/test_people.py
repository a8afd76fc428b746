"""People and tokens by the page: links and tokens are shown once, and kept nowhere."""

import re
import smtplib
from dataclasses import replace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_engagement, make_person, sign_in
from tests.web.mailbox import Mailbox
from tracker.settings import Settings
from tracker.store.database import db
from tracker.store.person import ApiToken, Person, SignInLink, digest
from tracker.store.transaction import RequestRecord

NEW = {"name": "Ada Lind", "email": "Ada@Example.com", "role": "engineer", "time_zone": "Europe/Berlin"}


@pytest.fixture
def admin(app: Flask, client: FlaskClient) -> FlaskClient:
    """An administrator's browser."""
    sign_in(client, make_person("admin", name="Root"))
    return client


def link_on(text: str) -> str:
    """The path of the one-time link that a page shows."""
    found = re.search(r"<code>http://localhost(/sign-in/[\w-]{40,})</code>", text)
    assert found is not None, text
    return found[1]


def kept_texts() -> str:
    """Everything the database keeps of requests and links."""
    rows = [str(row.response) for row in db.session.scalars(sa.select(RequestRecord))]
    return " ".join([*rows, *db.session.scalars(sa.select(SignInLink.token_hash))])


def test_an_invitation_shows_a_link_that_lets_in_once(app: Flask, admin: FlaskClient) -> None:
    page = admin.post("/people/new", data=NEW)
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    link = link_on(page.text)
    assert "shown only now" in page.text
    assert link.removeprefix("/sign-in/") not in kept_texts()
    assert link not in admin.get("/people").text
    ada = app.test_client()
    assert ada.post(link, data={"password": "three blue herons"}).status_code == 303
    assert "Ada Lind" in ada.get("/account").text
    assert "This link no longer works" in app.test_client().post(link).text
    again = app.test_client()
    answer = again.post("/sign-in", data={"email": "ada@example.com", "password": "three blue herons"})
    assert (answer.status_code, answer.location) == (303, "/")


def test_an_invitation_sent_twice_makes_one_person_and_a_link_that_works(app: Flask, admin: FlaskClient) -> None:
    data = NEW | {"request_key": "pressed twice"}
    first, second = (link_on(admin.post("/people/new", data=data).text) for _press in range(2))
    assert db.session.scalar(sa.select(sa.func.count()).where(Person.email == "ada@example.com")) == 1
    assert app.test_client().get(first).status_code == 404
    assert app.test_client().post(second).status_code == 303


def test_what_cannot_stand_is_said_at_its_field(admin: FlaskClient) -> None:
    make_person("engineer", email="ada@example.com")
    taken = admin.post("/people/new", data=NEW)
    assert taken.status_code == 422
    assert "Somebody with this e-mail address is here already." in taken.text
    assert 'value="Ada Lind"' in taken.text
    wrong = admin.post("/people/new", data=NEW | {"role": "customer_viewer", "time_zone": "Mars/Base"})
    assert "There is no such time zone." in wrong.text
    homeless = admin.post("/people/new", data=NEW | {"email": "b@example.com", "role": "customer_viewer"})
    assert "Name the customer this person belongs to." in homeless.text


def test_where_mail_is_set_up_the_link_goes_out_after_the_person_is_kept(
    app: Flask, admin: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtplib, "SMTP", Mailbox)
    monkeypatch.setattr(Mailbox, "sent", [])
    app.config["SETTINGS"] = replace(settings, smtp_url="smtp://localhost:2525")
    page = admin.post("/people/new", data=NEW)
    assert "on its way by mail" in page.text
    ((to, text, in_transaction),) = Mailbox.sent
    assert (to, in_transaction) == ("ada@example.com", False)
    assert f"http://localhost{link_on(page.text)}\n" in text


def test_a_fresh_link_ends_the_one_before(app: Flask, admin: FlaskClient) -> None:
    ada = make_person("engineer")
    old, new = (link_on(admin.post(f"/people/{ada.id}/link").text) for _press in range(2))
    assert app.test_client().get(old).status_code == 404
    assert app.test_client().get(new).status_code == 200


def test_somebody_deactivated_is_out_at_once_and_may_be_taken_back(app: Flask, admin: FlaskClient) -> None:
    ada = make_person("engineer")
    hers = app.test_client()
    sign_in(hers, ada)
    assert hers.get("/account").status_code == 200
    page = admin.post(f"/people/{ada.id}/deactivate", follow_redirects=True)
    assert "Deactivated, and signed out everywhere." in page.text
    assert hers.get("/account").status_code == 303
    refused = admin.post(f"/people/{ada.id}/link")
    assert refused.status_code == 422
    assert "This person is deactivated." in refused.text
    assert admin.post(f"/people/{ada.id}/activate").status_code == 303
    assert admin.post(f"/people/{ada.id}/link").status_code == 200


def test_nobody_locks_themselves_out(app: Flask, client: FlaskClient) -> None:
    me = make_person("admin")
    sign_in(client, me)
    assert f"/people/{me.id}/deactivate" not in client.get("/people").text
    refused = client.post(f"/people/{me.id}/deactivate")
    assert refused.status_code == 422
    assert "You cannot deactivate yourself." in refused.text


def test_a_token_is_shown_once_and_stops_when_it_is_revoked(app: Flask, admin: FlaskClient) -> None:
    make_engagement(name="Acme moves")
    ada = make_person("engagement_manager", name="Ada")
    data = {"person_id": str(ada.id), "scope": "read", "engagement_id": "", "request_key": "once"}
    page = admin.post("/people/tokens", data=data)
    (token,) = set(re.findall(r"trk_[\w-]{40,}", page.text))
    assert token not in kept_texts()
    assert token not in admin.get("/people/tokens").text
    again = admin.post("/people/tokens", data=data, follow_redirects=True)
    assert "shown only once" in again.text
    assert "trk_" not in again.text
    (kept,) = db.session.scalars(sa.select(ApiToken))
    assert (kept.token_hash, kept.scope) == (digest(token), "read")

    def asks() -> int:
        return app.test_client().get("/api/v1/engagements", headers={"Authorization": f"Bearer {token}"}).status_code

    assert asks() == 200
    assert "Revoked." in admin.post(f"/people/tokens/{kept.id}/revoke", follow_redirects=True).text
    assert asks() == 401


def test_a_token_is_not_narrowed_to_what_its_person_cannot_see(admin: FlaskClient) -> None:
    engagement, ada = make_engagement(), make_person("engineer", name="Ada")
    data = {"person_id": str(ada.id), "scope": "write", "engagement_id": str(engagement.id)}
    page = admin.post("/people/tokens", data=data)
    assert page.status_code == 422
    assert "Ada does not see this engagement." in page.text


def test_the_list_goes_on_by_e_mail_address(admin: FlaskClient) -> None:
    for number in range(55):
        make_person("engineer", email=f"a{number:03}@example.com", name=f"Number {number:03}")
    first = admin.get("/people").text
    assert "Number 000" in first
    assert "Number 054" not in first
    more = re.search(r'href="(/people\?after=[^"]+)" rel="next"', first)
    assert more is not None
    assert "Number 054" in admin.get(more[1]).text


def test_an_engineer_may_not_and_a_customer_finds_nothing(client: FlaskClient) -> None:
    for role, status in (("engineer", 403), ("engagement_manager", 403), ("customer_approver", 404)):
        sign_in(client, make_person(role))
        assert client.get("/people").status_code == status
        assert client.post("/people/new", data=NEW).status_code == status
