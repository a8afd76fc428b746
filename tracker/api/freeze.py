"""Code and content freezes of sites."""

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, page_of
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.domain.freeze import FreezeAnswer, FreezeKind
from tracker.services import freeze as service
from tracker.services.freeze import FreezeChange, FreezeSpec
from tracker.store import freeze as freezes
from tracker.store.freeze import FreezeRow

api = Api("freeze")
REASON = "Why the date moves; the customer reads it."
OVERRIDE = "Why a freeze that is on changes; kept as an exception."


class OverrideOut(Out):
    id: UUID
    what: str
    reason: str
    until: datetime | None
    by: UUID
    at: datetime


class FreezeOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    site_id: UUID
    kind: str
    state: str = Field(description="planned, running or ended: derived from its dates.")
    deadline_id: UUID
    starts_at: datetime
    ends_at: datetime | None = Field(description="Null: it holds to the launch, a content freeze to the verified cutover.")
    ended_at: datetime | None
    answer: str | None
    answered_by: UUID | None
    answered_at: datetime | None
    overrides: list[OverrideOut]


class FreezeIn(In):
    kind: FreezeKind
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    reason: str | None = Field(None, max_length=500, description=REASON)
    override_reason: str | None = Field(None, max_length=500, description=OVERRIDE)


class FreezePatch(In):
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    reason: str | None = Field(None, max_length=500, description=REASON)
    override_reason: str | None = Field(None, max_length=500, description=OVERRIDE)


class AnswerIn(In):
    answer: FreezeAnswer
    reason: str | None = Field(None, max_length=500, description="Needed where another answer was given before.")


class OverrideIn(In):
    what: str = Field(max_length=500, description="What may change in spite of the freeze.")
    reason: str = Field(max_length=500)
    until: AwareDatetime | None = None


def freeze_out(row: FreezeRow, now: datetime) -> FreezeOut:
    freeze = row.freeze
    names = ("id", "engagement_id", "version", "site_id", "kind", "deadline_id", "ends_at", "ended_at")
    return FreezeOut(
        **{name: getattr(freeze, name) for name in (*names, "answer", "answered_by", "answered_at")},
        state=row.state(now),
        starts_at=row.starts_at,
        overrides=[
            OverrideOut(**{name: getattr(each, name) for name in OverrideOut.model_fields}) for each, _name in row.overrides
        ],
    )


@api.get("/sites/<uuid:site_id>/freezes", Permission.SEE_ENGAGEMENTS)
def list_freezes(call: Call, site_id: UUID, query: PageQuery) -> Listing[FreezeOut]:
    """The freezes of a site, in order."""
    items = [freeze_out(row, call.now) for row in freezes.of_site(call.session, site_id)]
    return page_of(items, query, lambda item: item.id)


@api.post("/sites/<uuid:site_id>/freezes", Permission.EDIT_ENGAGEMENT)
def schedule_freeze(call: Call, site_id: UUID, body: FreezeIn) -> FreezeOut:
    """Say when a freeze begins and ends. Its start is the site's date of that kind, which is made or moved."""
    spec = FreezeSpec(**{name: getattr(body, name) for name in FreezeIn.model_fields})
    return freeze_out(service.schedule(call.session, call.actor, site_id, spec, now=call.now), call.now)


@api.get("/freezes/<uuid:freeze_id>", Permission.SEE_ENGAGEMENTS)
def get_freeze(call: Call, freeze_id: UUID) -> FreezeOut:
    """One freeze."""
    return freeze_out(freezes.get(call.session, call.actor, freeze_id), call.now)


@api.patch("/freezes/<uuid:freeze_id>", Permission.EDIT_ENGAGEMENT)
def change_freeze(call: Call, freeze_id: UUID, body: FreezePatch) -> FreezeOut:
    """Move its start or end. One that is on moves its start or ends early only with `override_reason`."""
    said = frozenset(body.model_fields_set)
    if "starts_at" in said and body.starts_at is None:
        raise Invalid.at("starts_at", "A freeze begins at some time.")
    change = FreezeChange(call.version, said, **{name: getattr(body, name) for name in FreezePatch.model_fields})
    return freeze_out(service.change_freeze(call.session, call.actor, freeze_id, change, now=call.now), call.now)


@api.post("/freezes/<uuid:freeze_id>/acknowledge", Permission.SIGN, status=200)
def acknowledge_freeze(call: Call, freeze_id: UUID, body: AnswerIn) -> FreezeOut:
    """Answer it by name as an approver: freeze, or accept responsibility for what changes meanwhile."""
    row = service.acknowledge(call.session, call.actor, freeze_id, body.answer, reason=body.reason, now=call.now)
    return freeze_out(row, call.now)


@api.post("/freezes/<uuid:freeze_id>/override", Permission.EDIT_ENGAGEMENT)
def override_freeze(call: Call, freeze_id: UUID, body: OverrideIn) -> OverrideOut:
    """Make an exception, with what may change, why, and until when. It is never changed or taken back."""
    made = service.override(call.session, call.actor, freeze_id, body.what, body.reason, body.until, now=call.now)
    return OverrideOut(**{name: getattr(made, name) for name in OverrideOut.model_fields})
