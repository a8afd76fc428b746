"""Closed hours of an engagement: up to which day, who closed and opened them, and what holds a closing up."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Permission
from tracker.services import hours_lock as service
from tracker.store import engagement as engagements
from tracker.store import hours_lock as locks

api = Api("hours_lock")


class CloseIn(In):
    through: date = Field(description="The last day that is closed.")
    reason: str = ""


class OpenIn(In):
    through: date | None = Field(None, description="An earlier day up to which they stay closed; null opens all of them.")
    reason: str


class StepOut(Out):
    id: UUID
    through: date | None
    reason: str
    by: UUID | None
    by_name: str
    at: datetime


class HoursLockOut(Out):
    engagement_id: UUID
    through: date | None = Field(description="Hours up to this day are closed; null where none are.")
    history: list[StepOut] = Field(description="The newest first, 50 at most.")


def _out(call: Call, engagement_id: UUID) -> HoursLockOut:
    engagement = engagements.get(call.session, call.actor, engagement_id)
    steps = [
        StepOut(id=each.id, through=each.through, reason=each.reason, by=each.by, by_name=name, at=each.at)
        for each, name in locks.history(call.session, engagement_id)
    ]
    return HoursLockOut(engagement_id=engagement_id, through=engagement.hours_locked_through, history=steps)


@api.get("/engagements/<uuid:engagement_id>/hours-lock", Permission.SEE_INTERNAL)
def get_hours_lock(call: Call, engagement_id: UUID) -> HoursLockOut:
    """Up to which day the hours are closed, and the history of that."""
    return _out(call, engagement_id)


@api.post("/engagements/<uuid:engagement_id>/hours-lock", Permission.APPROVE_TIME, status=200)
def lock_hours(call: Call, engagement_id: UUID, body: CloseIn) -> HoursLockOut:
    """Close the hours through a day. While a draft or a submitted entry lies before it, answers 409 `undecided_hours`."""
    service.close_hours(call.session, call.actor, engagement_id, body.through, body.reason, now=call.now)
    return _out(call, engagement_id)


@api.post("/engagements/<uuid:engagement_id>/hours-unlock", Permission.APPROVE_TIME, status=200)
def unlock_hours(call: Call, engagement_id: UUID, body: OpenIn) -> HoursLockOut:
    """Open the hours again, after a day or altogether, with a reason."""
    service.open_hours(call.session, call.actor, engagement_id, body.through, body.reason, now=call.now)
    return _out(call, engagement_id)
