"""Who delivers: each start of a worker is a row, so that an end without a goodbye can be seen."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, Keyed


class Worker(Keyed, Base):
    """One run of a worker; its id is new at each start. `stopped_at` stays empty where it was killed."""

    node: Mapped[str]
    started_at: Mapped[datetime]
    beat_at: Mapped[datetime] = mapped_column(index=True)
    stopped_at: Mapped[datetime | None]
    versions: Mapped[dict[str, Any]]


def start(session: AnySession, node: str, versions: Mapping[str, str], now: datetime) -> Worker:
    """Note that a run has begun."""
    run = Worker(node=node, started_at=now, beat_at=now, stopped_at=None, versions=dict(versions))
    session.add(run)
    session.flush()
    return run


def is_known(session: AnySession, run_id: UUID) -> bool:
    """Whether this database has seen a run begin."""
    return session.get(Worker, run_id) is not None


def unfinished(session: AnySession, silence: timedelta) -> list[Worker]:
    """Runs that said no goodbye and that nobody has seen to: whoever begins when one has been silent for so long does."""
    latest = session.scalar(sa.select(sa.func.max(Worker.started_at)))
    if latest is None:
        return []
    query = sa.select(Worker).where(Worker.stopped_at.is_(None), Worker.beat_at >= latest - silence)
    return list(session.scalars(query.order_by(Worker.beat_at)))


def beat(session: AnySession, run_id: UUID, now: datetime) -> None:
    """Note that a run goes on."""
    session.execute(sa.update(Worker).where(Worker.id == run_id).values(beat_at=now))


def stop(session: AnySession, run_id: UUID, now: datetime) -> None:
    """Note that a run ended as it should."""
    session.execute(sa.update(Worker).where(Worker.id == run_id).values(beat_at=now, stopped_at=now))


def running(session: AnySession, since: datetime) -> list[Worker]:
    """Runs that have beaten since a moment and said no goodbye."""
    query = sa.select(Worker).where(Worker.stopped_at.is_(None), Worker.beat_at >= since)
    return list(session.scalars(query.order_by(Worker.node, Worker.id)))


def forget(session: AnySession, *, before: datetime) -> None:
    """Drop runs that have not beaten for long."""
    session.execute(sa.delete(Worker).where(Worker.beat_at < before))
