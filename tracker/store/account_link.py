"""Links by which somebody says, once, which person a Slack account belongs to. Only digests of them are kept."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base, Keyed


class AccountLink(Keyed, Base):
    """One link, shown in Slack to one account, used by whoever signs in with it."""

    token_hash: Mapped[str] = mapped_column(unique=True)
    slack_user_id: Mapped[str]
    slack_team_id: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
