"""Time entries: book, submit, decide, reverse."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, id_cursor, one_of
from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.duration import AmbiguousDuration as Ambiguous
from tracker.domain.duration import DurationError, parse_minutes
from tracker.domain.errors import AmbiguousDuration, Invalid
from tracker.domain.time_entry import ENTRY_LIFECYCLE, Work
from tracker.services import time_entry as service
from tracker.services.booking import Booked
from tracker.store import budget as budgets
from tracker.store import time_entry as entries
from tracker.store.budget import Draw
from tracker.store.time_entry import TimeEntry

api = Api("time_entry")


class TimeEntryIn(In):
    site_id: UUID
    worked_on: date
    minutes: Whole | None = None
    duration: str | None = Field(None, max_length=100, description="Instead of minutes, such as 1h30 or 90m.")
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str = ""
    split: bool = False


class DrawOut(Out):
    kind: str
    minutes: int
    block_id: UUID | None


class TimeEntryOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID
    person_id: UUID
    worked_on: date
    minutes: int
    kind: str
    activity: str | None
    known_issue_id: str | None
    ps_kind: str | None
    note: str
    state: str
    decision_reason: str | None
    reverses_id: UUID | None
    draws: list[DrawOut]
    split_into: list[UUID]
    created_at: datetime


class ReasonIn(In):
    reason: str


class ReversalIn(In):
    reason: str | None = None


class EntryQuery(PageQuery):
    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None


def entries_out(call: Call, rows: Sequence[TimeEntry]) -> list[TimeEntryOut]:
    """Entries with what they draw and what was split off them, in two statements however many there are."""
    ids = [row.id for row in rows]
    drawn, parts = budgets.drawn_by(call.session, ids), entries.split_parts(call.session, ids)
    return [_entry_out(row, drawn[row.id], parts[row.id]) for row in rows]


PLAIN = [name for name in TimeEntryOut.model_fields if name not in ("draws", "split_into")]


def _entry_out(entry: TimeEntry, draws: Sequence[Draw], parts: list[UUID]) -> TimeEntryOut:
    return TimeEntryOut(
        **{name: getattr(entry, name) for name in PLAIN},
        draws=[DrawOut(kind=draw.kind, minutes=draw.minutes, block_id=draw.block_id) for draw in draws],
        split_into=parts,
    )


def booked_out(booked: Sequence[Booked]) -> TimeEntryOut:
    """What was just booked, from what is known of it: nothing is read again."""
    first, *others = booked
    return _entry_out(first.entry, first.draws, [each.entry.id for each in others])


def _minutes(body: TimeEntryIn) -> int:
    if (body.minutes is None) == (body.duration is None):
        raise Invalid.at("minutes", "Give either minutes or duration.")
    if body.duration is None:
        assert body.minutes is not None
        return body.minutes
    try:
        return parse_minutes(body.duration)
    except Ambiguous as error:
        raise AmbiguousDuration.at("duration", str(error)) from None
    except DurationError as error:
        raise Invalid.at("duration", str(error)) from None


@api.post("/time-entries", Permission.LOG_TIME)
def book_time(call: Call, body: TimeEntryIn) -> TimeEntryOut:
    """Book work. What does not fit answers 409 `budget_exceeded` with what is left and the lawful moves; `split` takes them."""
    work = Work(
        site_id=body.site_id,
        worked_on=body.worked_on,
        minutes=_minutes(body),
        kind=body.kind,
        activity=body.activity,
        known_issue_id=body.known_issue_id,
        ps_kind=body.ps_kind,
        note=body.note,
    )
    booked = service.book(call.session, call.actor, work, split=body.split, now=call.now)
    return booked_out(booked)


@api.get("/time-entries", Permission.SEE_INTERNAL)
def list_time_entries(call: Call, query: EntryQuery) -> Listing[TimeEntryOut]:
    """Entries, the newest first."""
    rows = entries.page(
        call.session,
        call.actor,
        engagement_id=query.engagement_id,
        site_id=query.site_id,
        person_id=query.person_id,
        state=one_of("state", query.state, ENTRY_LIFECYCLE),
        before=id_cursor(query.cursor),
        limit=query.limit + 1,
    )
    items = entries_out(call, rows[: query.limit])
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.get("/time-entries/<uuid:entry_id>", Permission.SEE_INTERNAL)
def get_time_entry(call: Call, entry_id: UUID) -> TimeEntryOut:
    """One entry."""
    return entries_out(call, [entries.get(call.session, call.actor, entry_id)])[0]


@api.post("/time-entries/<uuid:entry_id>/submit", Permission.LOG_TIME, status=200)
def submit_time_entry(call: Call, entry_id: UUID) -> TimeEntryOut:
    """Hand a draft in for approval."""
    return entries_out(call, [service.submit(call.session, call.actor, entry_id, now=call.now)])[0]


@api.post("/time-entries/<uuid:entry_id>/approve", Permission.APPROVE_TIME, status=200)
def approve_time_entry(call: Call, entry_id: UUID) -> TimeEntryOut:
    """Accept a submitted entry."""
    return entries_out(call, [service.approve(call.session, call.actor, entry_id, now=call.now)])[0]


@api.post("/time-entries/<uuid:entry_id>/reject", Permission.APPROVE_TIME, status=200)
def reject_time_entry(call: Call, entry_id: UUID, body: ReasonIn) -> TimeEntryOut:
    """Turn a submitted entry down; its minutes are free again."""
    return entries_out(call, [service.reject(call.session, call.actor, entry_id, body.reason, now=call.now)])[0]


@api.post("/time-entries/<uuid:entry_id>/reversal", Permission.LOG_TIME)
def reverse_time_entry(call: Call, entry_id: UUID, body: ReversalIn) -> TimeEntryOut:
    """Take an entry back by an entry of its own; answers that one, with negative minutes."""
    return entries_out(call, [service.reverse(call.session, call.actor, entry_id, body.reason, now=call.now).entry])[0]
