"""What somebody worked on one day on one site, and the states of such an entry."""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import FieldError, Invalid, NotAllowed
from tracker.domain.lifecycle import Lifecycle, Step
from tracker.domain.secret import find_secret
from tracker.domain.text import TextError, read_text

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
NOTE_LENGTH, REASON_LENGTH = 2000, 500
EARLIEST_YEAR, LATEST_YEAR = 2000, 2099
KNOWN_ISSUE = re.compile(r"[a-z0-9][a-z0-9.-]{1,99}")

ENTRY_LIFECYCLE: Lifecycle = {
    "draft": (Step("submitted"), Step("reversed")),
    "submitted": (Step("approved"), Step("rejected"), Step("reversed")),
    "approved": (Step("reversed"),),
    "rejected": (),
    "reversed": (),
    "reversal": (),
}


def check_own(actor: Actor, person_id: UUID) -> None:
    """Raises NotAllowed for an entry of somebody else, unless a manager asks."""
    if person_id != actor.person_id and not actor.may(Permission.APPROVE_TIME):
        raise NotAllowed("That entry is somebody else's.")


def check_may_take_back(actor: Actor, person_id: UUID, state: str) -> None:
    """Whoever logged it takes it back until it is approved, managers always. Raises NotAllowed."""
    actor.must(Permission.LOG_TIME)
    check_own(actor, person_id)
    if state == "approved" and not actor.may(Permission.APPROVE_TIME):
        raise NotAllowed("An approved entry is reversed by an engagement manager.")


def read_remark(field: str, text: str, longest: int) -> str:
    """A note or a reason as it is kept: tidied, and no secret in it. Raises Invalid at the field."""
    try:
        return read_text(text, longest)
    except TextError as error:
        raise Invalid.at(field, error.message) from None


def say_long_day(day: date, minutes: int) -> str | None:
    """A warning where somebody would have worked more than a day has; the entry stands all the same."""
    if minutes <= DAY_MINUTES:
        return None
    return f"That makes {say_minutes(minutes)} on {day.isoformat()}, more than a day has. Is the day right?"


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
    # Whose work it was, where somebody else enters it for them.
    person_id: UUID | None = None

    def checked(self, *, today: date, signed_on: date | None) -> "Work":
        """Return the work as it is kept, its note tidied. `today` is the day in the person's own zone.

        Raises Invalid naming every field that cannot stand.
        """
        errors = [*self._day_errors(today, signed_on), *self._kind_errors()]
        if not 1 <= self.minutes <= DAY_MINUTES:
            errors.append(FieldError("minutes", "Write from 1 minute to 24 h; a correction is made by reversing an entry."))
        note = ""
        try:
            note = read_remark("note", self.note, NOTE_LENGTH)
        except Invalid as error:
            errors += error.errors
        if errors:
            raise Invalid(errors)
        return replace(self, note=note)

    def _day_errors(self, today: date, signed_on: date | None) -> list[FieldError]:
        if not EARLIEST_YEAR <= self.worked_on.year <= LATEST_YEAR:
            return [FieldError("worked_on", f"The year {self.worked_on.year:04d} is not plausible.")]
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
        if self.known_issue_id and (secret := find_secret(self.known_issue_id)):
            errors.append(FieldError("known_issue_id", secret.message))
        elif self.known_issue_id and not KNOWN_ISSUE.fullmatch(self.known_issue_id):
            errors.append(FieldError("known_issue_id", "Write the issue's id as in the catalogue, such as wp-yoast-indexables."))
        if self.kind is WorkKind.PS and self.ps_kind is None:
            errors.append(FieldError("ps_kind", "PS work says what kind it is."))
        if self.ps_kind is not None and self.ps_kind not in PS_KINDS:
            errors.append(FieldError("ps_kind", f"Choose one of: {', '.join(PS_KINDS)}."))
        return errors
