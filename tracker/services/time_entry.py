"""Carry an entry on: mend a draft, submit, approve, reject, reverse, and move it to another budget.

Booking itself is `tracker.services.booking`, one path for every door.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import DRAWS_ON, BudgetExceeded, WorkKind, rooms_for, ways_on
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, TrackerError
from tracker.domain.lifecycle import advance
from tracker.domain.move import NotMoved, check_moves
from tracker.domain.move import Target as Target
from tracker.domain.time_entry import (
    ENTRY_LIFECYCLE,
    REASON_LENGTH,
    Work,
    check_may_take_back,
    check_own,
    read_remark,
    say_long_day,
)
from tracker.domain.workday import Calendar
from tracker.services import booking
from tracker.services.booking import Booked as Booked
from tracker.services.booking import Origin, check_open_day
from tracker.services.booking import book as book
from tracker.services.budget_level import tell_levels
from tracker.services.ps_term import lapse
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import person as people
from tracker.store import time_entry as entries
from tracker.store.budget import Draw
from tracker.store.database import AnySession
from tracker.store.time_entry import TimeEntry

MENDABLE = ("worked_on", "minutes", "activity", "known_issue_id", "ps_kind", "note")


@dataclass(frozen=True)
class DraftChange:
    """What is to be different of a draft, by name; and the version that was read."""

    values: Mapping[str, Any]
    version: int | None = None


@dataclass(frozen=True)
class Decided:
    """Entries that were carried on together, and those that could not be, each with the reason."""

    done: list[TimeEntry]
    refused: dict[UUID, TrackerError]


def mend(session: AnySession, actor: Actor, entry_id: UUID, change: DraftChange, *, now: datetime) -> Booked:
    """Change a draft: its minutes move on its budget by the difference, by the same conditional update as a booking.

    Raises NotFound, NotAllowed for somebody else's, EditedMeanwhile, Guard once it is submitted or its day is closed,
    Invalid at the field, and BudgetExceeded where more does not fit. Source: reading 4.
    """
    entry = entries.get(session, actor, entry_id, for_update=True)
    actor.must(Permission.LOG_TIME)
    check_own(actor, entry.person_id)
    if change.version is not None and change.version != entry.version:
        raise EditedMeanwhile
    if entry.state != "draft":
        raise Guard("Only a draft can be changed. Correct a submitted entry by reversing it.", rule="draft_only")
    stated = {name: getattr(entry, name) for name in MENDABLE}
    work = Work(site_id=entry.site_id, kind=WorkKind(entry.kind), **stated | dict(change.values))
    place = entries.place_of(session, actor, entry.site_id, entry.person_id, work.worked_on)
    today = Calendar(_zone_of(session, actor, entry.person_id), frozenset()).local_date(now)
    work = work.checked(today=today, signed_on=place.signed_on)
    check_open_day(place.locked_through, entry.worked_on, work.worked_on)
    booking.check_known_issue(work, place)
    day_minutes = place.day_minutes + work.minutes - (entry.minutes if entry.worked_on == work.worked_on else 0)
    if work.kind is WorkKind.PS and work.minutes > entry.minutes:
        lapse(session, place.engagement_id, place.time_zone, now=now)
    draws = _redraw(session, entry, work.minutes - entry.minutes, now)
    after = {name: getattr(work, name) for name in MENDABLE if getattr(work, name) != stated[name]}
    if after:
        for name, value in after.items():
            setattr(entry, name, value)
        entry.version += 1
        session.flush()
        payload = {"before": {name: stated[name] for name in after}, "after": after}
        audit.record(session, actor, entry.engagement_id, "time_entry.mended", ("time_entry", entry.id), payload)
    return Booked(entry, draws, say_long_day(work.worked_on, day_minutes))


def _redraw(session: AnySession, entry: TimeEntry, more: int, now: datetime) -> list[Draw]:
    """Draw more on an entry's budget, or give some of it back; return what it draws now."""
    kind = DRAWS_ON[WorkKind(entry.kind)]
    drawn = budgets.drawn_by(session, [entry.id])[entry.id]
    if kind is None or more == 0:
        return drawn
    if more < 0:
        _move(session, entry, budgets.give_back(drawn, -more), now)
    else:
        taken = budgets.take(session, kind, entry.engagement_id, entry.site_id, more)
        if taken is None:
            payers = budgets.of_site(session, entry.engagement_id, entry.site_id)
            rooms = rooms_for(kind, {each: budget.balance.left for each, budget in payers.items()})
            # A draft stays one entry on one budget: there is nothing to split it into.
            raise BudgetExceeded(kind, rooms[0].left, [way for way in ways_on(more, rooms) if way.action != "split"])
        budgets.post(session, entry.engagement_id, entry.id, taken.draws, now)
        tell_levels(session, entry.engagement_id, taken, now=now)
    return budgets.drawn_by(session, [entry.id])[entry.id]


