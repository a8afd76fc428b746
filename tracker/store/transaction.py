"""The one way to write: `transaction()`. Everything in it is kept together, durably, or nothing is."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.errors import Busy, IdempotencyMismatch
from tracker.store import audit, database, status_card
from tracker.store.database import WRITING, AnySession, Base, insert_or_ignore, table_of


@dataclass(frozen=True)
class RequestKey:
    """What makes a request the same request: who sent it through which door, its key, and a digest of what it says."""

    scope: str
    key: str
    fingerprint: str

    @classmethod
    def of(cls, scope: str, key: str, *said: bytes | str) -> "RequestKey":
        digest = hashlib.sha256()
        for part in said:
            raw = part.encode() if isinstance(part, str) else part
            digest.update(len(raw).to_bytes(8, "big") + raw)
        return cls(scope, key, digest.hexdigest())


class RequestRecord(Base):
    """A request that was carried out, and what it was answered. Kept for a day at least."""

    __tablename__ = "request_key"
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    response: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(index=True)


class Repeated(Exception):
    """The same request came again: this is what it was answered."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        super().__init__("the request was carried out before")
        self.response = response


@dataclass
class Unit:
    """One unit of work: what it will write into the audit trail, and what a repeat of it is answered."""

    request_key: RequestKey | None = None
    response: Mapping[str, Any] | None = None

    def remember(self, response: Mapping[str, Any]) -> None:
        """Keep the answer with the request key, so that a repeat gets the same."""
        self.response = response


# How often somebody who waits for their turn but not for long asks whether it has come, in seconds.
TURN_POLL = 0.003


@contextmanager
def transaction(
    session: AnySession, *, now: datetime, request_key: RequestKey | None = None, patience: int | None = None
) -> Iterator[Unit]:
    """Run one unit of work: all of it is kept, durably, or none.

    Only edges open one; services run inside. It ends the read transaction that went before, so what was loaded there is
    detached. On SQLite writers queue in the kernel first (flock), then BEGIN IMMEDIATE never waits on a sleeping retry.
    `patience`, in milliseconds, is for those who have to answer soon: each wait ends after it.
    Raises Repeated for a request that was carried out before, IdempotencyMismatch where its key came with another, and Busy
    (or the database's own OperationalError) where patience ran out; then nothing was changed.
    """
    if "unit" in session.info:
        raise RuntimeError("transaction() inside transaction()")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed before transaction()")
    session.close()
    unit = Unit(request_key)
    with _queue(session.get_bind(), patience) as left:
        writing = WRITING.set(left)
        session.info["unit"] = unit
        session.info["trail"] = []
        try:
            session.connection()
            if patience is not None and session.get_bind().dialect.name != "sqlite":
                session.execute(sa.select(sa.func.set_config("lock_timeout", str(patience), True)))  # noqa: FBT003 -- SQL's own
            if request_key is not None:
                _claim(session, request_key, now)
            yield unit
            session.flush()
            _close_unit(session, unit, now)
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            del session.info["unit"], session.info["trail"]
            WRITING.reset(writing)


@contextmanager
def rehearsal(session: AnySession) -> Iterator[None]:
    """Carry something out for what it says, inside `transaction()`: at the end none of it has happened, nor is told."""
    trail = session.info["trail"]
    before = len(trail)
    savepoint = session.begin_nested()
    try:
        yield
    finally:
        savepoint.rollback()
        # What was read meanwhile is not so any more.
        session.expire_all()
        del trail[before:]


@contextmanager
def attempt(session: AnySession) -> Iterator[None]:
    """Carry something out that a rule may refuse, inside `transaction()`: where it raises, none of it has happened.

    The unit goes on, and can remember the refusal as its answer.
    """
    trail = session.info["trail"]
    before = len(trail)
    savepoint = session.begin_nested()
    try:
        yield
        savepoint.commit()
    except BaseException:
        savepoint.rollback()
        session.expire_all()
        del trail[before:]
        raise


@contextmanager
def _queue(bind: Engine | sa.Connection, patience: int | None) -> Iterator[int]:
    """Wait for one's turn to write; yields the milliseconds of patience that are left for the lock itself.

    Where a stranger holds the database, those who queued behind the first to wait give up with it, not one by one.
    """
    began = time.monotonic()
    path = bind.engine.url.database
    most = database.BUSY_MILLISECONDS if patience is None else patience
    if bind.dialect.name != "sqlite" or not path:
        yield most
        return
    turn = os.open(f"{path}.turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if patience is None:
            fcntl.flock(turn, fcntl.LOCK_EX)
        else:
            _take_turn_within(turn, began + patience / 1000)
        yield max(0, most - int((time.monotonic() - began) * 1000))
    finally:
        os.close(turn)


def _take_turn_within(turn: int, end: float) -> None:
    """The kernel's queue knows no time limit: ask again and again. Raises Busy."""
    while True:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise Busy from None
            time.sleep(TURN_POLL)
        else:
            return


def _claim(session: AnySession, key: RequestKey, now: datetime) -> None:
    """Take the key for this unit. A rival with the same key waits here for our end, then finds our answer."""
    table = table_of(RequestRecord)
    row = {"scope": key.scope, "key": key.key, "fingerprint": key.fingerprint, "response": None, "created_at": now}
    if session.execute(insert_or_ignore(session, table).values(row).returning(table.c.key)).first():
        return
    found = session.execute(sa.select(table).where(table.c.scope == key.scope, table.c.key == key.key)).one()
    if found.fingerprint != key.fingerprint:
        raise IdempotencyMismatch.at("request_key", "This key was used for another request. Send the new one under a new key.")
    raise Repeated(found.response or {})


def _close_unit(session: AnySession, unit: Unit, now: datetime) -> None:
    if unit.request_key is not None:
        key = unit.request_key
        where = (RequestRecord.scope == key.scope, RequestRecord.key == key.key)
        session.execute(sa.update(RequestRecord).where(*where).values(response=dict(unit.response or {})))
    status_card.want(session, audit.engagements_in_trail(session), now)
    # Last, because the head of a chain is a row that every unit of its engagement takes.
    audit.write_trail(session, now)


def forget_requests(session: AnySession, *, before: datetime) -> None:
    """Drop the records of requests older than the time for which a repeat is recognised."""
    session.execute(sa.delete(RequestRecord).where(RequestRecord.created_at < before))
