"""Servers under measurement: ours and the yardstick, on loopback, the same way, each ended by its own id."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import yardstick
from tests.server import free_port
from tracker.settings import Settings

ROOT = Path(__file__).parents[1]
WORKERS, THREADS = 2, 4
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.005


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    port: int
    pid: int


@contextmanager
def yardstick_server(address: str, folder: Path) -> Iterator[Server]:
    """The yardstick on its database."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--reuse-port"),
        *("--workers", str(WORKERS), "--threads", str(THREADS), "--no-control-socket", "bench.yardstick:app"),
    ]
    with running(command, port, "/portfolio", {yardstick.VARIABLE: address}, folder) as server:
        yield server


@contextmanager
def tracker_server(
    settings: Settings, *, workers: int = WORKERS, threads: int = THREADS, environ: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Ours on its database. With one worker it delivers as well."""
    port, said = free_port(), environment_of(settings, environ)
    with running(command_of(port, workers, threads), port, "/healthz", said, settings.instance) as server:
        yield server


def command_of(port: int, workers: int, threads: int) -> list[str]:
    """How people start our server."""
    return [
        *(sys.executable, "-m", "tracker", "serve", "--port", str(port)),
        *("--workers", str(workers), "--threads", str(threads)),
    ]


def environment_of(settings: Settings, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The settings as our own process reads them."""
    said = {"TRACKER_INSTANCE": str(settings.instance), "SECRET_KEY": settings.secret_key}
    return said | {"DATABASE_URL": settings.database_url} | dict(more or {})


@contextmanager
def running(command: list[str], port: int, path: str, environ: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """A server in a process of its own from its first answer on, until the block ends."""
    log = folder / f"server-{port}.log"
    inherited = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=folder, env=inherited | dict(environ), stdout=said, stderr=said)
        try:
            wait_for(process, f"http://127.0.0.1:{port}{path}", log)
            yield Server(port, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE_SECONDS)


def wait_for(process: "subprocess.Popen[bytes]", address: str, log: Path) -> None:
    """Return with the first answer. Raises RuntimeError with the end of the log where there is none."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310 -- always our own http address
                return
        except (urllib.error.URLError, ConnectionError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not come up: {log.read_text()[-2000:]}") from None
            time.sleep(POLL_SECONDS)
