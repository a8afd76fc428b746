"""The yardstick does the work that it stands for."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from flask.testing import FlaskClient

from bench import yardstick, yardstick_seed
from bench.shape import Shape, minutes_of
from tests.conftest import ENGINES
from tests.postgres import PostgresServer

SHAPE = Shape(3, date(2026, 6, 1))
KEY = {"X-Api-Key": yardstick_seed.key_of(7)}
WORK = {"engagement_id": 2, "item_id": 21, "worked_on": "2026-05-04", "minutes": 45, "note": "Import"}


@pytest.fixture(params=ENGINES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yardstick_seed.seed_sqlite(tmp_path / "yardstick.sqlite", SHAPE)
        yield str(tmp_path / "yardstick.sqlite")
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"yardstick_{uuid4().hex}"
    server.create_database(name)
    address = server.url(name).replace("postgresql+psycopg://", "postgresql://", 1)
    yardstick_seed.seed_postgres(address, SHAPE)
    yield address
    server.drop_database(name)


@pytest.fixture
def client(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    monkeypatch.setenv(yardstick.VARIABLE, address)
    yield yardstick.app.test_client()
    yardstick.forget_database()


def rows(address: str, statement: str) -> list[tuple[object, ...]]:
    if address.startswith("postgresql://"):
        with psycopg.connect(address) as connection:
            return connection.execute(statement.encode()).fetchall()
    connected = sqlite3.connect(address)
    found = connected.execute(statement).fetchall()
    connected.close()
    return found


def test_checked_moves_the_counter_and_writes_entry_and_audit_row(client: FlaskClient, address: str) -> None:
    before = sum(minutes_of(1, entry) for entry in range(30))
    assert client.post("/checked", json=WORK, headers=KEY).status_code == 201
    assert rows(address, "SELECT spent FROM engagement WHERE id = 2") == [(before + 45,)]
    assert rows(address, "SELECT engagement_id, person_id, minutes FROM entry ORDER BY id DESC LIMIT 1") == [(2, 7, 45)]
    assert rows(address, "SELECT engagement_id, person_id, what FROM audit") == [(2, 7, "entry of 45 min")]


def test_checked_refuses_what_the_cap_cannot_take_and_keeps_nothing_of_it(client: FlaskClient, address: str) -> None:
    entries = rows(address, "SELECT count(*) FROM entry")
    too_much = WORK | {"minutes": yardstick_seed.CAP_MINUTES}
    assert client.post("/checked", json=too_much, headers=KEY).status_code == 409
    assert rows(address, "SELECT count(*) FROM entry") == entries
    assert rows(address, "SELECT count(*) FROM audit") == [(0,)]


def test_checked_knows_keys(client: FlaskClient) -> None:
    assert client.post("/checked", json=WORK, headers={"X-Api-Key": "somebody's"}).status_code == 401


def test_the_pages_show_what_is_there(client: FlaskClient) -> None:
    page = client.get("/page/2").text
    assert page.count("<tr>") == 20 + 30
    assert client.get("/page/4").status_code == 404
    assert client.get("/portfolio").text.count("<tr>") == 3
    assert client.get("/portfolio?after=2").text.count("<tr>") == 1


def test_the_report_adds_up_the_month(client: FlaskClient) -> None:
    first, last = SHAPE.month
    worked = [entry for entry in range(30) if first <= SHAPE.worked_on(0, entry) <= last]
    hours = sum(minutes_of(0, entry) for entry in worked) / 60
    assert worked
    assert f"<td>{hours:.2f}</td>" in client.get(f"/report?from={first}&to={last}").text
