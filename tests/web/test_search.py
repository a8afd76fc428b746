"""The search: every word found, only in what one may know of, in whatever script, at the same cost."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, actor, make_engagement, make_person, make_question, make_site, sign_in
from tracker.services.engagement import EngagementChange, edit_engagement
from tracker.store.database import db
from tracker.store.transaction import transaction


def found(client: FlaskClient, text: str) -> str:
    """What a search page shows below its form."""
    answer = client.get("/search", query_string={"q": text})
    assert answer.status_code == 200
    return answer.text.partition("<main")[2].partition("</form>")[2]


def test_everything_is_found_by_kind_and_marked(client: FlaskClient) -> None:
    manager = make_person(name="Jonas Museum")
    engagement = make_engagement(manager, name="Museum move", customer="Museum Trust")
    site = make_site(engagement, name="Museum shop", url="https://shop.museum.example")
    make_question(engagement, "Who runs the museum cron?")
    make_person("customer_viewer", customer="Museum Trust", name="Priya Museum")
    sign_in(client, manager)
    page = found(client, "MUSEUM")
    for heading in ("Engagements", "Sites", "Customers", "People", "Questions"):
        assert f"<h2>{heading}</h2>" in page
    assert f'<a href="/engagements/{engagement.id}"><mark>Museum</mark> move</a>' in page
    assert f'<a href="/sites/{site.id}"><mark>Museum</mark> shop</a>' in page
    assert "<mark>museum</mark> cron?" in page
    assert "Priya <mark>Museum</mark>" in page
    assert "Jonas <mark>Museum</mark>" in page


def test_the_catalogue_is_searched_too(client: FlaskClient) -> None:
    sign_in(client, make_person("customer_viewer"))
    page = found(client, "accessally")
    assert "<h2>Known incompatibilities</h2>" in page
    assert 'href="/catalog/issues/' in page
    assert "<h2>Guided paths</h2>" in found(client, "drupal archive")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Élysée relaunch", "élysÉe"),
        ("Übersicht", "übersicht"),
        ("Кириллица сайт", "КИРИЛЛИЦА"),
        ("Straße 7", "STRASSE"),
        ("東京サイト", "東京"),
        ("100 % ready_now", "100 % ready_"),
    ],
)
def test_any_script_is_found_however_it_is_capitalised(client: FlaskClient, name: str, text: str) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name=name)
    make_engagement(manager, name="Plain readyXnow 100")
    sign_in(client, manager)
    assert f"/engagements/{engagement.id}" in found(client, text)
    assert "readyXnow" not in found(client, text)
    listed = client.get("/", query_string={"q": text}).text.partition('id="engagements"')[2]
    assert f"/engagements/{engagement.id}" in listed
    assert "readyXnow" not in listed


def test_a_new_name_is_found_at_once(client: FlaskClient) -> None:
    admin = make_person("admin")
    engagement = make_engagement(admin, name="Old name")
    with transaction(db.session, now=NOW):
        edit_engagement(db.session, actor(admin), engagement.id, EngagementChange(None, {"name": "Ünique"}), now=NOW)
    sign_in(client, admin)
    assert f"/engagements/{engagement.id}" in found(client, "ÜNIQUE")
    assert f"/engagements/{engagement.id}" not in found(client, "Old name")


def test_a_short_text_asks_for_more_and_nothing_found_says_so(client: FlaskClient) -> None:
    sign_in(client, make_person("engineer"))
    for short in ("a", "ab", " ab "):
        assert "Write at least 3 characters" in client.get("/search", query_string={"q": short}).text
    assert "Nothing looked for yet." in client.get("/search").text
    assert "Nothing found." in found(client, "qqqqqq")
    assert client.get("/search?q=%00%00%00%00&only=nonsense").status_code == 200


def test_nobody_finds_what_is_not_theirs(app: Flask, client: FlaskClient) -> None:
    foreign = make_engagement(name="Zanzibar move", customer="Zanzibar Ltd")
    make_site(foreign, name="Zanzibar shop")
    make_question(foreign, "Where is Zanzibar?")
    make_person("customer_viewer", customer="Zanzibar Ltd", name="Zora Zanzibar")
    make_person("engineer", name="Ben Zanzibar")
    for role, sees in (("customer_approver", False), ("customer_viewer", False), ("engineer", True)):
        sign_in(client, make_person(role, customer="Other" if role.startswith("customer") else None))
        page = found(client, "zanzibar")
        assert ("Ben <mark>" in page) is sees, "the staff know each other"
        assert "Zora" not in page
        for kind in ("engagements", "sites", "customers", "questions"):
            assert f'id="{kind}"' not in page


def test_a_long_list_is_cut_and_leads_on(client: FlaskClient) -> None:
    manager = make_person()
    for number in range(12):
        make_engagement(manager, name=f"Harbour {number:02}")
    sign_in(client, manager)
    page = found(client, "harbour")
    assert page.count("<mark>Harbour</mark>") == 10
    assert "only=engagements" in page
    whole = client.get("/search?q=harbour&only=engagements").text
    assert whole.count('<li class="list__item">') == 12


@pytest.mark.parametrize("role", ["admin", "engagement_manager", "engineer", "customer_viewer"])
def test_a_search_costs_the_same_however_much_is_found(client: FlaskClient, statements: Callable[[str], int], role: str) -> None:
    who = make_person(role)
    make_engagement(name="Harbour")
    sign_in(client, who)
    with_one = statements("/search?q=harbour")
    for _ in range(14):
        make_site(make_engagement(name="Harbour"), name="Harbour")
    assert statements("/search?q=harbour") == with_one
