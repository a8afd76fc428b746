"""The inbound storm: presses and commands, each delivered several times at once, to a served app whose workers are killed.

The judge is the database: as many effects as actions, and every delivery of an action was answered alike.
Run it with `python -m tests.storm.inbound --help`.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from http.client import HTTPException
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

import sqlalchemy as sa

from tests.factories import agree, make_engagement, make_person, make_site
from tests.server import environment, serving
from tests.slack_double.inbound import SECRET, Heard, SlackUser, served
from tests.storm.database import ENGINES, storm_database
from tests.storm.outbox import due_notice
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import Audience
from tracker.settings import Settings
from tracker.store import outbox
from tracker.store.audit import AuditEntry
from tracker.store.database import db
from tracker.store.message_edit import MessageEdit
from tracker.store.notice import OutboxNotice
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

SENDERS = 16
TRIES = 60
REST_SECONDS = 0.05
USER = "USTORM"
POLICIES = ("promised", "new-keys")
ANEW = count(1)
BUSY = "try again in a moment"
Request = tuple[str, bytes, str]


@dataclass(frozen=True)
class Storm:
    """What is to happen: so many actions, each delivered so often, while so many workers are killed."""

    engine: str
    actions: int = 1000
    deliveries: int = 4
    kills: int = 20
    workers: int = 2
    seed: int = 1
    policy: str = "promised"


def prepare(storm: Storm) -> list[Request]:
    """Half of the actions acknowledge a message each, the other half log a minute each."""
    manager = make_person("engagement_manager", slack_user_id=USER)
    engagement = make_engagement(manager)
    make_site(engagement, name="Shop", url="https://shop.example.com")
    agree(engagement)
    now, presses = utc_now(), storm.actions // 2
    notices = [due_notice(number, now) for number in range(presses)]
    with transaction(db.session, now=now):
        outbox.plan(db.session, engagement.id, notices, {Audience.CUSTOMER: "C1"}, now)
    user = SlackUser(served(""), USER)
    ids = list(db.session.scalars(sa.select(OutboxNotice.id)))
    pressed = [user.press_request({"action_id": "tracker.ack", "value": str(each)}) for each in ids]
    logged = [
        user.command_request(f"/log 1m shop.example.com #included {number}", trigger_id=f"storm.{number}")
        for number in range(storm.actions - len(pressed))
    ]
    db.session.remove()
    return [*pressed, *logged]


class Deliverer:
    """Delivers as Slack and its people do: again, until there is an answer."""

    def __init__(self, address: str) -> None:
        self._user = SlackUser(served(address), USER)
        self._lock = Lock()
        self.answers: dict[int, Counter[str]] = {}
        self.seconds: list[float] = []
        self.busy = self.cut = 0
        self.odd: list[str] = []

    def deliver(self, number: int, request: Request) -> None:
        for _ in range(TRIES):
            began = time.monotonic()
            try:
                heard = self._user.deliver(*request)
            except (OSError, HTTPException):
                with self._lock:
                    self.cut += 1
                time.sleep(REST_SECONDS)
                continue
            if self._note(number, heard, time.monotonic() - began):
                return
            time.sleep(REST_SECONDS)
        with self._lock:
            self.odd.append(f"{number}: never answered")

    def _note(self, number: int, heard: Heard, seconds: float) -> bool:
        with self._lock:
            self.seconds.append(seconds)
            if heard.status != 200:
                self.odd.append(f"{number}: HTTP {heard.status}")
                return True
            if BUSY in heard.text:
                self.busy += 1
                return False
            self.answers.setdefault(number, Counter())[heard.text] += 1
            return True


def rage(storm: Storm, settings: Settings, requests: list[Request]) -> dict[str, Any]:
    """Deliver everything, mixed, and kill a worker every so often."""
    chance = random.Random(storm.seed)  # noqa: S311 -- to be run again, not to be secret
    with tempfile.TemporaryDirectory(prefix="storm-served-") as folder:
        over = {"DATABASE_URL": settings.database_url, "SLACK_SIGNING_SECRET": SECRET}
        environ = environment(Path(folder), **over)
        with serving(Path(folder), "--workers", str(storm.workers), environ=environ) as running:
            deliverer, done = Deliverer(running.address), count(1)
            killed: list[bool] = []
            rounds = [(number, request) for number, request in enumerate(requests) for _ in range(storm.deliveries)]
            # Deliveries of one action stand close together, so that they meet.
            rounds.sort(key=lambda each: each[0] + chance.random() * 8)
            every = len(rounds) // (storm.kills + 1) if storm.kills else 0

            def one(each: tuple[int, Request]) -> None:
                number, request = each
                deliverer.deliver(number, request if storm.policy == "promised" else anew(request))
                if every and next(done) % every == 0 and len(killed) < storm.kills:
                    killed.append(kill_one(running.pid, chance))

            with ThreadPoolExecutor(SENDERS) as pool:
                list(pool.map(one, rounds))
    return verdict(storm, settings, deliverer, sum(killed))


def anew(request: Request) -> Request:
    """The negative control: a delivery that looks like another press or command, though it is the same."""
    path, body, content_type = request
    return path, body.replace(b"storm.", f"storm.{next(ANEW)}.".encode()), content_type


def kill_one(server: int, chance: random.Random) -> bool:
    """Kill -9 one of the web workers that our server has started."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    with suppress(ProcessLookupError):
        if children:
            os.kill(int(chance.choice(children)), signal.SIGKILL)
            return True
    return False


def verdict(storm: Storm, settings: Settings, deliverer: Deliverer, kills: int) -> dict[str, Any]:
    """What the database holds, and what was answered."""
    app = create_app(settings)
    with app.app_context():
        entries = db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) or 0
        acked = db.session.scalar(sa.select(sa.func.count()).where(OutboxNotice.acknowledged_at.is_not(None))) or 0
        edits = db.session.scalar(sa.select(sa.func.coalesce(sa.func.sum(MessageEdit.wanted), 0))) or 0
        said = ("time_entry.booked", "notice.acknowledged")
        audited = db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry).where(AuditEntry.action.in_(said))) or 0
        db.session.remove()
        db.engine.dispose()
    quick = sorted(deliverer.seconds)
    return asdict(storm) | {
        "effects": entries + acked,
        "wrong_effects": abs(entries + acked - storm.actions) + abs(audited - storm.actions) + abs(edits - acked),
        "unlike_answers": sum(len(each) > 1 for each in deliverer.answers.values()),
        "unanswered": storm.actions - len(deliverer.answers),
        "odd": deliverer.odd[:5],
        "killed": kills,
        "busy": deliverer.busy,
        "cut": deliverer.cut,
        "p99_seconds": round(quick[int(len(quick) * 0.99)], 3),
        "max_seconds": round(quick[-1], 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.storm.inbound", description=__doc__)
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    for name, default in (("actions", 1000), ("deliveries", 4), ("kills", 20), ("workers", 2), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--policy", choices=POLICIES, default="promised", help="new-keys shows that the judge finds doubles")
    storm = Storm(**vars(parser.parse_args()))
    with storm_database(storm.engine) as settings:
        app = create_app(settings)
        with app.app_context():
            requests = prepare(storm)
            db.engine.dispose()
        found = rage(storm, settings, requests)
    sys.stdout.write(json.dumps(found) + "\n")
    clean = not (found["wrong_effects"] or found["unlike_answers"] or found["unanswered"] or found["odd"])
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
