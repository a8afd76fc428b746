"""Engagements beside each other: one page of them, with the stage that follows from the facts of each."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.engagement import EngagementFacts, EngagementStage, stage_of
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Agreement, Customer, Engagement, visible
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
    """An actor's engagements, newest first, those older than a given one. Five statements however many there are."""
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
    """The derived stage and the number of sites of each engagement, in three statements."""
    ids = [engagement.id for engagement in engagements]
    agreed = set(session.scalars(sa.select(Agreement.engagement_id).where(Agreement.engagement_id.in_(ids))))
    sites: dict[UUID, list[str]] = {each: [] for each in ids}
    for engagement_id, stage in session.execute(sa.select(Site.engagement_id, Site.stage).where(Site.engagement_id.in_(ids))):
        sites[engagement_id].append(stage)
    query = sa.select(Deadline.engagement_id, Deadline.kind, Deadline.done_at).where(
        Deadline.engagement_id.in_(ids), Deadline.kind.in_(("inventory", "kickoff")), Deadline.withdrawn_at.is_(None)
    )
    dates = {(row.engagement_id, row.kind): row.done_at is not None for row in session.execute(query)}
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
        )
        result[each.id] = (stage_of(facts), sum(stage != "withdrawn" for stage in sites[each.id]))
    return result
