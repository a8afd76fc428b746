"""Threads: the first message of an engagement's stage in a channel, under which the later ones stand."""

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base, Keyed


class SlackThread(Keyed, Base):
    """Which notice opens the thread of a stage."""

    __table_args__ = (sa.UniqueConstraint("engagement_id", "channel", "stage"),)
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    channel: Mapped[str]
    stage: Mapped[str]
    notice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("notice.id"))
