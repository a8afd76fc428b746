"""A table of hours is previewed, each bad row with its reason, and logged only when asked; and hours go out as a file."""

import csv
import io
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from tests.factories import NOW, actor, make_agreed_site, make_person, sign_in, some_work
from tests.web.test_time import entries, make_site_for, sold, words
from tracker.services.time_entry import book, reverse
from tracker.store import hours_upload as uploads
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction

HEAD = "Day;Site;Hours;Kind;Activity;Note\n"
GOOD = "2026-02-27;Shop;1,5;Known incompatibility;Research;Cache\n"


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def ann(client: FlaskClient, site: Site) -> Person:
    """A manager, signed in."""
    person = make_person()
    sign_in(client, person)
    return person


def send(client: FlaskClient, text: str, key: str = "k", **over: str) -> TestResponse:
    file = FileStorage(io.BytesIO(text.encode()), "march.csv")
    # In memory: the test's browser would leave its temporary file of a large one open.
    boundary, body = encode_multipart({"file": file, "request_key": key} | over)
    return client.post("/time/import", data=body, content_type=f"multipart/form-data; boundary={boundary}")


@pytest.mark.usefixtures("ann")
def test_nothing_is_logged_before_that_is_asked_and_bad_rows_hold_up_no_good_one(client: FlaskClient) -> None:
    sent = send(client, HEAD + GOOD + "2026-02-27;Shop;30;Included work;;\n")
    page = words(client.get(sent.location).text)
    assert "1 to log, 1 h 30 1 row rejected" in page
    assert "Row 3 duration 30 30: write 30m or 30h" in page
    assert "Known-incompatibility allowance: 3 h 30 left of 5 h" in page
    assert entries() == []
    done = client.post(sent.location, data={"request_key": "l"}, follow_redirects=True)
    assert "1 entry is logged as a draft." in done.text
    assert [(entry.minutes, entry.state, entry.note) for entry in entries()] == [(90, "draft", "Cache")]
    after = words(client.get(sent.location).text)
    assert "1 logged, 1 h 30" in after
    assert "Log this entry" not in after
    assert client.post(sent.location, data={"request_key": "l"}).status_code == 303
    assert len(entries()) == 1


@pytest.mark.usefixtures("ann")
def test_what_is_pasted_is_read_too_and_the_same_again_is_there_already(client: FlaskClient) -> None:
    for key in ("a", "b"):
        sent = client.post("/time/import", data={"text": HEAD + GOOD, "request_key": key})
        client.post(sent.location, data={"request_key": f"{key}2"})
    assert len(entries()) == 1
    page = words(client.get(sent.location).text)
    assert "1 already there" in page


def test_a_row_that_was_reversed_since_is_told_and_not_logged_again(client: FlaskClient, ann: Person) -> None:
    client.post(send(client, HEAD + GOOD).location, data={"request_key": "l"})
    with transaction(db.session, now=NOW):
        reverse(db.session, actor(ann), entries()[0].id, None, now=NOW)
    page = client.get(send(client, HEAD + GOOD, "again").location).text
    assert "Every row of this file is there already." in page
    assert "It was taken back, and is not logged again." in page


def test_what_does_not_fit_is_split_by_one_press(client: FlaskClient, ann: Person, site: Site) -> None:
    sold(site, 240)
    sent = send(client, HEAD + GOOD.replace("1,5", "5,5"))
    page = client.get(sent.location).text
    assert "Put 30 min on PS hours (write yes under split)" in page
    assert "No further row of this file can be logged." in page
    tried = client.post(f"{sent.location}/try", data={"split": "y", "request_key": "t"})
    assert tried.location == sent.location
    assert "Split nothing" in client.get(sent.location).text
    client.post(sent.location, data={"request_key": "l"})
    assert [(entry.kind, entry.minutes) for entry in entries()] == [("known_incompatibility", 300), ("ps", 30)]


