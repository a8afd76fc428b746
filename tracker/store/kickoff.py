"""What was said at the kick-off, and who was there."""

from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.kickoff import Attendee
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, Sight, who


class KickoffRecord(Versioned, Base):
    """The notes of one engagement's kick-off. Both sides read them; `internal_notes` are the team's own."""

    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"), unique=True)
    held_on: Mapped[date | None]
    notes: Mapped[str]
    internal_notes: Mapped[str]
    attendees: Mapped[list[Any]]
    recorded_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    recorded_at: Mapped[datetime]

    @property
    def present(self) -> list[Attendee]:
        return [Attendee(each["name"], each["side"], each["role"]) for each in self.attendees]


@cache
def _of_engagement(sight: Sight) -> sa.Select[KickoffRecord]:
    query = sa.select(KickoffRecord).join(Engagement, Engagement.id == KickoffRecord.engagement_id)
    return query.where(KickoffRecord.engagement_id == sa.bindparam("engagement"), sight.condition())


def of_engagement(session: AnySession, actor: Actor, engagement_id: UUID) -> KickoffRecord | None:
    """What was recorded of an engagement's kick-off. Its internal notes are for whoever sees internal things only."""
    return session.scalar(_of_engagement(Sight.of(actor)), who(actor) | {"engagement": engagement_id})
