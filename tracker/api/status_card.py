"""Status cards: how an engagement stands, in its channels."""

from uuid import UUID

from tracker.api.notice import NoticeOut, notice_out
from tracker.api.operation import Api, Call, Listing
from tracker.domain.access import Permission
from tracker.services import status_card as service

api = Api("status_card")


@api.post("/engagements/<uuid:engagement_id>/status-card", Permission.EDIT_ENGAGEMENT)
def post_status_card(call: Call, engagement_id: UUID) -> Listing[NoticeOut]:
    """Post a status card into each channel of the engagement, once; one that is there is brought up to date."""
    posted = service.post_status_card(call.session, call.actor, engagement_id, now=call.now)
    return Listing(items=[notice_out(notice) for notice in posted], next_cursor=None)
