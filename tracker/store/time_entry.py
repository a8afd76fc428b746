"""Time entries: work as it was stated, and how far it has been accepted. What it drew is in its postings."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.budget import Posting
from tracker.store.database import AnySession, Base, Versioned, table_of
from tracker.store.engagement import Agreement, Engagement, Sight, visible, who
from tracker.store.identity import new_id
from tracker.store.person import Person
from tracker.store.site import Site


class TimeEntry(Versioned, Base):
    """Work one person did on one site on one day. A reversal is an entry of its own with negative minutes."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.UniqueConstraint("site_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "reverses_id"], ["time_entry.engagement_id", "time_entry.id"]),
        sa.CheckConstraint("(minutes > 0) = (reverses_id IS NULL) AND minutes <> 0", name="minutes_signed"),
        sa.CheckConstraint("kind IN ('known_incompatibility', 'premium', 'ps', 'included')", name="kind_known"),
        sa.CheckConstraint(
            "kind <> 'known_incompatibility' OR activity IN ('research', 'known_solution')", name="allowance_activity"
        ),
        sa.CheckConstraint("kind <> 'ps' OR ps_kind IS NOT NULL", name="ps_kind_named"),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'rejected', 'reversed', 'reversal')", name="state_known"
        ),
        sa.Index("ix_time_entry_engagement", "engagement_id", "worked_on", "id"),
        sa.Index("ix_time_entry_person", "person_id", "worked_on", "state", "minutes"),
        sa.Index("ix_time_entry_day", "worked_on", "engagement_id", "state", "minutes"),
        sa.Index("uq_time_entry_moved_from", "moved_from_id", unique=True),
        sa.Index("uq_time_entry_import_key", "import_key", unique=True),
        sa.Index("ix_time_entry_split", "split_from_id", sqlite_where=sa.text("split_from_id IS NOT NULL"),
                 postgresql_where=sa.text("split_from_id IS NOT NULL")),
        sa.Index("ix_time_entry_waiting", "engagement_id", sqlite_where=sa.text("state = 'submitted'"),
                 postgresql_where=sa.text("state = 'submitted'")),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    worked_on: Mapped[date]
    minutes: Mapped[int]
    kind: Mapped[str]
    activity: Mapped[str | None]
    known_issue_id: Mapped[str | None]
    ps_kind: Mapped[str | None]
    note: Mapped[str]
    state: Mapped[str]
    split_from_id: Mapped[UUID | None]
    reverses_id: Mapped[UUID | None] = mapped_column(unique=True)
    # The entry whose work this one pays for from another budget; that one is reversed.
    moved_from_id: Mapped[UUID | None]
    # Names the row of a file that it came from, so that the same file twice changes nothing.
    import_key: Mapped[str | None]
    created_at: Mapped[datetime]
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]


@dataclass(frozen=True)
class Place:
    """Where work is to be booked, read in one statement, and how much the person has on that day already (minutes)."""

    site_id: UUID
    cms: str
    stage: str
    listed_in_version: int | None
    engagement_id: UUID
    type: str
    status: str
    time_zone: str
    locked_through: date | None
    signed_on: date | None
    catalogue_version: int | None
    day_minutes: int


COUNTED = ("draft", "submitted", "approved")


@cache
def _place_query(sight: Sight) -> sa.Select[*tuple[Any, ...]]:
    """Built once for each sight: it is run for every booking."""
    entry = table_of(TimeEntry)
    worked = sa.select(sa.func.coalesce(sa.func.sum(entry.c.minutes), 0)).where(
        entry.c.person_id == sa.bindparam("person"), entry.c.worked_on == sa.bindparam("day"), entry.c.state.in_(COUNTED)
    )
    places = _places(worked.scalar_subquery()).where(Site.id == sa.bindparam("site"), sight.condition())
    return places.with_for_update(read=True, key_share=True, of=Engagement)


def _places(day_minutes: sa.ColumnElement[int] | sa.ScalarSelect[int]) -> sa.Select[*tuple[Any, ...]]:
    site, engagement, agreement = (table_of(each) for each in (Site, Engagement, Agreement))
    return sa.select(
        *site.c["id", "cms", "stage", "listed_in_version"],
        *engagement.c["id", "type", "status", "time_zone", "hours_locked_through"],
        *agreement.c["signed_on", "catalogue_version"],
        day_minutes,
    ).select_from(
        site.join(engagement, engagement.c.id == site.c.engagement_id).outerjoin(
            agreement, agreement.c.engagement_id == engagement.c.id
        )
    )


