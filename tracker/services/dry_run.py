"""What will be told in the next days, read from what is planned: nothing is carried out for it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.dry_run import why_not
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store.database import AnySession

MOST_SHOWN = 500


@dataclass(frozen=True)
class Foreseen:
    """One notice with its moment, where it goes, and why it will not be told, if so."""

    id: UUID
    key: str
    kind: str
    headline: str
    audience: str
    road: str
    channel: str | None
    due_at: datetime
    state: str
    why_not: str | None
    engagement_id: UUID
    engagement: str
    time_zone: str


def foresee(
    session: AnySession,
    actor: Actor,
    *,
    days: int,
    engagement_id: UUID | None = None,
    roads: frozenset[str],
    now: datetime,
) -> tuple[list[Foreseen], bool]:
    """What is due from now on for so many days, the earliest first, and whether there is more than is shown.

    Of what repeats, the next time alone is planned. Raises NotFound for an engagement the actor does not see.
    """
    actor.must(Permission.SEE_NOTICES)
    if engagement_id is not None:
        engagements.get(session, actor, engagement_id)
    until = now + timedelta(days=days)
    rows = notices.between(session, actor, now, until, engagement_id=engagement_id, limit=MOST_SHOWN + 1)
    return [
        Foreseen(
            id=notice.id,
            key=notice.key,
            kind=notice.kind,
            headline=notice.headline,
            audience=notice.audience,
            road=notice.road,
            channel=notice.channel,
            due_at=notice.due_at,
            state=notice.state,
            why_not=why_not(
                state=notice.state,
                reason=notice.reason,
                channel=notice.channel,
                road=notice.road,
                status=engagement.status,
                roads=roads,
            ),
            engagement_id=engagement.id,
            engagement=engagement.name,
            time_zone=engagement.time_zone,
        )
        for notice, engagement in rows[:MOST_SHOWN]
    ], len(rows) > MOST_SHOWN
