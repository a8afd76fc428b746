"""Engagements beside each other: one page of them, with the stage that follows from the facts of each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.engagement import EngagementFacts, EngagementStage, stage_of
from tracker.domain.portfolio import Alarm, Filters, Order, Place, words_of
from tracker.domain.site import LAUNCHED_STAGES
from tracker.store import alarm
from tracker.store.database import AnySession, table_of
from tracker.store.deadline import Deadline
from tracker.store.engagement import Agreement, Customer, Engagement, Sight, ids_on_it, sees_many, who
from tracker.store.path import walked_by_engagement
from tracker.store.person import Person
from tracker.store.site import Site

# So many dates are counted; that there are more is all that anybody wants to know.
DUE_COUNTED = 40


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

    Seven statements at most however many there are, and one more where alarms narrow them.
    """
    is_listed = filters.mine or (actor.is_staff and not sees_many(session, actor))
    shape = _Shape.of(actor, filters, order, start, backwards=backwards, is_listed=is_listed)
    values = who(actor) | _values(filters, order, start) | {"most": limit + 1}
    if filters.words or filters.alarms:
        elsewhere, days = alarm.said(now, alarm.zones_in_use(session) if filters.alarms else ())
        query, values = _query(shape, filters.words, filters.alarms, elsewhere), values | days
    else:
        query = _plain_query(shape)
    found = session.execute(query, values).all()
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


@dataclass(frozen=True)
class _Shape:
    """What a page is asked by, apart from the values: its statement is built once for each, words and alarms apart."""

    sight: Sight
    mine: bool
    of_customer: bool
    of_manager: bool
    of_status: bool
    order: Order
    has_start: bool
    backwards: bool

    @classmethod
    def of(
        cls, actor: Actor, filters: Filters, order: Order, start: Place | None, *, backwards: bool, is_listed: bool
    ) -> "_Shape":
        return cls(
            sight=Sight.of(actor),
            mine=is_listed,
            of_customer=filters.customer_id is not None,
            of_manager=filters.manager_id is not None,
            of_status=filters.status is not None,
            order=order,
            has_start=start is not None,
            backwards=backwards,
        )


_KEYS: Mapping[Order, tuple[Any, ...]] = {
    Order.NEXT: (Engagement.next_on, Engagement.id),
    Order.NAME: (Engagement.name_key, Engagement.id),
    Order.CUSTOMER: (Customer.name_key, Engagement.id),
    Order.NEWEST: (Engagement.id,),
}
PageQuery = sa.Select[Engagement, str, str, str]


def _values(filters: Filters, order: Order, start: Place | None) -> dict[str, Any]:
    values = {"customer": filters.customer_id, "manager": filters.manager_id, "status": filters.status}
    said = (start.value, start.id)[-len(_KEYS[order]) :] if start is not None else ()
    return values | {f"start_{number}": value for number, value in enumerate(said)}


@cache
def _plain_query(shape: _Shape) -> PageQuery:
    return _query(shape, "", (), 0)


def _query(shape: _Shape, words: str, alarms: Collection[Alarm], elsewhere: int) -> PageQuery:
    query = (
        sa.select(Engagement, Customer.name, Person.name, Customer.name_key)
        .join(Customer, Customer.id == Engagement.customer_id)
        .join(Person, Person.id == Engagement.manager_id)
        .where(shape.sight.condition())
    )
    if shape.mine:
        query = query.where(Engagement.id.in_(ids_on_it(shape.sight.anybody())))
    if shape.of_customer:
        query = query.where(Engagement.customer_id == sa.bindparam("customer"))
    if shape.of_manager:
        query = query.where(Engagement.manager_id == sa.bindparam("manager"))
    if shape.of_status:
        query = query.where(Engagement.status == sa.bindparam("status"))
    for word in words_of(words):
        site = sa.exists().where(
            Site.engagement_id == Engagement.id, Site.stage != "withdrawn", Site.name_key.contains(word, autoescape=True)
        )
        names = (column.contains(word, autoescape=True) for column in (Engagement.name_key, Customer.name_key))
        query = query.where(sa.or_(*names, site))
    if alarms:
        query = query.where(alarm.raised(alarms, alarm.Days.of(elsewhere)))
    return _in_order(query, shape).limit(sa.bindparam("most", type_=sa.Integer))


