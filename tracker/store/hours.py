"""Hours added up over many entries: one grouped statement on the tables themselves, with names for the rows shown only."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.hours_report import STANDING, GroupBy, HoursFilter, HoursPlace, HoursReport, HoursRow, by_month
from tracker.store.database import AnySession, table_of
from tracker.store.engagement import Customer, Engagement, ids_on_it, visible
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

ENTRY = table_of(TimeEntry).c
KEYS: dict[GroupBy, sa.Column[Any]] = {
    GroupBy.ENGAGEMENT: ENTRY.engagement_id,
    GroupBy.SITE: ENTRY.site_id,
    GroupBy.PERSON: ENTRY.person_id,
    GroupBy.KIND: ENTRY.kind,
    # Folded into months afterwards: no two engines write a month alike, and a span has few days.
    GroupBy.MONTH: ENTRY.worked_on,
}
USED = sa.func.sum(sa.case((ENTRY.state == "approved", ENTRY.minutes), else_=0))


def report(
    session: AnySession,
    actor: Actor,
    group: GroupBy,
    asked: HoursFilter,
    *,
    after: HoursPlace | None = None,
    limit: int | None = None,
) -> HoursReport:
    """The hours that an actor may see, most first, months in order; all rows where no limit is given. One statement.

    The totals are those of every row, whatever the page.
    """
    key = KEYS[group]
    grouped = _narrowed(sa.select(key.label("key"), USED.label("used"), sa.func.sum(ENTRY.minutes).label("total")), actor, asked)
    if group is GroupBy.MONTH:
        rows = by_month((row.key, row.used, row.total - row.used) for row in session.execute(grouped.group_by(key)))
        return _page_of_months(rows, after, limit)
    return _page(session, group, grouped.group_by(key).cte("grouped"), after, limit)


def _narrowed(query: sa.Select[Any], actor: Actor, asked: HoursFilter) -> sa.Select[Any]:
    rule = visible(actor)
    if not rule.compare(sa.true()):
        # Whoever sees everything is spared a look at the engagement of each entry.
        query = query.join(Engagement, Engagement.id == ENTRY.engagement_id).where(rule)
    if actor.is_staff and not actor.sees_all:
        query = query.where(ENTRY.engagement_id.in_(ids_on_it(actor)))
    for column, value in (
        (ENTRY.engagement_id, asked.engagement_id),
        (ENTRY.site_id, asked.site_id),
        (ENTRY.person_id, asked.person_id),
        (ENTRY.kind, asked.kind),
    ):
        if value is not None:
            query = query.where(column == value)
    if asked.first is not None:
        query = query.where(ENTRY.worked_on >= asked.first)
    if asked.last is not None:
        query = query.where(ENTRY.worked_on <= asked.last)
    return query.where(ENTRY.state.in_(STANDING if asked.state is None else (asked.state,)))


def _page(session: AnySession, group: GroupBy, grouped: sa.CTE, after: HoursPlace | None, limit: int | None) -> HoursReport:
    """Totals over all groups beside those that are shown; with none to show there is one row without a key."""
    used_by_all, total_of_all = sa.func.sum(grouped.c.used).label("all_used"), sa.func.sum(grouped.c.total).label("all_total")
    totals = sa.select(used_by_all, total_of_all).cte("totals")
    shown = sa.select(grouped).order_by(grouped.c.total.desc(), grouped.c.key)
    if after is not None:
        here = _key_of(group, after.key)
        beyond = sa.and_(grouped.c.total == after.total, grouped.c.key > here)
        shown = shown.where(sa.or_(grouped.c.total < after.total, beyond))
    page = (shown if limit is None else shown.limit(limit + 1)).subquery("page")
    label, part_of, source = _named(group, page, totals.outerjoin(page, sa.true()))
    query = sa.select(totals, page, label.label("label"), part_of.label("part_of")).select_from(source)
    found = session.execute(query.order_by(page.c.total.desc(), page.c.key)).all()
    rows = [
        HoursRow(str(row.key), row.label, row.part_of, row.used, row.total - row.used) for row in found if row.key is not None
    ]
    used, total = int(found[0].all_used or 0), int(found[0].all_total or 0)
    if limit is None or len(rows) <= limit:
        return HoursReport(rows, used, total - used)
    last = rows[limit - 1]
    return HoursReport(rows[:limit], used, total - used, HoursPlace(last.total, last.key))


def _key_of(group: GroupBy, key: str) -> UUID | str:
    return key if group is GroupBy.KIND else UUID(key)


def _named(group: GroupBy, page: sa.Subquery, source: sa.Join) -> tuple[Any, Any, sa.Join]:
    """What the rows are called, what they are part of, and the joins that say so."""
    if group is GroupBy.ENGAGEMENT:
        source = source.outerjoin(Engagement, Engagement.id == page.c.key)
        return Engagement.name, Customer.name, source.outerjoin(Customer, Customer.id == Engagement.customer_id)
    if group is GroupBy.SITE:
        source = source.outerjoin(Site, Site.id == page.c.key)
        return Site.name, Engagement.name, source.outerjoin(Engagement, Engagement.id == Site.engagement_id)
    if group is GroupBy.PERSON:
        return Person.name, sa.null(), source.outerjoin(Person, Person.id == page.c.key)
    labels = sa.case({kind.value: kind.label for kind in WorkKind}, value=page.c.key)
    return labels, sa.null(), source


def _page_of_months(rows: list[HoursRow], after: HoursPlace | None, limit: int | None) -> HoursReport:
    used, held = sum(row.used for row in rows), sum(row.held for row in rows)
    rest = [row for row in rows if after is None or row.key > after.key]
    if limit is None or len(rest) <= limit:
        return HoursReport(rest, used, held)
    return HoursReport(rest[:limit], used, held, HoursPlace(rest[limit - 1].total, rest[limit - 1].key))
