"""What each kind of notice says, to whom, and under which message it stands."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.every_kind import CUSTOMERS, JONAS, TEAMS, lay, notices_of, one_of_each, post_all
from tests.factories import NOW, actor, make_engagement, make_person, make_site, say
from tests.slack.test_blocks import texts_in
from tests.slack_double.limits import check_content
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.notice import TEAM_ONLY, Marks, NoticeState
from tracker.domain.notice_kind import NOTICE_KINDS
from tracker.services import deadline as deadline_service
from tracker.services import delivery, thread
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.delivery import Claimed, Timing
from tracker.services.saying import marks_of
from tracker.slack.blocks import render
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction
from tracker.web.notice import say_kind

SECRET = "Zanzibar 77"
BASE = "https://tracker.example.com"
# These speak of the customer's own hours, in words of their own; what else the customer reads has no word of them.
OF_HOURS = ("budget.customer", "ps_block.customer", "change_request.")
HOURS = re.compile(r"booked|hours left|\d h of \d|% of|PS block|allowance", re.IGNORECASE)


def test_every_kind_has_a_title_and_words_that_fit(app: Flask) -> None:
    found = one_of_each(notices_of(lay(SECRET)))
    assert set(found) == set(NOTICE_KINDS)
    for kind, notice in found.items():
        body = render(notice, base_url=BASE, marks=Marks("a", "b", "c"))
        check_content(body["text"], list(body["blocks"]), None, attachments=False)
        assert say_kind(kind)[0].isupper(), kind
        assert len(body["blocks"]) <= 40, kind
        assert sum(map(len, texts_in(body["blocks"]))) <= 8000, kind
        assert notice.headline in body["text"], kind
        buttons = [element["action_id"] for element in body["blocks"][-1]["elements"]]
        assert buttons[-1] == "tracker.open"
        assert ("tracker.log" in buttons) == (kind in ("budget.team", "ps_block.team")), kind
        assert body["blocks"][-1]["elements"][-1]["url"].startswith(BASE + "/"), kind
    assert {kind for kind in found if found[kind].channel == TEAMS} >= TEAM_ONLY
    slack = post_all(found.values())
    slack.stop()
    assert slack.count_by_marker() == {str(notice.id): 1 for notice in found.values()}, "Slack takes every one of them"


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param({}, id="the team has a channel of its own"),
        pytest.param({"internal_slack_channel": None}, id="the team has none"),
        pytest.param({"internal_slack_channel": CUSTOMERS}, id="both share one"),
    ],
)
def test_no_kind_brings_the_teams_own_words_before_the_customer(app: Flask, channels: dict[str, str | None]) -> None:
    told = [notice for notice in notices_of(lay(SECRET, **channels)) if notice.channel == CUSTOMERS]
    assert {notice.kind for notice in told} >= set(NOTICE_KINDS) - TEAM_ONLY - _of_the_team(channels)
    for notice in told:
        body = str(render(notice, base_url=BASE))
        assert SECRET not in body, notice.kind
        assert notice.kind not in TEAM_ONLY
        if not notice.kind.startswith(OF_HOURS):
            assert not HOURS.search(body), (notice.kind, body)


def _of_the_team(channels: dict[str, str | None]) -> set[str]:
    """What goes to the team's channel where it has one of its own."""
    mine = {"uat.signed", "uat.rejected", "defect.reported", "freeze.answered", "hypercare_end.1d"}
    mine |= {"change_request.raised", "change_request.rejected", "change_request.approved_by_customer"}
    return set() if channels else mine


# Threads


def claim(now: datetime) -> Claimed:
    with transaction(db.session, now=now):
        delivery.release_due(db.session, now=now, ready_at=now)
        timing = Timing(pace=timedelta(0))
        claimed = delivery.claim(db.session, lambda notice: render(notice, base_url=BASE), timing, "test", now=now)
    assert claimed is not None
    return claimed


def becomes(notice_id: UUID, state: NoticeState, slack_ts: str | None = None) -> None:
    with transaction(db.session, now=NOW):
        values = {"state": state, "slack_ts": slack_ts, "lease_until": None}
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.id == notice_id).values(values))


def test_the_first_message_of_a_stage_opens_the_thread_in_which_the_others_stand(app: Flask) -> None:
    engagement = make_engagement()
    manager = people.get(db.session, engagement.manager_id)
    for text in ("one", "two", "three", "four"):
        say(engagement, manager, text)
    first = claim(NOW)
    assert (first.post.thread_ts, first.post.broadcast) == (None, False)
    becomes(first.notice_id, NoticeState.UNKNOWN)
    second = claim(NOW)
    assert second.post.thread_ts is None, "until the first is there the others stand by themselves"
    becomes(first.notice_id, NoticeState.SENT, "1.5")
    third = claim(NOW)
    assert (third.post.thread_ts, third.post.broadcast) == ("1.5", False)
    becomes(first.notice_id, NoticeState.DEAD)
    fourth = claim(NOW)
    assert fourth.post.thread_ts is None
    becomes(fourth.notice_id, NoticeState.SENT, "2.5")
    say(engagement, manager, "five")
    assert claim(NOW).post.thread_ts == "2.5", "what came to nothing gives its place to the next"


