"""The metronome and its steps: a worker goes on whatever happens, ends each pass in time, and leaves its heartbeat."""

import logging
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tests.factories import make_engagement
from tests.storm.outbox import due_notice
from tracker.clock import utc_now
from tracker.domain.notice import Audience, Doubt, Notice, Outcome, Post, Sent
from tracker.jobs import runner, step
from tracker.jobs.step import CLEAN, DELIVER, PASS, PLAN, Delivery
from tracker.services import delivery
from tracker.services.delivery import Timing
from tracker.slack.blocks import render
from tracker.store import message_edit, outbox, pacing, setting
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class SlowSender:
    """Takes its time for each call; what it is told to doubt is in doubt."""

    clock: time_machine.Traveller
    seconds: float = 0.0
    outcome: Outcome = field(default_factory=lambda: Sent("1.1"))
    sent: list[UUID] = field(default_factory=list)
    looks: list[str] = field(default_factory=list)
    edited: list[UUID] = field(default_factory=list)

    def send(self, post: Post) -> Outcome:
        self.clock.shift(self.seconds)
        self.sent.append(post.notice_id)
        return self.outcome

    def update(self, post: Post, slack_ts: str) -> Outcome:
        self.edited.append(post.notice_id)
        return Sent(slack_ts)

    def find(
        self, channel: str, notice_ids: Iterable[UUID], oldest: datetime, *, threads: Collection[str] = (), history: bool = True
    ) -> Mapping[UUID, str] | None:
        assert list(notice_ids)
        assert history or threads
        assert oldest <= utc_now()
        self.clock.shift(self.seconds)
        self.looks.append(channel)
        return {}


