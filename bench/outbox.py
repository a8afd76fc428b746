"""The outbox at work: a look for what is due among many, messages a second beside a bare client, what writers wait for a tick."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing import Event, Pipe
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask

from bench import goals, seed
from bench.rounds import Pace
from bench.shape import Shape
from bench.table import Line
from tests.conftest import migrated, settings_for
from tests.factories import make_engagement, make_person
from tests.postgres import PostgresServer
from tests.slack_double.client import SlackControl, slack_process
from tests.slack_double.sdk import web_client
from tests.slack_double.workspace import TOKEN
from tests.storm.database import fork
from tests.storm.outbox import due_notice
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import Audience
from tracker.edge.work import work
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.services import delivery
from tracker.services.delivery import Timing
from tracker.settings import Settings
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store import outbox
from tracker.store.database import db, table_of
from tracker.store.deadline import Deadline
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

FEW, MANY, DUE = 10_000, 1_000_000, 100
MESSAGES = 100  # in one round, each for a channel of its own, so that no pace is in the way
TICKED = 200  # engagements that have something to plan further in one tick, and TOLD notices that are due in it
TOLD = 2_000
MILLISECONDS = 1000


@dataclass
class Ground:
    """One engine's folder, and the server where there is one."""

    engine: str
    folder: Path
    server: PostgresServer | None

    def settings(self) -> Settings:
        """Settings on a fresh, migrated database."""
        name = f"outbox_{uuid4().hex[:8]}"
        (self.folder / name).mkdir()
        address = None
        if self.server is not None:
            self.server.create_database(name)
            address = self.server.url(name)
        settings = settings_for(self.folder / name, address)
        migrated(settings)
        return settings

    @contextmanager
    def app(self) -> Iterator[Flask]:
        """The program on a fresh database, in this process."""
        app = create_app(self.settings())
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


@contextmanager
def ground(engine: str, folder: Path) -> Iterator[Ground]:
    """Where databases are made; PostgreSQL keeps every promise, as SQLite does."""
    with ExitStack() as stack:
        server = stack.enter_context(PostgresServer(durable=True)) if engine == "postgresql" else None
        yield Ground(engine, folder, server)


# --- a look for what is due ------------------------------------------------------------------------------------------


def due_lines(at: Ground, pace: Pace, sizes: Sequence[int] = (FEW, MANY)) -> Iterator[Line]:
    """What it takes to release and to claim what is due, with many stored beside few; nothing of it is kept."""
    settings = [at.settings() for _ in sizes]
    for each, size in zip(settings, sizes, strict=True):
        with in_context(each):
            store(size)
    found: list[list[float]] = [[] for _ in sizes]
    for number in range(pace.rounds):
        for place in _turned(range(len(sizes)), number):
            with in_context(settings[place]):
                found[place].append(median(look() for _ in range(pace.shots)))
    few, many = found[0], found[-1]
    yield Line(
        what=f"a look for {DUE} due notices: many stored : few",
        engine=at.engine,
        clients=1,
        size=f"{sizes[-1]} : {sizes[0]}",
        ours=f"p50 {median(many) * MILLISECONDS:.1f} ms",
        other=f"p50 {median(few) * MILLISECONDS:.1f} ms at {sizes[0]}",
        values=[one / other for one, other in zip(many, few, strict=True)],
        goal=goals.DUE,
    )


def _turned(places: Sequence[int], number: int) -> list[int]:
    return list(places) if number % 2 == 0 else list(reversed(places))


@contextmanager
def in_context(settings: Settings) -> Iterator[None]:
    app = create_app(settings)
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def store(size: int) -> None:
    """Fill the outbox: a hundred due, a tenth planned for later, the rest sent long ago."""
    now = utc_now()
    engagement = make_engagement(make_person())
    with transaction(db.session, now=now):
        outbox.plan(db.session, engagement.id, [due_notice(0, now)], {Audience.CUSTOMER: "C1"}, now)
    sqlite = db.engine.dialect.name == "sqlite"
    if sqlite:
        numbers = "WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :size)"
        key, moment = "printf('%032x', n)", "strftime('%Y-%m-%d %H:%M:%f000', 'now', {sign} || (n * 60) || ' seconds')"
    else:
        numbers = "WITH series AS (SELECT generate_series(1, :size) AS n)"
        key, moment = "md5(n::text)::uuid", "now() {sign} n * interval '1 minute'"
    later = moment.format(sign="'+'" if sqlite else "+")
    before = moment.format(sign="'-'" if sqlite else "-")
    due, planned = f"n < {DUE}", f"(n < {DUE} OR n % 10 = 0)"
    values = {
        "id": key,
        "key": "'stored:' || n",
        "channel": "'C' || n",
        "state": f"CASE WHEN {planned} THEN 'planned' ELSE 'sent' END",
        "slack_ts": "'1.' || n",
        "due_at": f"CASE WHEN {planned} AND NOT {due} THEN {later} ELSE {before} END",
        "next_at": f"CASE WHEN {planned} AND NOT {due} THEN {later} ELSE {before} END",
    }
    columns = [column.name for column in table_of(OutboxNotice).columns]
    chosen = ", ".join(values.get(name, f"one.{name}") for name in columns)
    statement = (
        f"INSERT INTO notice ({', '.join(columns)}) {'' if sqlite else numbers} SELECT {chosen} FROM series, notice AS one"
    )
    with db.engine.begin() as connection:
        connection.execute(sa.text(f"{numbers} {statement}" if sqlite else statement), {"size": size - 1})
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if sqlite else "VACUUM ANALYZE notice")


class Enough(Exception):
    """It was only to be measured."""


