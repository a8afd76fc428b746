"""Engagements beside each other: one page of them, with the stage that follows from the facts of each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.engagement import EngagementFacts, EngagementStage, stage_of
from tracker.domain.site import LAUNCHED_STAGES
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Agreement, Customer, Engagement, visible
from tracker.store.path import walked_by_engagement
from tracker.store.person import Person
from tracker.store.site import Site


@dataclass(frozen=True)
class EngagementRow:
    """One line of the portfolio."""

    engagement: Engagement
    customer_name: str
    manager_name: str
    stage: EngagementStage
    site_count: int


def page(session: AnySession, actor: Actor, *, before: UUID | None, limit: int) -> list[EngagementRow]:
    """An actor's engagements, newest first, those older than a given one. Six statements however many there are."""
    query = (
        sa.select(Engagement, Customer.name, Person.name)
        .join(Customer, Customer.id == Engagement.customer_id)
        .join(Person, Person.id == Engagement.manager_id)
        .where(visible(actor))
        .order_by(Engagement.id.desc())
        .limit(limit)
    )
    rows = session.execute(query.where(Engagement.id < before) if before else query).all()
    stages = stages_of(session, [row[0] for row in rows])
    return [
        EngagementRow(engagement, customer_name, manager, *stages[engagement.id]) for engagement, customer_name, manager in rows
    ]


def stages_of(session: AnySession, engagements: Collection[Engagement]) -> dict[UUID, tuple[EngagementStage, int]]:
    """The derived stage and the number of sites of each engagement, in four statements."""
    ids = [engagement.id for engagement in engagements]
    agreed = set(session.scalars(sa.select(Agreement.engagement_id).where(Agreement.engagement_id.in_(ids))))
    sites: dict[UUID, list[str]] = {each: [] for each in ids}
    for engagement_id, stage in session.execute(sa.select(Site.engagement_id, Site.stage).where(Site.engagement_id.in_(ids))):
        sites[engagement_id].append(stage)
    query = sa.select(Deadline.engagement_id, Deadline.kind, Deadline.done_at).where(
        Deadline.engagement_id.in_(ids), Deadline.kind.in_(("inventory", "kickoff")), Deadline.withdrawn_at.is_(None)
    )
    dates = {(row.engagement_id, row.kind): row.done_at is not None for row in session.execute(query)}
    walked = walked_by_engagement(session, ids)
    result = {}
    for each in engagements:
        facts = EngagementFacts(
            status=each.status,
            has_agreement=each.id in agreed,
            inventory_due=(each.id, "inventory") in dates,
            inventory_received=dates.get((each.id, "inventory"), False),
            kickoff_set=(each.id, "kickoff") in dates,
            requirements_agreed=each.requirements_version > 0,
            site_stages=sites[each.id],
            walked=walked.get(each.id, ()),
        )
        result[each.id] = (stage_of(facts), sum(stage != "withdrawn" for stage in sites[each.id]))
    return result


def next_of(session: AnySession, ids: list[UUID]) -> dict[UUID, Deadline]:
    """The next open date of each engagement, in one statement. A site that was withdrawn has none."""
    withdrawn = sa.exists().where(Site.id == Deadline.site_id, Site.stage == "withdrawn")
    place = sa.func.row_number().over(partition_by=Deadline.engagement_id, order_by=(Deadline.day, Deadline.id)).label("place")
    ranked = (
        sa.select(Deadline.id, place)
        .where(Deadline.engagement_id.in_(ids), Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None), ~withdrawn)
        .subquery()
    )
    query = sa.select(Deadline).join(ranked, sa.and_(ranked.c.id == Deadline.id, ranked.c.place == 1))
    return {deadline.engagement_id: deadline for deadline in session.scalars(query)}


@dataclass(frozen=True)
class DueRow:
    """An open date with what it is told by."""

    deadline: Deadline
    engagement: Engagement
    site_name: str | None
    count: int  # how many there are, however few were asked for


def due(
    session: AnySession, actor: Actor, *, until: date | None = None, kinds: Collection[str] | None = None, limit: int
) -> list[DueRow]:
    """The open dates of running engagements that an actor may see, the earliest first, in one statement.

    `until` is the last day that matters; `kinds` narrows to these and to what the actor owns in person.
    """
    over = sa.or_(Site.stage == "withdrawn", sa.and_(Deadline.kind == "code_freeze", Site.stage.in_(LAUNCHED_STAGES)))
    query = (
        sa.select(Deadline, Engagement, Site.name, sa.func.count().over())
        .join(Engagement, Engagement.id == Deadline.engagement_id)
        .outerjoin(Site, Site.id == Deadline.site_id)
        .where(visible(actor), Engagement.status == "active", Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None))
        .where(sa.or_(Site.id.is_(None), ~over))
    )
    if until is not None:
        query = query.where(Deadline.day <= until)
    if kinds is not None:
        query = query.where(sa.or_(Deadline.kind.in_(kinds), Deadline.owner_id == actor.person_id))
    return [DueRow(*row) for row in session.execute(query.order_by(Deadline.day, Deadline.id).limit(limit))]
