"""Decides where a message stands: by itself, or under the first one of its engagement's stage. Delivery asks at the claim."""

from uuid import UUID

from tracker.domain.notice import NoticeState
from tracker.domain.notice_kind import kind_of
from tracker.store import portfolio
from tracker.store import thread as threads
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice

# A notice that came to this opens no thread: the next one of its stage does.
CAME_TO_NOTHING = (NoticeState.DEAD, NoticeState.EXPIRED, NoticeState.CANCELLED)


def give_up(session: AnySession, channel: str, thread_ts: str, notice_id: UUID) -> None:
    """A thread takes no replies any more: the notice that found out stands by itself, and the later ones under it."""
    threads.pass_on(session, channel, thread_ts, notice_id)


def place(session: AnySession, notice: OutboxNotice) -> None:
    """Decide, once and with its body, under which message a claimed notice stands.

    The first notice of a stage in a channel opens the thread; nothing is ever posted for that alone. Until it is there the
    others stand by themselves. What nobody may miss is shown in the channel as well.
    """
    kind = kind_of(notice.kind)
    if notice.thread_ts is not None or notice.road != "slack" or notice.channel is None or not kind.threaded:
        return
    engagement = session.get_one(Engagement, notice.engagement_id)
    stage, _sites = portfolio.stages_of(session, [engagement])[engagement.id]
    where = (session, engagement.id, notice.channel, stage)
    first_id = threads.open_or_join(*where, notice.id)
    if first_id == notice.id:
        return
    first = session.get_one(OutboxNotice, first_id, populate_existing=True)
    if first.state in CAME_TO_NOTHING or first.channel != notice.channel:
        threads.take_over(*where, from_id=first_id, notice_id=notice.id)
    elif first.state == NoticeState.SENT:
        notice.thread_ts, notice.broadcast = first.slack_ts, kind.broadcast
