"""Posts the status cards of an engagement, and says what is so when one is edited. Use cases share it; no edge calls it."""

from datetime import datetime, timedelta

from tracker.domain.notice import Audience, Notice, NoticeState
from tracker.domain.notice_kind import CARD, TEAM_CARD
from tracker.domain.outlook import card_words
from tracker.services.outlook import outlook_of
from tracker.services.planning import take, team_channel_of
from tracker.store import outbox
from tracker.store import status_card as cards
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice

# A card that could not be posted by then is pressed for again.
USEFUL_FOR = timedelta(days=2)
CAME_TO_NOTHING = (NoticeState.DEAD, NoticeState.EXPIRED, NoticeState.CANCELLED)


def channels_for(engagement: Engagement) -> dict[str, str | None]:
    """Where each kind of card stands: the customer's has no hours on it, the team's goes to the team's own channel only."""
    return {CARD: engagement.slack_channel, TEAM_CARD: team_channel_of(engagement)}


def post_cards(session: AnySession, engagement: Engagement, *, now: datetime) -> list[OutboxNotice]:
    """Post a card into each channel of an engagement, once; one that is there already is brought up to date instead."""
    take(session, engagement)
    found = [_post(session, engagement, kind, channel, now) for kind, channel in channels_for(engagement).items() if channel]
    cards.want(session, [engagement.id], now)
    return found


def _post(session: AnySession, engagement: Engagement, kind: str, channel: str, now: datetime) -> OutboxNotice:
    there = cards.card_of(session, engagement.id, channel)
    if there is not None and there.kind == kind and there.state not in CAME_TO_NOTHING:
        return there
    words = card_words(outlook_of(session, engagement, with_hours=kind == TEAM_CARD, now=now), with_hours=kind == TEAM_CARD)
    audience = Audience.INTERNAL if kind == TEAM_CARD else Audience.CUSTOMER
    number = cards.count_named(session, engagement.id, f"{kind}:{engagement.id}:{channel}:") + 1
    notice = Notice(
        key=f"{kind}:{engagement.id}:{channel}:{number}",
        kind=kind,
        audience=audience,
        headline=words.headline,
        text=words.text,
        facts=words.facts,
        path=f"/engagements/{engagement.id}",
        due_at=now,
        useless_after=now + USEFUL_FOR,
    )
    outbox.plan(session, engagement.id, [notice], {audience: channel}, now)
    cards.keep(session, engagement.id, channel, outbox.id_of(notice.key))
    return session.get_one(OutboxNotice, outbox.id_of(notice.key))


def refresh(session: AnySession, notice: OutboxNotice, *, now: datetime) -> None:
    """Let a card say what is so now. Whatever else was told stays as it was; so does a card in a channel of the past."""
    if notice.kind not in (CARD, TEAM_CARD):
        return
    engagement = session.get_one(Engagement, notice.engagement_id)
    if notice.channel != channels_for(engagement)[notice.kind]:
        return
    with_hours = notice.kind == TEAM_CARD
    words = card_words(outlook_of(session, engagement, with_hours=with_hours, now=now), with_hours=with_hours)
    notice.headline, notice.text, notice.facts = words.headline, words.text, [list(fact) for fact in words.facts]
    session.flush()
