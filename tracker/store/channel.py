"""Slack's channels as they were when we last looked: name, who is in them, what is wrong with them."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base


class Channel(Base):
    """What Slack said of one channel. `is_external`: people of another company read it (Slack's is_ext_shared)."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    is_private: Mapped[bool]
    is_external: Mapped[bool]
    is_archived: Mapped[bool]
    is_member: Mapped[bool]
    problem: Mapped[str | None]
    checked_at: Mapped[datetime]


class ChannelMember(Base):
    """Somebody who is in a channel, by their Slack id."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    slack_user_id: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]
