"""What the customer has to do."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor, one_of
from tracker.domain.access import Permission
from tracker.domain.duty import DutyState, is_overdue
from tracker.domain.errors import Invalid
from tracker.services import duty as service
from tracker.services.duty import DutyChange
from tracker.store import duty as duties
from tracker.store.duty import DutyRow

api = Api("duty")


class DutyOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    kind: str
    title: str
    site_id: UUID | None
    owner_id: UUID | None
    owner: str | None = Field(description="Null: any approver of the customer.")
    deadline_id: UUID | None
    due_on: date | None
    due_at: datetime | None
    state: str
    evidence: str
    reason: str | None = Field(description="Why it was waived.")
    done_at: datetime | None
    done_by: UUID | None
    overdue: bool


class DutyPatch(In):
    state: DutyState | None = None
    evidence: str | None = Field(None, max_length=service.EVIDENCE_LENGTH)
    owner_id: UUID | None = None
    due_on: date | None = None
    reason: str | None = Field(None, max_length=500, description="Why it is waived, or why its date moves.")
    override_reason: str | None = Field(None, max_length=500, description="Why a freeze that is on begins at another time.")


class DutyQuery(PageQuery):
    site_id: UUID | None = None
    state: str | None = Field(None, description="open, done or waived")


def duty_out(row: DutyRow, now: datetime) -> DutyOut:
    duty, deadline = row.duty, row.deadline
    names = ("id", "engagement_id", "version", "kind", "title", "site_id", "owner_id", "deadline_id", "state", "evidence")
    return DutyOut(
        **{name: getattr(duty, name) for name in (*names, "done_at", "done_by")},
        owner=row.owner,
        due_on=deadline.due_on if deadline else None,
        due_at=deadline.due_at if deadline else None,
        reason=duty.waived_reason,
        overdue=is_overdue(duty.state, row.due(), now),
    )


@api.get("/engagements/<uuid:engagement_id>/duties", Permission.SEE_ENGAGEMENTS)
def list_duties(call: Call, engagement_id: UUID, query: DutyQuery) -> Listing[DutyOut]:
    """The customer's duties for an engagement and its sites."""
    after, state = id_cursor(query.cursor), one_of("state", query.state, tuple(DutyState))
    rows = duties.page(call.session, engagement_id, site_id=query.site_id, state=state, after=after, limit=query.limit + 1)
    items = [duty_out(row, call.now) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.get("/duties/<uuid:duty_id>", Permission.SEE_ENGAGEMENTS)
def get_duty(call: Call, duty_id: UUID) -> DutyOut:
    """One duty."""
    return duty_out(duties.get(call.session, call.actor, duty_id), call.now)


@api.patch("/duties/<uuid:duty_id>", Permission.SEE_ENGAGEMENTS)
def change_duty(call: Call, duty_id: UUID, body: DutyPatch) -> DutyOut:
    """Complete a duty (an approver of the customer), or waive it, open it again, say whose it is and by when (managers)."""
    said = body.model_fields_set - {"reason", "override_reason"}
    if "state" in said and body.state is None:
        raise Invalid.at("state", "Choose one of: open, done, waived.")
    change = DutyChange(call.version, frozenset(said), **{name: getattr(body, name) for name in DutyPatch.model_fields})
    return duty_out(service.change_duty(call.session, call.actor, duty_id, change, now=call.now), call.now)
