"""The dates of an engagement."""

from dataclasses import asdict
from datetime import date, datetime
from uuid import UUID

from pydantic import AwareDatetime, Field

from tracker.api.operation import LONGEST_PAGE, Api, Call, In, Listing, Out, PageQuery, Query, id_cursor
from tracker.domain.access import Permission
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Invalid
from tracker.services import deadline as service
from tracker.services import rescheduling
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.rescheduling import Effect
from tracker.store import deadline as deadlines
from tracker.store.deadline import Deadline

api = Api("deadline")


class DeadlineIn(In):
    kind: DeadlineKind
    site_id: UUID | None = None
    title: str | None = Field(None, max_length=200)
    due_on: date | None = None
    due_at: AwareDatetime | None = None
    opens_on: date | None = Field(None, description="First day of a UAT window; its end follows from the agreement.")
    reason: str | None = Field(None, max_length=500)
    owner_id: UUID | None = None
    override_reason: str | None = Field(None, max_length=500, description="Why a freeze that is on begins at another time.")


class DeadlinePatch(In):
    due_on: date | None = None
    due_at: AwareDatetime | None = None
    opens_on: date | None = None
    reason: str | None = Field(None, max_length=500)
    done_at: AwareDatetime | None = Field(None, description="When it was done, at the latest now; null opens it again.")
    override_reason: str | None = Field(None, max_length=500, description="Why a freeze that is on begins at another time.")


class DeadlineOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    kind: str
    title: str
    site_id: UUID | None
    due_on: date | None
    due_at: datetime | None
    opens_on: date | None
    source: str
    anchor: str | None
    offset_days: int | None
    reason: str | None
    owner_id: UUID | None
    done_at: datetime | None


class NoticeLineOut(Out):
    key: str
    kind: str
    headline: str
    due_at: datetime
    channel: str | None


class MovedDateOut(Out):
    title: str
    site: str | None
    old: date
    new: date


class EffectOut(Out):
    moved: list[MovedDateOut] = Field(description="Dates that move, this one and those that follow from it.")
    called_off: list[NoticeLineOut] = Field(description="Notices that are not sent yet and would not be.")
    planned: list[NoticeLineOut] = Field(description="Notices that would be planned anew.")
    told: list[NoticeLineOut] = Field(description="Notices of these dates that were told already, and stay told.")


class DeadlineChangedOut(DeadlineOut):
    effect: EffectOut | None = Field(description="With dry_run: what the change would do. The date is shown as it stands.")


class DryRunQuery(Query):
    dry_run: bool = False


class DeadlineQuery(PageQuery):
    limit: int = Field(LONGEST_PAGE, ge=1, le=LONGEST_PAGE)


def deadline_out(deadline: Deadline) -> DeadlineOut:
    return DeadlineOut(**{name: getattr(deadline, name) for name in DeadlineOut.model_fields})


@api.get("/engagements/<uuid:engagement_id>/deadlines", Permission.SEE_ENGAGEMENTS)
def list_deadlines(call: Call, engagement_id: UUID, query: DeadlineQuery) -> Listing[DeadlineOut]:
    """The dates of an engagement and its sites, in order."""
    after = deadlines.get(call.session, call.actor, cursor) if (cursor := id_cursor(query.cursor)) else None
    rows = deadlines.page(call.session, engagement_id, after=after, limit=query.limit + 1)
    items = [deadline_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/deadlines", Permission.EDIT_ENGAGEMENT)
def set_deadline(call: Call, engagement_id: UUID, body: DeadlineIn) -> DeadlineOut:
    """Enter a date. It posts nothing by itself; reminders are planned from it, and other dates may follow."""
    spec = DateSpec(
        kind=body.kind,
        dates=Dates(body.due_on, body.due_at, body.opens_on),
        site_id=body.site_id,
        title=body.title,
        reason=body.reason,
        owner_id=body.owner_id,
        override_reason=body.override_reason,
    )
    return deadline_out(service.set_date(call.session, call.actor, engagement_id, spec, now=call.now))


@api.get("/deadlines/<uuid:deadline_id>", Permission.SEE_ENGAGEMENTS)
def get_deadline(call: Call, deadline_id: UUID) -> DeadlineOut:
    """One date."""
    return deadline_out(deadlines.get(call.session, call.actor, deadline_id))


@api.patch("/deadlines/<uuid:deadline_id>", Permission.SEE_ENGAGEMENTS)
def change_deadline(call: Call, deadline_id: UUID, query: DryRunQuery, body: DeadlinePatch) -> DeadlineChangedOut:
    """Move a date, with a reason, or mark it done. Managers move dates; an approver may finish what was the customer's.

    With `dry_run` nothing is kept: the answer says what would be called off, planned anew, and what was told already.
    """
    named = body.model_fields_set
    moved = bool(named & {"due_on", "due_at", "opens_on"})
    if moved and body.due_on is None and body.due_at is None and body.opens_on is None:
        raise Invalid.at("due_on", "A date cannot be emptied; mark it done instead.")
    change = DateChange(
        version=call.version,
        dates=Dates(body.due_on, body.due_at, body.opens_on) if moved else None,
        reason=body.reason,
        done_at=body.done_at,
        open_again="done_at" in named and body.done_at is None,
        override_reason=body.override_reason,
    )
    if query.dry_run:
        effect = rescheduling.effect_of(call.session, call.actor, deadline_id, change, now=call.now)
        return _changed_out(deadlines.get(call.session, call.actor, deadline_id), effect_out(effect))
    return _changed_out(service.change_date(call.session, call.actor, deadline_id, change, now=call.now), None)


def _changed_out(deadline: Deadline, effect: EffectOut | None) -> DeadlineChangedOut:
    return DeadlineChangedOut(**deadline_out(deadline).model_dump(), effect=effect)


def effect_out(effect: Effect) -> EffectOut:
    return EffectOut.model_validate(asdict(effect))
