"""A customer's own days off, besides the holidays of its country."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed


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


def of_customer(session: AnySession, customer_id: UUID) -> list[DayOff]:
    """A customer's days off, the earliest first."""
    return list(session.scalars(sa.select(DayOff).where(DayOff.customer_id == customer_id).order_by(DayOff.day)))


def days_of(session: AnySession, customer_id: UUID, first: date, last: date) -> frozenset[date]:
    """The days from one to another, both included, on which a customer does not work."""
    query = sa.select(DayOff.day).where(DayOff.customer_id == customer_id, DayOff.day.between(first, last))
    return frozenset(session.scalars(query))


def add(session: AnySession, customer_id: UUID, days: Mapping[date, str], *, source: str, by: UUID | None, now: datetime) -> int:
    """Add the days that are not there yet; returns how many those were. One that is there keeps its name."""
    known = set(session.scalars(sa.select(DayOff.day).where(DayOff.customer_id == customer_id)))
    fresh = [(day, name) for day, name in sorted(days.items()) if day not in known]
    session.add_all(
        DayOff(customer_id=customer_id, day=day, name=name, source=source, created_by=by, created_at=now) for day, name in fresh
    )
    session.flush()
    return len(fresh)


def count(session: AnySession, customer_id: UUID) -> int:
    return session.scalar(sa.select(sa.func.count()).where(DayOff.customer_id == customer_id)) or 0


def on(session: AnySession, customer_id: UUID, day: date) -> DayOff:
    """A customer's day off on a day. Raises NotFound."""
    found = session.scalar(sa.select(DayOff).where(DayOff.day == day, DayOff.customer_id == customer_id))
    if found is None:
        raise NotFound
    return found
