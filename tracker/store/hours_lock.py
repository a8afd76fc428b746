"""Days whose hours are closed: each closing and reopening is kept; the engagement carries the one that counts."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, Keyed
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry


class HoursLock(Keyed, Base):
    """The hours of an engagement were closed through a day, or opened again where there is no day. Never changed."""

    __table_args__ = (sa.Index("ix_hours_lock_engagement", "engagement_id", "id"),)
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    through: Mapped[date | None]
    reason: Mapped[str]
    by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[datetime]


def history(session: AnySession, engagement_id: UUID, *, limit: int = 50) -> list[tuple[HoursLock, str]]:
    """What was closed and opened, the newest first, each with the name of whoever did it."""
    query = sa.select(HoursLock, Person.name).outerjoin(Person, Person.id == HoursLock.by)
    query = query.where(HoursLock.engagement_id == engagement_id).order_by(HoursLock.id.desc()).limit(limit)
    return [(row[0], row[1] or "Tracker") for row in session.execute(query)]


@dataclass(frozen=True)
class Undecided:
    """One entry that holds a closing up."""

    id: UUID
    person: str
    site: str
    worked_on: date
    kind: str
    minutes: int
    state: str


def undecided(session: AnySession, engagement_id: UUID, through: date, *, limit: int) -> list[Undecided]:
    """The drafts and the submitted entries of an engagement up to a day, the oldest first."""
    query = (
        sa.select(TimeEntry.id, Person.name, Site.name, TimeEntry.worked_on, TimeEntry.kind, TimeEntry.minutes, TimeEntry.state)
        .join(Person, Person.id == TimeEntry.person_id)
        .join(Site, Site.id == TimeEntry.site_id)
        .where(
            TimeEntry.engagement_id == engagement_id,
            TimeEntry.worked_on <= through,
            TimeEntry.state.in_(("draft", "submitted")),
        )
        .order_by(TimeEntry.worked_on, TimeEntry.id)
    )
    return [Undecided(*row) for row in session.execute(query.limit(limit))]
