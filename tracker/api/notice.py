"""Notices: what was told, what will be, and what is stuck."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, Listing, Out, PageQuery, one_of
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.domain.notice import STUCK, NoticeState
from tracker.services import delivery as service
from tracker.store import notice as notices
from tracker.store.notice import OutboxNotice

api = Api("notice")


class NoticeOut(Out):
    id: UUID
    engagement_id: UUID
    key: str
    kind: str
    audience: str
    road: str = Field(description="slack, or mail: then `channel` is an address.")
    channel: str | None
    headline: str
    state: str
    reason: str | None
    due_at: datetime
    attempts: int
    last_error: str | None
    slack_ts: str | None
    repeats: int


class NoticeQuery(PageQuery):
    state: str | None = Field(None, max_length=20)


def notice_out(notice: OutboxNotice) -> NoticeOut:
    return NoticeOut(**{name: getattr(notice, name) for name in NoticeOut.model_fields})


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    moment, _, notice_id = cursor.partition("~")
    try:
        return datetime.fromisoformat(moment), UUID(notice_id)
    except ValueError:
        raise Invalid.at("cursor", "That is not a cursor of this list.") from None


@api.get("/engagements/<uuid:engagement_id>/notices", Permission.SEE_NOTICES)
def list_notices(call: Call, engagement_id: UUID, query: NoticeQuery) -> Listing[NoticeOut]:
    """The notices of an engagement, the latest due first; with `state=stuck` those that wait for somebody or for a look."""
    rows = notices.page(
        call.session,
        call.actor,
        engagement_id=engagement_id,
        state=one_of("state", query.state, [*NoticeState, STUCK]),
        after=_after(query.cursor),
        limit=query.limit + 1,
    )
    items = [notice_out(notice) for notice, _name in rows[: query.limit]]
    more = f"{items[-1].due_at.isoformat()}~{items[-1].id}" if len(rows) > query.limit else None
    return Listing(items=items, next_cursor=more)


@api.post("/notices/<uuid:notice_id>/send-again", Permission.EDIT_ENGAGEMENT, status=200)
def send_notice_again(call: Call, notice_id: UUID) -> NoticeOut:
    """Take up a parked or dead notice once more."""
    return notice_out(service.send_again(call.session, call.actor, notice_id, now=call.now))


@api.post("/notices/<uuid:notice_id>/give-up", Permission.EDIT_ENGAGEMENT, status=200)
def give_notice_up(call: Call, notice_id: UUID) -> NoticeOut:
    """Settle a parked notice unsent, or be done with a dead one."""
    return notice_out(service.give_up(call.session, call.actor, notice_id, now=call.now))
