"""Time entries: book, mend, submit, decide, reverse. Several at once: `time_bulk`; to another budget: `time_move`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, id_cursor, one_of
from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.duration import AmbiguousDuration as Ambiguous
from tracker.domain.duration import DurationError, parse_minutes
from tracker.domain.errors import AmbiguousDuration, Invalid
from tracker.domain.time_entry import ENTRY_LIFECYCLE, Work, say_long_day
from tracker.services import time_entry as service
from tracker.services.booking import Booked
from tracker.services.time_entry import DraftChange
from tracker.store import budget as budgets
from tracker.store import entry_family
from tracker.store import time_entry as entries
from tracker.store.budget import Draw
from tracker.store.entry_family import Kin
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
    person_id: UUID | None = Field(None, description="Whose work it was, where a manager enters it for them.")


class TimeEntryPatch(In):
    worked_on: date | None = None
    minutes: Whole | None = None
    duration: str | None = Field(None, max_length=100, description="Instead of minutes, such as 1h30 or 90m.")
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str | None = None


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
    reversed_by_id: UUID | None
    moved_from_id: UUID | None
    moved_to_id: UUID | None
    split_from_id: UUID | None
    draws: list[DrawOut]
    split_into: list[UUID]
    created_at: datetime
    version: int
    warnings: list[str]


class ReasonIn(In):
    reason: str


class ReversalIn(In):
    reason: str | None = None


class EntryQuery(PageQuery):
    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None


# What an entry always has.
NEVER_EMPTY = {"worked_on", "note"}
# Its own columns; what is answered besides is added.
PLAIN = [
    name for name in TimeEntryOut.model_fields if name not in ("draws", "split_into", "reversed_by_id", "moved_to_id", "warnings")
]


def entries_out(call: Call, rows: Sequence[TimeEntry]) -> list[TimeEntryOut]:
    """Entries with what they draw, what became of them and what to look at again, in three statements however many."""
    ids = [row.id for row in rows]
    drawn, kin = budgets.drawn_by(call.session, ids), entry_family.kin_of(call.session, ids)
    days = entries.day_minutes(call.session, rows)
    return [entry_out(row, drawn[row.id], kin[row.id], _warnings(row, days)) for row in rows]


def entry_out(row: TimeEntry, draws: Sequence[Draw], kin: Kin, warnings: list[str]) -> TimeEntryOut:
    return TimeEntryOut(
        **{name: getattr(row, name) for name in PLAIN},
        draws=[DrawOut(kind=draw.kind, minutes=draw.minutes, block_id=draw.block_id) for draw in draws],
        split_into=kin.parts,
        reversed_by_id=kin.reversed_by,
        moved_to_id=kin.moved_to,
        warnings=warnings,
    )


def booked_out(booked: Sequence[Booked]) -> TimeEntryOut:
    """What was just booked, from what is known of it: nothing is read again."""
    first, *others = booked
    kin = Kin(reversed_by=None, moved_to=None, parts=[each.entry.id for each in others])
    return entry_out(first.entry, first.draws, kin, [first.warning] if first.warning else [])


def _warnings(row: TimeEntry, days: Mapping[tuple[UUID, date], int]) -> list[str]:
    said = say_long_day(row.worked_on, days.get((row.person_id, row.worked_on), 0)) if row.state in entries.COUNTED else None
    return [said] if said else []


def _minutes(minutes: int | None, duration: str | None) -> int:
    if (minutes is None) == (duration is None):
        raise Invalid.at("minutes", "Give either minutes or duration.")
    if duration is None:
        assert minutes is not None
        return minutes
    try:
        return parse_minutes(duration)
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
        minutes=_minutes(body.minutes, body.duration),
        kind=body.kind,
        activity=body.activity,
        known_issue_id=body.known_issue_id,
        ps_kind=body.ps_kind,
        note=body.note,
        person_id=body.person_id,
    )
    return booked_out(service.book(call.session, call.actor, work, split=body.split, now=call.now))


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


@api.patch("/time-entries/<uuid:entry_id>", Permission.LOG_TIME)
def mend_time_entry(call: Call, entry_id: UUID, body: TimeEntryPatch) -> TimeEntryOut:
    """Change a draft. Its budget follows by the difference; once it is submitted, only a reversal corrects it."""
    values = body.model_dump(exclude_unset=True)
    for name in NEVER_EMPTY & set(values):
        if values[name] is None:
            raise Invalid.at(name, "This cannot be emptied.")
    if {"minutes", "duration"} & set(values):
        values["minutes"] = _minutes(values.get("minutes"), values.pop("duration", None))
    booked = service.mend(call.session, call.actor, entry_id, DraftChange(values, call.version), now=call.now)
    return entries_out(call, [booked.entry])[0]


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
