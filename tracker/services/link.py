"""Add links to what is kept elsewhere, and remove them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, Invalid, NotAllowed
from tracker.domain.link import MOST_LINKS, TITLE_LENGTH, LinkKind, may_remove, read_url
from tracker.domain.notice import Audience
from tracker.domain.text import TextError, read_line
from tracker.services.planning import take
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import link as links
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.link import EngagementLink


@dataclass(frozen=True)
class LinkSpec:
    """A link as somebody enters it. What a customer adds, both sides see."""

    kind: LinkKind
    title: str
    url: str
    audience: Audience = Audience.CUSTOMER
    site_id: UUID | None = None


def add_link(session: AnySession, actor: Actor, engagement_id: UUID, spec: LinkSpec, *, now: datetime) -> EngagementLink:
    """Keep a link. Raises NotFound, NotAllowed, and Invalid at `title`, `url` or `site_id`."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.ANSWER)
    if spec.audience is Audience.INTERNAL and not actor.may(Permission.SEE_INTERNAL):
        raise NotAllowed
    if spec.site_id is not None and sites.get(session, actor, spec.site_id).engagement_id != engagement_id:
        raise Invalid.at("site_id", "That site belongs to another engagement.")
    title, url = _title(spec.title), read_url(spec.url)
    # Held, so that two who add at once do not pass the limit together.
    take(session, engagement)
    if links.count_of_engagement(session, engagement_id) >= MOST_LINKS:
        raise Invalid.at("url", f"An engagement holds {MOST_LINKS} links at most. Remove one that is no longer needed.")
    assert actor.person_id is not None
    link = EngagementLink(
        engagement_id=engagement_id,
        site_id=spec.site_id,
        kind=spec.kind,
        title=title,
        url=url,
        audience=spec.audience,
        added_by=actor.person_id,
        added_at=now,
    )
    session.add(link)
    session.flush()
    payload = {"kind": spec.kind, "title": title, "url": url, "audience": spec.audience}
    audit.record(session, actor, engagement_id, "link.added", ("engagement_link", link.id), payload)
    return link


def _title(typed: str) -> str:
    try:
        title = read_line(typed, TITLE_LENGTH)
    except TextError as error:
        raise Invalid.at("title", error.message) from None
    if not title:
        raise Invalid.at("title", "Say what stands behind the link.")
    return title


def remove_link(session: AnySession, actor: Actor, link_id: UUID, *, version: int | None = None, now: datetime) -> EngagementLink:
    """Take a link off. Raises NotFound, NotAllowed, EditedMeanwhile."""
    link = links.get(session, actor, link_id)
    if not may_remove(actor, is_own=link.added_by == actor.person_id):
        raise NotAllowed("Only the team, or whoever added a link, removes it.")
    session.refresh(link, with_for_update={"key_share": True})
    if version is not None and version != link.version:
        raise EditedMeanwhile
    if link.removed_at is None:
        link.removed_at, link.version = now, link.version + 1
        session.flush()
        audit.record(session, actor, link.engagement_id, "link.removed", ("engagement_link", link.id))
    return link
