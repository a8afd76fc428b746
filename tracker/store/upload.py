"""Files between their preview and their import: the rows as they were read, kept for a day. The file itself is not kept."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed
from tracker.store.engagement import Engagement, visible

KEPT = timedelta(days=1)
INVENTORY, SITES = "inventory", "sites"


class Upload(Keyed, Base):
    """What somebody sent and has only looked at so far."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.UniqueConstraint("engagement_id", "id"),
        sa.CheckConstraint(f"purpose IN ('{INVENTORY}', '{SITES}')", name="purpose_known"),
        sa.CheckConstraint(f"(purpose = '{INVENTORY}') = (site_id IS NOT NULL)", name="inventory_of_site"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    purpose: Mapped[str]
    file_name: Mapped[str | None]
    content: Mapped[dict[str, Any]]
    sent_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


def get(session: AnySession, actor: Actor, upload_id: UUID, purpose: str) -> Upload:
    """Raises NotFound for one that is not there (any more), not the actor's to know of, or for another purpose."""
    query = sa.select(Upload).join(Engagement, Engagement.id == Upload.engagement_id)
    found = session.scalar(query.where(Upload.id == upload_id, Upload.purpose == purpose, visible(actor)))
    if found is None:
        raise NotFound("This file was sent a while ago and is no longer kept. Send it again.")
    return found


def forget(session: AnySession, *, before: datetime) -> None:
    """Drop what was sent and not looked at since."""
    session.execute(sa.delete(Upload).where(Upload.expires_at < before))
