"""Who covers for whom while they are away."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from tracker.domain.access import Actor, Role
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed, UtcDateTime
from tracker.store.person import Person


class Cover(Keyed, Base):
    """Somebody stands in for somebody else, for some days. Never changed but for its end."""

    __table_args__ = (
        sa.CheckConstraint("from_on <= until_on", name="days_in_order"),
        sa.CheckConstraint("starts_at < ends_at", name="moments_in_order"),
        sa.CheckConstraint("person_id <> cover_id", name="somebody_else"),
        sa.Index("ix_cover_cover", "cover_id", "ends_at"),
        sa.Index("ix_cover_person", "person_id", "ends_at"),
    )
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    cover_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    # The same days as moments, in the absent person's zone at the time of arranging: access asks by the clock.
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    note: Mapped[str]
    made_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


def running(now: datetime) -> sa.ColumnElement[bool]:
    """The covers that run at a moment: from the midnight that begins the first day to the one that ends the last."""
    return sa.and_(Cover.ended_at.is_(None), Cover.starts_at <= now, Cover.ends_at > now)


@dataclass(frozen=True)
class CoverRow:
    """A cover with the names in it."""

    cover: Cover
    person_name: str
    cover_name: str


def _rows() -> sa.Select[Cover, str, str]:
    stand_in = aliased(Person)
    query = sa.select(Cover, Person.name, stand_in.name).join(Person, Person.id == Cover.person_id)
    return query.join(stand_in, stand_in.id == Cover.cover_id)


_MOMENT: Any = sa.bindparam("now", type_=UtcDateTime())
_RUNNING_FOR = _rows().where(Cover.person_id.in_(sa.bindparam("people", expanding=True)), running(_MOMENT))


def running_for(session: AnySession, person_ids: Collection[UUID], now: datetime) -> dict[UUID, CoverRow]:
    """The covers that run at a moment, by who is away, in one statement."""
    rows = session.execute(_RUNNING_FOR, {"people": list(person_ids), "now": now})
    return {row[0].person_id: CoverRow(*row) for row in rows}


def running_now(session: AnySession, now: datetime, *, limit: int = 500) -> list[CoverRow]:
    """All covers that run at a moment, in one statement."""
    return [CoverRow(*row) for row in session.execute(_rows().where(running(now)).order_by(Cover.until_on).limit(limit))]


def to_come(session: AnySession, person_id: UUID, now: datetime, *, limit: int = 100) -> list[CoverRow]:
    """The covers that run or will, of somebody's absences and of what they cover for others, the earliest first."""
    theirs = sa.or_(Cover.person_id == person_id, Cover.cover_id == person_id)
    query = _rows().where(theirs, Cover.ended_at.is_(None), Cover.ends_at > now)
    return [CoverRow(*row) for row in session.execute(query.order_by(Cover.starts_at, Cover.id).limit(limit))]


def page(session: AnySession, person_id: UUID, *, before: UUID | None, limit: int) -> list[CoverRow]:
    """All covers of somebody's absences, the newest first."""
    query = _rows().where(Cover.person_id == person_id).order_by(Cover.id.desc()).limit(limit)
    return [CoverRow(*row) for row in session.execute(query.where(Cover.id < before) if before else query)]


def get(session: AnySession, actor: Actor, cover_id: UUID) -> Cover:
    """A cover of one's own absence, or for administrators anybody's. Raises NotFound."""
    found = session.get(Cover, cover_id)
    if found is None or actor.only_engagement_id is not None:
        raise NotFound
    if found.person_id != actor.person_id and actor.role is not Role.ADMIN:
        raise NotFound
    return found


def crossing(session: AnySession, starts_at: datetime, ends_at: datetime, *who: sa.ColumnElement[bool]) -> CoverRow | None:
    """One of the covers that run at some time between two moments."""
    query = _rows().where(Cover.ended_at.is_(None), Cover.starts_at < ends_at, Cover.ends_at > starts_at, *who)
    row = session.execute(query.order_by(Cover.starts_at).limit(1)).first()
    return None if row is None else CoverRow(*row)


@dataclass(frozen=True)
class Mentions:
    """Whom Slack mentions for somebody at a moment: themselves, or whoever covers for them then."""

    slack_ids: Mapping[UUID, str | None]
    covers: Sequence[Cover]

    def at(self, person_id: UUID | None, moment: datetime) -> str | None:
        """The Slack id to mention. A cover whom Slack does not know leaves the mention with the absent person."""
        for cover in self.covers:
            if cover.person_id == person_id and cover.starts_at <= moment < cover.ends_at:
                return self.slack_ids.get(cover.cover_id) or self.slack_ids.get(cover.person_id)
        return self.slack_ids.get(person_id) if person_id is not None else None


def mentions_of(session: AnySession, person_ids: Collection[UUID], now: datetime) -> Mentions:
    """Whom to mention for these people from now on, in two statements; in none for nobody."""
    if not person_ids:
        return Mentions({}, ())
    query = sa.select(Cover).where(Cover.person_id.in_(person_ids), Cover.ended_at.is_(None), Cover.ends_at > now)
    covers = list(session.scalars(query))
    named = {*person_ids, *(cover.cover_id for cover in covers)}
    rows = session.execute(sa.select(Person.id, Person.slack_user_id).where(Person.id.in_(named)))
    return Mentions({row.id: row.slack_user_id for row in rows}, covers)
