"""What an administrator decides for the whole installation, as named values; and when each job last ran."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, dialect_insert, table_of

MANAGERS_SEE = "managers_see"
ROADS = "roads"


class Setting(Base):
    """One named value."""

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Heartbeat(Base):
    """When a job last ran to its end, and where."""

    job: Mapped[str] = mapped_column(primary_key=True)
    ran_at: Mapped[datetime]
    node: Mapped[str]


def read(session: AnySession, name: str) -> dict[str, Any]:
    """A named value; empty where nobody has decided."""
    return session.scalar(sa.select(Setting.value).where(Setting.name == name)) or {}


def write(session: AnySession, name: str, value: dict[str, Any]) -> None:
    statement = dialect_insert(session, table_of(Setting)).values(name=name, value=value)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value}))


def managers_see_all(session: AnySession) -> bool:
    """Whether engagement managers see every engagement (the default), or only those they are assigned to."""
    return sees_all(read(session, MANAGERS_SEE))


def sees_all(decided: dict[str, Any] | None) -> bool:
    """What a value of that setting says; nothing decided means all."""
    return bool((decided or {}).get("scope", "all") == "all")


_MAIL = sa.select(Setting.value).where(Setting.name == ROADS)


def mail_goes_out(session: AnySession) -> bool:
    """Whether the installation sends mail, as it was started."""
    return bool((session.scalar(_MAIL) or {}).get("mail"))


def beat(session: AnySession, job: str, node: str, now: datetime) -> None:
    """Note that a job has run."""
    statement = dialect_insert(session, table_of(Heartbeat)).values(job=job, ran_at=now, node=node)
    changed = {"ran_at": statement.excluded.ran_at, "node": statement.excluded.node}
    session.execute(statement.on_conflict_do_update(index_elements=["job"], set_=changed))


_BEATS = sa.select(*table_of(Heartbeat).c["job", "ran_at"])


def heartbeats(session: AnySession) -> dict[str, datetime]:
    """When each job last ran."""
    return {row.job: row.ran_at for row in session.execute(_BEATS)}
