"""Files of hours between their preview and their import: the rows as they were read, kept for a day, for their sender alone.

One file may speak of several engagements, so it belongs to none of them.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed

KEPT = timedelta(days=1)


class HoursUpload(Keyed, Base):
    """Hours that somebody sent, with what came of them: when they were tried, and when they were imported."""

    file_name: Mapped[str | None]
    content: Mapped[dict[str, Any]]
    sent_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    imported_at: Mapped[datetime | None]


def get(session: AnySession, actor: Actor, upload_id: UUID, *, for_update: bool = False) -> HoursUpload:
    """Raises NotFound for one that is not there (any more) or that somebody else sent."""
    query = sa.select(HoursUpload).where(HoursUpload.id == upload_id)
    found = session.scalar(query.with_for_update() if for_update else query)
    if found is None or found.sent_by != actor.person_id:
        raise NotFound("This file was sent a while ago and is no longer kept. Send it again.")
    return found


def forget(session: AnySession, *, before: datetime) -> None:
    """Drop what was sent and not looked at since."""
    session.execute(sa.delete(HoursUpload).where(HoursUpload.expires_at < before))
