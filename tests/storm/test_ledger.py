"""The hour ledger under storm: workers that are killed, clients that all come at once, and a careless one that is caught."""

import http.client
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.factories import make_agreed_site, make_person, make_token
from tests.storm.database import ENGINES, fork
from tracker.settings import Settings
from tracker.store.database import db

ROOT = Path(__file__).parents[2]
START_SECONDS = 30
CLIENTS, MINUTES = 50, 7


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


def book(port: int, token: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """One booking over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    try:
        connection.request("POST", "/api/v1/time-entries", json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def all_at_once(port: int, token: str, body: dict[str, Any], folder: Path) -> list[tuple[int, dict[str, Any]]]:
    """Every client is a process; none begins before all are there. Each books once and writes down what it was told."""
    waiting, go = os.pipe()

    def client(number: int) -> None:
        os.close(go)
        os.read(waiting, 1)  # Answers nothing until the last writer has gone.
        (folder / f"client-{number}").write_text(json.dumps(book(port, token, body)))

    pids = [fork(lambda number=number: client(number)) for number in range(CLIENTS)]  # type: ignore[misc]
    os.close(waiting)
    os.close(go)
    assert [os.waitpid(pid, 0)[1] for pid in pids] == [0] * CLIENTS
    return [tuple(json.loads((folder / f"client-{number}").read_text())) for number in range(CLIENTS)]


def test_of_fifty_clients_at_once_exactly_those_that_fit_are_accepted(app: Flask, settings: Settings) -> None:
    engineer = make_person("admin")
    site = make_agreed_site()
    token = make_token(engineer)
    body = {
        "site_id": str(site.id),
        "worked_on": "2026-03-02",
        "minutes": MINUTES,
        "kind": "known_incompatibility",
        "activity": "research",
    }
    db.session.remove()
    db.engine.dispose()
    with served(settings, workers=1 if settings.on_sqlite else 2) as port:
        told = all_at_once(port, token, body, settings.instance)
    assert Counter(status for status, _ in told) == {201: 300 // MINUTES, 409: CLIENTS - 300 // MINUTES}
    for status, answer in told:
        if status == 201:
            assert answer["draws"] == [{"kind": "known_incompatibility", "minutes": MINUTES, "block_id": None}]
        else:
            assert (answer["code"], answer["left_minutes"]) == ("budget_exceeded", 300 % MINUTES)
            assert [(option["action"], option["minutes"]) for option in answer["options"]] == [
                ("buy_ps", 240),
                ("change_request", MINUTES - 300 % MINUTES),
            ]
    command = [sys.executable, "-m", "tracker", "verify", "--json"]
    verified = subprocess.run(command, cwd=ROOT, env=environment(settings), capture_output=True, text=True, check=False)
    assert (verified.returncode, json.loads(verified.stdout)) == (0, {"ok": True, "faults": []}), verified.stderr
