"""Scope as it is decided: by the rules, by hand, and as the acceptance test waits for it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import (
    NOW,
    actor,
    agree,
    change_item,
    item_of,
    make_engagement,
    make_person,
    make_site,
    settle_scope,
)
from tests.services.test_site import move, receive_inventory
from tracker.domain.access import SYSTEM
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound
from tracker.services import engagement as engagement_service
from tracker.services import requirements as requirements_service
from tracker.services import scope as service
from tracker.services import site as site_service
from tracker.services.engagement import AgreementSpec, EngagementChange
from tracker.services.listing import put_on_list
from tracker.services.scope import OwnItem
from tracker.services.scoping import consider_sites
from tracker.services.site import SiteChange
from tracker.store import engagement as engagements
from tracker.store import question as questions
from tracker.store import requirements
from tracker.store import scope as scopes
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def edit(site: Site, values: dict[str, Any]) -> Site:
    with transaction(db.session, now=NOW):
        return site_service.edit_site(db.session, SYSTEM, site.id, SiteChange(values), now=NOW)


def asked_of(site: Site) -> dict[str, Question]:
    return questions.asked_facts(db.session, [site.id])[site.id]


def asked(site: Site) -> set[str]:
    return set(asked_of(site))


def decided(site: Site) -> dict[str, str]:
    db.session.expire_all()
    return {item.item: item.decision for item in scopes.of_site(db.session, site.id)}


def test_a_listed_site_has_its_scope_and_what_nobody_knows_is_asked_once_for_each_fact() -> None:
    engagement = make_engagement(kickoff_on=date(2026, 3, 30))
    site = make_site(engagement)
    assert decided(site)["transfer-code-db-files"] == "included"
    assert decided(site)["install-object-cache"] == "undecided"
    found = asked_of(site)
    assert {fact: found[fact].side for fact in ("plan", "network", "sends_email", "upstream_choice")} == {
        "plan": "team", "network": "customer", "sends_email": "customer", "upstream_choice": "team",
    }  # fmt: skip
    assert {question.due_on for question in found.values()} == {date(2026, 3, 27)}, "with the inventory"
    item = item_of(site, "email-external")
    assert item.clause == "Managed Migration Service (2023 revision): Included configuration support"
    assert (item.by_rule, item.decided_by) == (True, None)


def test_without_an_inventory_date_ahead_facts_are_due_in_five_business_days() -> None:
    found = asked_of(make_site(make_engagement()))
    assert {question.due_on for question in found.values()} == {date(2026, 3, 9)}


def test_a_fact_decides_what_waited_for_it_and_closes_its_question() -> None:
    site = make_site(make_engagement())
    edit(site, {"plan": "basic", "facts": {"sends_email": True}})
    assert decided(site)["email-external"] == "included"
    assert decided(site)["install-object-cache"] == "out_of_scope"
    assert not {"plan", "sends_email"} & asked(site)
    answered = {each.fact: each.answer for each in questions.settled_of(db.session, site.engagement_id, limit=50)}
    assert answered == {"plan": "Basic", "sends_email": "Yes", "search_provider": None, "cron_need": None}, (
        "what a Basic plan makes pointless is withdrawn"
    )
    edit(site, {"facts": {"sends_email": None}})
    assert decided(site)["email-external"] == "undecided"
    assert "sends_email" in asked(site), "what is unknown again is asked again"


def test_a_fact_says_who_said_it_and_when() -> None:
    site = make_site(make_engagement(), facts={"sends_email": True})
    edit(site, {"plan": "basic"})
    sources = db.session.get_one(Site, site.id).fact_sources
    assert sources == {
        "sends_email": {"source": "listing", "by": None, "at": NOW.isoformat()},
        "plan": {"source": "edit", "by": None, "at": NOW.isoformat()},
    }


def test_what_was_decided_by_hand_stays_whatever_becomes_known() -> None:
    manager = make_person()
    site = make_site(make_engagement(manager))
    with pytest.raises(Invalid) as refused:
        change_item(item_of(site, "email-external"), actor(manager), decision="out_of_scope")
    assert refused.value.errors[0].field == "reason"
    change_item(item_of(site, "email-external"), actor(manager), decision="out_of_scope", reason="They switch providers")
    edit(site, {"facts": {"sends_email": True}})
    item = item_of(site, "email-external")
    assert (item.decision, item.reason, item.decided_by) == ("out_of_scope", "They switch providers", manager.id)
    change_item(item, actor(manager), by_rule=True)
    assert item_of(site, "email-external").decision == "included", "the rules may be asked again"


def test_the_state_of_work_stays_when_the_rules_decide_anew() -> None:
    site = make_site(make_engagement(), plan="performance_m")
    change_item(item_of(site, "install-object-cache"), work_state="done", evidence="Status page green")
    edit(site, {"plan": "basic"})
    edit(site, {"plan": "elite"})
    assert item_of(site, "install-object-cache").work_state == "done"


def test_an_extra_that_is_no_longer_chosen_is_not_needed() -> None:
    site = make_site(make_engagement(), package="premium", premium_option="performance-report")
    assert decided(site)["performance-report"] == "premium"
    edit(site, {"package": "standard", "premium_option": None})
    assert decided(site)["performance-report"] == "not_applicable"


def test_an_engagement_lists_its_channel_and_all_that_is_out_of_scope() -> None:
    engagement = make_engagement()
    found = scopes.of_engagement(db.session, engagement.id)
    assert [item.decision for item in found] == ["included", *["out_of_scope"] * 13]
    assert {item.item: item.route for item in found}["git-history"] == "self-service"


def test_a_self_service_engagement_has_no_scope_until_it_becomes_a_managed_one() -> None:
    engagement = make_engagement(type="self_service", agreement=None)
    site = make_site(engagement)
    assert (scopes.of_engagement(db.session, engagement.id), decided(site), asked(site)) == ([], {}, set())
    terms = AgreementSpec.of(
        {"reference": "SOW", "signed_on": date(2026, 1, 1), "uat_business_days": 5, "cutover_business_days": 2,
         "hypercare_business_days": 5, "uat_silence": "hold"}
    ).terms  # fmt: skip
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, {"type": "managed", "agreement": terms})
        engagement_service.edit_engagement(db.session, SYSTEM, engagement.id, change, now=NOW)
    assert len(decided(site)) == 17
    agreement = engagements.agreement_of(db.session, engagement.id)
    assert agreement is not None
    assert agreement.catalogue_version == 1


def test_an_engineer_proposes_and_a_manager_takes_it_up_or_declines() -> None:
    engineer, manager = make_person("engineer"), make_person()
    engagement = make_engagement(manager)
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, SYSTEM, engagement.id, engineer.id, now=NOW)
    site = make_site(engagement)
    item = item_of(site, "email-external")
    with pytest.raises(NotAllowed):
        change_item(item, actor(engineer), decision="ps", reason="It needs code")
    with pytest.raises(NotAllowed):
        change_item(item, actor(engineer), reason="Other words")
    with pytest.raises(Invalid):
        change_item(item, actor(engineer), proposed_decision="ps")
    change_item(item, actor(engineer), proposed_decision="ps", proposed_reason="It needs code")
    change_item(item, actor(manager), proposed_decision=None)
    assert item_of(site, "email-external").proposed_decision is None
    change_item(item, actor(engineer), proposed_decision="ps", proposed_reason="It needs code")
    change_item(item, actor(manager), decision="ps")
    taken = item_of(site, "email-external")
    assert (taken.decision, taken.reason, taken.decided_by, taken.proposed_decision) == ("ps", "It needs code", manager.id, None)


def test_customers_read_and_change_nothing() -> None:
    site = make_site(make_engagement())
    item = item_of(site, "email-external")
    with pytest.raises(NotFound):
        change_item(item, actor(make_person("customer_approver")), work_state="done")
    with pytest.raises(NotFound):
        change_item(item, actor(make_person("customer_approver", customer="Other")), work_state="done")


def test_work_is_done_with_its_proof_and_left_out_with_a_reason() -> None:
    site = make_site(make_engagement())
    item = item_of(site, "transfer-code-db-files")
    with pytest.raises(Invalid) as refused:
        change_item(item, work_state="done")
    assert refused.value.errors[0].field == "evidence"
    assert "row and table counts" in refused.value.message
    with pytest.raises(Invalid) as refused:
        change_item(item, work_state="waived")
    assert refused.value.errors[0].field == "reason"
    change_item(item, work_state="waived", reason="The customer moves the files")
    waived = item_of(site, "transfer-code-db-files")
    assert (waived.work_state, waived.work_reason, waived.by_rule) == ("waived", "The customer moves the files", True)
    change_item(item, work_state="done", evidence="212 tables on both sides")
    assert item_of(site, "transfer-code-db-files").work_reason is None


def test_a_stale_edit_of_an_item_is_refused() -> None:
    site = make_site(make_engagement())
    item = item_of(site, "email-external")
    change_item(item, version=item.version, work_state="doing")
    with pytest.raises(EditedMeanwhile):
        change_item(item, version=1, evidence="Overwritten")
    assert item_of(site, "email-external").evidence == ""


def test_an_item_of_ones_own_stands_beside_the_catalogues() -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    site = make_site(engagement)
    own = OwnItem("Retire the S3 bucket", "ps", "Quote Q-7", site_id=site.id)
    with transaction(db.session, now=NOW):
        service.add_item(db.session, actor(manager), engagement.id, own, now=NOW)
        service.add_item(db.session, actor(manager), engagement.id, own, now=NOW)
    assert [name for name in decided(site) if name.startswith("own-")] == [
        "own-retire-the-s3-bucket",
        "own-retire-the-s3-bucket-2",
    ]
    elsewhere = make_site(make_engagement(manager))
    for wrong, field in (
        ({"title": " "}, "title"),
        ({"decision": "perhaps"}, "decision"),
        ({"reason": ""}, "reason"),
        ({"site_id": elsewhere.id}, "site_id"),
        ({"due_before": "someday"}, "due_before"),
    ):
        values: dict[str, Any] = {"title": "S3", "decision": "ps", "reason": "Q", "site_id": None} | wrong
        with transaction(db.session, now=NOW), pytest.raises(Invalid) as refused:
            service.add_item(db.session, actor(manager), engagement.id, OwnItem(**values), now=NOW)
        assert refused.value.errors[0].field == field


def ready_for_uat(engagement: Engagement, site: Site) -> None:
    agree(engagement)
    receive_inventory(engagement)
    approver = actor(make_person("customer_approver"))
    agreed = requirements.latest(db.session, engagement.id)
    assert agreed is not None
    with transaction(db.session, now=NOW):
        requirements_service.sign(db.session, approver, engagement.id, "requirements", agreed.hash, now=NOW)
    for stage in ("qualified", "migrating", "migrated", "remediating", "ready_for_uat"):
        move(site, stage)


def test_uat_opens_only_when_everything_before_it_is_settled() -> None:
    engagement = make_engagement()
    site = make_site(engagement)
    ready_for_uat(engagement, site)
    with pytest.raises(Guard) as refused:
        move(site, "in_uat")
    assert (refused.value.rule, refused.value.missing) == ("BR-31", ["scope_settled"])
    assert "scope items are not settled: “Move code, database and user files to the target site”" in refused.value.message
    settle_scope(site)
    assert move(site, "in_uat").stage == "in_uat"
    assert item_of(site, "prelaunch-resync").work_state == "planned", "what comes around the launch holds nothing up"


def test_a_withdrawn_site_is_asked_about_no_longer() -> None:
    site = make_site(make_engagement())
    move(site, "withdrawn")
    assert asked(site) == set()


def statements_of(act: Callable[[], object]) -> int:
    """How many statements something takes."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        act()
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_many_sites_are_considered_with_as_many_statements_as_one() -> None:
    def considered(number: int) -> int:
        engagement = make_engagement()
        with transaction(db.session, now=NOW):
            values = [{"name": f"S{n}", "url": f"https://s{n}.example.com", "cms": "wordpress"} for n in range(number)]
            listed = put_on_list(db.session, SYSTEM, engagement, values, now=NOW)
            return statements_of(lambda: consider_sites(db.session, engagement, listed, now=NOW))

    assert considered(1) == considered(7)


def test_what_became_known_of_a_multisite_later_does_not_stand_in_the_way_of_other_edits() -> None:
    site = make_site(make_engagement(), cms="drupal", multisite_decision="keep")
    edit(site, {"facts": {"drupal_multisite": True}})
    assert decided(site)["split-drupal-multisite"] == "included"
    with pytest.raises(Invalid):
        edit(site, {"multisite_decision": "keep"})
