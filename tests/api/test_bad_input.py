"""What people and programs send by mistake or on purpose: each is refused at its field, and nothing is changed."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.api.conftest import Ask
from tests.factories import make_agreed_site, make_engagement, make_person, make_site, make_token
from tracker.app import MAX_BODY
from tracker.store.database import Base, db
from tracker.store.engagement import Engagement
from tracker.store.site import Site

AGREEMENT = {
    "reference": "SOW-1",
    "signed_on": "2026-01-12",
    "uat_business_days": 5,
    "cutover_business_days": 2,
    "hypercare_business_days": 10,
}
ENGAGEMENT = {"name": "Migration", "customer": "Acme", "time_zone": "Europe/Berlin", "agreement": AGREEMENT}
SITE = {"name": "Blog", "url": "https://blog.example.com", "cms": "wordpress"}
WORK = {"worked_on": "2026-03-02", "minutes": 60, "kind": "known_incompatibility", "activity": "research"}
BLOCK = {"minutes": 240, "reference": "Q-7", "purchased_on": "2026-03-01"}
LONG = "x" * 10_000
BIDI, NUL = "invoice\u202efdp.exe", "a\x00b"
LEFT_OUT: Any = object()
Send = Callable[[str, str, dict[str, Any]], TestResponse]


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    return make_engagement()


@pytest.fixture
def site(app: Flask) -> Site:
    """A site on which work may be logged."""
    return make_agreed_site(name="Shop", url="https://shop.example.com")


@pytest.fixture
def token(app: Flask) -> str:
    return make_token(make_person("admin"))


def rows() -> dict[str, int]:
    """How many rows each table has: what a refusal must leave alone."""
    db.session.close()
    return {
        name: db.session.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for name, table in Base.metadata.tables.items()
    }


def with_changes(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The body with some fields changed or left out; a dot leads into the agreement."""
    made: dict[str, Any] = json.loads(json.dumps(body))
    for name, value in changes.items():
        *path, last = name.split(".")
        place = made
        for part in path:
            place = place[part]
        if value is LEFT_OUT:
            del place[last]
        else:
            place[last] = value
    return made


def refused(ask: Ask, method: str, path: str, body: Any, field: str, *, code: str = "invalid", status: int = 422) -> str:
    """Send it and see that it is refused at the field and changes nothing; return the sentence."""
    before = rows()
    answer = ask(method, path, body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json"), answer.json
    assert answer.json["code"] == code
    assert field in [error["field"] for error in answer.json["errors"]], answer.json["errors"]
    assert rows() == before
    message: str = next(error["message"] for error in answer.json["errors"] if error["field"] == field)
    return message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": LEFT_OUT}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": ""}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": LONG}, "name"),
        ({"name": BIDI}, "name"),
        ({"name": NUL}, "name"),
        ({"customer": LEFT_OUT}, "customer"),
        ({"customer": " "}, "customer"),
        ({"customer": BIDI}, "customer"),
        ({"customer": LONG}, "customer"),
        ({"colour": "red"}, "colour"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"time_zone": "/etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"time_zone": LONG}, "time_zone"),
        ({"time_zone": NUL}, "time_zone"),
        ({"type": "gift"}, "type"),
        ({"country": "Atlantis"}, "country"),
        ({"slack_channel": "#general"}, "slack_channel"),
        ({"internal_slack_channel": LONG}, "internal_slack_channel"),
        ({"account_rep": NUL}, "account_rep"),
        ({"account_rep": BIDI}, "account_rep"),
        ({"account_rep": LONG}, "account_rep"),
        ({"engagement_manager": "nobody"}, "engagement_manager"),
        ({"engagement_manager": NUL}, "engagement_manager"),
        ({"kickoff_on": "0026-04-01"}, "kickoff_on"),
        ({"kickoff_on": "9999-12-31"}, "kickoff_on"),
        ({"kickoff_on": "2026-02-30"}, "kickoff_on"),
        ({"kickoff_on": "tomorrow"}, "kickoff_on"),
        ({"kickoff_on": 1}, "kickoff_on"),
        ({"agreement": None}, "agreement"),
        ({"agreement": []}, "agreement"),
        ({"agreement.signed_on": "0026-01-12"}, "agreement.signed_on"),
        ({"agreement.signed_on": LEFT_OUT}, "agreement.signed_on"),
        ({"agreement.reference": ""}, "agreement.reference"),
        ({"agreement.reference": BIDI}, "agreement.reference"),
        ({"agreement.uat_silence": "shout"}, "agreement.uat_silence"),
        ({"agreement.uat_business_days": "5"}, "agreement.uat_business_days"),
        ({"agreement.uat_business_days": 1.5}, "agreement.uat_business_days"),
        ({"agreement.uat_business_days": True}, "agreement.uat_business_days"),
        ({"agreement.uat_business_days": 0}, "agreement.uat_business_days"),
        ({"agreement.cutover_business_days": -1}, "agreement.cutover_business_days"),
        ({"agreement.hypercare_business_days": 10**30}, "agreement.hypercare_business_days"),
    ],
)
def test_an_engagement_that_cannot_stand(ask: Ask, changes: dict[str, Any], field: str) -> None:
    refused(ask, "POST", "/engagements", with_changes(ENGAGEMENT, changes), field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": LEFT_OUT}, "name"),
        ({"name": "\ufeff"}, "name"),
        ({"name": LONG}, "name"),
        ({"name": BIDI}, "name"),
        ({"name": NUL}, "name"),
        ({"url": "not a url"}, "url"),
        ({"url": "ftp://blog.example.com"}, "url"),
        ({"url": "https://blog.example.com/" + LONG}, "url"),
        ({"url": "https://blog.example.com/\x00"}, "url"),
        ({"url": "https://editor:example@blog.example.com"}, "url"),
        ({"cms": "joomla"}, "cms"),
        ({"cms": None}, "cms"),
        ({"cms_version": LONG}, "cms_version"),
        ({"cms_variant": "drupal-7"}, "cms_variant"),
        ({"package": "gold"}, "package"),
        ({"package": "premium"}, "premium_option"),
        ({"premium_option": "extra-hours-10"}, "premium_option"),
        ({"network": "yes"}, "network"),
        ({"facts": {"colour": "red"}}, "facts"),
        ({"facts": []}, "facts"),
        ({"facts": {"search_provider": {"deep": "er"}}}, "facts.search_provider"),
        ({"facts": {"search_provider": NUL}}, "facts.search_provider"),
        ({"stage": "launched"}, "stage"),
    ],
)
def test_a_site_that_cannot_stand(ask: Ask, engagement: Engagement, changes: dict[str, Any], field: str) -> None:
    refused(ask, "POST", f"/engagements/{engagement.id}/sites", with_changes(SITE, changes), field)


