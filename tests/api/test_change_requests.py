"""Change requests over the API: what was agreed changes when both sides have said yes, whole or not at all."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import Answer, Ask
from tests.factories import agree, make_engagement, make_person, make_site
from tracker.store.engagement import Engagement

SHOP = {"kind": "add_site", "name": "Blog", "url": "https://blog.example.com", "cms": "wordpress"}
HOURS = {"kind": "ps_hours", "minutes": 480, "reference": "Q-2210"}


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    return make_engagement()


@pytest.fixture
def approver(asking: Callable[..., Ask]) -> Ask:
    return asking(make_person("customer_approver", name="Priya Nair"))


@pytest.fixture
def viewer(asking: Callable[..., Ask]) -> Ask:
    return asking(make_person("customer_viewer"))


def raised(ask: Ask, engagement: Engagement, *changes: dict[str, Any], **over: Any) -> Any:
    body = {"title": "One more", "reason": "We forgot it.", "changes": list(changes)} | over
    answer = ask("POST", f"/engagements/{engagement.id}/change-requests", body)
    assert answer.status_code == 201, answer.json
    return answer.json


def approve(ask: Ask, request: Any, **body: Any) -> Answer:
    return ask("POST", f"/change-requests/{request['id']}/approve", body)


def test_another_site_is_listed_and_bookable_when_both_sides_have_approved(
    ask: Ask, approver: Ask, viewer: Ask, engagement: Engagement
) -> None:
    make_site(engagement)
    agree(engagement)
    request = raised(viewer, engagement, SHOP)
    assert (request["state"], request["waits_for"], request["number"]) == ("open", "team", 1)
    early = approve(approver, request)
    assert (early.status_code, early.json["code"], early.json["missing"]) == (409, "guard", ["estimate"])
    half = approve(ask, request, estimate_minutes=90)
    assert (half.status_code, half.json["state"], half.json["waits_for"]) == (200, "approved_by_team", "customer")
    whole = approve(approver, request, version=half.json["version"])
    assert (whole.status_code, whole.json["state"], whole.json["requirements_version"]) == (200, "applied", 2)
    assert whole.json["applied_at"]
    listed = ask("GET", f"/engagements/{engagement.id}/sites").json["items"]
    blog = next(site for site in listed if site["name"] == "Blog")
    assert blog["listed_in_version"] == 2
    assert [each["left_minutes"] for each in ask("GET", f"/sites/{blog['id']}/budgets").json["items"]] == [300]
    entry = {"site_id": blog["id"], "worked_on": "2026-03-02", "minutes": 60, "kind": "known_incompatibility"}
    assert ask("POST", "/time-entries", entry | {"activity": "research"}).status_code == 201
    steps = ask("GET", f"/change-requests/{request['id']}/steps").json["items"]
    assert [step["what"] for step in steps] == ["raised", "estimated", "approved_by_team", "approved_by_customer", "applied"]
