"""Who will be told what and when, and why not."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, Out, Query
from tracker.domain.access import Permission
from tracker.domain.dry_run import DAYS, MOST_DAYS
from tracker.edge.roads import roads_connected
from tracker.services import dry_run as service

api = Api("dry_run")


class DryRunQuery(Query):
    days: int = Field(DAYS, ge=1, le=MOST_DAYS)


class ForeseenOut(Out):
    id: UUID
    engagement_id: UUID
    key: str
    kind: str
    headline: str
    audience: str
    road: str
    channel: str | None
    due_at: datetime
    state: str
    why_not: str | None = Field(description="Why it will not be told; null where it will.")


class DryRunOut(Out):
    items: list[ForeseenOut] = Field(description="The earliest first, at most 500.")
    more: bool = Field(description="Whether there is more than is listed.")


@api.get("/engagements/<uuid:engagement_id>/dry-run", Permission.SEE_NOTICES)
def dry_run_engagement(call: Call, engagement_id: UUID, query: DryRunQuery) -> DryRunOut:
    """What an engagement's channels will be told in the next days, and why not. Of what repeats, the next time alone."""
    return _answer(call, query, engagement_id)


@api.get("/notices/dry-run", Permission.SEE_NOTICES)
def dry_run_all(call: Call, query: DryRunQuery) -> DryRunOut:
    """The same of every engagement one may see."""
    return _answer(call, query, None)


def _answer(call: Call, query: DryRunQuery, engagement_id: UUID | None) -> DryRunOut:
    found, more = service.foresee(
        call.session, call.actor, days=query.days, engagement_id=engagement_id, roads=roads_connected(), now=call.now
    )
    items = [ForeseenOut(**{name: getattr(each, name) for name in ForeseenOut.model_fields}) for each in found]
    return DryRunOut(items=items, more=more)
