"""Change requests: raised by anyone on the engagement, approved by each side, applied at the second approval."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Whole, one_of, page_of
from tracker.domain.access import Permission
from tracker.domain.change import KINDS
from tracker.domain.change_list import MOST_CHANGES
from tracker.domain.change_request import RequestState, waits_for
from tracker.domain.errors import Invalid
from tracker.services import change_request as service
from tracker.services.change_request import RequestEdit, RequestSpec
from tracker.store import change_request as requests
from tracker.store.change_request import ChangeRequest

api = Api("change_request")
OF_REQUEST = ("title", "reason", "estimate_minutes", "changes")


class ChangeIn(In):
    """One change. Which fields belong to which kind is said in the docs; a field of another kind answers 422."""

    kind: str = Field(description=", ".join(KINDS))
    name: str | None = None
    url: str | None = None
    cms: str | None = None
    cms_variant: str | None = None
    cms_version: str | None = None
    plan: str | None = None
    package: str | None = None
    premium_option: str | None = None
    upstream_choice: str | None = None
    network: bool | None = None
    multisite_decision: str | None = None
    site_id: UUID | None = None
    minutes: Whole | None = Field(None, description="Of a PS block: 240 or more.")
    reference: str | None = None
    purchased_on: date | None = None
    deadline_id: UUID | None = None
    due_on: date | None = None
    due_at: AwareDatetime | None = None
    opens_on: date | None = None
    item: str | None = Field(None, description="An id of the catalogue, or a title of one's own.")
    decision: str | None = None
    reason: str | None = Field(None, description="Where it is left out, the reason of the whole request holds.")


class RequestIn(ChangeIn):
    """A request; with one change its fields may stand beside title and reason, instead of in `changes`."""

    kind: str | None = Field(None, description=", ".join(KINDS))  # type: ignore[assignment]  # left out beside `changes`
    title: str = ""
    changes: list[ChangeIn] | None = Field(None, max_length=MOST_CHANGES)
    estimate_minutes: Whole | None = Field(None, description="Managers only.")


class RequestPatch(In):
    title: str | None = None
    reason: str | None = None
    changes: list[ChangeIn] | None = Field(None, max_length=MOST_CHANGES)
    estimate_minutes: Whole | None = Field(None, description="Managers only; 0 for no time at all.")


class ApprovalIn(In):
    estimate_minutes: Whole | None = Field(None, description="Managers may estimate with their approval.")


class RejectionIn(In):
    reason: str


class WithdrawalIn(In):
    note: str = ""


class StepOut(Out):
    id: UUID
    at: datetime
    by: UUID
    what: str
    note: str


class RequestOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    number: int
    title: str
    reason: str
    changes: list[dict[str, Any]]
    estimate_minutes: int | None
    state: str
    waits_for: str | None
    raised_by: UUID
    raised_at: datetime
    team_approved_by: UUID | None
    team_approved_at: datetime | None
    customer_approved_by: UUID | None
    customer_approved_at: datetime | None
    decided_by: UUID | None
    decided_at: datetime | None
    decision_reason: str | None
    applied_at: datetime | None
    requirements_version: int | None = Field(description="The version that is in force since this was applied.")


class RequestQuery(PageQuery):
    state: str | None = None


def request_out(request: ChangeRequest) -> RequestOut:
    derived = ("waits_for", "requirements_version")
    shown = {name: getattr(request, name) for name in RequestOut.model_fields if name not in derived}
    return RequestOut(
        **shown,
        waits_for=waits_for(request.state, request.estimate_minutes),
        requirements_version=request.requirements_version_after,
    )


def changes_of(body: RequestIn) -> list[dict[str, Any]]:
    """The changes as they were sent: in a list, or the one whose fields stand beside the title."""
    single = {name: getattr(body, name) for name in body.model_fields_set if name not in OF_REQUEST}
    if body.changes is None:
        return [single] if single else []
    if single:
        raise Invalid.at(min(single), "Put it into changes, or leave changes out.")
    return said(body.changes)


def said(changes: list[ChangeIn]) -> list[dict[str, Any]]:
    return [change.model_dump(exclude_unset=True) for change in changes]


@api.get("/engagements/<uuid:engagement_id>/change-requests", Permission.SEE_ENGAGEMENTS)
def list_change_requests(call: Call, engagement_id: UUID, query: RequestQuery) -> Listing[RequestOut]:
    """The change requests of an engagement, the newest first."""
    state = one_of("state", query.state, list(RequestState))
    before = int(query.cursor) if query.cursor and query.cursor.isascii() and query.cursor.isdecimal() else None
    if query.cursor is not None and (before is None or len(query.cursor) > 9):
        raise Invalid.at("cursor", "That is not a cursor of this list.")
    rows = requests.page(call.session, engagement_id, states=[state] if state else (), before=before, limit=query.limit + 1)
    items = [request_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].number) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/change-requests", Permission.ANSWER)
def raise_change_request(call: Call, engagement_id: UUID, body: RequestIn) -> RequestOut:
    """Ask for a change. A further site before the requirements are agreed answers 409 `guard`: list it instead."""
    spec = RequestSpec(changes_of(body), body.title, body.reason or "", body.estimate_minutes)
    return request_out(service.raise_request(call.session, call.actor, engagement_id, spec, now=call.now))


@api.get("/change-requests/<uuid:change_request_id>", Permission.SEE_ENGAGEMENTS)
def get_change_request(call: Call, change_request_id: UUID) -> RequestOut:
    """One change request."""
    return request_out(requests.get(call.session, call.actor, change_request_id))


@api.get("/change-requests/<uuid:change_request_id>/steps", Permission.SEE_ENGAGEMENTS)
def list_change_request_steps(call: Call, change_request_id: UUID, query: PageQuery) -> Listing[StepOut]:
    """Who did what about it, in order."""
    rows = requests.steps_of(call.session, change_request_id)
    steps = [StepOut(id=row.id, at=row.at, by=row.by, what=row.what, note=row.note) for row in rows]
    return page_of(steps, query, lambda step: step.id)


@api.patch("/change-requests/<uuid:change_request_id>", Permission.ANSWER)
def edit_change_request(call: Call, change_request_id: UUID, body: RequestPatch) -> RequestOut:
    """Change what is asked, or estimate it. Approvals that were given before are cleared."""
    values = {name: getattr(body, name) for name in body.model_fields_set}
    if body.changes is not None:
        values["changes"] = said(body.changes)
    edit = RequestEdit(values, call.version)
    return request_out(service.edit_request(call.session, call.actor, change_request_id, edit, now=call.now))


@api.post("/change-requests/<uuid:change_request_id>/approve", Permission.ANSWER, 200, edits=True)
def approve_change_request(call: Call, change_request_id: UUID, body: ApprovalIn) -> RequestOut:
    """Say yes for one's side, to the version of If-Match.

    The second yes applies it whole, or answers 409 `guard` naming the change that cannot be made, and why.

    Where the former requirements were signed, an approver's yes signs the version that comes of it.
    """
    approved = service.approve(
        call.session,
        call.actor,
        change_request_id,
        version=call.version,
        estimate_minutes=body.estimate_minutes,
        now=call.now,
    )
    return request_out(approved)


@api.post("/change-requests/<uuid:change_request_id>/reject", Permission.ANSWER, 200, edits=True)
def reject_change_request(call: Call, change_request_id: UUID, body: RejectionIn) -> RequestOut:
    """Say no for one's side, with a reason."""
    rejected = service.reject(call.session, call.actor, change_request_id, body.reason, version=call.version, now=call.now)
    return request_out(rejected)


@api.post("/change-requests/<uuid:change_request_id>/withdraw", Permission.ANSWER, 200, edits=True)
def withdraw_change_request(call: Call, change_request_id: UUID, body: WithdrawalIn) -> RequestOut:
    """Take a request back."""
    taken_back = service.withdraw(call.session, call.actor, change_request_id, body.note, version=call.version, now=call.now)
    return request_out(taken_back)
