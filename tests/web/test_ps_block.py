"""PS blocks on their pages: until when they can be used, another last day, and one that was entered twice."""

from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import SIGNED_ON, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tests.web.test_engagement import value_of
from tracker.clock import utc_now
from tracker.domain.budget import WorkKind
from tracker.domain.engagement import Windows
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.engagement import AgreementSpec
from tracker.services.ps_block import void_block
from tracker.services.time_entry import book
from tracker.store import budget as budgets
from tracker.store.budget import PsBlock
from tracker.store.database import db
from tracker.store.engagement import Agreement, Engagement
from tracker.store.person import Person
from tracker.store.transaction import transaction

TODAY = utc_now().astimezone(ZoneInfo("Europe/Berlin")).date()  # as the engagements of the factory have it
SALE = {"duration": "4h", "purchased_on": TODAY.isoformat(), "reference": "Q-2210", "request_key": "once", "term": "agreed"}


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person()


def make_agreed(manager: Person, **terms: Any) -> Engagement:
    spec = AgreementSpec("SOW-1", SIGNED_ON, Windows(uat=5, cutover=2, hypercare=10), **terms)
    return make_engagement(manager, agreement=spec)


def sell(manager: Person, engagement: Engagement, **over: Any) -> PsBlock:
    said: dict[str, Any] = {"minutes": 240, "reference": "Q-7", "purchased_on": TODAY - timedelta(days=2)} | over
    with transaction(db.session, now=utc_now()):
        return sell_block(db.session, actor(manager), engagement.id, BlockSpec(**said), now=utc_now())


def the_block(engagement_id: UUID) -> PsBlock:
    (block,) = budgets.blocks_of(db.session, engagement_id)
    return block


@pytest.mark.parametrize(
    ("said", "days", "carries_over"),
    [
        ({}, 90, False),
        ({"expires_on": ""}, 90, False),
        ({"carries_over": "y"}, 90, True),
        ({"term": "until", "expires_on": (TODAY + timedelta(days=7)).isoformat()}, 7, False),
        ({"term": "for_ever"}, None, False),
    ],
)
def test_a_block_is_sold_as_agreed_or_otherwise(
    client: FlaskClient, manager: Person, said: dict[str, str], days: int | None, carries_over: bool
) -> None:
    engagement = make_agreed(manager, ps_valid_days=90)
    sign_in(client, manager)
    assert "as agreed: 90 days from its purchase" in client.get(f"/engagements/{engagement.id}/ps-blocks/new").text
    assert client.post(f"/engagements/{engagement.id}/ps-blocks/new", data=SALE | said).status_code == 303
    block = the_block(engagement.id)
    assert (block.expires_on, block.carries_over) == (TODAY + timedelta(days=days) if days else None, carries_over)


@pytest.mark.parametrize(
    ("term", "day"),
    [("until", ""), ("until", "soon"), ("until", "2020-01-01"), ("agreed", (TODAY + timedelta(days=7)).isoformat())],
)
def test_a_last_day_that_cannot_be_is_explained_beside_it(client: FlaskClient, manager: Person, term: str, day: str) -> None:
    engagement = make_agreed(manager)
    sign_in(client, manager)
    answer = client.post(f"/engagements/{engagement.id}/ps-blocks/new", data=SALE | {"term": term, "expires_on": day})
    assert answer.status_code == 422
    assert 'id="expires_on-error"' in answer.text
    assert value_of(answer.text, "reference") == "Q-2210"
    assert budgets.blocks_of(db.session, engagement.id) == []


def test_the_list_says_how_each_block_stands_and_the_customer_reads_no_reason(client: FlaskClient, manager: Person) -> None:
    engagement = make_agreed(manager)
    sell(manager, engagement, reference="Runs", expires_on=TODAY + timedelta(days=8))
    twice = sell(manager, engagement, reference="Twice")
    with transaction(db.session, now=utc_now()):
        void_block(db.session, actor(manager), twice.id, "Entered twice", now=utc_now())
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}").text
    assert "in 8 days" in page
    assert "voided: Entered twice" in page
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/engagements/{engagement.id}").text
    assert "in 8 days" in page
    assert "voided" in page
    assert "Entered twice" not in page
    assert "/ps-blocks/" not in page


