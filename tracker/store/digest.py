"""When the team's channels get their daily digest. What an engagement's weekly one waits for stands at the engagement."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base


class TeamDigest(Base):
    """One channel of the team, and when its next digest is written."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime] = mapped_column(index=True)
