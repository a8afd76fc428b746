"""The scope of sites and engagements."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import LONGEST_PAGE, Api, Call, In, Listing, Out, PageQuery, page_of
from tracker.domain.access import Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.scope import about
from tracker.services import scope as service
from tracker.services.scope import ItemChange, OwnItem
from tracker.services.scoping import catalogue_of
from tracker.store import engagement as engagements
from tracker.store import scope as scopes
from tracker.store import site as sites
from tracker.store.scope import ScopeItem

api = Api("scope")


class ScopeItemIn(In):
    title: str = Field(max_length=500)
    decision: str = Field(description="included, premium, ps, out_of_scope, undecided, not_applicable")
    reason: str = Field(max_length=2000)
    clause: str = Field("", max_length=500)
    site_id: UUID | None = None
    due_before: str = Field("uat", description="uat or launch: by when it is done, waived or found not needed")


class ScopeItemPatch(In):
    decision: str | None = None
    reason: str | None = Field(None, description="Why: of the decision, or of the work state that it comes with.")
    clause: str | None = None
    work_state: str | None = None
    work_reason: str | None = Field(None, description="Why it is waived or not needed, if `reason` is the decision's.")
    evidence: str | None = None
    proposed_decision: str | None = Field(None, description="What an engineer would decide; null takes it back or declines it.")
    proposed_reason: str | None = None
    by_rule: bool | None = Field(None, description="true lets the rules decide again.")


class ScopeItemOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID | None
    version: int
    item: str
    title: str
    category: str
    decision: str
    clause: str
    source: str
    reason: str
    route: str | None
    by_rule: bool
    decided_by: UUID | None
    decided_at: datetime
    proposed_decision: str | None
    proposed_reason: str | None
    proposed_by: UUID | None
    due_before: str
    work_state: str
    work_reason: str | None
    evidence: str
    verification: list[str]
    limits: list[str]


class ScopeQuery(PageQuery):
    limit: int = Field(LONGEST_PAGE, ge=1, le=LONGEST_PAGE)


def item_out(item: ScopeItem, catalogue: Catalogue, *, staff: bool) -> ScopeItemOut:
    """One item. What an engineer proposes is the team's own until it is decided."""
    known = about(catalogue, item.item)
    extra = {"verification": list(known.verification), "limits": list(known.limits)}
    shown = {name: getattr(item, name) for name in ScopeItemOut.model_fields if name not in extra}
    hidden = {} if staff else {"proposed_decision": None, "proposed_reason": None, "proposed_by": None}
    return ScopeItemOut(**shown | extra | hidden)


def _listed(call: Call, items: Sequence[ScopeItem], engagement_id: UUID, query: PageQuery) -> Listing[ScopeItemOut]:
    catalogue = catalogue_of(call.session, engagement_id)
    shown = [item_out(item, catalogue, staff=call.actor.is_staff) for item in items]
    return page_of(shown, query, lambda item: item.id)


def _one(call: Call, item: ScopeItem) -> ScopeItemOut:
    return item_out(item, catalogue_of(call.session, item.engagement_id), staff=call.actor.is_staff)


@api.get("/sites/<uuid:site_id>/scope", Permission.SEE_ENGAGEMENTS)
def list_site_scope(call: Call, site_id: UUID, query: ScopeQuery) -> Listing[ScopeItemOut]:
    """The scope of a site: its own items, then those of the whole engagement, whose `site_id` is null."""
    site = sites.get(call.session, call.actor, site_id)
    return _listed(call, scopes.around_site(call.session, site.engagement_id, site.id), site.engagement_id, query)


@api.get("/engagements/<uuid:engagement_id>/scope-items", Permission.SEE_ENGAGEMENTS)
def list_engagement_scope(call: Call, engagement_id: UUID, query: ScopeQuery) -> Listing[ScopeItemOut]:
    """What belongs to the whole engagement: what is included once, and everything that is out of scope, with the way on."""
    engagement = engagements.get(call.session, call.actor, engagement_id)
    return _listed(call, scopes.of_engagement(call.session, engagement.id), engagement.id, query)


@api.post("/engagements/<uuid:engagement_id>/scope-items", Permission.EDIT_ENGAGEMENT)
def add_scope_item(call: Call, engagement_id: UUID, body: ScopeItemIn) -> ScopeItemOut:
    """Add an item that is not in the catalogue, such as a change to S3 that PS hours pay for."""
    own = OwnItem(**body.model_dump())
    return _one(call, service.add_item(call.session, call.actor, engagement_id, own, now=call.now))


@api.get("/scope-items/<uuid:scope_item_id>", Permission.SEE_ENGAGEMENTS)
def get_scope_item(call: Call, scope_item_id: UUID) -> ScopeItemOut:
    """One item of a scope."""
    return _one(call, scopes.get(call.session, call.actor, scope_item_id)[0])


@api.patch("/scope-items/<uuid:scope_item_id>", Permission.WORK_ON_SITES)
def change_scope_item(call: Call, scope_item_id: UUID, body: ScopeItemPatch) -> ScopeItemOut:
    """Decide an item or note the work on it. Managers decide, with a reason; engineers propose.

    `done` needs evidence where the catalogue asks for proof; `waived` and `not_needed` need a reason.
    """
    change = ItemChange({name: getattr(body, name) for name in body.model_fields_set}, call.version)
    return _one(call, service.change_item(call.session, call.actor, scope_item_id, change, now=call.now))
