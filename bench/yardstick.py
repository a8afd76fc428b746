"""The yardstick: a bare Flask application with the plain drivers and hand-written SQL, which does what the work needs.

It has no rules, no pages worth the name and nobody to sign in; it is what a program in Flask cannot be quicker than. Its
database is named by YARDSTICK_DATABASE: a file of SQLite's, or the address of a PostgreSQL database.
"""

import fcntl
import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from jinja2 import DictLoader

VARIABLE = "YARDSTICK_DATABASE"
PAGE_SIZE, RECENT = 50, 30

PAGE = """<!doctype html>
<html><head><title>{{ engagement[1] }}</title></head><body>
<h1>{{ engagement[1] }}</h1>
<p>{{ engagement[2] }}, due {{ engagement[3] }}: {{ "%.2f" % (engagement[5] / 60) }} of {{ engagement[4] // 60 }} hours</p>
<table>{% for item in items %}<tr><td>{{ item[0] }}</td><td>{{ item[1] }}</td><td>{{ item[2] }}</td></tr>\
{% endfor %}</table>
<table>{% for entry in entries %}<tr><td>{{ entry[0] }}</td><td>{{ entry[1] }}</td><td>{{ "%.2f" % (entry[2] / 60) }}</td>\
<td>{{ entry[3] }}</td></tr>\
{% endfor %}</table>
</body></html>
"""
TABLE = """<!doctype html>
<html><head><title>{{ title }}</title></head><body>
<h1>{{ title }}</h1>
<table>{% for row in rows %}<tr><td><a href="/page/{{ row[0] }}">{{ row[1] }}</a></td><td>{{ row[2] }}</td>\
<td>{{ "%.2f" % (row[3] / 60) }}</td></tr>\
{% endfor %}</table>
</body></html>
"""

OWNER_OF_KEY = "SELECT person_id FROM api_key WHERE digest = ?"
TAKE = "UPDATE engagement SET spent = spent + ? WHERE id = ? AND status = 'open' AND spent + ? <= cap"
ENTER = "INSERT INTO entry (engagement_id, item_id, person_id, worked_on, minutes, note, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
NOTE = "INSERT INTO audit (at, person_id, engagement_id, what) VALUES (?, ?, ?, ?)"
ENGAGEMENT = "SELECT id, name, status, due_on, cap, spent FROM engagement WHERE id = ?"
ITEMS = (
    "SELECT item.title, item.status, site.name FROM item JOIN site ON site.id = item.site_id"
    " WHERE item.engagement_id = ? ORDER BY item.id"
)
ENTRIES = f"SELECT worked_on, person_id, minutes, note FROM entry WHERE engagement_id = ? ORDER BY id DESC LIMIT {RECENT}"
PORTFOLIO = f"SELECT id, name, status, spent FROM engagement WHERE id > ? ORDER BY id LIMIT {PAGE_SIZE}"
REPORT = (
    "SELECT engagement.id, engagement.name, engagement.status, worked.minutes FROM engagement JOIN"
    " (SELECT engagement_id, SUM(minutes) AS minutes FROM entry WHERE worked_on >= ? AND worked_on <= ? GROUP BY engagement_id)"
    " AS worked ON worked.engagement_id = engagement.id ORDER BY engagement.id"
)


class Sqlite:
    """A connection to a file: write-ahead log, full sync, and writers who queue in the kernel as ours do."""

    def __init__(self, path: str) -> None:
        self._turn = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=10)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536"):
            self._connection.execute(f"PRAGMA {pragma}")

    def rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._connection.execute(statement, values).fetchall()

    def change(self, statement: str, values: Sequence[Any]) -> int:
        """Run a statement that writes and return how many rows it found."""
        return self._connection.execute(statement, values).rowcount

    def close(self) -> None:
        self._connection.close()
        os.close(self._turn)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        finally:
            fcntl.flock(self._turn, fcntl.LOCK_UN)


class Postgres:
    """A connection to a PostgreSQL database."""

    def __init__(self, address: str) -> None:
        self._connection = psycopg.connect(address, autocommit=True)

    def rows(self, statement: str, values: Sequence[Any]) -> list[Any]:
        return self._connection.execute(statement.replace("?", "%s").encode(), values).fetchall()

    def change(self, statement: str, values: Sequence[Any]) -> int:
        """Run a statement that writes and return how many rows it found."""
        return self._connection.execute(statement.replace("?", "%s").encode(), values).rowcount

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute(b"BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute(b"ROLLBACK")
            raise
        self._connection.execute(b"COMMIT")


app = Flask(__name__)
app.jinja_loader = DictLoader({"page.html": PAGE, "table.html": TABLE})
_mine = threading.local()


def database() -> Sqlite | Postgres:
    """This thread's own connection, made at its first request."""
    found: Sqlite | Postgres | None = getattr(_mine, "database", None)
    if found is None:
        address = os.environ[VARIABLE]
        found = _mine.database = Postgres(address) if address.startswith("postgresql://") else Sqlite(address)
    return found


def forget_database() -> None:
    """Close this thread's connection; the next request makes a new one."""
    database().close()
    del _mine.database


@app.post("/checked")
def checked() -> ResponseReturnValue:
    """One entry: the key by its hash, the cap by the update itself, counter, entry and audit row in one transaction."""
    store, body = database(), request.get_json()
    digest = hashlib.sha256(request.headers.get("X-Api-Key", "").encode()).hexdigest()
    owner = store.rows(OWNER_OF_KEY, (digest,))
    if not owner:
        abort(401)
    now, minutes, engagement, person = int(time.time()), body["minutes"], body["engagement_id"], owner[0][0]
    with store.transaction():
        if store.change(TAKE, (minutes, engagement, minutes)) != 1:
            return {"error": "the cap is reached"}, 409
        store.change(ENTER, (engagement, body["item_id"], person, body["worked_on"], minutes, body["note"], now))
        store.change(NOTE, (now, person, engagement, f"entry of {minutes} min"))
    return {"ok": True}, 201


@app.get("/page/<int:engagement_id>")
def page(engagement_id: int) -> ResponseReturnValue:
    """One engagement: three selects and a small template."""
    store = database()
    found = store.rows(ENGAGEMENT, (engagement_id,))
    if not found:
        abort(404)
    items, entries = store.rows(ITEMS, (engagement_id,)), store.rows(ENTRIES, (engagement_id,))
    return render_template("page.html", engagement=found[0], items=items, entries=entries)


@app.get("/portfolio")
def portfolio() -> ResponseReturnValue:
    """Fifty engagements after a given one, with their hours as the counter has them."""
    rows = database().rows(PORTFOLIO, (request.args.get("after", 0, int),))
    return render_template("table.html", title="Portfolio", rows=rows)


@app.get("/report")
def report() -> ResponseReturnValue:
    """Hours by engagement between two days: one grouped statement, all of them on one page."""
    rows = database().rows(REPORT, (request.args["from"], request.args["to"]))
    return render_template("table.html", title="Hours by engagement", rows=rows)
