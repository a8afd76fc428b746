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


def approve(ask: Ask, request: Any, *, version: int | None = None, **body: Any) -> Answer:
    headers = {} if version is None else {"If_Match": str(version)}
    return ask("POST", f"/change-requests/{request['id']}/approve", body, **headers)


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


def counted(ask: Ask, engagement: Engagement) -> tuple[int, int, int]:
    """How many sites, PS blocks and versions of the requirements there are."""
    base = f"/engagements/{engagement.id}"
    items = [len(ask("GET", f"{base}/{name}").json["items"]) for name in ("sites", "ps-blocks")]
    return items[0], items[1], ask("GET", f"{base}/requirements").json["version"]


def signed(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    """An agreed list that an approver has signed."""
    shown = ask("POST", f"/engagements/{engagement.id}/requirements/agree", {}).json
    body = {"subject": "requirements", "hash": shown["hash"]}
    assert approver("POST", f"/engagements/{engagement.id}/signatures", body).status_code == 201


def test_the_approval_signs_the_new_version_where_the_former_one_was_signed(
    ask: Ask, approver: Ask, engagement: Engagement
) -> None:
    make_site(engagement)
    signed(ask, approver, engagement)
    request = raised(ask, engagement, SHOP, estimate_minutes=0)
    assert approve(ask, request).status_code == 200
    assert approve(approver, request).json["state"] == "applied"
    now = ask("GET", f"/engagements/{engagement.id}/requirements").json
    assert (now["version"], len(now["sites"])) == (2, 2)
    assert now["signature"]["signed_by"] == approve(approver, request).json["customer_approved_by"]
    assert now["signature"]["hash"] == now["hash"]


def test_an_unsigned_list_stays_unsigned(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    make_site(engagement)
    agree(engagement)
    request = raised(ask, engagement, SHOP, estimate_minutes=0)
    approve(ask, request)
    approve(approver, request)
    now = ask("GET", f"/engagements/{engagement.id}/requirements").json
    assert (now["version"], now["signature"]) == (2, None)


def test_an_approval_under_another_list_than_comes_of_it_is_no_signature(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    make_site(engagement)
    signed(ask, approver, engagement)
    first = raised(ask, engagement, SHOP, estimate_minutes=0)
    second = raised(ask, engagement, SHOP | {"name": "Wiki", "url": "https://wiki.example.com"}, estimate_minutes=0)
    for each in (first, second):
        assert approve(approver, each).json["state"] == "approved_by_customer"
    assert approve(ask, second).json["requirements_version"] == 2
    assert ask("GET", f"/engagements/{engagement.id}/requirements").json["signature"]
    assert approve(ask, first).json["requirements_version"] == 3
    assert ask("GET", f"/engagements/{engagement.id}/requirements").json["signature"] is None


def test_all_of_a_request_is_applied_or_nothing(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    make_site(engagement)
    agree(engagement)
    path = f"/engagements/{engagement.id}/deadlines"
    date = ask("POST", path, {"kind": "custom", "title": "Go live", "due_on": "2027-03-02"}).json
    moved = {"kind": "move_date", "deadline_id": date["id"], "due_on": "2027-03-09"}
    request = raised(ask, engagement, SHOP, HOURS, moved, estimate_minutes=30)
    assert approve(approver, request).status_code == 200
    ask("PATCH", f"/deadlines/{date['id']}", {"done_at": "2026-03-02T12:00:00Z"})
    refused = approve(ask, request)
    assert (refused.status_code, refused.json["code"], refused.json["missing"]) == (409, "guard", ["changes.2"])
    assert "Go live is done" in refused.json["detail"]
    assert counted(ask, engagement) == (1, 0, 1)
    now = ask("GET", f"/change-requests/{request['id']}").json
    assert (now["state"], now["applied_at"], now["team_approved_at"]) == ("approved_by_customer", None, None)
    ask("PATCH", f"/deadlines/{date['id']}", {"done_at": None})
    assert approve(ask, request).json["state"] == "applied"
    assert counted(ask, engagement) == (2, 1, 2)
    assert ask("GET", f"/deadlines/{date['id']}").json["due_on"] == "2027-03-09"


def test_nothing_is_applied_while_the_engagement_is_on_hold(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    request = raised(ask, engagement, HOURS, estimate_minutes=0)
    approve(approver, request)
    ask("PATCH", f"/engagements/{engagement.id}", {"status": "on_hold"})
    refused = approve(ask, request)
    assert (refused.status_code, "on hold" in refused.json["detail"]) == (409, True)
    ask("PATCH", f"/engagements/{engagement.id}", {"status": "active"})
    assert approve(ask, request).json["state"] == "applied"


def test_hours_of_an_applied_request_are_drawn_like_any_other(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    site = make_site(engagement)
    agree(engagement)
    request = raised(ask, engagement, HOURS, estimate_minutes=0)
    approve(ask, request)
    approve(approver, request)
    entry = {"site_id": str(site.id), "worked_on": "2026-03-02", "minutes": 400, "kind": "ps", "ps_kind": "custom-upstream"}
    booked = ask("POST", "/time-entries", entry)
    assert (booked.status_code, booked.json["draws"][0]["minutes"]) == (201, 400)


def test_one_change_may_stand_beside_the_title(ask: Ask, engagement: Engagement) -> None:
    path = f"/engagements/{engagement.id}/change-requests"
    single = ask("POST", path, {"title": "More hours", "reason": "Search", **HOURS})
    assert (single.status_code, single.json["changes"]) == (201, [HOURS])
    both = ask("POST", path, {"title": "More hours", "changes": [HOURS], **HOURS})
    assert (both.status_code, both.json["code"]) == (422, "invalid")
    assert ask("POST", path, {"title": "Nothing"}).json["errors"][0]["field"] == "changes"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "gift"}, "kind"),
        ({"kind": "ps_hours", "minutes": 239, "reference": "Q-1"}, "minutes"),
        ({"kind": "ps_hours", "minutes": 240, "reference": "password: hunter2!xy"}, "reference"),
        ({"kind": "ps_hours", "minutes": 240, "reference": "Q-1", "item": "search"}, "item"),
        (SHOP | {"url": "not an address"}, "url"),
        (SHOP | {"package": "premium"}, "premium_option"),
        (SHOP | {"plan": "huge"}, "plan"),
        ({"kind": "move_date", "deadline_id": "0199e6f0-0000-7000-8000-000000000000", "due_on": "2027-03-09"}, "deadline_id"),
        ({"kind": "scope", "item": "Search", "decision": "undecided"}, "decision"),
        ({"kind": "withdraw_site", "site_id": "0199e6f0-0000-7000-8000-000000000000"}, "site_id"),
    ],
)
def test_a_change_that_cannot_stand_is_named_at_its_field(
    ask: Ask, engagement: Engagement, change: dict[str, Any], field: str
) -> None:
    make_site(engagement)
    agree(engagement)
    body = {"title": "More", "reason": "So", "changes": [HOURS, change]}
    answer = ask("POST", f"/engagements/{engagement.id}/change-requests", body)
    assert answer.status_code == 422, answer.json
    assert f"changes.1.{field}" in {error["field"] for error in answer.json["errors"]}


def test_before_the_agreement_a_site_is_listed_and_not_asked_for(ask: Ask, engagement: Engagement) -> None:
    answer = ask("POST", f"/engagements/{engagement.id}/change-requests", {"title": "Blog", "changes": [SHOP]})
    assert (answer.status_code, answer.json["code"], answer.json["rule"]) == (409, "guard", "BR-01")
    assert "add it to the list" in answer.json["detail"]


def test_a_site_changes_its_package_and_another_leaves(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    shop, blog = make_site(engagement, name="Shop"), make_site(engagement, name="Blog")
    signed(ask, approver, engagement)
    premium = {"kind": "edit_site", "site_id": str(shop.id), "package": "premium", "premium_option": "extra-hours-10"}
    less = {"kind": "withdraw_site", "site_id": str(blog.id), "reason": "It is closed."}
    request = raised(ask, engagement, premium, less, estimate_minutes=0)
    approve(ask, request)
    assert approve(approver, request).json["state"] == "applied"
    now = ask("GET", f"/engagements/{engagement.id}/requirements").json
    assert [(site["name"], site["package"]) for site in now["sites"]] == [("Shop", "premium")]
    assert now["signature"] is not None
    kept = ask("GET", f"/sites/{shop.id}/budgets").json["items"]
    assert [(each["kind"], each["limit_minutes"]) for each in kept] == [("known_incompatibility", 300), ("premium_extra", 600)]
    assert ask("GET", f"/sites/{blog.id}").json["stage"] == "withdrawn"


def test_an_extra_that_has_paid_for_work_stays(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    site = make_site(engagement, package="premium", premium_option="extra-hours-10")
    agree(engagement)
    entry = {"site_id": str(site.id), "worked_on": "2026-03-02", "minutes": 60, "kind": "premium"}
    assert ask("POST", "/time-entries", entry).status_code == 201
    request = raised(ask, engagement, {"kind": "edit_site", "site_id": str(site.id), "package": "standard"}, estimate_minutes=0)
    approve(ask, request)
    refused = approve(approver, request)
    assert (refused.status_code, refused.json["rule"]) == (409, "BR-02")


def test_an_edit_clears_what_was_approved_and_a_stale_approval_is_refused(
    ask: Ask, approver: Ask, engagement: Engagement
) -> None:
    request = raised(ask, engagement, HOURS, estimate_minutes=60)
    read = approve(ask, request).json
    edited = ask("PATCH", f"/change-requests/{request['id']}", {"changes": [HOURS | {"minutes": 960}]}).json
    assert (edited["state"], edited["team_approved_by"], edited["changes"][0]["minutes"]) == ("open", None, 960)
    stale = approve(approver, request, version=read["version"])
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    old = ask("PATCH", f"/change-requests/{request['id']}", {"title": "Other"}, If_Match=str(read["version"]))
    assert (old.status_code, old.json["code"]) == (409, "edited_meanwhile")


def test_who_raised_it_edits_it_until_somebody_approves_and_takes_it_back_until_it_is_decided(
    ask: Ask, viewer: Ask, approver: Ask, engagement: Engagement
) -> None:
    request = raised(viewer, engagement, HOURS)
    path = f"/change-requests/{request['id']}"
    assert viewer("PATCH", path, {"title": "Eight hours"}).json["title"] == "Eight hours"
    assert approver("PATCH", path, {"title": "Mine"}).status_code == 403
    assert viewer("PATCH", path, {"estimate_minutes": 5}).status_code == 403
    assert ask("PATCH", path, {"estimate_minutes": 5}).json["estimate_minutes"] == 5
    assert approve(viewer, request).status_code == 403
    assert approve(ask, request).json["state"] == "approved_by_team"
    assert viewer("PATCH", path, {"title": "Nine hours"}).status_code == 403
    assert approver("POST", f"{path}/withdraw", {}).status_code == 403
    assert viewer("POST", f"{path}/withdraw", {"note": "No longer needed."}).json["state"] == "withdrawn"
    late = approve(approver, request)
    assert (late.status_code, late.json["code"]) == (409, "guard")


def test_a_rejection_needs_a_reason_and_is_final(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    request = raised(ask, engagement, HOURS, estimate_minutes=0)
    path = f"/change-requests/{request['id']}/reject"
    assert approver("POST", path, {"reason": " "}).json["errors"][0]["field"] == "reason"
    rejected = approver("POST", path, {"reason": "Too much."}).json
    assert (rejected["state"], rejected["decision_reason"], rejected["waits_for"]) == ("rejected", "Too much.", None)
    assert approve(ask, request).status_code == 409
    assert ask("POST", path, {"reason": "Too"}).status_code == 409


def test_the_other_side_is_told(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    request = raised(approver, engagement, HOURS)
    approve(ask, request, estimate_minutes=0)
    approve(approver, request)
    items = ask("GET", f"/engagements/{engagement.id}/notices").json["items"]
    told = {each["kind"] for each in items if each["kind"].startswith("change_request")}
    assert told == {"change_request.raised", "change_request.approved_by_team", "change_request.applied"}


def test_the_list_is_paged_by_number_and_filtered_by_state(ask: Ask, engagement: Engagement) -> None:
    for _ in range(3):
        last = raised(ask, engagement, HOURS)
    ask("POST", f"/change-requests/{last['id']}/withdraw", {})
    path = f"/engagements/{engagement.id}/change-requests"
    page = ask("GET", f"{path}?limit=2").json
    assert [each["number"] for each in page["items"]] == [3, 2]
    assert [each["number"] for each in ask("GET", f"{path}?limit=2&cursor={page['next_cursor']}").json["items"]] == [1]
    assert [each["number"] for each in ask("GET", f"{path}?state=open").json["items"]] == [2, 1]
    assert ask("GET", f"{path}?cursor=x").status_code == 422


def test_the_customer_asks_for_hours_without_knowing_the_order(ask: Ask, approver: Ask, engagement: Engagement) -> None:
    asked = raised(approver, engagement, {"kind": "ps_hours", "minutes": 240})
    assert approve(ask, asked, estimate_minutes=0).status_code == 200
    assert approve(approver, asked).json["state"] == "applied"
    (block,) = ask("GET", f"/engagements/{engagement.id}/ps-blocks").json["items"]
    assert (block["minutes"], block["reference"]) == (240, "Change request 1")
