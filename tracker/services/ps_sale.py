"""Adds a block to an engagement's pool of PS hours. Selling and change requests share it; no edge calls it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.budget import BudgetKind, check_block
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.text import TextError, read_line
from tracker.domain.workday import Calendar
from tracker.store import audit
from tracker.store.budget import Budget, PsBlock
from tracker.store.database import AnySession


@dataclass(frozen=True)
class BlockSpec:
    """A block of PS hours as it is sold, in minutes."""

    minutes: int
    reference: str
    purchased_on: date


def add_block(session: AnySession, actor: Actor, engagement_id: UUID, spec: BlockSpec, *, now: datetime) -> PsBlock:
    """Add a block to the pool; the caller has checked who may. Raises PsMinimum below four hours (BR-06), Invalid."""
    check_block(spec.minutes)
    errors: list[FieldError] = []
    today = Calendar(actor.time_zone, frozenset()).local_date(now)
    if not 2000 <= spec.purchased_on.year <= 2099:
        errors.append(FieldError("purchased_on", f"The year {spec.purchased_on.year:04d} is not plausible."))
    elif spec.purchased_on > today + timedelta(days=1):
        errors.append(FieldError("purchased_on", "That day lies in the future. Enter a block once it is sold."))
    reference = ""
    try:
        reference = read_line(spec.reference, 200)
    except TextError as error:
        errors.append(FieldError("reference", str(error)))
    else:
        errors += [] if reference else [FieldError("reference", "Fill this in.")]
    if errors:
        raise Invalid(errors)
    # The pool's row first: it serialises everything that happens to its blocks.
    pool = sa.update(Budget).where(Budget.engagement_id == engagement_id, Budget.kind == BudgetKind.PS)
    session.execute(pool.values(limit_minutes=Budget.limit_minutes + spec.minutes))
    block = PsBlock(
        engagement_id=engagement_id,
        limit_minutes=spec.minutes,
        reference=reference,
        purchased_on=spec.purchased_on,
        created_at=now,
    )
    session.add(block)
    session.flush()
    payload = {"minutes": spec.minutes, "reference": reference, "purchased_on": spec.purchased_on}
    audit.record(session, actor, engagement_id, "ps_block.sold", ("ps_block", block.id), payload)
    return block
