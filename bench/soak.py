"""Many simulated days of one worker: every hour a tick, and the memory that the process holds early and late.

Run it by itself with `python -m bench.soak --days 90 --engagements 10000`; `make bench` runs a small one. The days hold both
changes of the clocks. Each notice has to be told once and every one that came due has to be settled.
"""

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import sqlalchemy as sa
import time_machine

from bench import goals, seed
from bench.shape import Shape
from bench.table import Line
from tests.conftest import migrated, settings_for
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import SETTLED, Doubt, Outcome, Post, Sent
from tracker.edge.work import work
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.services.planning import replan
from tracker.slack.blocks import render
from tracker.store.database import db, table_of
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice

ROOT = Path(__file__).parents[1]
START = datetime(2026, 8, 10, 6, tzinfo=UTC)  # ninety days on, the clocks of Europe and of America have changed
DAYS, ENGAGEMENTS, WARM_DAYS = 90, 20, 20
LOST_ANSWERS = 0.02
MIB = 1024 * 1024


@dataclass
class Ledger:
    """A Slack that takes everything and now and then does not say so. What it took is on the disk, not in the memory."""

    path: IO[str]
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 -- to be run again
    doubted: dict[UUID, str] = field(default_factory=dict)

    def send(self, post: Post) -> Outcome:
        self.path.write(f"{post.notice_id}\n")
        ts = f"{utc_now().timestamp():.6f}"
        if self.chance.random() < LOST_ANSWERS:
            self.doubted[post.notice_id] = ts
            return Doubt("the answer was lost")
        return Sent(ts)

    def find(
        self,
        channel: str,  # noqa: ARG002
        notice_ids: Iterable[UUID],
        oldest: datetime,  # noqa: ARG002
        *,
        threads: Collection[str] = (),  # noqa: ARG002
        history: bool = True,  # noqa: ARG002
    ) -> Mapping[UUID, str]:
        return {each: self.doubted.pop(each) for each in notice_ids if each in self.doubted}

    def update(self, post: Post, slack_ts: str) -> Outcome:  # noqa: ARG002
        return Sent(slack_ts)


def resident() -> float:
    """MiB that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / MIB


def hours_of(days: int) -> Iterator[datetime]:
    return (START + timedelta(hours=hour) for hour in range(days * 24))


def soak(days: int, engagements: int) -> dict[str, Any]:
    """Live through so many days; what was told, and the memory after the first days and at the end."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name, (Path(name) / "told").open("w+") as told:
        settings = settings_for(Path(name))
        migrated(settings)
        app, ledger, memory = create_app(settings), Ledger(told), dict[date, float]()
        worker = Delivery(ledger, partial(render, base_url="http://localhost"), step.timing_of(settings), "soak")
        with time_machine.travel(START, tick=False) as clock, app.app_context():
            plan_all(engagements)
            for moment in hours_of(days):
                clock.move_to(moment)
                step.plan_and_beat()
                step.deliver_and_beat(worker)
                # A channel takes one message a tick here: those that wait their turn get it at once.
                while (soon := step.next_moment()) is not None and soon < moment + timedelta(minutes=50):
                    clock.move_to(max(soon, utc_now() + timedelta(seconds=1)))
                    step.deliver_all(worker)
                step.clean()
                db.session.remove()
                if moment.hour == 0:
                    memory[moment.date()] = resident()
            clock.shift(timedelta(hours=1))
            for _ in range(3):
                clock.shift(timedelta(minutes=2))
                step.deliver_all(worker)
            return verdict(told, memory) | {"days": days, "engagements": engagements}


def plan_all(engagements: int) -> None:
    """As many engagements as there shall be, with the dates of a year and what follows from them planned."""
    world = seed.fill(db.engine, Shape(engagements, START.date()), START)
    for number, place in enumerate(world.places):
        with work():
            engagement = db.session.get_one(Engagement, place.engagement_id)
            engagement.slack_channel = f"C{number}"
            replan(db.session, engagement, now=START)
    db.session.remove()


def verdict(told: IO[str], memory: Mapping[date, float]) -> dict[str, Any]:
    told.seek(0)
    lines = sorted(told)
    counted = sa.select(table_of(OutboxNotice).c.state, sa.func.count()).where(
        OutboxNotice.due_at <= utc_now() - timedelta(hours=2)
    )
    states = {row[0]: row[1] for row in db.session.execute(counted.group_by(OutboxNotice.state))}
    replanned = db.session.scalar(sa.select(sa.func.count()).where(Deadline.replan_at < utc_now() - timedelta(hours=2)))
    db.session.remove()
    db.engine.dispose()
    days = sorted(memory)
    warm = [memory[day] for day in days[: max(2, min(WARM_DAYS, len(days) // 2))]]
    return {
        "told": len(lines),
        "doubled": len(lines) - len(set(lines)),
        "lost": sum(count for state, count in states.items() if state not in SETTLED) + (replanned or 0),
        "states": states,
        "early_mib": round(max(warm), 1),
        "late_mib": round(memory[days[-1]], 1),
        "ratio": round(memory[days[-1]] / max(warm), 4),
    }


def soak_lines(days: int = DAYS, engagements: int = ENGAGEMENTS) -> Iterator[Line]:
    """Memory at the end beside memory after the first days, in a process of its own."""
    words = [sys.executable, "-m", "bench.soak", "--days", str(days), "--engagements", str(engagements)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    wrong = {name: found[name] for name in ("lost", "doubled") if found[name]}
    yield Line(
        what=f"memory after {days} simulated days : after the first; {found['told']} notices told",
        engine="sqlite",
        clients=1,
        size=str(engagements),
        ours=f"{found['late_mib']} MiB",
        other=f"{found['early_mib']} MiB early",
        values=[found["ratio"]],
        goal=goals.SOAK,
        bad=Counter(wrong),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--engagements", type=int, default=ENGAGEMENTS)
    said = parser.parse_args()
    sys.stdout.write(json.dumps(soak(said.days, said.engagements)) + "\n")


if __name__ == "__main__":
    main()
