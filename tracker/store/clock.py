"""The clock that delivery goes by: the database's, which all nodes share, so that no lease depends on whose clock is right."""

from datetime import datetime

import sqlalchemy as sa

from tracker.store.database import AnySession, UtcDateTime

_ASKED = sa.select(sa.func.clock_timestamp(type_=UtcDateTime()))


def database_now(session: AnySession, here: datetime) -> datetime:
    """The present moment by the database's clock. SQLite has none but its node's, which reads `here`."""
    return here if session.get_bind().dialect.name == "sqlite" else ask(session, here)


def ask(session: AnySession, here: datetime) -> datetime:  # noqa: ARG001 -- tests put their own clock in this place
    """What the clock of a database server shows."""
    return session.execute(_ASKED).scalar_one()
