"""Fills the yardstick's database: as many engagements, sites, items and entries as ours has, on the same days."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from bench.shape import ENTRIES, ITEMS, SITES, STAFF, Shape, crew_of, minutes_of

CAP_MINUTES = 1_000_000_000
SERIAL = {"sqlite": "INTEGER PRIMARY KEY", "postgresql": "BIGSERIAL PRIMARY KEY"}
# Whole numbers of the ordinary size: PostgreSQL adds up larger ones as decimals, which takes twice as long.
TABLES = """
CREATE TABLE engagement (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL, due_on TEXT NOT NULL,
    cap BIGINT NOT NULL, spent BIGINT NOT NULL
);
CREATE TABLE site (id INTEGER PRIMARY KEY, engagement_id INTEGER NOT NULL REFERENCES engagement, name TEXT NOT NULL);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, engagement_id INTEGER NOT NULL REFERENCES engagement, site_id INTEGER NOT NULL REFERENCES site,
    title TEXT NOT NULL, status TEXT NOT NULL
);
CREATE TABLE entry (
    id {serial}, engagement_id INTEGER NOT NULL REFERENCES engagement, item_id INTEGER NOT NULL REFERENCES item,
    person_id INTEGER NOT NULL, worked_on TEXT NOT NULL, minutes INTEGER NOT NULL, note TEXT NOT NULL, at BIGINT NOT NULL
);
CREATE TABLE audit (
    id {serial}, at BIGINT NOT NULL, person_id INTEGER NOT NULL, engagement_id INTEGER NOT NULL, what TEXT NOT NULL
);
CREATE TABLE api_key (digest TEXT PRIMARY KEY, person_id INTEGER NOT NULL);
"""
INDEXES = """
CREATE INDEX site_of ON site (engagement_id);
CREATE INDEX item_of ON item (engagement_id);
CREATE INDEX entry_of ON entry (engagement_id);
CREATE INDEX entry_on ON entry (worked_on, engagement_id, minutes);
"""


def key_of(person: int) -> str:
    """The API key of somebody, by their place among the staff."""
    return f"yardstick-key-{person}"


def rows_of(shape: Shape) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
    """Each table with its rows, in the order of its columns."""
    numbers = range(shape.engagements)
    yield "engagement", (_engagement(shape, each) for each in numbers)
    yield "site", ((each * SITES + site + 1, each + 1, f"Shop {site + 1}") for each in numbers for site in range(SITES))
    yield (
        "item",
        (
            (each * ITEMS + item + 1, each + 1, each * SITES + item % SITES + 1, f"Item {item + 1}", ("open", "done")[item % 2])
            for each in numbers
            for item in range(ITEMS)
        ),
    )
    yield "entry", (_entry(shape, each, entry) for each in numbers for entry in range(ENTRIES))
    yield "api_key", ((hashlib.sha256(key_of(each).encode()).hexdigest(), each) for each in range(STAFF))


def _engagement(shape: Shape, number: int) -> tuple[Any, ...]:
    spent = sum(minutes_of(number, entry) for entry in range(ENTRIES))
    due_on = shape.today.replace(day=number % 28 + 1).isoformat()
    return number + 1, f"Engagement {number}", "open", due_on, CAP_MINUTES, spent


def _entry(shape: Shape, number: int, entry: int) -> tuple[Any, ...]:
    crew = crew_of(number)
    return (
        number * ENTRIES + entry + 1,
        number + 1,
        number * ITEMS + entry % ITEMS + 1,
        crew[entry % len(crew)],
        shape.worked_on(number, entry).isoformat(),
        minutes_of(number, entry),
        "Found the cause, wrote it down.",
        0,
    )


def seed_sqlite(path: Path, shape: Shape) -> None:
    """Make the file."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.executescript(TABLES.format(serial=SERIAL["sqlite"]))
    for table, rows in rows_of(shape):
        _insert(connection, table, rows)
    connection.commit()
    connection.executescript(f"{INDEXES} ANALYZE;")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    width = len(connection.execute(f"PRAGMA table_info({table})").fetchall())
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * width)})", rows)


def seed_postgres(address: str, shape: Shape) -> None:
    """Fill the empty database at an address."""
    with psycopg.connect(address) as connection:
        connection.execute(TABLES.format(serial=SERIAL["postgresql"]).encode())
        for table, rows in rows_of(shape):
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
        connection.execute(INDEXES.encode())
        connection.execute("SELECT setval('entry_id_seq', (SELECT max(id) FROM entry))")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
