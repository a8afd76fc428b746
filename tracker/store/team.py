"""The staff beside each other: what each leads and works on, the hours of a week, and who is away."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store.cover import CoverRow
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement, Member, visible
from tracker.store.person import Person
from tracker.store.time_entry import TimeEntry

WORKED = ("draft", "submitted", "approved")


@dataclass(frozen=True)
class Workload:
    """One of the staff: running engagements they lead and are assigned to, minutes logged in the week, and covers."""

    person: Person
    leads: int
    assigned: int
    minutes: int
    away: CoverRow | None
    covers_for: tuple[CoverRow, ...]


def workloads(session: AnySession, actor: Actor, *, monday: date, sunday: date, now: datetime) -> list[Workload]:
    """All active staff by name, counted over the engagements that the actor may see. Five statements."""
    running = (visible(actor), Engagement.status == "active")
    leads = _counts(session, sa.select(Engagement.manager_id, sa.func.count()).where(*running).group_by(Engagement.manager_id))
    assigned = sa.select(Member.person_id, sa.func.count()).join(Engagement, Engagement.id == Member.engagement_id)
    assigned = assigned.where(*running, Member.left_at.is_(None)).group_by(Member.person_id)
    week = sa.select(TimeEntry.person_id, sa.func.sum(TimeEntry.minutes)).join(
        Engagement, Engagement.id == TimeEntry.engagement_id
    )
    week = week.where(visible(actor), TimeEntry.worked_on.between(monday, sunday), TimeEntry.state.in_(WORKED))
    works, minutes = _counts(session, assigned), _counts(session, week.group_by(TimeEntry.person_id))
    away = covers.running_now(session, now)
    return [
        Workload(
            person,
            leads.get(person.id, 0),
            works.get(person.id, 0),
            minutes.get(person.id, 0),
            next((row for row in away if row.cover.person_id == person.id), None),
            tuple(row for row in away if row.cover.cover_id == person.id),
        )
        for person in people.active_staff(session)
    ]


def _counts(session: AnySession, query: sa.Select[UUID, int]) -> Mapping[UUID, int]:
    return {row[0]: int(row[1]) for row in session.execute(query)}


def leads_running(session: AnySession, person_id: UUID) -> int:
    """How many running engagements somebody leads, whoever asks."""
    query = sa.select(sa.func.count()).select_from(Engagement)
    return session.scalar(query.where(Engagement.manager_id == person_id, Engagement.status == "active")) or 0
