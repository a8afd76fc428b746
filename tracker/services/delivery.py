"""Deliver the outbox: release, claim, send, settle, look up what is in doubt. Told once, never lost (docs/rules/delivery.md).

Each function is one step. Those that change rows run inside a transaction that the edge opened; the network is used
between two of them, never in one.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Guard
from tracker.domain.notice import (
    CANCELLABLE,
    GIVEN_UP,
    Doubt,
    NoticeState,
    Outcome,
    Park,
    Pause,
    Post,
    Refuse,
    Road,
    Sent,
    Unthread,
    Wait,
)
from tracker.services import thread
from tracker.services.planning import channel_of, just_before, replan, revise
from tracker.store import audit, outbox, pacing, status_card
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice

MAX_FAILURES = 12
# Later than that a reminder says when it was due; earlier it is only the tick, the pace or a short pause.
LATE = timedelta(minutes=15)
# What came due longer ago than that and was never tried is looked up first, where this database may not know everything.
OVERDUE = timedelta(minutes=10)
NO_CHANNEL = "The engagement has no Slack channel yet."
NOT_CONNECTED = "Slack is not connected."
NO_MAIL = "No mail goes out from here: SMTP_URL is not set."
UNREADABLE = "the channel could not be read"
REPEATED = f"{UNREADABLE}; sent again, marked as a possible repeat"
FOUND = "found in the channel"


class Way(Protocol):
    """A way out. Neither call touches the database."""

    def send(self, post: Post) -> Outcome:
        """Put one message on the wire, exactly once; every fault is an outcome, not an exception."""

    def find(
        self,
        channel: str,
        notice_ids: Iterable[UUID],
        oldest: datetime,
        *,
        threads: Collection[str] = (),
        history: bool = True,
    ) -> Mapping[UUID, str] | None:
        """The timestamps of those notices that stand in the channel, or in these threads; None where it cannot be read."""


class Sender(Way, Protocol):
    """The way to Slack, where a message can be edited as well."""

    def update(self, post: Post, slack_ts: str) -> Outcome:
        """Edit a message in place; `Sent` where it is as it should be."""


class Decision(Protocol):
    """What somebody decides on a notice that is stuck: `send_again` or `give_up`."""

    def __call__(self, session: AnySession, actor: Actor, notice_id: UUID, *, now: datetime) -> OutboxNotice: ...


Render = Callable[..., Mapping[str, Any]]


@dataclass(frozen=True)
class Timing:
    """How long each step may take and how long to wait between them."""

    lease: timedelta = timedelta(seconds=120)
    pace: timedelta = timedelta(seconds=1.1)
    quiet: timedelta = timedelta(seconds=60)
    between_looks: timedelta = timedelta(seconds=30)
    unreadable_patience: timedelta = timedelta(minutes=10)
    breaker: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Claimed:
    """A notice under one's own fence, and the message as it was frozen."""

    notice_id: UUID
    fence: int
    post: Post
    road: Road = Road.SLACK


def replan_due(session: AnySession, *, now: datetime, limit: int = 1) -> int:
    """Plan further what repeats, for one engagement or a few; tell how many there were.

    One takes about as long as a writer may be kept waiting: the edge opens a unit for each (docs/benchmarks.md, tick).
    """
    ids = deadlines.to_replan(session, now, limit=limit)
    for engagement_id in ids:
        engagement = session.get_one(Engagement, engagement_id)
        since = min(each.replan_at for each in deadlines.of_engagement(session, engagement_id) if each.replan_at is not None)
        replan(session, engagement, now=now, after=just_before(since))
    # Time alone may have changed what a card says: a freeze is on, a date is late.
    status_card.want(session, ids, now)
    return len(ids)


def release_due(session: AnySession, *, now: datetime, ready_at: datetime) -> list[OutboxNotice]:
    """Expire what is too late, turn what is due from planned to ready, and return it in order."""
    outbox.expire(session, now)
    return outbox.release(session, now, ready_at=ready_at)


def sweep(session: AnySession, timing: Timing, *, now: datetime) -> int:
    """Look up, later, what a lost worker may or may not have sent."""
    return outbox.sweep(session, now, timing.quiet)


def say_why_waiting(session: AnySession, *, connected: bool, mail: bool = True) -> None:
    """Write at ready notices why they wait, so that silence is visible."""
    without, in_slack = OutboxNotice.channel.is_(None), OutboxNotice.road == Road.SLACK
    outbox.explain_waiting(session, without, NO_CHANNEL)
    if not connected:
        outbox.explain_waiting(session, sa.and_(~without, in_slack), NOT_CONNECTED)
    if not mail:
        outbox.explain_waiting(session, ~in_slack, NO_MAIL)


