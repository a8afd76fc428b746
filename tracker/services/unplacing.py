"""Time that was worked and cannot be booked is kept, with why. Use cases share it; no edge calls it."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.timer import day_of, minutes_between
from tracker.store import audit
from tracker.store import person as people
from tracker.store import timer as timers
from tracker.store.database import AnySession
from tracker.store.timer import Timer, UnplacedTime


def keep(session: AnySession, actor: Actor, timer: Timer, minutes: int, time_zone: str, why: str, now: datetime) -> UnplacedTime:
    """Keep what a timer measured until somebody places it; the day is that of its start in the person's zone."""
    kept = UnplacedTime(
        person_id=timer.person_id,
        engagement_id=timer.engagement_id,
        site_id=timer.site_id,
        kind=timer.kind,
        activity=timer.activity,
        known_issue_id=timer.known_issue_id,
        ps_kind=timer.ps_kind,
        note=timer.note,
        started_at=timer.started_at,
        stopped_at=now,
        worked_on=day_of(timer.started_at, time_zone),
        minutes=minutes,
        refused=why,
    )
    session.add(kept)
    session.flush()
    payload = {"person_id": kept.person_id, "site_id": kept.site_id, "minutes": minutes, "kind": kept.kind, "refused": why}
    audit.record(session, actor, kept.engagement_id, "unplaced_time.kept", ("unplaced_time", kept.id), payload)
    return kept


def stop_of_leaver(session: AnySession, actor: Actor, person_id: UUID, *, now: datetime) -> None:
    """Stop the timer of somebody who is deactivated: a manager places what it measured."""
    timer = timers.hold(session, person_id)
    if timer is None:
        return
    person = people.get(session, person_id)
    minutes = minutes_between(timer.started_at, now)
    timers.remove(session, timer)
    payload = {"started_at": timer.started_at, "minutes": minutes}
    audit.record(session, actor, timer.engagement_id, "timer.stopped", ("timer", person_id), payload)
    why = f"{person.name} was deactivated while the timer ran."
    keep(session, actor, timer, minutes, person.time_zone, why, now)