@pytest.mark.usefixtures("ann")
def test_hours_that_somebody_took_between_preview_and_import_are_not_booked_twice(client: FlaskClient, site: Site) -> None:
    sent = send(client, HEAD + GOOD)
    admin = actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        book(db.session, admin, some_work(site, 250), now=NOW)
    page = client.post(sent.location, data={"request_key": "l"}, follow_redirects=True).text
    assert "nothing was logged" in page
    assert "50 min left, so this does not fit" in page
    assert len(entries()) == 1


@pytest.mark.usefixtures("ann")
def test_the_rejected_rows_come_back_as_a_file_that_is_mended_and_sent_again(client: FlaskClient, site: Site) -> None:
    alike = GOOD.replace("1,5", "3")
    sent = send(client, HEAD + alike + alike + "2026-02-27;Shop;30;Included work;;=Call\n")
    client.post(sent.location, data={"request_key": "l"})
    file = client.get(f"{sent.location}/rejected.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"))))
    assert [(row["row"], row["Note"], row["copy"]) for row in rows] == [("3", "Cache", "2"), ("4", "'=Call", "")]
    with transaction(db.session, now=NOW):
        mine = Budget.engagement_id == site.engagement_id, Budget.kind == "known_incompatibility"
        db.session.execute(sa.update(Budget).where(*mine).values(limit_minutes=400))
    again = send(client, file.replace(",30,", ",30m,"), "again")
    assert "2 to log" in client.get(again.location).text
    client.post(again.location, data={"request_key": "m"})
    assert [(entry.minutes, entry.note) for entry in entries()] == [(180, "Cache"), (180, "Cache"), (30, "=Call")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "Choose a file that is not empty", id="nothing"),
        pytest.param(HEAD, "no row under them", id="headings only"),
        pytest.param(HEAD + GOOD * 2001, "This file has more than 2,000 rows. Split it.", id="too long"),
        pytest.param(HEAD + GOOD * 100_000, "This file has more than 2,000 rows. Split it.", id="far too long"),
    ],
)
@pytest.mark.usefixtures("ann")
def test_a_file_that_is_no_table_of_hours_is_told_at_its_field(client: FlaskClient, text: str, said: str) -> None:
    answer = send(client, text, split="y")
    assert answer.status_code == 422
    assert said in answer.text.partition('id="file-error"')[2]
    assert re.search(r'name="split"[^>]*checked|checked[^>]*name="split"', answer.text), "what was chosen is kept"


def test_a_file_is_its_senders_alone_and_kept_for_a_day(client: FlaskClient, site: Site) -> None:
    one, other = make_person("engineer"), make_person("engineer")
    sign_in(client, one)
    sent = send(client, HEAD + GOOD)
    assert client.get(sent.location).status_code == 200
    sign_in(client, other)
    for path in (sent.location, f"{sent.location}/rejected.csv"):
        assert client.get(path).status_code == 404
    assert client.post(sent.location).status_code == 404
    with transaction(db.session, now=NOW):
        uploads.forget(db.session, before=db.session.scalars(sa.select(uploads.HoursUpload.expires_at)).one().replace(year=2099))
    sign_in(client, one)
    assert client.get(sent.location).status_code == 404


def test_my_entries_are_one_press_away_as_a_file(client: FlaskClient) -> None:
    engineer = make_person("engineer")
    site, admin = make_site_for(engineer), actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        book(db.session, actor(engineer), some_work(site, 75, note="+Mine"), now=NOW)
        book(db.session, admin, some_work(site, 5, note="Not mine"), now=NOW)
    sign_in(client, engineer)
    link = re.search(r'href="(/time/entries\.csv[^"]+)"', client.get("/time").text)
    assert link is not None
    file = client.get(link[1])
    assert file.headers["Content-Disposition"] == 'attachment; filename="time-entries.csv"'
    (row,) = csv.DictReader(io.StringIO(file.get_data(as_text=True).removeprefix("\ufeff")))
    assert (row["minutes"], row["duration"], row["note"], row["person_email"]) == ("75", "1:15", "'+Mine", engineer.email)
    bad = client.get("/time/entries.csv?from=yesterday")
    assert bad.status_code == 422
    assert "Write it as 2026-11-20." in bad.text