def claim(
    session: AnySession,
    render: Render,
    timing: Timing,
    owner: str,
    *,
    now: datetime,
    roads: Collection[str] = outbox.ALL_ROADS,
) -> Claimed | None:
    """Take one notice and freeze what it says. The caller commits before anything goes on the wire. Raises SlotTaken."""
    notice = outbox.claim(session, now, timing.lease, timing.pace, owner, roads=roads)
    if notice is None:
        return None
    body = notice.body
    if body is None:
        thread.place(session, notice)
        say_late(session, notice, now=now)
        body = dict(render(notice))
        outbox.freeze_body(session, notice.id, body)
    assert notice.channel is not None
    post = Post(notice.id, notice.channel, body["text"], body["blocks"], notice.thread_ts, notice.broadcast)
    return Claimed(notice.id, notice.fence, post, Road(notice.road))


def say_late(session: AnySession, notice: OutboxNotice, *, now: datetime) -> None:
    """A reminder that an outage held up says when it was due, once."""
    if notice.deadline_id is None or now - notice.due_at < LATE:
        return
    zone = session.get_one(Engagement, notice.engagement_id).time_zone
    line = f"This reminder was due {notice.due_at.astimezone(ZoneInfo(zone)):%a %-d %b, %H:%M} ({zone})."
    if line not in notice.text:
        notice.text = f"{notice.text}\n{line}".strip()
        session.flush()


def settle(
    session: AnySession, claimed: Claimed, outcome: Outcome, timing: Timing, chance: Random, *, now: datetime
) -> NoticeState | None:
    """Write down what came of a try. None where the lease was lost meanwhile: then it is only logged."""
    if isinstance(outcome, Unthread) and claimed.post.thread_ts is None:
        outcome = Park(outcome.error)
    state, values = _verdict(outcome, timing, chance, now)
    if claimed.road is Road.MAIL:
        values |= _said_of_mail(outcome)
    elif isinstance(outcome, Refuse) and claimed.post.blocks:
        state, values = NoticeState.READY, _in_plain_text(outcome.error, now)
    mine = outbox.settle(session, claimed.notice_id, claimed.fence, state, **values)
    error = None if isinstance(outcome, Sent) else outcome.error
    outbox.log(session, claimed.notice_id, claimed.fence, state if mine else "too late to settle", error, now)
    if not mine:
        return None
    if isinstance(outcome, Wait) and outcome.hold_channel:
        pacing.hold(session, claimed.post.channel, now + timedelta(seconds=outcome.seconds), outcome.error)
    if isinstance(outcome, Pause):
        road = pacing.MAIL if claimed.road is Road.MAIL else pacing.WORKSPACE
        pacing.hold(session, road, now + timing.breaker, outcome.error)
    if isinstance(outcome, Unthread) and claimed.post.thread_ts is not None:
        thread.give_up(session, claimed.post.channel, claimed.post.thread_ts, claimed.notice_id)
    if state in CANCELLABLE:
        revise(session, session.get_one(OutboxNotice, claimed.notice_id), now=now)
    return state


def _verdict(outcome: Outcome, timing: Timing, chance: Random, now: datetime) -> tuple[NoticeState, dict[str, Any]]:
    match outcome:
        case Sent(slack_ts):
            return NoticeState.SENT, {"slack_ts": slack_ts, "settled_at": now, "last_error": None, "reason": None}
        case Doubt(error):
            later = {"next_at": now + timing.quiet, "absent_seen": 0, "last_error": error}
            return NoticeState.UNKNOWN, later | {"reason": "Whether it was sent is being looked up."}
        case Wait(seconds, error, hold_channel):
            # Nothing was sent, and that is no failure of the notice, so the try does not count.
            later = {"next_at": now + timedelta(seconds=seconds * (1 + chance.random() / 4)), "last_error": error}
            return NoticeState.READY, later | {
                "attempts": OutboxNotice.attempts - 1,
                "reason": "Slack asked us to wait." if hold_channel else f"It will be tried again: {error}.",
            }
        case Pause(error):
            reason = f"Slack does not take anything from us: {error}."
            return NoticeState.READY, {
                "next_at": now,
                "last_error": error,
                "attempts": OutboxNotice.attempts - 1,
                "reason": reason,
            }
        case Park(error):
            return NoticeState.PARKED, {"last_error": error, "reason": f"The channel does not take it: {error}."}
        case Unthread(error):
            # Once more by itself: nothing was sent, and that is no failure of the notice.
            return NoticeState.READY, {
                "next_at": now,
                "last_error": error,
                "attempts": OutboxNotice.attempts - 1,
                "thread_ts": None,
                "broadcast": False,
                "reason": f"It cannot stand under its message: {error}. It is sent by itself.",
            }
        case Refuse(error):
            return NoticeState.DEAD, {
                "last_error": error,
                "settled_at": now,
                "reason": f"Slack refuses the message: {error}.",
            }