@pytest.fixture
def clock(app: Flask) -> Iterator[time_machine.Traveller]:
    """A clock that moves only when told to."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def worker_with(sender: Any, **over: Any) -> Delivery:
    return Delivery(sender, partial(render, base_url="http://localhost"), replace(Timing(), **over), node="test")


def due_notices(count: int) -> None:
    """Notices for as many channels, due now."""
    now = utc_now()
    for number in range(count):
        engagement = make_engagement(slack_channel=f"C{number}")
        notice = Notice(
            key=f"test:{number}",
            kind="test",
            audience=Audience.CUSTOMER,
            headline=f"Notice {number}",
            text="",
            facts=(),
            path="/",
            due_at=now,
            useless_after=now + timedelta(days=1),
        )
        with transaction(db.session, now=now):
            outbox.plan(db.session, engagement.id, [notice], {Audience.CUSTOMER: f"C{number}"}, now)


def states() -> list[str]:
    return list(db.session.scalars(sa.select(OutboxNotice.state).order_by(OutboxNotice.key)))


def test_a_tick_plans_releases_delivers_and_leaves_its_heartbeat(clock: time_machine.Traveller) -> None:
    due_notices(3)
    sender = SlowSender(clock)
    step.plan_and_beat()
    step.deliver_and_beat(worker_with(sender))
    step.clean()
    assert (states(), len(sender.sent)) == (["sent"] * 3, 3)
    assert setting.heartbeats(db.session) == dict.fromkeys((PLAN, DELIVER, CLEAN), START)


def test_a_tick_with_much_to_do_does_it_in_small_units_and_gives_way_between_them(
    clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    engagement, now = make_engagement(), utc_now()
    notice = due_notice(0, now)
    with transaction(db.session, now=now):
        for number in range(2):
            # As many are useless already as are due: both are settled in turn.
            useless = now - timedelta(hours=number) + timedelta(minutes=1)
            mine = [replace(notice, key=f"much:{number}:{each}", useless_after=useless) for each in range(250)]
            outbox.plan(db.session, engagement.id, mine, {Audience.CUSTOMER: "C1"}, now)
    breaths: list[int] = []

    def breathe(_seconds: float) -> None:
        breaths.append(states().count("planned"))
        db.session.rollback()

    monkeypatch.setattr(time, "sleep", breathe)
    assert len(step.plan(now)) == 250
    most = max(before - after for before, after in pairwise([500, *breaths]))
    assert most == 2 * outbox.AT_ONCE
    assert sorted(set(states())) == ["expired", "ready"]


def test_without_slack_what_is_ready_waits_and_says_so(clock: time_machine.Traveller) -> None:
    due_notices(1)
    step.plan_and_beat()
    step.deliver_and_beat(worker_with(None))
    assert states() == ["ready"]
    assert db.session.scalars(sa.select(OutboxNotice.reason)).one() == delivery.NOT_CONNECTED


def test_a_slow_slack_does_not_keep_the_heartbeat_waiting(clock: time_machine.Traveller) -> None:
    due_notices(9)
    step.plan_and_beat()
    sender = SlowSender(clock, seconds=6)
    step.deliver_and_beat(worker_with(sender))
    assert len(sender.sent) == 2
    assert setting.heartbeats(db.session)[DELIVER] <= START + PASS + timedelta(seconds=6)
    step.deliver_and_beat(worker_with(sender))
    assert len(sender.sent) == len(set(sender.sent)) == 4


def test_slow_looks_leave_time_for_sending(clock: time_machine.Traveller) -> None:
    due_notices(4)
    step.plan_and_beat()
    step.deliver_all(worker_with(SlowSender(clock, outcome=Doubt("lost"))))
    assert states() == ["unknown"] * 4
    clock.shift(Timing().quiet)
    due = SlowSender(clock, seconds=6)
    assert len(step.look_up(worker_with(due))) == len(due.looks) == 2
    assert len(step.look_up(worker_with(due))) == 2
    assert sorted(due.looks) == ["C0", "C1", "C2", "C3"]


def test_the_next_moment_is_when_a_channel_is_free_again(clock: time_machine.Traveller) -> None:
    assert step.next_moment() is None
    due_notices(1)
    step.plan_and_beat()
    assert step.next_moment() == START
    with transaction(db.session, now=START):
        pacing.hold(db.session, "C0", START + timedelta(seconds=9), None)
    assert step.next_moment() == START + timedelta(seconds=9)


def test_a_failing_job_is_logged_and_the_next_beat_goes_on(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    def fail_once() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("the database is on holiday")

    calls: list[int] = []
    beat = runner._guarded(app, PLAN, fail_once)
    with caplog.at_level(logging.ERROR, "tracker.jobs"):
        beat()
        beat()
    assert len(calls) == 2
    assert [record.message for record in caplog.records] == ["job failed"]


def test_the_metronome_beats_by_itself_until_it_is_stopped(app: Flask) -> None:
    app.config["SETTINGS"] = replace(app.config["SETTINGS"], tick=0.05)
    scheduler = runner.start(app, worker_with(None))
    deadline = time.monotonic() + 10
    try:
        while not {PLAN, DELIVER} <= set(setting.heartbeats(db.session)):
            assert time.monotonic() < deadline, "no heartbeat within ten seconds"
            db.session.remove()
    finally:
        scheduler.shutdown(wait=True)
    assert not scheduler.running


def test_a_pass_sends_first_and_edits_a_few_messages_after(clock: time_machine.Traveller) -> None:
    due_notices(step.MOST_EDITS + 2)
    sender = SlowSender(clock)
    step.plan_and_beat()
    step.deliver_all(worker_with(sender))
    ids = list(db.session.scalars(sa.select(OutboxNotice.id)))
    with transaction(db.session, now=utc_now()):
        for notice_id in ids:
            message_edit.want(db.session, notice_id, utc_now())
    clock.shift(5)
    step.deliver_all(worker_with(sender))
    assert len(sender.edited) == step.MOST_EDITS
    clock.shift(5)
    step.deliver_all(worker_with(sender))
    assert sorted(sender.edited) == sorted(ids)
    assert len(sender.sent) == len(ids), "an edit never posts"
    assert message_edit.waiting(db.session) == 0
