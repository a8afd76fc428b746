"""The timer of a person: start it, change it, stop it, discard it.

A stop never fails: what cannot be booked is kept as unplaced time, with why.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import WorkKind
from tracker.domain.errors import EditedMeanwhile, Invalid, NotFound, TrackerError
from tracker.domain.time_entry import DAY_MINUTES, Work
from tracker.domain.timer import TimerRuns, ask, day_of, minutes_between, must_ask, say_clock, say_run, seconds_between
from tracker.services.booking import Booked, book, check_begun, room_to_begin
from tracker.services.unplacing import keep
from tracker.store import audit
from tracker.store import timer as timers
from tracker.store.database import AnySession
from tracker.store.timer import Timer, UnplacedTime

STATED = ("site_id", "kind", "activity", "known_issue_id", "ps_kind", "note")
# Where they change, another budget pays: it must hold something, as at a start.
PAYING = ("site_id", "kind")
NONE_RUNS = "No timer of yours runs. It may have been stopped in another window."
UNSEEN = "You are no longer assigned to this engagement. An engagement manager places the time or discards it."


@dataclass(frozen=True)
class StartOrder:
    """What is to be timed, and how far the start may go: on to the next budget, past a timer that runs."""

    site_id: UUID
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str = ""
    split: bool = False
    stop_running: bool = False


@dataclass(frozen=True)
class Stopped:
    """How a timer ended: as entries, or as time that waits for its place with the refusal that it met."""

    minutes: int
    booked: list[Booked] = field(default_factory=list)
    unplaced: UnplacedTime | None = None
    refusal: TrackerError | None = None


@dataclass(frozen=True)
class Started:
    """A timer that runs now, and how the one before it ended, where there was one."""

    timer: Timer
    stopped: Stopped | None = None


@dataclass(frozen=True)
class TimerChange:
    """What is to be different of a running timer, by name, `started_at` among them; and the version that was read."""

    values: Mapping[str, Any]
    version: int | None = None


def start(session: AnySession, actor: Actor, order: StartOrder, *, now: datetime) -> Started:
    """Start a timer, after all the checks of a booking but its minutes. An empty budget blocks it.

    Raises TimerRuns where one runs that is not to be stopped, or whose stop has a question first, and what `check_begun`
    and `room_to_begin` raise: whatever ran before goes on then.
    """
    actor.must(Permission.LOG_TIME)
    assert actor.person_id is not None
    running, stopped = timers.hold_own(session, actor), None
    if running is not None:
        if not order.stop_running or must_ask(running.started_at, now):
            raise _runs(session, actor, now)
        stopped = _end(session, actor, running, None, split=False, now=now)
    stated = {name: getattr(order, name) for name in STATED}
    work, place = check_begun(session, actor, _begun(stated, now, actor), now=now)
    work = room_to_begin(session, place, work, split=order.split, now=now)
    values = {name: getattr(work, name) for name in STATED} | {"kind": work.kind.value}
    timer = Timer(person_id=actor.person_id, engagement_id=place.engagement_id, started_at=now, version=1, **values)
    if not timers.insert(session, timer):
        raise _runs(session, actor, now)
    payload = {"site_id": work.site_id, "kind": work.kind, "started_at": now}
    audit.record(session, actor, place.engagement_id, "timer.started", ("timer", actor.person_id), payload)
    return Started(timer, stopped)


def _begun(stated: Mapping[str, Any], started_at: datetime, actor: Actor) -> Work:
    """Work that is still going on: it counts on the day on which it began, and its minutes say nothing yet."""
    return Work(worked_on=day_of(started_at, actor.time_zone), minutes=0, **stated)


def _runs(session: AnySession, actor: Actor, now: datetime) -> TimerRuns:
    running = timers.running(session, actor)
    if running is None:
        return TimerRuns("A timer of yours runs on another engagement. Stop it first, or keep it.", asks=True)
    started_at, where = running.timer.started_at, f" on {running.site_name}" if running.site_name else ""
    if must_ask(started_at, now):
        said = say_run(started_at, now, actor.time_zone)
        return TimerRuns(f"Your timer{where} is still on. {said} Stop it first, and say how long you worked.", asks=True)
    clock = say_clock(seconds_between(started_at, now))
    return TimerRuns(f"Your timer runs already: {clock}{where}. Stop it first, or keep it.", asks=False)


def edit(session: AnySession, actor: Actor, change: TimerChange, *, now: datetime) -> Timer:
    """Change what a running timer says of the work, or when it began.

    Raises Invalid where none runs, for a start in the future and at other fields, EditedMeanwhile, and what `start` raises;
    whether its budget is empty is asked only where another one would pay.
    """
    actor.must(Permission.LOG_TIME)
    timer = _hold(session, actor)
    if change.version is not None and change.version != timer.version:
        raise EditedMeanwhile
    values = dict(change.values)
    started_at = values.pop("started_at", timer.started_at)
    if started_at > now:
        raise Invalid.at("started_at", "The start lies in the future. A timer begins now or has begun.")
    before = {name: getattr(timer, name) for name in (*STATED, "started_at")}
    stated = {name: before[name] for name in STATED} | values
    work, place = check_begun(session, actor, _begun(stated | {"kind": WorkKind(stated["kind"])}, started_at, actor), now=now)
    if any(stated[name] != before[name] for name in PAYING):
        work = room_to_begin(session, place, work, split=False, now=now)
    after = {name: getattr(work, name) for name in STATED} | {"kind": work.kind.value, "started_at": started_at}
    changed = {name: value for name, value in after.items() if value != before[name]}
    if changed:
        for name, value in changed.items():
            setattr(timer, name, value)
        timer.engagement_id = place.engagement_id
        timer.version += 1
        session.flush()
        payload = {"before": {name: before[name] for name in changed}, "after": changed}
        audit.record(session, actor, place.engagement_id, "timer.edited", ("timer", timer.person_id), payload)
    return timer


def stop(session: AnySession, actor: Actor, minutes: int | None = None, *, split: bool = False, now: datetime) -> Stopped:
    """Stop the timer and book what it measured as a draft, or `minutes` where they are said instead.

    Where that is refused the time is kept and the refusal is part of the result. Raises Invalid: where none runs, at
    `duration` where it ran over ten hours and nobody says how long was worked, at `minutes` for none or more than a day.
    """
    actor.must(Permission.LOG_TIME)
    timer = _hold(session, actor)
    if minutes is None and must_ask(timer.started_at, now):
        raise Invalid.at("duration", ask(timer.started_at, now, actor.time_zone))
    if minutes is not None and not 1 <= minutes <= DAY_MINUTES:
        raise Invalid.at("minutes", "Write from 1 minute to 24 h.")
    return _end(session, actor, timer, minutes, split=split, now=now)


def _hold(session: AnySession, actor: Actor) -> Timer:
    timer = timers.hold_own(session, actor)
    if timer is None:
        raise Invalid.at("timer", NONE_RUNS)
    return timer


def _end(session: AnySession, actor: Actor, timer: Timer, said: int | None, *, split: bool, now: datetime) -> Stopped:
    minutes = said if said is not None else minutes_between(timer.started_at, now)
    timers.remove(session, timer)
    payload = {"started_at": timer.started_at, "minutes": minutes, "stated": said is not None}
    audit.record(session, actor, timer.engagement_id, "timer.stopped", ("timer", timer.person_id), payload)
    stated = {name: getattr(timer, name) for name in STATED} | {"kind": WorkKind(timer.kind)}
    work = Work(worked_on=day_of(timer.started_at, actor.time_zone), minutes=minutes, **stated)
    try:
        # A refusal comes before anything is written, so the unit goes on.
        return Stopped(minutes, book(session, actor, work, split=split, now=now))
    except TrackerError as error:
        why = UNSEEN if isinstance(error, NotFound) else error.message
        kept = keep(session, actor, timer, minutes, actor.time_zone, why, now)
        return Stopped(minutes, unplaced=kept, refusal=error)


def discard(session: AnySession, actor: Actor, *, now: datetime) -> None:
    """Throw away what the timer measured. Raises Invalid where none runs."""
    actor.must(Permission.LOG_TIME)
    timer = _hold(session, actor)
    timers.remove(session, timer)
    payload = {"started_at": timer.started_at, "minutes": minutes_between(timer.started_at, now)}
    audit.record(session, actor, timer.engagement_id, "timer.discarded", ("timer", timer.person_id), payload)
