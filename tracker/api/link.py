"""Links of an engagement to what is kept elsewhere."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, page_of
from tracker.domain.access import Permission
from tracker.domain.link import TITLE_LENGTH, URL_LENGTH, LinkKind
from tracker.domain.notice import Audience
from tracker.services import link as service
from tracker.services.link import LinkSpec
from tracker.store import engagement as engagements
from tracker.store import link as links
from tracker.store.link import EngagementLink

api = Api("link")


class LinkIn(In):
    kind: LinkKind
    title: str = Field(max_length=TITLE_LENGTH)
    url: str = Field(max_length=URL_LENGTH, description="http or https, without credentials.")
    audience: Audience = Field(Audience.CUSTOMER, description="customer (both sides see it) or internal (the team).")
    site_id: UUID | None = None


class LinkOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    site_id: UUID | None
    kind: str
    title: str
    url: str
    audience: str
    added_at: datetime


def link_out(link: EngagementLink) -> LinkOut:
    return LinkOut(**{name: getattr(link, name) for name in LinkOut.model_fields})


@api.get("/engagements/<uuid:engagement_id>/links", Permission.SEE_ENGAGEMENTS)
def list_links(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[LinkOut]:
    """The links, in the order they were added. A customer sees those for both sides."""
    engagements.get(call.session, call.actor, engagement_id)
    rows = [link_out(link) for link in links.of_engagement(call.session, call.actor, engagement_id)]
    return page_of(rows, query, lambda link: link.id)


@api.post("/engagements/<uuid:engagement_id>/links", Permission.ANSWER)
def add_link(call: Call, engagement_id: UUID, body: LinkIn) -> LinkOut:
    """Add a link. What a customer adds, both sides see."""
    spec = LinkSpec(body.kind, body.title, body.url, body.audience, body.site_id)
    return link_out(service.add_link(call.session, call.actor, engagement_id, spec, now=call.now))


@api.delete("/links/<uuid:link_id>", Permission.ANSWER)
def remove_link(call: Call, link_id: UUID) -> None:
    """Remove a link. The team removes any, a customer what they added themselves."""
    service.remove_link(call.session, call.actor, link_id, now=call.now)
