"""What one person's week is laid out from, in three statements whatever its size."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.budget import Balance, BudgetKind, WorkKind
from tracker.domain.site import WORKABLE
from tracker.domain.week import Facts, Ground, Piece, RowKey, Week, WeekGrid, lay_out
from tracker.store import budget as budgets
from tracker.store.database import AnySession
from tracker.store.engagement import Agreement, Engagement, visible
from tracker.store.site import Site
from tracker.store.time_entry import COUNTED, TimeEntry

SHOWN = (*COUNTED, "rejected")


def of_person(
    session: AnySession, actor: Actor, person_id: UUID, week: Week, added: Sequence[RowKey] = (), *, today: date
) -> WeekGrid:
    """A person's week as far as an actor may know of it; `today` is the day in the person's zone."""
    pieces = _pieces(session, actor, person_id, week)
    grounds = _grounds(session, actor, {key.site_id for key in (*(piece.row for piece in pieces), *added)})
    payers = budgets.of_sites(session, [(ground.engagement_id, ground.site_id) for ground in grounds.values()])
    balances: dict[tuple[UUID, BudgetKind], Balance] = {
        (site_id, balance.kind): balance for site_id, found in payers.items() for balance in (budget.balance for budget in found)
    }
    return lay_out(week, Facts(pieces, grounds, balances), added, today=today)


def in_cell(session: AnySession, person_id: UUID, key: RowKey, day: date) -> list[TimeEntry]:
    """The entries that count of one person, row and day."""
    query = sa.select(TimeEntry).where(
        TimeEntry.person_id == person_id,
        TimeEntry.worked_on == day,
        TimeEntry.state.in_(COUNTED),
        TimeEntry.site_id == key.site_id,
        TimeEntry.kind == key.kind,
        TimeEntry.activity.is_not_distinct_from(key.activity),
        TimeEntry.known_issue_id.is_not_distinct_from(key.known_issue_id),
        TimeEntry.ps_kind.is_not_distinct_from(key.ps_kind),
    )
    return list(session.scalars(query.order_by(TimeEntry.id)))


def _pieces(session: AnySession, actor: Actor, person_id: UUID, week: Week) -> list[Piece]:
    query = (
        sa.select(TimeEntry)
        .join(Engagement, Engagement.id == TimeEntry.engagement_id)
        .where(
            visible(actor),
            TimeEntry.person_id == person_id,
            TimeEntry.worked_on.between(week.monday, week.sunday),
            TimeEntry.state.in_(SHOWN),
        )
        .order_by(TimeEntry.id)
    )
    return [
        Piece(row.id, row.version, _key(row), row.worked_on, row.minutes, row.state, row.decision_reason)
        for row in session.scalars(query)
    ]


def _key(entry: TimeEntry) -> RowKey:
    return RowKey(entry.site_id, WorkKind(entry.kind), entry.activity, entry.known_issue_id, entry.ps_kind)


def _grounds(session: AnySession, actor: Actor, site_ids: Collection[UUID]) -> dict[UUID, Ground]:
    query = (
        sa.select(Site, Engagement, Agreement.signed_on)
        .join(Engagement, Engagement.id == Site.engagement_id)
        .outerjoin(Agreement, Agreement.engagement_id == Engagement.id)
        .where(visible(actor), Site.id.in_(site_ids))
    )
    return {
        site.id: Ground(
            site_id=site.id,
            site_name=site.name,
            engagement_id=engagement.id,
            engagement_name=engagement.name,
            is_workable=_is_workable(site, engagement),
            locked_through=engagement.hours_locked_through,
            signed_on=signed_on,
        )
        for site, engagement, signed_on in session.execute(query)
    }


def _is_workable(site: Site, engagement: Engagement) -> bool:
    return site.listed_in_version is not None and site.stage in WORKABLE and engagement.status == "active"
