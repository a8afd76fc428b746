"""The budgets of one engagement as their postings add up: by day of work, and as of any past moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.budget import DRAW_ORDER, Balance, BudgetKind
from tracker.domain.burnup import Block, Point, Step, Worked, balance_of, burn_up, steps_of
from tracker.domain.workday import Calendar
from tracker.store.budget import Budget, Posting, PsBlock
from tracker.store.database import AnySession
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry


@dataclass(frozen=True)
class Account:
    """One budget with everything that moved it. `opening` is its limit before the steps: none for a pool."""

    budget_id: UUID
    kind: BudgetKind
    site_id: UUID | None
    site_name: str | None
    site_stage: str | None
    opening: int
    worked: Sequence[Worked]
    steps: Sequence[Step]

    @property
    def balance(self) -> Balance:
        return balance_of(self.kind, self.opening, self.worked, self.steps)

    @property
    def points(self) -> list[Point]:
        return burn_up(self.opening, self.worked, self.steps)

    @property
    def minutes_by_day(self) -> dict[date, int]:
        """Booked minutes, which are those that count against the limit."""
        return {each.day: each.booked for each in self.worked}


def accounts(
    session: AnySession, engagement_id: UUID, calendar: Calendar, *, as_of: date | None = None, site_id: UUID | None = None
) -> list[Account]:
    """The budgets of an engagement that was loaded for the actor, those of sites first, in draw order within a site.

    As of the end of a day in the engagement's zone: what was posted later does not count, a block that was entered
    later is not there, nor is a site. With `site_id` only that site's own. Four statements.
    """
    until = None if as_of is None else calendar.end_of_day(as_of)
    rank = sa.case({kind.value: place for place, kind in enumerate(DRAW_ORDER)}, value=Budget.kind)
    query = sa.select(Budget.id, Budget.kind, Budget.site_id, Budget.limit_minutes, Site.name, Site.stage)
    query = query.outerjoin(Site, Site.id == Budget.site_id).where(Budget.engagement_id == engagement_id)
    if site_id is not None:
        query = query.where(Budget.site_id == site_id)
    if until is not None:
        query = query.where(sa.or_(Site.id.is_(None), Site.created_at < until))
    found = session.execute(query.order_by(Budget.site_id.is_(None), Budget.site_id, rank)).all()
    worked = _worked(session, engagement_id, site_id, until)
    steps = [] if site_id is not None else steps_of(_blocks(session, engagement_id, until), until, calendar)
    return [
        Account(
            row.id,
            BudgetKind(row.kind),
            row.site_id,
            row.name,
            row.stage,
            opening=0 if row.site_id is None else row.limit_minutes,
            worked=worked.get(row.id, []),
            steps=steps if row.site_id is None else [],
        )
        for row in found
    ]


def _worked(
    session: AnySession, engagement_id: UUID, site_id: UUID | None, until: datetime | None
) -> Mapping[UUID, list[Worked]]:
    """What stands of each day's work, by budget. What was reversed and its reversal have one day, so they cancel out."""
    booked, approved = sa.func.sum(Posting.minutes).label("booked"), sa.func.sum(Posting.approved_minutes).label("approved")
    query = (
        sa.select(Posting.budget_id, TimeEntry.worked_on, booked, approved)
        .select_from(Budget)
        .join(Posting, Posting.budget_id == Budget.id)
        .join(TimeEntry, TimeEntry.id == Posting.entry_id)
        .where(Budget.engagement_id == engagement_id)
        .group_by(Posting.budget_id, TimeEntry.worked_on)
        .having(sa.or_(booked != 0, approved != 0))
        .order_by(TimeEntry.worked_on)
    )
    if site_id is not None:
        query = query.where(Budget.site_id == site_id)
    if until is not None:
        query = query.where(Posting.at < until)
    days: dict[UUID, list[Worked]] = {}
    for row in session.execute(query):
        days.setdefault(row.budget_id, []).append(Worked(row.worked_on, int(row.booked), int(row.approved)))
    return days


def _blocks(session: AnySession, engagement_id: UUID, until: datetime | None) -> list[Block]:
    """The blocks that had been entered by then, with what they had paid for."""
    drawn = sa.select(Posting.block_id, sa.func.sum(Posting.minutes)).select_from(Budget)
    drawn = drawn.join(Posting, Posting.budget_id == Budget.id)
    drawn = drawn.where(Budget.engagement_id == engagement_id, Posting.block_id.is_not(None)).group_by(Posting.block_id)
    query = sa.select(PsBlock).where(PsBlock.engagement_id == engagement_id)
    if until is not None:
        drawn, query = drawn.where(Posting.at < until), query.where(PsBlock.created_at < until)
    booked = {row[0]: int(row[1]) for row in session.execute(drawn)}
    return [
        Block(
            minutes=block.limit_minutes,
            booked=booked.get(block.id, 0),
            reference=block.reference or "Without reference",
            purchased_on=block.purchased_on,
            voided_at=block.voided_at,
            lapsed_at=block.lapsed_at,
            carries_over=block.carries_over,
        )
        for block in session.scalars(query.order_by(PsBlock.purchased_on, PsBlock.id))
    ]
