"""The status cards of engagements: where each stands, and that it no longer says what is so."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.notice import NoticeState
from tracker.store.database import AnySession, UtcDateTime, dialect_insert, insert_or_ignore, table_of
from tracker.store.identity import new_id
from tracker.store.message_edit import MessageEdit
from tracker.store.notice import OutboxNotice
from tracker.store.notice import table as notices
from tracker.store.thread import SlackThread

# Where the thread of a stage is kept, under a name that no stage has: one card for each engagement and channel.
CARD = "card"
THERE = (NoticeState.SENT, NoticeState.SENDING, NoticeState.UNKNOWN)
_threads, _edits = table_of(SlackThread), table_of(MessageEdit)
_STALE = (
    sa.select(notices.c.id, sa.literal(1), sa.literal(0), sa.bindparam("now", type_=UtcDateTime()), sa.literal(0))
    .select_from(_threads.join(notices, notices.c.id == _threads.c.notice_id))
    .where(
        _threads.c.engagement_id.in_(sa.bindparam("engagements", expanding=True)),
        _threads.c.stage == CARD,
        notices.c.state.in_(THERE),
    )
    .order_by(notices.c.id)
)


def want(session: AnySession, engagement_ids: Collection[UUID], now: datetime) -> None:
    """Have the cards of some engagements brought up to date: one look along an index, which most often finds none.

    Rows are taken in one order, so that two units never wait for each other crosswise.
    """
    if not engagement_ids:
        return
    columns = ("notice_id", "wanted", "done", "next_at", "attempts")
    statement = dialect_insert(session, _edits).from_select(columns, _STALE)
    later = sa.case((_edits.c.next_at > statement.excluded.next_at, _edits.c.next_at), else_=statement.excluded.next_at)
    raised = {"wanted": _edits.c.wanted + 1, "next_at": later}
    raise_it = statement.on_conflict_do_update(index_elements=["notice_id"], set_=raised)
    session.execute(raise_it, {"engagements": list(engagement_ids), "now": now})


def card_of(session: AnySession, engagement_id: UUID, channel: str) -> OutboxNotice | None:
    """The card of an engagement in a channel, wherever it has got to."""
    query = sa.select(OutboxNotice).join(SlackThread, SlackThread.notice_id == OutboxNotice.id)
    mine = (SlackThread.engagement_id == engagement_id, SlackThread.channel == channel, SlackThread.stage == CARD)
    return session.scalar(query.where(*mine))


def keep(session: AnySession, engagement_id: UUID, channel: str, notice_id: UUID) -> None:
    """Note which notice is the card of an engagement in a channel; one that came to nothing gives its place."""
    row = {"id": new_id(), "engagement_id": engagement_id, "channel": channel, "stage": CARD, "notice_id": notice_id}
    session.execute(insert_or_ignore(session, _threads).values(row))
    mine = (_threads.c.engagement_id == engagement_id, _threads.c.channel == channel, _threads.c.stage == CARD)
    session.execute(sa.update(_threads).where(*mine).values(notice_id=notice_id))


def count_named(session: AnySession, engagement_id: UUID, prefix: str) -> int:
    """How many notices of an engagement have a key that begins so."""
    mine = (notices.c.engagement_id == engagement_id, notices.c.key.startswith(prefix, autoescape=True))
    return int(session.execute(sa.select(sa.func.count()).select_from(notices).where(*mine)).scalar_one())
