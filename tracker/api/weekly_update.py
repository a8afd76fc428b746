"""Weekly updates of an engagement."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, id_cursor
from tracker.domain.access import Permission
from tracker.domain.weekly_update import TEXT_LENGTH
from tracker.services import weekly_update as service
from tracker.store import engagement as engagements
from tracker.store import weekly_update as updates
from tracker.store.weekly_update import WeeklyUpdate

api = Api("weekly_update")


class UpdateIn(In):
    text: str | None = Field(None, max_length=TEXT_LENGTH, description="null composes it from the facts of the week")


class UpdatePatch(In):
    text: str = Field(max_length=TEXT_LENGTH)


class UpdateOut(Out):
    id: UUID
    engagement_id: UUID
    version: int
    week_of: date
    text: str
    state: str
    created_at: datetime
    posted_at: datetime | None


def update_out(update: WeeklyUpdate) -> UpdateOut:
    return UpdateOut(**{name: getattr(update, name) for name in UpdateOut.model_fields})


@api.get("/engagements/<uuid:engagement_id>/weekly-updates", Permission.SEE_ENGAGEMENTS)
def list_updates(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[UpdateOut]:
    """The updates, the latest week first. A customer sees those that were posted."""
    engagements.get(call.session, call.actor, engagement_id)
    cursor = id_cursor(query.cursor)
    before = updates.get(call.session, call.actor, cursor).week_of if cursor else None
    rows = updates.page(call.session, call.actor, engagement_id, before=before, limit=query.limit + 1)
    items = [update_out(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.post("/engagements/<uuid:engagement_id>/weekly-updates", Permission.WORK_ON_SITES)
def compose_update(call: Call, engagement_id: UUID, body: UpdateIn) -> UpdateOut:
    """Draft this week's update, from the facts where no text is sent. One for each week."""
    return update_out(service.compose_update(call.session, call.actor, engagement_id, text=body.text, now=call.now))


@api.get("/weekly-updates/<uuid:update_id>", Permission.SEE_ENGAGEMENTS)
def get_update(call: Call, update_id: UUID) -> UpdateOut:
    """One update."""
    return update_out(updates.get(call.session, call.actor, update_id))


@api.patch("/weekly-updates/<uuid:update_id>", Permission.WORK_ON_SITES)
def edit_update(call: Call, update_id: UUID, body: UpdatePatch) -> UpdateOut:
    """Change a draft."""
    return update_out(service.edit_update(call.session, call.actor, update_id, body.text, version=call.version, now=call.now))


@api.post("/weekly-updates/<uuid:update_id>/post", Permission.EDIT_ENGAGEMENT, status=200)
def post_update(call: Call, update_id: UUID) -> UpdateOut:
    """Post a draft: the customer reads it, their channel is told once, and it is fixed."""
    return update_out(service.post_update(call.session, call.actor, update_id, now=call.now))
