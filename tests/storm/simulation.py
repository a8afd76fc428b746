"""Delivery simulated in one process: the real steps on a real SQLite, but time, wire and death come from a seed.

Several workers take turns, also in the middle of each other's calls; each may die before and after every unit of work and on
either side of Slack's decision. One seed replays one run. Run many with `python -m tests.storm.simulation --seeds 2000`.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import UUID

import sqlalchemy as sa
import time_machine
from sqlalchemy import event

from tests.conftest import migrated, settings_for
from tests.factories import make_engagement, make_person
from tests.storm.outbox import FINAL, due_notice
from tests.storm.wire import Fate, Wire
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import Audience, NoticeState, Post
from tracker.edge.work import work
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.services import delivery
from tracker.services.delivery import Timing
from tracker.slack.blocks import render
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice, table
from tracker.store.transaction import transaction

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANNELS, WORKERS, DEPTH = 3, 3, 2
MOST_STEPS = 4000
LATE, LAG = timedelta(seconds=30), timedelta(seconds=15)  # together less than the quiet period
FATES = (Fate.TAKEN_UNSAID, Fate.TAKEN_LATE, Fate.LOST, Fate.TOLD_TO_WAIT)


class Died(BaseException):
    """The worker is gone; nothing that stands between here and its loop may hold it up."""


@dataclass
class Run:
    """One run: its chance, its clock, its wire, and how often somebody died in it."""

    chance: random.Random
    clock: time_machine.Traveller
    faults: float
    deaths: float
    timing: Timing
    depth: int = 0
    died: int = 0

    def __post_init__(self) -> None:
        late, lag = self.chance.random() * LATE, self.chance.random() * LAG
        self.wire = Wire(self.fate, late, lag, readable=lambda: self.chance.random() > 0.1, meanwhile=self.meanwhile)
        words = partial(render, base_url="http://localhost")
        self.workers = [Delivery(self.wire, words, self.timing, f"worker {n}", self.chance) for n in range(WORKERS)]

    def fate(self, _post: Post) -> Fate:
        return self.chance.choice(FATES) if self.chance.random() < self.faults else Fate.TAKEN

    def may_die(self) -> None:
        if self.chance.random() < self.deaths:
            self.died += 1
            raise Died

    def meanwhile(self) -> None:
        """While one waits for Slack time passes, another worker does something, and either may die."""
        self.clock.shift(self.chance.uniform(0, 4))
        if self.depth < DEPTH and self.chance.random() < 0.3:
            self.one_step()
        self.may_die()

    @contextmanager
    def unit(self, *args: Any, **more: Any) -> Iterator[Any]:
        """A unit of work whose worker may die before it, just before its commit, and right after."""
        self.may_die()
        with work(*args, **more) as unit:
            yield unit
            self.may_die()
        self.may_die()

    def one_step(self) -> None:
        """A worker does one thing, and perhaps dies of it."""
        worker = self.chance.choice(self.workers)
        steps: list[Callable[[], Any]] = [
            lambda: step.plan(utc_now()),
            lambda: step.deliver_one(worker),
            lambda: step.deliver_one(worker),
            lambda: step.look_up(worker),
            self.sweep,
        ]
        self.depth += 1
        try:
            self.chance.choice(steps)()
        except Died:
            db.session.rollback()
        finally:
            self.depth -= 1

    def sweep(self) -> None:
        with self.unit():
            delivery.sweep(db.session, self.timing, now=utc_now())


def play(
    seed: int, engagements: Sequence[Engagement], *, notices: int, faults: float, deaths: float, timing: Timing
) -> dict[str, Any]:
    """One run from its seed to its end, and the verdict over it."""
    # Each seed has days of its own, so that nothing of another one's can be due in them.
    with time_machine.travel(START + timedelta(days=3 * seed), tick=False) as clock:
        run = Run(random.Random(seed), clock, faults, deaths, timing)  # noqa: S311 -- to be run again
        ids = prepare(seed, engagements, notices)
        steps = 0
        with patch.object(step, "work", run.unit):
            while steps < MOST_STEPS and unfinished(ids):
                run.one_step()
                # Mostly all happens at once, then again nothing does for a while.
                clock.shift(run.chance.uniform(0, 1 if run.chance.random() < 0.8 else 60))
                steps += 1
        clock.shift(3600)
        return judge(seed, ids, run) | {"steps": steps}


def prepare(seed: int, engagements: Sequence[Engagement], notices: int) -> list[UUID]:
    """Notices that are due; their ids."""
    now = utc_now()
    keys = [f"seed-{seed}:{number}" for number in range(notices)]
    with transaction(db.session, now=now):
        for number, key in enumerate(keys):
            engagement = engagements[number % CHANNELS]
            mine = [due_notice(number, now, key=key)]
            outbox.plan(db.session, engagement.id, mine, {Audience.CUSTOMER: engagement.slack_channel}, now)
    return [outbox.id_of(key) for key in keys]


def unfinished(ids: list[UUID]) -> bool:
    query = sa.select(sa.func.count()).where(OutboxNotice.id.in_(ids), OutboxNotice.state.not_in(FINAL))
    left = db.session.scalar(query)
    db.session.close()
    return bool(left)


def judge(seed: int, ids: list[UUID], run: Run) -> dict[str, Any]:
    """What is wrong with a run; what was sent again marked as a possible repeat is counted apart."""
    rows = {row.id: row for row in db.session.execute(sa.select(table).where(OutboxNotice.id.in_(ids)))}
    db.session.close()
    marked = {each for each in ids if rows[each].repeats}
    return {
        "seed": seed,
        "lost": sum(rows[each].state in FINAL and not run.wire.told(each) for each in ids),
        "doubled": sum(run.wire.told(each) > 1 for each in ids if each not in marked),
        "unsettled": sum(rows[each].state != NoticeState.SENT for each in ids),
        "marked_repeats": len(marked),
        "died": run.died,
        "requests": run.wire.requests,
    }


def is_clean(verdict: dict[str, Any]) -> bool:
    return not (verdict["lost"] or verdict["doubled"] or verdict["unsettled"])


@contextmanager
def ground() -> Iterator[list[Engagement]]:
    """Engagements on a SQLite of their own. Workers die here, the machine does not: nothing has to be on the disk."""
    with tempfile.TemporaryDirectory(prefix="simulation-") as name:
        settings = settings_for(Path(name))
        migrated(settings)
        app = create_app(settings)
        with app.app_context():
            event.listen(db.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
            manager = make_person()
            yield [make_engagement(manager, slack_channel=f"C{number}") for number in range(CHANNELS)]
            db.session.remove()
            db.engine.dispose()


def simulate(
    seeds: range, *, notices: int = 6, faults: float = 0.3, deaths: float = 0.02, quiet: float = 60
) -> list[dict[str, Any]]:
    """The verdicts of many seeds. A quiet period shorter than Slack's lateness is the negative control."""
    timing = Timing(quiet=timedelta(seconds=quiet), between_looks=timedelta(seconds=min(30, quiet)))
    options: dict[str, Any] = {"notices": notices, "faults": faults, "deaths": deaths, "timing": timing}
    with ground() as engagements:
        return [play(seed, engagements, **options) for seed in seeds]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.storm.simulation", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--notices", type=int, default=6)
    parser.add_argument("--faults", type=float, default=0.3, help="share of messages that meet a fault")
    parser.add_argument("--deaths", type=float, default=0.02, help="chance to die at each point where one can")
    parser.add_argument("--quiet", type=float, default=60, help="seconds; less than 45 breaks the promise, to test the judge")
    said = vars(parser.parse_args())
    first, count = said.pop("first"), said.pop("seeds")
    verdicts = simulate(range(first, first + count), **said)
    wrong = [verdict for verdict in verdicts if not is_clean(verdict)]
    names = ("lost", "doubled", "unsettled", "marked_repeats", "died", "requests", "steps")
    summary = {name: sum(verdict[name] for verdict in verdicts) for name in names}
    sys.stdout.write(json.dumps({"seeds": [first, first + count - 1], **said, **summary, "wrong": wrong[:20]}) + "\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
