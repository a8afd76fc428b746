"""The door: passwords, one-time links, and what somebody sees who knocks too often."""

import re
import smtplib
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_person
from tests.web.mailbox import Mailbox
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.edge.password import hash_password
from tracker.services import person as service
from tracker.services import sign_in as sign_in_service
from tracker.services.person import OwnChange
from tracker.services.sign_in import LINK_LIFE
from tracker.settings import Settings
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.transaction import transaction

PASSWORD = "three blue herons"


def make_ada() -> Person:
    """Somebody who signs in by password."""
    ada = make_person("engineer", email="ada@example.com", name="Ada Lind")
    change = OwnChange(password_hash=hash_password(PASSWORD))
    with transaction(db.session, now=utc_now()):
        return service.edit_self(db.session, people.actor_of(db.session, ada), change, now=utc_now())


def link_for(person: Person, *, ago: timedelta = timedelta()) -> str:
    now = utc_now() - ago
    with transaction(db.session, now=now):
        return f"/sign-in/{sign_in_service.make_link(db.session, SYSTEM, person.id, now=now)}"


def test_a_password_lets_in_and_leads_to_where_one_was_going(client: FlaskClient) -> None:
    make_ada()
    closed = client.get("/time")
    assert (closed.status_code, closed.location) == (303, "/sign-in?next=/time")
    answer = client.post("/sign-in?next=/time", data={"email": "Ada@Example.com ", "password": PASSWORD})
    assert (answer.status_code, answer.location) == (303, "/time")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/time").status_code == 200
    assert client.post("/sign-out").location == "/sign-in"
    assert client.get("/time").status_code == 303


@pytest.mark.parametrize("wanted", ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil"])
def test_nobody_is_led_elsewhere(client: FlaskClient, wanted: str) -> None:
    make_ada()
    answer = client.post("/sign-in", query_string={"next": wanted}, data={"email": "ada@example.com", "password": PASSWORD})
    assert answer.location == "/"


def test_a_wrong_password_and_an_unknown_person_get_the_same_answer(client: FlaskClient) -> None:
    make_ada()
    answers = [
        client.post("/sign-in", data={"email": email, "password": "not this one"})
        for email in ("ada@example.com", "nobody@example.com")
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    told = [re.sub(r'value="[^"]*"', "", answer.text) for answer in answers]
    assert told[0] == told[1]
    assert "do not fit together" in told[0]
    assert all("Set-Cookie" not in answer.headers for answer in answers)


def test_too_many_tries_are_told_to_wait_and_keep_the_address(client: FlaskClient) -> None:
    make_ada()
    for _try in range(sign_in_service.ATTEMPTS_ALLOWED):
        assert client.post("/sign-in", data={"email": "ada@example.com", "password": "guess"}).status_code == 422
    held = client.post("/sign-in", data={"email": "ada@example.com", "password": PASSWORD})
    assert held.status_code == 429
    assert int(held.headers["Retry-After"]) > 0
    assert "Too many tries." in held.text
    assert 'value="ada@example.com"' in held.text
    assert "guess" not in held.text
    other = client.post("/sign-in", data={"email": "bob@example.com", "password": "guess"})
    assert other.status_code == 422, "a colleague behind the same address is not held"


def test_a_link_works_once_and_looking_at_it_does_not_use_it_up(app: Flask) -> None:
    link = link_for(make_person("engineer", name="Ada Lind"))
    scanner = app.test_client()
    for _look in range(3):
        assert scanner.head(link).status_code == 200
        assert "Sign in as Ada Lind" in scanner.get(link).text
    ada = app.test_client()
    assert ada.post(link).status_code == 303
    assert ada.get("/account").status_code == 200
    for answer in (app.test_client().get(link), app.test_client().post(link)):
        assert answer.status_code == 404
        assert "This link no longer works" in answer.text
        assert "Sign in with a password" in answer.text


def test_a_password_too_short_does_not_use_the_link_up(app: Flask) -> None:
    link = link_for(make_person("engineer"))
    short = app.test_client().post(link, data={"password": "short"})
    assert short.status_code == 422
    assert "Use at least 10 characters" in short.text
    assert app.test_client().post(link).status_code == 303


def test_whoever_has_a_password_is_not_asked_for_another(app: Flask) -> None:
    page = app.test_client().get(link_for(make_ada()))
    assert 'name="password"' not in page.text


def test_a_link_runs_out(app: Flask) -> None:
    link = link_for(make_person("engineer"), ago=LINK_LIFE)
    assert app.test_client().get(link).status_code == 404
    assert app.test_client().post(link).status_code == 404


def test_a_lost_link_is_mailed_and_the_page_tells_nothing_about_addresses(
    app: Flask, client: FlaskClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "This installation sends no mail." in client.get("/sign-in/link").text
    ada = make_ada()
    monkeypatch.setattr(smtplib, "SMTP", Mailbox)
    monkeypatch.setattr(Mailbox, "sent", [])
    app.config["SETTINGS"] = replace(settings, smtp_url="smtp://localhost:2525")
    known = client.post("/sign-in/link", data={"email": ada.email})
    unknown = client.post("/sign-in/link", data={"email": "nobody@example.com"})
    assert known.text == unknown.text
    ((to, text, in_transaction),) = Mailbox.sent
    assert (to, in_transaction) == (ada.email, False)
    link = re.search(r"http://localhost(/sign-in/\S+)", text)
    assert link is not None
    assert app.test_client().post(link[1]).status_code == 303


def test_the_first_administrator_is_made_once(app: Flask) -> None:
    with transaction(db.session, now=utc_now()):
        secret = sign_in_service.offer_first_admin(db.session, now=utc_now())
    link = f"/first-admin/{secret}"
    data = {"name": "Root", "email": "root@example.com", "password": "short"}
    first = app.test_client()
    assert "At least 10 characters" in first.get(link).text
    assert first.post(link, data=data).status_code == 422
    assert first.post(link, data=data | {"password": PASSWORD}).status_code == 303
    assert first.get("/people").status_code == 200
    late = app.test_client().get(link)
    assert late.status_code == 404
    assert "This link was used" in late.text


def test_a_form_from_elsewhere_is_refused_with_a_page(app: Flask, settings: Settings) -> None:
    make_ada()
    guarded = create_app(settings)
    client = guarded.test_client()
    data = {"email": "ada@example.com", "password": PASSWORD}
    forged = client.post("/sign-in", data=data)
    assert forged.status_code == 400
    assert "This page was open for too long, or was sent from elsewhere." in forged.text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    assert client.post("/sign-in", data=data | {"csrf_token": token[1]}).status_code == 303
    with guarded.app_context():
        db.engine.dispose()
