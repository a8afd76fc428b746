"""The inventory page: a file is previewed, then imported; rejected rows come back as a file; findings are read and decided."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import make_engagement, make_person, make_site, sign_in
from tracker.store import inventory as inventories
from tracker.store.database import db
from tracker.store.site import Site

REAL = (Path(__file__).parents[1] / "samples" / "wordpress-6.1-plugins.json").read_bytes()


@pytest.fixture
def site(client: FlaskClient) -> Site:
    """A WordPress site, and its customer's viewer signed in."""
    made = make_site(make_engagement())
    sign_in(client, make_person("customer_viewer"))
    return made


def send(client: FlaskClient, site: Site, data: bytes, name: str = "list.json", **over: str) -> TestResponse:
    """Choose a file and press Preview."""
    return client.post(f"/sites/{site.id}/inventory", data={"file": (io.BytesIO(data), name), "request_key": "k"} | over)


def text_of(page: str) -> str:
    """What a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_list_of_a_real_wordpress_is_previewed_then_imported(client: FlaskClient, site: Site) -> None:
    sent = send(client, site, REAL)
    assert sent.status_code == 303
    preview = client.get(sent.location).text
    assert "Import these 6" in preview
    assert "Harbour Forms" in preview
    assert inventories.of_site(db.session, site.id) == [], "nothing is imported by looking"
    imported = client.post(sent.location, data={"request_key": "i"})
    assert imported.status_code == 303
    page = text_of(client.get(imported.location).text)
    assert "Harbour Forms harbour-forms 2.4.1 Active Not known yet" in page
    assert "list.json" in page


def test_the_same_file_again_says_that_nothing_changes_and_offers_no_import(client: FlaskClient, site: Site) -> None:
    first = send(client, site, REAL).location
    client.post(first, data={"request_key": "i"})
    again = client.get(send(client, site, REAL, request_key="other").location).text
    assert "changes nothing" in again
    assert "Import these" not in again


def test_another_file_under_the_key_of_the_first_is_not_taken_for_it(client: FlaskClient, site: Site) -> None:
    send(client, site, REAL)
    answer = send(client, site, b"slug\nother\n")
    assert answer.status_code == 422
    assert "with other content" in answer.text


def test_a_bad_row_is_shown_with_row_column_value_and_reason_and_comes_back_as_a_file(client: FlaskClient, site: Site) -> None:
    sent = send(client, site, b"Plugin;Notes;Status\nakismet;-1;active\n=cmd|x;+49 30;on\nAKISMET;;\n", "list.csv")
    page = text_of(client.get(sent.location).text)
    assert "Row 3 slug =cmd|x A slug does not begin with =" in page
    assert "Row 4 slug AKISMET Row 2 lists this already" in page
    assert "Import this one" in page
    file = client.get(f"{sent.location}/rejected.csv")
    rows = list(csv.reader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert rows[0] == ["Plugin", "Notes", "Status", "row", "reason"]
    assert rows[1][:4] == ["'=cmd|x", "'+49 30", "on", "3"], "no cell is a formula for a spreadsheet"
    back = client.get(send(client, site, file.data, "rejected.csv", request_key="other").location).text
    assert "A slug does not begin with =" in text_of(back), "the guard is taken off again"


def test_what_is_missing_in_a_complete_list_is_shown_first_and_then_folded_away(client: FlaskClient, site: Site) -> None:
    client.post(send(client, site, b"slug\nakismet\njetpack\n", "a.csv").location, data={"request_key": "i"})
    preview = send(client, site, b"slug\nakismet\n", "b.csv", request_key="o").location
    assert "No longer installed" not in client.get(preview).text
    assert "jetpack" in client.get(f"{preview}?complete=yes").text
    client.post(f"{preview}", data={"request_key": "j", "complete": "yes"})
    assert "No longer installed</h2>" in client.get(f"/sites/{site.id}/inventory").text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"<html><body>Log in", "probably the login page", id="web page"),
        pytest.param(REAL[:700], "ends in the middle", id="cut off"),
        pytest.param(b"", "Choose a file that is not empty", id="nothing"),
        pytest.param(b"\x00\x01\x02", "none of the files", id="junk"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_at_its_field(client: FlaskClient, site: Site, data: bytes, words: str) -> None:
    answer = send(client, site, data)
    assert answer.status_code == 422
    assert words in answer.text.partition('id="file-error"')[2]


def test_a_file_of_fifty_megabytes_is_refused_in_words(client: FlaskClient, site: Site) -> None:
    answer = client.post(
        f"/sites/{site.id}/inventory", data=b" " * (50 * 1024 * 1024), content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == 413
    assert "a file may have 2 MB" in answer.text


def test_what_was_pasted_is_read_like_a_file(client: FlaskClient, site: Site) -> None:
    sent = client.post(f"/sites/{site.id}/inventory", data={"text": "slug,version\nakismet,5\n", "request_key": "k"})
    assert "Import this one" in client.get(sent.location).text
    assert "What you pasted" in client.get(sent.location).text


def test_an_engineer_decides_and_the_customer_reads_the_note_but_no_estimate(client: FlaskClient, site: Site) -> None:
    client.post(send(client, site, b"slug\nharbour-forms\n", "a.csv").location, data={"request_key": "i"})
    item = inventories.of_site(db.session, site.id)[0]
    address = f"/inventory-items/{item.id}/verdict"
    assert client.get(address).status_code == 404, "only staff know that page"
    customer = client
    sign_in(client, make_person("admin"))
    refused = client.post(address, data={"verdict": "works", "note": "", "estimate_minutes": "45m", "version": "1"})
    assert refused.status_code == 422
    assert "Say how you know" in refused.text.partition('id="note-error"')[2]
    said = {"verdict": "works", "note": "Tried on a copy.", "estimate_minutes": "45m", "version": "1", "request_key": "v"}
    assert client.post(address, data=said).status_code == 303
    page = text_of(client.get(f"/sites/{site.id}/inventory").text)
    assert "Works decided by an engineer · 45 min estimated" in page
    assert "45 min estimated; 5 h left of 5 h" in page
    stale = client.post(address, data=said | {"request_key": "w", "verdict": "replace"})
    assert stale.status_code == 409
    assert "Now: Works" in stale.text
    sign_in(customer, make_person("customer_approver"))
    seen = text_of(customer.get(f"/sites/{site.id}/inventory").text)
    assert "Tried on a copy." in seen
    assert "estimated" not in seen.casefold()


def test_the_list_is_searched_filtered_and_sorted(client: FlaskClient, site: Site) -> None:
    table = b"slug,status\nautoptimize,active\nharbour-forms,inactive\nadthrive-ads,active\n"
    client.post(send(client, site, table, "a.csv").location, data={"request_key": "i"})
    address = f"/sites/{site.id}/inventory"

    def listed(query: str) -> list[str]:
        return re.findall(r'<th scope="row">([^<]+)', client.get(f"{address}?{query}").text)

    assert listed("") == ["adthrive-ads", "autoptimize", "harbour-forms"]
    assert listed("q=HARBOUR") == ["harbour-forms"]
    assert listed("status=inactive") == ["harbour-forms"]
    assert listed("verdict=no_solution") == ["adthrive-ads"]
    assert listed("sort=verdict") == ["adthrive-ads", "autoptimize", "harbour-forms"]
    assert listed("verdict=junk&status=junk&page=-3") == []


def test_the_page_takes_as_many_statements_for_a_thousand_items(
    client: FlaskClient, site: Site, statements: Callable[[str], int]
) -> None:
    address = f"/sites/{site.id}/inventory"
    client.post(send(client, site, b"slug\nakismet\n", "a.csv").location, data={"request_key": "i"})
    one = statements(address)
    many = "slug\n" + "\n".join(f"plugin-{number}" for number in range(1000))
    client.post(send(client, site, many.encode(), "b.csv", request_key="o").location, data={"request_key": "j"})
    assert statements(address) == one
