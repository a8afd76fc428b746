"""What the metronome beats: each step opens its own units of work, and the network is used between two of them only."""

import os
import socket
import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tracker.clock import utc_now
from tracker.domain.notice import NoticeState, Pause, Road, Wait
from tracker.edge.work import work
from tracker.services import delivery, digest, editing, ps_block
from tracker.services.delivery import Claimed, Render, Sender, Timing, Way
from tracker.services.editing import Editing
from tracker.settings import Settings
from tracker.store import account_link, clock, hours_upload, outbox, person, setting, upload
from tracker.store import digest as digests
from tracker.store import ps_block as ps_blocks
from tracker.store import worker as workers
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.outbox import SlotTaken
from tracker.store.transaction import forget_requests

NODE = f"{socket.gethostname()}:{os.getpid()}"
PLAN, DELIVER, CLEAN = "plan", "deliver", "clean"
REQUESTS_KEPT = timedelta(days=2)
# A pass ends after so long, however much there is to do: what is in doubt gets its look, the heartbeat its line, and a
# worker that is to stop stops. Twice this and a call of Slack's is less than what makes silence worth a word.
PASS = timedelta(seconds=10)
CLAIM_TRIES = 5
# What is planned at its moment, for the facts of then; each carries a step forward and tells whether there was one.
PLANNING = (delivery.replan_due, ps_block.turn_due, digest.weekly_due, digest.daily_due)
# Messages of a pass that are edited, after what is to be sent: Slack takes fifty edits a minute, and a tick is five seconds.
MOST_EDITS = 4
WORKERS_KEPT = timedelta(days=60)
# Seconds between two units of a tick. The kernel gives the turn to whoever asks first, and that is the one who has just had
# it: without a breath a writer who waits would wait for the whole tick.
GIVE_WAY = 0.002


def moment() -> datetime:
    """The present by the clock that all workers share. Leases and turns go by it, whatever a node's own clock says."""
    return clock.database_now(db.session, utc_now())


def timing_of(settings: Settings) -> Timing:
    """The settings of delivery as durations."""
    return Timing(
        lease=timedelta(seconds=settings.lease),
        pace=timedelta(seconds=settings.pace),
        quiet=timedelta(seconds=settings.quiet),
        between_looks=timedelta(seconds=settings.between_looks),
        breaker=timedelta(seconds=settings.breaker),
    )


@dataclass(frozen=True)
class Delivery:
    """Everything a delivering worker needs."""

    sender: Sender | None
    render: Render
    timing: Timing
    node: str = NODE
    chance: Random = field(default_factory=Random)
    mail: Way | None = None

    @property
    def ways(self) -> Mapping[Road, Way]:
        """The ways out that there are, each with who sends there."""
        ways: dict[Road, Way | None] = {Road.SLACK: self.sender, Road.MAIL: self.mail}
        return {road: way for road, way in ways.items() if way is not None}


def plan(now: datetime) -> list[OutboxNotice]:
    """Plan further what repeats, and release what is due at a moment."""
    plan_further(now)
    released: list[OutboxNotice] = []
    while True:
        with work():
            some = delivery.release_due(db.session, now=now, ready_at=moment())
        released += some
        if not some:
            return released
        time.sleep(GIVE_WAY)


def plan_further(now: datetime) -> None:
    """Plan what repeats up to a moment, a few engagements at a time; what the end of PS blocks asks for; and write digests."""
    for step in PLANNING:
        while True:
            with work():
                if not step(db.session, now=now):
                    break
            time.sleep(GIVE_WAY)


def rehearse(now: datetime, until: datetime) -> list[OutboxNotice]:
    """What `plan` would release at a moment, and what comes after it; nothing is kept."""
    shown: list[OutboxNotice] = []
    try:
        with work():
            for step in PLANNING:
                while step(db.session, now=now):
                    pass
            while some := delivery.release_due(db.session, now=now, ready_at=utc_now()):
                shown += some
            shown += _foreseen(now, until)
            db.session.expunge_all()
            raise Rehearsed
    except Rehearsed:
        return shown


class Rehearsed(Exception):
    """The unit was only tried."""


def coming(now: datetime, until: datetime) -> list[OutboxNotice]:
    """What comes later than a moment and up to another, as far as it can be foreseen; nothing is kept."""
    shown: list[OutboxNotice] = []
    try:
        with work():
            shown += _foreseen(now, until)
            db.session.expunge_all()
            raise Rehearsed
    except Rehearsed:
        return shown


def _foreseen(now: datetime, until: datetime) -> list[OutboxNotice]:
    """What is planned for later, with what PS blocks and digests will say: that is planned at its moment, as things are then."""
    for next_turn, turn in (
        (ps_blocks.next_turn, ps_block.turn_due),
        (digests.next_weekly, digest.weekly_due),
        (digests.next_daily, digest.daily_due),
    ):
        while (first := next_turn(db.session)) is not None and first[1] <= until:
            turn(db.session, now=max(now, first[1]))
    return [notice for notice in outbox.due(db.session, until) if notice.due_at > now]