@pytest.mark.parametrize(
    "spelling",
    [
        "https://SHOP.example.com",
        "shop.example.com/",
        "https://shop.example.com:443/",
        "HTTP://Shop.Example.com:80",
        "shop.example.com.",
    ],
)
def test_the_same_site_in_another_spelling(ask: Ask, engagement: Engagement, spelling: str) -> None:
    make_site(engagement, name="Shop", url="https://shop.example.com")
    body = SITE | {"url": spelling}
    assert refused(ask, "POST", f"/engagements/{engagement.id}/sites", body, "url") == (
        "This engagement lists that address already, as Shop."
    )


def test_the_same_site_in_its_idna_form(ask: Ask, engagement: Engagement) -> None:
    make_site(engagement, url="https://bücher.example")
    refused(ask, "POST", f"/engagements/{engagement.id}/sites", SITE | {"url": "xn--bcher-kva.example"}, "url")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"site_id": "shop"}, "site_id"),
        ({"site_id": None}, "site_id"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": -60}, "minutes"),
        ({"minutes": 1441}, "minutes"),
        ({"minutes": 10**30}, "minutes"),
        ({"minutes": 1.5}, "minutes"),
        ({"minutes": "60"}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"minutes": LEFT_OUT}, "minutes"),
        ({"duration": "1h"}, "minutes"),
        ({"minutes": LEFT_OUT, "duration": "soon"}, "duration"),
        ({"minutes": LEFT_OUT, "duration": "-1h"}, "duration"),
        ({"minutes": LEFT_OUT, "duration": "0"}, "duration"),
        ({"minutes": LEFT_OUT, "duration": LONG}, "duration"),
        ({"minutes": LEFT_OUT, "duration": 30}, "duration"),
        ({"worked_on": "0026-03-02"}, "worked_on"),
        ({"worked_on": "2026-01-11"}, "worked_on"),
        ({"worked_on": "2999-01-01"}, "worked_on"),
        ({"worked_on": "02.03.2026"}, "worked_on"),
        ({"worked_on": "2026-03-02T12:00:00"}, "worked_on"),
        ({"kind": "gift"}, "kind"),
        ({"kind": "premium"}, "kind"),
        ({"kind": "ps"}, "ps_kind"),
        ({"activity": LEFT_OUT}, "activity"),
        ({"activity": "audit"}, "activity"),
        ({"activity": NUL}, "activity"),
        ({"activity": "known_solution"}, "known_issue_id"),
        ({"known_issue_id": "<script>"}, "known_issue_id"),
        ({"note": LONG}, "note"),
        ({"note": BIDI}, "note"),
        ({"note": NUL}, "note"),
        ({"note": "token trk_EXAMPLEEXAMPLEEXAMPLE"}, "note"),
        ({"note": "aB1" * 11}, "note"),
        ({"split": "yes"}, "split"),
        ({"state": "approved"}, "state"),
    ],
)
def test_work_that_cannot_stand(ask: Ask, site: Site, changes: dict[str, Any], field: str) -> None:
    refused(ask, "POST", "/time-entries", with_changes(WORK | {"site_id": str(site.id)}, changes), field)


