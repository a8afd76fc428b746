"""Comments, links, kick-off and weekly updates over the API."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Ask
from tests.factories import make_engagement, make_person, make_site, say
from tracker.store.engagement import Engagement
from tracker.store.person import Person


@pytest.fixture
def manager(ask: Ask) -> Person:
    return make_person(name="Jonas Weber")


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager)


@pytest.fixture
def base(engagement: Engagement) -> str:
    return f"/engagements/{engagement.id}"


def test_a_conversation_of_both_sides(
    ask: Ask, asking: Callable[[Person], Ask], engagement: Engagement, base: str, manager: Person
) -> None:
    viewer = asking(make_person("customer_viewer", name="Priya Nair"))
    site = make_site(engagement)
    assert ask("POST", f"{base}/comments", {"text": "Hello"}).json["errors"][0]["field"] == "audience"
    internal = ask("POST", f"{base}/comments", {"text": "They are nervous", "audience": "internal"}).json
    said = viewer("POST", f"{base}/comments", {"text": "Which day?", "site_id": str(site.id)})
    assert (said.status_code, said.json["audience"], said.json["author"]) == (201, "customer", "Priya Nair")
    assert viewer("POST", f"{base}/comments", {"text": "psst", "audience": "internal"}).status_code == 403
    assert [each["text"] for each in ask("GET", f"{base}/comments").json["items"]] == ["Which day?", "They are nervous"]
    assert [each["text"] for each in viewer("GET", f"{base}/comments").json["items"]] == ["Which day?"]
    assert len(ask("GET", f"{base}/comments?site_id={site.id}").json["items"]) == 1
    first = ask("GET", f"{base}/comments?limit=1").json
    rest = ask("GET", f"{base}/comments?limit=1&cursor={first['next_cursor']}").json
    assert [rest["items"][0]["id"], rest["next_cursor"]] == [internal["id"], None]
    assert viewer("GET", f"{base}/comments?cursor={internal['id']}").status_code == 404
    assert viewer("POST", f"/comments/{internal['id']}/withdraw", {}).status_code == 404
    assert ask("POST", f"/comments/{said.json['id']}/withdraw", {}).status_code == 403
    gone = viewer("POST", f"/comments/{said.json['id']}/withdraw", {})
    assert (gone.status_code, gone.json["text"]) == (200, None)


def test_links(ask: Ask, asking: Callable[[Person], Ask], base: str) -> None:
    viewer = asking(make_person("customer_viewer"))
    spec: dict[str, Any] = {"kind": "test_script", "title": "Script", "url": "https://docs.example.com/s"}
    made = ask("POST", f"{base}/links", spec)
    assert (made.status_code, made.json["version"], made.json["audience"]) == (201, 1, "customer")
    ask("POST", f"{base}/links", spec | {"title": "Margin", "audience": "internal"})
    assert [each["title"] for each in viewer("GET", f"{base}/links").json["items"]] == ["Script"]
    assert viewer("POST", f"{base}/links", spec | {"audience": "internal"}).status_code == 403
    assert ask("POST", f"{base}/links", spec | {"url": "ftp://x.example"}).json["errors"][0]["field"] == "url"
    assert viewer("DELETE", f"/links/{made.json['id']}").status_code == 403
    assert ask("DELETE", f"/links/{made.json['id']}").status_code == 204
    assert ask("DELETE", f"/links/{made.json['id']}").status_code == 404


def test_the_kick_off(ask: Ask, asking: Callable[[Person], Ask], base: str) -> None:
    viewer = asking(make_person("customer_viewer"))
    empty = viewer("GET", f"{base}/kickoff").json
    assert (empty["id"], empty["version"], empty["internal_notes"]) == (None, 0, None)
    body: dict[str, Any] = {
        "held_on": "2026-03-02",
        "notes": "Freeze agreed",
        "internal_notes": "Price",
        "attendees": [{"name": "Priya Nair", "side": "customer", "role": "head of digital"}],
    }
    recorded = ask("PATCH", f"{base}/kickoff", body, If_Match="0")
    assert (recorded.status_code, recorded.json["version"], recorded.json["internal_notes"]) == (200, 1, "Price")
    assert ask("PATCH", f"{base}/kickoff", body, If_Match="0").json["code"] == "edited_meanwhile"
    changed = ask("PATCH", f"{base}/kickoff", {"notes": "Freeze moved"}, If_Match="1").json
    assert (changed["held_on"], changed["notes"], len(changed["attendees"])) == ("2026-03-02", "Freeze moved", 1)
    assert viewer("PATCH", f"{base}/kickoff", body).status_code == 403
    assert viewer("GET", f"{base}/kickoff").json["internal_notes"] is None
    assert viewer("GET", f"{base}/kickoff").json["attendees"] == body["attendees"]
    refused = ask("PATCH", f"{base}/kickoff", {"held_on": "0026-03-02"})
    assert refused.json["errors"][0]["field"] == "held_on"


def test_weekly_updates(ask: Ask, asking: Callable[[Person], Ask], base: str) -> None:
    viewer = asking(make_person("customer_viewer"))
    made = ask("POST", f"{base}/weekly-updates", {})
    assert (made.status_code, made.json["state"]) == (201, "draft")
    again = ask("POST", f"{base}/weekly-updates", {})
    assert (again.status_code, again.json["rule"]) == (409, "one_update_a_week")
    update = f"/weekly-updates/{made.json['id']}"
    assert viewer("GET", update).status_code == 404
    assert viewer("GET", f"{base}/weekly-updates").json["items"] == []
    edited = ask("PATCH", update, {"text": "We moved the shop."}, If_Match="1")
    assert (edited.status_code, edited.json["version"]) == (200, 2)
    assert ask("PATCH", update, {"text": "Other"}, If_Match="1").status_code == 409
    posted = ask("POST", f"{update}/post", {})
    assert (posted.status_code, posted.json["state"]) == (200, "posted")
    assert ask("POST", f"{update}/post", {}).json["rule"] == "posted_is_final"
    assert viewer("GET", update).json["text"] == "We moved the shop."
    assert viewer("POST", f"{base}/weekly-updates", {}).status_code == 403
    assert len(viewer("GET", f"{base}/weekly-updates").json["items"]) == 1


def test_a_foreign_site_is_not_spoken_of(ask: Ask, asking: Callable[[Person], Ask], base: str, manager: Person) -> None:
    elsewhere = make_site(make_engagement(manager, customer="Globex"))
    say(make_engagement(manager, customer="Globex"), manager)
    viewer = asking(make_person("customer_viewer"))
    assert viewer("POST", f"{base}/comments", {"text": "Hello", "site_id": str(elsewhere.id)}).status_code == 404
    assert viewer("GET", f"{base}/comments?site_id={elsewhere.id}").json["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "comments", {"text": "password: hunter2hunter2", "audience": "internal"}, "text"),
        ("POST", "links", {"kind": "other", "title": "password: hunter2hunter2", "url": "https://a.example"}, "title"),
        ("POST", "links", {"kind": "other", "title": "Server", "url": "https://ann:hunter2hunter2@a.example"}, "url"),
        ("PATCH", "kickoff", {"notes": "password: hunter2hunter2"}, "notes"),
        ("PATCH", "kickoff", {"internal_notes": "password: hunter2hunter2"}, "internal_notes"),
        ("PATCH", "kickoff", {"attendees": [{"name": "password: hunter2hunter2", "side": "team"}]}, "attendees"),
        ("POST", "weekly-updates", {"text": "password: hunter2hunter2"}, "text"),
    ],
)
def test_a_secret_is_refused_wherever_a_text_is_kept(
    ask: Ask, base: str, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    refused = ask(method, f"{base}/{path}", body)
    assert (refused.status_code, refused.json["code"]) == (422, "invalid")
    assert [error["field"] for error in refused.json["errors"]] == [field]
