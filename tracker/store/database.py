"""The ground of all tables: base class, column types, engine settings."""

import select
import sqlite3
import time
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    scoped_session,
)
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from tracker.store.identity import new_id

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_MILLISECONDS = 5000
QUEUED_MILLISECONDS = 100
REST_SECONDS = 1.0
AnySession = Session | scoped_session[Session] | scoped_session[FlaskSession]


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment. Refuses naive values, and returns UTC on every engine (SQLite forgets the offset)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime reached the database: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DayOrNever(TypeDecorator[date]):
    """A day that lists are ordered by; none is kept as the last day there is.

    So a list in that order ends with what has no day on both engines, and an index serves it in one comparison of rows.
    """

    impl = sa.Date
    cache_ok = True
    should_evaluate_none = True

    def process_bind_param(self, value: date | None, dialect: sa.Dialect) -> date:  # noqa: ARG002
        return date.max if value is None else value

    def process_result_value(self, value: date | None, dialect: sa.Dialect) -> date | None:  # noqa: ARG002
        return None if value == date.max else value


def folded(column: str) -> Any:
    """The default of a kept column that holds another one's text casefolded; a `validates` beside it keeps it later.

    Kept and not computed: SQLite folds ASCII only and PostgreSQL what its locale knows, and É, Ü and Кириллица have to be
    found on both. It is also what lists are ordered by, so that an index serves them.
    """
    return mapped_column(default=lambda context: context.get_current_parameters()[column].casefold())


def table_of(model: type["Base"]) -> sa.Table:
    """The table behind a model, for statements that bypass it."""
    assert isinstance(model.__table__, sa.Table)
    return model.__table__


class Base(DeclarativeBase):
    """Every table: singular snake-case name, UUIDv7 key, named constraints."""

    metadata = sa.MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar = {datetime: UtcDateTime(), UUID: sa.Uuid(), dict[str, Any]: sa.JSON(), list[Any]: sa.JSON()}

    @declared_attr.directive
    def __tablename__(cls) -> str:  # noqa: N805 -- the class it is
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__).lstrip("_")


class Keyed:
    """A row with an id of its own."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class Versioned(Keyed):
    """A row that people edit: a stale edit is refused instead of overwriting somebody else's (edited_meanwhile)."""

    version: Mapped[int] = mapped_column(default=1)


db = SQLAlchemy(metadata=Base.metadata, session_options={"expire_on_commit": False})

# Set by transaction(): SQLite then takes the write lock at BEGIN, and waits so many milliseconds for it at most.
WRITING: ContextVar[int | None] = ContextVar("writing", default=None)


def prepare_engine(engine: Engine, *, rest_seconds: float = REST_SECONDS) -> None:
    """Make an engine keep what it commits: on SQLite write-ahead log, full sync, foreign keys and our own BEGIN.

    On PostgreSQL a connection that has rested is asked whether it still lives before it is used.
    """
    if engine.dialect.name != "sqlite":
        _ask_the_rested(engine, rest_seconds)
        return

    @event.listens_for(engine, "connect")
    def connect(connection: sqlite3.Connection, _record: object) -> None:
        # sqlite3 would begin deferred on its own, and a read that turns into a write then fails at once.
        connection.isolation_level = None
        for pragma, value in (
            ("busy_timeout", BUSY_MILLISECONDS),
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("cache_size", -4096),
        ):
            connection.execute(f"PRAGMA {pragma}={value}")
        kept = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
        if kept != ["wal", 2, 1]:
            raise RuntimeError(f"SQLite did not take its settings: {kept}")

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        patience, raw = WRITING.get(), connection.connection.dbapi_connection
        assert raw is not None
        if patience is None:
            _say(raw, "BEGIN")
            return
        # Only who stood in the queue for long has less patience left than every connection has from the start.
        is_short = patience < BUSY_MILLISECONDS - QUEUED_MILLISECONDS
        if is_short:
            _say(raw, f"PRAGMA busy_timeout={patience}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # Whose failure is told as any other of the database is.
        finally:
            if is_short:
                _say(raw, f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")


def _say(raw: DBAPIConnection, words: str) -> None:
    """To SQLite itself: what begins every unit takes no way through a compiler of statements."""
    cursor = raw.cursor()
    cursor.execute(words)
    cursor.close()


def _ask_the_rested(engine: Engine, rest_seconds: float) -> None:
    """What `pool_pre_ping` does at every use costs a round trip at every use.

    A server that goes away says so: then something lies in the connection to be read. Without a word a connection seldom
    dies within a second.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_connection: object, record: ConnectionPoolEntry) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(connection: Any, record: ConnectionPoolEntry, _proxy: object) -> None:
        rested = time.monotonic() - record.info.get("rests_since", time.monotonic())
        if rested < rest_seconds and not select.select([connection.fileno()], [], [], 0)[0]:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as gone:
            raise sa.exc.DisconnectionError from gone


@event.listens_for(Session, "before_flush")
def _no_write_outside(session: Session, _context: object, _instances: object) -> None:
    if "unit" not in session.info and (session.new or session.dirty or session.deleted):
        raise RuntimeError("a write outside transaction()")


@event.listens_for(Session, "do_orm_execute")
def _no_statement_outside(state: ORMExecuteState) -> None:
    if (state.is_insert or state.is_update or state.is_delete) and "unit" not in state.session.info:
        raise RuntimeError("a write outside transaction()")


def insert_or_ignore(session: AnySession, table: sa.Table) -> Any:
    """INSERT … ON CONFLICT DO NOTHING in the engine's own dialect."""
    return dialect_insert(session, table).on_conflict_do_nothing()


def dialect_insert(session: AnySession, table: sa.Table) -> Any:
    """The engine's own INSERT, which knows ON CONFLICT."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)


def changed_one(session: AnySession, statement: sa.Update) -> bool:
    """Run a conditional UPDATE and tell whether it found its row."""
    result = session.execute(statement)
    assert isinstance(result, sa.CursorResult)
    return result.rowcount == 1