def test_a_bare_thirty_may_be_minutes_or_hours(ask: Ask, site: Site) -> None:
    body = with_changes(WORK | {"site_id": str(site.id)}, {"minutes": LEFT_OUT, "duration": "30"})
    assert refused(ask, "POST", "/time-entries", body, "duration", code="ambiguous_duration") == "30: write 30m or 30h"


def test_a_secret_in_a_note_is_named_for_what_it_looks_like(ask: Ask, site: Site) -> None:
    body = WORK | {"site_id": str(site.id), "note": "xoxb-EXAMPLE-EXAMPLE"}
    assert "looks like a Slack token" in refused(ask, "POST", "/time-entries", body, "note")


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"minutes": 239}, "minutes", "ps_minimum"),
        ({"minutes": -240}, "minutes", "ps_minimum"),
        ({"minutes": 10**30}, "minutes", "invalid"),
        ({"minutes": "240"}, "minutes", "invalid"),
        ({"purchased_on": "0026-03-01"}, "purchased_on", "invalid"),
        ({"purchased_on": "2999-03-01"}, "purchased_on", "invalid"),
        ({"purchased_on": "2099-03-01"}, "purchased_on", "invalid"),
        ({"reference": ""}, "reference", "invalid"),
        ({"reference": " \u200b "}, "reference", "invalid"),
        ({"reference": NUL}, "reference", "invalid"),
        ({"reference": LONG}, "reference", "invalid"),
    ],
)
def test_a_purchase_that_cannot_stand(ask: Ask, engagement: Engagement, changes: dict[str, Any], field: str, code: str) -> None:
    refused(ask, "POST", f"/engagements/{engagement.id}/ps-blocks", BLOCK | changes, field, code=code)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "uat", "due_on": "2026-05-01", "opens_on": "2026-05-04"}, "due_on"),
        ({"kind": "uat", "due_on": "0026-05-01"}, "due_on"),
        ({"kind": "uat", "due_at": "2026-05-01T12:00:00"}, "due_at"),
        ({"kind": "uat", "due_at": "9999-12-31T23:59:59-12:00"}, "due_at"),
        ({"kind": "uat", "due_on": "2026-05-01", "due_at": "2026-05-01T12:00:00Z"}, "due_on"),
        ({"kind": "party", "due_on": "2026-05-01"}, "kind"),
        ({"kind": "custom", "due_on": "2026-05-01"}, "title"),
        ({"kind": "custom", "title": LONG, "due_on": "2026-05-01"}, "title"),
        ({"kind": "custom", "title": NUL, "due_on": "2026-05-01"}, "title"),
    ],
)
def test_a_date_that_cannot_stand(ask: Ask, site: Site, body: dict[str, Any], field: str) -> None:
    named = body | ({"site_id": str(site.id)} if body["kind"] == "uat" else {})
    refused(ask, "POST", f"/engagements/{site.engagement_id}/deadlines", named, field)


@pytest.mark.parametrize("field", ["name", "url", "cms", "package", "facts"])
def test_what_a_site_must_have_cannot_be_emptied(ask: Ask, engagement: Engagement, field: str) -> None:
    refused(ask, "PATCH", f"/sites/{make_site(engagement).id}", {field: None}, field)


@pytest.mark.parametrize("field", ["name", "type", "time_zone", "kickoff_on", "engagement_manager", "status", "agreement"])
def test_what_an_engagement_must_have_cannot_be_emptied(ask: Ask, engagement: Engagement, field: str) -> None:
    refused(ask, "PATCH", f"/engagements/{engagement.id}", {field: None}, field)


