"""Who comes after a worker that did not say goodbye, or beside a database that forgot, looks before telling anything again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tests.factories import make_engagement
from tracker.clock import utc_now
from tracker.domain.notice import Audience, Notice
from tracker.jobs import attendance
from tracker.jobs.attendance import FORGOTTEN, UNCLEAN, Attendance
from tracker.store import clock as clocks
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction
from tracker.store.worker import Worker

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
# As it is outside of tests, which move the clock of their process only.
SERVER_CLOCK = clocks.ask


@pytest.fixture
def clock(app: Flask) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def due(minutes: int) -> None:
    """A notice that has been due for so long."""
    now = utc_now()
    engagement = make_engagement(slack_channel="C1")
    notice = Notice(
        key=f"test:{minutes}",
        kind="test",
        audience=Audience.CUSTOMER,
        headline="Due",
        text="",
        facts=(),
        path="/",
        due_at=now - timedelta(minutes=minutes),
        useless_after=now + timedelta(days=1),
    )
    with transaction(db.session, now=now):
        outbox.plan(db.session, engagement.id, [notice], {Audience.CUSTOMER: "C1"}, now)


def states() -> dict[str, tuple[str, str | None]]:
    rows = db.session.execute(sa.select(OutboxNotice.key, OutboxNotice.state, OutboxNotice.reason)).all()
    db.session.close()
    return {row[0]: (row[1], row[2]) for row in rows}


def test_after_a_clean_stop_what_is_overdue_is_simply_sent(clock: time_machine.Traveller, tmp_path: Path) -> None:
    for _ in range(2):
        run = Attendance(tmp_path)
        run.come()
        run.go()
    clock.shift(timedelta(hours=2))
    due(30)
    Attendance(tmp_path).come()
    assert states() == {"test:30": ("planned", None)}


def test_after_a_worker_that_was_killed_only_what_is_overdue_is_looked_up_and_once(
    clock: time_machine.Traveller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "_is_running", lambda _pid: True)
    other = Attendance(tmp_path, node="elsewhere:1")
    other.come()  # and is killed: no goodbye
    due(30)
    due(5)
    clock.shift(timedelta(seconds=59))
    Attendance(tmp_path, node="here:2").come()
    assert {state for state, _reason in states().values()} == {"planned"}, "it still beats, as far as anybody can tell"
    clock.shift(timedelta(seconds=2))
    Attendance(tmp_path, node="here:3").come()
    assert states() == {"test:30": ("unknown", UNCLEAN), "test:5": ("planned", None)}
    due(45)
    clock.shift(timedelta(seconds=5))
    Attendance(tmp_path, node="here:4").come()
    assert states()["test:45"] == ("planned", None), "what the killed one left is seen to"


def test_a_database_that_does_not_know_the_last_run_here_was_put_back(clock: time_machine.Traveller, tmp_path: Path) -> None:
    run = Attendance(tmp_path)
    run.come()
    run.go()
    with transaction(db.session, now=START):
        db.session.execute(sa.delete(Worker))  # as a backup from before that run has it
    due(30)
    Attendance(tmp_path).come()
    assert states() == {"test:30": ("unknown", FORGOTTEN)}


def test_where_nothing_can_be_looked_up_the_first_run_with_slack_sees_to_it(
    clock: time_machine.Traveller, tmp_path: Path
) -> None:
    run = Attendance(tmp_path)
    run.come()
    run.go()
    with transaction(db.session, now=START):
        db.session.execute(sa.delete(Worker))
    due(30)
    without = Attendance(tmp_path)
    without.come(can_look=False)
    assert states() == {"test:30": ("planned", None)}, "it waits, and may become useless, as it would have"
    without.go()
    Attendance(tmp_path).come(can_look=True)
    assert states() == {"test:30": ("unknown", FORGOTTEN)}


def test_nobody_says_goodbye_in_the_middle_of_a_pass(clock: time_machine.Traveller, tmp_path: Path) -> None:
    run = Attendance(tmp_path)
    with run.passing() as goes_on:
        assert goes_on
        run.come()
        run.go()
    stopped = sa.select(Worker.stopped_at)
    assert db.session.scalars(stopped).one() is None
    run.go()
    assert db.session.scalars(stopped).one() == START
    with run.passing() as goes_on:
        assert not goes_on, "what was still to begin does not"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_server_s_clock_is_what_its_workers_go_by(app: Flask) -> None:
    with time_machine.travel(START, tick=False):
        assert SERVER_CLOCK(db.session, START) != utc_now()
    assert abs((SERVER_CLOCK(db.session, START) - utc_now()).total_seconds()) < 60
