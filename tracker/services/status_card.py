"""Post the status cards of an engagement, because somebody asks for them."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Guard
from tracker.services.carding import channels_for, post_cards
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store.database import AnySession
from tracker.store.notice import OutboxNotice


def post_status_card(session: AnySession, actor: Actor, engagement_id: UUID, *, now: datetime) -> list[OutboxNotice]:
    """A card for the customer's channel and one for the team's own, as far as there are any; each is there once.

    Raises NotFound, NotAllowed, Guard where there is no channel, or the engagement is on hold or cancelled.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    if engagement.status != "active":
        raise Guard("This engagement is on hold or cancelled: nobody is told anything.", rule="engagement_active")
    if not any(channels_for(engagement).values()):
        raise Guard("This engagement has no Slack channel yet. Give it one first.", rule="has_channel")
    posted = post_cards(session, engagement, now=now)
    for notice in posted:
        audit.record(session, actor, engagement.id, "status_card.posted", ("notice", notice.id), {"channel": notice.channel})
    return posted
