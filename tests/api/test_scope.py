"""Scope, facts, questions, risks and splits over the API."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import Ask
from tests.factories import NOW, make_engagement, make_person, make_site
from tests.services.test_risk import note
from tracker.domain.access import SYSTEM
from tracker.services import engagement as engagement_service
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def engagement() -> Engagement:
    return make_engagement()


@pytest.fixture
def site(ask: Ask, engagement: Engagement) -> Site:
    return make_site(engagement, plan="basic")


def one(ask: Ask, site: Site, item: str) -> dict[str, Any]:
    listed = ask("GET", f"/sites/{site.id}/scope").json["items"]
    found: dict[str, Any] = next(each for each in listed if each["item"] == item)
    return found


def test_the_scope_of_a_site_ends_with_what_belongs_to_the_whole_engagement(ask: Ask, site: Site) -> None:
    items = ask("GET", f"/sites/{site.id}/scope").json["items"]
    assert [each["site_id"] for each in items] == [str(site.id)] * 17 + [None] * 14
    cache = one(ask, site, "install-object-cache")
    assert (cache["decision"], cache["route"], cache["work_state"], cache["version"]) == (
        "out_of_scope",
        "account-rep",
        "planned",
        1,
    )
    assert cache["source"] == "seed-3#included-tasks-for-plugins-modules-and-themes"
    assert cache["verification"] == ["cache status page healthy on Live", "previous Redis plugin disabled first"]
    page = ask("GET", f"/sites/{site.id}/scope?limit=20").json
    rest = ask("GET", f"/sites/{site.id}/scope?limit=20&cursor={page['next_cursor']}").json
    assert [each["id"] for each in page["items"] + rest["items"]] == [each["id"] for each in items]


def test_a_stale_edit_of_an_item_is_refused(ask: Ask, site: Site) -> None:
    path = f"/scope-items/{one(ask, site, 'transfer-code-db-files')['id']}"
    first = ask("PATCH", path, {"work_state": "doing"}, If_Match="1")
    assert (first.status_code, first.json["version"]) == (200, 2)
    stale = ask("PATCH", path, {"evidence": "212 tables"}, If_Match="1")
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    assert ask("GET", path).json["evidence"] == ""


def test_done_needs_evidence_and_another_decision_a_reason(ask: Ask, site: Site) -> None:
    path = f"/scope-items/{one(ask, site, 'transfer-code-db-files')['id']}"
    for body, field in (
        ({"work_state": "done"}, "evidence"),
        ({"work_state": "waived"}, "reason"),
        ({"decision": "ps"}, "reason"),
    ):
        refused = ask("PATCH", path, body)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)
    done = ask("PATCH", path, {"work_state": "done", "evidence": "212 tables on both sides", "clause": "SOW 3.1"}).json
    assert (done["work_state"], done["evidence"], done["clause"]) == ("done", "212 tables on both sides", "SOW 3.1")
    for junk in (
        {"decision": None},
        {"decision": "maybe"},
        {"work_state": "never"},
        {"reason": "x" * 2001},
        {"evidence": "a\x07"},
    ):
        assert ask("PATCH", path, junk).status_code == 422


def test_engineers_propose_and_customers_only_read(
    ask: Ask, asking: Callable[[Person], Ask], engagement: Engagement, site: Site
) -> None:
    engineer = make_person("engineer")
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    path = f"/scope-items/{one(ask, site, 'email-external')['id']}"
    as_engineer, as_viewer = asking(engineer), asking(make_person("customer_viewer"))
    assert as_engineer("PATCH", path, {"decision": "ps", "reason": "Code"}).json["code"] == "forbidden"
    assert as_engineer("PATCH", path, {"proposed_decision": "ps", "proposed_reason": "Code"}).status_code == 200
    assert as_viewer("GET", path).json["proposed_decision"] is None
    assert as_viewer("PATCH", path, {"work_state": "doing"}).json["code"] == "forbidden"
    taken = ask("PATCH", path, {"decision": "ps"}).json
    assert (taken["decision"], taken["reason"], taken["by_rule"], taken["proposed_decision"]) == ("ps", "Code", False, None)
    assert ask("PATCH", path, {"by_rule": True}).json["decision"] == "undecided"


def test_an_item_of_ones_own_is_added_for_a_site_or_for_all(ask: Ask, engagement: Engagement, site: Site) -> None:
    path, body = f"/engagements/{engagement.id}/scope-items", {"title": "Retire S3", "decision": "ps", "reason": "Quote Q-7"}
    made = ask("POST", path, body)
    assert (made.status_code, made.json["site_id"], made.json["route"]) == (201, None, "ps-hours")
    assert made.json["item"] in [each["item"] for each in ask("GET", path).json["items"]]
    assert ask("POST", path, body | {"site_id": str(site.id)}).json["site_id"] == str(site.id)


def test_a_viewer_answers_facts_and_questions(
    ask: Ask, asking: Callable[[Person], Ask], engagement: Engagement, site: Site
) -> None:
    as_viewer = asking(make_person("customer_viewer"))
    answered = as_viewer("PATCH", f"/sites/{site.id}/facts", {"facts": {"sends_email": True, "network": False}})
    assert (answered.status_code, answered.json["facts"]["sends_email"], answered.json["network"]) == (200, True, False)
    assert as_viewer("PATCH", f"/sites/{site.id}/facts", {"facts": {"plan": "elite"}}).json["code"] == "forbidden"
    assert as_viewer("GET", f"/sites/{site.id}/facts").json["sources"]["sends_email"]["source"] == "questionnaire"
    listed = as_viewer("GET", f"/engagements/{engagement.id}/questions?state=open").json["items"]
    certificate = next(each for each in listed if each["fact"] == "certificate")
    closed = as_viewer("PATCH", f"/questions/{certificate['id']}", {"answer": "managed"}).json
    assert (closed["state"], closed["answer"]) == ("answered", "Managed by the platform")
    again = as_viewer("PATCH", f"/questions/{certificate['id']}", {"answer": "custom"})
    assert (again.status_code, again.json["rule"]) == (409, "question_open")
    asked = as_viewer("POST", f"/engagements/{engagement.id}/questions", {"text": "When do we start?", "side": "team"})
    assert (asked.status_code, asked.json["state"]) == (201, "open")
    assert as_viewer("PATCH", f"/questions/{asked.json['id']}", {"state": "withdrawn"}).json["code"] == "forbidden"
    assert ask("PATCH", f"/questions/{asked.json['id']}", {"state": "withdrawn"}).json["state"] == "withdrawn"


def test_internal_risks_are_not_there_for_customers(ask: Ask, asking: Callable[[Person], Ask], engagement: Engagement) -> None:
    secret = note(engagement)
    path = f"/engagements/{engagement.id}/risks"
    told = ask("POST", path, {"title": "DNS is slow", "mitigation": "Lower the TTL", "audience": "customer"})
    assert told.status_code == 201
    as_viewer = asking(make_person("customer_viewer"))
    assert [each["title"] for each in as_viewer("GET", path).json["items"]] == ["DNS is slow"]
    assert as_viewer("GET", f"/risks/{secret.id}").status_code == 404
    assert as_viewer("PATCH", f"/risks/{secret.id}", {"title": "Mine"}).status_code == 404
    assert as_viewer("PATCH", f"/risks/{told.json['id']}", {"title": "Mine"}).status_code == 403
    closed = ask("PATCH", f"/risks/{secret.id}", {"state": "closed", "outcome": "Came out well"}, If_Match="1").json
    assert (closed["state"], closed["outcome"]) == ("closed", "Came out well")


def test_a_network_is_split_and_after_the_agreement_no_longer(ask: Ask, engagement: Engagement) -> None:
    network = make_site(engagement, network=True)
    body: dict[str, Any] = {"targets": [{"name": "Blog", "url": "blog.example.com"}, {"name": "Shop", "url": "BLOG.example.com"}]}
    refused = ask("POST", f"/sites/{network.id}/split", body)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "targets.1.url")
    body["targets"][1] = {"name": "Shop", "url": "shop.example.com", "package": "premium", "premium_option": "extra-hours-10"}
    made = ask("POST", f"/sites/{network.id}/split", body)
    assert made.status_code == 201
    budgets = [ask("GET", f"/sites/{each['id']}/budgets").json["items"] for each in made.json["items"]]
    assert [[each["limit_minutes"] for each in rows if each["kind"] != "ps"] for rows in budgets] == [[300], [300, 600]]
    other = make_site(engagement, network=True)
    agreed = ask("POST", f"/engagements/{engagement.id}/requirements/agree")
    assert agreed.status_code in (200, 201)
    guarded = ask("POST", f"/sites/{other.id}/split", body)
    assert (guarded.status_code, guarded.json["rule"], guarded.json["missing"]) == (409, "BR-47", ["change_request"])


def test_uat_is_guarded_by_the_scope(ask: Ask, site: Site) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "ready_for_uat"
    refused = ask("POST", f"/sites/{site.id}/transitions", {"to": "in_uat"})
    assert (refused.status_code, refused.json["rule"], refused.json["missing"]) == (409, "BR-31", ["scope_settled"])
    assert "scope items are not settled" in refused.json["detail"]


def test_every_fact_is_read_and_written_by_one_name_at_each_door(ask: Ask, engagement: Engagement) -> None:
    body = {"name": "Blog", "url": "blog.example.com", "cms": "wordpress", "facts": {"network": False, "plan": "basic"}}
    made = ask("POST", f"/engagements/{engagement.id}/sites", body)
    assert made.status_code == 201, made.json
    assert (made.json["network"], made.json["plan"]) == (False, "basic")
    assert {key: made.json["facts"][key] for key in ("network", "plan", "upstream_choice")} == {
        "network": False,
        "plan": "basic",
        "upstream_choice": None,
    }
    address = f"/sites/{made.json['id']}"
    told = ask("PATCH", address, {"facts": {"upstream_choice": "default", "sends_email": True}})
    assert (told.status_code, told.json["upstream_choice"], told.json["facts"]["sends_email"]) == (200, "default", True)
    assert ask("GET", f"{address}/facts").json["facts"] == told.json["facts"]
    refused = ask("PATCH", address, {"facts": {"plan": "huge"}})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "facts.plan")


@pytest.mark.parametrize(("fact", "item"), [("cron_need", "cron-new-relic"), ("certificate", "tls-preprovision")])
def test_an_answer_that_no_rule_knows_is_no_answer(ask: Ask, engagement: Engagement, fact: str, item: str) -> None:
    site = make_site(engagement, plan="elite", network=False)
    assert ask("PATCH", f"/sites/{site.id}/facts", {"facts": {fact: "whatever suits you"}}).status_code == 200
    assert one(ask, site, item)["decision"] == "undecided"


def test_a_size_is_not_below_nought(ask: Ask, site: Site) -> None:
    refused = ask("PATCH", f"/sites/{site.id}/facts", {"facts": {"archive_mb": -3}})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "facts.archive_mb")


def test_a_question_about_a_fact_has_somebody_to_answer_it(ask: Ask, engagement: Engagement) -> None:
    approver = make_person("customer_approver")
    make_person("customer_viewer")
    make_site(engagement)
    asked = ask("GET", f"/engagements/{engagement.id}/questions").json["items"]
    owners = {each["fact"]: each["owner_id"] for each in asked}
    assert owners["sends_email"] == str(approver.id)
    assert owners["plan"] == str(engagement.manager_id)
    assert all(each["due_on"] for each in asked)