def _zone_of(session: AnySession, actor: Actor, person_id: UUID) -> str:
    return actor.time_zone if person_id == actor.person_id else people.get(session, person_id).time_zone


def submit(session: AnySession, actor: Actor, entry_id: UUID, *, now: datetime) -> TimeEntry:
    """Hand a draft in for approval. Raises NotFound, NotAllowed for somebody else's, Guard from another state."""
    return _one(submit_all(session, actor, [entry_id], now=now))


def submit_all(session: AnySession, actor: Actor, ids: Sequence[UUID], *, now: datetime) -> Decided:
    """Hand several drafts in; what cannot be is told with its reason and holds up no other."""
    actor.must(Permission.LOG_TIME)

    def take(entry: TimeEntry) -> list[Draw]:
        check_own(actor, entry.person_id)
        _step(session, actor, entry, "submitted", now, None)
        return []

    return _carry_on(session, actor, ids, take, now)


def approve(session: AnySession, actor: Actor, entry_id: UUID, *, now: datetime) -> TimeEntry:
    """Accept a submitted entry: its minutes turn from held to used. Raises NotFound, NotAllowed, Guard."""
    return _one(approve_all(session, actor, [entry_id], now=now))


def approve_all(session: AnySession, actor: Actor, ids: Sequence[UUID], *, now: datetime) -> Decided:
    """Accept several entries; what cannot be is told with its reason and holds up no other."""

    def take(entry: TimeEntry) -> list[Draw]:
        actor.must(Permission.APPROVE_TIME)
        _step(session, actor, entry, "approved", now, None)
        drawn = budgets.drawn_by(session, [entry.id])[entry.id]
        return [replace(draw, minutes=0, approved=draw.minutes) for draw in drawn]

    return _carry_on(session, actor, ids, take, now)


def reject(session: AnySession, actor: Actor, entry_id: UUID, reason: str, *, now: datetime) -> TimeEntry:
    """Turn a submitted entry down, with a reason: its minutes are free again. Raises NotFound, NotAllowed, Guard, Invalid."""
    return _one(reject_all(session, actor, [entry_id], reason, now=now))


def reject_all(session: AnySession, actor: Actor, ids: Sequence[UUID], reason: str, *, now: datetime) -> Decided:
    """Turn several entries down for one reason. Raises Invalid at `reason`."""
    said = read_remark("reason", reason, REASON_LENGTH)

    def take(entry: TimeEntry) -> list[Draw]:
        actor.must(Permission.APPROVE_TIME)
        if not said:
            raise Invalid.at("reason", "Say why, so that it can be logged right.")
        _step(session, actor, entry, "rejected", now, said)
        drawn = budgets.drawn_by(session, [entry.id])[entry.id]
        return [replace(draw, minutes=-draw.minutes, approved=0) for draw in drawn]

    return _carry_on(session, actor, ids, take, now)


def _carry_on(
    session: AnySession, actor: Actor, ids: Sequence[UUID], take: Callable[[TimeEntry], list[Draw]], now: datetime
) -> Decided:
    """Take entries in one order, then move all counters in one order: two who decide on the same ones never wait crosswise."""
    decided = Decided([], {})
    moved: dict[UUID, list[Draw]] = {}
    for entry_id in sorted(set(ids)):
        try:
            entry = entries.get(session, actor, entry_id, for_update=True)
            draws = take(entry)
        except TrackerError as error:
            decided.refused[entry_id] = error
            continue
        decided.done.append(entry)
        moved[entry.id] = draws
    # Counters before postings: a posting's keys would hold the counters' rows for others who wait to move them.
    budgets.move(session, [draw for draws in moved.values() for draw in draws])
    for entry in decided.done:
        budgets.post(session, entry.engagement_id, entry.id, moved[entry.id], now)
    return decided


def _one(decided: Decided) -> TimeEntry:
    """The only entry of a decision, or why it could not be carried on."""
    for error in decided.refused.values():
        raise error
    return decided.done[0]


