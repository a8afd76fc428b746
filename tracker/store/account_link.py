"""Links by which somebody says, once, which person a Slack account belongs to. Only digests of them are kept."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, Keyed, changed_one, insert_or_ignore, table_of
from tracker.store.identity import new_id
from tracker.store.person import digest


class AccountLink(Keyed, Base):
    """One link, shown in Slack to one account, used by whoever signs in with it."""

    token_hash: Mapped[str] = mapped_column(unique=True)
    slack_user_id: Mapped[str]
    slack_team_id: Mapped[str | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))


def offer(
    session: AnySession, token: str, slack_user_id: str, slack_team_id: str | None, *, now: datetime, until: datetime
) -> None:
    """Keep a link, once for each token."""
    row = {
        "id": new_id(),
        "token_hash": digest(token),
        "slack_user_id": slack_user_id,
        "slack_team_id": slack_team_id,
        "created_at": now,
        "expires_at": until,
    }
    session.execute(insert_or_ignore(session, table_of(AccountLink)).values(row))


def still_open(session: AnySession, token: str, now: datetime) -> AccountLink | None:
    """A link that still works."""
    query = sa.select(AccountLink).where(AccountLink.token_hash == digest(token))
    return session.scalar(query.where(AccountLink.used_at.is_(None), AccountLink.expires_at > now))


def take(session: AnySession, link: AccountLink, person_id: UUID, now: datetime) -> bool:
    """Use a link up; False where somebody was quicker."""
    mine = sa.update(AccountLink).where(AccountLink.id == link.id, AccountLink.used_at.is_(None))
    return changed_one(session, mine.values(used_at=now, person_id=person_id))


def forget(session: AnySession, *, before: datetime) -> None:
    """Drop links that have long stopped working."""
    session.execute(sa.delete(AccountLink).where(AccountLink.expires_at < before))