def _in_plain_text(error: str, now: datetime) -> dict[str, Any]:
    return {
        "next_at": now,
        "last_error": error,
        "plain": True,
        "body": None,
        "reason": f"Slack refuses its layout: {error}. It is sent as plain text.",
    }


def where_to_look(session: AnySession, notices: Sequence[OutboxNotice]) -> dict[str, Any]:
    """What of a channel is read for some notices beside its history: threads; those instead where all stand in one."""
    threads = outbox.threads_around(session, notices)
    if not threads:
        return {}
    return {"threads": threads, "history": any(notice.thread_ts is None or notice.attempts == 0 for notice in notices)}


def _said_of_mail(outcome: Outcome) -> dict[str, Any]:
    """The same verdict in words about mail, where others speak of Slack and its channels."""
    match outcome:
        case Pause(error):
            return {"reason": f"The mail server does not take anything from us: {error}."}
        case Park(error):
            return {"reason": f"The mail server refuses the address: {error}."}
        case Refuse(error):
            return {"reason": f"The mail server refuses the message: {error}."}
        case Doubt():
            return {"reason": "Whether the mail server took it is not known."}
        case Wait(_seconds, error, hold_channel) if hold_channel:
            return {"reason": f"The mail server asked us to wait: {error}."}
    return {}


def in_doubt(session: AnySession, *, now: datetime, limit: int = 200) -> dict[str, list[OutboxNotice]]:
    """Notices to look up now, by channel."""
    return outbox.doubtful(session, now, limit=limit)


def reconcile(
    session: AnySession,
    notices: Iterable[OutboxNotice],
    found: Mapping[UUID, str] | None,
    timing: Timing,
    *,
    looked_at: datetime,
    now: datetime,
) -> list[NoticeState]:
    """Settle what a look into a channel has shown.

    Found is sent. Absent twice, apart from each other and long enough after the last moment at which it could have been
    written, is ready again. What cannot be read is sent again in the end, marked and counted as a possible repeat.
    """
    states = []
    for notice in notices:
        if found is None:
            state, values, word = _unreadable(outbox.last_outcomes_since(session, notice, UNREADABLE), notice, timing, now)
        else:
            state, values, word = _look(notice, found, timing, looked_at, now)
        if outbox.resolve(session, notice, state, **values):
            outbox.log(session, notice.id, notice.fence, word, None, now)
            states.append(state)
            if state in CANCELLABLE:
                revise(session, notice, now=now)
    return states


def _unreadable(
    since: datetime | None, notice: OutboxNotice, timing: Timing, now: datetime
) -> tuple[NoticeState, dict[str, Any], str]:
    # Counted from the first look that failed: one bad moment after a long silence of ours is no reason to repeat.
    if since is None or now - since < timing.unreadable_patience:
        return NoticeState.UNKNOWN, {"next_at": now + timing.between_looks}, UNREADABLE
    if notice.attempts >= MAX_FAILURES:
        return NoticeState.DEAD, _given_up(notice, now), f"{UNREADABLE}; given up"
    repeat = {
        "next_at": now,
        "absent_seen": 0,
        "repeats": notice.repeats + 1,
        "body": None,
        "reason": "It may be a repeat: the channel could not be read.",
    }
    return NoticeState.READY, repeat, REPEATED