def reverse(session: AnySession, actor: Actor, entry_id: UUID, reason: str | None, *, now: datetime) -> Booked:
    """Take an entry back by an entry of its own with the opposite minutes; its budget is as it was before.

    Whoever logged it may reverse it until it is approved, managers always. Raises NotFound, NotAllowed, Guard for an
    entry that is reversed, rejected or itself a reversal, Invalid at `reason`.
    """
    entry = entries.get(session, actor, entry_id, for_update=True)
    check_may_take_back(actor, entry.person_id, entry.state)
    reason = read_remark("reason", reason or "", REASON_LENGTH) or None
    drawn = budgets.drawn_by(session, [entry.id])[entry.id]
    _step(session, actor, entry, "reversed", now, reason)
    back = [replace(draw, minutes=-draw.minutes, approved=-draw.approved) for draw in drawn]
    assert actor.person_id is not None
    reversal = entries.insert(
        session,
        engagement_id=entry.engagement_id,
        site_id=entry.site_id,
        person_id=entry.person_id,
        worked_on=entry.worked_on,
        minutes=-entry.minutes,
        kind=entry.kind,
        activity=entry.activity,
        known_issue_id=entry.known_issue_id,
        ps_kind=entry.ps_kind,
        note=reason or f"Reverses the entry of {entry.worked_on.isoformat()}.",
        state="reversal",
        split_from_id=None,
        reverses_id=entry.id,
        created_at=now,
        decided_by=actor.person_id,
        decided_at=now,
    )
    _move(session, reversal, back, now)
    return Booked(reversal, back)


def move(session: AnySession, actor: Actor, entry_id: UUID, to: Target, *, split: bool = False, now: datetime) -> list[Booked]:
    """Let another budget pay for an entry: its reversal and a new entry, in one unit. The new one stands where the old stood.

    Raises what `reverse` and `book` raise, and Invalid at `kind` for the budget that pays already. Source: BR-05.
    """
    entry = entries.get(session, actor, entry_id, for_update=True)
    check_may_take_back(actor, entry.person_id, entry.state)
    check_moves(entry.kind, to.kind)
    state = entry.state
    # What gives and what takes, held in one order: two who move opposite ways never wait crosswise.
    budgets.hold_all(session, [(entry.engagement_id, entry.site_id)])
    reverse(session, actor, entry.id, f"Moved to {to.kind.label}.", now=now)
    work = Work(
        site_id=entry.site_id,
        worked_on=entry.worked_on,
        minutes=entry.minutes,
        kind=to.kind,
        activity=to.activity,
        known_issue_id=to.known_issue_id,
        ps_kind=to.ps_kind,
        note=entry.note,
        person_id=entry.person_id,
    )
    booked = book(session, actor, work, split=split, origin=Origin(moved_from=entry.id), now=now)
    ids = [each.entry.id for each in booked]
    if state in ("submitted", "approved"):
        _all(submit_all(session, actor, ids, now=now))
    if state == "approved":
        _all(approve_all(session, actor, ids, now=now))
    return [replace(each, entry=entries.get(session, actor, each.entry.id)) for each in booked]


def move_all(
    session: AnySession, actor: Actor, ids: Sequence[UUID], to: Target, *, split: bool = False, now: datetime
) -> list[Booked]:
    """Move several entries in one unit: all of them, or none. Raises NotMoved, naming the one that stands in the way."""
    chosen = sorted(set(ids))
    held = {entry.id: entry for entry in entries.of_ids(session, actor, chosen, for_update=True)}
    budgets.hold_all(session, {(entry.engagement_id, entry.site_id) for entry in held.values()})
    moved: list[Booked] = []
    for entry_id in chosen:
        try:
            moved += move(session, actor, entry_id, to, split=split, now=now)
        except TrackerError as error:
            raise NotMoved(entry_id, error) from error
    return moved


def _all(decided: Decided) -> None:
    for error in decided.refused.values():
        raise error


def _step(session: AnySession, actor: Actor, entry: TimeEntry, to: str, now: datetime, reason: str | None) -> TimeEntry:
    state = advance(ENTRY_LIFECYCLE, entry.state, to)
    check_open_day(entries.locked_through(session, entry.engagement_id), entry.worked_on)
    entry.state = state
    entry.decided_by, entry.decided_at, entry.decision_reason = actor.person_id, now, reason
    entry.version += 1
    session.flush()
    audit.record(
        session,
        actor,
        entry.engagement_id,
        f"time_entry.{to}",
        ("time_entry", entry.id),
        {"reason": reason} if reason else {},
    )
    return entry


def _move(session: AnySession, entry: TimeEntry, draws: Sequence[Draw], now: datetime) -> None:
    budgets.move(session, draws)
    budgets.post(session, entry.engagement_id, entry.id, draws, now)