def look() -> float:
    """Seconds to release what is due and to claim the first of it."""
    now = utc_now()
    began = time.perf_counter()
    with suppress(Enough), work():
        released = delivery.release_due(db.session, now=now, ready_at=now)
        claimed = outbox.claim(db.session, now, Timing().lease, Timing().pace, "bench")
        assert (len(released), claimed is not None) == (DUE, True), f"{len(released)} notices are due"
        db.session.expunge_all()
        raise Enough
    return time.perf_counter() - began


# --- messages a second -----------------------------------------------------------------------------------------------


def message_lines(at: Ground, pace: Pace, count: int = MESSAGES) -> Iterator[Line]:
    """One worker that claims and settles durably, beside a loop of slack-sdk that does nothing but post."""
    ours: list[float] = []
    bare: list[float] = []
    channels = [word for number in range(count) for word in ("--channel", f"C{number}")]
    with slack_process("--pace-seconds", "0", *channels) as slack, at.app():
        engagement = make_engagement(make_person())
        deliver(slack, engagement.id, -1, min(5, count))
        post_bare(slack, min(5, count))
        for number in range(pace.rounds):
            turns: list[Callable[[], None]] = [
                lambda number=number: ours.append(deliver(slack, engagement.id, number, count)),  # type: ignore[misc]
                lambda: bare.append(post_bare(slack, count)),
            ]
            for place in _turned(range(2), number):
                turns[place]()
    yield Line(
        what="messages of one worker, each claim and settlement durable : bare slack-sdk",
        engine=at.engine,
        clients=1,
        size=str(count),
        ours=f"{median(ours):.0f}/s",
        other=f"{median(bare):.0f}/s",
        values=[one / other for one, other in zip(ours, bare, strict=True)],
        goal=goals.MESSAGES,
    )


def deliver(slack: SlackControl, engagement_id: UUID, number: int, count: int) -> float:
    """Messages a second of a worker that has so many to send."""
    now = utc_now()
    with transaction(db.session, now=now):
        for each in range(count):
            notice = [due_notice(each, now, key=f"bench-{number}:{each}")]
            outbox.plan(db.session, engagement_id, notice, {Audience.CUSTOMER: f"C{each}"}, now)
    step.plan(now)
    sender = SlackSender(TOKEN, slack.base_url, timeout=10, proxy=None)
    worker = Delivery(sender, partial(render, base_url="http://localhost"), replace(Timing(), pace=timedelta()), "bench")
    began = time.perf_counter()
    states = [step.deliver_one(worker) for _ in range(count)]
    seconds = time.perf_counter() - began
    assert set(states) == {"sent"}, states
    return count / seconds


def post_bare(slack: SlackControl, count: int) -> float:
    """Messages a second of nothing but the client."""
    client = web_client(slack.base_url, timeout=10)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "It is told once."}}]
    began = time.perf_counter()
    for each in range(count):
        client.chat_postMessage(channel=f"C{each}", text="It is told once.", blocks=blocks)
    return count / (time.perf_counter() - began)


# --- a tick ----------------------------------------------------------------------------------------------------------


def tick_lines(at: Ground, pace: Pace, engagements: int) -> Iterator[Line]:
    """The longest that somebody who writes waits while a tick plans and releases, beside the longest without one."""
    settings = at.settings()
    with in_context(settings):
        world = seed.fill(db.engine, Shape(engagements, utc_now().date()), utc_now())
    during: list[float] = []
    without: list[float] = []
    seconds: list[float] = []
    ids = [place.engagement_id for place in world.places]
    for number in range(pace.rounds):
        with in_context(settings):
            lay_tick(ids, number)
            without.append(longest_wait(settings, lambda: time.sleep(pace.seconds)))
            began = time.perf_counter()
            during.append(longest_wait(settings, step.plan_and_beat))
            seconds.append(time.perf_counter() - began)
    yield Line(
        what=f"longest wait of a writer while a tick plans {TICKED} engagements and releases {TOLD} notices",
        engine=at.engine,
        clients=1,
        size=str(engagements),
        ours=f"a tick of {median(seconds):.1f} s",
        other=f"{median(without):.0f} ms without",
        values=during,
        goal=goals.TICK_MS,
        unit="ms",
    )


def lay_tick(engagement_ids: Sequence[UUID], number: int) -> None:
    """Let engagements have something to plan further, and notices be due."""
    now, chosen = utc_now(), list(engagement_ids[:TICKED])
    with transaction(db.session, now=now):
        dated = sa.update(Deadline).where(Deadline.engagement_id.in_(chosen), Deadline.kind == "uat", Deadline.done_at.is_(None))
        db.session.execute(dated.values(replan_at=now - timedelta(seconds=1)), execution_options={"synchronize_session": False})
        for place in range(TOLD // 100):
            notices = [due_notice(each, now, key=f"tick-{number}:{place}:{each}") for each in range(100)]
            where = engagement_ids[place % len(engagement_ids)]
            outbox.plan(db.session, where, notices, {Audience.CUSTOMER: f"C{place}"}, now)
    db.session.remove()


def longest_wait(settings: Settings, meanwhile: Callable[[], None]) -> float:
    """Milliseconds that the slowest unit of another process took, of those that wrote a row of their own meanwhile."""
    stop, (receive, send) = Event(), Pipe(duplex=False)
    db.session.remove()
    db.engine.dispose()

    def write() -> None:
        app = create_app(settings)
        longest = 0.0
        with app.app_context():
            step.beat("warm")
            send.send(0.0)
            while not stop.is_set():
                began = time.perf_counter()
                step.beat("bench")
                longest = max(longest, time.perf_counter() - began)
        send.send(longest)

    pid = fork(write)
    receive.recv()
    try:
        meanwhile()
    finally:
        stop.set()
        longest: float = receive.recv()
        os.waitpid(pid, 0)
    return longest * MILLISECONDS