@pytest.mark.parametrize(
    "name",
    [
        "<!channel>",
        "<script>alert(1)</script>",
        "متجر",
        "חנות",
        "日本 🛒",
        "👩‍👩‍👧 Family",
        "O'Brien; DROP TABLE site",
        "{{ 7*7 }}",
    ],
)
def test_a_name_in_any_script_is_kept_as_it_is(ask: Ask, name: str) -> None:
    engagement = ask("POST", "/engagements", ENGAGEMENT | {"name": name, "customer": name}).json
    assert (engagement["name"], engagement["customer"]) == (name, name)
    made = ask("POST", f"/engagements/{engagement['id']}/sites", SITE | {"name": name})
    assert (made.status_code, made.json["name"]) == (201, name)
    assert ask("GET", f"/sites/{made.json['id']}").json["name"] == name


# --- bodies that are none --------------------------------------------------------------------------------------------


def send(client: FlaskClient, token: str, body: bytes, path: str = "/api/v1/engagements") -> TestResponse:
    return client.post(path, data=body, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})


@pytest.mark.parametrize(
    "body",
    [
        b"name=Migration",
        b"{",
        b'{"name": "a",}',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": "\\ud800", "customer": "Acme"}',
        b'{"name": "a\x00b"}',
        b"[" * 100_000,
        b'{"name":' * 5000 + b"1" + b"}" * 5000,
        b"[]",
        b'[{"name": "a"}]',
        b'"text"',
        b"null",
        b"7",
        b"NaN",
    ],
    ids=lambda body: body[:24].decode("latin-1").encode("unicode_escape").decode(),
)
def test_what_is_no_json_object_is_refused_as_a_whole(client: FlaskClient, token: str, body: bytes) -> None:
    before = rows()
    answer = send(client, token, body)
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"], answer.json["errors"][0]["field"]) == (422, "invalid", "")
    assert answer.json["errors"][0]["message"] in ("The body is not valid JSON.", "Send a JSON object.")
    assert rows() == before


def test_an_empty_body_misses_its_fields(client: FlaskClient, token: str) -> None:
    answer = send(client, token, b"")
    assert answer.json is not None
    assert [error["field"] for error in answer.json["errors"]] == ["name", "customer"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400, "-" + "9" * 400])
def test_a_number_that_is_none_is_refused(client: FlaskClient, token: str, engagement: Engagement, number: str) -> None:
    body = json.dumps(SITE | {"facts": {"search_provider": 0}}).replace('"search_provider": 0', f'"search_provider": {number}')
    answer = send(client, token, body.encode(), f"/api/v1/engagements/{engagement.id}/sites")
    assert answer.json is not None
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "facts.search_provider")


def test_a_deeply_nested_value_is_refused(client: FlaskClient, token: str, engagement: Engagement) -> None:
    for depth in (50, 150, 1000):
        nested = "[" * depth + "]" * depth
        body = json.dumps(SITE | {"facts": {"search_provider": 0}}).replace(
            '"search_provider": 0', f'"search_provider": {nested}'
        )
        assert send(client, token, body.encode(), f"/api/v1/engagements/{engagement.id}/sites").status_code == 422


def test_a_huge_body_is_not_read(client: FlaskClient, token: str) -> None:
    before = rows()
    answer = send(client, token, b'{"name": "' + b"x" * MAX_BODY + b'"}')
    assert answer.json is not None
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert rows() == before


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/engagements?limit=0", "limit"),
        ("/engagements?limit=many", "limit"),
        ("/engagements?limit=201", "limit"),
        ("/engagements?cursor=nowhere", "cursor"),
        ("/engagements?cursor=%00", "cursor"),
        ("/engagements?colour=red", "colour"),
        ("/customers?cursor=%00", "cursor"),
        ("/people?cursor=a%00b", "cursor"),
        ("/time-entries?state=%00", "state"),
        ("/time-entries?state=done", "state"),
        ("/time-entries?state=", "state"),
        ("/engagements/{id}/notices?state=lost", "state"),
        ("/time-entries?site_id=shop", "site_id"),
    ],
)
def test_an_address_that_asks_for_nothing_sensible(ask: Ask, engagement: Engagement, path: str, field: str) -> None:
    answer = ask("GET", path.format(id=engagement.id))
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_token_of_nonsense_is_nobody(client: FlaskClient) -> None:
    for value in ("Bearer", "Bearer trk_", "Bearer trk_\xff\x01", "Basic trk_x", "trk_x", "Bearer " + LONG):
        answer = client.get("/api/v1/engagements", headers={"Authorization": value})
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
