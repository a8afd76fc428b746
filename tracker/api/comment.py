"""The conversation on an engagement."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor
from tracker.domain.access import Permission
from tracker.domain.comment import TEXT_LENGTH
from tracker.domain.notice import Audience
from tracker.services import comment as service
from tracker.services.comment import CommentSpec
from tracker.store import comment as comments
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.comment import Comment

api = Api("comment")


class CommentIn(In):
    text: str = Field(max_length=TEXT_LENGTH)
    audience: Audience | None = Field(
        None, description="Who reads it: customer (both sides) or internal (the team). Staff name it; a customer need not."
    )
    site_id: UUID | None = None


class CommentOut(Out):
    id: UUID
    engagement_id: UUID
    site_id: UUID | None
    audience: str
    text: str | None = Field(description="null once it was withdrawn")
    author: str
    at: datetime
    withdrawn_at: datetime | None


class CommentQuery(PageQuery):
    site_id: UUID | None = Field(None, description="Only what was said about this site.")


def comment_out(comment: Comment, author: str) -> CommentOut:
    return CommentOut(
        id=comment.id,
        engagement_id=comment.engagement_id,
        site_id=comment.site_id,
        audience=comment.audience,
        text=None if comment.withdrawn_at else comment.text,
        author=author,
        at=comment.at,
        withdrawn_at=comment.withdrawn_at,
    )


@api.get("/engagements/<uuid:engagement_id>/comments", Permission.SEE_ENGAGEMENTS)
def list_comments(call: Call, engagement_id: UUID, query: CommentQuery) -> Listing[CommentOut]:
    """What was said, the newest first. What the team said among itself is not there for a customer."""
    engagements.get(call.session, call.actor, engagement_id)
    before = comments.get(call.session, call.actor, cursor).id if (cursor := id_cursor(query.cursor)) else None
    rows = comments.page(call.session, call.actor, engagement_id, site_id=query.site_id, before=before, limit=query.limit + 1)
    shown = rows[: query.limit]
    names = people.people_named(call.session, {row.author_id for row in shown})
    items = [comment_out(row, names[row.author_id]) for row in shown]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/comments", Permission.ANSWER)
def make_comment(call: Call, engagement_id: UUID, body: CommentIn) -> CommentOut:
    """Say something. The channel of those who may read it is told once."""
    spec = CommentSpec(body.text, body.audience, body.site_id)
    said = service.comment(call.session, call.actor, engagement_id, spec, now=call.now)
    return comment_out(said, call.actor.name)


@api.post("/comments/<uuid:comment_id>/withdraw", Permission.ANSWER, status=200)
def withdraw_comment(call: Call, comment_id: UUID) -> CommentOut:
    """Take back one's own words: nobody reads them any more, and a channel that was not told yet is not told."""
    said = service.withdraw(call.session, call.actor, comment_id, now=call.now)
    return comment_out(said, call.actor.name)
