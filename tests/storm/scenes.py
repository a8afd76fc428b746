"""What befalls the workers of a delivery storm: they are killed, they freeze, their database is put back or struck down."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from flask import Flask

from tests.postgres import PostgresServer
from tests.slack_double.answers import JsonObject
from tests.slack_double.client import SlackControl
from tests.slack_double.faults import FaultKind
from tests.slack_double.workspace import ViolationKind
from tests.storm.database import fork
from tests.storm.outbox import CLIENT_TIMEOUT, Storm, application, count_settled, work_on
from tracker.clock import utc_now
from tracker.edge.work import work
from tracker.jobs import backup, step
from tracker.services import delivery
from tracker.settings import Settings
from tracker.store.database import db

POLL_SECONDS = 0.02
FROZEN = 1.3  # leases that somebody stands still for
SHARES = (0.1, 0.4, 0.9)  # how much was settled when a backup was made
GROUPS = 3
SLOW = "C0"  # the channel that is told to wait
CUT_SECONDS = 0.2


@dataclass
class Stage:
    """Everything a scene has: what is to happen, the database, Slack, and chance that begins with the seed."""

    storm: Storm
    settings: Settings
    slack: SlackControl
    server: PostgresServer | None = None
    counted: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def app(self) -> Flask:
        return application(self.settings)

    @cached_property
    def chance(self) -> random.Random:
        return random.Random(self.storm.seed)  # noqa: S311 -- to be run again, not to be secret

    @cached_property
    def ends(self) -> float:
        return time.monotonic() + self.storm.within

    def settled(self) -> int:
        """How many notices are done with; what was known last where the database does not answer just now."""
        with suppress(sa.exc.DBAPIError):
            self._settled = count_settled(self.settings)
        return self._settled

    _settled: int = 0

    def goes_on(self) -> bool:
        """Whether there is something left to do, and time to do it."""
        return time.monotonic() < self.ends and self.settled() < self.storm.notices

    def moments(self, count: int) -> list[int]:
        """At how many settled notices something happens, by chance, in order."""
        return sorted(self.chance.randrange(self.storm.notices) for _ in range(count))


class Crew:
    """Forked workers, which come and go."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.running: list[int] = []
        parent = os.getpid()
        self._work: Callable[[], None] = lambda: work_on(stage.app, stage.settings, stage.storm, parent)

    def start(self) -> int:
        pid = fork(self._work)
        self.running.append(pid)
        return pid

    def kill(self, pid: int) -> None:
        """Without warning, and wherever it stands."""
        self.running.remove(pid)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@contextmanager
def crew(stage: Stage) -> Iterator[Crew]:
    """So many workers as the storm has; none is left at the end."""
    workers = Crew(stage)
    try:
        for _ in range(stage.storm.workers):
            workers.start()
        yield workers
    finally:
        for pid in list(workers.running):
            workers.kill(pid)


def kill(stage: Stage) -> None:
    """Kill some of the workers until every notice is settled."""
    moments = stage.moments(stage.storm.kills)
    killed = 0
    with crew(stage) as workers:
        while stage.goes_on():
            if killed < len(moments) and stage.settled() >= moments[killed]:
                time.sleep(stage.chance.uniform(0, POLL_SECONDS))
                workers.kill(stage.chance.choice(workers.running))
                workers.start()
                killed += 1
            else:
                time.sleep(POLL_SECONDS)
    stage.counted["kills"] = killed


def freeze(stage: Stage) -> None:
    """Let workers stand still for longer than their lease, one at a time or several; then they go on as if nothing were."""
    moments, frozen = stage.moments(stage.storm.kills), 0
    thaw: dict[int, float] = {}
    seconds = stage.settings.lease * FROZEN
    with crew(stage) as workers:
        while stage.goes_on() or thaw:
            for pid in [pid for pid, moment in thaw.items() if moment <= time.monotonic()]:
                os.kill(pid, signal.SIGCONT)
                del thaw[pid]
            awake = [pid for pid in workers.running if pid not in thaw]
            if frozen < len(moments) and len(awake) > 1 and stage.settled() >= moments[frozen]:
                time.sleep(stage.chance.uniform(0, POLL_SECONDS))
                victim = stage.chance.choice(awake)
                os.kill(victim, signal.SIGSTOP)
                thaw[victim] = time.monotonic() + seconds
                frozen += 1
            time.sleep(POLL_SECONDS)
        # Whoever woke last may still hold a message in its hands: what it does with it belongs to the verdict.
        time.sleep(CLIENT_TIMEOUT)
    stage.counted["freezes"] = frozen


def restore(stage: Stage) -> None:
    """Make backups on the way, go on to the end, then put each back and go on from there."""
    copies: list[Path] = []
    with crew(stage):
        while stage.goes_on():
            if len(copies) < len(SHARES) and stage.settled() >= SHARES[len(copies)] * stage.storm.notices:
                copies.append(stage.settings.instance / f"backup-{len(copies)}")
                backup.back_up(stage.settings.database_url, copies[-1])
            time.sleep(POLL_SECONDS)
    stage.counted["restores"] = []
    for copy in copies:
        stage.slack.wait_until_settled(seconds=20)
        posts = len(stage.slack.log())
        put_back(stage, copy)
        before = stage.settled()
        with crew(stage):
            while stage.goes_on():
                time.sleep(POLL_SECONDS)
        stage.counted["restores"].append({"settled_in_it": before, "requests_after": len(stage.slack.log()) - posts})


