"""The hour ledger under storm: workers that are killed, clients that all come at once, and a careless one that is caught."""

import http.client
import json
import os
import re
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from tests.factories import make_agreed_site, make_person, make_token
from tests.storm.database import ENGINES, fork
from tracker.clock import utc_now
from tracker.services import sign_in
from tracker.settings import Settings
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.transaction import transaction

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
CLIENTS, MINUTES = 50, 7
WORK = {"worked_on": "2026-03-02", "kind": "known_incompatibility", "activity": "research"}


def storm(*words: str) -> tuple[int, dict[str, Any]]:
    """Run a storm in a process of its own, forked workers and all."""
    command = [sys.executable, "-m", "tests.storm.ledger", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.stdout, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, report


@pytest.mark.parametrize("engine", ENGINES)
def test_no_minute_is_lost_or_drawn_twice_while_workers_are_killed(engine: str) -> None:
    status, report = storm("--engine", engine, "--workers", "4", "--operations", "80", "--kills", "12", "--seed", "7")
    assert (status, report["ok"]) == (0, True), report
    assert report["killed"] == 12
    assert [report[name] for name in ("overshoot", "drift", "lost_minutes", "doubled_minutes", "unhandled")] == [0] * 5
    assert report["counted"]["did split"] > 10, "the storm did what it is for"


@pytest.mark.parametrize("engine", ENGINES)
def test_the_judge_catches_a_worker_that_reads_the_balance_and_writes_it_back(engine: str) -> None:
    words = ("--engine", engine, "--workers", "3", "--operations", "25", "--kills", "0", "--careless")
    status, report = storm(*words)
    assert (status, report["ok"]) == (1, False)
    assert report["overshoot"] > 0
    assert report["drift"] > 0
    assert any("adds up" in fault or "add up" in fault for fault in report["faults"]), "tracker verify sees it as well"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def environment(settings: Settings) -> dict[str, str]:
    """What a command needs to find the same database, and nothing else of ours."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SLACK_", "TRACKER_", "SMTP_"))}
    told = {
        "DATABASE_URL": settings.database_url,
        "TRACKER_INSTANCE": str(settings.instance),
        "SECRET_KEY": "tests only",
        "BASE_URL": "http://127.0.0.1",
        "NO_PROXY": "127.0.0.1",
    }
    return inherited | told


@contextmanager
def served(settings: Settings, *, workers: int) -> Iterator[int]:
    """A real server on a free port of this machine; it is ended by its own process id."""
    port = free_port()
    words = [sys.executable, "-m", "tracker", "serve", "--port", str(port), "--workers", str(workers)]
    with (settings.instance / "server.log").open("wb") as log:
        server = subprocess.Popen(words, cwd=ROOT, env=environment(settings), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            assert server.poll() is None, (settings.instance / "server.log").read_text()
            assert time.monotonic() < deadline, "the server did not come up"
        yield port
    finally:
        server.terminate()
        server.wait(timeout=30)


def answers(port: int) -> bool:
    """Whether somebody answers there; asked again at once, it costs nothing."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        select.select([], [], [], 0.05)
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Booker:
    """Who books, and what: an address, what proves who it is, and a site."""

    port: int
    token: str
    cookie: str
    site_id: UUID

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, str, str]:
        """One request over a connection of its own: status, text, and the cookie that came with it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(), (answer.getheader("Set-Cookie") or "").partition(";")[0]
        finally:
            connection.close()


Told = tuple[str, dict[str, Any]]
# Everything but the booking itself, which is what is returned: a client has it ready before any other begins.
Door = Callable[[Booker, int], Callable[[], Told]]


def by_api(booker: Booker, _number: int) -> Callable[[], Told]:
    body = WORK | {"site_id": str(booker.site_id), "minutes": MINUTES}
    bearer = {"Authorization": f"Bearer {booker.token}", "Content-Type": "application/json"}

    def send() -> Told:
        status, text, _ = booker.ask("POST", "/api/v1/time-entries", json.dumps(body), **bearer)
        assert status in (201, 409), text
        return "kept" if status == 201 else "refused", json.loads(text)

    return send


def by_form(booker: Booker, number: int) -> Callable[[], Told]:
    _, page, cookie = booker.ask("GET", "/time", Cookie=booker.cookie)
    (token,) = set(re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page))
    said = WORK | {
        "csrf_token": token,
        "request_key": f"client {number}",
        "site_id": str(booker.site_id),
        "duration": f"{MINUTES}m",
    }
    form = {"Cookie": cookie or booker.cookie, "Content-Type": "application/x-www-form-urlencoded"}

    def send() -> Told:
        status, text, _ = booker.ask("POST", "/time", urlencode(said), **form)
        left = re.search(r"(\d+) min left", text)
        assert status in (303, 409), f"{status}: {text[-600:]}"
        return "kept" if status == 303 else "refused", {"left_minutes": int(left[1])} if left else {}

    return send


def by_import(booker: Booker, number: int) -> Callable[[], Told]:
    row = f"{WORK['worked_on']},{booker.site_id},{MINUTES},{WORK['kind']},{WORK['activity']},client {number}"
    table = f"worked_on,site_id,minutes,kind,activity,note\n{row}\n"
    bearer = {"Authorization": f"Bearer {booker.token}", "Content-Type": "text/csv"}

    def send() -> Told:
        status, text, _ = booker.ask("POST", "/api/v1/time-entries/import", table, **bearer)
        assert status == 200, text
        answer = json.loads(text)
        return "kept" if answer["accepted"] else "refused", answer

    return send


def all_at_once(booker: Booker, doors: Sequence[Door], folder: Path) -> list[tuple[str, Told]]:
    """Every client is a process; none begins before all are there. Each books once and writes down what it was told."""
    ready, told_ready = os.pipe()
    waiting, go = os.pipe()

    def client(number: int) -> None:
        os.close(go)
        send = doors[number % len(doors)](booker, number)
        os.write(told_ready, b".")
        os.read(waiting, 1)  # Answers nothing until the last writer has gone.
        (folder / f"client-{number}").write_text(json.dumps(send()))

    pids = [fork(lambda number=number: client(number)) for number in range(CLIENTS)]  # type: ignore[misc]
    os.close(waiting)
    os.close(told_ready)
    there = 0
    while there < CLIENTS:
        came = os.read(ready, CLIENTS)
        assert came, "a client ended before it was ready"
        there += len(came)
    os.close(go)
    os.close(ready)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * CLIENTS
    told = [json.loads((folder / f"client-{number}").read_text()) for number in range(CLIENTS)]
    return [(doors[number % len(doors)].__name__, (kind, answer)) for number, (kind, answer) in enumerate(told)]


def signed_in(app: Flask, person: Person) -> str:
    """The cookie of a browser in which somebody is signed in."""
    with transaction(db.session, now=utc_now()):
        secret = sign_in.start_session(db.session, person, "storm", now=utc_now())
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps({'session': secret})}"


def test_of_fifty_clients_through_three_doors_at_once_exactly_those_that_fit_are_accepted(app: Flask, settings: Settings) -> None:
    admin = make_person("admin")
    site = make_agreed_site()
    token, cookie = make_token(admin), signed_in(app, admin)
    db.session.remove()
    db.engine.dispose()
    with served(settings, workers=1 if settings.on_sqlite else 2) as port:
        told = all_at_once(Booker(port, token, cookie, site.id), (by_api, by_form, by_import), settings.instance)
    assert Counter(kind for _, (kind, _) in told) == {"kept": 300 // MINUTES, "refused": CLIENTS - 300 // MINUTES}
    for door, (kind, answer) in told:
        if door == "by_api" and kind == "kept":
            assert answer["draws"] == [{"kind": "known_incompatibility", "minutes": MINUTES, "block_id": None}]
        elif door == "by_api":
            assert (answer["code"], answer["left_minutes"]) == ("budget_exceeded", 300 % MINUTES)
            assert [(option["action"], option["minutes"]) for option in answer["options"]] == [
                ("buy_ps", 240),
                ("change_request", MINUTES - 300 % MINUTES),
            ]
        elif door == "by_form" and kind == "refused":
            assert answer == {"left_minutes": 300 % MINUTES}
        elif door == "by_import" and kind == "refused":
            assert f"{300 % MINUTES} min left" in answer["rejected"][0]["reason"]
    command = [sys.executable, "-m", "tracker", "verify", "--json"]
    verified = subprocess.run(command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False)
    assert (verified.returncode, json.loads(verified.stdout)) == (0, {"ok": True, "faults": []}), verified.stderr
