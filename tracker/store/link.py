"""Links of an engagement: the agreement, a test script, any document that is kept elsewhere."""

from datetime import datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.link import LinkKind
from tracker.domain.notice import Audience
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, Sight, who

KINDS = ", ".join(f"'{kind}'" for kind in LinkKind)


class EngagementLink(Versioned, Base):
    """Where something is kept. The thing itself is never stored here."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind_known"),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_known"),
        sa.CheckConstraint("title <> ''", name="titled"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    url: Mapped[str]
    audience: Mapped[str]
    added_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]


def _open_to(sight: Sight) -> tuple[sa.ColumnElement[bool], ...]:
    """What may be known of and has not been removed: what is internal does not exist for a customer."""
    audience = sa.true() if sight.is_staff else EngagementLink.audience == Audience.CUSTOMER
    return EngagementLink.removed_at.is_(None), sight.condition(), audience


def get(session: AnySession, actor: Actor, link_id: UUID) -> EngagementLink:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(EngagementLink).join(Engagement, Engagement.id == EngagementLink.engagement_id)
    found = session.scalar(query.where(EngagementLink.id == link_id, *_open_to(Sight.of(actor))), who(actor))
    if found is None:
        raise NotFound
    return found


@cache
def _of_engagement(sight: Sight) -> sa.Select[EngagementLink]:
    query = (
        sa.select(EngagementLink)
        .join(Engagement, Engagement.id == EngagementLink.engagement_id)
        .where(EngagementLink.engagement_id == sa.bindparam("engagement"), *_open_to(sight))
    )
    return query.order_by(EngagementLink.id)


def of_engagement(session: AnySession, actor: Actor, engagement_id: UUID) -> list[EngagementLink]:
    """The links of an engagement and its sites, in the order they were added."""
    return list(session.scalars(_of_engagement(Sight.of(actor)), who(actor) | {"engagement": engagement_id}))


def count_of_engagement(session: AnySession, engagement_id: UUID) -> int:
    """How many links of any audience stand on an engagement."""
    query = sa.select(sa.func.count()).select_from(EngagementLink)
    where = (EngagementLink.engagement_id == engagement_id, EngagementLink.removed_at.is_(None))
    return session.scalar(query.where(*where)) or 0
