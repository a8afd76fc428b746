"""The one way to write: all of it or nothing, and one sentence where the database is busy, full or away."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError, StatementError

from tests.conftest import Browser
from tests.factories import NOW, make_agreed_site, make_engagement, make_person, make_token
from tests.postgres import PostgresServer
from tracker.app import create_app
from tracker.domain.errors import IdempotencyMismatch
from tracker.settings import Settings
from tracker.store import database
from tracker.store.database import WRITING, db
from tracker.store.engagement import Customer
from tracker.store.identity import new_id
from tracker.store.setting import Setting
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import Repeated, RequestKey, RequestRecord, forget_requests, transaction

ONLY_SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
ONLY_POSTGRESQL = pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
SIGN_IN = {"email": "ann@example.com", "password": "a long password"}


def customer(name: str = "Acme") -> Customer:
    return Customer(name=name, name_key=name.casefold())


def customers() -> list[str]:
    db.session.close()
    return list(db.session.scalars(sa.select(Customer.name)))


# --- all or nothing --------------------------------------------------------------------------------------------------


def test_nothing_is_kept_when_the_body_raises(app: Flask) -> None:
    def fail_late() -> None:
        with transaction(db.session, now=NOW):
            db.session.add(customer())
            db.session.flush()
            raise KeyError

    with pytest.raises(KeyError):
        fail_late()
    assert customers() == []
    with transaction(db.session, now=NOW):
        db.session.add(customer())
    assert customers() == ["Acme"], "and the next unit works"


def test_a_write_outside_is_refused(app: Flask) -> None:
    db.session.add(customer())
    with pytest.raises(RuntimeError, match="a write outside"):
        db.session.flush()
    db.session.rollback()
    for statement in (sa.update(Customer).values(name="x"), sa.delete(Customer), sa.insert(Customer).values(name="x")):
        with pytest.raises(RuntimeError, match="a write outside"):
            db.session.execute(statement)
        db.session.rollback()


def test_one_inside_another_is_refused(app: Flask) -> None:
    def nest() -> None:
        with transaction(db.session, now=NOW):
            db.session.add(customer())
            with transaction(db.session, now=NOW):
                pytest.fail("it must not begin")

    with pytest.raises(RuntimeError, match="inside"):
        nest()
    assert customers() == []


def test_what_was_changed_before_is_refused(app: Flask) -> None:
    db.session.add(customer())
    with pytest.raises(RuntimeError, match="before transaction"), transaction(db.session, now=NOW):
        pass
    db.session.rollback()


def test_what_was_read_before_is_read_anew(app: Flask) -> None:
    with transaction(db.session, now=NOW):
        db.session.add(customer())
    before = db.session.scalars(sa.select(Customer)).one()
    with transaction(db.session, now=NOW):
        assert before not in db.session
        assert db.session.scalars(sa.select(Customer)).one() is not before


def test_a_unit_leaves_nothing_behind_for_the_reader(app: Flask) -> None:
    with transaction(db.session, now=NOW):
        assert WRITING.get()
    assert not WRITING.get()
    assert not {"unit", "trail"} & set(db.session.info)


# --- request keys ----------------------------------------------------------------------------------------------------


def test_a_request_that_was_carried_out_is_answered_and_not_repeated(app: Flask) -> None:
    key = RequestKey.of("test", "k-1", "body")
    with transaction(db.session, now=NOW, request_key=key) as unit:
        db.session.add(customer())
        unit.remember({"id": 7})
    with pytest.raises(Repeated) as again, transaction(db.session, now=NOW, request_key=key):
        pytest.fail("the body runs no second time")
    assert again.value.response == {"id": 7}
    with pytest.raises(IdempotencyMismatch), transaction(db.session, now=NOW, request_key=RequestKey.of("test", "k-1", "other")):
        pytest.fail("nor with another request")
    with transaction(db.session, now=NOW, request_key=RequestKey.of("elsewhere", "k-1", "body")):
        db.session.add(customer("Other"))
    assert customers() == ["Acme", "Other"]


def test_a_fingerprint_tells_where_one_part_ends() -> None:
    assert RequestKey.of("s", "k", "ab", "c").fingerprint != RequestKey.of("s", "k", "a", "bc").fingerprint


def test_old_requests_are_forgotten(app: Flask) -> None:
    for hours in (0, 25):
        moment = NOW - timedelta(hours=hours)
        with transaction(db.session, now=moment, request_key=RequestKey.of("test", f"k-{hours}")):
            pass
    with transaction(db.session, now=NOW):
        forget_requests(db.session, before=NOW - timedelta(hours=24))
    assert db.session.scalars(sa.select(RequestRecord.key)).all() == ["k-0"]


# --- moments ---------------------------------------------------------------------------------------------------------


def test_a_naive_moment_is_refused(app: Flask) -> None:
    with pytest.raises(StatementError, match="naive"), transaction(db.session, now=NOW.replace(tzinfo=None)):
        db.session.add(RequestRecord(scope="s", key="k", fingerprint="f", response=None, created_at=NOW.replace(tzinfo=None)))


def test_an_aware_moment_comes_back_as_utc(app: Flask) -> None:
    there = datetime(2026, 3, 29, 3, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with transaction(db.session, now=there):
        db.session.add(RequestRecord(scope="s", key="k", fingerprint="f", response=None, created_at=there))
    db.session.close()
    back = db.session.scalars(sa.select(RequestRecord.created_at)).one()
    assert (back, back.tzinfo) == (there, UTC)


def test_ids_are_in_the_order_in_which_they_were_made() -> None:
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(set(ids))
    assert {each.version for each in ids} == {7}


# --- the engine's settings -------------------------------------------------------------------------------------------


@ONLY_SQLITE
def test_sqlite_keeps_what_it_commits(app: Flask) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": database.BUSY_MILLISECONDS}
    for _ in range(2):
        found = {name: db.session.execute(sa.text(f"PRAGMA {name}")).scalar_one() for name in wanted}
        assert found == wanted
        db.session.remove()
        db.engine.dispose()


@ONLY_SQLITE
def test_a_sqlite_that_does_not_take_its_settings_is_refused(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sqlite3.connect

    def in_memory(*_args: Any, **_kwargs: Any) -> sqlite3.Connection:
        return real(":memory:")  # It cannot have a write-ahead log.

    db.session.remove()
    db.engine.dispose()
    monkeypatch.setattr(sqlite3.dbapi2, "connect", in_memory)
    with pytest.raises(RuntimeError, match="did not take its settings"):
        db.session.execute(sa.text("SELECT 1"))


@ONLY_SQLITE
def test_a_reader_is_not_kept_waiting_by_a_writer(app: Flask, settings: Settings) -> None:
    with transaction(db.session, now=NOW):
        db.session.add(Setting(name="a", value="1"))
    with locked(settings):
        assert db.session.scalars(sa.select(Setting.name)).all() == ["a"]


# --- busy, full, away ------------------------------------------------------------------------------------------------


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Somebody else holds the write lock."""
    other = sqlite3.connect(settings.instance / "tracker.sqlite", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def refused(client: FlaskClient, token: str, body: dict[str, Any], sentence: str) -> None:
    """The API answers 503 and a page is one sentence; neither says anything of the inside."""
    answer = client.post("/api/v1/time-entries", json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.json is not None
    assert (answer.json["code"], answer.json["detail"]) == ("unavailable", sentence)
    page = client.post("/sign-in", data=SIGN_IN)
    assert page.status_code == 503
    assert sentence in page.text
    for inside in ("Traceback", "sqlalche", "OperationalError", "SELECT", "INSERT"):
        assert inside not in answer.text + page.text


def entries() -> int:
    db.session.close()
    return db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) or 0


def some_body() -> dict[str, Any]:
    site = make_agreed_site()
    body = {"site_id": str(site.id), "worked_on": "2026-03-02", "minutes": 60}
    return body | {"kind": "known_incompatibility", "activity": "research"}


@ONLY_SQLITE
def test_a_locked_database_is_told_in_one_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, app: Flask, client: FlaskClient
) -> None:
    token, body = make_token(make_person("admin")), some_body()
    monkeypatch.setattr(database, "BUSY_MILLISECONDS", 20)  # How long we wait is a constant of ours; tests wait less.
    db.session.remove()
    db.engine.dispose()
    with locked(settings):
        sentence = "The database is busy with something else. Nothing was changed; try again in a moment."
        refused(client, token, body, sentence)
    assert entries() == 0
    assert client.post("/api/v1/time-entries", json=body, headers={"Authorization": f"Bearer {token}"}).status_code == 201


