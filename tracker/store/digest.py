"""When the team's channels get their daily digest. What an engagement's weekly one waits for stands at the engagement."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from tracker.store.alarm import RUNNING
from tracker.store.budget import Budget
from tracker.store.database import AnySession, Base, insert_or_ignore, table_of
from tracker.store.deadline import Deadline
from tracker.store.duty import Duty
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.preference import EngagementPreference
from tracker.store.site import Site


class TeamDigest(Base):
    """One channel of the team, and when its next digest is written."""

    channel: Mapped[str] = mapped_column(primary_key=True)
    next_at: Mapped[datetime] = mapped_column(index=True)


table = table_of(TeamDigest)


def next_weekly(session: AnySession) -> tuple[UUID, datetime] | None:
    """The engagement whose weekly digest comes first, and when; one step in a partial index."""
    query = sa.select(Engagement.id, Engagement.digest_at).where(Engagement.digest_at.is_not(None))
    row = session.execute(query.order_by(Engagement.digest_at).limit(1)).first()
    return None if row is None or row.digest_at is None else (row.id, row.digest_at)


def next_daily(session: AnySession) -> tuple[str, datetime] | None:
    """The channel of a team whose daily digest comes first, and when."""
    row = session.execute(sa.select(table.c.channel, table.c.next_at).order_by(table.c.next_at).limit(1)).first()
    return None if row is None else (row.channel, row.next_at)


def begin_daily(session: AnySession, channel: str, at: datetime) -> None:
    """Have a channel told daily from a moment on; one that is told already goes on as it does."""
    session.execute(insert_or_ignore(session, table).values(channel=channel, next_at=at))


def hold_daily(session: AnySession, channel: str) -> TeamDigest | None:
    """A channel's turn, held for this unit and read anew."""
    query = sa.select(TeamDigest).where(TeamDigest.channel == channel).with_for_update()
    return session.scalar(query, execution_options={"populate_existing": True})


def teams_of(session: AnySession, channel: str) -> list[Engagement]:
    """The running engagements of which a channel is the team's own, the oldest first; none where a customer reads it too."""
    other = aliased(Engagement)
    customers = sa.exists().where(other.slack_channel == channel)
    query = sa.select(Engagement).outerjoin(EngagementPreference, EngagementPreference.engagement_id == Engagement.id)
    wished = sa.func.coalesce(EngagementPreference.daily_digest, sa.true())
    mine = (Engagement.internal_slack_channel == channel, Engagement.status == "active", wished, ~customers)
    return list(session.scalars(query.where(*mine).order_by(Engagement.id)))


@dataclass(frozen=True)
class OpenDate:
    """An open date with what it is told by."""

    deadline: Deadline
    site: str | None
    owner: str | None


def open_dates(session: AnySession, ids: Collection[UUID], until: date) -> list[OpenDate]:
    """The open dates of some engagements up to a day, the earliest first; freezes and what was waived are not among them."""
    waived = sa.exists().where(Duty.deadline_id == Deadline.id, Duty.state == "waived")
    query = (
        sa.select(Deadline, Site.name, Person.name)
        .outerjoin(Site, Site.id == Deadline.site_id)
        .outerjoin(Person, Person.id == Deadline.owner_id)
        .where(
            Deadline.engagement_id.in_(ids),
            Deadline.withdrawn_at.is_(None),
            Deadline.done_at.is_(None),
            Deadline.day <= until,
            Deadline.kind.not_in(RUNNING),
            sa.or_(Site.stage.is_(None), Site.stage != "withdrawn"),
            ~waived,
        )
    )
    return [OpenDate(*row) for row in session.execute(query.order_by(Deadline.day, Deadline.id))]


def tight_budgets(session: AnySession, ids: Collection[UUID]) -> list[tuple[Budget, str]]:
    """The budgets of sites of some engagements of which 80 % and more is booked, with the site's name."""
    query = sa.select(Budget, Site.name).join(Site, Site.id == Budget.site_id)
    full = (Budget.limit_minutes > 0, Budget.booked * 100 >= Budget.limit_minutes * 80, Site.stage != "withdrawn")
    rows = session.execute(query.where(Budget.engagement_id.in_(ids), *full).order_by(Site.name, Budget.id))
    return [(row[0], row[1]) for row in rows]
