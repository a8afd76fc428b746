"""What happens when a PS block ends: what is left lapses, what was used stays. Use cases share it; no edge calls it."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import SYSTEM
from tracker.domain.workday import Calendar
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store.database import AnySession


def lapse(session: AnySession, engagement_id: UUID, time_zone: str, *, now: datetime) -> None:
    """Let the blocks of an engagement that have ended lapse, before anybody draws on them."""
    today = Calendar(time_zone, frozenset()).local_date(now)
    for block, minutes in budgets.lapse_ended(session, engagement_id, today, now):
        payload = {"minutes": minutes, "reference": block.reference, "expires_on": block.expires_on}
        audit.record(session, SYSTEM, engagement_id, "ps_block.lapsed", ("ps_block", block.id), payload)
