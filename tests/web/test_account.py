"""One's own account: what is saved, and who is signed out when a password changes."""

from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_person, sign_in
from tracker.services.sign_in import ATTEMPTS_ALLOWED
from tracker.store import person as people
from tracker.store.database import db

FIRST, SECOND = "three blue herons", "four grey geese"


def test_name_theme_and_zone_are_kept(client: FlaskClient) -> None:
    me = make_person("customer_viewer")
    sign_in(client, me)
    data = {"name": "Ada  Lind", "theme": "dark", "time_zone": "Asia/Tokyo", "version": "1"}
    page = client.post("/account", data=data, follow_redirects=True)
    assert "Saved." in page.text
    assert 'data-theme="dark"' in page.text
    kept = people.get(db.session, me.id)
    assert (kept.name, kept.time_zone) == ("Ada Lind", "Asia/Tokyo")


def test_a_stale_page_overwrites_nothing_before_it_is_sent_again(client: FlaskClient) -> None:
    me = make_person("engineer")
    sign_in(client, me)
    data = {"theme": "light", "time_zone": "UTC", "version": "1"}
    client.post("/account", data=data | {"name": "First"})
    stale = client.post("/account", data=data | {"name": "Second"})
    assert stale.status_code == 409
    assert 'value="Second"' in stale.text
    assert people.get(db.session, me.id).name == "First"
    assert 'name="version" type="hidden" value="2"' in stale.text


def test_what_cannot_stand_is_said_at_its_field(client: FlaskClient) -> None:
    sign_in(client, make_person("engineer"))
    page = client.post("/account", data={"name": " ", "theme": "pink", "time_zone": "Europe"})
    assert page.status_code == 422
    assert "Write your name." in page.text
    assert "There is no such time zone." in page.text


def test_a_new_password_signs_out_every_other_browser(app: Flask, client: FlaskClient) -> None:
    me = make_person("engineer")
    elsewhere = app.test_client()
    sign_in(client, me)
    sign_in(elsewhere, me)
    assert "current_password" not in client.get("/account").text
    assert client.post("/account/password", data={"new_password": FIRST}).status_code == 303
    assert client.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303
    door = elsewhere.post("/sign-in", data={"email": me.email, "password": FIRST})
    assert door.status_code == 303


def test_the_current_password_is_asked_for(client: FlaskClient) -> None:
    sign_in(client, make_person("engineer"))
    client.post("/account/password", data={"new_password": FIRST})
    wrong = client.post("/account/password", data={"current_password": "no idea at all", "new_password": SECOND})
    assert wrong.status_code == 422
    assert "This is not the password you have now." in wrong.text
    short = client.post("/account/password", data={"current_password": FIRST, "new_password": "short"})
    assert "Use at least 10 characters" in short.text
    assert SECOND not in wrong.text
    change = {"current_password": FIRST, "new_password": SECOND}
    assert [client.post("/account/password", data=change).status_code for _press in range(2)] == [303, 303]


def test_guessing_the_current_password_is_slowed_down(client: FlaskClient) -> None:
    sign_in(client, make_person("engineer"))
    client.post("/account/password", data={"new_password": FIRST})
    guess = {"current_password": "a wrong guess", "new_password": SECOND}
    answers = [client.post("/account/password", data=guess) for _try in range(ATTEMPTS_ALLOWED + 1)]
    assert answers[-1].status_code == 429
    assert "Retry-After" in answers[-1].headers


def test_other_browsers_are_shown_and_signed_out(app: Flask, client: FlaskClient) -> None:
    me = make_person("engineer")
    elsewhere = app.test_client()
    sign_in(elsewhere, me)
    sign_in(client, me)
    assert "Sign out everywhere else" in client.get("/account").text
    page = client.post("/account/sign-out-others", follow_redirects=True)
    assert "Signed out everywhere else." in page.text
    assert elsewhere.get("/account").status_code == 303
