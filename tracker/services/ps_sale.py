"""Adds a block to an engagement's pool of PS hours. Selling and change requests share it; no edge calls it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.budget import BudgetKind, check_block
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.ps_block import YEARS, Term, check_term, last_day
from tracker.domain.text import TextError, read_line
from tracker.domain.workday import Calendar
from tracker.services.ps_term import calendar_of, plan_turn
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store.budget import Budget, PsBlock
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement

REFERENCE_LENGTH = 200


class Agreed(Enum):
    """The agreement says it."""

    AS_AGREED = "as agreed"


AS_AGREED: Literal[Agreed.AS_AGREED] = Agreed.AS_AGREED


@dataclass(frozen=True)
class BlockSpec:
    """A block of PS hours as it is sold, in minutes.

    Its last day (None: it does not end), and whether what is left then stays, are the agreement's unless they are said.
    """

    minutes: int
    reference: str
    purchased_on: date
    expires_on: date | Agreed | None = AS_AGREED
    carries_over: bool | None = None


def add_block(session: AnySession, actor: Actor, engagement_id: UUID, spec: BlockSpec, *, now: datetime) -> PsBlock:
    """Add a block to the pool; the caller has checked who may. Raises PsMinimum below four hours (BR-06), Invalid."""
    check_block(spec.minutes)
    engagement = session.get_one(Engagement, engagement_id)
    errors = _check_purchase(spec.purchased_on, actor, now)
    reference, faults = read_reference(spec.reference)
    errors += faults
    term = _term(session, engagement, spec)
    if not errors:
        errors += check_term(term, spec.purchased_on, calendar_of(engagement).local_date(now))
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
        expires_on=term.expires_on,
        carries_over=term.carries_over,
        created_at=now,
    )
    plan_turn(block, engagement, now=now)
    session.add(block)
    session.flush()
    payload = {"minutes": spec.minutes, "reference": reference, "purchased_on": spec.purchased_on}
    payload |= {"expires_on": term.expires_on, "carries_over": term.carries_over}
    audit.record(session, actor, engagement_id, "ps_block.sold", ("ps_block", block.id), payload)
    return block


def read_reference(text: str) -> tuple[str, list[FieldError]]:
    """A block's reference as it is kept, and what is wrong with it."""
    try:
        reference = read_line(text, REFERENCE_LENGTH)
    except TextError as error:
        return "", [FieldError("reference", str(error))]
    return reference, [] if reference else [FieldError("reference", "Fill this in.")]


def _check_purchase(purchased_on: date, actor: Actor, now: datetime) -> list[FieldError]:
    today = Calendar(actor.time_zone, frozenset()).local_date(now)
    if purchased_on.year not in YEARS:
        return [FieldError("purchased_on", f"The year {purchased_on.year:04d} is not plausible.")]
    if purchased_on > today + timedelta(days=1):
        return [FieldError("purchased_on", "That day lies in the future. Enter a block once it is sold.")]
    return []


def _term(session: AnySession, engagement: Engagement, spec: BlockSpec) -> Term:
    """The block's term: what was said at the sale, else what the agreement says; without an agreement it does not end."""
    agreement = engagements.agreement_of(session, engagement.id)
    expires_on, carries_over = spec.expires_on, spec.carries_over
    if expires_on is AS_AGREED:
        expires_on = last_day(spec.purchased_on, agreement.ps_valid_days if agreement else None)
    if carries_over is None:
        carries_over = agreement.ps_carry_over if agreement else False
    return Term(expires_on, carries_over)
