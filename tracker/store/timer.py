"""Timers that run, one for each person, and stopped time that no budget would take."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed, insert_or_ignore, table_of
from tracker.store.engagement import Engagement, Sight, visible, who
from tracker.store.person import Person
from tracker.store.site import Site


class Timer(Base):
    """What somebody works on at this moment. The key is the person: nobody works on two things at once."""

    __table_args__ = (sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    engagement_id: Mapped[UUID]
    site_id: Mapped[UUID]
    kind: Mapped[str]
    activity: Mapped[str | None]
    known_issue_id: Mapped[str | None]
    ps_kind: Mapped[str | None]
    note: Mapped[str]
    started_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)


class UnplacedTime(Keyed, Base):
    """Time that was worked and that no budget took when its timer stopped. Somebody places it, or discards it with a reason."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "placed_id"], ["time_entry.engagement_id", "time_entry.id"]),
        sa.CheckConstraint("minutes > 0", name="minutes_positive"),
        sa.CheckConstraint("(settled_at IS NULL) = (placed_id IS NULL AND discard_reason IS NULL)", name="settled_once"),
        sa.CheckConstraint("placed_id IS NULL OR discard_reason IS NULL", name="placed_or_discarded"),
        sa.Index(
            "ix_unplaced_time_waiting",
            "person_id",
            "id",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        ),
    )
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    engagement_id: Mapped[UUID]
    site_id: Mapped[UUID]
    kind: Mapped[str]
    activity: Mapped[str | None]
    known_issue_id: Mapped[str | None]
    ps_kind: Mapped[str | None]
    note: Mapped[str]
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime]
    worked_on: Mapped[date]
    minutes: Mapped[int]
    # Why no budget took it, in the words of the refusal.
    refused: Mapped[str]
    placed_id: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    discard_reason: Mapped[str | None]


@dataclass(frozen=True)
class Running:
    """A timer with the names of where it runs; without them where its person may not know of that place any more."""

    timer: Timer
    site_name: str | None
    engagement_name: str | None


@cache
def _running(sight: Sight) -> sa.Select[Timer, str | None, str | None]:
    """Built once for each sight: it is asked for on every page of the staff."""
    seen = sight.condition()
    return (
        sa.select(Timer, sa.case((seen, Site.name)), sa.case((seen, Engagement.name)))
        .join(Site, Site.id == Timer.site_id)
        .join(Engagement, Engagement.id == Timer.engagement_id)
        .where(Timer.person_id == sa.bindparam("actor_person", type_=sa.Uuid()))
    )


def running(session: AnySession, actor: Actor) -> Running | None:
    """The timer of whoever is asking, in one statement. A token for one engagement knows of no other's."""
    found = session.execute(_running(Sight.of(actor)), who(actor)).first()
    if found is None or not _concerns(actor, found[0]):
        return None
    return Running(found[0], found[1], found[2])


def hold(session: AnySession, person_id: UUID) -> Timer | None:
    """Somebody's timer, held for this unit: of two who stop it one waits, and then finds none."""
    query = sa.select(Timer).where(Timer.person_id == person_id).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def hold_own(session: AnySession, actor: Actor) -> Timer | None:
    """The timer of whoever is asking, held; for a token of one engagement only one that runs there."""
    assert actor.person_id is not None
    found = hold(session, actor.person_id)
    return found if found is not None and _concerns(actor, found) else None


def _concerns(actor: Actor, timer: Timer) -> bool:
    return actor.only_engagement_id in (None, timer.engagement_id)


def insert(session: AnySession, timer: Timer) -> bool:
    """Start a timer; False where its person has one, also one that was started at this very moment."""
    table = table_of(Timer)
    row = {column.key: getattr(timer, column.key) for column in table.columns}
    started = insert_or_ignore(session, table).values(row).returning(table.c.person_id)
    return session.execute(started).first() is not None


def remove(session: AnySession, timer: Timer) -> None:
    """Take a timer that is held away."""
    session.delete(timer)
    session.flush()


@dataclass(frozen=True)
class Waiting:
    """Unplaced time with the names that are shown with it."""

    time: UnplacedTime
    person_name: str
    site_name: str
    engagement_name: str


def hold_unplaced(session: AnySession, actor: Actor, unplaced_id: UUID) -> UnplacedTime:
    """A piece of unplaced time, held for this unit. Raises NotFound for what is not there or not the actor's to know of."""
    query = sa.select(UnplacedTime).join(Engagement, Engagement.id == UnplacedTime.engagement_id)
    query = query.where(UnplacedTime.id == unplaced_id, visible(actor)).with_for_update(of=UnplacedTime)
    found = session.scalar(query, execution_options={"populate_existing": True})
    if found is None:
        raise NotFound
    return found


def _named() -> sa.Select[UnplacedTime, str, str, str]:
    return (
        sa.select(UnplacedTime, Person.name, Site.name, Engagement.name)
        .join(Engagement, Engagement.id == UnplacedTime.engagement_id)
        .join(Person, Person.id == UnplacedTime.person_id)
        .join(Site, Site.id == UnplacedTime.site_id)
    )


def count_unplaced(session: AnySession, engagement_id: UUID, through: date) -> int:
    """How many pieces of time up to a day still wait for a place."""
    query = sa.select(sa.func.count()).select_from(UnplacedTime)
    mine = (UnplacedTime.engagement_id == engagement_id, UnplacedTime.worked_on <= through, UnplacedTime.settled_at.is_(None))
    return session.scalar(query.where(*mine)) or 0


def one_unplaced(session: AnySession, actor: Actor, unplaced_id: UUID) -> Waiting:
    """A piece of unplaced time with its names, also one that is settled. Raises NotFound."""
    row = session.execute(_named().where(UnplacedTime.id == unplaced_id, visible(actor))).first()
    if row is None:
        raise NotFound
    return Waiting(row[0], row[1], row[2], row[3])


def waiting(
    session: AnySession,
    actor: Actor,
    *,
    person_id: UUID | None = None,
    engagement_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Waiting]:
    """Unplaced time that waits, oldest first: one's own, and for managers everybody's on the engagements they see."""
    query = _named().where(UnplacedTime.settled_at.is_(None), visible(actor))
    if not actor.may(Permission.SEE_TEAM):
        query = query.where(UnplacedTime.person_id == actor.person_id)
    for column, value in ((UnplacedTime.person_id, person_id), (UnplacedTime.engagement_id, engagement_id)):
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(UnplacedTime.id > after)
    rows = session.execute(query.order_by(UnplacedTime.id).limit(limit))
    return [Waiting(row[0], row[1], row[2], row[3]) for row in rows]