def _look(
    notice: OutboxNotice, found: Mapping[UUID, str], timing: Timing, looked_at: datetime, now: datetime
) -> tuple[NoticeState, dict[str, Any], str]:
    again = {"next_at": now + timing.between_looks}
    if notice.id in found:
        values = {"slack_ts": found[notice.id], "settled_at": now, "last_error": None, "reason": None}
        return NoticeState.SENT, values, FOUND
    settled_down = (notice.last_attempt_at or notice.created_at) + timing.quiet
    if looked_at < settled_down:
        return NoticeState.UNKNOWN, {"next_at": settled_down}, "looked up too early"
    if notice.absent_seen + 1 < 2:
        return NoticeState.UNKNOWN, again | {"absent_seen": notice.absent_seen + 1}, "not in the channel"
    if notice.attempts >= MAX_FAILURES:
        return NoticeState.DEAD, _given_up(notice, now), "not in the channel; given up"
    wait = timedelta(seconds=min(900, 5 * 2 ** max(0, notice.attempts - 1)))
    values = {
        "absent_seen": 0,
        "next_at": now + min(wait, timing.quiet),
        "reason": "It was not in the channel, so it is sent again.",
    }
    return NoticeState.READY, values, "not in the channel twice; sent again"


def _given_up(notice: OutboxNotice, now: datetime) -> dict[str, Any]:
    return {"settled_at": now, "reason": f"Given up after {notice.attempts} tries."}


def send_again(session: AnySession, actor: Actor, notice_id: UUID, *, now: datetime) -> OutboxNotice:
    """Take up a parked or dead notice once more. Raises NotFound, NotAllowed, Guard for one that is neither."""
    notice = notices.get(session, actor, notice_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(notice, with_for_update=True)
    if notice.state not in (NoticeState.PARKED, NoticeState.DEAD):
        raise Guard("Only a parked or dead notice is sent again.", rule="notice_state")
    notice.plain, notice.thread_ts, notice.broadcast, notice.last_error = False, None, False, None
    notice.channel = _way_of(session, actor, notice)
    notice.state, notice.next_at, notice.reason, notice.settled_at, notice.body = (
        NoticeState.READY,
        now,
        None,
        None,
        None,
    )
    notice.attempts = 0
    if notice.useless_after <= now:
        notice.useless_after = now + timedelta(days=1)
    session.flush()
    audit.record(session, actor, notice.engagement_id, "notice.sent_again", ("notice", notice.id))
    return notice


def _way_of(session: AnySession, actor: Actor, notice: OutboxNotice) -> str | None:
    """Where a notice goes now: the engagement's channel, or the address of whom it is for."""
    if notice.person_id is not None:
        return people.get(session, notice.person_id).email
    engagement = engagements.get(session, actor, notice.engagement_id)
    return channel_of(engagement, notice.kind, notice.audience, now_in=notice.channel)


def give_up(session: AnySession, actor: Actor, notice_id: UUID, *, now: datetime) -> OutboxNotice:
    """Settle a parked notice unsent, or be done with a dead one. Raises NotFound, NotAllowed, Guard for one that is neither."""
    notice = notices.get(session, actor, notice_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(notice, with_for_update=True)
    if notice.state not in (NoticeState.PARKED, NoticeState.DEAD) or (notice.reason or "").startswith(GIVEN_UP):
        raise Guard("Only a parked or dead notice is given up, and once.", rule="notice_state")
    notice.state, notice.settled_at, notice.reason = NoticeState.DEAD, now, f"{GIVEN_UP}{actor.name}."
    session.flush()
    audit.record(session, actor, notice.engagement_id, "notice.given_up", ("notice", notice.id))
    return notice


def decide_on(session: AnySession, actor: Actor, notice_ids: Collection[UUID], decide: Decision, *, now: datetime) -> int:
    """Send several notices again, or give them up; tell how many. What has moved on meanwhile stays as it is.

    Raises NotFound where one of them is not the actor's to know of.
    """
    done = 0
    for notice_id in sorted(set(notice_ids)):
        try:
            decide(session, actor, notice_id, now=now)
        except Guard:
            continue
        done += 1
    return done


def slack_works(session: AnySession) -> None:
    """Slack answered: let go of the breaker, so that what waited is sent."""
    pacing.free(session, pacing.WORKSPACE)


def verify_first(session: AnySession, reason: str, *, now: datetime) -> int:
    """Look up what is overdue and was never tried before sending it: this database may have forgotten that it was.

    What repeats is planned up to now first (`replan_due`). Leases of workers that run are not touched.
    """
    return outbox.doubt_overdue(session, now, now - OVERDUE, reason)


def retake_after_restore(session: AnySession, *, now: datetime) -> int:
    """After a restore, look up everything that came due meanwhile before sending it: Slack may have it already.

    What repeats is planned up to now first (`replan_due`): a notice's id follows from its key, so it is found as well.
    """
    return outbox.doubt_all_due(session, now)