def test_what_nobody_may_miss_is_shown_in_the_channel_too_and_cards_and_digests_stand_alone(app: Flask) -> None:
    notices = one_of_each(notices_of(lay(SECRET)))
    parent = notices["comment.customer"]
    places = {}
    for kind, notice in notices.items():
        if notice.channel != CUSTOMERS or notice is parent:
            continue
        with transaction(db.session, now=NOW):
            row = db.session.get_one(OutboxNotice, notice.id)
            thread.place(db.session, db.session.get_one(OutboxNotice, parent.id))
            db.session.get_one(OutboxNotice, parent.id).state = NoticeState.SENT
            db.session.get_one(OutboxNotice, parent.id).slack_ts = "1.5"
            db.session.flush()
            thread.place(db.session, row)
            places[kind] = (row.thread_ts, row.broadcast)
    loud = {kind for kind, place in places.items() if place == ("1.5", True)}
    assert loud == {kind for kind in places if kind.startswith("dns_cutover.") or kind.endswith(".overdue")}
    assert {kind for kind, place in places.items() if place == (None, False)} == {"card", "digest.weekly"}


# What is overdue climbs


@pytest.fixture
def late(app: Flask) -> Engagement:
    """Access to the source of a site, due on a Friday, is Priya's; the team has a channel of its own."""
    engagement = make_engagement(make_person(slack_user_id=JONAS), slack_channel="C1", internal_slack_channel="C2")
    site = make_site(engagement, name="shop")
    owner = make_person("customer_approver", name="Priya Nair", slack_user_id="U0PRIYA")
    manager = actor(people.get(db.session, engagement.manager_id))
    spec = DateSpec(DeadlineKind.ACCESS, Dates(due_on=date(2026, 3, 20)), site_id=site.id, owner_id=owner.id)
    with transaction(db.session, now=NOW):
        deadline_service.set_date(db.session, manager, engagement.id, spec, now=NOW)
    return engagement


def escalated(engagement: Engagement) -> list[tuple[str, str, str | None, str | None, str]]:
    return [
        (f"{notice.due_at:%a %d %b %H:%M}", notice.kind, notice.channel, notice.mention, notice.state)
        for notice in notices_of(engagement)
        if "escalated" in notice.kind
    ]


def test_what_is_overdue_goes_to_the_manager_and_then_to_the_team_until_it_is_done(late: Engagement) -> None:
    assert escalated(late) == [
        ("Wed 25 Mar 08:00", "access.escalated3d", "C2", JONAS, "planned"),
        ("Fri 27 Mar 08:00", "access.escalated5d", "C2", None, "planned"),
    ]
    first = next(notice for notice in notices_of(late) if notice.kind == "access.escalated3d")
    assert first.headline == "shop: access to the source is 3 business days overdue"
    assert first.text.startswith("Engagement manager: ask Priya Nair today what holds it up")
    assert first.deadline_id is not None
    assert first.path == f"/engagements/{late.id}/duties#date-{first.deadline_id}"
    wednesday = datetime(2026, 3, 25, 8, 0, 1, tzinfo=UTC)
    with transaction(db.session, now=wednesday):
        released = [notice.kind for notice in delivery.release_due(db.session, now=wednesday, ready_at=wednesday)]
    assert "access.escalated3d" in released
    manager = actor(people.get(db.session, late.manager_id))
    with transaction(db.session, now=wednesday):
        change = DateChange(None, None, None, wednesday)
        deadline_service.change_date(db.session, manager, first.deadline_id, change, now=wednesday)
    assert {row[-1] for row in escalated(late)} == {"cancelled"}


def test_without_a_channel_of_the_teams_own_nothing_climbs(app: Flask) -> None:
    site = make_site(make_engagement(slack_channel="C1"))
    engagement = db.session.get_one(Engagement, site.engagement_id)
    manager = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.ACCESS, Dates(due_on=date(2026, 3, 20)), site_id=site.id)
        deadline_service.set_date(db.session, manager, engagement.id, spec, now=NOW)
    assert escalated(engagement) == []


def test_an_edited_message_says_who_saw_it_until_when_it_rests_and_that_it_is_done(late: Engagement) -> None:
    owner = db.session.scalar(sa.select(Person.id).where(Person.name == "Priya Nair"))
    first = next(notice for notice in notices_of(late) if notice.kind == "access.2d")
    assert first.deadline_id is not None
    at = datetime(2026, 3, 18, 9, 3, tzinfo=UTC)
    with transaction(db.session, now=at):
        row = db.session.get_one(OutboxNotice, first.id)
        row.acknowledged_at, row.acknowledged_by = at, owner
        copy = {name: getattr(row, name) for name in ("engagement_id", "kind", "audience", "channel", "headline", "text", "path")}
        later = at + timedelta(days=1)
        moments = {"due_at": later, "next_at": later, "useless_after": later + timedelta(days=2), "created_at": at}
        db.session.add(OutboxNotice(key="snooze:1", state="planned", facts=[], origin_id=row.id, **copy, **moments))
    with transaction(db.session, now=at):
        marks = marks_of(db.session, db.session.get_one(OutboxNotice, first.id))
    assert marks.acknowledged == "Acknowledged by Priya Nair, Wed 18 Mar 2026, 10:03 (Europe/Berlin)"
    assert marks.snoozed == "Snoozed until Thu 19 Mar 2026, 10:03 (Europe/Berlin)"
    assert marks.done is None
    manager = people.get(db.session, late.manager_id)
    with transaction(db.session, now=at):
        deadline_service.change_date(db.session, actor(manager), first.deadline_id, DateChange(None, done_at=at), now=at)
    with transaction(db.session, now=at):
        marks = marks_of(db.session, db.session.get_one(OutboxNotice, first.id))
    assert marks.done == f"Done by {manager.name}, Wed 18 Mar 2026, 10:03 (Europe/Berlin)"
