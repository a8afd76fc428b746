"""Comments on an engagement or one of its sites: what both sides say to each other, and what the team says among itself."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.notice import Audience
from tracker.store.database import AnySession, Base, Keyed
from tracker.store.engagement import Engagement, visible


class Comment(Keyed, Base):
    """Something somebody said. It is never edited; its author may withdraw it, and then nobody reads it any more."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_known"),
        sa.CheckConstraint("text <> ''", name="says_something"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    audience: Mapped[str]
    text: Mapped[str]
    author_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


def readable(actor: Actor) -> sa.ColumnElement[bool]:
    """The comments an actor may know of: what is internal does not exist for a customer."""
    return sa.true() if actor.is_staff else Comment.audience == Audience.CUSTOMER


def get(session: AnySession, actor: Actor, comment_id: UUID) -> Comment:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(Comment).join(Engagement, Engagement.id == Comment.engagement_id)
    found = session.scalar(query.where(Comment.id == comment_id, visible(actor), readable(actor)))
    if found is None:
        raise NotFound
    return found


def page(
    session: AnySession, actor: Actor, engagement_id: UUID, *, site_id: UUID | None = None, before: UUID | None = None, limit: int
) -> list[Comment]:
    """Comments on an engagement, or on one site of it, the newest first; those before a given one."""
    query = (
        sa.select(Comment)
        .join(Engagement, Engagement.id == Comment.engagement_id)
        .where(Comment.engagement_id == engagement_id, visible(actor), readable(actor))
    )
    if site_id is not None:
        query = query.where(Comment.site_id == site_id)
    if before is not None:
        query = query.where(Comment.id < before)
    return list(session.scalars(query.order_by(Comment.id.desc()).limit(limit)))


def latest(session: AnySession, actor: Actor, engagement_id: UUID, *, limit: int = 3) -> list[Comment]:
    """What was said last and still stands, the newest first."""
    query = (
        sa.select(Comment)
        .join(Engagement, Engagement.id == Comment.engagement_id)
        .where(Comment.engagement_id == engagement_id, Comment.withdrawn_at.is_(None), visible(actor), readable(actor))
    )
    return list(session.scalars(query.order_by(Comment.id.desc()).limit(limit)))


def is_withdrawn(session: AnySession, comment_id: UUID) -> bool:
    """Whether a comment was withdrawn by now."""
    return session.scalar(sa.select(Comment.withdrawn_at).where(Comment.id == comment_id)) is not None
