"""The delivery storm: forked workers send due notices to a hostile Slack while they are killed at random.

The judge is the double, not the program: of every notice it must hold exactly one message, and none that nobody wrote.
`--policy` breaks one condition of the promise on purpose, to show that the judge finds what there is to find.
Run it with `python -m tests.storm.delivery --help`.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from flask import Flask
from slack_sdk.http_retry import default_retry_handlers

from tests.factories import make_engagement, make_person
from tests.slack_double.client import SlackControl, slack_process
from tests.slack_double.faults import FaultKind
from tests.slack_double.workspace import TOKEN
from tests.storm.database import ENGINES, fork, storm_database
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
POLL_SECONDS = 0.02
# The promise holds: the quiet period outlasts a late acceptance, the lease outlasts a try (docs/rules/delivery.md).
PROMISED = {"slack_timeout": CLIENT_TIMEOUT, "lease": 3.0, "quiet": 0.8, "between_looks": 0.2, "pace": 0.06, "breaker": 0.5}
PACE_OF_SLACK = 0.02
POLICIES = ("promised", "sdk-retries", "short-quiet")


@dataclass(frozen=True)
class Storm:
    """What is to happen. `faults` is the share of requests that fail, `within` how many seconds it may take."""

    engine: str
    notices: int = 500
    workers: int = 4
    kills: int = 10
    faults: float = 0.03
    channels: int = 50
    seed: int = 1
    policy: str = "promised"
    fault_kinds: tuple[str, ...] = ()
    within: float = 300.0


class RetryingSender(SlackSender):
    """The negative control: the SDK as it comes, which sends again what was reset on the way back."""

    def __init__(self, token: str, api_url: str, *, timeout: float, proxy: str | None) -> None:
        super().__init__(token, api_url, timeout=timeout, proxy=proxy)
        self._client.retry_handlers = default_retry_handlers()


# --- the workers -----------------------------------------------------------------------------------------------------


def prepare(storm: Storm) -> set[str]:
    """Due notices over many engagements, each with a channel of its own; return their ids."""
    manager = make_person()
    engagements = [make_engagement(manager, slack_channel=f"C{number}") for number in range(storm.channels)]
    now = utc_now()
    with transaction(db.session, now=now):
        for number, engagement in enumerate(engagements):
            mine = [due_notice(index, now) for index in range(number, storm.notices, storm.channels)]
            outbox.plan(db.session, engagement.id, mine, {Audience.CUSTOMER: engagement.slack_channel}, now)
    ids = {str(notice_id) for notice_id in db.session.scalars(sa.select(OutboxNotice.id))}
    db.session.remove()
    return ids


def due_notice(number: int, now: datetime) -> Notice:
    """A notice that has been due for a minute."""
    return Notice(
        key=f"storm:{number}",
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
                os.write(2, f"worker {os.getpid()}, {job}: {type(error).__name__}: {error}\n".encode())
        time.sleep(TICK_SECONDS)


# --- the storm -------------------------------------------------------------------------------------------------------


def rage(app: Flask, settings: Settings, storm: Storm) -> int:
    """Keep the workers going and kill some of them until every notice is settled; return how many were killed."""
    rng = random.Random(storm.seed)  # noqa: S311 -- to be run again, not to be secret
    moments = sorted(rng.randrange(storm.notices) for _ in range(storm.kills))

    parent = os.getpid()

    def start() -> int:
        return fork(lambda: work_on(app, settings, storm, parent))

    running = [start() for _ in range(storm.workers)]
    killed = 0
    deadline = time.monotonic() + storm.within
    try:
        while (settled := count_settled(settings)) < storm.notices and time.monotonic() < deadline:
            if killed < len(moments) and settled >= moments[killed]:
                time.sleep(rng.uniform(0, POLL_SECONDS))
                victim = running.pop(rng.randrange(len(running)))
                os.kill(victim, signal.SIGKILL)
                os.waitpid(victim, 0)
                running.append(start())
                killed += 1
            else:
                time.sleep(POLL_SECONDS)
    finally:
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    return killed


def count_settled(settings: Settings) -> int:
    """How many notices no worker will touch again. On a connection of its own, which no child inherits."""
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    query = sa.select(sa.func.count()).where(OutboxNotice.state.in_([*SETTLED, NoticeState.PARKED]))
    with engine.connect() as connection:
        settled = int(connection.execute(query).scalar_one())
    engine.dispose()
    return settled


def run(storm: Storm) -> dict[str, Any]:
    """Let the storm rage on a fresh database, and judge what came of it."""
    options = ["--seed", str(storm.seed), "--fault-rate", str(storm.faults), "--pace-seconds", str(PACE_OF_SLACK)]
    options += [word for number in range(storm.channels) for word in ("--channel", f"C{number}")]
    options += [word for kind in storm.fault_kinds for word in ("--fault-kind", kind)]
    over: dict[str, Any] = dict(PROMISED)
    late = LATE
    if storm.policy == "short-quiet":
        # Slack accepts long after the client has left, and nobody waits for that.
        late = 6.0
        over |= {"quiet": 0.05, "between_looks": 0.05}
    with slack_process(*options, "--fault-delay", str(late)) as slack, storm_database(storm.engine, **over) as settings:
        settings = replace(settings, slack_bot_token=TOKEN, slack_api_url=slack.base_url)
        app = create_app(settings)
        with app.app_context():
            ids = prepare(storm)
            db.engine.dispose()
        began = time.monotonic()
        killed = rage(app, settings, storm)
        seconds = time.monotonic() - began
        slack.wait_until_settled(seconds=20)
        with app.app_context():
            verdict = judge(ids, slack)
            db.session.remove()
            db.engine.dispose()
    return {
        **verdict,
        "kills": killed,
        "seconds": round(seconds, 1),
        "per_second": round(storm.notices / seconds, 1),
        **{name: value for name, value in vars(storm).items() if name != "kills"},
    }


# --- the judge -------------------------------------------------------------------------------------------------------


def judge(ids: set[str], slack: SlackControl) -> dict[str, Any]:
    """Hold what Slack stored against what was to be told.

    `unfinished` is what the storm had no time for, `unsettled` what is settled otherwise than as sent.
    """
    told = slack.count_by_marker()
    posts = [entry for entry in slack.log() if entry["method"] == "chat.postMessage"]
    states = {str(each.id): each.state for each in db.session.execute(sa.select(OutboxNotice.id, OutboxNotice.state))}
    final = {each for each in ids if states[each] in (*SETTLED, NoticeState.PARKED)}
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


def is_clean(verdict: dict[str, Any]) -> bool:
    wrongs = ("lost", "doubled", "unexpected", "unsettled", "unfinished", "marked_repeats")
    return not any(verdict[name] for name in wrongs)


def read_arguments() -> Storm:
    parser = argparse.ArgumentParser(prog="python -m tests.storm.delivery", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--notices", type=int, default=500)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--faults", type=float, default=0.03, help="share of requests that fail, 0 to 1")
    parser.add_argument("--channels", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--policy", choices=POLICIES, default="promised", help="others break the promise, to test the judge")
    parser.add_argument("--fault-kind", type=FaultKind, action="append", help="repeatable; default: every kind")
    parser.add_argument("--within", type=float, default=300.0, help="the longest it may take, in seconds")
    options = vars(parser.parse_args())
    kinds = options.pop("fault_kind") or []
    return Storm(**options, fault_kinds=tuple(str(kind) for kind in kinds))


def main() -> None:
    verdict = run(read_arguments())
    sys.stdout.write(json.dumps(verdict) + "\n")
    sys.exit(0 if is_clean(verdict) else 1)


if __name__ == "__main__":
    main()
