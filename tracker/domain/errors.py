"""What can go wrong, in the user's words. Each edge translates these once: page, problem+json, Slack reply, command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class TrackerError(Exception):
    """A request that cannot be met. `code` is stable and public; `message` is one sentence for a person."""

    code = "invalid"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def details(self) -> Mapping[str, Any]:
        """What a program may want to know besides the sentence."""
        return {}


class Unauthenticated(TrackerError):
    """Nobody we know is asking."""

    code = "unauthenticated"


class NotAllowed(TrackerError):
    """The person may see the thing, but not do this to it."""

    code = "forbidden"

    def __init__(self, message: str = "You are not permitted to do that.") -> None:
        super().__init__(message)


class NotFound(TrackerError):
    """There is no such thing, or none that this person may know of: the two look the same on purpose."""

    code = "not_found"

    def __init__(self, message: str = "There is nothing here under that address.") -> None:
        super().__init__(message)


class TooLarge(TrackerError):
    """More was sent than is read."""

    code = "too_large"


class RateLimited(TrackerError):
    """Too many tries; wait `retry_after` seconds."""

    code = "rate_limited"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(TrackerError):
    """Others are writing, for longer than this request may wait. Nothing was changed."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__("The database is busy with something else. Nothing was changed; try again in a moment.")


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field. An empty field name speaks of the whole form."""

    field: str
    message: str


class Invalid(TrackerError):
    """What was typed cannot be used; every fault is named at its field."""

    code = "invalid"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(" ".join(error.message for error in errors))
        self.errors = list(errors)

    @classmethod
    def at(cls, field: str, message: str) -> "Invalid":
        """One fault at one field."""
        return cls([FieldError(field, message)])

    def details(self) -> Mapping[str, Any]:
        return {"errors": [{"field": error.field, "message": error.message} for error in self.errors]}


class AmbiguousDuration(Invalid):
    """A bare number that may mean minutes or hours."""

    code = "ambiguous_duration"


class PsMinimum(Invalid):
    """PS hours are bought four or more at a time (BR-06)."""

    code = "ps_minimum"


class IdempotencyMismatch(Invalid):
    """The same key came with another request."""

    code = "idempotency_mismatch"


class UnreadableFile(Invalid):
    """A file that cannot be read at all; a bad row alone is told with its row instead."""

    code = "unreadable_file"

    def __init__(self, message: str) -> None:
        super().__init__([FieldError("file", message)])


class RuleViolation(TrackerError):
    """A rule of the engagement forbids it now; it may be lawful later or by another way."""

    code = "guard"


class Guard(RuleViolation):
    """A step that is not open yet: `rule` names why, `missing` lists what has to come first."""

    def __init__(self, message: str, *, rule: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.rule = rule
        self.missing = list(missing)

    def details(self) -> Mapping[str, Any]:
        return {"rule": self.rule, "missing": self.missing}


class EditedMeanwhile(RuleViolation):
    """Somebody else changed it since this person read it."""

    code = "edited_meanwhile"

    def __init__(self, message: str = "Somebody else changed this meanwhile. Look at it again, then save anew.") -> None:
        super().__init__(message)


class UnlistedSite(RuleViolation):
    """Only sites of the agreed requirements are worked on (BR-01)."""

    code = "unlisted_site"
