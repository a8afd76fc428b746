"""Deadlines: every date of an engagement, stored once, with where it came from."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.deadline import Dates
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, visible

ACTIVE = "withdrawn_at IS NULL AND kind <> 'custom'"
OPEN = sa.text("withdrawn_at IS NULL AND done_at IS NULL")
TASK = sa.text("withdrawn_at IS NULL AND done_at IS NULL AND kind NOT IN ('code_freeze', 'content_freeze')")
OF_SITE, OF_ENGAGEMENT = sa.text(f"{ACTIVE} AND site_id IS NOT NULL"), sa.text(f"{ACTIVE} AND site_id IS NULL")


class Deadline(Versioned, Base):
    """One date: a day, which ends at local midnight, or an instant. Computed from an anchor, or set by hand."""

    __table_args__ = (
        sa.CheckConstraint("(due_on IS NULL) <> (due_at IS NULL)", name="day_or_instant"),
        sa.CheckConstraint("source IN ('computed', 'manual')", name="source_known"),
        sa.CheckConstraint("(source = 'computed') = (anchor IS NOT NULL)", name="computed_from_anchor"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.UniqueConstraint("engagement_id", "id"),
        sa.Index("uq_deadline_of_site", "site_id", "kind", unique=True,
                 sqlite_where=OF_SITE, postgresql_where=OF_SITE),
        sa.Index("uq_deadline_of_engagement", "engagement_id", "kind", unique=True,
                 sqlite_where=OF_ENGAGEMENT, postgresql_where=OF_ENGAGEMENT),
        sa.Index("ix_deadline_engagement", "engagement_id", "day"),
        # What is open, the earliest first, of whatever engagement.
        sa.Index("ix_deadline_open", "day", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        # The same without freezes: those that are on lie at the beginning of the other, and nobody has to act on them.
        sa.Index("ix_deadline_task", "day", "id", sqlite_where=TASK, postgresql_where=TASK),
        sa.Index("ix_deadline_replan", "replan_at", sqlite_where=sa.text("replan_at IS NOT NULL"),
                 postgresql_where=sa.text("replan_at IS NOT NULL")),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    kind: Mapped[str]
    title: Mapped[str]
    due_on: Mapped[date | None]
    due_at: Mapped[datetime | None]
    opens_on: Mapped[date | None]
    # The local day of either, so that one index orders both.
    day: Mapped[date]
    source: Mapped[str]
    anchor: Mapped[str | None]
    offset_days: Mapped[int | None]
    reason: Mapped[str | None]
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]
    # When its reminders have to be planned further; only what repeats needs it.
    replan_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def dates(self) -> Dates:
        return Dates(self.due_on, self.due_at, self.opens_on)


def get(session: AnySession, actor: Actor, deadline_id: UUID) -> Deadline:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(Deadline).join(Engagement, Engagement.id == Deadline.engagement_id)
    found = session.scalar(query.where(Deadline.id == deadline_id, Deadline.withdrawn_at.is_(None), visible(actor)))
    if found is None:
        raise NotFound
    return found


_OF_ENGAGEMENT = (
    sa.select(Deadline)
    .where(Deadline.engagement_id == sa.bindparam("engagement"), Deadline.withdrawn_at.is_(None))
    .order_by(Deadline.day, Deadline.id)
)


def of_engagement(session: AnySession, engagement_id: UUID, *, anew: bool = False) -> list[Deadline]:
    """The dates of an engagement and its sites, in order; `anew` reads also those again that were read before."""
    found = session.scalars(_OF_ENGAGEMENT, {"engagement": engagement_id}, execution_options={"populate_existing": anew})
    return list(found)


def page(session: AnySession, engagement_id: UUID, *, after: Deadline | None, limit: int) -> list[Deadline]:
    """Some dates of an engagement in order, those after a given one."""
    query = sa.select(Deadline).where(Deadline.engagement_id == engagement_id, Deadline.withdrawn_at.is_(None))
    if after is not None:
        query = query.where(sa.tuple_(Deadline.day, Deadline.id) > sa.tuple_(after.day, after.id))
    return list(session.scalars(query.order_by(Deadline.day, Deadline.id).limit(limit)))


def one(session: AnySession, engagement_id: UUID, site_id: UUID | None, kind: str) -> Deadline | None:
    """The one date of a kind that a site, or the engagement itself, has."""
    query = sa.select(Deadline).where(
        Deadline.engagement_id == engagement_id, Deadline.kind == kind, Deadline.withdrawn_at.is_(None)
    )
    return session.scalar(query.where(Deadline.site_id == site_id if site_id else Deadline.site_id.is_(None)))


def to_replan(session: AnySession, now: datetime, *, limit: int) -> list[UUID]:
    """Engagements whose repeating reminders have to be planned further, the most overdue first."""
    query = (
        sa.select(Deadline.engagement_id)
        .where(Deadline.replan_at <= now)
        .group_by(Deadline.engagement_id)
        .order_by(sa.func.min(Deadline.replan_at))
        .limit(limit)
    )
    return list(session.scalars(query))


def replan_all(session: AnySession, now: datetime, *, owner_id: UUID | None = None) -> None:
    """Let the reminders of every open date, or of those of one owner, be planned anew by the next ticks."""
    whose = sa.true() if owner_id is None else Deadline.owner_id == owner_id
    live = (Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None), whose)
    held = sa.select(Deadline.id).where(*live).order_by(Deadline.id).with_for_update().cte("held")
    session.execute(sa.update(Deadline).where(Deadline.id.in_(sa.select(held.c.id))).values(replan_at=now))


def of_site(session: AnySession, site_id: UUID) -> list[Deadline]:
    """The dates of one site, in order."""
    query = sa.select(Deadline).where(Deadline.site_id == site_id, Deadline.withdrawn_at.is_(None))
    return list(session.scalars(query.order_by(Deadline.day, Deadline.id)))


def engagements_owned_by(session: AnySession, person_id: UUID) -> list[UUID]:
    """The engagements in which somebody has an open date to look after, in the order in which rows are held."""
    query = sa.select(Deadline.engagement_id).distinct()
    query = query.where(Deadline.owner_id == person_id, Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None))
    return list(session.scalars(query.order_by(Deadline.engagement_id)))
