"""Delivery against a Slack that fails: which state each fault leads to, and what becomes of it. Time is injected."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from threading import Barrier, Thread
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy import event

from tests.factories import NOW, actor, make_engagement
from tests.slack_double.faults import Fault, FaultKind
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import TOKEN, Channel, Token, TokenState
from tracker.clock import utc_now
from tracker.domain.errors import Guard
from tracker.domain.notice import Audience, Notice, NoticeState, Post, Sent
from tracker.jobs import step
from tracker.services import delivery, editing
from tracker.services import engagement as engagement_service
from tracker.services.delivery import Claimed, Timing
from tracker.services.engagement import EngagementChange
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store import message_edit, outbox, pacing
from tracker.store import notice as notices
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.message_edit import MessageEdit
from tracker.store.notice import OutboxNotice
from tracker.store.outbox import SlotTaken
from tracker.store.transaction import transaction

SECOND = timedelta(seconds=1)
IMPATIENT = 1
TIMING = Timing()
BY_STATE = re.compile("ix_notice_(planned|ready|sending|unknown|state)")
READS_ALL = re.compile(r"(^|\n)\s*(SCAN notice|(->\s*)?Seq Scan on notice|(->\s*)?Index Scan using pk_notice)")


@dataclass
class Clock:
    """The one clock of a test: ours and Slack's."""

    now: datetime = NOW

    def __call__(self) -> float:
        return self.now.timestamp()

    def go_on(self, duration: timedelta) -> None:
        self.now += duration


@dataclass
class Office:
    """The outbox, its one worker, and Slack."""

    slack: SlackDouble
    clock: Clock
    sender: SlackSender
    rendered: list[UUID] = field(default_factory=list)
    chance: Random = field(default_factory=Random)

    def render(self, notice: OutboxNotice, **how: Any) -> Any:
        self.rendered.append(notice.id)
        return render(notice, base_url="http://localhost", **how)

    def ready(self, engagement: Engagement | None = None, *, channel: str | None = "C1", **over: Any) -> UUID:
        """A notice that is due now."""
        engagement = engagement or make_engagement(slack_channel=channel)
        values: dict[str, Any] = {
            "key": f"test:{engagement.id}:{over.get('headline', '')}",
            "kind": "test",
            "audience": Audience.CUSTOMER,
            "headline": "Shop: the UAT sign-off is due",
            "text": "Test the site.",
            "facts": (("When", "Today"),),
            "path": "/",
            "due_at": self.clock.now,
            "useless_after": self.clock.now + timedelta(days=1),
        }
        notice = Notice(**(values | over))
        with transaction(db.session, now=self.clock.now):
            outbox.plan(db.session, engagement.id, [notice], {Audience.CUSTOMER: engagement.slack_channel}, self.clock.now)
        self.release()
        return db.session.scalars(sa.select(OutboxNotice.id).where(OutboxNotice.key == notice.key)).one()

    def release(self) -> list[UUID]:
        with transaction(db.session, now=self.clock.now):
            return [each.id for each in delivery.release_due(db.session, now=self.clock.now, ready_at=self.clock.now)]

    def claim(self, owner: str = "test") -> Claimed | None:
        with transaction(db.session, now=self.clock.now):
            return delivery.claim(db.session, self.render, TIMING, owner, now=self.clock.now)

    def settle(self, claimed: Claimed, outcome: Any) -> NoticeState | None:
        with transaction(db.session, now=self.clock.now):
            return delivery.settle(db.session, claimed, outcome, TIMING, self.chance, now=self.clock.now)

    def deliver(self) -> NoticeState | None:
        """One notice on its way, if one may go."""
        claimed = self.claim()
        return self.settle(claimed, self.sender.send(claimed.post)) if claimed else None

    def sweep(self) -> int:
        with transaction(db.session, now=self.clock.now):
            return delivery.sweep(db.session, TIMING, now=self.clock.now)

    def look(self) -> list[NoticeState]:
        """Look up what is in doubt and due for a look."""
        doubtful = delivery.in_doubt(db.session, now=self.clock.now)
        where = {channel: delivery.where_to_look(db.session, found_in) for channel, found_in in doubtful.items()}
        db.session.close()
        states: list[NoticeState] = []
        for channel, found_in in doubtful.items():
            oldest = min(each.first_attempt_at or each.due_at for each in found_in)
            found = self.sender.find(channel, [each.id for each in found_in], oldest, **where[channel])
            with transaction(db.session, now=self.clock.now):
                moments = {"looked_at": self.clock.now, "now": self.clock.now}
                states += delivery.reconcile(db.session, found_in, found, TIMING, **moments)
        return states

    def want_edit(self, notice_id: UUID) -> None:
        with transaction(db.session, now=self.clock.now):
            message_edit.want(db.session, notice_id, self.clock.now)

    def edit(self) -> MessageEdit | None:
        """One message brought up to date, if one may be."""
        with transaction(db.session, now=self.clock.now):
            taken = editing.claim(db.session, self.render, TIMING, now=self.clock.now)
        if taken is None:
            return None
        outcome = self.sender.update(taken.post, taken.slack_ts)
        with transaction(db.session, now=self.clock.now):
            editing.settle(db.session, taken, outcome, TIMING, self.chance, now=self.clock.now)
        return db.session.get_one(MessageEdit, taken.post.notice_id, populate_existing=True)

    def look_twice(self) -> list[NoticeState]:
        """Wait for the quiet period, look, wait, look again."""
        self.clock.go_on(TIMING.quiet)
        states = self.look()
        self.clock.go_on(TIMING.between_looks)
        return states + self.look()

    def told(self, notice_id: UUID) -> int:
        """How often Slack has it."""
        return self.slack.count_by_marker().get(str(notice_id), 0)


