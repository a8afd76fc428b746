"""The ledger storm: forked workers book, split, decide, reverse and buy on few sites while they are killed at random.

The judge knows none of the program's functions for the ledger: it adds up postings and entries with SQL of its own. Every
booking carries in its note what was asked, so that a lost or doubled minute of a split shows. What a worker was told is
kept is written down beside the database and looked up afterwards. Run it with `python -m tests.storm.ledger --help`.
"""

import argparse
import json
import mmap
import os
import random
import signal
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site
from tests.storm.database import ENGINES, fork, storm_database
from tracker.app import create_app
from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.errors import RuleViolation
from tracker.domain.time_entry import Work
from tracker.services import budget as budget_service
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.settings import Settings
from tracker.store import audit, budget, time_entry
from tracker.store.budget import Budget, Posting
from tracker.store.database import db, table_of
from tracker.store.identity import new_id
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import Repeated, RequestKey, transaction

PATIENCE_SECONDS = 900
POLL_SECONDS = 0.002
Rows = Sequence[Any]  # of a statement in plain SQL: its columns have no types
LAWFUL_LIMIT = {"known_incompatibility": 300, "premium_extra": 600}
# How often each thing is done, of a hundred.
MIX = {"book": 40, "split": 20, "submit": 12, "approve": 8, "reject": 5, "reverse": 12, "buy": 3}


@dataclass(frozen=True)
class Storm:
    """What is to happen. Operations are counted per worker."""

    engine: str
    workers: int = 8
    operations: int = 500
    kills: int = 50
    seed: int = 1
    careless: bool = False


@dataclass(frozen=True)
class Ground:
    """Where it happens."""

    who: Actor
    engagements: tuple[UUID, ...]
    sites: tuple[UUID, ...]
    with_premium: frozenset[UUID]


class Counts:
    """One number for each worker in memory that all of them share: it outlives whoever wrote it."""

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._memory = mmap.mmap(-1, 8 * workers)

    def __getitem__(self, worker: int) -> int:
        return int(struct.unpack_from("q", self._memory, 8 * worker)[0])

    def __setitem__(self, worker: int, value: int) -> None:
        struct.pack_into("q", self._memory, 8 * worker, value)

    def all(self) -> list[int]:
        return [self[worker] for worker in range(self._workers)]


class Journal:
    """What a worker saw, a line at a time. A line is written whole or not at all, whoever is killed."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def say(self, *words: object) -> None:
        os.write(self._file, (json.dumps([str(word) for word in words]) + "\n").encode())


def dice(storm: Storm, what: str) -> random.Random:
    """The generator for one purpose: the same seed throws the same."""
    return random.Random(f"{storm.seed}:{what}")  # noqa: S311 -- it guards nothing


def read_journals(folder: Path) -> list[list[str]]:
    """Every line of every worker."""
    return [json.loads(line) for path in sorted(folder.glob("worker-*")) for line in path.read_text().splitlines()]


def prepare() -> Ground:
    """Two engagements with two sites each, one of them with Premium extra hours, and a first block each."""
    manager = make_person("admin")
    who = actor(manager)
    engagements, sites, premium = [], [], set()
    for _ in range(2):
        engagement = make_engagement(manager)
        plain = make_site(engagement)
        extra = make_site(engagement, package="premium", premium_option="extra-hours-10")
        agree(engagement)
        with transaction(db.session, now=NOW):
            budget_service.sell_block(db.session, who, engagement.id, BlockSpec(240, "first", date(2026, 2, 2)), now=NOW)
        engagements.append(engagement.id)
        sites += [plain.id, extra.id]
        premium.add(extra.id)
    return Ground(who, tuple(engagements), tuple(sites), frozenset(premium))


# --- the workers -----------------------------------------------------------------------------------------------------


def work_through(app: Flask, storm: Storm, ground: Ground, number: int, done: Counts, journal: Journal) -> None:
    """One worker's operations, from where its predecessor was killed: the one it was in is sent again under its key."""
    with app.app_context():
        while (turn := done[number]) < storm.operations:
            key = f"{number}.{turn}"
            try:
                carry_out(ground, dice(storm, key), key, journal)
            except RuleViolation as refused:
                journal.say("refused", refused.code)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the judge is to hear of it
                journal.say("unhandled", key, f"{type(error).__name__}: {error}"[:900])
            db.session.remove()
            done[number] = turn + 1


