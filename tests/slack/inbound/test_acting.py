"""Acting from Slack: buttons under a message, time, signatures. Each effect once, each repeat the same answer."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, agree, make_duty, make_engagement, make_freeze, make_person, make_round, make_site, say
from tests.slack.inbound.conftest import People
from tests.slack_double.faults import FaultKind
from tests.slack_double.server import SlackDouble
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.notice import NoticeState
from tracker.domain.snooze import Snooze
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.deadline import DateChange, DateSpec, change_date, set_date
from tracker.services.planning import revise
from tracker.services.time_entry import reverse
from tracker.slack.inbound.notice import value_of
from tracker.slack.inbound.routes import DOOR
from tracker.store import deadline as deadlines
from tracker.store import freeze as freezes
from tracker.store import uat as rounds
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.message_edit import MessageEdit
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction


def laid(**over: Any) -> tuple[Engagement, Site, Person, Person]:
    """An engagement with a site on which work may be logged, its manager and an approver, both with Slack accounts."""
    manager = make_person("engagement_manager", slack_user_id="UMANAGER", name="Mara Field")
    engagement = make_engagement(manager, **({"name": "Harbour"} | over))
    site = make_site(engagement, name="Shop", url="https://shop.example.com")
    agree(engagement)
    return engagement, site, manager, make_person("customer_approver", slack_user_id="UANN", name="Ann Lee")


def date_in(engagement: Engagement, days: int, kind: DeadlineKind = DeadlineKind.CUSTOM, **over: Any) -> UUID:
    """A date so many days from now."""
    day = utc_now().date() + timedelta(days=days)
    values: dict[str, Any] = {"title": "Menu texts"} if kind is DeadlineKind.CUSTOM else {}
    with transaction(db.session, now=NOW):
        return set_date(db.session, SYSTEM, engagement.id, DateSpec(kind, Dates(due_on=day), **values | over), now=NOW).id


def a_notice_of(deadline_id: UUID) -> OutboxNotice:
    return db.session.scalars(
        sa.select(OutboxNotice).where(OutboxNotice.deadline_id == deadline_id).order_by(OutboxNotice.due_at).limit(1)
    ).one()


def element(action: str, value: object) -> dict[str, str]:
    return {"action_id": action, "value": str(value)}


def count(model: type[Any]) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_message_is_acknowledged_once_and_everybody_hears_by_whom(as_user: People, slack: SlackDouble) -> None:
    engagement, _site, _manager, _ann = laid()
    notice = a_notice_of(date_in(engagement, 30))
    ann, mara = as_user("UANN"), as_user("UMANAGER")
    request = ann.press_request(element("tracker.ack", notice.id))
    heard = [ann.deliver(*request).text for _ in range(4)]
    assert heard == ["Thank you. It is on record that you have seen this."] * 4
    assert "Already acknowledged by Ann Lee" in mara.press(element("tracker.ack", notice.id)).text
    edit = db.session.get_one(MessageEdit, notice.id)
    assert edit.wanted == 1
    # Slack shows nothing of the answer to a press itself.
    assert [said["text"] for _path, said in slack.workspace.forms.answers][:1] == heard[:1]


def test_an_hour_is_sixty_minutes_and_the_morning_is_the_engagements(as_user: People) -> None:
    engagement, _site, _manager, _ann = laid(time_zone="Asia/Tokyo")
    deadline_id = date_in(engagement, 40)
    notice = a_notice_of(deadline_id)
    ann = as_user("UANN")
    for choice in Snooze:
        assert "told again" in ann.press(element("tracker.snooze", ""), value=value_of(choice, notice.id)).text
    mine = sa.select(OutboxNotice).where(OutboxNotice.origin_id == notice.id)
    waiting = [each for each in db.session.scalars(mine) if each.state == NoticeState.PLANNED]
    assert len(waiting) == 1, "the last one counts"
    assert (waiting[0].headline, waiting[0].channel) == (notice.headline, "C1")
    assert (waiting[0].due_at + timedelta(hours=9)).strftime("%a %H:%M") == "Mon 09:00"
    assert waiting[0].key == f"snooze:{notice.id}:{waiting[0].due_at.isoformat()}"

    # It stays while the date stands as it does, and is called off with it.
    later = utc_now().date() + timedelta(days=50)
    with transaction(db.session, now=utc_now()):
        set_date(db.session, SYSTEM, engagement.id, DateSpec(DeadlineKind.KICKOFF, Dates(due_on=later)), now=utc_now())
    db.session.expire_all()
    assert db.session.get_one(OutboxNotice, waiting[0].id).state == NoticeState.PLANNED
    with transaction(db.session, now=utc_now()):
        change_date(db.session, SYSTEM, deadline_id, DateChange(None, done_at=utc_now()), now=utc_now())
    db.session.expire_all()
    assert db.session.get_one(OutboxNotice, waiting[0].id).state == NoticeState.CANCELLED


def test_what_was_put_off_goes_with_the_date_that_moved_and_so_does_what_comes_back_from_the_wire(as_user: People) -> None:
    engagement, _site, manager, _ann = laid()
    deadline_id = date_in(engagement, 40)
    notice = a_notice_of(deadline_id)
    as_user("UANN").press(element("tracker.snooze", ""), value=value_of(Snooze.HOUR, notice.id))
    mine = sa.select(OutboxNotice).where(OutboxNotice.origin_id == notice.id)
    with transaction(db.session, now=utc_now()):
        again = db.session.scalars(mine).one()
        again.state = NoticeState.READY
        revise(db.session, again, now=utc_now())
    db.session.expire_all()
    assert db.session.scalars(mine).one().state == NoticeState.READY
    moved = DateChange(None, Dates(due_on=utc_now().date() + timedelta(days=41)), reason="Later")
    with transaction(db.session, now=utc_now()):
        change_date(db.session, actor(manager), deadline_id, moved, now=utc_now())
    db.session.expire_all()
    assert db.session.scalars(mine).one().state == NoticeState.CANCELLED
    with transaction(db.session, now=utc_now()):
        again = db.session.scalars(mine).one()
        again.state, again.reason = NoticeState.READY, None
        revise(db.session, again, now=utc_now())
    db.session.expire_all()
    assert db.session.scalars(mine).one().state == NoticeState.CANCELLED


def test_what_the_team_says_among_itself_is_not_the_customers_to_press(as_user: People) -> None:
    engagement, _site, manager, _ann = laid(internal_slack_channel="C9")
    say(engagement, manager, "Valparaiso", internal=True)
    said = db.session.scalars(sa.select(OutboxNotice).where(OutboxNotice.kind == "comment.internal")).one()
    for action in ("tracker.ack", "tracker.done", "tracker.log"):
        assert (
            as_user("UANN").press(element(action, said.id)).text == "There is nothing like that here, or it is not yours to see."
        )
    assert "Nothing hangs on this message" in as_user("UMANAGER").press(element("tracker.done", said.id)).text
    assert as_user("UMANAGER").press(element("tracker.ack", said.id)).text.startswith("Thank you.")


def test_nothing_is_put_off_past_its_date(as_user: People) -> None:
    engagement, _site, _manager, _ann = laid()
    notice = a_notice_of(date_in(engagement, 0))
    heard = as_user("UANN").press(element("tracker.snooze", ""), value=value_of(Snooze.MONDAY, notice.id))
    assert "when this is due" in heard.text or "too soon" in heard.text
    past = a_notice_of(date_in(engagement, -3, title="Older"))
    assert "cannot be put off" in as_user("UANN").press(element("tracker.snooze", ""), value=value_of(Snooze.HOUR, past.id)).text
    assert not list(db.session.scalars(sa.select(OutboxNotice.id).where(OutboxNotice.origin_id.is_not(None))))


def test_done_completes_the_duty_behind_the_message_for_whom_it_is(as_user: People) -> None:
    engagement, site, _manager, _ann = laid()
    make_person("customer_viewer", slack_user_id="UVIEW")
    access = date_in(engagement, 20, DeadlineKind.ACCESS, site_id=site.id)
    notice = a_notice_of(access)
    assert "approver of the customer" in as_user("UVIEW").press(element("tracker.done", notice.id)).text
    ann = as_user("UANN")
    assert "is marked done" in ann.press(element("tracker.done", notice.id)).text
    assert "done already, marked by Ann Lee" in ann.press(element("tracker.done", notice.id)).text
    db.session.expire_all()
    duty = make_duty(site)
    assert (duty.state, duty.evidence) == ("done", "Said so by Ann Lee.")
    uat = a_notice_of(date_in(engagement, 25, DeadlineKind.UAT, site_id=site.id))
    assert "completed by the sign-off" in ann.press(element("tracker.done", uat.id)).text
    assert "is marked done" in as_user("UMANAGER").press(element("tracker.done", uat.id)).text


def test_time_is_logged_by_one_line_once_and_a_refusal_shows_the_ways_on(as_user: People) -> None:
    engagement, site, manager, _ann = laid()
    mara = as_user("UMANAGER")
    request = mara.command_request("/log 1h30 shop.example.com fixed redirect loop")
    heard = {mara.deliver(*request).text for _ in range(4)}
    assert heard == {"1 h 30 logged: 1 h 30 as Known incompatibility on Shop."}
    entry = db.session.scalars(sa.select(TimeEntry)).one()
    assert (entry.minutes, entry.note, entry.activity) == (90, "fixed redirect loop", "research")

    late = mara.command_request("/log 4h Shop more of it")
    refused = mara.deliver(*late)
    assert "3 h 30 left" in refused.text
    ps, change = refused.buttons["Sell a PS block of at least 4 h"], refused.buttons["Raise a change request for 30 min"]
    assert ps["url"] == f"http://localhost/engagements/{engagement.id}/ps-blocks/new"
    assert f"site={site.id}" in change["url"]
    with transaction(db.session, now=NOW):
        reverse(db.session, actor(manager), entry.id, "Wrong site", now=NOW)
    assert mara.deliver(*late).json == refused.json, "a refusal is the answer, whatever has become possible since"
    assert mara.command("/log 4h Shop more of it").text.startswith("4 h logged")
    assert "not a whole number" not in mara.command("/log soon Shop x").text
    assert "There is no site" in mara.command("/log 5m elsewhere.example.com x").text
    assert mara.command("/log 30m Shop #included packing").text.startswith("30 min logged: 30 min as Included work")


def test_what_does_not_fit_is_split_by_a_press(as_user: People) -> None:
    engagement, _site, manager, _ann = laid()
    with transaction(db.session, now=NOW):
        sell_block(db.session, actor(manager), engagement.id, BlockSpec(240, "Q-1", NOW.date()), now=NOW)
    mara = as_user("UMANAGER")
    (split,) = [each for label, each in mara.command("/log 6h Shop big one").buttons.items() if label.startswith("Split it")]
    request = mara.press_request(split)
    assert len({mara.deliver(*request).text for _ in range(3)}) == 1
    assert sorted(db.session.scalars(sa.select(TimeEntry.minutes))) == [60, 300]


def test_two_engagements_in_one_channel_are_told_apart(as_user: People) -> None:
    laid()
    make_engagement(name="Museum", internal_slack_channel="C1", slack_channel="C2")
    ann, asked = as_user("UANN"), as_user("UANN").command("/engagement next")
    assert set(asked.buttons) == {"Harbour", "Museum"}
    assert ann.press(asked.buttons["Museum"]).text.startswith("*Museum*")
    assert "`/log 1h30" in ann.command("/engagement help").text
    assert (
        "Known-incompatibility allowance: 5 h left of 5 h"
        in ann.press(element("tracker.choose.0", asked.buttons["Harbour"]["value"].replace("next", "hours"))).text
    )


def test_the_form_for_time_keeps_what_was_typed_and_says_faults_at_the_fields(as_user: People, slack: SlackDouble) -> None:
    _engagement, site, _manager, _ann = laid()
    mara = as_user("UMANAGER")
    assert mara.command("/log").json == {}
    (view,) = slack.workspace.forms.opened
    assert mara.submit(view, duration="soon").json["errors"].keys() == {"duration"}
    beyond = mara.submit(view | {"hash": "2"}, duration="9h", note="all day").json
    assert beyond["response_action"] == "errors"
    assert "5 h left" in beyond["errors"]["duration"]
    request = mara.submit_request(view | {"hash": "3"}, duration="45m", note="short one")
    heard = [mara.deliver(*request).json for _ in range(3)]
    assert heard[0]["response_action"] == "update"
    assert heard[0] == heard[1] == heard[2]
    assert [(each.minutes, each.site_id) for each in db.session.scalars(sa.select(TimeEntry))] == [(45, site.id)]


def test_a_form_that_slack_does_not_open_names_its_page_and_one_that_was_asked_for_twice_opens_once(
    as_user: People, slack: SlackDouble
) -> None:
    engagement, site, _manager, _ann = laid()
    notice = a_notice_of(date_in(engagement, 20, DeadlineKind.ACCESS, site_id=site.id))
    mara = as_user("UMANAGER")
    for fault in (FaultKind.ERROR_BEFORE, FaultKind.RESET_BEFORE, FaultKind.HTML_BEFORE):
        slack.push(fault, method="views.open")
        assert mara.press(element("tracker.log", notice.id)).buttons["Open the page"]["url"].endswith(f"/time?site={site.id}")
    slack.push(FaultKind.ACCEPT_RESET, method="views.open")
    request = mara.press_request(element("tracker.log", notice.id))
    assert "could not be opened" in mara.deliver(*request).text
    assert [mara.deliver(*request).json for _ in range(2)] == [{}, {}]
    (view,) = slack.workspace.forms.opened
    (chosen,) = [block["element"]["initial_option"] for block in view["blocks"] if block["block_id"] == "site_id"]
    assert chosen["value"] == str(site.id)


def test_only_a_named_approver_signs_and_only_what_was_shown(as_user: People, slack: SlackDouble) -> None:
    _engagement, site, _manager, _ann = laid()
    tested = make_round(site)
    make_person("customer_viewer", slack_user_id="UVIEW")
    ann = as_user("UANN")
    assert set(as_user("UVIEW").command("/uat").buttons) == {"Open"}
    sign = ann.command("/uat").buttons["Sign for Shop"]
    assert "not permitted" in as_user("UVIEW").press(sign).text
    ann.press(sign)
    (view,) = slack.workspace.forms.opened
    assert set(ann.submit(view, signed_name="Bob").json["errors"]) == {"signed_name", "agree"}

    older = view | {"private_metadata": json.dumps({"round": str(tested.id), "hash": "0" * 64})}
    stale = ann.submit(older | {"hash": "2"}, signed_name="ann  lee", agree=True).json
    assert "has changed" in stale["errors"]["signed_name"]
    request = ann.submit_request(view | {"hash": "3"}, signed_name="ann  lee", agree=True)
    assert len({json.dumps(ann.deliver(*request).json) for _ in range(3)}) == 1
    db.session.expire_all()
    assert db.session.get_one(rounds.UatRound, tested.id).state == "signed"


def test_a_freeze_is_answered_by_name_over_what_was_shown(as_user: People, slack: SlackDouble) -> None:
    _engagement, site, manager, _ann = laid()
    freeze = make_freeze(site, starts_at=utc_now() + timedelta(days=3))
    ann = as_user("UANN")
    answer = ann.command("/freeze").buttons["Answer: Code freeze, Shop"]
    assert "not permitted" in as_user("UMANAGER").press(answer).text
    ann.press(answer)
    (view,) = slack.workspace.forms.opened
    # Its date is moved where dates are kept: the freeze itself is the same row, but not what Ann was shown.
    moved = DateChange(None, Dates(due_at=utc_now() + timedelta(days=5)), reason="Later")
    with transaction(db.session, now=utc_now()):
        change_date(db.session, actor(manager), freeze.deadline_id, moved, now=utc_now())
    stale = ann.submit(view, answer="freeze", signed_name="Ann Lee").json
    assert "was changed since this form was opened" in stale["errors"]["signed_name"]
    db.session.expire_all()
    assert db.session.get_one(freezes.Freeze, freeze.id).answer is None
    ann.press(answer)
    done = ann.submit(slack.workspace.forms.opened[1], answer="freeze", signed_name="Ann Lee").json
    assert done["response_action"] == "update"
    db.session.expire_all()
    assert db.session.get_one(freezes.Freeze, freeze.id).answer == "freeze"


def test_somebody_who_lost_their_role_is_told_so(as_user: People) -> None:
    engagement, _site, manager, _ann = laid()
    second = make_person("engagement_manager", slack_user_id="UTWO")
    notice = a_notice_of(date_in(engagement, 30))
    with transaction(db.session, now=NOW):
        db.session.get_one(Person, second.id).role = Role.ENGINEER
    heard = as_user("UTWO").press(element("tracker.done", notice.id)).text
    assert heard == "There is nothing like that here, or it is not yours to see."
    assert deadlines.get(db.session, actor(manager), notice.deadline_id or notice.id).done_at is None


def test_whoever_waits_too_long_for_other_writers_is_asked_to_try_again(app: Flask, as_user: People) -> None:
    engagement, _site, _manager, _ann = laid()
    notice = a_notice_of(date_in(engagement, 30))
    app.extensions[DOOR] = replace(app.extensions[DOOR], patience=50)
    ann = as_user("UANN")
    request = ann.press_request(element("tracker.ack", notice.id))
    other = db.engine.connect()
    try:
        hold(other)
        assert "busy" in ann.deliver(*request).text
        assert ann.event("tokens_revoked", tokens={"bot": ["U"]}).status == 503
    finally:
        other.rollback()
        other.close()
    assert ann.deliver(*request).text.startswith("Thank you.")


def hold(connection: sa.Connection) -> None:
    """Keep everybody else from writing notices and keys."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("LOCK TABLE request_key IN ACCESS EXCLUSIVE MODE")
