"""Say something on an engagement, and take it back. What is said is told to the channel of those who may read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.comment import CUSTOMER_KIND, INTERNAL_KIND, TEXT_LENGTH, excerpt, may_withdraw, notice_key
from tracker.domain.errors import Invalid, NotAllowed
from tracker.domain.notice import Audience, Notice
from tracker.domain.text import TextError, read_text
from tracker.services.planning import WITHDRAWN, tell
from tracker.store import audit, outbox
from tracker.store import comment as comments
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.comment import Comment
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site

USEFUL_FOR = timedelta(days=2)


@dataclass(frozen=True)
class CommentSpec:
    """What somebody says. The team names its audience; whatever a customer says, both sides read."""

    text: str
    audience: Audience | None = None
    site_id: UUID | None = None


def comment(session: AnySession, actor: Actor, engagement_id: UUID, spec: CommentSpec, *, now: datetime) -> Comment:
    """Say something. Raises NotFound, NotAllowed, and Invalid at `text`, `audience` or `site_id`."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.ANSWER)
    audience = _audience(actor, spec.audience)
    site = _site(session, actor, engagement_id, spec.site_id)
    assert actor.person_id is not None
    said = Comment(
        engagement_id=engagement_id,
        site_id=spec.site_id,
        audience=audience,
        text=_read(spec.text),
        author_id=actor.person_id,
        at=now,
    )
    session.add(said)
    session.flush()
    audit.record(
        session, actor, engagement_id, "comment.made", ("comment", said.id), {"audience": audience, "site_id": spec.site_id}
    )
    tell(session, engagement, _notice(said, actor, engagement, site, now), now=now)
    return said


def _audience(actor: Actor, asked: Audience | None) -> Audience:
    if asked is None and actor.is_staff:
        raise Invalid.at("audience", "Say who reads it: the customer too, or the team only.")
    if asked is Audience.INTERNAL and not actor.may(Permission.SEE_INTERNAL):
        raise NotAllowed
    return asked or Audience.CUSTOMER


def _site(session: AnySession, actor: Actor, engagement_id: UUID, site_id: UUID | None) -> Site | None:
    if site_id is None:
        return None
    site = sites.get(session, actor, site_id)
    if site.engagement_id != engagement_id:
        raise Invalid.at("site_id", "That site belongs to another engagement.")
    return site


def _read(typed: str) -> str:
    try:
        text = read_text(typed, TEXT_LENGTH)
    except TextError as error:
        raise Invalid.at("text", error.message) from None
    if not text:
        raise Invalid.at("text", "Write something first.")
    return text


def _notice(said: Comment, actor: Actor, engagement: Engagement, site: Site | None, now: datetime) -> Notice:
    subject = f"{site.name}, {engagement.name}" if site else engagement.name
    return Notice(
        key=notice_key(said.id),
        kind=INTERNAL_KIND if said.audience == Audience.INTERNAL else CUSTOMER_KIND,
        audience=Audience(said.audience),
        headline=f"{actor.name} wrote about {subject}",
        text=excerpt(said.text),
        facts=(),
        path=f"/engagements/{engagement.id}/comments#comment-{said.id}",
        due_at=now,
        useless_after=now + USEFUL_FOR,
        site_id=said.site_id,
    )


def withdraw(session: AnySession, actor: Actor, comment_id: UUID, *, now: datetime) -> Comment:
    """Take back one's own words; a channel that has not been told yet is not told. Raises NotFound, NotAllowed."""
    said = comments.get(session, actor, comment_id)
    actor.must(Permission.ANSWER)
    if not may_withdraw(actor, said.author_id):
        raise NotAllowed("Only whoever wrote a comment withdraws it.")
    session.refresh(said, with_for_update={"key_share": True})
    if said.withdrawn_at is None:
        said.withdrawn_at = now
        session.flush()
        audit.record(session, actor, said.engagement_id, "comment.withdrawn", ("comment", said.id))
        outbox.call_off(session, outbox.id_of(notice_key(said.id)), WITHDRAWN, now)
    return said
