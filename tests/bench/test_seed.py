"""What the benchmarks measure on is sound: the program's own checks find nothing, and what is sent to it is answered."""

import json
import re
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from flask import Flask

from bench import requests, seed
from bench.databases import Pair
from bench.seed import World
from bench.shape import Shape
from bench.stage import Reader, readers_of, second_page
from tracker.cli.main import cli
from tracker.domain.access import Role
from tracker.settings import Settings
from tracker.store.database import db
from tracker.web.portfolio import PAGE_SIZE

SENT = 12


def world_of(engagements: int) -> World:
    now = datetime.now(UTC)
    return seed.fill(db.engine, Shape(engagements, now.date()), now)


def pair_of(settings: Settings, engagements: int) -> Pair:
    world = world_of(engagements)
    return Pair("", world.shape, settings, world, "")


@pytest.mark.usefixtures("app")
def test_ledger_chains_and_outbox_of_the_seed_are_sound(settings: Settings) -> None:
    world_of(3)
    environ = {"TRACKER_INSTANCE": str(settings.instance), "DATABASE_URL": settings.database_url}
    done = CliRunner().invoke(cli, ["verify", "--json"], env=environ)
    assert json.loads(done.output) == {"ok": True, "faults": []}


def test_whatever_the_load_books_is_booked(app: Flask, settings: Settings) -> None:
    client = app.test_client()
    for request in requests.entries(pair_of(settings, 3))[:SENT]:
        head, _, body = request.decode().partition("\r\n\r\n")
        token = re.search(r"Authorization: (.+)\r\n", head)
        assert token is not None
        answer = client.post("/api/v1/time-entries", headers={"Authorization": token[1]}, json=json.loads(body))
        assert answer.status_code == 201, answer.text


def test_every_role_reads_the_portfolio_and_its_engagements(app: Flask, settings: Settings) -> None:
    readers, client = readers_of(pair_of(settings, 3)), app.test_client(use_cookies=False)
    assert set(readers) == set(Role)
    for role, reader in readers.items():
        assert len(reader.places) == 3, role
        for path in ("/", f"/engagements/{reader.places[0][1]}"):
            assert client.get(path, headers=signed_in(reader)).status_code == 200, role


def test_the_middle_of_the_portfolio_is_asked_for_as_its_own_links_do(app: Flask, settings: Settings) -> None:
    reader = readers_of(pair_of(settings, PAGE_SIZE + 1))[Role.ADMIN]
    page = app.test_client(use_cookies=False).get("/", headers=signed_in(reader)).text
    assert second_page(page) == reader.page_after(PAGE_SIZE - 1)


def signed_in(reader: Reader) -> dict[str, str]:
    name, _, value = reader.cookie.partition(": ")
    return {name: value}
