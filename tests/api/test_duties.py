"""Duties, freezes and UAT through the API."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Ask
from tests.factories import agree, make_duty, make_engagement, make_person, make_site, settle_scope
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction

START = "2031-03-03T09:00:00+01:00"


@pytest.fixture
def engagement(app: object) -> Engagement:
    return make_engagement()


@pytest.fixture
def site(engagement: Engagement) -> Site:
    return make_site(engagement)


@pytest.fixture
def approver(asking: Callable[[Person], Ask]) -> Ask:
    return asking(make_person("customer_approver", name="Petra Approver"))


def duties_of(ask: Ask, engagement: Engagement, query: str = "") -> dict[str, Any]:
    items = ask("GET", f"/engagements/{engagement.id}/duties{query}").json["items"]
    return {each["kind"]: each for each in items}


def test_duties_are_listed_filtered_and_completed(ask: Ask, approver: Ask, engagement: Engagement, site: Site) -> None:
    assert len(duties_of(ask, engagement)) == 7
    assert set(duties_of(ask, engagement, f"?site_id={site.id}&state=open")) == {
        "source-access", "code-freeze", "uat", "content-freeze-notice", "dns-cutover",
    }  # fmt: skip
    assert ask("GET", f"/engagements/{engagement.id}/duties?state=late").status_code == 422
    duty = duties_of(ask, engagement)["source-access"]
    assert (duty["owner"], duty["due_on"], duty["state"], duty["overdue"]) == (None, None, "open", False)
    path = f"/duties/{duty['id']}"
    assert ask("PATCH", path, {"state": "done"}).status_code == 403
    dated = ask("PATCH", path, {"due_on": "2031-03-03"}, If_Match="1").json
    assert (dated["due_on"], dated["version"]) == ("2031-03-03", 2)
    assert approver("PATCH", path, {"state": "done"}, If_Match="1").json["code"] == "edited_meanwhile"
    done = approver("PATCH", path, {"state": "done", "evidence": "Entry “old host” in the vault; checked on Monday."}).json
    assert (done["state"], done["evidence"]) == ("done", "Entry “old host” in the vault; checked on Monday.")
    dates = ask("GET", f"/engagements/{engagement.id}/deadlines").json["items"]
    assert [each["done_at"] == done["done_at"] for each in dates] == [True]
    assert ask("PATCH", path, {"state": None}).status_code == 422
    assert approver("PATCH", f"/duties/{duties_of(ask, engagement)['uat']['id']}", {"state": "done"}).json["code"] == "guard"


def test_a_freeze_is_scheduled_acknowledged_and_held_to(ask: Ask, approver: Ask, engagement: Engagement, site: Site) -> None:
    made = ask("POST", f"/sites/{site.id}/freezes", {"kind": "code", "starts_at": START})
    assert made.status_code == 201
    assert (made.json["state"], made.json["starts_at"], made.json["ends_at"]) == ("planned", "2031-03-03T08:00:00Z", None)
    path = f"/freezes/{made.json['id']}"
    assert ask("POST", f"{path}/acknowledge", {"answer": "freeze"}).status_code == 403
    said = approver("POST", f"{path}/acknowledge", {"answer": "accept_responsibility"})
    assert (said.status_code, said.json["answer"]) == (200, "accept_responsibility")
    assert approver("POST", f"{path}/acknowledge", {"answer": "freeze"}).json["errors"][0]["field"] == "reason"
    assert duties_of(ask, engagement)["code-freeze"]["state"] == "done"
    begun = ask("PATCH", path, {"starts_at": "2026-03-02T08:00:00Z", "reason": "It began."})
    assert (begun.status_code, begun.json["state"]) == (200, "running")
    held = ask("PATCH", path, {"ends_at": "2031-01-01T00:00:00Z"})
    assert (held.status_code, held.json["code"], held.json["missing"]) == (409, "guard", ["override_reason"])
    moved = ask("PATCH", f"/deadlines/{begun.json['deadline_id']}", {"due_at": START, "reason": "Later"})
    assert moved.json["missing"] == ["override_reason"]
    made = ask("POST", f"{path}/override", {"what": "Prices", "reason": "A sale"})
    assert made.status_code == 201
    assert [each["what"] for each in ask("GET", f"/sites/{site.id}/freezes").json["items"][0]["overrides"]] == ["Prices"]


def test_uat_goes_from_its_round_to_the_sign_off(ask: Ask, approver: Ask, engagement: Engagement, site: Site) -> None:
    agreed = agree(engagement)
    assert ask("POST", f"/sites/{site.id}/uat-rounds", {}).json["code"] == "guard"
    with transaction(db.session, now=agreed.agreed_at):
        db.session.get_one(Site, site.id).stage = "ready_for_uat"
    settle_scope(site)
    assert ask("POST", f"/sites/{site.id}/transitions", {"to": "in_uat"}).status_code == 201
    (opened,) = ask("GET", f"/sites/{site.id}/uat-rounds").json["items"]
    path = f"/uat-rounds/{opened['id']}"
    named = approver("PATCH", path, {"testers": [{"name": "Tom"}]}).json
    assert named["testers"] == [{"name": "Tom", "email": None}]
    defect = approver("POST", f"/sites/{site.id}/defects", {"title": "Search finds nothing"})
    assert defect.status_code == 201
    assert approver("PATCH", f"/defects/{defect.json['id']}", {"state": "fixed"}).status_code == 403
    mended = ask("PATCH", f"/defects/{defect.json['id']}", {"state": "fixed", "classification": "migration_defect"}).json
    assert (mended["state"], mended["classification"]) == ("fixed", "migration_defect")
    assert [each["id"] for each in ask("GET", f"/sites/{site.id}/defects?state=fixed").json["items"]] == [mended["id"]]
    blocked = ask("POST", f"/sites/{site.id}/transitions", {"to": "uat_accepted"}).json
    assert blocked["missing"] == ["uat_signed"]
    assert "Carry out acceptance testing" in blocked["detail"]
    assert ask("PATCH", path, {"state": "lapsed"}).json["missing"] == ["uat_silence_proceed"]
    signed = approver(
        "POST", f"/engagements/{engagement.id}/signatures", {"subject": "uat", "hash": agreed.hash, "site_id": str(site.id)}
    )
    assert signed.status_code == 201
    assert ask("GET", path).json["state"] == "signed"
    assert ask("POST", f"/sites/{site.id}/transitions", {"to": "uat_accepted"}).status_code == 201


def test_a_viewer_is_not_told_to_do_what_only_the_team_may(asking: Callable[[Person], Ask], site: Site) -> None:
    duty = make_duty(site, "site-inventory")
    for role, told in (("customer_viewer", False), ("engagement_manager", True)):
        refused = asking(make_person(role))("PATCH", f"/duties/{duty.id}", {"state": "done", "evidence": "Sent"})
        assert (refused.status_code, "mark its date" in refused.json["detail"]) == (403, told)
