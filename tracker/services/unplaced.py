"""Unplaced time: whoever worked it, or a manager, books it somewhere or discards it with a reason. Either happens once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import WorkKind
from tracker.domain.errors import Guard, Invalid, NotAllowed
from tracker.domain.time_entry import REASON_LENGTH, Work, read_remark
from tracker.services.booking import Booked, book
from tracker.store import audit
from tracker.store import site as sites
from tracker.store import timer as timers
from tracker.store.database import AnySession
from tracker.store.timer import UnplacedTime

# What may be said otherwise than the timer said it.
PLACEABLE = ("site_id", "worked_on", "minutes", "kind", "activity", "known_issue_id", "ps_kind", "note")


def place(
    session: AnySession, actor: Actor, unplaced_id: UUID, values: Mapping[str, Any], *, split: bool = False, now: datetime
) -> list[Booked]:
    """Book unplaced time for whoever worked it; `values` are what is said otherwise, by name. Fewer minutes, never more.

    Raises NotFound, NotAllowed for somebody else's, Guard for time that is settled, Invalid at the field, and what `book`
    raises: then it waits on.
    """
    kept = _hold(session, actor, unplaced_id)
    stated = {name: getattr(kept, name) for name in PLACEABLE} | dict(values)
    if stated["minutes"] > kept.minutes:
        raise Invalid.at("minutes", "The timer measured less than that. Log what it did not measure as an entry of its own.")
    if stated["site_id"] != kept.site_id and sites.get(session, actor, stated["site_id"]).engagement_id != kept.engagement_id:
        raise Invalid.at("site_id", "Choose a site of the same engagement, or discard the time here and log it there.")
    work = Work(**stated | {"kind": WorkKind(stated["kind"])}, person_id=kept.person_id)
    booked = book(session, actor, work, split=split, now=now)
    kept.placed_id = booked[0].entry.id
    payload = {"entry_id": kept.placed_id, "minutes": work.minutes, "measured": kept.minutes}
    _settle(session, actor, kept, "unplaced_time.placed", payload, now)
    return booked


def discard(session: AnySession, actor: Actor, unplaced_id: UUID, reason: str, *, now: datetime) -> UnplacedTime:
    """Let unplaced time go. Raises NotFound, NotAllowed for somebody else's, Guard for settled time, Invalid at `reason`."""
    kept = _hold(session, actor, unplaced_id)
    said = read_remark("reason", reason, REASON_LENGTH)
    if not said:
        raise Invalid.at("reason", "Say why: the time was worked, and nobody will be paid for it.")
    kept.discard_reason = said
    _settle(session, actor, kept, "unplaced_time.discarded", {"reason": said, "minutes": kept.minutes}, now)
    return kept


def _hold(session: AnySession, actor: Actor, unplaced_id: UUID) -> UnplacedTime:
    kept = timers.hold_unplaced(session, actor, unplaced_id)
    actor.must(Permission.LOG_TIME)
    if kept.person_id != actor.person_id and not actor.may(Permission.APPROVE_TIME):
        raise NotAllowed("That time is somebody else's.")
    if kept.settled_at is not None:
        done = "placed" if kept.placed_id else "discarded"
        raise Guard(f"That time is {done} already.", rule="settled")
    return kept


def _settle(
    session: AnySession, actor: Actor, kept: UnplacedTime, action: str, payload: Mapping[str, Any], now: datetime
) -> None:
    kept.settled_at, kept.settled_by = now, actor.person_id
    session.flush()
    audit.record(session, actor, kept.engagement_id, action, ("unplaced_time", kept.id), payload)