def place_of(session: AnySession, actor: Actor, site_id: UUID, person_id: UUID, day: date) -> Place:
    """Raises NotFound. Holds the engagement against whoever closes its hours, and against nobody else."""
    asked = who(actor) | {"site": site_id, "person": person_id, "day": day}
    found = session.execute(_place_query(Sight.of(actor)), asked).first()
    if found is None:
        raise NotFound
    return Place(*tuple(found))


def places_of(session: AnySession, site_ids: Collection[UUID]) -> dict[UUID, Place]:
    """Where work on several sites is booked, in one statement and holding nothing; without anybody's minutes of a day."""
    rows = session.execute(_places(sa.literal(0)).where(Site.id.in_(site_ids)))
    return {row[0]: Place(*tuple(row)) for row in rows}


def undecided(session: AnySession, engagement_id: UUID, through: date) -> dict[str, int]:
    """How many entries up to a day are drafts or wait for approval, by state."""
    query = sa.select(TimeEntry.state, sa.func.count()).where(
        TimeEntry.engagement_id == engagement_id, TimeEntry.worked_on <= through, TimeEntry.state.in_(("draft", "submitted"))
    )
    return {row[0]: int(row[1]) for row in session.execute(query.group_by(TimeEntry.state))}


def locked_through(session: AnySession, engagement_id: UUID) -> date | None:
    """Up to which day the hours of an engagement are closed; held against whoever would close more of them."""
    query = sa.select(Engagement.hours_locked_through).where(Engagement.id == engagement_id)
    return session.scalar(query.with_for_update(read=True, key_share=True))


_INSERT = sa.insert(table_of(TimeEntry))


def insert(session: AnySession, **values: Any) -> TimeEntry:
    """Write an entry by one statement; return it as it was written, not tied to the session."""
    row = dict.fromkeys(("decided_by", "decided_at", "decision_reason", "moved_from_id", "import_key", "reverses_id"))
    row |= {"id": new_id(), "version": 1} | values
    session.execute(_INSERT, row)
    return TimeEntry(**row)


def get(session: AnySession, actor: Actor, entry_id: UUID, *, for_update: bool = False) -> TimeEntry:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(TimeEntry).join(Engagement, Engagement.id == TimeEntry.engagement_id)
    query = query.where(TimeEntry.id == entry_id, visible(actor))
    found = session.scalar(query.with_for_update(of=TimeEntry, key_share=True) if for_update else query)
    if found is None:
        raise NotFound
    return found


def of_ids(session: AnySession, actor: Actor, ids: Collection[UUID], *, for_update: bool = False) -> list[TimeEntry]:
    """Those of some entries that an actor may know of, in the order of their ids."""
    query = sa.select(TimeEntry).join(Engagement, Engagement.id == TimeEntry.engagement_id)
    query = query.where(TimeEntry.id.in_(ids), visible(actor)).order_by(TimeEntry.id)
    return list(session.scalars(query.with_for_update(of=TimeEntry, key_share=True) if for_update else query))


