"""Threads: the first message of an engagement's stage in a channel, under which the later ones stand."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, Keyed, insert_or_ignore, table_of
from tracker.store.identity import new_id
from tracker.store.notice import OutboxNotice


class SlackThread(Keyed, Base):
    """Which notice opens the thread of a stage."""

    __table_args__ = (sa.UniqueConstraint("engagement_id", "channel", "stage"),)
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    channel: Mapped[str]
    stage: Mapped[str]
    notice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("notice.id"))


table = table_of(SlackThread)


def open_or_join(session: AnySession, engagement_id: UUID, channel: str, stage: str, notice_id: UUID) -> UUID:
    """The notice that opens the thread of a stage in a channel: this one, where there is none yet."""
    row = {"id": new_id(), "engagement_id": engagement_id, "channel": channel, "stage": stage, "notice_id": notice_id}
    made = session.execute(insert_or_ignore(session, table).values(row).returning(table.c.notice_id)).scalar()
    if made is not None:
        return notice_id
    found: UUID = session.execute(sa.select(table.c.notice_id).where(*_place(engagement_id, channel, stage))).scalar_one()
    return found


def take_over(session: AnySession, engagement_id: UUID, channel: str, stage: str, *, from_id: UUID, notice_id: UUID) -> None:
    """Open the thread anew with another notice, where the one that was to open it came to nothing."""
    mine = (*_place(engagement_id, channel, stage), table.c.notice_id == from_id)
    session.execute(sa.update(table).where(*mine).values(notice_id=notice_id))


def pass_on(session: AnySession, channel: str, thread_ts: str, notice_id: UUID) -> None:
    """Let a notice open the threads that a message of its engagement opened in a channel."""
    mine = sa.select(OutboxNotice.engagement_id).where(OutboxNotice.id == notice_id).scalar_subquery()
    opener = sa.exists().where(OutboxNotice.id == table.c.notice_id, OutboxNotice.slack_ts == thread_ts)
    here = (table.c.engagement_id == mine, table.c.channel == channel, opener)
    session.execute(sa.update(table).where(*here).values(notice_id=notice_id))


def _place(engagement_id: UUID, channel: str, stage: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.engagement_id == engagement_id, table.c.channel == channel, table.c.stage == stage
