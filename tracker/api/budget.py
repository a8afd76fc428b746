"""Hour budgets and PS blocks, in whole minutes."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, page_of
from tracker.domain.access import Permission
from tracker.domain.budget import Balance
from tracker.domain.burnup import check_past
from tracker.domain.ps_block import state_of
from tracker.domain.workday import Calendar
from tracker.services import budget as service
from tracker.services import ps_block as block_service
from tracker.services.budget import AS_AGREED, BlockSpec
from tracker.services.ps_block import BlockChange
from tracker.store import budget as budgets
from tracker.store import burnup
from tracker.store import engagement as engagements
from tracker.store import ps_block as blocks
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
    expires_on: date | None = Field(None, description="Its last day; null means that it does not end. Left out: as agreed.")
    carries_over: bool | None = Field(None, description="Whether what is left then stays. Left out: as agreed.")


class BlockPatch(In):
    reference: str | None = None
    expires_on: date | None = None
    carries_over: bool | None = None


class VoidIn(In):
    reason: str


class BlockOut(Out):
    id: UUID
    version: int
    engagement_id: UUID
    minutes: int
    used_minutes: int
    held_minutes: int
    left_minutes: int
    lapsed_minutes: int
    reference: str
    purchased_on: date
    expires_on: date | None
    carries_over: bool
    state: str = Field(description="open, ended, carried_over or voided")
    lapsed_at: datetime | None = Field(description="When it ended, whether or not anything lapsed.")
    voided_at: datetime | None
    void_reason: str | None = Field(description="For the team only.")


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


def block_out(call: Call, block: PsBlock, time_zone: str) -> BlockOut:
    """One block, as it stands on the engagement's day."""
    today = Calendar(time_zone).local_date(call.now)
    return BlockOut(
        id=block.id,
        version=block.version,
        engagement_id=block.engagement_id,
        minutes=block.limit_minutes,
        used_minutes=block.approved,
        held_minutes=block.booked - block.approved,
        left_minutes=block.left,
        lapsed_minutes=block.lapsed_minutes,
        reference=block.reference,
        purchased_on=block.purchased_on,
        expires_on=block.expires_on,
        carries_over=block.carries_over,
        state=state_of(block.term, today, voided=block.voided_at is not None),
        lapsed_at=block.lapsed_at,
        voided_at=block.voided_at,
        void_reason=block.void_reason if call.actor.may(Permission.SEE_INTERNAL) else None,
    )


def _one(call: Call, block: PsBlock) -> BlockOut:
    return block_out(call, block, engagements.get(call.session, call.actor, block.engagement_id).time_zone)


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
    zone = engagements.get(call.session, call.actor, engagement_id).time_zone
    items = [block_out(call, block, zone) for block in budgets.blocks_of(call.session, engagement_id)]
    return page_of(items, query, lambda block: block.id)


@api.post("/engagements/<uuid:engagement_id>/ps-blocks", Permission.SELL_PS)
def sell_block(call: Call, engagement_id: UUID, body: BlockIn) -> BlockOut:
    """Sell PS hours. Less than 240 minutes answers 422 `ps_minimum`."""
    expires_on = body.expires_on if "expires_on" in body.model_fields_set else AS_AGREED
    spec = BlockSpec(body.minutes, body.reference, body.purchased_on, expires_on, body.carries_over)
    return _one(call, service.sell_block(call.session, call.actor, engagement_id, spec, now=call.now))


@api.get("/ps-blocks/<uuid:block_id>", Permission.SEE_ENGAGEMENTS)
def get_block(call: Call, block_id: UUID) -> BlockOut:
    """One PS block."""
    return _one(call, blocks.get(call.session, call.actor, block_id))


@api.patch("/ps-blocks/<uuid:block_id>", Permission.SELL_PS)
def edit_block(call: Call, block_id: UUID, body: BlockPatch) -> BlockOut:
    """Change a block's reference, last day, or whether what is left stays; its minutes never change.

    A later last day gives back what lapsed.
    """
    change = BlockChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return _one(call, block_service.change_block(call.session, call.actor, block_id, change, now=call.now))


@api.post("/ps-blocks/<uuid:block_id>/void", Permission.SELL_PS, status=200)
def void_block(call: Call, block_id: UUID, body: VoidIn) -> BlockOut:
    """Take a block that was entered by mistake out of the pool; 409 `guard` with rule `block_pinned` while it pays for work."""
    return _one(call, block_service.void_block(call.session, call.actor, block_id, body.reason, now=call.now))