def carry_out(ground: Ground, rng: random.Random, key: str, journal: Journal) -> None:
    """Do one thing, chosen by the generator. What a booking asks for stands in its note."""
    (what,) = rng.choices(list(MIX), weights=list(MIX.values()))
    try:
        if what in ("book", "split"):
            work = some_work(ground, rng, key)
            with transaction(db.session, now=NOW, request_key=RequestKey.of("storm", key, work.note)):
                service.book(db.session, ground.who, work, split=what == "split", now=NOW)
            journal.say("kept", key, work.minutes)
        elif what == "buy":
            engagement_id = rng.choice(ground.engagements)
            # Some purchases are entered late, under an earlier day.
            spec = BlockSpec(rng.choice([240, 300, 480]), f"block {key}", date(2026, 1, 5) + timedelta(days=rng.randrange(50)))
            with transaction(db.session, now=NOW, request_key=RequestKey.of("storm", key, spec.reference)):
                budget_service.sell_block(db.session, ground.who, engagement_id, spec, now=NOW)
            journal.say("bought", key, spec.minutes)
        else:
            with transaction(db.session, now=NOW, request_key=RequestKey.of("storm", key, what)):
                step(ground.who, rng, what)
        journal.say("did", what)
    except Repeated:
        journal.say("repeated", what)


def some_work(ground: Ground, rng: random.Random, key: str) -> Work:
    """Minutes on some site, of a kind that it has a budget for."""
    site_id = rng.choice(ground.sites)
    kinds = [WorkKind.ALLOWANCE, WorkKind.ALLOWANCE, WorkKind.PS] + [WorkKind.PREMIUM] * (site_id in ground.with_premium)
    kind = rng.choice(kinds)
    minutes = rng.randint(1, 90)
    return Work(
        site_id=site_id,
        worked_on=TODAY,
        minutes=minutes,
        kind=kind,
        activity="research",
        ps_kind="custom-upstream" if kind is WorkKind.PS else None,
        note=f"asked {minutes} as {key}",
    )


def step(who: Actor, rng: random.Random, what: str) -> None:
    """Submit, approve, reject or reverse one of the latest entries for which that is open."""
    states = {
        "submit": ["draft"],
        "approve": ["submitted"],
        "reject": ["submitted"],
        "reverse": ["draft", "submitted", "approved"],
    }
    query = sa.select(TimeEntry.id).where(TimeEntry.state.in_(states[what])).order_by(TimeEntry.id.desc()).limit(20)
    ids = list(db.session.scalars(query))
    if not ids:
        return
    entry_id = rng.choice(ids)
    if what == "submit":
        service.submit(db.session, who, entry_id, now=NOW)
    elif what == "approve":
        service.approve(db.session, who, entry_id, now=NOW)
    elif what == "reject":
        service.reject(db.session, who, entry_id, "not ours", now=NOW)
    else:
        service.reverse(db.session, who, entry_id, "reversed in the storm", now=NOW)


