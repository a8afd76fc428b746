"""What somebody worked on one day on one site, and the states of such an entry."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from tracker.domain.budget import WorkKind
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.lifecycle import Lifecycle, Step
from tracker.domain.secret import find_secret

ACTIVITIES = ("research", "known_solution")
PS_KINDS = (
    "custom-upstream",
    "cron-custom-module",
    "additional-resync",
    "s3-configure-decommission",
    "secure-integration",
    "custom-code-troubleshooting",
    "app-sso-reconfigure",
)
# What incompatibility work becomes when PS hours pay for the rest of it.
PS_KIND_OF_A_SPLIT = "custom-code-troubleshooting"
DAY_MINUTES = 24 * 60
NOTE_LENGTH = 2000
KNOWN_ISSUE = re.compile(r"[a-z0-9][a-z0-9.-]{1,99}")

ENTRY_LIFECYCLE: Lifecycle = {
    "draft": (Step("submitted"), Step("reversed")),
    "submitted": (Step("approved"), Step("rejected"), Step("reversed")),
    "approved": (Step("reversed"),),
    "rejected": (),
    "reversed": (),
    "reversal": (),
}


@dataclass(frozen=True)
class Work:
    """One piece of work as somebody states it. Minutes are whole and positive; a correction is a reversal."""

    site_id: UUID
    worked_on: date
    minutes: int
    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None
    note: str = ""

    def check(self, *, today: date, signed_on: date | None) -> None:
        """Raises Invalid naming every field that cannot stand. `today` is the day in the person's own zone."""
        errors = [*self._day_errors(today, signed_on), *self._kind_errors()]
        if not 1 <= self.minutes <= DAY_MINUTES:
            errors.append(FieldError("minutes", "Write from 1 minute to 24 h; a correction is made by reversing an entry."))
        if len(self.note) > NOTE_LENGTH:
            errors.append(FieldError("note", f"Write at most {NOTE_LENGTH:,} characters; this has {len(self.note):,}."))
        if secret := find_secret(self.note):
            errors.append(FieldError("note", secret.message))
        if errors:
            raise Invalid(errors)

    def _day_errors(self, today: date, signed_on: date | None) -> list[FieldError]:
        if self.worked_on > today + timedelta(days=1):
            return [FieldError("worked_on", "That day lies in the future. Log work once it is done.")]
        if signed_on is not None and self.worked_on < signed_on:
            return [
                FieldError(
                    "worked_on",
                    f"The agreement was signed on {signed_on.isoformat()}; work before it cannot be logged.",
                )
            ]
        return []

    def _kind_errors(self) -> list[FieldError]:
        errors: list[FieldError] = []
        if self.activity is not None and self.activity not in ACTIVITIES:
            errors.append(FieldError("activity", f"Choose one of: {', '.join(ACTIVITIES)}."))
        if self.kind is WorkKind.ALLOWANCE and self.activity is None:
            errors.append(FieldError("activity", "The allowance pays for research or a known solution only. Say which."))
        if self.activity == "known_solution" and not self.known_issue_id:
            errors.append(FieldError("known_issue_id", "A known solution names the known issue that it solves."))
        if self.known_issue_id and not KNOWN_ISSUE.fullmatch(self.known_issue_id):
            errors.append(FieldError("known_issue_id", "Write the issue's id as in the catalogue, such as wp-yoast-indexables."))
        if self.kind is WorkKind.PS and self.ps_kind is None:
            errors.append(FieldError("ps_kind", "PS work says what kind it is."))
        if self.ps_kind is not None and self.ps_kind not in PS_KINDS:
            errors.append(FieldError("ps_kind", f"Choose one of: {', '.join(PS_KINDS)}."))
        return errors
