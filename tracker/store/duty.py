"""The customer's duties, with whose they are and the dates they hang on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from tracker.domain.access import Actor
from tracker.domain.duty import DutyState
from tracker.domain.errors import NotFound
from tracker.domain.workday import Calendar
from tracker.store.database import AnySession, Base, Versioned, table_of
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement, visible
from tracker.store.person import Person
from tracker.store.site import Site

STATES = ", ".join(f"'{each}'" for each in DutyState)
OF_SITE, OF_ENGAGEMENT = sa.text("site_id IS NOT NULL"), sa.text("site_id IS NULL")


class Duty(Versioned, Base):
    """One thing that the customer has to do, for a site or the whole engagement. Its due date is that of its deadline."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "deadline_id"], ["deadline.engagement_id", "deadline.id"]),
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_when"),
        sa.CheckConstraint("(state = 'waived') = (waived_reason IS NOT NULL)", name="waived_why"),
        sa.Index("uq_duty_of_site", "site_id", "kind", unique=True, sqlite_where=OF_SITE, postgresql_where=OF_SITE),
        sa.Index("uq_duty_of_engagement", "engagement_id", "kind", unique=True,
                 sqlite_where=OF_ENGAGEMENT, postgresql_where=OF_ENGAGEMENT),
        sa.Index("ix_duty_engagement", "engagement_id", "state"),
        sa.Index("ix_duty_deadline", "deadline_id"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    # The id of a responsibility in the pinned catalogue, and what that calls it.
    kind: Mapped[str]
    title: Mapped[str]
    # Somebody of the customer; without one it falls to any approver.
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    deadline_id: Mapped[UUID | None]
    state: Mapped[str] = mapped_column(default="open")
    evidence: Mapped[str] = mapped_column(default="")
    done_at: Mapped[datetime | None]
    done_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    waived_reason: Mapped[str | None]
    created_at: Mapped[datetime]


@dataclass(frozen=True)
class DutyRow:
    """A duty with what it is shown by."""

    duty: Duty
    engagement: Engagement
    deadline: Deadline | None
    owner: str | None
    doer: str | None
    site: str | None

    def due(self) -> datetime | None:
        """When it is late: the instant, or the midnight that ends its day."""
        return self.deadline.dates.ends_at(Calendar(self.engagement.time_zone)) if self.deadline else None


def _query(
    *where: sa.ColumnElement[bool], order: Sequence[object] = (), limit: int | None = None
) -> sa.Select[Duty, Engagement, Deadline, str, str, str]:
    owner, doer = aliased(Person), aliased(Person)
    return (
        sa.select(Duty, Engagement, Deadline, owner.name, doer.name, Site.name)
        .join(Engagement, Engagement.id == Duty.engagement_id)
        .outerjoin(Deadline, Deadline.id == Duty.deadline_id)
        .outerjoin(owner, owner.id == Duty.owner_id)
        .outerjoin(doer, doer.id == Duty.done_by)
        .outerjoin(Site, Site.id == Duty.site_id)
        .where(*where)
        .order_by(*(order or (Duty.id,)))  # type: ignore[arg-type]  # columns and expressions alike
        .limit(limit)
    )


def _rows(
    session: AnySession, *where: sa.ColumnElement[bool], order: Sequence[object] = (), limit: int | None = None
) -> list[DutyRow]:
    return [DutyRow(*row) for row in session.execute(_query(*where, order=order, limit=limit))]


DUE_FIRST = (Deadline.day.is_(None), Deadline.day, Duty.id)
# Nothing is asked for a site that has left the engagement.
STILL_THERE = sa.or_(Site.id.is_(None), Site.stage != "withdrawn")


def get(session: AnySession, actor: Actor, duty_id: UUID) -> DutyRow:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    found = _rows(session, Duty.id == duty_id, visible(actor))
    if not found:
        raise NotFound
    return found[0]


def of_engagement(session: AnySession, engagement_id: UUID) -> list[DutyRow]:
    """All duties of an engagement and its sites, what is due first first; those of withdrawn sites are left out."""
    return _rows(session, Duty.engagement_id == engagement_id, STILL_THERE, order=DUE_FIRST)


_OPEN = sa.select(Duty).where(Duty.engagement_id == sa.bindparam("engagement"), Duty.state == "open")
_WAIVED = sa.select(table_of(Duty).c.deadline_id).where(
    Duty.engagement_id == sa.bindparam("engagement"), Duty.state == "waived", Duty.deadline_id.is_not(None)
)


def open_of_engagement(
    session: AnySession, engagement_id: UUID, dated: Iterable[Deadline], withdrawn: Collection[UUID]
) -> list[tuple[Duty, Deadline | None]]:
    """What the customer still has to do in an engagement, each with its date, what is due first first.

    The engagement's dates and the sites that have left it were read before.
    """
    dates = {deadline.id: deadline for deadline in dated}
    found = [
        (duty, dates.get(duty.deadline_id) if duty.deadline_id else None)
        for duty in session.scalars(_OPEN, {"engagement": engagement_id})
        if duty.site_id not in withdrawn
    ]
    return sorted(found, key=lambda pair: (pair[1].day if pair[1] else date.max, pair[0].id))


def open_of_customer_for(session: AnySession, actor: Actor, *, limit: int) -> list[DutyRow]:
    """What is still to be done in all running engagements an actor may see, what is due first first."""
    return _rows(
        session, visible(actor), Engagement.status == "active", Duty.state == "open", STILL_THERE, order=DUE_FIRST, limit=limit
    )


def page(
    session: AnySession, engagement_id: UUID, *, site_id: UUID | None, state: str | None, after: UUID | None, limit: int
) -> list[DutyRow]:
    """Some duties of an engagement, in the order in which they came up; those of withdrawn sites are left out."""
    where = [Duty.engagement_id == engagement_id, STILL_THERE]
    if site_id is not None:
        where.append(Duty.site_id == site_id)
    if state is not None:
        where.append(Duty.state == state)
    if after is not None:
        where.append(Duty.id > after)
    return _rows(session, *where, limit=limit)


def around_site(session: AnySession, site: Site) -> dict[str, DutyRow]:
    """By kind, the duties on which a site's steps may wait: its own and those of its engagement."""
    of_either = sa.or_(Duty.site_id == site.id, Duty.site_id.is_(None))
    return {row.duty.kind: row for row in _rows(session, Duty.engagement_id == site.engagement_id, of_either)}


def all_of(session: AnySession, engagement_id: UUID) -> list[Duty]:
    """The bare duties of an engagement."""
    return list(session.scalars(sa.select(Duty).where(Duty.engagement_id == engagement_id)))


def one(session: AnySession, engagement_id: UUID, site_id: UUID | None, kind: str) -> Duty | None:
    """The one duty of a kind that a site, or the engagement itself, has."""
    query = sa.select(Duty).where(Duty.engagement_id == engagement_id, Duty.kind == kind)
    return session.scalar(query.where(Duty.site_id == site_id if site_id else Duty.site_id.is_(None)))


def of_deadline(session: AnySession, deadline_id: UUID) -> Duty | None:
    """The duty that hangs on a date."""
    return session.scalar(sa.select(Duty).where(Duty.deadline_id == deadline_id))


def waived_dates(session: AnySession, engagement_id: UUID) -> frozenset[UUID]:
    """The dates of which nobody is reminded, because what was to be done by then was waived."""
    return frozenset(session.scalars(_WAIVED, {"engagement": engagement_id}))
