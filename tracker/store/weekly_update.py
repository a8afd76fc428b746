"""Weekly updates: drafted from the facts by the team, posted once, then fixed."""

from datetime import date, datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, Sight, visible, who


class WeeklyUpdate(Versioned, Base):
    """What the customer is told about one week, named by its Monday. A draft is the team's own."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "week_of"),
        sa.CheckConstraint("state IN ('draft', 'posted')", name="state_known"),
        sa.CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name="posted_when"),
        sa.CheckConstraint("(posted_at IS NULL) = (posted_by IS NULL)", name="posted_by_whom"),
        sa.CheckConstraint("text <> ''", name="says_something"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    week_of: Mapped[date]
    text: Mapped[str]
    author_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(default="draft")
    created_at: Mapped[datetime]
    posted_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    posted_at: Mapped[datetime | None]


def readable(actor: Actor) -> sa.ColumnElement[bool]:
    """The updates an actor may know of: a draft does not exist for a customer."""
    return sa.true() if actor.is_staff else WeeklyUpdate.state == "posted"


def get(session: AnySession, actor: Actor, update_id: UUID) -> WeeklyUpdate:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(WeeklyUpdate).join(Engagement, Engagement.id == WeeklyUpdate.engagement_id)
    found = session.scalar(query.where(WeeklyUpdate.id == update_id, visible(actor), readable(actor)))
    if found is None:
        raise NotFound
    return found


def page(session: AnySession, actor: Actor, engagement_id: UUID, *, before: date | None = None, limit: int) -> list[WeeklyUpdate]:
    """The updates of an engagement, the latest week first; those of the weeks before a given one."""
    query = (
        sa.select(WeeklyUpdate)
        .join(Engagement, Engagement.id == WeeklyUpdate.engagement_id)
        .where(WeeklyUpdate.engagement_id == engagement_id, visible(actor), readable(actor))
    )
    if before is not None:
        query = query.where(WeeklyUpdate.week_of < before)
    return list(session.scalars(query.order_by(WeeklyUpdate.week_of.desc()).limit(limit)))


@cache
def _latest(sight: Sight) -> sa.Select[WeeklyUpdate]:
    return (
        sa.select(WeeklyUpdate)
        .join(Engagement, Engagement.id == WeeklyUpdate.engagement_id)
        .where(WeeklyUpdate.engagement_id == sa.bindparam("engagement"), WeeklyUpdate.state == "posted", sight.condition())
        .order_by(WeeklyUpdate.week_of.desc())
        .limit(1)
    )


def latest(session: AnySession, actor: Actor, engagement_id: UUID) -> WeeklyUpdate | None:
    """The update that was posted last."""
    return session.scalar(_latest(Sight.of(actor)), who(actor) | {"engagement": engagement_id})


def of_week(session: AnySession, engagement_id: UUID, week_of: date) -> WeeklyUpdate | None:
    """The update of one week, draft or posted."""
    query = sa.select(WeeklyUpdate).where(WeeklyUpdate.engagement_id == engagement_id, WeeklyUpdate.week_of == week_of)
    return session.scalar(query)
