"""The timer of whoever asks, and unplaced time: what a stopped timer measured and no budget took."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, id_cursor
from tracker.api.time_entry import ReasonIn, TimeEntryOut, booked_out, read_minutes
from tracker.domain.access import Permission
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.timer import minutes_between, must_ask
from tracker.services import timer as service
from tracker.services import unplaced as unplaced_service
from tracker.services.timer import StartOrder, Stopped, TimerChange
from tracker.store import timer as timers
from tracker.store.timer import Timer, UnplacedTime

api = Api("timer")
DURATION = "Instead of minutes, such as 1h30 or 90m."


class TimerIn(In):
    site_id: UUID
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str = ""
    split: bool = Field(default=False, description="Where its own budget is empty, start on the next that may pay for it.")
    stop_running: bool = Field(default=False, description="Stop a timer that runs already, and book it, in the same step.")


class TimerEdit(In):
    site_id: UUID | None = None
    kind: WorkKind | None = None
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str | None = None
    started_at: AwareDatetime | None = None


class StopIn(In):
    minutes: Whole | None = Field(None, description="How long was worked; asked for where the timer ran over ten hours.")
    duration: str | None = Field(None, max_length=100, description=DURATION)
    split: bool = False


class PlaceIn(In):
    site_id: UUID | None = None
    worked_on: date | None = None
    minutes: Whole | None = Field(None, description="Not more than was measured.")
    duration: str | None = Field(None, max_length=100, description=DURATION)
    kind: WorkKind | None = None
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str | None = None
    split: bool = False


class TimerOut(Out):
    engagement_id: UUID
    site_id: UUID
    kind: str
    activity: str | None
    known_issue_id: str | None
    ps_kind: str | None
    note: str
    started_at: datetime
    version: int
    minutes: int = Field(description="What a stop would book now.")
    asks: bool = Field(description="It ran over ten hours: its stop asks how long was worked.")


class UnplacedOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID
    person_id: UUID
    kind: str
    activity: str | None
    known_issue_id: str | None
    ps_kind: str | None
    note: str
    started_at: datetime
    stopped_at: datetime
    worked_on: date
    minutes: int
    refused: str = Field(description="Why it could not be booked.")
    placed_id: UUID | None
    settled_at: datetime | None
    settled_by: UUID | None
    discard_reason: str | None


class WayOnOut(Out):
    action: str
    kind: str
    minutes: int


class RefusedOut(Out):
    code: str
    message: str
    left_minutes: int | None
    options: list[WayOnOut]


class StoppedOut(Out):
    minutes: int
    entry: TimeEntryOut | None
    unplaced: UnplacedOut | None
    refused: RefusedOut | None


class StartedOut(TimerOut):
    stopped: StoppedOut | None


class RunningOut(Out):
    timer: TimerOut | None


class UnplacedQuery(PageQuery):
    engagement_id: UUID | None = None
    person_id: UUID | None = None


def _timer(call: Call, timer: Timer) -> dict[str, Any]:
    derived = ("minutes", "asks")
    plain = {name: getattr(timer, name) for name in TimerOut.model_fields if name not in derived}
    began = timer.started_at
    return plain | {"minutes": minutes_between(began, call.now), "asks": must_ask(began, call.now)}


def _unplaced(kept: UnplacedTime) -> UnplacedOut:
    return UnplacedOut(**{name: getattr(kept, name) for name in UnplacedOut.model_fields})


def _stopped(stopped: Stopped) -> StoppedOut:
    return StoppedOut(
        minutes=stopped.minutes,
        entry=booked_out(stopped.booked) if stopped.booked else None,
        unplaced=_unplaced(stopped.unplaced) if stopped.unplaced else None,
        refused=_refused(stopped),
    )


def _refused(stopped: Stopped) -> RefusedOut | None:
    if stopped.refusal is None or stopped.unplaced is None:
        return None
    exceeded = stopped.refusal if isinstance(stopped.refusal, BudgetExceeded) else None
    ways = exceeded.options if exceeded else []
    return RefusedOut(
        code=stopped.refusal.code,
        message=stopped.unplaced.refused,
        left_minutes=exceeded.left if exceeded else None,
        options=[WayOnOut(action=way.action, kind=way.kind, minutes=way.minutes) for way in ways],
    )


@api.get("/timer", Permission.SEE_INTERNAL)
def get_timer(call: Call) -> RunningOut:
    """The timer of whoever asks; null where none runs."""
    running = timers.running(call.session, call.actor)
    return RunningOut(timer=TimerOut(**_timer(call, running.timer)) if running else None)


@api.post("/timer", Permission.LOG_TIME)
def start_timer(call: Call, body: TimerIn) -> StartedOut:
    """Start it. One that runs already answers 409 `guard` with `rule: timer_running`, an empty budget 409 `budget_exceeded`."""
    started = service.start(call.session, call.actor, StartOrder(**body.model_dump()), now=call.now)
    stopped = _stopped(started.stopped) if started.stopped else None
    return StartedOut(**_timer(call, started.timer), stopped=stopped)


@api.patch("/timer", Permission.LOG_TIME)
def edit_timer(call: Call, body: TimerEdit) -> TimerOut:
    """Change what it says of the work, or when it began."""
    values = _said(body, may_be_null=("activity", "known_issue_id", "ps_kind"))
    timer = service.edit(call.session, call.actor, TimerChange(values, call.version), now=call.now)
    return TimerOut(**_timer(call, timer))


@api.delete("/timer", Permission.LOG_TIME)
def discard_timer(call: Call) -> None:
    """Throw away what it measured."""
    service.discard(call.session, call.actor, now=call.now)


@api.post("/timer/stop", Permission.LOG_TIME, status=200)
def stop_timer(call: Call, body: StopIn) -> StoppedOut:
    """Stop it and book the minutes as a draft. What cannot be booked is kept as unplaced time, with the refusal beside it."""
    minutes = read_minutes(body.minutes, body.duration)
    return _stopped(service.stop(call.session, call.actor, minutes, split=body.split, now=call.now))


@api.get("/unplaced-time", Permission.SEE_INTERNAL)
def list_unplaced_time(call: Call, query: UnplacedQuery) -> Listing[UnplacedOut]:
    """What waits for a place: one's own, for managers everybody's on their engagements. The oldest first."""
    rows = timers.waiting(
        call.session,
        call.actor,
        person_id=query.person_id,
        engagement_id=query.engagement_id,
        after=id_cursor(query.cursor),
        limit=query.limit + 1,
    )
    items = [_unplaced(row.time) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/unplaced-time/<uuid:unplaced_id>/place", Permission.LOG_TIME)
def place_unplaced_time(call: Call, unplaced_id: UUID, body: PlaceIn) -> TimeEntryOut:
    """Book it for whoever worked it; what is not sent stays as the timer said it. Answers the entry."""
    minutes = read_minutes(body.minutes, body.duration)
    values = _said(body, may_be_null=("activity", "known_issue_id", "ps_kind"))
    values = {name: value for name, value in values.items() if name not in ("minutes", "duration", "split")}
    if minutes is not None:
        values["minutes"] = minutes
    booked = unplaced_service.place(call.session, call.actor, unplaced_id, values, split=body.split, now=call.now)
    return booked_out(booked)


@api.post("/unplaced-time/<uuid:unplaced_id>/discard", Permission.LOG_TIME, status=200)
def discard_unplaced_time(call: Call, unplaced_id: UUID, body: ReasonIn) -> UnplacedOut:
    """Let it go, with a reason."""
    return _unplaced(unplaced_service.discard(call.session, call.actor, unplaced_id, body.reason, now=call.now))


def _said(body: In, may_be_null: Sequence[str]) -> dict[str, Any]:
    """What was sent; null where it cannot be null says nothing."""
    said = body.model_dump(exclude_unset=True)
    return {name: value for name, value in said.items() if value is not None or name in may_be_null}
