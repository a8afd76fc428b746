"""Change requests: whose turn it is, and the states from raised to applied. What is asked for is in `change`.

Sources: docs/rules/change_request.md, BR-47.
"""

from enum import StrEnum
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.domain.lifecycle import Lifecycle, Need, Step

LONGEST_ESTIMATE = 600_000  # ten thousand hours


class RequestState(StrEnum):
    """Where a change request stands."""

    OPEN = "open"
    APPROVED_BY_CUSTOMER = "approved_by_customer"
    APPROVED_BY_TEAM = "approved_by_team"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


UNDECIDED_STATES = (RequestState.OPEN, RequestState.APPROVED_BY_CUSTOMER, RequestState.APPROVED_BY_TEAM)
DECIDED_STATES = (RequestState.APPLIED, RequestState.REJECTED, RequestState.WITHDRAWN)
ESTIMATED = Need("estimate", "The team has not said yet how much time it takes. It is approved once that is known.", "BR-47")
ENDS = (Step("rejected"), Step("withdrawn"))
REQUEST_LIFECYCLE: Lifecycle = {
    "open": (Step("approved_by_customer", (ESTIMATED,)), Step("approved_by_team", (ESTIMATED,)), *ENDS),
    # An edit clears what was approved: it was given to something else.
    "approved_by_customer": (Step("applied", (ESTIMATED,)), Step("open"), *ENDS),
    "approved_by_team": (Step("applied", (ESTIMATED,)), Step("open"), *ENDS),
    "applied": (),
    "rejected": (),
    "withdrawn": (),
}


class Side(StrEnum):
    """The two who have to agree."""

    CUSTOMER = "customer"
    TEAM = "team"


def side_of(actor: Actor) -> Side | None:
    """For whom somebody may approve or reject; nobody approves for the other side (BR-49)."""
    if actor.may(Permission.EDIT_ENGAGEMENT):
        return Side.TEAM
    return Side.CUSTOMER if actor.may(Permission.SIGN) else None


def may_edit(actor: Actor, state: str, raised_by: UUID) -> bool:
    """Managers may as long as it is undecided; whoever raised it, as long as nobody has approved it."""
    if state not in UNDECIDED_STATES or not actor.may(Permission.ANSWER):
        return False
    return actor.may(Permission.EDIT_ENGAGEMENT) or (raised_by == actor.person_id and state == RequestState.OPEN)


def may_withdraw(actor: Actor, state: str, raised_by: UUID) -> bool:
    """Whoever raised it takes it back, and managers do, until it is decided."""
    return state in UNDECIDED_STATES and (
        actor.may(Permission.EDIT_ENGAGEMENT) or (raised_by == actor.person_id and actor.may(Permission.ANSWER))
    )


def approval_leads_to(state: str, side: Side) -> str:
    """The state after a side's yes: applied where the other side has said it before."""
    other = RequestState.APPROVED_BY_TEAM if side is Side.CUSTOMER else RequestState.APPROVED_BY_CUSTOMER
    return RequestState.APPLIED if state == other else f"approved_by_{side}"


def waits_for(state: str, estimate_minutes: int | None) -> Side | None:
    """Whose turn it is; nobody's once it is decided."""
    if state not in UNDECIDED_STATES:
        return None
    if state == RequestState.OPEN:
        return Side.TEAM
    if estimate_minutes is None or state == RequestState.APPROVED_BY_CUSTOMER:
        return Side.TEAM
    return Side.CUSTOMER


def check_estimate(minutes: int) -> None:
    """Raises Invalid at `estimate_minutes`; nothing at all is an estimate too."""
    if not 0 <= minutes <= LONGEST_ESTIMATE:
        raise Invalid.at("estimate_minutes", "Write from 0 up to 10,000 hours.")
