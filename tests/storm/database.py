"""A migrated database for a storm: on either engine one that keeps what it commits, gone when the storm is over."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from tests.conftest import migrated, settings_for
from tests.postgres import PostgresServer
from tracker.settings import Settings

ENGINES = ("sqlite", "postgresql")

assert psycopg.__version__, "loaded before any fork, so that no child pays for it"


@contextmanager
def storm_database(engine: str, **over: Any) -> Iterator[Settings]:
    """Settings on a fresh, migrated database of its own; `over` replaces settings."""
    with storm_ground(engine, **over) as (settings, _server):
        yield settings


@contextmanager
def storm_ground(engine: str, **over: Any) -> Iterator[tuple[Settings, PostgresServer | None]]:
    """The same, with the server under it where there is one: to be crashed, and its tools to be found by name."""
    with tempfile.TemporaryDirectory(prefix="storm-") as name:
        folder = Path(name)
        if engine == "sqlite":
            settings = settings_for(folder, **over)
            migrated(settings)
            yield settings, None
            return
        with PostgresServer(durable=True) as server:
            database = f"storm_{uuid4().hex}"
            server.create_database(database)
            settings = settings_for(folder, server.url(database), **over)
            migrated(settings)
            path = os.environ["PATH"]
            try:
                os.environ["PATH"] = f"{server.bin_dir}:{path}"
                yield settings, server
            finally:
                os.environ["PATH"] = path
                server.drop_database(database)


def fork(work: Callable[[], None]) -> int:
    """Run something in a child and return its process id. It leaves with 0, or with 1 where it raised.

    Dispose of every engine first: connections do not survive a fork.
    """
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        work()
        status = 0
    except BaseException as error:  # noqa: BLE001 -- a child that raises must not go on as a second parent
        os.write(2, f"child {os.getpid()}: {error!r}\n".encode())
    finally:
        os._exit(status)
