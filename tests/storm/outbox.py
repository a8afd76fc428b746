"""What every scene of the delivery storm shares: due notices, workers that send them, and the judge.

The judge is the double, not the program: of every notice it must hold exactly one message, and none that nobody wrote.
"""

import os
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask
from slack_sdk.http_retry import default_retry_handlers

from tests.factories import make_engagement, make_person
from tests.slack_double.client import SlackControl
from tests.slack_double.faults import FaultKind
from tests.slack_double.workspace import TOKEN
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import SETTLED, Audience, Notice, NoticeState
from tracker.jobs import runner, step
from tracker.jobs.step import DELIVER, PLAN, Delivery
from tracker.settings import Settings
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

LATE = 0.2  # seconds after which this Slack may still accept what a client gave up
CLIENT_TIMEOUT = 1.0
TICK_SECONDS = 0.05
# The promise holds: the quiet period outlasts a late acceptance, the lease outlasts a try (docs/rules/delivery.md).
PROMISED = {"slack_timeout": CLIENT_TIMEOUT, "lease": 3.0, "quiet": 0.8, "between_looks": 0.2, "pace": 0.06, "breaker": 0.5}
PACE_OF_SLACK = 0.02
POLICIES = ("promised", "sdk-retries", "short-quiet", "no-verify")
FINAL = (*SETTLED, NoticeState.PARKED)


@dataclass(frozen=True)
class Storm:
    """What is to happen. `faults` is the share of requests that fail, `within` how many seconds it may take.

    `kills` is how often the scene strikes, `threads` the share of notices that are replies, `pace` ours in seconds.
    """

    engine: str
    scene: str = "kill"
    notices: int = 500
    workers: int = 4
    kills: int = 10
    faults: float = 0.03
    channels: int = 50
    seed: int = 1
    policy: str = "promised"
    fault_kinds: tuple[str, ...] = ()
    within: float = 300.0
    threads: float = 0.0
    pace: float = 0.06


class RetryingSender(SlackSender):
    """The negative control: the SDK as it comes, which sends again what was reset on the way back."""

    def __init__(self, token: str, api_url: str, *, timeout: float, proxy: str | None) -> None:
        super().__init__(token, api_url, timeout=timeout, proxy=proxy)
        self._client.retry_handlers = default_retry_handlers()


# --- the outbox ------------------------------------------------------------------------------------------------------


def prepare(storm: Storm, slack: SlackControl) -> set[str]:
    """Due notices over many engagements, each with a channel of its own; return their ids."""
    manager = make_person()
    engagements = [make_engagement(manager, slack_channel=f"C{number}") for number in range(storm.channels)]
    now = utc_now()
    with transaction(db.session, now=now):
        for number, engagement in enumerate(engagements):
            mine = [due_notice(index, now) for index in range(number, storm.notices, storm.channels)]
            outbox.plan(db.session, engagement.id, mine, {Audience.CUSTOMER: engagement.slack_channel}, now)
    if storm.threads:
        make_replies(storm, slack, now)
    ids = {str(notice_id) for notice_id in db.session.scalars(sa.select(OutboxNotice.id))}
    db.session.remove()
    return ids


def make_replies(storm: Storm, slack: SlackControl, now: datetime) -> None:
    """Let a share of each channel's notices be replies in one thread, which somebody has begun."""
    for number in range(storm.channels):
        channel = f"C{number}"
        keys = [f"storm:{index}" for index in range(number, storm.notices, storm.channels)]
        replies = keys[: round(len(keys) * storm.threads)]
        begun = slack.say(channel, "Here we talk about the launch.")
        with transaction(db.session, now=now):
            mine = sa.update(OutboxNotice).where(OutboxNotice.key.in_(replies))
            db.session.execute(mine.values(thread_ts=begun), execution_options={"synchronize_session": False})


def due_notice(number: int, now: datetime, *, key: str | None = None) -> Notice:
    """A notice that has been due for a minute."""
    return Notice(
        key=key or f"storm:{number}",
        kind="storm",
        audience=Audience.CUSTOMER,
        headline=f"Notice {number} <!channel>",
        text="It is told once.",
        facts=(("Number", str(number)),),
        path="/",
        due_at=now - timedelta(minutes=1),
        useless_after=now + timedelta(days=1),
    )


def work_on(app: Flask, settings: Settings, storm: Storm, parent: int) -> None:
    """Beat as the metronome does, only quicker, until somebody kills it or the parent is gone."""
    kind = RetryingSender if storm.policy == "sdk-retries" else SlackSender
    sender = kind(TOKEN, settings.slack_api_url, timeout=settings.slack_timeout, proxy=None)
    worker = Delivery(
        sender,
        partial(render, base_url=settings.base_url),
        step.timing_of(settings),
        node=str(os.getpid()),
    )
    bodies = runner.bodies(worker)
    while os.getppid() == parent:
        for job in (PLAN, DELIVER):
            try:
                with app.app_context():
                    bodies[job]()
            except Exception as error:  # noqa: BLE001 -- as the metronome does: whatever it is, the next beat goes on
                # A database that is struck down fails whoever uses it; elsewhere that would be a fault of ours.
                if storm.scene == "nodes" and isinstance(error, sa.exc.DBAPIError):
                    continue
                os.write(2, f"worker {os.getpid()}, {job}: {type(error).__name__}: {error}\n".encode())
        time.sleep(TICK_SECONDS)


def count_settled(settings: Settings) -> int:
    """How many notices no worker will touch again. On a connection of its own, which no child inherits."""
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    query = sa.select(sa.func.count()).where(OutboxNotice.state.in_(FINAL))
    with engine.connect() as connection:
        settled = int(connection.execute(query).scalar_one())
    engine.dispose()
    return settled


def application(settings: Settings) -> Flask:
    """The program, to be forked from."""
    return create_app(settings)


# --- the judge -------------------------------------------------------------------------------------------------------


def judge(ids: set[str], slack: SlackControl) -> dict[str, Any]:
    """Hold what Slack stored against what was to be told.

    `unfinished` is what the storm had no time for, `unsettled` what is settled otherwise than as sent.
    """
    told = slack.count_by_marker()
    posts = [entry for entry in slack.log() if entry["method"] == "chat.postMessage"]
    states = {str(each.id): each.state for each in db.session.execute(sa.select(OutboxNotice.id, OutboxNotice.state))}
    final = {each for each in ids if states[each] in FINAL}
    repeats = db.session.scalar(sa.select(sa.func.coalesce(sa.func.sum(OutboxNotice.repeats), 0)))
    return {
        "lost": sum(1 for each in final if not told.get(each)),
        "doubled": sum(1 for each in ids if told.get(each, 0) > 1),
        "unexpected": sum(1 for each in told if each not in ids),
        "unsettled": sum(1 for each in final if states[each] != NoticeState.SENT),
        "unfinished": len(ids) - len(final),
        "marked_repeats": repeats,
        "posts": len(posts),
        "befallen": dict(sorted(Counter(entry["fault"] for entry in posts if entry["fault"] != FaultKind.OK).items())),
    }


WRONGS = ("lost", "doubled", "unexpected", "unsettled", "unfinished", "marked_repeats")
# What single scenes count beside that.
MORE_WRONGS = ("too_close", "before_retry_after", "held_up", "wrong")


def is_clean(verdict: dict[str, Any]) -> bool:
    return not any(verdict.get(name) for name in (*WRONGS, *MORE_WRONGS))
