"""Timers that run, one for each person, and stopped time that no budget would take."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base, Keyed


class Timer(Base):
    """What somebody works on at this moment. The key is the person: nobody works on two things at once."""

    __table_args__ = (sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),)
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    engagement_id: Mapped[UUID]
    site_id: Mapped[UUID]
    kind: Mapped[str]
    activity: Mapped[str | None]
    known_issue_id: Mapped[str | None]
    ps_kind: Mapped[str | None]
    note: Mapped[str]
    started_at: Mapped[datetime]


class UnplacedTime(Keyed, Base):
    """Time that was worked and that no budget took when its timer stopped. Somebody places it, or discards it with a reason."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "placed_id"], ["time_entry.engagement_id", "time_entry.id"]),
        sa.CheckConstraint("minutes > 0", name="minutes_positive"),
        sa.CheckConstraint("(settled_at IS NULL) = (placed_id IS NULL AND discard_reason IS NULL)", name="settled_once"),
        sa.CheckConstraint("placed_id IS NULL OR discard_reason IS NULL", name="placed_or_discarded"),
        sa.Index(
            "ix_unplaced_time_waiting",
            "person_id",
            "id",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        ),
    )
    person_id: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    engagement_id: Mapped[UUID]
    site_id: Mapped[UUID]
    kind: Mapped[str]
    activity: Mapped[str | None]
    known_issue_id: Mapped[str | None]
    ps_kind: Mapped[str | None]
    note: Mapped[str]
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime]
    worked_on: Mapped[date]
    minutes: Mapped[int]
    # Why no budget took it, in the words of the refusal.
    refused: Mapped[str]
    placed_id: Mapped[UUID | None]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    discard_reason: Mapped[str | None]
