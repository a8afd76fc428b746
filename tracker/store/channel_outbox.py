"""The outbox seen from a channel: its notices wait while it takes none, and follow it where Slack gives it another id."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.notice import NoticeState
from tracker.store.database import AnySession, dialect_insert, table_of
from tracker.store.digest import TeamDigest
from tracker.store.notice import table
from tracker.store.pacing import SlackChannel
from tracker.store.thread import SlackThread

ON_SLACK = table.c.road == "slack"
HEALED = ("channel_not_found", "not_in_channel", "is_archived")
# Where Slack may have a message, or has it: looked up, edited and answered under the channel's id of now.
FOLLOWING = (NoticeState.PLANNED, NoticeState.READY, NoticeState.PARKED, NoticeState.UNKNOWN, NoticeState.SENT)


def park(session: AnySession, engagement_ids: Sequence[UUID], channel: str, reason: str) -> int:
    """Let what is due in a channel wait for somebody, with the reason. What is planned goes the same way at its time."""
    parked = sa.and_(table.c.state == NoticeState.PARKED, table.c.reason.is_distinct_from(reason), _healable())
    ready = (*_mine(engagement_ids, channel), sa.or_(table.c.state == NoticeState.READY, parked))
    return _change(session, ready, state=NoticeState.PARKED, reason=reason, last_error=None)


def unpark(session: AnySession, engagement_ids: Sequence[UUID], channel: str, now: datetime) -> int:
    """Take up again what a channel did not take because it was archived or the bot was not in it: that is over.

    What Slack refused for another reason, such as a rule of the workspace, waits on: nothing says that this has changed.
    """
    parked = (*_mine(engagement_ids, channel), table.c.state == NoticeState.PARKED, _healable())
    return _change(session, parked, state=NoticeState.READY, reason=None, next_at=now)


def _healable() -> sa.ColumnElement[bool]:
    """What waits for its channel, and for nothing else."""
    return sa.or_(table.c.last_error.is_(None), table.c.last_error.in_(HEALED))


def follow(session: AnySession, engagement_ids: Sequence[UUID], old: str, new: str) -> None:
    """Whatever goes to a channel, or stands in it, does so under its new id. Doing it twice changes nothing."""
    _change(session, (*_mine(engagement_ids, old), table.c.state.in_(FOLLOWING)), channel=new)
    for model, key in ((SlackChannel, "held_until"), (TeamDigest, "next_at")):
        _move_row(session, table_of(model), key, old, new)
    threads, twin = table_of(SlackThread), table_of(SlackThread).alias()
    same = (twin.c.engagement_id == threads.c.engagement_id, twin.c.stage == threads.c.stage, twin.c.channel == new)
    session.execute(sa.update(threads).where(threads.c.channel == old, ~sa.exists().where(*same)).values(channel=new))


def _move_row(session: AnySession, rows: sa.Table, moment: str, old: str, new: str) -> None:
    """Give a channel's one row its new id; where there is one of that id, the later of the two moments holds."""
    found = session.execute(sa.select(rows).where(rows.c.channel == old)).mappings().first()
    if found is None:
        return
    statement = dialect_insert(session, rows).values(**{**found, "channel": new})
    later = sa.case((rows.c[moment] > statement.excluded[moment], rows.c[moment]), else_=statement.excluded[moment])
    session.execute(statement.on_conflict_do_update(index_elements=["channel"], set_={moment: later}))
    session.execute(sa.delete(rows).where(rows.c.channel == old))


def _mine(engagement_ids: Sequence[UUID], channel: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.engagement_id.in_(engagement_ids), table.c.channel == channel, ON_SLACK


def _change(session: AnySession, where: tuple[sa.ColumnElement[bool], ...], **values: object) -> int:
    """Change rows, taken in the order in which everybody takes them."""
    ids = list(session.scalars(sa.select(table.c.id).where(*where).order_by(table.c.id).with_for_update()))
    if ids:
        session.execute(sa.update(table).where(table.c.id.in_(ids)).values(**values))
    return len(ids)