def page(
    session: AnySession,
    actor: Actor,
    *,
    engagement_id: UUID | None = None,
    site_id: UUID | None = None,
    person_id: UUID | None = None,
    state: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[TimeEntry]:
    """The newest entries that an actor may see, narrowed as asked, older than a given one."""
    query = sa.select(TimeEntry).join(Engagement, Engagement.id == TimeEntry.engagement_id).where(visible(actor))
    for column, value in (
        (TimeEntry.engagement_id, engagement_id),
        (TimeEntry.site_id, site_id),
        (TimeEntry.person_id, person_id),
        (TimeEntry.state, state),
    ):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(TimeEntry.id < before)
    return list(session.scalars(query.order_by(TimeEntry.id.desc()).limit(limit)))


def day_minutes(session: AnySession, rows: Collection[TimeEntry]) -> dict[tuple[UUID, date], int]:
    """How much the people of some entries have on the days of those entries, in minutes and one statement."""
    days = TimeEntry.person_id.in_({row.person_id for row in rows}), TimeEntry.worked_on.in_({row.worked_on for row in rows})
    query = sa.select(TimeEntry.person_id, TimeEntry.worked_on, sa.func.sum(TimeEntry.minutes)).where(
        *days, TimeEntry.state.in_(COUNTED)
    )
    found = session.execute(query.group_by(TimeEntry.person_id, TimeEntry.worked_on))
    return {(row[0], row[1]): int(row[2]) for row in found}


def entry_faults(session: AnySession) -> list[str]:
    """Entries whose postings do not say the same as their state and minutes."""
    drawn = sa.select(
        Posting.entry_id,
        sa.func.sum(Posting.minutes).label("booked"),
        sa.func.sum(Posting.approved_minutes).label("approved"),
    )
    sums = drawn.group_by(Posting.entry_id).subquery()
    booked, approved = sa.func.coalesce(sums.c.booked, 0), sa.func.coalesce(sums.c.approved, 0)
    free = TimeEntry.kind == "included"
    expected = sa.case((free, 0), (TimeEntry.state == "rejected", 0), else_=TimeEntry.minutes)
    accepted = sa.case((free, 0), (TimeEntry.state == "approved", TimeEntry.minutes), else_=0)
    query = sa.select(TimeEntry.id, TimeEntry.state, TimeEntry.minutes, booked, approved).outerjoin(
        sums, sums.c.entry_id == TimeEntry.id
    )
    settled = TimeEntry.state.not_in(("reversed", "reversal"))
    wrong = sa.or_(booked != expected, sa.and_(settled, approved != accepted))
    return [
        f"time entry {row[0]} ({row[1]}, {row[2]} min): its postings say {row[3]}/{row[4]}"
        for row in session.execute(query.where(wrong))
    ]


@cache
def _recent(sight: Sight, *, of_site: bool) -> sa.Select[TimeEntry, str, str]:
    query = (
        sa.select(TimeEntry, Person.name, Site.name)
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .join(Person, Person.id == TimeEntry.person_id)
        .join(Site, Site.id == TimeEntry.site_id)
        .where(
            sight.condition(),
            TimeEntry.engagement_id == sa.bindparam("engagement"),
            TimeEntry.state.in_(sa.bindparam("states", expanding=True)),
        )
        .order_by(TimeEntry.worked_on.desc(), TimeEntry.id.desc())
        .limit(sa.bindparam("most", type_=sa.Integer))
    )
    return query.where(TimeEntry.site_id == sa.bindparam("site")) if of_site else query


def recent(
    session: AnySession, actor: Actor, engagement_id: UUID, *, states: Collection[str], site_id: UUID | None = None, limit: int
) -> list[tuple[TimeEntry, str, str]]:
    """The newest entries of an engagement, or of one of its sites, each with its person's and its site's name."""
    asked = who(actor) | {"engagement": engagement_id, "site": site_id, "states": list(states), "most": limit}
    rows = session.execute(_recent(Sight.of(actor), of_site=site_id is not None), asked)
    return [(row[0], row[1], row[2]) for row in rows]


def minutes_by_site(session: AnySession, engagement_id: UUID, first: date, last: date) -> dict[UUID, int]:
    """The minutes of work that stand as submitted or approved, by site, for the days from the first to the last."""
    query = (
        sa.select(TimeEntry.site_id, sa.func.sum(TimeEntry.minutes))
        .where(
            TimeEntry.engagement_id == engagement_id,
            TimeEntry.state.in_(("submitted", "approved")),
            TimeEntry.worked_on.between(first, last),
        )
        .group_by(TimeEntry.site_id)
    )
    return {row[0]: int(row[1]) for row in session.execute(query)}


def minutes_of_person(session: AnySession, person_id: UUID, first: date, last: date) -> int:
    """The minutes that somebody has logged for the days from the first to the last, as far as they count."""
    query = sa.select(sa.func.coalesce(sa.func.sum(TimeEntry.minutes), 0)).where(
        TimeEntry.person_id == person_id, TimeEntry.state.in_(COUNTED), TimeEntry.worked_on.between(first, last)
    )
    return int(session.scalar(query) or 0)


# So many are counted; that there are more is all that anybody wants to know.
WAITING_COUNTED = 100


@cache
def _waiting(sight: Sight) -> sa.Select[int, int]:
    query = sa.select(TimeEntry.minutes).where(TimeEntry.state == sa.literal("submitted", literal_execute=True))
    if not sight.sees_all or sight.of_one:
        query = query.where(sa.exists().where(Engagement.id == TimeEntry.engagement_id, sight.condition()))
    # In the order of the index of what waits, or SQLite would rather walk along all days.
    first = query.order_by(TimeEntry.engagement_id).limit(WAITING_COUNTED).subquery()
    return sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(first.c.minutes), 0)).select_from(first)


def waiting(session: AnySession, actor: Actor) -> tuple[int, int]:
    """How many entries that an actor may see wait for approval, and their minutes; at most WAITING_COUNTED are counted."""
    count, minutes = session.execute(_waiting(Sight.of(actor)), who(actor)).one()
    return int(count), int(minutes)