def _in_order(query: PageQuery, shape: _Shape) -> PageQuery:
    keys, rising = _KEYS[shape.order], (shape.order is not Order.NEWEST) is not shape.backwards
    if shape.has_start:
        said = [sa.bindparam(f"start_{number}", type_=key.type) for number, key in enumerate(keys)]
        here, there = sa.tuple_(*keys), sa.tuple_(*said)
        query = query.where(here > there if rising else here < there)
        if shape.order is Order.CUSTOMER:
            # A comparison across two tables begins at no place of an index; the first column alone does.
            query = query.where(keys[0] >= said[0] if rising else keys[0] <= said[0])
    return query.order_by(*(key if rising else key.desc() for key in keys))


def _place(order: Order, engagement: Engagement, customer_key: str) -> Place:
    values = {Order.NEXT: engagement.next_on, Order.NAME: engagement.name_key, Order.CUSTOMER: customer_key}
    return Place(order, values.get(order), engagement.id)


_THESE = sa.bindparam("ids", type_=sa.Uuid(), expanding=True)
_agreement, _site, _deadline = (table_of(each) for each in (Agreement, Site, Deadline))
_AGREED = sa.select(_agreement.c.engagement_id).where(_agreement.c.engagement_id.in_(_THESE))
_SITE_STAGES = sa.select(_site.c.engagement_id, _site.c.stage).where(_site.c.engagement_id.in_(_THESE))
_EARLY_DATES = sa.select(*_deadline.c["engagement_id", "kind", "done_at"]).where(
    _deadline.c.engagement_id.in_(_THESE), _deadline.c.kind.in_(("inventory", "kickoff")), _deadline.c.withdrawn_at.is_(None)
)


def stages_of(session: AnySession, engagements: Collection[Engagement]) -> dict[UUID, tuple[EngagementStage, int]]:
    """The derived stage and the number of sites of each engagement, in four statements."""
    ids = [engagement.id for engagement in engagements]
    asked = {"ids": ids}
    agreed = set(session.scalars(_AGREED, asked))
    sites: dict[UUID, list[str]] = {each: [] for each in ids}
    for engagement_id, stage in session.execute(_SITE_STAGES, asked):
        sites[engagement_id].append(stage)
    dates = {(row.engagement_id, row.kind): row.done_at is not None for row in session.execute(_EARLY_DATES, asked)}
    guided = [each.id for each in engagements if each.type == "self_service"]
    walked = walked_by_engagement(session, guided) if guided else {}
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


def stage_of_one(
    session: AnySession, engagement: Engagement, agreement: Agreement | None, sites: Iterable[Site], dated: Iterable[Deadline]
) -> EngagementStage:
    """The derived stage of an engagement of which all that was read already; its paths alone are asked for."""
    dates = {deadline.kind: deadline.done_at is not None for deadline in dated}
    is_guided = engagement.type == "self_service"
    facts = EngagementFacts(
        status=engagement.status,
        has_agreement=agreement is not None,
        inventory_due="inventory" in dates,
        inventory_received=dates.get("inventory", False),
        kickoff_set="kickoff" in dates,
        requirements_agreed=engagement.requirements_version > 0,
        site_stages=[site.stage for site in sites],
        walked=walked_by_engagement(session, [engagement.id]).get(engagement.id, ()) if is_guided else (),
    )
    return stage_of(facts)


def _next() -> sa.Select[Deadline]:
    over = sa.or_(Site.stage == "withdrawn", sa.and_(Deadline.kind == "code_freeze", Site.stage.in_(LAUNCHED_STAGES)))
    withdrawn = sa.exists().where(Site.id == Deadline.site_id, over)
    place = sa.func.row_number().over(partition_by=Deadline.engagement_id, order_by=(Deadline.day, Deadline.id)).label("place")
    ranked = (
        sa.select(Deadline.id, place)
        .where(
            Deadline.engagement_id.in_(_THESE),
            Deadline.withdrawn_at.is_(None),
            Deadline.done_at.is_(None),
            ~withdrawn,
            ~_is_on(sa.bindparam("today", type_=sa.Date())),
        )
        .subquery()
    )
    return sa.select(Deadline).join(ranked, sa.and_(ranked.c.id == Deadline.id, ranked.c.place == 1))


