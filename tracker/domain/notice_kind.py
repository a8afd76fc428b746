"""Every kind of notice there is: how people read it, and what can be done from its message.

A kind that is not here has no words: a test compares this list with what the tracker says (docs/rules/delivery.md).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.notice import DAILY_DIGEST, Audience
from tracker.domain.reminders.ladder import ESCALATIONS
from tracker.domain.reminders.registry import REMINDERS


class Button(StrEnum):
    """What may be pressed under a message, by Slack's action id."""

    DONE = "tracker.done"
    ACK = "tracker.ack"
    SNOOZE = "tracker.snooze"
    LOG = "tracker.log"
    OPEN = "tracker.open"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Mapping[str, str] = {
    Button.DONE: "Mark done",
    Button.ACK: "Acknowledge",
    Button.SNOOZE: "Snooze",
    Button.LOG: "Log time",
    Button.OPEN: "Open",
}


@dataclass(frozen=True)
class NoticeKind:
    """How one kind is called, and which buttons fit it beside the one that opens what it speaks of."""

    title: str
    buttons: tuple[Button, ...] = ()
    # Whether it may stand in a thread; a status card and a digest stand by themselves.
    threaded: bool = True
    # Whether a reply is shown in the channel as well, because nobody may miss it.
    broadcast: bool = False
    # Whose channels hold somebody who can finish what it speaks of.
    done_by: frozenset[Audience] = field(default_factory=frozenset)


CARD, TEAM_CARD, WEEKLY_DIGEST = "card", "card.team", "digest.weekly"
ASKS = (Button.ACK,)
# What is told because something has happened, and not because a date comes close.
TOLD: Mapping[str, NoticeKind] = {
    "comment.customer": NoticeKind("Comment"),
    "comment.internal": NoticeKind("Comment in the team"),
    "update.weekly": NoticeKind("Weekly update"),
    "uat.opened": NoticeKind("UAT round opened", ASKS),
    "uat.signed": NoticeKind("UAT signed"),
    "uat.rejected": NoticeKind("UAT not accepted", ASKS),
    "defect.reported": NoticeKind("Defect reported", ASKS),
    "freeze.answered": NoticeKind("Freeze answered"),
    "budget.customer": NoticeKind("Hours used"),
    "budget.team": NoticeKind("Hours used, for the team", (Button.ACK, Button.LOG)),
    "ps_block.customer": NoticeKind("PS block ends"),
    "ps_block.team": NoticeKind("PS block ends, for the team", (Button.ACK, Button.LOG)),
    "change_request.raised": NoticeKind("Change request raised", ASKS),
    "change_request.approved_by_team": NoticeKind("Change request waits for the customer", ASKS),
    "change_request.approved_by_customer": NoticeKind("Change request waits for the team", ASKS),
    "change_request.rejected": NoticeKind("Change request rejected"),
    "change_request.applied": NoticeKind("Change request done"),
    CARD: NoticeKind("Status card", threaded=False),
    TEAM_CARD: NoticeKind("Status card, for the team", threaded=False),
    WEEKLY_DIGEST: NoticeKind("Weekly digest", threaded=False),
    DAILY_DIGEST: NoticeKind("Daily digest, for the team", threaded=False),
}
LEAD = re.compile("([0-9]+)([dh])")
AFTER = re.compile("after([0-9]+)d")
OVERDUE = "overdue"
# Where minutes count, or the date has passed, nothing is put off until later.
NOT_LATER = frozenset({"start", "half", OVERDUE, *ESCALATIONS})


def _reminders() -> Iterator[tuple[str, NoticeKind]]:
    for kind, ladder in REMINDERS.items():
        names = [rung.name for rung in ladder.rungs] + ([ladder.repeat.name] if ladder.repeat else [])
        names += ESCALATIONS if ladder.climbs else []
        for name in names:
            yield f"{kind}.{name}", _reminder(kind, name)


def _reminder(kind: DeadlineKind, name: str) -> NoticeKind:
    facts, lead = KINDS[kind], LEAD.fullmatch(name)
    in_hours = lead is not None and lead[2] == "h"
    done_by = {Audience.INTERNAL} | ({Audience.CUSTOMER} if facts.owner == "customer" else set())
    buttons = [Button.ACK]
    if not facts.runs:
        buttons.insert(0, Button.DONE)
    if not in_hours and name not in NOT_LATER and AFTER.fullmatch(name) is None:
        buttons.append(Button.SNOOZE)
    return NoticeKind(
        f"{facts.title}, {_say_occasion(name)}",
        tuple(buttons),
        broadcast=kind is DeadlineKind.DNS_CUTOVER or name == OVERDUE or name in ESCALATIONS,
        done_by=frozenset(done_by),
    )


def _say_occasion(name: str) -> str:
    ahead, after = LEAD.fullmatch(name), AFTER.fullmatch(name)
    if name in ESCALATIONS:
        return f"{ESCALATIONS[name]} business days overdue"
    if after is not None:
        return f"{after[1]} business day{'' if after[1] == '1' else 's'} after"
    if ahead is None:
        return name.replace("_", " ")
    count, unit = int(ahead[1]), {"d": "business day", "h": "hour"}[ahead[2]]
    return f"{count} {unit}{'' if count == 1 else 's'} ahead" if count else "on the day"


NOTICE_KINDS: Mapping[str, NoticeKind] = dict(TOLD) | dict(_reminders())


def kind_of(kind: str) -> NoticeKind:
    """What is known of a kind: also of a rung that only one engagement's own ladder has, and a bare name of the unknown."""
    if kind in NOTICE_KINDS:
        return NOTICE_KINDS[kind]
    head, _, name = kind.partition(".")
    if head in set(DeadlineKind) and name:
        return _reminder(DeadlineKind(head), name)
    return NoticeKind(kind.replace("_", " ").replace(".", ", ").capitalize())


def buttons_of(kind: str, audience: str) -> list[Button]:
    """What may be pressed under a message of a kind, in a channel of that audience; the link comes last.

    Only what those who read there can finish is offered to be marked done.
    """
    known = kind_of(kind)
    fitting = [each for each in known.buttons if each is not Button.DONE or audience in known.done_by]
    return [*fitting, Button.OPEN]
