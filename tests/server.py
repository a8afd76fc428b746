"""A real server for tests: `tracker serve` in a process of its own, on loopback, ended by its own id."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 30
QUICK = {"TRACKER_PASSWORD_TIME_COST": "1", "TRACKER_PASSWORD_MEMORY_KIB": "64", "TRACKER_TICK": "0.2", "TRACKER_PACE": "0.05"}


@dataclass(frozen=True)
class Running:
    """A server that answers: its address, what it printed before it did, its process id."""

    address: str
    printed: list[str]
    pid: int

    @property
    def first_admin_link(self) -> str:
        """The link that makes the first administrator, as it was printed."""
        return next(line.split()[-1] for line in self.printed if "first-admin" in line)


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def environment(folder: Path, **over: str) -> dict[str, str]:
    """The environment of a process of ours: nothing of the caller's but the way to programs."""
    return (
        {"PATH": os.environ["PATH"], "HOME": str(folder), "TRACKER_INSTANCE": str(folder), "PYTHONUNBUFFERED": "1"} | QUICK | over
    )


@contextmanager
def serving(folder: Path, *words: str, environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[Running]:
    """Run `tracker serve` until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "tracker", "serve", "--port", str(port), *words]
    log = (folder / "server.log").open("w")
    process = subprocess.Popen(
        command, cwd=cwd, env=dict(environ or environment(folder)), stdout=subprocess.PIPE, stderr=log, text=True
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, folder / "server.log")
        yield Running(address, _printed(process), process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)
        log.close()


def _wait(address: str, process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:  # noqa: S310
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, f"the server ended: {log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"the server did not come up: {log.read_text()[-2000:]}"
            time.sleep(0.05)


def _printed(process: "subprocess.Popen[str]") -> list[str]:
    """What was printed before the server answered, without waiting for more."""
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    return [line.rstrip() for line in process.stdout]
