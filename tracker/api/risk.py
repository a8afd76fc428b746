"""Risks of an engagement. Customers never see internal ones."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import LONGEST_PAGE, Api, Call, In, Listing, Out, PageQuery, id_cursor
from tracker.domain.access import Permission
from tracker.services import risk as service
from tracker.services.risk import RiskChange, RiskSpec
from tracker.store import risk as risks
from tracker.store.risk import Risk

api = Api("risk")


class RiskIn(In):
    title: str = Field(max_length=500)
    mitigation: str = Field(max_length=4000)
    severity: str = Field("warns", description="blocks, warns or note")
    audience: str = Field("internal", description="customer or internal")
    site_id: UUID | None = None
    owner_id: UUID | None = None
    due_on: date | None = None


class RiskPatch(In):
    title: str | None = None
    mitigation: str | None = None
    severity: str | None = None
    audience: str | None = None
    owner_id: UUID | None = None
    due_on: date | None = None
    state: str | None = Field(None, description="open, or closed with its outcome")
    outcome: str | None = None


class RiskOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID | None
    version: int
    title: str
    severity: str
    mitigation: str
    audience: str
    owner_id: UUID | None
    due_on: date | None
    state: str
    outcome: str | None
    raised_by: UUID | None
    raised_at: datetime
    closed_at: datetime | None


class RiskQuery(PageQuery):
    limit: int = Field(LONGEST_PAGE, ge=1, le=LONGEST_PAGE)


def risk_out(risk: Risk) -> RiskOut:
    return RiskOut(**{name: getattr(risk, name) for name in RiskOut.model_fields})


@api.get("/engagements/<uuid:engagement_id>/risks", Permission.SEE_ENGAGEMENTS)
def list_risks(call: Call, engagement_id: UUID, query: RiskQuery) -> Listing[RiskOut]:
    """The risks of an engagement, in the order in which they were raised; for customers those that are for them."""
    rows = risks.page(call.session, engagement_id, call.actor, after=id_cursor(query.cursor), limit=query.limit + 1)
    items = [risk_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/risks", Permission.WORK_ON_SITES)
def raise_risk(call: Call, engagement_id: UUID, body: RiskIn) -> RiskOut:
    """Note something that may move a date or cost hours."""
    return risk_out(service.raise_risk(call.session, call.actor, engagement_id, RiskSpec(**body.model_dump()), now=call.now))


@api.get("/risks/<uuid:risk_id>", Permission.SEE_ENGAGEMENTS)
def get_risk(call: Call, risk_id: UUID) -> RiskOut:
    """One risk."""
    return risk_out(risks.get(call.session, call.actor, risk_id)[0])


@api.patch("/risks/<uuid:risk_id>", Permission.WORK_ON_SITES)
def change_risk(call: Call, risk_id: UUID, body: RiskPatch) -> RiskOut:
    """Change a risk, close it with its outcome, or open it again."""
    change = RiskChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return risk_out(service.change_risk(call.session, call.actor, risk_id, change, now=call.now))
