"""The status card: posted when asked for, once, kept up to date in its place, and without hours for the customer."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site, make_token, sign_in, some_work
from tracker.domain.notice import NoticeState
from tracker.services import engagement as engagement_service
from tracker.services import status_card, time_entry
from tracker.services.carding import refresh
from tracker.services.engagement import EngagementChange
from tracker.services.saying import say_now
from tracker.slack.blocks import render
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.message_edit import MessageEdit
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person(name="Jonas Weber")


@pytest.fixture
def site(manager: Person) -> Site:
    """Of an engagement whose team has a channel of its own."""
    made = make_site(make_engagement(manager, name="Museum move", internal_slack_channel="C2"), name="shop")
    agree(db.session.get_one(Engagement, made.engagement_id))
    return made


def cards() -> dict[str, OutboxNotice]:
    db.session.expire_all()
    query = sa.select(OutboxNotice).where(OutboxNotice.kind.in_(("card", "card.team")))
    return {notice.kind: notice for notice in db.session.scalars(query.order_by(OutboxNotice.id))}


def sent() -> None:
    with transaction(db.session, now=NOW):
        there = {"state": NoticeState.SENT, "slack_ts": "1.5", "settled_at": NOW}
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.kind.in_(("card", "card.team"))).values(there))


def wanted() -> int:
    db.session.expire_all()
    return sum(edit.wanted for edit in db.session.scalars(sa.select(MessageEdit)))


def said(kind: str) -> str:
    """The card as an edit says it."""
    with transaction(db.session, now=NOW):
        row = db.session.get_one(OutboxNotice, _id_of(kind))
        body = say_now(db.session, row, lambda each, **how: render(each, base_url="https://t", **how), edition=2, now=NOW)
    assert body["blocks"][0]["block_id"] == f"tracker:{_id_of(kind)}:v2"
    return str(body)


def test_a_card_is_posted_once_and_follows_what_happens(site: Site, manager: Person) -> None:
    who = actor(manager)
    for _again in range(2):
        with transaction(db.session, now=NOW):
            status_card.post_status_card(db.session, who, site.engagement_id, now=NOW)
    posted = cards()
    assert {kind: card.channel for kind, card in posted.items()} == {"card": "C1", "card.team": "C2"}
    count = sa.select(sa.func.count()).select_from(OutboxNotice).where(OutboxNotice.kind.like("card%"))
    assert db.session.scalar(count) == 2
    assert wanted() == 0, "what is not there yet says what is so when it is sent"
    sent()
    with transaction(db.session, now=NOW):
        time_entry.book(db.session, who, some_work(site, 120), now=NOW)
    assert wanted() == 2
    assert "shop: 3 h of 5 h left" in said("card.team")
    assert "of 5 h" not in said("card")
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, {"status": "on_hold"})
        engagement_service.edit_engagement(db.session, who, site.engagement_id, change, now=NOW)
    assert wanted() == 4
    assert "On hold" in said("card")


def test_a_card_whose_channel_the_customer_reads_by_now_says_nothing_more(site: Site, manager: Person) -> None:
    who = actor(manager)
    with transaction(db.session, now=NOW):
        status_card.post_status_card(db.session, who, site.engagement_id, now=NOW)
    sent()
    with transaction(db.session, now=NOW):
        change = EngagementChange(None, {"slack_channel": "C2"})
        engagement_service.edit_engagement(db.session, who, site.engagement_id, change, now=NOW)
        time_entry.book(db.session, who, some_work(site, 120), now=NOW)
    before = cards()["card.team"].text
    with transaction(db.session, now=NOW):
        refresh(db.session, db.session.get_one(OutboxNotice, _id_of("card.team")), now=NOW + timedelta(hours=1))
    assert cards()["card.team"].text == before


def _id_of(kind: str) -> Any:
    return db.session.scalar(sa.select(OutboxNotice.id).where(OutboxNotice.kind == kind))


def test_the_page_and_the_api_post_it_for_who_may(client: FlaskClient, site: Site, manager: Person) -> None:
    engineer = make_person("engineer")
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, actor(manager), site.engagement_id, engineer.id, now=NOW)
    address = f"/engagements/{site.engagement_id}/status-card"

    def token(who: Person) -> dict[str, str]:
        return {"Authorization": f"Bearer {make_token(who)}"}

    assert client.post(f"/api/v1{address}", headers=token(engineer)).status_code == 403
    answer = client.post(f"/api/v1{address}", headers=token(manager))
    assert answer.json is not None
    assert (answer.status_code, [item["kind"] for item in answer.json["items"]]) == (201, ["card", "card.team"])
    sign_in(client, manager)
    assert "Post a status card" in client.get(f"/engagements/{site.engagement_id}").text
    pressed = client.post(address, data={"request_key": "once"})
    assert pressed.location == f"/engagements/{site.engagement_id}"
    bare = make_engagement(manager, slack_channel=None)
    refused = client.post(f"/api/v1/engagements/{bare.id}/status-card", headers=token(manager)).json
    assert refused is not None
    assert refused["code"] == "guard"
