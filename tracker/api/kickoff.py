"""What was said at the kick-off, and who was there."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Actor, Permission
from tracker.domain.kickoff import MOST_ATTENDEES, NAME_LENGTH, NOTES_LENGTH, Attendee
from tracker.services import kickoff as service
from tracker.services.kickoff import KickoffChange
from tracker.store import engagement as engagements
from tracker.store import kickoff as kickoffs
from tracker.store.kickoff import KickoffRecord

api = Api("kickoff")


class AttendeeIn(In):
    name: str = Field(max_length=NAME_LENGTH)
    side: Literal["customer", "team"]
    role: str | None = Field(None, max_length=NAME_LENGTH)


class AttendeeOut(Out):
    name: str
    side: str
    role: str | None


class KickoffPatch(In):
    held_on: date | None = None
    notes: str | None = Field(None, max_length=NOTES_LENGTH, description="Both sides read these.")
    internal_notes: str | None = Field(None, max_length=NOTES_LENGTH, description="The team's own.")
    attendees: list[AttendeeIn] | None = Field(None, max_length=MOST_ATTENDEES)


class KickoffOut(Out):
    id: UUID | None = Field(description="null as long as nothing was recorded")
    engagement_id: UUID
    version: int
    held_on: date | None
    notes: str
    internal_notes: str | None = Field(description="null for whoever is not of the team")
    attendees: list[AttendeeOut]
    recorded_at: datetime | None


def kickoff_out(actor: Actor, engagement_id: UUID, record: KickoffRecord | None) -> KickoffOut:
    internal = (record.internal_notes if record else "") if actor.may(Permission.SEE_INTERNAL) else None
    return KickoffOut(
        id=record.id if record else None,
        engagement_id=engagement_id,
        version=record.version if record else 0,
        held_on=record.held_on if record else None,
        notes=record.notes if record else "",
        internal_notes=internal,
        attendees=[AttendeeOut(name=each.name, side=each.side, role=each.role) for each in record.present] if record else [],
        recorded_at=record.recorded_at if record else None,
    )


@api.get("/engagements/<uuid:engagement_id>/kickoff", Permission.SEE_ENGAGEMENTS)
def get_kickoff(call: Call, engagement_id: UUID) -> KickoffOut:
    """The record of the kick-off; version 0 and empty as long as nothing was recorded."""
    engagements.get(call.session, call.actor, engagement_id)
    return kickoff_out(call.actor, engagement_id, kickoffs.of_engagement(call.session, call.actor, engagement_id))


@api.patch("/engagements/<uuid:engagement_id>/kickoff", Permission.WORK_ON_SITES)
def record_kickoff(call: Call, engagement_id: UUID, body: KickoffPatch) -> KickoffOut:
    """Record the kick-off, or correct its record. The list of attendees is replaced as a whole."""
    values: dict[str, object] = {name: getattr(body, name) for name in body.model_fields_set}
    if "attendees" in values:
        values["attendees"] = [Attendee(each.name, each.side, each.role) for each in body.attendees or []]
    change = KickoffChange(values, call.version)
    record = service.record_kickoff(call.session, call.actor, engagement_id, change, now=call.now)
    return kickoff_out(call.actor, engagement_id, record)
