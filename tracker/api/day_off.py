"""A customer's own days off, besides the public holidays of its country."""

from datetime import date
from typing import Any
from uuid import UUID

from flask import g
from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Query, page_of
from tracker.domain.access import Permission
from tracker.intake.calendar_file import FoundDays, read_days_off
from tracker.services import day_off as service
from tracker.services.day_off import Changed, DayOffSpec
from tracker.store import day_off as days_off
from tracker.store import engagement as engagements
from tracker.store.transaction import rehearsal

api = Api("day_off")


class DayOffIn(In):
    day: date
    until_on: date | None = Field(None, description="The last day of a range, included; at most sixty days.")
    name: str


class RemoveIn(In):
    day: date


class DayOffOut(Out):
    id: UUID
    day: date
    name: str
    source: str = Field(description="Whether it was entered (page) or read from a calendar file (ics).")


class ChangedOut(Out):
    days: int = Field(description="How many days off were added or removed.")
    dates_moved: int = Field(description="How many dates of the customer's engagements moved for it.")


class FoundDayOut(Out):
    day: date
    name: str


class ImportQuery(Query):
    dry_run: bool = False


class ImportOut(ChangedOut):
    dry_run: bool
    found: list[FoundDayOut]
    passed_over: int = Field(description="Events that are no days off: with a time of day, cancelled, too far away.")


def changed_out(changed: Changed) -> ChangedOut:
    return ChangedOut(days=changed.days, dates_moved=changed.dates_moved)


def read_file(data: bytes, _query: Any) -> FoundDays:
    return read_days_off(data, today=g.now.date())


@api.get("/customers/<uuid:customer_id>/days-off", Permission.SEE_ENGAGEMENTS)
def list_days_off(call: Call, customer_id: UUID, query: PageQuery) -> Listing[DayOffOut]:
    """A customer's days off, the earliest first."""
    engagements.visible_customer(call.session, call.actor, customer_id)
    rows = days_off.of_customer(call.session, customer_id)
    items = [DayOffOut(id=each.id, day=each.day, name=each.name, source=each.source) for each in rows]
    return page_of(items, query, lambda item: item.id)


@api.post("/customers/<uuid:customer_id>/days-off", Permission.EDIT_ENGAGEMENT)
def add_days_off(call: Call, customer_id: UUID, body: DayOffIn) -> ChangedOut:
    """Add a day or a range under one name. Dates counted in business days move with it."""
    spec = DayOffSpec(body.day, body.name, body.until_on)
    return changed_out(service.add_days(call.session, call.actor, customer_id, spec, now=call.now))


@api.post("/customers/<uuid:customer_id>/days-off/remove", Permission.EDIT_ENGAGEMENT, 200)
def remove_day_off(call: Call, customer_id: UUID, body: RemoveIn) -> ChangedOut:
    """Work on a day after all. Dates counted in business days move with it."""
    return changed_out(service.remove_day(call.session, call.actor, customer_id, body.day, now=call.now))


@api.post("/customers/<uuid:customer_id>/days-off/import", Permission.EDIT_ENGAGEMENT, 200, reads=read_file)
def import_days_off(call: Call, customer_id: UUID, query: ImportQuery, body: FoundDays) -> ImportOut:
    """Add the all-day events of a calendar file (.ics, at most 256 KiB); the body is the file. With `dry_run` nothing is kept."""
    if query.dry_run:
        with rehearsal(call.session):
            changed = service.import_days(call.session, call.actor, customer_id, body.days, now=call.now)
    else:
        changed = service.import_days(call.session, call.actor, customer_id, body.days, now=call.now)
    found = [FoundDayOut(day=day, name=name) for day, name in body.days.items()]
    return ImportOut(
        dry_run=query.dry_run,
        found=found,
        passed_over=body.passed_over,
        days=changed.days,
        dates_moved=changed.dates_moved,
    )
