"""Covers for who is away, handing over, and the team."""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field

from tracker.api.engagement import person_named
from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor, page_of
from tracker.domain.access import Permission
from tracker.services import cover as service
from tracker.services import handover as handover_service
from tracker.services.cover import CoverSpec
from tracker.services.handover import HandOver
from tracker.store import cover as covers
from tracker.store import person as people
from tracker.store import team
from tracker.store.cover import Cover

api = Api("cover")


class CoverIn(In):
    cover: str = Field(description="E-mail address or id of who covers.")
    from_on: date
    until_on: date
    note: str = ""


class CoverOut(Out):
    id: UUID
    person_id: UUID
    cover_id: UUID
    from_on: date = Field(description="The first day, from its midnight in the absent person's zone.")
    until_on: date = Field(description="The last day, this one included.")
    note: str
    made_at: datetime
    ended_at: datetime | None = Field(description="When it was ended early.")


def cover_out(cover: Cover) -> CoverOut:
    return CoverOut(**{name: getattr(cover, name) for name in CoverOut.model_fields})


@api.get("/people/<uuid:person_id>/covers", Permission.MANAGE_PEOPLE)
def list_covers(call: Call, person_id: UUID, query: PageQuery) -> Listing[CoverOut]:
    """The covers of somebody's absences, the newest first, also those that are over."""
    people.get(call.session, person_id)
    rows = covers.page(call.session, person_id, before=id_cursor(query.cursor), limit=query.limit + 1)
    items = [cover_out(row.cover) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/people/<uuid:person_id>/covers", Permission.MANAGE_PEOPLE)
def arrange_cover(call: Call, person_id: UUID, body: CoverIn) -> CoverOut:
    """Arrange who covers for somebody of the staff."""
    return _arrange(call, person_id, body)


@api.post("/covers", Permission.ARRANGE_COVER)
def arrange_own_cover(call: Call, body: CoverIn) -> CoverOut:
    """Arrange who covers for oneself."""
    assert call.actor.person_id is not None
    return _arrange(call, call.actor.person_id, body)


def _arrange(call: Call, person_id: UUID, body: CoverIn) -> CoverOut:
    stand_in = person_named(call, body.cover, "cover")
    spec = CoverSpec(stand_in.id, body.from_on, body.until_on, body.note)
    return cover_out(service.arrange(call.session, call.actor, person_id, spec, now=call.now))


@api.delete("/covers/<uuid:cover_id>", Permission.ARRANGE_COVER)
def end_cover(call: Call, cover_id: UUID) -> None:
    """End a cover at once: of one's own absence, or as an administrator anybody's."""
    service.end(call.session, call.actor, cover_id, now=call.now)


class HandOverIn(In):
    to: str = Field(description="E-mail address or id of who takes over.")
    engagement_ids: list[UUID] = Field(max_length=500)
    reason: str


class HandOverOut(Out):
    person_id: UUID
    to_id: UUID
    engagement_ids: list[UUID]


@api.post("/people/<uuid:person_id>/hand-overs", Permission.EDIT_ENGAGEMENT)
def hand_over(call: Call, person_id: UUID, body: HandOverIn) -> HandOverOut:
    """Hand engagements over with what the person owns in them: managers their own, administrators anybody's. All or none."""
    handover_service.check_may(call.actor, person_id)
    successor = person_named(call, body.to, "to")
    said = HandOver(person_id, successor.id, body.engagement_ids, body.reason)
    done = handover_service.hand_over(call.session, call.actor, said, now=call.now)
    return HandOverOut(person_id=person_id, to_id=successor.id, engagement_ids=[each.id for each in done])


class WorkloadOut(Out):
    person_id: UUID
    name: str
    role: str
    leads: int
    assigned: int
    minutes_this_week: int
    covered_by: UUID | None
    covers_for: list[UUID]


@api.get("/team", Permission.SEE_TEAM)
def list_team(call: Call, query: PageQuery) -> Listing[WorkloadOut]:
    """The active staff by name: running engagements they lead and are assigned to, minutes logged this week, covers now."""
    today = call.now.astimezone(ZoneInfo(call.actor.time_zone)).date()
    monday = today - timedelta(days=today.weekday())
    found = team.workloads(call.session, call.actor, monday=monday, sunday=monday + timedelta(days=6), now=call.now)
    items = [
        WorkloadOut(
            person_id=each.person.id,
            name=each.person.name,
            role=each.person.role,
            leads=each.leads,
            assigned=each.assigned,
            minutes_this_week=each.minutes,
            covered_by=each.away.cover.cover_id if each.away else None,
            covers_for=[row.cover.person_id for row in each.covers_for],
        )
        for each in found
    ]
    return page_of(items, query, lambda item: item.person_id)
