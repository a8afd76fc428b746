"""What delivery would be without each of its precautions, step by step: the fault shows, and the real code beside it has none."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Thread
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tests.factories import make_engagement
from tests.slack_double.faults import FaultKind
from tests.slack_double.server import SlackDouble
from tests.storm.outbox import RetryingSender, due_notice
from tests.storm.wire import Fate, Wire
from tracker.clock import utc_now
from tracker.domain.notice import Audience, Doubt, Post
from tracker.edge.work import work
from tracker.jobs import backup, step
from tracker.jobs.step import Delivery
from tracker.services import delivery
from tracker.services.delivery import Timing
from tracker.settings import Settings
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that moves only when told to."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def due(count: int) -> list[UUID]:
    """Notices that are ready, each for a channel of its own."""
    engagements, now = [make_engagement(slack_channel=f"C{number}") for number in range(count)], utc_now()
    with transaction(db.session, now=now):
        for number, each in enumerate(engagements):
            outbox.plan(db.session, each.id, [due_notice(number, now)], {Audience.CUSTOMER: each.slack_channel}, now)
    return [each.id for each in step.plan(now)]


def worker_on(wire: Wire, **timing: timedelta) -> Delivery:
    return Delivery(wire, partial(render, base_url="http://localhost"), Timing(**timing), "test")


def state_of(notice_id: UUID) -> str:
    db.session.expire_all()
    return db.session.get_one(OutboxNotice, notice_id).state


# --- a client that repeats by itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sender", "told"),
    [
        pytest.param(RetryingSender, 2, id="the SDK as it comes tells twice"),
        pytest.param(SlackSender, 1, id="ours tells once and says that it does not know"),
    ],
)
def test_a_client_must_not_send_again_what_was_reset_on_its_way_back(sender: type[SlackSender], told: int) -> None:
    notice_id = outbox.id_of("control")
    with SlackDouble(pace_seconds=0) as slack:
        slack.push(FaultKind.ACCEPT_RESET)
        block = {"type": "divider", "block_id": f"tracker:{notice_id}"}
        outcome = sender(slack.token, slack.base_url, timeout=2, proxy=None).send(Post(notice_id, "C1", "text", [block]))
        assert slack.count_by_marker() == {str(notice_id): told}
        assert isinstance(outcome, Doubt) is (told == 1)


# --- a claim in one statement ----------------------------------------------------------------------------------------

# So the planner chooses what it may also choose by itself: the subquery is asked anew for each row outside.
NESTED = ("enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_sort", "enable_material", "enable_memoize")
BY_IN = """
    UPDATE notice SET state = 'sending', lease_until = now() WHERE id IN (
        SELECT id FROM notice WHERE state = 'ready' ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
"""


@on_postgres
def test_a_claim_by_a_subquery_takes_more_than_its_limit(app: Flask, clock: time_machine.Traveller) -> None:
    due(5)
    with db.engine.connect() as connection:
        # A copy that lies on the disk in the order in which it is claimed: there the fault is at its greatest.
        connection.exec_driver_sql("CREATE TEMP TABLE notice ON COMMIT DROP AS SELECT * FROM public.notice ORDER BY next_at, id")
        connection.exec_driver_sql("CREATE INDEX ON pg_temp.notice (next_at, id) WHERE state = 'ready'")
        for name in NESTED:
            connection.exec_driver_sql(f"SET LOCAL {name} = off")
        plan = "\n".join(connection.exec_driver_sql(f"EXPLAIN {BY_IN}").scalars())
        taken = connection.exec_driver_sql(BY_IN).rowcount
        connection.rollback()
    assert taken > 1, f"this control controls nothing:\n{plan}"
    with work():
        for name in NESTED:
            db.session.execute(sa.text(f"SET LOCAL {name} = off"))
        assert delivery.claim(db.session, partial(render, base_url=""), Timing(), "test", now=utc_now())
    assert db.session.scalar(sa.select(sa.func.count()).where(OutboxNotice.state == "sending")) == 1


# --- a look that comes too early -------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    ("quiet", "told"),
    [
        pytest.param(SECOND, 2, id="looking before Slack may have taken it tells twice"),
        pytest.param(Timing().quiet, 1, id="a quiet period that outlasts it tells once"),
    ],
)
def test_the_quiet_period_outlasts_a_late_acceptance(
    app: Flask, clock: time_machine.Traveller, quiet: timedelta, told: int
) -> None:
    fates = iter([Fate.TAKEN_LATE])
    wire = Wire(lambda _: next(fates, Fate.TAKEN), late=30 * SECOND)
    (notice_id,) = due(1)
    worker = worker_on(wire, quiet=quiet, between_looks=quiet / 2)
    assert step.deliver_one(worker) == "unknown"
    for _ in range(4):
        clock.shift(quiet)
        step.look_up(worker)
        step.deliver_one(worker)
    assert (state_of(notice_id), wire.told(notice_id)) == ("sent", told)


# --- a transaction that begins by reading ----------------------------------------------------------------------------


@on_sqlite
def test_a_deferred_begin_fails_at_once_where_ours_waits_its_turn(app: Flask, settings: Settings) -> None:
    (notice_id,) = due(1)
    bump = "UPDATE notice SET attempts = attempts + 1"
    with closing(sqlite3.connect(settings.instance / "tracker.sqlite", timeout=30, isolation_level=None)) as careless:
        careless.execute("BEGIN")
        careless.execute("SELECT attempts FROM notice").fetchall()
        with work():
            db.session.execute(sa.text(bump))
        with pytest.raises(sqlite3.OperationalError, match="database is locked"):
            careless.execute(bump)

    has_read, began = Event(), Event()

    def rival() -> None:
        with app.app_context():
            has_read.wait(5)
            began.set()
            with work():
                db.session.execute(sa.text(bump))
            db.session.remove()

    thread = Thread(target=rival)
    thread.start()
    with work():
        db.session.scalars(sa.select(OutboxNotice)).all()
        has_read.set()
        began.wait(5)
        db.session.execute(sa.text(bump))
    thread.join()
    db.session.expire_all()
    assert db.session.get_one(OutboxNotice, notice_id).attempts == 3


# --- a backup that is put back ---------------------------------------------------------------------------------------


@on_sqlite
@pytest.mark.parametrize(
    ("looks_first", "told"),
    [
        pytest.param(False, 2, id="a database that simply goes on tells twice"),
        pytest.param(True, 1, id="one that looks up what came due tells once"),
    ],
)
def test_what_was_told_after_a_backup_is_looked_up_when_it_is_put_back(
    app: Flask, settings: Settings, clock: time_machine.Traveller, tmp_path: Path, looks_first: bool, told: int
) -> None:
    wire = Wire(lambda _: Fate.TAKEN)
    worker = worker_on(wire)
    ids = due(2)
    db.session.remove()
    backup.back_up(settings.database_url, tmp_path / "copy")
    assert step.deliver_one(worker) == "sent"
    db.session.remove()
    db.engine.dispose()
    backup.restore(settings.database_url, tmp_path / "copy")
    if looks_first:
        with work():
            delivery.retake_after_restore(db.session, now=utc_now())
    for _ in range(6):
        clock.shift(Timing().quiet)
        step.look_up(worker)
        step.deliver_one(worker)
    assert sorted(wire.told(each) for each in ids) == [1, told]
    assert {state_of(each) for each in ids} == {"sent"}