def notice_of(notice_id: UUID) -> OutboxNotice:
    db.session.expire_all()
    return db.session.get_one(OutboxNotice, notice_id)


def outcomes_of(notice_id: UUID) -> list[str]:
    return [each.outcome for each in notices.attempts_of(db.session, notice_id)]


def edit(engagement: Engagement, **values: Any) -> None:
    manager = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=NOW):
        engagement_service.edit_engagement(db.session, manager, engagement.id, EngagementChange(None, values), now=NOW)


@pytest.fixture
def office(app: Flask) -> Iterator[Office]:
    """A Slack with five channels, on the test's clock."""
    clock = Clock()
    with SlackDouble(channels=["C1", "C2", "C3", "C4", "C5"], clock=clock) as slack:
        yield Office(slack, clock, SlackSender(slack.token, slack.base_url, timeout=10, proxy=None))


# --- what each answer and each fault means ---------------------------------------------------------------------------


def api_error(error: str) -> Fault:
    return Fault(FaultKind.API_ERROR, error=error)


@pytest.mark.parametrize(
    ("fault", "state", "counts"),
    [
        pytest.param(Fault(FaultKind.RATE_LIMITED, retry_after=7), "ready", False, id="429"),
        pytest.param(api_error("request_timeout"), "ready", False, id="the body never arrived"),
        pytest.param(api_error("token_revoked"), "ready", False, id="the token was revoked"),
        pytest.param(api_error("missing_scope"), "ready", False, id="a scope is missing"),
        pytest.param(api_error("not_in_channel"), "parked", True, id="not in the channel"),
        pytest.param(api_error("is_archived"), "parked", True, id="archived"),
        pytest.param(api_error("restricted_action_read_only_channel"), "parked", True, id="read only"),
        pytest.param(api_error("cannot_reply_to_message"), "parked", True, id="a reply that was none"),
        pytest.param(api_error("invalid_blocks_format"), "ready", True, id="blocks Slack cannot read"),
        pytest.param(api_error("msg_too_long"), "ready", True, id="too long"),
        pytest.param(api_error("fatal_error"), "unknown", True, id="fatal error"),
        pytest.param(api_error("internal_error"), "unknown", True, id="internal error"),
        pytest.param(api_error("something_new"), "unknown", True, id="an error nobody knows yet"),
        pytest.param(Fault(FaultKind.ERROR_BEFORE, status=500), "unknown", True, id="500 as JSON"),
        pytest.param(Fault(FaultKind.HTML_BEFORE, status=503), "unknown", True, id="503 as a page"),
        pytest.param(Fault(FaultKind.ACCEPT_HTML), "unknown", True, id="200 as a page"),
        pytest.param(Fault(FaultKind.ACCEPT_TRUNCATED), "unknown", True, id="half an answer"),
        pytest.param(Fault(FaultKind.ACCEPT_RESET), "unknown", True, id="stored, then reset"),
        pytest.param(Fault(FaultKind.ACCEPT_CLOSE), "unknown", True, id="stored, then hung up"),
        pytest.param(Fault(FaultKind.RESET_BEFORE), "unknown", True, id="reset"),
        pytest.param(Fault(FaultKind.ACCEPT_HANG), "unknown", True, id="stored, then silence"),
        pytest.param(Fault(FaultKind.HANG_BEFORE), "unknown", True, id="silence"),
    ],
)
def test_each_fault_ends_in_its_state(office: Office, fault: Fault, state: str, counts: bool) -> None:
    notice_id = office.ready()
    office.slack.push(fault, method="chat.postMessage")
    if fault.kind in (FaultKind.ACCEPT_HANG, FaultKind.HANG_BEFORE):
        # Only silence is waited for; elsewhere a busy machine must not be taken for a silent Slack.
        office.sender._client.timeout = IMPATIENT
    assert office.deliver() == state
    notice = notice_of(notice_id)
    assert (notice.state, notice.attempts) == (state, int(counts))
    assert notice.last_error
    assert notice.reason
    assert outcomes_of(notice_id) == [state]
    assert len(office.slack.log("chat.postMessage")) == 1


