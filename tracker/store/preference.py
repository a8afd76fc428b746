"""What people and engagements would rather be told when, and how. No row means the defaults."""

from collections.abc import Collection
from datetime import time
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.deadline import DeadlineKind
from tracker.domain.preference import EngagementWish, HoursWish, MailWish, PersonWish
from tracker.store.database import AnySession, Base


class Hours:
    """When somebody may be told things: not in quiet hours, on working days only, a digest at its hour."""

    digest_hour: Mapped[int | None]
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    # Monday is 0. None where the customer's own week counts. NULL, never the JSON word null.
    working_days: Mapped[list[Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    version: Mapped[int] = mapped_column(default=1)


class EngagementPreference(Hours, Base):
    """How an engagement's channels are told: the ladders that differ from the usual ones, and which digests."""

    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"), primary_key=True)
    ladders: Mapped[dict[str, Any]]
    weekly_digest: Mapped[bool]
    daily_digest: Mapped[bool]


class PersonPreference(Hours, Base):
    """How one person is told what is theirs to do."""

    __table_args__ = (sa.CheckConstraint("mail IN ('without_slack', 'never', 'always')", name="mail_known"),)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    mail: Mapped[str]


def of_engagement(session: AnySession, engagement_id: UUID) -> EngagementPreference | None:
    """What an engagement has said; None is the usual."""
    return session.get(EngagementPreference, engagement_id)


def of_person(session: AnySession, person_id: UUID) -> PersonPreference | None:
    """What a person has said; None is the usual."""
    return session.get(PersonPreference, person_id)


def wish_of(kept: EngagementPreference | None) -> EngagementWish:
    """What is kept of an engagement, as a value."""
    if kept is None:
        return EngagementWish()
    ladders = {DeadlineKind(kind): tuple(leads) for kind, leads in kept.ladders.items()}
    return EngagementWish(hours_of(kept), kept.weekly_digest, kept.daily_digest, ladders)


def hours_of(kept: Hours) -> HoursWish:
    """The hours that are kept, as a value."""
    days = None if kept.working_days is None else tuple(kept.working_days)
    return HoursWish(kept.digest_hour, kept.quiet_from, kept.quiet_until, days)


def wishes_of(session: AnySession, ids: Collection[UUID]) -> dict[UUID, PersonWish]:
    """How people want to be told, of those who have said so, in one statement."""
    found = session.scalars(sa.select(PersonPreference).where(PersonPreference.person_id.in_(ids)))
    return {each.person_id: PersonWish(hours_of(each), MailWish(each.mail)) for each in found}
