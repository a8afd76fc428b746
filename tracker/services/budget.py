"""Sell PS hours."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.services.ps_sale import AS_AGREED as AS_AGREED
from tracker.services.ps_sale import BlockSpec as BlockSpec
from tracker.services.ps_sale import add_block
from tracker.store import engagement as engagements
from tracker.store.budget import PsBlock
from tracker.store.database import AnySession


def sell_block(session: AnySession, actor: Actor, engagement_id: UUID, spec: BlockSpec, *, now: datetime) -> PsBlock:
    """Add a block to the engagement's pool. Raises NotFound, NotAllowed, PsMinimum below four hours (BR-06), Invalid."""
    engagements.get(session, actor, engagement_id)
    actor.must(Permission.SELL_PS)
    return add_block(session, actor, engagement_id, spec, now=now)