def put_back(stage: Stage, copy: Path) -> None:
    """What `tracker restore` does; the policy "no-verify" leaves out that what came due is looked up first."""
    backup.restore(stage.settings.database_url, copy)
    with stage.app.app_context():
        step.plan_further(utc_now())
        if stage.storm.policy != "no-verify":
            with work():
                delivery.retake_after_restore(db.session, now=utc_now())
        db.session.remove()
        db.engine.dispose()


def nodes(stage: Stage) -> None:
    """Three groups of workers on one PostgreSQL: a whole group dies, connections are cut, the server itself crashes."""
    server, chance = stage.server, stage.chance
    assert server is not None, "this scene is for PostgreSQL"
    members = max(1, stage.storm.workers // GROUPS)
    deaths = stage.moments(stage.storm.kills)
    crashes = stage.moments(max(1, stage.storm.kills // 3)) if server.can_restart else []
    died = crashed = cut = 0
    next_cut = time.monotonic()
    with crew(replace_workers(stage, 0)) as workers:
        groups = [[workers.start() for _ in range(members)] for _ in range(GROUPS)]
        while stage.goes_on():
            settled = stage.settled()
            if died < len(deaths) and settled >= deaths[died]:
                group = chance.randrange(GROUPS)
                for pid in groups[group]:
                    workers.kill(pid)
                groups[group] = [workers.start() for _ in range(members)]
                died += 1
            if crashed < len(crashes) and settled >= crashes[crashed]:
                server.restart_immediately()
                crashed += 1
            if time.monotonic() >= next_cut:
                cut += cut_one(stage)
                next_cut = time.monotonic() + CUT_SECONDS
            time.sleep(POLL_SECONDS)
    stage.counted |= {"groups_killed": died, "server_crashes": crashed, "connections_cut": cut}


def replace_workers(stage: Stage, workers: int) -> Stage:
    """The same stage for so many workers at the start."""
    return replace(stage, storm=replace(stage.storm, workers=workers))


def cut_one(stage: Stage) -> int:
    """End one of the workers' connections, by chance, as a network or an administrator would; 1 where there was one."""
    address = stage.settings.database_url.replace("postgresql+psycopg://", "postgresql://", 1)
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            pids = [row[0] for row in connection.execute(others)]
            if not pids:
                return 0
            connection.execute("SELECT pg_terminate_backend(%s)", [stage.chance.choice(pids)])
    except psycopg.OperationalError:
        return 0
    return 1


def pacing(stage: Stage) -> None:
    """Nothing but sending, to a Slack that counts what comes too soon and tells one channel to wait, each time otherwise."""
    moments, told_to_wait = stage.moments(stage.storm.kills), 0
    with crew(stage):
        while stage.goes_on():
            if told_to_wait < len(moments) and stage.settled() >= moments[told_to_wait]:
                wait = {"method": "chat.postMessage", "channel": SLOW, "retry_after": stage.chance.randint(1, 3)}
                stage.slack.push(FaultKind.RATE_LIMITED, **wait)
                told_to_wait += 1
            time.sleep(POLL_SECONDS)
    kinds = Counter(violation["kind"] for violation in stage.slack.state()["violations"])
    posts = [entry for entry in stage.slack.log() if entry["method"] == "chat.postMessage"]
    stage.counted |= {
        "told_to_wait": told_to_wait,
        "too_close": kinds[ViolationKind.PACE],
        "before_retry_after": kinds[ViolationKind.EARLY_RETRY],
        "held_up": held_up(posts, stage.storm.pace),
        "least_seconds_apart": round(least_apart(posts), 3),
    }


def least_apart(posts: Sequence[JsonObject]) -> float:
    """The shortest time between two accepted messages in one channel."""
    accepted: dict[str, list[float]] = {}
    for post in posts:
        if post["accepted"]:
            accepted.setdefault(post["channel"], []).append(post["at"])
    return min(later - earlier for times in accepted.values() for earlier, later in pairwise(sorted(times)))


def held_up(posts: Sequence[JsonObject], pace: float) -> int:
    """How often another channel got nothing although it had something, while one waited for a second at least."""
    times: dict[str, list[float]] = {}
    for post in posts:
        times.setdefault(post["channel"], []).append(post["at"])
    waits = [post["at"] for post in posts if post["fault"] == FaultKind.RATE_LIMITED]
    patience = max(1.0, 3 * pace)
    return sum(
        1
        for began in waits
        for channel, at in times.items()
        if channel != SLOW and at[-1] > began + patience and not any(began < each <= began + patience for each in at)
    )


SCENES: dict[str, Callable[[Stage], None]] = {
    "kill": kill,
    "freeze": freeze,
    "restore": restore,
    "nodes": nodes,
    "pacing": pacing,
}
