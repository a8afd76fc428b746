"""Whoever goes astray gets a page with a way on, signed in or not."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_person, sign_in
from tracker.app import MAX_BODY
from tracker.domain.access import Permission
from tracker.edge.rule import allow


def check_page(text: str, title: str) -> None:
    assert f"<h1>{title}</h1>" in text
    assert 'href="/"' in text
    assert 'rel="stylesheet"' in text


@pytest.mark.parametrize("signed_in", [False, True])
def test_what_is_not_there_is_a_page(client: FlaskClient, signed_in: bool) -> None:
    if signed_in:
        sign_in(client, make_person("engineer"))
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    check_page(answer.text, "Nothing here")
    assert ("Sign out" in answer.text) is signed_in, "whoever is signed in keeps the way around"
    assert ("Set-Cookie" in answer.headers) is signed_in


def test_a_wrong_method_is_a_page(client: FlaskClient) -> None:
    answer = client.put("/sign-in")
    assert answer.status_code == 405
    check_page(answer.text, "Not this way")


def test_too_much_is_a_page(client: FlaskClient) -> None:
    answer = client.post("/sign-in", data={"email": "a" * (MAX_BODY + 1)})
    assert answer.status_code == 413
    check_page(answer.text, "Too large")


def test_what_went_wrong_names_a_number_only(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(client, make_person("engineer"))

    def fall() -> None:
        raise RuntimeError("secret inside")

    monkeypatch.setitem(app.view_functions, "account.show", allow(Permission.OWN_ACCOUNT)(fall))
    answer = client.get("/account")
    assert answer.status_code == 500
    check_page(answer.text, "Something went wrong")
    assert "secret inside" not in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_a_way_that_is_not_open_names_those_that_are(client: FlaskClient) -> None:
    sign_in(client, make_person("engineer"))
    answer = client.delete("/time")
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


def test_signing_in_leads_back_to_the_page_that_was_wanted(client: FlaskClient) -> None:
    answer = client.get("/notices?state=sent")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/notices?state%3Dsent")


def test_a_character_that_no_database_takes_is_refused_at_its_field(client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    answer = client.post("/people/new", data={"name": "A\x00da", "email": "a@example.com", "role": "engineer"})
    assert answer.status_code == 422
    assert "This holds a character that cannot be kept" in answer.text
