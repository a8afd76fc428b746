"""What waits for a manager's yes: submitted entries as they are narrowed down, and the weeks that are not handed in whole."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement, visible
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

# Somebody's week, named by its Monday.
Week = tuple[UUID, date]


@dataclass(frozen=True)
class Narrowed:
    """Which of the entries that wait are asked for. `whole_weeks` False asks for weeks in which drafts are still open."""

    engagement_id: UUID | None = None
    person_id: UUID | None = None
    site_id: UUID | None = None
    whole_weeks: bool | None = None


@dataclass(frozen=True)
class WaitingEntry:
    """One entry that waits, with the names around it."""

    entry: TimeEntry
    person: str
    site: str
    engagement: str


@dataclass(frozen=True)
class Around:
    """Where something waits, and whose it is, as (engagement, site, person), each an id and a name."""

    engagement: tuple[UUID, str]
    site: tuple[UUID, str]
    person: tuple[UUID, str]


def monday_of(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def waiting(
    session: AnySession, actor: Actor, narrowed: Narrowed, open_weeks: Collection[Week], *, limit: int
) -> list[WaitingEntry]:
    """The entries that wait, by person, then by day."""
    query = (
        _submitted(actor, narrowed, open_weeks)
        .with_only_columns(TimeEntry, Person.name, Site.name, Engagement.name)
        .order_by(Person.name, Person.id, TimeEntry.worked_on, TimeEntry.id)
    )
    return [WaitingEntry(*row) for row in session.execute(query.limit(limit))]


def count(session: AnySession, actor: Actor, narrowed: Narrowed, open_weeks: Collection[Week]) -> tuple[int, int]:
    """How many entries wait, narrowed as asked, and their minutes."""
    query = _submitted(actor, narrowed, open_weeks)
    found = session.execute(query.with_only_columns(sa.func.count(), sa.func.coalesce(sa.func.sum(TimeEntry.minutes), 0))).one()
    return int(found[0]), int(found[1])


def around(session: AnySession, actor: Actor) -> list[Around]:
    """Everything by which the entries that wait can be narrowed down, each once, by name."""
    query = (
        _submitted(actor, Narrowed(), ())
        .with_only_columns(Engagement.id, Engagement.name, Site.id, Site.name, Person.id, Person.name)
        .distinct()
        .order_by(Engagement.name, Site.name, Person.name)
    )
    return [Around((row[0], row[1]), (row[2], row[3]), (row[4], row[5])) for row in session.execute(query)]


def open_weeks(session: AnySession, actor: Actor) -> dict[Week, int]:
    """How many drafts each week still holds, of the people who have something that waits."""
    waits = sa.select(TimeEntry.person_id).where(TimeEntry.state == "submitted")
    query = (
        sa.select(TimeEntry.person_id, TimeEntry.worked_on, sa.func.count())
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .where(visible(actor), TimeEntry.state == "draft", TimeEntry.person_id.in_(waits))
        .group_by(TimeEntry.person_id, TimeEntry.worked_on)
    )
    weeks: dict[Week, int] = {}
    for person_id, day, drafts in session.execute(query):
        week = (person_id, monday_of(day))
        weeks[week] = weeks.get(week, 0) + drafts
    return weeks


def _submitted(actor: Actor, narrowed: Narrowed, open_weeks: Collection[Week]) -> sa.Select[TimeEntry]:
    query = (
        sa.select(TimeEntry)
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .join(Person, Person.id == TimeEntry.person_id)
        .join(Site, Site.id == TimeEntry.site_id)
        .where(visible(actor), TimeEntry.state == "submitted")
    )
    for column, value in (
        (TimeEntry.engagement_id, narrowed.engagement_id),
        (TimeEntry.person_id, narrowed.person_id),
        (TimeEntry.site_id, narrowed.site_id),
    ):
        if value is not None:
            query = query.where(column == value)
    if narrowed.whole_weeks is None:
        return query
    days = [(person_id, monday + timedelta(days=place)) for person_id, monday in open_weeks for place in range(7)]
    in_open_week = sa.tuple_(TimeEntry.person_id, TimeEntry.worked_on).in_(days)
    return query.where(~in_open_week if narrowed.whole_weeks else in_open_week)