def test_what_slack_takes_is_sent_under_its_timestamp(office: Office) -> None:
    notice_id = office.ready()
    assert office.deliver() == "sent"
    (message,) = office.slack.messages("C1")
    notice = notice_of(notice_id)
    assert (notice.slack_ts, notice.settled_at, notice.reason) == (message["ts"], NOW, None)
    assert office.told(notice_id) == 1


def test_a_refused_connection_is_known_to_have_sent_nothing(office: Office) -> None:
    notice_id = office.ready()
    office.slack.stop()
    assert office.deliver() == "ready"
    assert notice_of(notice_id).attempts == 0
    assert "cannot be reached" in (notice_of(notice_id).reason or "")


def test_a_429_holds_its_whole_channel_for_as_long_as_slack_says_and_no_other(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    first, second = sorted([office.ready(engagement, headline="one"), office.ready(engagement, headline="other")])
    office.slack.push(Fault(FaultKind.RATE_LIMITED, retry_after=7), method="chat.postMessage", channel="C1")
    assert office.deliver() == "ready"
    other = office.ready(channel="C2")
    assert office.deliver() == "sent"
    assert office.told(other) == 1
    office.clock.go_on(7 * SECOND - timedelta(milliseconds=1))
    assert office.deliver() is None
    office.clock.go_on(2 * SECOND)
    for _ in range(2):
        assert office.deliver() == "sent"
        office.clock.go_on(2 * SECOND)
    assert (office.told(first), office.told(second)) == (1, 1)
    assert office.slack.violations() == []


def test_a_revoked_token_pauses_everything_and_a_success_lets_it_go(office: Office) -> None:
    ids = [office.ready(channel=channel) for channel in ("C1", "C2")]
    office.slack.workspace.put_token(TOKEN, Token(state=TokenState.REVOKED))
    assert office.deliver() == "ready"
    assert office.deliver() is None
    assert len(office.slack.log("chat.postMessage")) == 1
    held = pacing.workspace_hold(db.session, office.clock.now)
    assert held is not None
    assert held.reason == "token_revoked"
    office.slack.workspace.put_token(TOKEN, Token())
    office.clock.go_on(TIMING.pace)
    with transaction(db.session, now=office.clock.now):
        delivery.slack_works(db.session)
    assert [office.deliver(), office.deliver()] == ["sent", "sent"]
    assert [office.told(each) for each in ids] == [1, 1]


def test_a_pause_ends_by_itself(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(api_error("account_inactive"), method="chat.postMessage")
    office.deliver()
    office.clock.go_on(TIMING.breaker)
    assert office.deliver() == "sent"
    assert office.told(notice_id) == 1


def test_a_parked_notice_waits_for_somebody(office: Office) -> None:
    engagement = make_engagement()
    notice_id = office.ready(engagement)
    office.slack.workspace.put_channel(Channel("C1", is_archived=True))
    assert office.deliver() == "parked"
    office.clock.go_on(timedelta(hours=2))
    assert (office.release(), office.deliver()) == ([], None)
    office.slack.workspace.put_channel(Channel("C1"))
    who = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=office.clock.now):
        delivery.send_again(db.session, who, notice_id, now=office.clock.now)
    assert office.deliver() == "sent"
    with pytest.raises(Guard), transaction(db.session, now=office.clock.now):
        delivery.send_again(db.session, who, notice_id, now=office.clock.now)
    assert office.told(notice_id) == 1


# --- doubt -----------------------------------------------------------------------------------------------------------


def test_what_is_found_in_the_channel_is_sent_and_not_told_again(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.postMessage")
    office.deliver()
    assert office.look() == [], "nobody looks before the quiet period is over"
    office.clock.go_on(TIMING.quiet)
    assert office.look() == ["sent"]
    (message,) = office.slack.messages("C1")
    assert notice_of(notice_id).slack_ts == message["ts"]
    assert outcomes_of(notice_id) == ["unknown", "found in the channel"]
    office.clock.go_on(timedelta(hours=1))
    assert (office.deliver(), office.told(notice_id)) == (None, 1)


def test_what_is_absent_twice_is_sent_again_once(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(FaultKind.ERROR_BEFORE, method="chat.postMessage")
    office.deliver()
    assert office.look_twice() == ["unknown", "ready"]
    assert office.told(notice_id) == 0
    office.clock.go_on(TIMING.quiet)
    assert [office.deliver(), office.deliver()] == ["sent", None]
    assert (office.told(notice_id), notice_of(notice_id).attempts) == (1, 2)


def test_a_history_that_lags_does_not_double(office: Office) -> None:
    notice_id = office.ready()
    office.slack.workspace.settings.lag_seconds = 75
    office.slack.push(FaultKind.ACCEPT_CLOSE, method="chat.postMessage")
    office.deliver()
    assert office.look_twice() == ["unknown", "sent"]
    assert office.told(notice_id) == 1


def test_many_pages_of_talk_do_not_hide_a_message(office: Office) -> None:
    notice_id = office.ready()
    office.slack.workspace.settings.page_max = 15
    office.slack.push(FaultKind.ACCEPT_FATAL_ERROR, method="chat.postMessage")
    office.deliver()
    for number in range(60):
        office.slack.workspace.say("C1", f"talk {number}")
    office.clock.go_on(TIMING.quiet)
    assert office.look() == ["sent"]
    assert office.told(notice_id) == 1


def test_an_unreadable_channel_leads_to_a_marked_repeat_that_is_counted(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.postMessage")
    office.deliver()
    scopes = frozenset({"chat:write"})
    office.slack.workspace.put_token(TOKEN, Token(scopes=scopes))
    office.clock.go_on(TIMING.quiet)
    assert office.look() == ["unknown"]
    office.clock.go_on(TIMING.unreadable_patience - SECOND)
    assert office.look() == ["unknown"]
    office.clock.go_on(TIMING.between_looks)
    assert office.look() == ["ready"]
    assert office.deliver() == "sent"
    assert notice_of(notice_id).repeats == 1
    first, second = office.slack.messages("C1")
    assert "may be a repeat" not in str(first["blocks"])
    assert "may be a repeat" in str(second["blocks"])


def test_repeats_into_a_channel_that_cannot_be_read_come_to_an_end(office: Office) -> None:
    notice_id = office.ready(useless_after=NOW + timedelta(days=9))
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.postMessage", times=99)
    office.slack.workspace.put_token(TOKEN, Token(scopes=frozenset({"chat:write"})))
    for _ in range(delivery.MAX_FAILURES):
        assert office.deliver() == "unknown"
        office.clock.go_on(TIMING.quiet)
        office.look()
        office.clock.go_on(TIMING.unreadable_patience)
        last = office.look()
    assert last == ["dead"]
    assert notice_of(notice_id).reason == f"Given up after {delivery.MAX_FAILURES} tries."


def test_one_failed_look_after_a_long_silence_of_ours_is_no_reason_to_repeat(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.postMessage")
    office.deliver()
    office.clock.go_on(timedelta(hours=5))
    office.slack.push(FaultKind.ERROR_BEFORE, method="conversations.history")
    assert office.look() == ["unknown"]
    office.clock.go_on(TIMING.between_looks)
    assert office.look() == ["sent"]
    assert (office.told(notice_id), notice_of(notice_id).repeats) == (1, 0)


def test_what_is_in_doubt_again_and_again_is_given_up_in_the_end(office: Office) -> None:
    notice_id = office.ready(useless_after=NOW + timedelta(days=9))
    office.slack.push(FaultKind.INTERNAL_ERROR, method="chat.postMessage", times=99)
    for _ in range(delivery.MAX_FAILURES):
        assert office.deliver() == "unknown"
        last = office.look_twice()[-1]
        office.clock.go_on(timedelta(minutes=15))
    assert last == "dead"
    assert (notice_of(notice_id).state, office.told(notice_id)) == ("dead", 0)


def test_a_date_that_moves_while_its_reminder_is_in_doubt_is_not_told_afterwards(office: Office) -> None:
    engagement = make_engagement(kickoff_on=NOW.date() + timedelta(days=9))
    office.clock.now = NOW + timedelta(days=2)  # the kick-off's first rung, five business days before, has come by then
    office.release()
    office.slack.push(FaultKind.ERROR_BEFORE, method="chat.postMessage")
    claimed = office.claim()
    assert claimed is not None
    assert office.settle(claimed, office.sender.send(claimed.post)) == "unknown"
    edit(engagement, kickoff_on=NOW.date() + timedelta(days=30))
    assert notice_of(claimed.notice_id).state == "unknown", "Slack may have it, so it is not called off yet"
    office.look_twice()
    assert notice_of(claimed.notice_id).state == "cancelled"
    office.clock.go_on(timedelta(minutes=5))
    while office.deliver():
        office.clock.go_on(2 * SECOND)
    assert office.told(claimed.notice_id) == 0


def test_a_channel_that_changes_while_its_notice_is_in_doubt_gets_what_the_old_one_did_not(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    notice_id = office.ready(engagement)
    office.slack.push(FaultKind.ERROR_BEFORE, method="chat.postMessage")
    office.deliver()
    edit(engagement, slack_channel="C2")
    office.look_twice()
    office.clock.go_on(TIMING.quiet)
    assert office.deliver() == "sent"
    assert (office.slack.messages("C1"), len(office.slack.messages("C2"))) == ([], 1)
    assert office.told(notice_id) == 1


# --- leases and fences -----------------------------------------------------------------------------------------------


def test_a_lost_worker_leaves_doubt_and_never_something_ready(office: Office) -> None:
    notice_id = office.ready()
    claimed = office.claim()
    assert claimed is not None
    office.sender.send(claimed.post)  # and the worker is gone before it could write that down
    office.clock.go_on(TIMING.lease)
    assert (office.sweep(), notice_of(notice_id).state) == (0, "sending")
    office.clock.go_on(SECOND)
    assert (office.sweep(), notice_of(notice_id).state) == (1, "unknown")
    assert office.deliver() is None
    office.clock.go_on(TIMING.quiet)
    assert office.look() == ["sent"]
    assert office.told(notice_id) == 1


def test_a_settle_under_a_lost_fence_changes_nothing(office: Office) -> None:
    notice_id = office.ready()
    late = office.claim("late")
    assert late is not None
    office.clock.go_on(TIMING.lease + SECOND)
    office.sweep()
    assert office.settle(late, Sent("1.1")) is None
    assert (notice_of(notice_id).state, notice_of(notice_id).slack_ts) == ("unknown", None)
    assert outcomes_of(notice_id)[-1] == "too late to settle"
    office.look_twice()
    office.clock.go_on(TIMING.quiet)
    again = office.claim("again")
    assert again is not None
    assert again.fence == late.fence + 1
    assert office.settle(late, Sent("1.1")) is None
    assert notice_of(notice_id).lease_owner == "again"


def test_two_workers_never_claim_one_notice(office: Office, app: Flask) -> None:
    engagements = [make_engagement(slack_channel=channel) for channel in ("C1", "C2", "C3", "C4", "C5")]
    ids = {office.ready(each) for each in engagements}
    barrier, claimed, taken = Barrier(4), [], []

    def claim_all(name: str) -> None:
        with app.app_context():
            barrier.wait()
            for _ in range(20):
                try:
                    found = office.claim(name)
                except SlotTaken:
                    taken.append(name)
                    continue
                if found is None:
                    break
                claimed.append(found.notice_id)
            db.session.remove()

    threads = [Thread(target=claim_all, args=(f"worker {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(claimed), set(claimed)) == (5, ids)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_claim_takes_one_row_and_a_rival_for_the_same_channel_chooses_anew(office: Office, app: Flask) -> None:
    engagement = make_engagement(slack_channel="C1")
    # Both are due at the same moment: then the lower id goes first.
    first, second = sorted([office.ready(engagement, headline="one"), office.ready(engagement, headline="other")])
    statements: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with transaction(db.session, now=NOW):
        held = outbox.claim(db.session, NOW, TIMING.lease, TIMING.pace, "first")
        assert held is not None
        assert held.id == first
        result: list[str] = []

        def rival() -> None:
            with app.app_context():
                try:
                    office.claim("second")
                except SlotTaken:
                    result.append("taken")
                finally:
                    db.session.remove()

        thread = Thread(target=rival)
        thread.start()
        waiting = sa.text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        with db.engine.connect() as watcher:
            deadline = monotonic() + 10
            while not watcher.execute(waiting).scalar_one() and monotonic() < deadline:
                watcher.rollback()
    thread.join()
    assert result == ["taken"]
    states = {each.id: each.state for each in db.session.scalars(sa.select(OutboxNotice))}
    assert states == {first: "sending", second: "ready"}
    (candidate, *_) = [each for each in statements if "SKIP LOCKED" in each]
    assert candidate.startswith("SELECT"), "an UPDATE with this as a subquery may take more than its LIMIT"
    assert "LIMIT" in candidate


# --- what is said ----------------------------------------------------------------------------------------------------


def test_the_body_is_frozen_at_the_first_claim(office: Office) -> None:
    engagement = make_engagement(name="Old name")
    notice_id = office.ready(engagement, headline="Old name: due")
    office.slack.push(FaultKind.ERROR_BEFORE, method="chat.postMessage")
    office.deliver()
    frozen = notice_of(notice_id).body
    edit(engagement, name="New name", slack_channel="C1")
    office.look_twice()
    office.clock.go_on(TIMING.quiet)
    assert office.deliver() == "sent"
    assert office.rendered == [notice_id]
    assert notice_of(notice_id).body == frozen
    assert "Old name" in office.slack.messages("C1")[0]["text"]


def test_a_body_is_frozen_anew_where_it_was_taken_back(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    notice_id = office.ready(engagement)
    office.slack.push(api_error("not_in_channel"), method="chat.postMessage")
    assert office.deliver() == "parked"
    edit(engagement, slack_channel="C2")
    assert notice_of(notice_id).state == "ready"
    assert db.session.scalar(sa.text("SELECT count(*) FROM notice WHERE body IS NULL AND state = 'ready'")) == 1
    assert office.deliver() == "sent"
    assert notice_of(notice_id).body is not None
    assert len(office.slack.messages("C2")) == 1


def test_a_hostile_title_pings_nobody(office: Office) -> None:
    office.ready(headline="<!channel> & <@U1> <https://evil.example|click> @here")
    assert office.deliver() == "sent"
    (message,) = office.slack.messages("C1")
    section = message["blocks"][0]["text"]
    assert section["verbatim"] is True, "or Slack would look for names in plain text"
    for said in (section["text"], message["text"]):
        assert "<" not in said
        assert "&lt;!channel&gt;" in said


def test_names_of_ten_thousand_characters_stay_within_what_slack_takes(office: Office) -> None:
    long = "&<>" * 3400
    office.ready(headline=long, text=long, facts=tuple((long, long) for _ in range(20)))
    assert office.deliver() == "sent"


# --- pace and time ---------------------------------------------------------------------------------------------------


def test_one_channel_is_paced_while_others_go_on(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    for number in range(3):
        office.ready(engagement, headline=f"notice {number}")
    office.ready(channel="C2")
    assert [office.deliver(), office.deliver(), office.deliver()] == ["sent", "sent", None]
    for _ in range(2):
        office.clock.go_on(TIMING.pace - timedelta(milliseconds=1))
        assert office.deliver() is None
        office.clock.go_on(timedelta(milliseconds=1))
        assert office.deliver() == "sent"
    assert office.slack.violations() == []


def test_what_is_too_late_expires_visibly_and_is_never_claimed(office: Office) -> None:
    notice_id = office.ready(useless_after=NOW + SECOND)
    office.clock.go_on(SECOND)
    assert office.deliver() is None, "even where nobody has released anything since"
    office.release()
    notice = notice_of(notice_id)
    assert (notice.state, notice.settled_at) == ("expired", office.clock.now)
    assert "passed" in (notice.reason or "")


def test_without_a_channel_or_without_slack_a_notice_says_why_it_waits(office: Office) -> None:
    homeless, waiting = office.ready(channel=None), office.ready(channel="C1")
    with transaction(db.session, now=NOW):
        delivery.say_why_waiting(db.session, connected=False)
    assert notice_of(homeless).reason == delivery.NO_CHANNEL
    assert notice_of(waiting).reason == delivery.NOT_CONNECTED
    assert office.deliver() == "sent"
    assert office.deliver() is None


def test_a_restored_backup_is_looked_up_before_anything_is_told_again(office: Office) -> None:
    told, untold = office.ready(channel="C1"), office.ready(channel="C2")
    office.sender.send(Post(told, "C1", "text", render(notice_of(told), base_url="http://localhost")["blocks"]))
    office.clock.go_on(timedelta(hours=3))
    with transaction(db.session, now=office.clock.now):
        assert delivery.retake_after_restore(db.session, now=office.clock.now) == 2
    assert office.deliver() is None
    office.look()
    office.clock.go_on(TIMING.between_looks)
    office.look()
    office.clock.go_on(TIMING.quiet)
    assert office.deliver() == "sent"
    assert (office.told(told), office.told(untold)) == (1, 1)
    assert outbox.outbox_faults(db.session, office.clock.now, timedelta(hours=1)) == []


# --- the steps of the metronome --------------------------------------------------------------------------------------


def test_a_worker_that_was_held_up_after_its_claim_sends_nothing(office: Office, app: Flask) -> None:
    office.clock.now = utc_now()
    notice_id = office.ready()
    slow = Timing(lease=timedelta(microseconds=1))
    worker = step.Delivery(office.sender, partial(render, base_url="http://localhost"), slow)
    assert step.deliver_one(worker) == "ready"
    notice = notice_of(notice_id)
    assert (notice.attempts, notice.last_error) == (0, "the worker was held up")
    assert office.slack.log("chat.postMessage") == []


def test_the_work_of_a_tick_grows_with_what_waits_and_not_with_what_is_stored(office: Office, app: Flask) -> None:
    fill_outbox(3000)
    later = NOW + timedelta(days=30)
    fill_outbox(3000, state="planned", slack_ts=None, due_at=later, next_at=later, useless_after=later + timedelta(days=1))
    office.ready()
    seen: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))
    office.release()
    with transaction(db.session, now=NOW):
        delivery.sweep(db.session, TIMING, now=NOW)
        delivery.say_why_waiting(db.session, connected=True)
    office.claim()
    delivery.in_doubt(db.session, now=NOW)
    outbox.next_slot(db.session, NOW)
    selects = [(text, values) for text, values in seen if text.startswith("SELECT") and "notice.state =" in text]
    assert len(selects) == 8
    for text, values in selects:
        plan = explained(text, values)
        assert BY_STATE.search(plan), f"{text}\n{plan}"
        assert not READS_ALL.search(plan), f"{text}\n{plan}"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)  # SQLite sorts the few that are ready
def test_a_claim_finds_its_notice_at_the_head_of_an_index(office: Office, app: Flask) -> None:
    fill_outbox(3000, state="ready", slack_ts=None, useless_after=NOW + timedelta(days=1))
    seen: list[tuple[str, Any]] = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append((args[2], args[3])))
    assert office.claim() is not None
    plan = explained(*next((text, values) for text, values in seen if "LIMIT" in text and "held_until" in text))
    assert "ix_notice_ready" in plan
    assert "Sort" not in plan


def fill_outbox(count: int, **over: Any) -> None:
    """Notices that were sent long ago, unless said otherwise."""
    engagement = make_engagement()
    old = NOW - timedelta(days=99)
    row: dict[str, Any] = {
        "engagement_id": engagement.id, "kind": "test", "audience": "customer", "channel": "C1", "headline": "old", "text": "",
        "facts": [], "path": "/", "due_at": old, "useless_after": old, "state": "sent", "next_at": old, "slack_ts": "1.1",
        "created_at": old,
    }  # fmt: skip
    with transaction(db.session, now=NOW):
        values = row | over
        db.session.add_all(OutboxNotice(**values, key=f"{values['state']}:{number}") for number in range(count))
    db.session.remove()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))


def explained(text: str, values: Any) -> str:
    """The plan the engine chooses for a statement with its very values."""
    word = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    with db.engine.connect() as connection:
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{word} {text}", values))


# --- threads, edits, plain text --------------------------------------------------------------------------------------


def change(notice_id: UUID, **values: Any) -> None:
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.id == notice_id).values(**values))


def in_thread(notice_id: UUID, thread_ts: str | None, *, broadcast: bool = False) -> None:
    """What the claim decides: under which message it stands."""
    change(notice_id, thread_ts=thread_ts, broadcast=broadcast)


def test_a_reply_in_doubt_is_found_in_its_thread_and_stands_in_no_history(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    parent = office.ready(engagement, headline="first")
    assert office.deliver() == "sent"
    thread_ts = notice_of(parent).slack_ts
    office.clock.go_on(2 * SECOND)
    reply = office.ready(engagement, headline="second")
    in_thread(reply, thread_ts)
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.postMessage")
    assert office.deliver() == "unknown"
    assert office.sender.find("C1", [reply], NOW) == {}, "the history has no replies"
    assert set(office.sender.find("C1", [parent, reply], NOW) or {}) == {parent, reply}, "but for threads they opened themselves"
    office.clock.go_on(TIMING.quiet)
    assert office.look() == ["sent"]
    assert len(office.slack.log("conversations.replies")) >= 1
    assert office.told(reply) == 1


def test_a_thread_that_takes_no_reply_costs_no_try_and_the_notice_stands_by_itself(office: Office) -> None:
    notice_id = office.ready()
    in_thread(notice_id, "1700000000.000100", broadcast=True)
    assert office.deliver() == "ready"
    assert notice_of(notice_id).attempts == 0
    office.clock.go_on(2 * SECOND)
    assert office.deliver() == "sent"
    (message,) = office.slack.messages("C1")
    assert message.get("thread_ts") is None
    assert (office.told(notice_id), notice_of(notice_id).thread_ts) == (1, None)


def test_a_broadcast_reply_stands_in_the_channel_as_well(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    parent = office.ready(engagement, headline="first")
    office.deliver()
    office.clock.go_on(2 * SECOND)
    reply = office.ready(engagement, headline="second")
    in_thread(reply, notice_of(parent).slack_ts, broadcast=True)
    assert office.deliver() == "sent"
    assert reply in (office.sender.find("C1", [reply], NOW, threads=()) or {})


def test_where_a_thread_is_gone_the_next_ones_of_its_stage_stand_under_what_was_sent_by_itself(office: Office) -> None:
    engagement = make_engagement(slack_channel="C1")
    kind = "kickoff.5d"
    ids = [office.ready(engagement, headline="first", kind=kind)]
    office.deliver()
    office.slack.push(api_error("thread_not_found"), method="chat.postMessage")
    states = []
    for headline in ("second", "third"):
        ids.append(office.ready(engagement, headline=headline, kind=kind))
        while notice_of(ids[-1]).state == "ready":
            office.clock.go_on(2 * SECOND)
            states.append(office.deliver())
    assert states == ["ready", "sent", "sent"]
    assert notice_of(ids[1]).thread_ts is None
    assert notice_of(ids[2]).thread_ts == notice_of(ids[1]).slack_ts
    assert [office.told(each) for each in ids] == [1, 1, 1]


def test_what_slack_refuses_is_said_once_in_plain_text_and_then_given_up(office: Office) -> None:
    notice_id = office.ready()
    office.slack.push(api_error("invalid_blocks_format"), method="chat.postMessage")
    assert office.deliver() == "ready"
    office.clock.go_on(2 * SECOND)
    assert office.deliver() == "sent"
    (message,) = office.slack.messages("C1")
    assert "Shop: the UAT sign-off is due" in message["text"]
    assert message.get("blocks") in (None, [])
    assert office.told(notice_id) == 1
    other = office.ready(headline="another")
    office.slack.push(api_error("msg_too_long"), method="chat.postMessage", times=2)
    states = []
    for _ in range(3):
        office.clock.go_on(2 * SECOND)
        states.append(office.deliver())
    assert states == ["ready", "dead", None]
    assert "msg_too_long" in (notice_of(other).reason or "")


def test_a_message_is_edited_until_it_says_what_is_so_and_never_posted_again(office: Office) -> None:
    notice_id = office.ready()
    office.want_edit(notice_id)
    assert office.edit() is None, "it is not there yet"
    office.deliver()
    office.clock.go_on(2 * SECOND)
    change(notice_id, headline="Done <!channel>")
    office.slack.push(FaultKind.ACCEPT_RESET, method="chat.update")
    doubted = office.edit()
    assert doubted is not None
    assert (doubted.done, doubted.lease_until, doubted.attempts) == (0, None, 1)
    assert office.edit() is None, "it pauses"
    office.clock.go_on(timedelta(minutes=1))
    done = office.edit()
    assert done is not None
    assert (done.wanted, done.done, done.last_error) == (1, 1, None)
    (message,) = office.slack.messages("C1")
    assert message["blocks"][0]["block_id"] == f"tracker:{notice_id}:v2"
    assert "Done &lt;!channel&gt;" in message["blocks"][0]["text"]["text"]
    assert office.told(notice_id) == 1
    assert office.edit() is None


@pytest.mark.parametrize("error", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_message_that_can_no_longer_be_edited_is_left_as_it_is(office: Office, error: str) -> None:
    notice_id = office.ready()
    office.deliver()
    office.clock.go_on(2 * SECOND)
    office.want_edit(notice_id)
    office.slack.push(api_error(error), method="chat.update")
    settled = office.edit()
    assert settled is not None
    assert (settled.done, settled.last_error) == (1, error)
    assert (office.edit(), office.told(notice_id)) == (None, 1)


def test_an_edit_waits_its_channels_turn_and_a_worker_that_is_lost_loses_nothing(office: Office) -> None:
    notice_id = office.ready()
    office.deliver()
    office.want_edit(notice_id)
    assert office.edit() is None, "the channel was told something a moment ago"
    office.clock.go_on(2 * SECOND)
    with transaction(db.session, now=office.clock.now):
        assert editing.claim(db.session, office.render, TIMING, now=office.clock.now) is not None
    office.clock.go_on(2 * SECOND)
    assert office.edit() is None, "somebody has it"
    office.clock.go_on(TIMING.lease)
    settled = office.edit()
    assert settled is not None
    assert settled.done == 1
    assert office.slack.violations() == []


def test_what_slack_says_of_one_edit_holds_for_all_and_for_no_post(office: Office) -> None:
    first, second = office.ready(), office.ready(channel="C2", headline="Second")
    office.deliver()
    office.deliver()
    office.clock.go_on(2 * SECOND)
    office.want_edit(first)
    office.want_edit(second)
    office.slack.push(Fault(FaultKind.RATE_LIMITED, retry_after=30), method="chat.update")
    waits = office.edit()
    assert waits is not None
    assert (waits.done, waits.attempts) == (0, 0)
    office.clock.go_on(5 * SECOND)
    assert office.edit() is None, "nor the one in the other channel"
    third = office.ready(channel="C3", headline="Third")
    assert (office.deliver(), notice_of(third).state) == ("sent", "sent")
    office.clock.go_on(60 * SECOND)
    assert office.edit() is not None
    assert office.edit() is not None
    assert message_edit.waiting(db.session) == 0
    assert office.slack.violations() == []


def test_a_reminder_that_an_outage_held_up_says_when_it_was_due(office: Office) -> None:
    make_engagement(kickoff_on=NOW.date() + timedelta(days=9), slack_channel="C1")
    office.clock.now = NOW + timedelta(days=2)
    (notice_id, *_others) = office.release()
    due = notice_of(notice_id).due_at
    office.clock.now = max(office.clock.now, due + delivery.LATE)
    assert office.deliver() == "sent"
    assert "This reminder was due" in notice_of(notice_id).text
    assert "This reminder was due" in str(office.slack.messages("C1")[0]["blocks"])
