"""Arrange who covers for somebody who is away, and end it early. What the cover is told by, reminders follow."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import STAFF, Actor, Permission
from tracker.domain.cover import Absence
from tracker.domain.errors import Guard, Invalid, NotAllowed
from tracker.domain.text import TextError, read_line
from tracker.domain.workday import Calendar
from tracker.services.planning import replan
from tracker.store import audit
from tracker.store import cover as covers
from tracker.store import deadline as deadlines
from tracker.store import person as people
from tracker.store.cover import Cover
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.person import Person

NOTE_LENGTH = 200
# Keeps other edits waiting, but not those who only refer to the row.
AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class CoverSpec:
    """Who covers, on which days, and what colleagues should know about it."""

    cover_id: UUID
    from_on: date
    until_on: date
    note: str = ""


def arrange(session: AnySession, actor: Actor, person_id: UUID, spec: CoverSpec, *, now: datetime) -> Cover:
    """Let somebody of the staff see and do what the absent person does, while they are away.

    For oneself, or as an administrator for anybody. Raises NotAllowed, NotFound, and Invalid at the field: for days that
    cannot be, for a second cover on the same day, and for somebody who is away or covered for then as well.
    """
    actor.must(Permission.ARRANGE_COVER)
    if actor.only_engagement_id is not None:
        raise NotAllowed("This token is for one engagement only.")
    if person_id != actor.person_id:
        actor.must(Permission.MANAGE_PEOPLE)
    person, stand_in = _held(session, person_id, spec.cover_id)
    absence, calendar = Absence(spec.from_on, spec.until_on), Calendar(person.time_zone)
    absence.check(calendar.local_date(now))
    starts_at, ends_at = absence.span(calendar)
    _check_free(session, person, stand_in, starts_at, ends_at)
    cover = Cover(
        person_id=person.id,
        cover_id=stand_in.id,
        from_on=spec.from_on,
        until_on=spec.until_on,
        starts_at=starts_at,
        ends_at=ends_at,
        note=_read_note(spec.note),
        made_by=actor.person_id,
        made_at=now,
    )
    session.add(cover)
    session.flush()
    said = {"person": person.name, "cover": stand_in.name, "from_on": spec.from_on, "until_on": spec.until_on}
    audit.record(session, actor, None, "cover.arranged", ("cover", cover.id), said)
    _tell(session, person.id, now)
    return cover


def _held(session: AnySession, person_id: UUID, cover_id: UUID) -> tuple[Person, Person]:
    """Both people, held in the order of their ids: two covers for one person are decided one after the other."""
    person = people.staff_member(session, person_id)
    stand_in = session.get(Person, cover_id)
    if person.id == cover_id:
        raise Invalid.at("cover", "Choose a colleague.")
    if stand_in is None or stand_in.role not in STAFF:
        raise Invalid.at("cover", "Only active members of the staff cover for each other.")
    for each in sorted((person, stand_in), key=lambda one: one.id):
        session.refresh(each, with_for_update=AGAINST_EDITS)
    if stand_in.deactivated_at is not None:
        raise Invalid.at("cover", "Only active members of the staff cover for each other.")
    return person, stand_in


def _check_free(session: AnySession, person: Person, stand_in: Person, starts_at: datetime, ends_at: datetime) -> None:
    """No second cover for a person on the same day, and no chain of covers: whom one asks is there."""
    if found := covers.crossing(session, starts_at, ends_at, Cover.person_id == person.id):
        raise Invalid.at("from_on", f"{found.cover_name} covers from {_days(found.cover)} already. End that cover first.")
    if found := covers.crossing(session, starts_at, ends_at, Cover.person_id == stand_in.id):
        raise Invalid.at("cover", f"{stand_in.name} is away from {_days(found.cover)}. Choose somebody who is there.")
    if found := covers.crossing(session, starts_at, ends_at, Cover.cover_id == person.id):
        raise Invalid.at("from_on", f"{person.name} covers for {found.person_name} from {_days(found.cover)}. End that first.")


def _days(cover: Cover) -> str:
    return f"{cover.from_on:%a %-d %b} to {cover.until_on:%a %-d %b %Y}"


def _read_note(text: str) -> str:
    try:
        return read_line(text, NOTE_LENGTH)
    except TextError as error:
        raise Invalid.at("note", error.message) from None


def end(session: AnySession, actor: Actor, cover_id: UUID, *, now: datetime) -> Cover:
    """End a cover at once, also one that has not begun. Raises NotFound, and Guard where it is over already."""
    cover = covers.get(session, actor, cover_id)
    actor.must(Permission.ARRANGE_COVER)
    session.refresh(cover, with_for_update=AGAINST_EDITS)
    if cover.ended_at is not None or cover.ends_at <= now:
        raise Guard("This cover is over already.", rule="cover_over")
    cover.ended_at = now
    session.flush()
    audit.record(session, actor, None, "cover.ended", ("cover", cover.id), {"until_on": cover.until_on})
    _tell(session, cover.person_id, now)
    return cover


def _tell(session: AnySession, person_id: UUID, now: datetime) -> None:
    """Reminders that are planned mention whoever is there when they go out."""
    for engagement_id in deadlines.engagements_owned_by(session, person_id):
        replan(session, session.get_one(Engagement, engagement_id), now=now)
