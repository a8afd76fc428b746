"""Engagements beside each other: one page of them, with the stage that follows from the facts of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVarTuple
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.engagement import EngagementFacts, EngagementStage, stage_of
from tracker.domain.portfolio import Alarm, Filters, Order, Place, words_of
from tracker.domain.site import LAUNCHED_STAGES
from tracker.store import alarm
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Agreement, Customer, Engagement, ids_on_it, visible
from tracker.store.path import walked_by_engagement
from tracker.store.person import Person
from tracker.store.site import Site

# So many dates are counted; that there are more is all that anybody wants to know.
DUE_COUNTED = 100
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class EngagementRow:
    """One line of the portfolio."""

    engagement: Engagement
    customer_name: str
    manager_name: str
    stage: EngagementStage
    site_count: int
    alarms: Mapping[Alarm, int]


@dataclass(frozen=True)
class Page:
    """Some lines in order, and the places from which the lines before and after them are read, where there are any."""

    rows: Sequence[EngagementRow]
    before: Place | None
    after: Place | None


def page(
    session: AnySession,
    actor: Actor,
    filters: Filters,
    order: Order,
    *,
    start: Place | None = None,
    backwards: bool = False,
    limit: int,
    now: datetime,
) -> Page:
    """An actor's engagements that pass the filters, those after a place or before it.

    Six statements however many there are, and one more where alarms narrow them.
    """
    query = _narrowed(
        sa.select(Engagement, Customer.name, Person.name, Customer.name_key)
        .join(Customer, Customer.id == Engagement.customer_id)
        .join(Person, Person.id == Engagement.manager_id)
        .where(visible(actor)),
        actor,
        filters,
    )
    if filters.alarms:
        query = query.where(alarm.raised(filters.alarms, alarm.Days.of(now, alarm.zones_in_use(session))))
    found = session.execute(_in_order(query, order, start, backwards=backwards).limit(limit + 1)).all()
    shown = found[:limit][::-1] if backwards else found[:limit]
    more, places = len(found) > limit, [_place(order, row[0], row[3]) for row in shown]
    stages = stages_of(session, [row[0] for row in shown])
    alarms = alarm.counts_of(session, [row[0] for row in shown], now)
    rows = [
        EngagementRow(engagement, customer, manager, *stages[engagement.id], alarms[engagement.id])
        for engagement, customer, manager, _key in shown
    ]
    has_before, has_after = (more, start is not None) if backwards else (start is not None, more)
    return Page(rows, places[0] if places and has_before else None, places[-1] if places and has_after else None)


def _narrowed(query: sa.Select[*Columns], actor: Actor, filters: Filters) -> sa.Select[*Columns]:
    if filters.mine or (actor.is_staff and not actor.sees_all):
        query = query.where(Engagement.id.in_(ids_on_it(actor)))
    if filters.customer_id is not None:
        query = query.where(Engagement.customer_id == filters.customer_id)
    if filters.manager_id is not None:
        query = query.where(Engagement.manager_id == filters.manager_id)
    if filters.status is not None:
        query = query.where(Engagement.status == filters.status)
    for word in words_of(filters.words):
        site = sa.exists().where(
            Site.engagement_id == Engagement.id, Site.stage != "withdrawn", Site.name_key.contains(word, autoescape=True)
        )
        names = (column.contains(word, autoescape=True) for column in (Engagement.name_key, Customer.name_key))
        query = query.where(sa.or_(*names, site))
    return query


def _in_order(query: sa.Select[*Columns], order: Order, start: Place | None, *, backwards: bool) -> sa.Select[*Columns]:
    columns: dict[Order, tuple[Any, ...]] = {
        Order.NEXT: (Engagement.next_on, Engagement.id),
        Order.NAME: (Engagement.name_key, Engagement.id),
        Order.CUSTOMER: (Customer.name_key, Engagement.id),
        Order.NEWEST: (Engagement.id,),
    }
    keys, rising = columns[order], (order is not Order.NEWEST) is not backwards
    if start is not None:
        values = (start.value, start.id)[-len(keys) :]
        said = [sa.literal(value, key.type) for key, value in zip(keys, values, strict=True)]
        here, there = sa.tuple_(*keys), sa.tuple_(*said)
        query = query.where(here > there if rising else here < there)
        if order is Order.CUSTOMER:
            # A comparison across two tables begins at no place of an index; the first column alone does.
            query = query.where(keys[0] >= said[0] if rising else keys[0] <= said[0])
    return query.order_by(*(key if rising else key.desc() for key in keys))


def _place(order: Order, engagement: Engagement, customer_key: str) -> Place:
    values = {Order.NEXT: engagement.next_on, Order.NAME: engagement.name_key, Order.CUSTOMER: customer_key}
    return Place(order, values.get(order), engagement.id)


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


def next_of(session: AnySession, ids: list[UUID], today: date) -> dict[UUID, Deadline]:
    """The next open date of each engagement, in one statement; none of a withdrawn site, nor a freeze that is on."""
    over = sa.or_(Site.stage == "withdrawn", sa.and_(Deadline.kind == "code_freeze", Site.stage.in_(LAUNCHED_STAGES)))
    withdrawn = sa.exists().where(Site.id == Deadline.site_id, over)
    place = sa.func.row_number().over(partition_by=Deadline.engagement_id, order_by=(Deadline.day, Deadline.id)).label("place")
    ranked = (
        sa.select(Deadline.id, place)
        .where(
            Deadline.engagement_id.in_(ids),
            Deadline.withdrawn_at.is_(None),
            Deadline.done_at.is_(None),
            ~withdrawn,
            ~_is_on(today),
        )
        .subquery()
    )
    query = sa.select(Deadline).join(ranked, sa.and_(ranked.c.id == Deadline.id, ranked.c.place == 1))
    return {deadline.engagement_id: deadline for deadline in session.scalars(query)}


def _is_on(today: date) -> sa.ColumnElement[bool]:
    """Dates of freezes that have begun before today."""
    return sa.and_(Deadline.kind.in_(alarm.RUNNING), Deadline.day < today)


@dataclass(frozen=True)
class DueRow:
    """An open date with what it is told by."""

    deadline: Deadline
    engagement: Engagement
    site_name: str | None
    count: int  # how many there are, however few were asked for; at most DUE_COUNTED


def due(
    session: AnySession,
    actor: Actor,
    today: date,
    *,
    until: date | None = None,
    kinds: Collection[str] | None = None,
    limit: int,
) -> list[DueRow]:
    """The open dates of running engagements that an actor may see, the earliest first, in one statement.

    A freeze that is on since before `today` is nothing to do any more. `until` is the last day that
    matters; `kinds` narrows to these and to what the actor owns in person.
    """
    over = sa.or_(Site.stage == "withdrawn", sa.and_(Deadline.kind == "code_freeze", Site.stage.in_(LAUNCHED_STAGES)))
    query = (
        sa.select(Deadline.id)
        .join(Engagement, Engagement.id == Deadline.engagement_id)
        .outerjoin(Site, Site.id == Deadline.site_id)
        .where(visible(actor), Engagement.status == "active", Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None))
        .where(sa.or_(Site.id.is_(None), ~over), ~_is_on(today))
    )
    if actor.is_staff and not actor.sees_all:
        query = query.where(Deadline.engagement_id.in_(ids_on_it(actor)))
    if until is not None:
        query = query.where(Deadline.day <= until)
    if kinds is not None:
        query = query.where(sa.or_(Deadline.kind.in_(kinds), Deadline.owner_id == actor.person_id))
    first = query.order_by(Deadline.day, Deadline.id).limit(DUE_COUNTED).cte("first")
    rows = (
        sa.select(Deadline, Engagement, Site.name, sa.func.count().over())
        .join(first, first.c.id == Deadline.id)
        .join(Engagement, Engagement.id == Deadline.engagement_id)
        .outerjoin(Site, Site.id == Deadline.site_id)
    )
    return [DueRow(*row) for row in session.execute(rows.order_by(Deadline.day, Deadline.id).limit(limit))]
