"""A customer's own days off: add, read from a calendar file, remove. Dates that follow from others are counted anew at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.day_off import MOST, NAME_LENGTH, days_between
from tracker.domain.errors import Invalid
from tracker.domain.text import TextError, read_line
from tracker.services.planning import recount
from tracker.store import audit
from tracker.store import day_off as days_off
from tracker.store import engagement as engagements
from tracker.store.database import AnySession
from tracker.store.engagement import Customer

# Keeps other changes of the same customer's days waiting, but not those who only refer to the row.
AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class Changed:
    """How many days off were added or removed, and how many dates moved for it."""

    days: int
    dates_moved: int


@dataclass(frozen=True)
class DayOffSpec:
    """A day or a range as it is entered; both days are included."""

    day: date
    name: str
    until_on: date | None = None


def add_days(session: AnySession, actor: Actor, customer_id: UUID, spec: DayOffSpec, *, now: datetime) -> Changed:
    """Add a day or a range under one name. Days that are off already stay as they are.

    Raises NotFound, NotAllowed, and Invalid at `day`, `until_on`, `name`.
    """
    customer = _held(session, actor, customer_id)
    days = dict.fromkeys(days_between(spec.day, spec.until_on), _name("name", spec.name))
    return _add(session, actor, customer, days, "page", now)


def import_days(session: AnySession, actor: Actor, customer_id: UUID, days: Mapping[date, str], *, now: datetime) -> Changed:
    """Add what a calendar file holds. Raises NotFound, NotAllowed, and Invalid at `file`."""
    customer = _held(session, actor, customer_id)
    return _add(session, actor, customer, {day: _name("file", name) for day, name in days.items()}, "ics", now)


def remove_day(session: AnySession, actor: Actor, customer_id: UUID, day: date, *, now: datetime) -> Changed:
    """Work on a day after all. Raises NotFound, NotAllowed."""
    customer = _held(session, actor, customer_id)
    day_off = days_off.on(session, customer_id, day)
    said = {"day": day_off.day.isoformat(), "name": day_off.name}
    session.delete(day_off)
    session.flush()
    audit.record(session, actor, None, "day_off.removed", ("customer", customer.id), said)
    return Changed(1, _recount(session, customer, now))


def _held(session: AnySession, actor: Actor, customer_id: UUID) -> Customer:
    customer = engagements.visible_customer(session, actor, customer_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(customer, with_for_update=AGAINST_EDITS)
    return customer


def _name(field: str, text: str) -> str:
    try:
        name = read_line(text or "", NAME_LENGTH)
    except TextError as error:
        raise Invalid.at(field, str(error)) from None
    if not name:
        raise Invalid.at(field, "Say what the day off is for, such as “Company holiday”.")
    return name


def _add(session: AnySession, actor: Actor, customer: Customer, days: Mapping[date, str], source: str, now: datetime) -> Changed:
    if days_off.count(session, customer.id) + len(days) > MOST:
        raise Invalid.at(
            "day" if source == "page" else "file", f"A customer has at most {MOST:,} days off. Remove old ones first."
        )
    added = days_off.add(session, customer.id, days, source=source, by=actor.person_id, now=now)
    if not added:
        return Changed(0, 0)
    said = {"from": min(days).isoformat(), "until": max(days).isoformat(), "days": added, "source": source}
    audit.record(session, actor, None, "day_off.added", ("customer", customer.id), said)
    return Changed(added, _recount(session, customer, now))


def _recount(session: AnySession, customer: Customer, now: datetime) -> int:
    """Count the dates of the customer's engagements anew. What is cancelled has no dates to come any more."""
    open_ones = [each for each in engagements.of_customer(session, customer.id) if each.status != "cancelled"]
    return sum(recount(session, engagement, now=now) for engagement in open_ones)
