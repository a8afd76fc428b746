"""How fast Slack is told things: one channel at a time, and the workspace as a whole."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.notice import Road
from tracker.store.database import AnySession, Base, dialect_insert, table_of

WORKSPACE = "workspace"
# Slack counts edits by themselves, for the whole workspace: what it says of one holds for all, and for no post.
EDITS = "edits"
MAIL = "mail"


class SlackChannel(Base):
    """The pace of one channel; the row called "workspace" is the breaker for all of them, "mail" that of mail."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    held_until: Mapped[datetime]
    reason: Mapped[str | None]


def take_slot(session: AnySession, channel: str, now: datetime, pace: timedelta) -> bool:
    """Take a channel's next slot; False where another worker was quicker."""
    statement = dialect_insert(session, table_of(SlackChannel)).values(channel=channel, held_until=now + pace, reason=None)
    statement = statement.on_conflict_do_update(
        index_elements=["channel"],
        set_={"held_until": now + pace, "reason": None},
        where=SlackChannel.held_until <= now,
    )
    return session.execute(statement.returning(SlackChannel.channel)).first() is not None


def hold(session: AnySession, channel: str, until: datetime, reason: str | None) -> None:
    """Send nothing to a channel (or, under WORKSPACE, to any) before a moment."""
    statement = dialect_insert(session, table_of(SlackChannel)).values(channel=channel, held_until=until, reason=reason)
    longer = sa.case((SlackChannel.held_until > until, SlackChannel.held_until), else_=until)
    session.execute(statement.on_conflict_do_update(index_elements=["channel"], set_={"held_until": longer, "reason": reason}))


def free(session: AnySession, channel: str) -> None:
    """Let a channel, or the workspace, go again."""
    session.execute(sa.delete(SlackChannel).where(SlackChannel.channel == channel))


def workspace_hold(session: AnySession, now: datetime) -> SlackChannel | None:
    """Why nothing at all is sent at present."""
    return session.scalar(sa.select(SlackChannel).where(SlackChannel.channel == WORKSPACE, SlackChannel.held_until > now))


# Rows that hold a whole road, not a channel.
BREAKERS = {WORKSPACE: Road.SLACK, MAIL: Road.MAIL}


def breakers(session: AnySession, now: datetime) -> dict[Road, datetime]:
    """The roads that nothing goes at present, and until when."""
    query = sa.select(SlackChannel.channel, SlackChannel.held_until)
    held = query.where(SlackChannel.channel.in_(BREAKERS), SlackChannel.held_until > now)
    return {BREAKERS[row.channel]: row.held_until for row in session.execute(held)}


def mail_hold(session: AnySession, now: datetime) -> SlackChannel | None:
    """Why no mail goes out at present."""
    return session.scalar(sa.select(SlackChannel).where(SlackChannel.channel == MAIL, SlackChannel.held_until > now))