def plan_and_beat() -> None:
    """The planning job."""
    plan(moment())
    beat(PLAN)


def beat(job: str) -> None:
    """Note that a job has run, so that silence can be seen."""
    with work():
        setting.beat(db.session, job, NODE, moment())


def deliver_all(worker: Delivery) -> Counter[NoticeState]:
    """Look up what is in doubt and send what may be sent now, for a while; count what came of each."""
    with work():
        delivery.say_why_waiting(db.session, connected=worker.sender is not None, mail=worker.mail is not None)
        delivery.sweep(db.session, worker.timing, now=moment())
    counts: Counter[NoticeState] = Counter()
    if not worker.ways:
        return counts
    counts.update(look_up(worker))
    end = utc_now() + PASS
    while utc_now() < end and (state := deliver_one(worker)) is not None:
        counts[state] += 1
    if worker.sender is not None:
        edit_some(worker, worker.sender)
    return counts


def deliver_one(worker: Delivery) -> NoticeState | None:
    """Claim one notice, durably; send it; write down what came of it. None where nothing may be sent now."""
    began, started = utc_now(), time.monotonic()
    claimed = claim(worker)
    if claimed is None:
        return None
    # By both clocks: one may be set back meanwhile, the other stands still while the machine sleeps.
    if max(utc_now() - began, timedelta(seconds=time.monotonic() - started)) < worker.timing.lease / 2:
        outcome = worker.ways[claimed.road].send(claimed.post)
    else:
        # Held up since the claim: the lease could run out before Slack answers, and another would take it for lost.
        outcome = Wait(0, "the worker was held up", hold_channel=False)
    with work():
        state = delivery.settle(db.session, claimed, outcome, worker.timing, worker.chance, now=moment())
    return state or NoticeState.UNKNOWN


def claim(worker: Delivery) -> Claimed | None:
    """Take one notice under a lease. Anew where another worker was quicker: that says nothing about other channels."""
    for _ in range(CLAIM_TRIES):
        try:
            with work():
                return delivery.claim(
                    db.session, worker.render, worker.timing, worker.node, now=moment(), roads=worker.ways.keys()
                )
        except SlotTaken:
            continue
    return None


def edit_some(worker: Delivery, sender: Sender) -> int:
    """Bring some messages up to date, paced as posts are; tell how many. Where Slack asks to wait the pass ends."""
    edited = 0
    while edited < MOST_EDITS and (taken := claim_edit(worker)) is not None:
        outcome = sender.update(taken.post, taken.slack_ts)
        with work():
            editing.settle(db.session, taken, outcome, worker.timing, worker.chance, now=moment())
        edited += 1
        if isinstance(outcome, Wait | Pause):
            break
    return edited


def claim_edit(worker: Delivery) -> Editing | None:
    """Take one message to edit under a lease. Anew where the channel's slot went to another."""
    for _ in range(CLAIM_TRIES):
        try:
            with work():
                return editing.claim(db.session, worker.render, worker.timing, now=moment())
        except SlotTaken:
            continue
    return None


def look_up(worker: Delivery) -> list[NoticeState]:
    """Read back the channels of notices in doubt, one look a channel, and settle what that shows.

    On a road that is not there any more nothing is looked up; it waits for whoever has it.
    """
    shared, here = moment(), utc_now()
    by_channel = delivery.in_doubt(db.session, now=shared)
    where = {channel: delivery.where_to_look(db.session, notices) for channel, notices in by_channel.items()}
    db.session.close()
    states: list[NoticeState] = []
    for channel, notices in by_channel.items():
        sender = worker.ways.get(Road(notices[0].road))
        if sender is None:
            continue
        passed = utc_now() - here
        if passed >= PASS:
            break
        oldest = min(notice.first_attempt_at or notice.due_at for notice in notices)
        found = sender.find(channel, [notice.id for notice in notices], oldest, **where[channel])
        with work():
            states += delivery.reconcile(db.session, notices, found, worker.timing, looked_at=shared + passed, now=moment())
    return states


def next_moment(roads: Collection[str] = outbox.ALL_ROADS) -> datetime | None:
    """When the next ready notice that only waits for its turn may be sent, on the ways that there are."""
    first = outbox.next_slot(db.session, moment(), roads=roads)
    db.session.close()
    return first


def deliver_and_beat(worker: Delivery) -> None:
    """The delivering job."""
    deliver_all(worker)
    beat(DELIVER)


def clean() -> None:
    """Forget what is kept for a while only."""
    now = utc_now()
    with work():
        forget_requests(db.session, before=now - REQUESTS_KEPT)
        person.forget_attempts(db.session, before=now - REQUESTS_KEPT)
        account_link.forget(db.session, before=now - REQUESTS_KEPT)
        upload.forget(db.session, before=now)
        hours_upload.forget(db.session, before=now)
        workers.forget(db.session, before=now - WORKERS_KEPT)
        setting.beat(db.session, CLEAN, NODE, now)
