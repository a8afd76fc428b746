"""Several time entries at once: what can be done is done, the rest is told one by one with its reason."""

from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Permission
from tracker.services import time_entry as service
from tracker.services.time_entry import Decided

api = Api("time_bulk")
MOST_AT_ONCE = 200


class ManyIn(In):
    ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)


class ManyRejectedIn(ManyIn):
    reason: str = Field(description="Why, for all of them.")


class RefusedOut(Out):
    id: UUID
    code: str = Field(description="As the single request would answer it, such as guard, forbidden or not_found.")
    message: str


class DecidedOut(Out):
    done: list[UUID]
    refused: list[RefusedOut]


def decided_out(decided: Decided) -> DecidedOut:
    refused = [RefusedOut(id=each, code=error.code, message=error.message) for each, error in decided.refused.items()]
    return DecidedOut(done=[entry.id for entry in decided.done], refused=refused)


@api.post("/time-entries/submit", Permission.LOG_TIME, status=200)
def submit_time_entries(call: Call, body: ManyIn) -> DecidedOut:
    """Hand several drafts in. Answers 200 with what was done and what was refused, also where everything was refused."""
    return decided_out(service.submit_all(call.session, call.actor, body.ids, now=call.now))


@api.post("/time-entries/approve", Permission.APPROVE_TIME, status=200)
def approve_time_entries(call: Call, body: ManyIn) -> DecidedOut:
    """Accept several submitted entries."""
    return decided_out(service.approve_all(call.session, call.actor, body.ids, now=call.now))


@api.post("/time-entries/reject", Permission.APPROVE_TIME, status=200)
def reject_time_entries(call: Call, body: ManyRejectedIn) -> DecidedOut:
    """Turn several submitted entries down for one reason; their minutes are free again."""
    return decided_out(service.reject_all(call.session, call.actor, body.ids, body.reason, now=call.now))
