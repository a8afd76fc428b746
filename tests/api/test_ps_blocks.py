"""PS blocks over the API: their term, what is left, another last day, voiding."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import SIGNED_ON, make_agreed_site, make_person
from tracker.clock import utc_now
from tracker.store.person import Person
from tracker.store.site import Site

TODAY = utc_now().date()
BLOCK = {"minutes": 240, "reference": "Q-7", "purchased_on": TODAY.isoformat()}


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site()


def sell(ask: Ask, site: Site, **over: Any) -> dict[str, Any]:
    answer = ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", BLOCK | over)
    assert answer.status_code == 201, answer.json
    block: dict[str, Any] = answer.json
    return block


def use(ask: Ask, site: Site, minutes: int) -> str:
    said = {
        "site_id": str(site.id),
        "worked_on": TODAY.isoformat(),
        "minutes": minutes,
        "kind": "ps",
        "ps_kind": "custom-upstream",
    }
    answer = ask("POST", "/time-entries", said)
    assert answer.status_code == 201, answer.json
    return str(answer.json["id"])


def in_days(days: int) -> str:
    return (TODAY + timedelta(days=days)).isoformat()


def test_the_agreement_gives_blocks_their_term_and_a_sale_may_say_otherwise(ask: Ask, site: Site) -> None:
    engagement = f"/engagements/{site.engagement_id}"
    assert ask("GET", engagement).json["agreement"]["ps_valid_days"] is None
    agreed = ask("PATCH", engagement, {"agreement": {"ps_valid_days": 365, "ps_carry_over": True}}).json["agreement"]
    assert (agreed["ps_valid_days"], agreed["ps_carry_over"]) == (365, True)
    terms = [
        (block["expires_on"], block["carries_over"])
        for block in (
            sell(ask, site),
            sell(ask, site, expires_on=None),
            sell(ask, site, expires_on=in_days(7), carries_over=False),
        )
    ]
    assert terms == [(in_days(365), True), (None, True), (in_days(7), False)]
    assert ask("PATCH", engagement, {"agreement": {"ps_valid_days": None}}).json["agreement"]["ps_valid_days"] is None
    refused = ask("PATCH", engagement, {"agreement": {"ps_valid_days": 0}})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "agreement.ps_valid_days")


def test_an_engagement_is_opened_with_the_term_of_its_blocks(ask: Ask, app: Flask) -> None:
    agreement = {"reference": "SOW-1", "signed_on": SIGNED_ON.isoformat(), "ps_valid_days": 90}
    agreement |= {f"{name}_business_days": 5 for name in ("uat", "cutover", "hypercare")}
    made = ask("POST", "/engagements", {"name": "Move", "customer": "Acme", "agreement": agreement}).json
    assert (made["agreement"]["ps_valid_days"], made["agreement"]["ps_carry_over"]) == (90, False)
    said = {"name": "Again", "customer": "Acme", "reference": "SOW-2", "signed_on": SIGNED_ON.isoformat()}
    assert ask("POST", f"/engagements/{made['id']}/duplicate", said).json["agreement"]["ps_valid_days"] == 90


def test_a_block_is_read_alone_and_in_the_list_alike(ask: Ask, site: Site) -> None:
    sold = sell(ask, site, expires_on=in_days(8))
    use(ask, site, 90)
    block = ask("GET", f"/ps-blocks/{sold['id']}").json
    assert {name: block[name] for name in ("minutes", "held_minutes", "left_minutes", "lapsed_minutes", "state")} == {
        "minutes": 240, "held_minutes": 90, "left_minutes": 150, "lapsed_minutes": 0, "state": "open",
    }  # fmt: skip
    assert ask("GET", f"/engagements/{site.engagement_id}/ps-blocks").json["items"] == [block]


def test_a_block_changes_its_reference_and_term_and_never_its_minutes(ask: Ask, site: Site) -> None:
    sold = sell(ask, site)
    path = f"/ps-blocks/{sold['id']}"
    changed = ask("PATCH", path, {"reference": "Q-8", "expires_on": in_days(30), "carries_over": True}, If_Match="1").json
    assert (changed["reference"], changed["expires_on"], changed["carries_over"], changed["version"]) == (
        "Q-8", in_days(30), True, 2,
    )  # fmt: skip
    assert ask("PATCH", path, {"expires_on": None}).json["expires_on"] is None
    stale = ask("PATCH", path, {"reference": "Q-9"}, If_Match="1")
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    for body, field in (
        ({"minutes": 480}, "minutes"),
        ({"reference": None}, "reference"),
        ({"expires_on": in_days(-1)}, "expires_on"),
    ):
        refused = ask("PATCH", path, body)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)


def test_a_block_is_voided_while_nothing_is_pinned_to_it(ask: Ask, site: Site) -> None:
    sold = sell(ask, site)
    path = f"/ps-blocks/{sold['id']}/void"
    entry = use(ask, site, 90)
    pinned = ask("POST", path, {"reason": "Entered twice"})
    assert (pinned.status_code, pinned.json["code"], pinned.json["rule"]) == (409, "guard", "block_pinned")
    assert "pays for 1 h 30" in pinned.json["detail"]
    ask("POST", f"/time-entries/{entry}/reversal", {})
    assert ask("POST", path, {"reason": ""}).json["errors"][0]["field"] == "reason"
    voided = ask("POST", path, {"reason": "Entered twice"}, Idempotency_Key="void")
    assert (voided.status_code, voided.json["state"], voided.json["void_reason"], voided.json["left_minutes"]) == (
        200, "voided", "Entered twice", 0,
    )  # fmt: skip
    assert ask("POST", path, {"reason": "Entered twice"}, Idempotency_Key="void").json == voided.json
    assert ask("POST", path, {"reason": "Entered twice"}).json["rule"] == "block_voided"
    (pool,) = [each for each in ask("GET", f"/engagements/{site.engagement_id}/budgets").json["items"] if each["kind"] == "ps"]
    assert (pool["limit_minutes"], pool["left_minutes"]) == (0, 0)


def test_customers_read_their_blocks_but_not_why_one_was_voided(ask: Ask, asking: Callable[[Person], Ask], site: Site) -> None:
    sold = sell(ask, site)
    ask("POST", f"/ps-blocks/{sold['id']}/void", {"reason": "Entered twice"})
    theirs = asking(make_person("customer_approver"))
    seen = theirs("GET", f"/ps-blocks/{sold['id']}").json
    assert (seen["state"], seen["void_reason"]) == ("voided", None)
    assert theirs("PATCH", f"/ps-blocks/{sold['id']}", {"reference": "Mine"}).status_code == 403
    foreign = asking(make_person("customer_approver", customer="Other"))
    assert foreign("GET", f"/ps-blocks/{sold['id']}").status_code == 404
