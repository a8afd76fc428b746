"""Sites, and the steps of their migration."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor
from tracker.domain.access import Permission
from tracker.domain.fact import COLUMN_FACTS, check_columns
from tracker.domain.site import every_fact
from tracker.services import site as service
from tracker.services.site import SiteChange
from tracker.store import site as sites
from tracker.store.site import Site

api = Api("site")


class SiteIn(In):
    name: str
    url: str
    cms: str = Field(description="wordpress or drupal")
    cms_variant: str | None = None
    cms_version: str | None = None
    plan: str | None = None
    package: str = "standard"
    premium_option: str | None = None
    upstream_choice: str | None = None
    network: bool | None = None
    multisite_decision: str | None = None
    facts: dict[str, Any] = Field(default_factory=dict)


class SitePatch(In):
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
    facts: dict[str, Any] | None = None


class SiteOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    name: str
    url: str
    cms: str
    cms_variant: str | None
    cms_version: str | None
    plan: str | None
    package: str
    premium_option: str | None
    upstream_choice: str | None
    network: bool | None
    multisite_decision: str | None
    facts: dict[str, Any]
    stage: str
    listed_in_version: int | None
    created_at: datetime


class TransitionIn(In):
    to: str


def site_out(site: Site) -> SiteOut:
    """One site whole, every fact that a rule asks about included."""
    shown = {name: getattr(site, name) for name in SiteOut.model_fields if name != "facts"}
    return SiteOut(**shown, facts=facts_of(site))


def facts_of(site: Site) -> dict[str, Any]:
    """Every fact that a rule asks about, those that stand in fields of the site among them."""
    return every_fact(site.facts) | {key: getattr(site, key) for key in COLUMN_FACTS}


def _values(body: SiteIn | SitePatch) -> dict[str, Any]:
    """What was said of a site. A field may be told among the facts; told by its own name as well, that holds.

    Raises Invalid at `facts.<key>`.
    """
    named = body.model_dump(exclude_unset=isinstance(body, SitePatch))
    facts = body.facts or {}
    told = check_columns({key: value for key, value in facts.items() if key in COLUMN_FACTS})
    if told:
        named["facts"] = {key: value for key, value in facts.items() if key not in told}
    return named | {key: value for key, value in told.items() if key not in body.model_fields_set}


@api.get("/engagements/<uuid:engagement_id>/sites", Permission.SEE_ENGAGEMENTS)
def list_sites(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[SiteOut]:
    """The sites of an engagement, in the order they were listed."""
    rows = sites.page(call.session, engagement_id, after=id_cursor(query.cursor), limit=query.limit + 1)
    items = [site_out(site) for site in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/sites", Permission.EDIT_ENGAGEMENT)
def add_site(call: Call, engagement_id: UUID, body: SiteIn) -> SiteOut:
    """List a site. Once the requirements are agreed, answers 409 `unlisted_site`."""
    change = SiteChange(_values(body))
    return site_out(service.add_site(call.session, call.actor, engagement_id, change, now=call.now))


@api.get("/sites/<uuid:site_id>", Permission.SEE_ENGAGEMENTS)
def get_site(call: Call, site_id: UUID) -> SiteOut:
    """One site."""
    return site_out(sites.get(call.session, call.actor, site_id))


@api.patch("/sites/<uuid:site_id>", Permission.EDIT_ENGAGEMENT)
def edit_site(call: Call, site_id: UUID, body: SitePatch) -> SiteOut:
    """Change what is named; the rest stays. What the agreed requirements fix answers 409 `guard`."""
    change = SiteChange(_values(body), call.version)
    return site_out(service.edit_site(call.session, call.actor, site_id, change, now=call.now))


@api.post("/sites/<uuid:site_id>/transitions", Permission.EDIT_ENGAGEMENT)
def move_site(call: Call, site_id: UUID, body: TransitionIn) -> SiteOut:
    """Take one step of the migration. A step that is not open yet answers 409 `guard` with all that is missing."""
    return site_out(service.move_site(call.session, call.actor, site_id, body.to, now=call.now))
