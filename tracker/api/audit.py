"""Who did what, when."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.api.operation import Api, Call, Listing, Out, PageQuery
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.store import audit

api = Api("audit")


class AuditOut(Out):
    seq: int
    at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: UUID | None
    payload: dict[str, Any] | None
    hash: str


@api.get("/engagements/<uuid:engagement_id>/audit", Permission.SEE_INTERNAL)
def list_audit(call: Call, engagement_id: UUID, query: PageQuery) -> Listing[AuditOut]:
    """The audit trail of an engagement, the newest first."""
    if query.cursor is not None and not (query.cursor.isascii() and query.cursor.isdecimal() and len(query.cursor) < 10):
        raise Invalid.at("cursor", "That is not a cursor of this list.")
    before = int(query.cursor) if query.cursor else None
    rows = audit.entries_of(call.session, engagement_id, before=before, limit=query.limit + 1)
    items = [
        AuditOut(
            seq=row.seq,
            at=row.at,
            actor=row.actor_name,
            action=row.action,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            payload=row.payload,
            hash=row.hash,
        )
        for row in rows[: query.limit]
    ]
    return Listing(items=items, next_cursor=str(items[-1].seq) if len(rows) > query.limit else None)
