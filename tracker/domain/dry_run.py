"""Why a notice that stands in the outbox will not be told, as far as that is known today."""

from tracker.domain.notice import CANCELLABLE, NoticeState

DAYS, MOST_DAYS = 14, 90

NO_CHANNEL = "No channel: nobody reads it before one is chosen."
NOT_CONNECTED = "Slack is not connected."
NO_MAIL = "Mail is not connected."
ON_HOLD = "The engagement is on hold."
CANCELLED = "The engagement is cancelled."


def why_not(*, state: str, reason: str | None, channel: str | None, road: str, status: str, roads: frozenset[str]) -> str | None:
    """Say why a notice will not be told; None where it will. `roads` are those that the installation sends by.

    What is on its way or was told has no reason.
    """
    if state == NoticeState.CANCELLED:
        return {"on_hold": ON_HOLD, "cancelled": CANCELLED}.get(status) or f"Called off: {reason or 'no longer true.'}"
    if state in (NoticeState.EXPIRED, NoticeState.DEAD):
        return reason or "Given up."
    if state not in CANCELLABLE:
        return None
    if channel is None:
        return NO_CHANNEL
    if road not in roads:
        return NOT_CONNECTED if road == "slack" else NO_MAIL
    return (reason or "The channel does not take it.") if state == NoticeState.PARKED else None
