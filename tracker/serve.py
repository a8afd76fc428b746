"""The server: gunicorn inside our own command. With one worker the metronome beats in the same process."""

import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from tracker.jobs import runner
from tracker.jobs.runner import Metronome
from tracker.jobs.step import Delivery
from tracker.logs import logging_config
from tracker.slack.inbound import socket_mode
from tracker.store.database import db

# How long a thread may keep the interpreter to itself. Who holds the database's only place to write would otherwise wait
# for threads that compute up to five milliseconds each time it comes back from the disk, and all other writers with it.
SWITCH_SECONDS = 0.0005


class Server(BaseApplication):  # type: ignore[misc]
    """Serves an application that was made before the fork."""

    def __init__(self, app: Flask, worker: Delivery, *, host: str, port: int, workers: int, threads: int) -> None:
        self._app, self._worker = app, worker
        self._wanted = {
            "bind": f"{host if ':' not in host else f'[{host}]'}:{port}",
            "workers": workers,
            "threads": threads,
            "worker_class": "gthread",
            "reuse_port": workers > 1,
            "control_socket_disable": True,
            "logconfig_dict": logging_config(),
            "graceful_timeout": 10,
            "post_worker_init": self._begin,
            "worker_exit": self._end,
        }
        self._metronome: Metronome | None = None
        self._listener: socket_mode.Listener | None = None
        self._beats = workers == 1
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._wanted.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app

    def _begin(self, _worker: Any) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        # Never before the fork: threads and connections do not survive it.
        if self._beats:
            self._metronome = runner.start(self._app, self._worker)
            self._listener = socket_mode.start(self._app)

    def _end(self, _server: Any, _worker: Any) -> None:
        if self._metronome is not None:
            self._metronome.shutdown(wait=False)
        if self._listener is not None:
            self._listener.close()
        with self._app.app_context():
            db.engine.dispose()
