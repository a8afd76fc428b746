"""Hour budgets and PS blocks, in whole minutes."""

from datetime import date
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, page_of
from tracker.domain.access import Permission
from tracker.domain.budget import Balance
from tracker.domain.burnup import check_past
from tracker.domain.workday import Calendar
from tracker.services import budget as service
from tracker.services.budget import BlockSpec
from tracker.store import budget as budgets
from tracker.store import burnup
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.budget import Budget, PsBlock

api = Api("budget")


class BudgetOut(Out):
    id: UUID
    kind: str
    site_id: UUID | None
    limit_minutes: int
    used_minutes: int
    held_minutes: int
    left_minutes: int


class BudgetQuery(PageQuery):
    as_of: date | None = Field(None, description="As it stood on the books at the end of that day, in the engagement's zone.")


class BlockIn(In):
    minutes: Whole
    reference: str
    purchased_on: date


class BlockOut(Out):
    id: UUID
    version: int
    minutes: int
    used_minutes: int
    held_minutes: int
    left_minutes: int
    reference: str
    purchased_on: date


def budget_out(budget: Budget) -> BudgetOut:
    return _balance_out(budget.id, budget.site_id, budget.balance)


def _balance_out(budget_id: UUID, site_id: UUID | None, balance: Balance) -> BudgetOut:
    return BudgetOut(
        id=budget_id,
        kind=balance.kind,
        site_id=site_id,
        limit_minutes=balance.limit,
        used_minutes=balance.used,
        held_minutes=balance.held,
        left_minutes=balance.left,
    )


def block_out(block: PsBlock) -> BlockOut:
    return BlockOut(
        id=block.id,
        version=block.version,
        minutes=block.limit_minutes,
        used_minutes=block.approved,
        held_minutes=block.booked - block.approved,
        left_minutes=block.limit_minutes - block.booked,
        reference=block.reference,
        purchased_on=block.purchased_on,
    )


@api.get("/sites/<uuid:site_id>/budgets", Permission.SEE_ENGAGEMENTS)
def list_site_budgets(call: Call, site_id: UUID, query: BudgetQuery) -> Listing[BudgetOut]:
    """A site's own budgets: its allowance, and its Premium extra where it has one."""
    site = sites.get(call.session, call.actor, site_id)
    if query.as_of is not None:
        past = _past(call, site.engagement_id, query.as_of, site_id=site.id)
        return page_of(past, query, lambda budget: budget.id)
    own = [budget for budget in budgets.of_site(call.session, site.engagement_id, site.id).values() if budget.site_id]
    return page_of([budget_out(budget) for budget in own], query, lambda budget: budget.id)


@api.get("/engagements/<uuid:engagement_id>/budgets", Permission.SEE_ENGAGEMENTS)
def list_budgets(call: Call, engagement_id: UUID, query: BudgetQuery) -> Listing[BudgetOut]:
    """Every budget of an engagement, its PS pool last."""
    if query.as_of is not None:
        return page_of(_past(call, engagement_id, query.as_of), query, lambda budget: budget.id)
    items = [budget_out(budget) for budget in budgets.of_engagement(call.session, engagement_id)]
    return page_of(items, query, lambda budget: budget.id)


def _past(call: Call, engagement_id: UUID, as_of: date, *, site_id: UUID | None = None) -> list[BudgetOut]:
    """The budgets as their postings of until then add up. Raises Invalid at `as_of` for a day to come."""
    engagement = engagements.get(call.session, call.actor, engagement_id)
    calendar = Calendar(engagement.time_zone, frozenset())
    check_past(as_of, calendar.local_date(call.now))
    return [
        _balance_out(each.budget_id, each.site_id, each.balance)
        for each in burnup.accounts(call.session, engagement_id, calendar, as_of=as_of, site_id=site_id)
    ]


@api.get("/engagements/<uuid:engagement_id>/ps-blocks", Permission.SEE_ENGAGEMENTS)
def list_blocks(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[BlockOut]:
    """The PS blocks in the order in which they are drawn."""
    items = [block_out(block) for block in budgets.blocks_of(call.session, engagement_id)]
    return page_of(items, query, lambda block: block.id)


@api.post("/engagements/<uuid:engagement_id>/ps-blocks", Permission.SELL_PS)
def sell_block(call: Call, engagement_id: UUID, body: BlockIn) -> BlockOut:
    """Sell PS hours. Less than 240 minutes answers 422 `ps_minimum`."""
    spec = BlockSpec(body.minutes, body.reference, body.purchased_on)
    return block_out(service.sell_block(call.session, call.actor, engagement_id, spec, now=call.now))
