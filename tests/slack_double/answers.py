"""What Slack says no with, and the shape of what it says."""

from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


class Refusal(Exception):
    """A request that Slack understood and declined: `{"ok": false, "error": ...}`."""

    def __init__(self, error: str, *, status: int = 200, retry_after: int | None = None, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after
        self.details = details

    def body(self) -> JsonObject:
        return {"ok": False, "error": self.error, **self.details}


def rate_limited(retry_after: int) -> Refusal:
    """Slack answers too many requests with a status, a header in whole seconds and an error of its own."""
    return Refusal("ratelimited", status=429, retry_after=retry_after)