@ONLY_SQLITE
def test_a_full_disk_is_told_in_one_sentence(app: Flask, client: FlaskClient) -> None:
    token, body = make_token(make_person("admin")), some_body() | {"note": "word " * 390}
    db.session.remove()
    db.engine.dispose()

    def no_room(connection: sqlite3.Connection, _record: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    sa.event.listen(db.engine, "connect", no_room)
    sentence = "The disk of the database is full. Nothing was changed; tell your administrator."
    statuses = []
    for _ in range(40):
        # Pages that are there already are filled first.
        answer = client.post("/api/v1/time-entries", json=body | {"minutes": 1}, headers={"Authorization": f"Bearer {token}"})
        statuses.append(answer.status_code)
        if answer.status_code != 201:
            assert answer.json is not None
            assert (answer.json["code"], answer.json["detail"]) == ("unavailable", sentence)
            break
    assert statuses[-1] == 503
    assert entries() == statuses.count(201)
    sa.event.remove(db.engine, "connect", no_room)
    db.session.remove()
    db.engine.dispose()
    assert client.post("/api/v1/time-entries", json=body, headers={"Authorization": f"Bearer {token}"}).status_code == 201


@ONLY_POSTGRESQL
def test_a_database_that_goes_away_is_told_in_one_sentence(settings: Settings, app: Flask, postgres: PostgresServer) -> None:
    name = f"gone_{uuid4().hex}"
    db.session.remove()
    db.engine.dispose()
    postgres.create_database(name, settings.database_url.rpartition("/")[2].partition("?")[0])
    going = create_app(replace(settings, database_url=postgres.url(name)))
    going.config["WTF_CSRF_ENABLED"] = False
    going.test_client_class = Browser
    with going.app_context():
        token, body = make_token(make_person("admin")), some_body()
        postgres.drop_database(name)
        sentence = "The database is away. Nothing was changed; try again in a moment."
        refused(going.test_client(), token, body, sentence)
        with pytest.raises(OperationalError), transaction(db.session, now=NOW):
            pytest.fail("no unit begins on nothing")
        db.session.remove()
        db.engine.dispose()


@ONLY_POSTGRESQL
def test_a_connection_that_was_cut_is_made_anew(app: Flask) -> None:
    make_engagement()
    pid = db.session.execute(sa.text("SELECT pg_backend_pid()")).scalar_one()
    db.session.remove()  # Back into the pool, where nobody looks after it.
    other = sa.create_engine(db.engine.url, poolclass=sa.NullPool)
    with other.connect() as connection:
        connection.execute(sa.text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert make_engagement().id is not None