def test_a_block_gets_another_last_day(client: FlaskClient, manager: Person) -> None:
    block = sell(manager, make_agreed(manager))
    sign_in(client, manager)
    page = client.get(f"/ps-blocks/{block.id}/edit").text
    day = (TODAY + timedelta(days=40)).isoformat()
    said = {"reference": "Q-8", "expires_on": day, "carries_over": "y", "version": value_of(page, "version")}
    answer = client.post(f"/ps-blocks/{block.id}/edit", data=said)
    assert (answer.status_code, answer.location) == (303, f"/engagements/{block.engagement_id}#ps")
    changed = the_block(block.engagement_id)
    assert (changed.reference, str(changed.expires_on), changed.carries_over) == ("Q-8", day, True)
    stale = client.post(f"/ps-blocks/{block.id}/edit", data=said | {"reference": "Q-9"})
    assert stale.status_code == 409
    assert value_of(stale.text, "reference") == "Q-9"
    assert "Now: Q-8" in stale.text


def test_a_block_is_voided_after_a_question_with_a_reason(client: FlaskClient, manager: Person) -> None:
    block = sell(manager, make_agreed(manager))
    sign_in(client, manager)
    asked = client.get(f"/ps-blocks/{block.id}/void").text
    assert "Void PS block Q-7?" in asked
    assert "Left without this block" in asked
    assert client.post(f"/ps-blocks/{block.id}/void", data={"reason": " "}).status_code == 422
    assert the_block(block.engagement_id).voided_at is None
    for _ in range(2):
        answer = client.post(f"/ps-blocks/{block.id}/void", data={"reason": "Entered twice", "request_key": "once"})
        assert answer.status_code == 303
    assert the_block(block.engagement_id).void_reason == "Entered twice"


def test_a_block_that_pays_for_work_says_so_instead(client: FlaskClient, manager: Person) -> None:
    engagement = make_agreed(manager)
    site = make_site(engagement)
    agree(engagement)
    block = sell(manager, engagement)
    with transaction(db.session, now=utc_now()):
        book(db.session, actor(manager), some_work(site, 90, WorkKind.PS, worked_on=TODAY), now=utc_now())
    sign_in(client, manager)
    page = client.get(f"/ps-blocks/{block.id}/edit").text
    assert "this one pays for 1 h 30" in page
    assert f"/ps-blocks/{block.id}/void" not in page
    assert "Void the block" not in client.get(f"/ps-blocks/{block.id}/void").text
    answer = client.post(f"/ps-blocks/{block.id}/void", data={"reason": "Entered twice"})
    assert answer.status_code == 409
    assert "This block pays for 1 h 30 of work" in answer.text
    assert "Entered twice</textarea>" in answer.text


def test_the_agreement_says_how_blocks_end(client: FlaskClient, manager: Person) -> None:
    engagement = make_agreed(manager)
    sign_in(client, manager)
    path = f"/engagements/{engagement.id}/edit"
    page = client.get(path).text
    said = {name: value_of(page, name) for name in (
        "name", "time_zone", "slack_channel", "reference", "signed_on", "uat_business_days", "cutover_business_days",
        "hypercare_business_days", "version",
    )} | {"type": "managed", "state": "active", "uat_silence": "hold", "engagement_manager": str(manager.id)}  # fmt: skip
    for wrong, message in (("soon", "Write a whole number of days."), ("4000", "from 1 to 3650")):
        refused = client.post(path, data=said | {"ps_valid_days": wrong})
        assert refused.status_code == 422
        assert message in refused.text.partition('id="ps_valid_days-error"')[2]
    assert client.post(path, data=said | {"ps_valid_days": "365", "ps_carry_over": "y"}).status_code == 303
    assert "365 days from the purchase, then carried over" in client.get(f"/engagements/{engagement.id}").text
    version = value_of(client.get(path).text, "version")
    assert client.post(path, data=said | {"ps_valid_days": "", "version": version}).status_code == 303
    agreement = db.session.query(Agreement).filter_by(engagement_id=engagement.id).one()
    assert (agreement.ps_valid_days, agreement.ps_carry_over) == (None, False)
