"""Fixtures: each test gets a copy of a migrated database, on SQLite and on PostgreSQL, and an application on it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.postgres import PostgresServer
from tracker import layout
from tracker.app import create_app
from tracker.settings import Settings, read_settings
from tracker.store import schema
from tracker.store.database import db

ENGINES = ("sqlite", "postgresql")
TEMPLATE = "template_tracker"


def settings_for(folder: Path, database_url: str | None = None, **over: object) -> Settings:
    """Settings for one test: cheap passwords, quick waits, no environment."""
    environ = {"TRACKER_INSTANCE": str(folder), "SECRET_KEY": "tests only", "BASE_URL": "http://localhost"}
    if database_url is not None:
        environ["DATABASE_URL"] = database_url
    read = read_settings(environ)
    return replace(read, password_time_cost=1, password_memory_kib=64, **over)  # type: ignore[arg-type]


def migrated(settings: Settings) -> None:
    """Bring the database of some settings to head."""
    app = create_app(settings)
    with app.app_context():
        schema.upgrade(db.engine, layout.folder("migrations"))
        db.engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database that tests copy."""
    folder = tmp_path_factory.mktemp("template")
    migrated(settings_for(folder))
    return folder / "tracker.sqlite"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL with a migrated, empty database that tests copy."""
    with PostgresServer() as server:
        server.create_database(TEMPLATE)
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> PostgresServer:
    """The server, its template migrated."""
    migrated(settings_for(tmp_path_factory.mktemp("pg"), postgres.url(TEMPLATE)))
    return postgres


@pytest.fixture(params=ENGINES)
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings on a fresh database, once for each engine."""
    if request.param == "sqlite":
        source: Path = request.getfixturevalue("sqlite_template")
        shutil.copyfile(source, tmp_path / "tracker.sqlite")
        yield settings_for(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_template")
    name = f"test_{uuid4().hex}"
    server.create_database(name, TEMPLATE)
    yield settings_for(tmp_path, server.url(name))
    server.drop_database(name)


class Browser(FlaskClient):
    """A test's browser. A request shares the test's application context, so it starts with a session of its own."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        db.session.remove()
        try:
            return super().open(*args, **kwargs)
        finally:
            db.session.remove()


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    """An application on a fresh database."""
    made = create_app(settings)
    made.config["WTF_CSRF_ENABLED"] = False
    made.test_client_class = Browser
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without pages: requests go straight to the application."""
    return app.test_client()


@pytest.fixture
def noon() -> datetime:
    """A working day's noon."""
    return datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def one_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests move the clock of their process; a server's own would not follow, so it shows the same."""
    monkeypatch.setattr("tracker.store.clock.ask", lambda _session, here: here)
