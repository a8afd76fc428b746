"""Record what was said at the kick-off and who was there."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR
from tracker.domain.errors import EditedMeanwhile, Invalid
from tracker.domain.kickoff import NOTES_LENGTH, Attendee, checked
from tracker.domain.text import TextError, read_text
from tracker.services.planning import take
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import kickoff as kickoffs
from tracker.store.database import AnySession
from tracker.store.kickoff import KickoffRecord

FIELDS = ("held_on", "notes", "internal_notes", "attendees")


@dataclass(frozen=True)
class KickoffChange:
    """What is recorded; a field that is not named stays. `version` is 0 where nothing was recorded yet."""

    values: dict[str, object]
    version: int | None = None


def record_kickoff(
    session: AnySession, actor: Actor, engagement_id: UUID, change: KickoffChange, *, now: datetime
) -> KickoffRecord:
    """Record the kick-off, or correct its record. Raises NotFound, NotAllowed, EditedMeanwhile, and Invalid at the field."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.WORK_ON_SITES)
    values = _read(change.values)
    take(session, engagement)
    record = kickoffs.of_engagement(session, actor, engagement_id)
    if change.version is not None and change.version != (record.version if record else 0):
        raise EditedMeanwhile
    assert actor.person_id is not None
    if record is None:
        record = KickoffRecord(engagement_id=engagement_id, notes="", internal_notes="", attendees=[], version=0)
        session.add(record)
    for name, value in values.items():
        setattr(record, name, value)
    record.recorded_by, record.recorded_at, record.version = actor.person_id, now, record.version + 1
    session.flush()
    payload = {"fields": sorted(values), "held_on": record.held_on, "attendees": len(record.attendees)}
    audit.record(session, actor, engagement_id, "kickoff.recorded", ("kickoff_record", record.id), payload)
    return record


def _read(said: dict[str, object]) -> dict[str, object]:
    values = {name: value for name, value in said.items() if name in FIELDS}
    held_on = values.get("held_on")
    if isinstance(held_on, date) and not EARLIEST_YEAR <= held_on.year <= LATEST_YEAR:
        raise Invalid.at(
            "held_on", f"The year {held_on.year:04d} is not plausible. Write a year from {EARLIEST_YEAR} to {LATEST_YEAR}."
        )
    for name in ("notes", "internal_notes"):
        if name in values:
            values[name] = _text(name, values[name])
    if "attendees" in values:
        named = values["attendees"]
        assert isinstance(named, list)
        values["attendees"] = [asdict(each) for each in checked(each for each in named if isinstance(each, Attendee))]
    return values


def _text(field: str, typed: object) -> str:
    try:
        return read_text(str(typed or ""), NOTES_LENGTH)
    except TextError as error:
        raise Invalid.at(field, error.message) from None
