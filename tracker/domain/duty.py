"""The customer's duties: which dates they hang on, what proves each, and which step waits for it.

Titles and consequences are the catalogue's. Sources: docs/rules/duties.md, BR-08, BR-09, BR-10, BR-15, BR-17, BR-46.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.domain.deadline import DeadlineKind


class DutyState(StrEnum):
    """Whether a duty is still to be done."""

    OPEN = "open"
    DONE = "done"
    WAIVED = "waived"


@dataclass(frozen=True)
class DutyFacts:
    """What one duty hangs on, what proves it, and what completes it where that is more than the customer's word."""

    deadline: DeadlineKind
    proof: str
    completed_by: str | None = None
    # The fact of a site's lifecycle that the duty brings.
    brings: str | None = None
    # The date of a freeze says when it begins: that the customer has answered does not end it.
    finishes_date: bool = True


DUTIES: Mapping[str, DutyFacts] = {
    "site-inventory": DutyFacts(
        DeadlineKind.INVENTORY,
        "What you sent, when and to whom: the list of plugins, domains and so on.",
        brings="inventory_received",
    ),
    "join-channel": DutyFacts(DeadlineKind.JOIN_CHANNEL, "Who of you is in the channel now."),
    "source-access": DutyFacts(
        DeadlineKind.ACCESS,
        "Where the access is kept (the name of an entry in a password store) and what a check of it gave; never a password.",
    ),
    "code-freeze": DutyFacts(
        DeadlineKind.CODE_FREEZE,
        "An approver’s answer to the freeze, by name.",
        completed_by="the answer to its code freeze",
        finishes_date=False,
    ),
    "uat": DutyFacts(
        DeadlineKind.UAT,
        "An approver’s sign-off, by name.",
        completed_by="the sign-off of the acceptance test",
        brings="uat_signed",
    ),
    "content-freeze-notice": DutyFacts(
        DeadlineKind.CONTENT_FREEZE_NOTICE,
        "Whom you told, how and when: editors, shop staff, whoever runs imports.",
        brings="content_freeze_told",
    ),
    "dns-cutover": DutyFacts(
        DeadlineKind.DNS_CUTOVER,
        "An approver’s signature under the cutover, by name.",
        completed_by="the signature under its DNS cutover",
        brings="cutover_signed",
    ),
}
OF_ENGAGEMENT = ("site-inventory", "join-channel")
OF_SITE = tuple(kind for kind in DUTIES if kind not in OF_ENGAGEMENT)
# What should come before a step without holding it up (BR-09, BR-10).
BEFORE: Mapping[str, Sequence[str]] = {"qualified": ("source-access",), "migrating": ("source-access", "code-freeze")}
WITH_ITS_DATE = "Marked done with its date."
RECEIVED = "Received by the team."


def is_overdue(state: str, due: datetime | None, now: datetime) -> bool:
    """Whether an open duty is late; `due` is the end of its day, or the instant."""
    return state == DutyState.OPEN and due is not None and due <= now


def say_waiting(title: str, owner: str | None, due: str | None) -> str:
    """Names the duty that a step waits for, whose it is, and by when."""
    return f"It waits for the duty “{title}”: {owner or 'an approver of the customer'}, {f'due {due}' if due else 'no date yet'}."
