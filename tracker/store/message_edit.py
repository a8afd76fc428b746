"""Messages that no longer say what is so: each is edited in place until it does. An edit may be repeated freely."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.notice import SETTLED, NoticeState
from tracker.store.database import AnySession, Base, changed_one, dialect_insert, table_of
from tracker.store.notice import OutboxNotice
from tracker.store.outbox import SlotTaken
from tracker.store.pacing import EDITS, WORKSPACE, SlackChannel, take_slot


class MessageEdit(Base):
    """How often a sent message was to be brought up to date (`wanted`), and which of these times it last was (`done`)."""

    __table_args__ = (
        sa.CheckConstraint("0 <= done AND done <= wanted", name="done_within_wanted"),
        sa.Index(
            "ix_message_edit_due",
            "next_at",
            sqlite_where=sa.text("wanted > done"),
            postgresql_where=sa.text("wanted > done"),
        ),
    )
    notice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("notice.id"), primary_key=True)
    wanted: Mapped[int]
    done: Mapped[int]
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int]
    last_error: Mapped[str | None]


# Settled unsent: there is no message to edit.
NEVER_SENT = tuple(state for state in SETTLED if state is not NoticeState.SENT)
edits = table_of(MessageEdit)


@dataclass(frozen=True)
class Taken:
    """An edit under one's own lease: what was wanted when it was taken, and until when it is one's own."""

    notice: OutboxNotice
    wanted: int
    lease_until: datetime
    attempts: int


def want(session: AnySession, notice_id: UUID, now: datetime) -> None:
    """Have a message brought up to date, in the transaction that changes what it should say."""
    table = table_of(MessageEdit)
    row = {"notice_id": notice_id, "wanted": 1, "done": 0, "next_at": now, "lease_until": None, "attempts": 0}
    statement = dialect_insert(session, table).values(row)
    changed = {"wanted": table.c.wanted + 1, "next_at": now, "attempts": 0}
    session.execute(statement.on_conflict_do_update(index_elements=["notice_id"], set_=changed))


def _due(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    # The first is written as the index has it.
    return (
        edits.c.wanted > edits.c.done,
        edits.c.next_at <= now,
        sa.or_(edits.c.lease_until.is_(None), edits.c.lease_until < now),
    )


def drop_unsent(session: AnySession, now: datetime) -> None:
    """Nothing is edited where nothing was ever sent: what was wanted of such messages is settled."""
    gone = sa.select(OutboxNotice.id).where(OutboxNotice.id == edits.c.notice_id, OutboxNotice.state.in_(NEVER_SENT))
    query = sa.select(edits.c.notice_id).where(*_due(now), gone.exists()).order_by(edits.c.notice_id)
    ids = list(session.scalars(query.with_for_update(skip_locked=True, of=edits)))
    if ids:
        done = {"done": edits.c.wanted, "last_error": "The message was never sent."}
        session.execute(sa.update(edits).where(edits.c.notice_id.in_(ids)).values(done))


def claim(session: AnySession, now: datetime, lease: timedelta, pace: timedelta) -> Taken | None:
    """Take the edit that has waited longest, of a message that Slack has, in a channel that is not held. Raises SlotTaken."""
    holding = SlackChannel.channel.in_((OutboxNotice.channel, WORKSPACE, EDITS))
    held = sa.exists().where(holding, SlackChannel.held_until > now)
    candidate = (
        sa.select(edits.c.notice_id, edits.c.wanted, edits.c.attempts, OutboxNotice.channel)
        .join(OutboxNotice, OutboxNotice.id == edits.c.notice_id)
        .where(*_due(now), OutboxNotice.state == NoticeState.SENT, OutboxNotice.road == "slack")
        .where(OutboxNotice.channel.is_not(None), ~held)
        .order_by(edits.c.next_at, edits.c.notice_id)
        .limit(1)
        .with_for_update(skip_locked=True, of=edits)
    )
    found = session.execute(candidate).first()
    if found is None:
        return None
    if not take_slot(session, found.channel, now, pace):
        raise SlotTaken
    until = now + lease
    mine = sa.update(edits).where(edits.c.notice_id == found.notice_id)
    session.execute(mine.values(lease_until=until, attempts=found.attempts + 1))
    notice = session.get_one(OutboxNotice, found.notice_id, populate_existing=True)
    return Taken(notice, found.wanted, until, found.attempts + 1)


def settle(session: AnySession, notice_id: UUID, lease_until: datetime, **values: Any) -> bool:
    """Let go of an edit under one's own lease. False where it ran out and somebody else has it: they do the same again."""
    mine = sa.update(edits).where(edits.c.notice_id == notice_id, edits.c.lease_until == lease_until)
    return changed_one(session, mine.values({"lease_until": None, **values}))


def waiting(session: AnySession) -> int:
    """How many messages do not say yet what they should."""
    return int(session.execute(sa.select(sa.func.count()).select_from(edits).where(edits.c.wanted > edits.c.done)).scalar_one())
