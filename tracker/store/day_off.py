"""A customer's own days off, besides the holidays of its country."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import Base, Keyed


class DayOff(Keyed, Base):
    """One day on which a customer does not work, and where we know it from: entered, or read from a calendar file."""

    __table_args__ = (
        sa.CheckConstraint("source IN ('page', 'ics')", name="source_known"),
        sa.UniqueConstraint("customer_id", "day"),
    )
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    day: Mapped[date]
    name: Mapped[str]
    source: Mapped[str]
    created_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