def work_carelessly(settings: Settings, storm: Storm, ground: Ground, budget_id: UUID, number: int, reads: Counts) -> None:
    """The negative control: read the balance, let all others read it too, then write it back."""
    engine = sa.create_engine(settings.database_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    minutes, kept = 5, table_of(Budget)
    with engine.connect() as connection:
        for turn in range(storm.operations):
            booked, limit = connection.execute(sa.select(kept.c.booked, kept.c.limit_minutes).where(kept.c.id == budget_id)).one()
            reads[number] = turn + 1
            wait_until(lambda turn=turn: min(reads.all()) > turn, seconds=30)  # type: ignore[misc]
            if booked + minutes > limit:
                continue
            entry = careless_entry(ground, minutes, f"asked {minutes} as {number}.{turn}")
            posting = {
                "id": new_id(),
                "budget_id": budget_id,
                "block_id": None,
                "minutes": minutes,
                "approved_minutes": 0,
                "at": NOW,
            }
            posting |= {name: entry[name] for name in ("engagement_id", "site_id")} | {"entry_id": entry["id"]}
            connection.execute(sa.insert(table_of(TimeEntry)).values(entry))
            connection.execute(sa.insert(table_of(Posting)).values(posting))
            connection.execute(sa.update(kept).where(kept.c.id == budget_id).values(booked=booked + minutes))


def careless_entry(ground: Ground, minutes: int, note: str) -> dict[str, Any]:
    values: dict[str, Any] = {"id": new_id(), "engagement_id": ground.engagements[0], "site_id": ground.sites[0]}
    values |= {"person_id": ground.who.person_id, "worked_on": TODAY, "minutes": minutes, "kind": "known_incompatibility"}
    return values | {"activity": "research", "note": note, "state": "draft", "created_at": NOW}


def wait_until(holds: Callable[[], bool], *, seconds: float) -> None:
    """Look again and again until something is true. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(POLL_SECONDS)


# --- the storm -------------------------------------------------------------------------------------------------------


def rage(storm: Storm, start: Callable[[int], int], done: Counts) -> tuple[int, list[str]]:
    """Keep all workers going and kill some of them; return how many were killed, and who ended otherwise."""
    rng = dice(storm, "kills")
    total = storm.workers * storm.operations
    moments = sorted(rng.randrange(max(1, total * 9 // 10)) for _ in range(storm.kills))
    running = {start(number): number for number in range(storm.workers)}
    killed = 0
    faults: list[str] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    try:
        while running:
            if time.monotonic() > deadline:
                return killed, [*faults, f"the storm was not over after {PATIENCE_SECONDS} seconds"]
            if killed < len(moments) and sum(done.all()) >= moments[killed]:
                os.kill(rng.choice(list(running)), signal.SIGKILL)
                killed += 1
            for pid, status in ended(running):
                number = running.pop(pid)
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
                    running[start(number)] = number
                elif status:
                    faults.append(f"worker {number} ended with status {status}")
            time.sleep(POLL_SECONDS)
    finally:
        for pid in running:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
    return killed, faults


def ended(pids: Sequence[int] | dict[int, int]) -> list[tuple[int, int]]:
    """Which of these children have ended, and how."""
    found = [os.waitpid(pid, os.WNOHANG) for pid in pids]
    return [(pid, status) for pid, status in found if pid]


# --- the judge -------------------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """What the judge counted; all but the first line must be nothing."""

    entries: int = 0
    postings: int = 0
    overshoot: int = 0
    drift: int = 0
    lost_minutes: int = 0
    doubled_minutes: int = 0
    faults: list[str] = field(default_factory=list)


COUNTERS = """
    SELECT c.id, {kind} AS kind, c.limit_minutes, c.booked, c.approved,
        COALESCE(SUM(p.minutes), 0) AS posted, COALESCE(SUM(p.approved_minutes), 0) AS accepted
    FROM {table} c LEFT JOIN posting p ON p.{key} = c.id GROUP BY c.id, c.limit_minutes, c.booked, c.approved
"""
POOLS = """
    SELECT b.id, b.limit_minutes, b.booked, b.approved,
        SUM(CASE WHEN k.voided_at IS NULL THEN k.limit_minutes - k.lapsed_minutes ELSE 0 END), SUM(k.booked), SUM(k.approved)
    FROM budget b JOIN ps_block k ON k.engagement_id = b.engagement_id WHERE b.kind = 'ps'
    GROUP BY b.id, b.limit_minutes, b.booked, b.approved
"""
# What the entries in force say was worked, beside what their budget counts.
WORKED = """
    SELECT b.id, b.booked, COALESCE(SUM(t.minutes), 0)
    FROM budget b LEFT JOIN time_entry t ON t.engagement_id = b.engagement_id
        AND t.state IN ('draft', 'submitted', 'approved')
        AND ((b.kind = 'ps' AND t.kind = 'ps') OR (t.site_id = b.site_id AND t.kind = b.kind)
            OR (t.site_id = b.site_id AND b.kind = 'premium_extra' AND t.kind = 'premium'))
    GROUP BY b.id, b.booked
"""
ENTRIES = """
    SELECT t.id, t.state, t.minutes, COALESCE(SUM(p.minutes), 0), COALESCE(SUM(p.approved_minutes), 0)
    FROM time_entry t LEFT JOIN posting p ON p.entry_id = t.id GROUP BY t.id, t.state, t.minutes
"""
REVERSALS = """
    SELECT r.id, r.minutes + t.minutes, SUM(p.minutes), SUM(p.approved_minutes)
    FROM time_entry r JOIN time_entry t ON t.id = r.reverses_id JOIN posting p ON p.entry_id IN (r.id, t.id)
    GROUP BY r.id, r.minutes, t.minutes
"""
ASKED = "SELECT note, SUM(minutes) FROM time_entry WHERE note LIKE 'asked %' AND reverses_id IS NULL GROUP BY note"
UNTOLD = """
    SELECT (SELECT COUNT(*) FROM time_entry WHERE reverses_id IS NULL)
        - (SELECT COUNT(*) FROM audit_entry WHERE action = 'time_entry.booked')
"""


def judge(settings: Settings, kept: dict[str, int]) -> Verdict:
    """Count from what was written. `kept` is what workers were told is booked: key to minutes."""
    verdict = Verdict()
    engine = sa.create_engine(settings.database_url, poolclass=sa.NullPool)
    with engine.connect() as connection:

        def rows(query: str) -> Rows:
            return connection.execute(sa.text(query)).all()

        verdict.entries, verdict.postings = (
            int(rows(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in ("time_entry", "posting")
        )
        _judge_counters(verdict, rows)
        _judge_entries(verdict, rows)
        _judge_minutes(verdict, {str(row[0]): int(row[1]) for row in rows(ASKED)}, kept)
        if untold := rows(UNTOLD)[0][0]:
            verdict.faults.append(f"{untold} entries have no line in the audit trail")
    engine.dispose()
    return verdict


def _judge_counters(verdict: Verdict, rows: Callable[[str], Rows]) -> None:
    counters = [
        *rows(COUNTERS.format(table="budget", kind="MIN(c.kind)", key="budget_id")),
        *rows(COUNTERS.format(table="ps_block", kind="MIN('block')", key="block_id")),
    ]
    for row in counters:
        lawful = LAWFUL_LIMIT.get(row.kind, row.limit_minutes)
        verdict.overshoot += max(0, row.posted - lawful, row.booked - lawful)
        verdict.drift += abs(row.booked - row.posted) + abs(row.approved - row.accepted)
        if row.limit_minutes != lawful:
            verdict.faults.append(f"{row.kind} {row.id} has a limit of {row.limit_minutes} minutes")
    verdict.drift += sum(abs(row[i] - row[i + 3]) for row in rows(POOLS) for i in (1, 2, 3))
    verdict.drift += sum(abs(row[1] - row[2]) for row in rows(WORKED))


def _judge_entries(verdict: Verdict, rows: Callable[[str], Rows]) -> None:
    for entry_id, state, minutes, posted, accepted in rows(ENTRIES):
        should = 0 if state == "rejected" else minutes
        settled = state in ("reversed", "reversal") or accepted == (minutes if state == "approved" else 0)
        if posted != should or not settled:
            verdict.faults.append(f"entry {entry_id} ({state}, {minutes} min) posted {posted}/{accepted}")
    verdict.faults += [f"reversal {row[0]} leaves {row[1:]}" for row in rows(REVERSALS) if any(row[1:])]


def _judge_minutes(verdict: Verdict, found: dict[str, int], kept: dict[str, int]) -> None:
    for note, minutes in found.items():
        asked = int(note.split()[1])
        verdict.lost_minutes += max(0, asked - minutes)
        verdict.doubled_minutes += max(0, minutes - asked)
    for key, minutes in kept.items():
        if f"asked {minutes} as {key}" not in found:
            verdict.lost_minutes += minutes
            verdict.faults.append(f"{minutes} minutes of {key} were told to be kept and are gone")


def run(storm: Storm) -> dict[str, Any]:
    """Let the storm rage on a fresh database, and judge what it left."""
    began = time.monotonic()
    with storm_database(storm.engine) as settings:
        app = create_app(settings)
        with app.app_context():
            ground = prepare()
            allowance = db.session.scalars(sa.select(Budget.id).where(Budget.site_id == ground.sites[0])).one()
            db.session.remove()
            db.engine.dispose()
        done = Counts(storm.workers)

        def start(number: int) -> int:
            if storm.careless:
                return fork(lambda: work_carelessly(settings, storm, ground, allowance, number, done))
            journal = Journal(settings.instance / f"worker-{number}")
            return fork(lambda: work_through(app, storm, ground, number, done, journal))

        raging = time.monotonic()
        killed, faults = rage(storm, start, done)
        seconds = time.monotonic() - raging
        said = read_journals(settings.instance)
        verdict = judge(settings, {line[1]: int(line[2]) for line in said if line[0] == "kept"})
        with app.app_context():
            chains = audit.chain_faults(db.session)
            verify = [*budget.counter_faults(db.session), *time_entry.entry_faults(db.session)]
            db.session.remove()
            db.engine.dispose()
    unhandled = [" ".join(line[1:]) for line in said if line[0] == "unhandled"]
    counted = Counter(f"{line[0]} {line[1]}" for line in said if line[0] in ("did", "refused", "repeated"))
    faults += verdict.faults + chains + verify + unhandled
    sound = not faults and not (verdict.overshoot or verdict.drift or verdict.lost_minutes or verdict.doubled_minutes)
    return {
        "ok": sound,
        **asdict(storm),
        "killed": killed,
        "storm_seconds": round(seconds, 1),
        "seconds": round(time.monotonic() - began, 1),
        "counted": dict(sorted(counted.items())),
        **asdict(verdict),
        "unhandled": len(unhandled),
        "faults": faults[:20],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.storm.ledger", description=__doc__.split("\n\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--operations", type=int, default=500, help="of each worker")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--careless", action="store_true", help="the negative control: read the balance and write it back")
    report = run(Storm(**vars(parser.parse_args())))
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    sys.exit(0 if report["ok"] else 1)


if __name__ == "__main__":
    main()