def _is_on(today: date | sa.ColumnElement[date]) -> sa.ColumnElement[bool]:
    """Dates of freezes that have begun before today."""
    return sa.and_(Deadline.kind.in_(alarm.RUNNING), Deadline.day < today)


_NEXT = _next()


def next_of(session: AnySession, ids: list[UUID], today: date) -> dict[UUID, Deadline]:
    """The next open date of each engagement, in one statement; none of a withdrawn site, nor a freeze that is on."""
    return {deadline.engagement_id: deadline for deadline in session.scalars(_NEXT, {"ids": ids, "today": today})}


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
    """The open dates of running engagements that an actor may see, the earliest first, in two statements.

    A freeze that is on since before `today` is nothing to do any more. `until` is the last day that
    matters; `kinds` narrows to these and to what the actor owns in person.
    """
    asked = who(actor) | {"today": today, "until": until, "kinds": list(kinds or ()), "most": limit}
    shape = _DueShape(
        Sight.of(actor), is_listed=not sees_many(session, actor), has_end=until is not None, of_kinds=kinds is not None
    )
    return [DueRow(*row) for row in session.execute(_due(shape), asked)]


@dataclass(frozen=True)
class _DueShape:
    """What open dates are asked by, apart from the values. `is_listed` begins with a list of the engagements that are seen."""

    sight: Sight
    is_listed: bool
    has_end: bool
    of_kinds: bool


@cache
def _due(shape: _DueShape) -> sa.Select[Deadline, Engagement, str, int]:
    over = sa.or_(Site.stage == "withdrawn", sa.and_(Deadline.kind == "code_freeze", Site.stage.in_(LAUNCHED_STAGES)))
    seen = sa.select(Engagement.id).where(shape.sight.condition(), Engagement.status == "active")
    query = sa.select(Deadline.id, Deadline.day).where(
        Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None), ~sa.exists().where(Site.id == Deadline.site_id, over)
    )
    if shape.is_listed:
        if shape.sight.is_staff:
            seen = seen.where(Engagement.id.in_(ids_on_it(shape.sight.anybody())))
        query = query.where(Deadline.engagement_id.in_(seen))
    else:
        # Along the dates, the earliest first, until there are enough: whose each is, is looked up one by one.
        query = query.where(seen.where(Engagement.id == Deadline.engagement_id).exists())
    if shape.has_end:
        query = query.where(Deadline.day <= sa.bindparam("until", type_=sa.Date()))
    if shape.of_kinds:
        mine = Deadline.owner_id == sa.bindparam("actor_person", type_=sa.Uuid())
        query = query.where(sa.or_(Deadline.kind.in_(sa.bindparam("kinds", expanding=True)), mine))
    # What has to be done, and freezes to come, each along an index of its own: those that are on are not even looked at.
    runs = Deadline.kind.in_(sa.bindparam("running", list(alarm.RUNNING), expanding=True, literal_execute=True))
    parts = (query.where(~runs), query.where(runs, Deadline.day >= sa.bindparam("today", type_=sa.Date())))
    either = sa.union_all(
        *(sa.select(part.order_by(Deadline.day, Deadline.id).limit(DUE_COUNTED).subquery()) for part in parts)
    ).subquery()
    first = sa.select(either.c.id).order_by(either.c.day, either.c.id).limit(DUE_COUNTED).cte("first")
    rows = (
        sa.select(Deadline, Engagement, Site.name, sa.func.count().over())
        .join(first, first.c.id == Deadline.id)
        .join(Engagement, Engagement.id == Deadline.engagement_id)
        .outerjoin(Site, Site.id == Deadline.site_id)
    )
    return rows.order_by(Deadline.day, Deadline.id).limit(sa.bindparam("most", type_=sa.Integer))
