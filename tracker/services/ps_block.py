"""Change a PS block's reference and term, void one that was entered by mistake, and look at those whose moment has come.

Selling is `tracker.services.budget`. The minutes of a block never change. Source: docs/rules/budget.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.duration import say_minutes
from tracker.domain.errors import EditedMeanwhile, FieldError, Guard, Invalid
from tracker.domain.ps_block import Term, check_term
from tracker.domain.time_entry import REASON_LENGTH, read_remark
from tracker.services.ps_sale import read_reference
from tracker.services.ps_term import calendar_of, call_off, lapse, plan_turn, turn
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import ps_block as blocks
from tracker.store.budget import PsBlock
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement

CHANGEABLE = ("reference", "expires_on", "carries_over")


@dataclass(frozen=True)
class BlockChange:
    """What is to be different of a block, by name; and the version that was read."""

    values: Mapping[str, Any]
    version: int | None = None


def change_block(session: AnySession, actor: Actor, block_id: UUID, change: BlockChange, *, now: datetime) -> PsBlock:
    """Change a block's reference, last day, or whether what is left stays. Of an ended one, what lapsed may come back.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard for a voided block, and Invalid at the field.
    """
    block, engagement, pool_id = _held(session, actor, block_id)
    if change.version is not None and change.version != block.version:
        raise EditedMeanwhile
    _check_live(block)
    before = {name: getattr(block, name) for name in CHANGEABLE}
    after = before | _read(block, engagement, change.values, now)
    changed = {name: value for name, value in after.items() if value != before[name]}
    if not changed:
        return block
    for name, value in changed.items():
        setattr(block, name, value)
    if block.term != Term(before["expires_on"], before["carries_over"]):
        call_off(session, block.id, before["expires_on"], now=now)
        # As if it had not ended yet: what its new term makes of it is decided anew.
        blocks.revive(session, pool_id, block)
        plan_turn(block, engagement, now=now)
    block.version += 1
    session.flush()
    payload = {"before": {name: before[name] for name in changed}, "after": changed}
    audit.record(session, actor, engagement.id, "ps_block.changed", ("ps_block", block.id), payload)
    lapse(session, engagement.id, engagement.time_zone, now=now)
    return block


def void_block(session: AnySession, actor: Actor, block_id: UUID, reason: str, *, now: datetime) -> PsBlock:
    """Take a block that was entered by mistake out of the pool. It stays to be seen, with the reason.

    Raises NotFound, NotAllowed, Invalid at `reason`, and Guard for one that is voided already or pays for work.
    """
    block, engagement, pool_id = _held(session, actor, block_id)
    _check_live(block)
    said = read_remark("reason", reason, REASON_LENGTH)
    if not said:
        raise Invalid.at("reason", "Say why, such as: entered twice.")
    if block.booked > 0:
        message = f"This block pays for {say_minutes(block.booked)} of work, so it cannot be voided. Reverse that work first."
        raise Guard(message, rule="block_pinned")
    blocks.resize(session, pool_id, -block.left)
    block.voided_at, block.voided_by, block.void_reason, block.turn_at = now, actor.person_id, said, None
    block.version += 1
    session.flush()
    call_off(session, block.id, block.expires_on, now=now)
    payload = {"minutes": block.limit_minutes, "reference": block.reference, "reason": said}
    audit.record(session, actor, engagement.id, "ps_block.voided", ("ps_block", block.id), payload)
    return block


def turn_due(session: AnySession, *, now: datetime) -> int:
    """Look at the blocks of one engagement whose moment has come; tell how many there were.

    One engagement to a unit, so that no two pools are ever held at once: others may hold them the other way round.
    """
    first = blocks.next_turn(session)
    if first is None or first[1] > now:
        return 0
    return turn(session, session.get_one(Engagement, first[0]), now=now)


def _held(session: AnySession, actor: Actor, block_id: UUID) -> tuple[PsBlock, Engagement, UUID]:
    """A block for whoever may sell, taken for this unit behind its pool."""
    block = blocks.get(session, actor, block_id)
    actor.must(Permission.SELL_PS)
    pool_id = blocks.held(session, block)
    return block, engagements.get(session, actor, block.engagement_id), pool_id


def _check_live(block: PsBlock) -> None:
    if block.voided_at is not None:
        raise Guard("This block is voided. Sell a new one instead.", rule="block_voided")


def _read(block: PsBlock, engagement: Engagement, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is to change, as it is stored. Raises Invalid."""
    errors: list[FieldError] = [
        FieldError(name, "This can be changed, but not emptied.")
        for name in ("reference", "carries_over")
        if name in values and values[name] is None
    ]
    read = dict(values)
    if isinstance(values.get("reference"), str):
        read["reference"], faults = read_reference(values["reference"])
        errors += faults
    expires_on: date | None = values.get("expires_on", block.expires_on)
    if expires_on != block.expires_on:
        today = calendar_of(engagement).local_date(now)
        # What it carried over when it ended is no reason for a last day that has passed.
        errors += check_term(Term(expires_on, carries_over=False), block.purchased_on, today)
    if errors:
        raise Invalid(errors)
    return read
