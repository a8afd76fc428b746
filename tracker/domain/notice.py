"""A notice tells somebody something once. Its states, and which step may follow which (docs/rules/delivery.md)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tracker.domain.reminders.registry import ESCALATED


class NoticeState(StrEnum):
    """Where a notice stands on its way out."""

    PLANNED = "planned"
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"
    PARKED = "parked"
    DEAD = "dead"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


# What is not on the wire may still be called off when its deadline moves or is done.
CANCELLABLE = (NoticeState.PLANNED, NoticeState.READY, NoticeState.PARKED)
SETTLED = (NoticeState.SENT, NoticeState.DEAD, NoticeState.EXPIRED, NoticeState.CANCELLED)
# No state but a list: what waits for somebody, or for a look into its channel. `GIVEN_UP` begins the reason of what
# somebody has decided on.
STUCK = "stuck"
STUCK_STATES = (NoticeState.PARKED, NoticeState.DEAD, NoticeState.UNKNOWN)
GIVEN_UP = "Given up by "
STATE_MEANINGS: Mapping[NoticeState, str] = {
    NoticeState.PLANNED: "Waiting for its time.",
    NoticeState.READY: "Due; sent at the next tick.",
    NoticeState.SENDING: "On its way to Slack.",
    NoticeState.SENT: "Slack has it.",
    NoticeState.UNKNOWN: "Slack may have it; the channel is being looked up before anything is sent again.",
    NoticeState.PARKED: "The channel does not take it; it waits for somebody.",
    NoticeState.DEAD: "Given up.",
    NoticeState.EXPIRED: "Its time had passed, so it was not sent.",
    NoticeState.CANCELLED: "No longer true, so it was not sent.",
}


class Audience(StrEnum):
    """Who reads the channel: the customer's, or the team's own."""

    CUSTOMER = "customer"
    INTERNAL = "internal"


# What the team says among itself goes to a channel of its own or nowhere: the customer's is no substitute for it.
DAILY_DIGEST = "digest.daily"
TEAM_ONLY = frozenset({"comment.internal", "budget.team", "ps_block.team", "card.team", DAILY_DIGEST}) | ESCALATED


class Road(StrEnum):
    """The way a notice goes: into a channel of Slack's, or to somebody's address."""

    SLACK = "slack"
    MAIL = "mail"


@dataclass(frozen=True)
class Recipient:
    """Somebody who gets a notice by mail."""

    person_id: UUID
    address: str


@dataclass(frozen=True)
class Notice:
    """One message for one channel, planned for one moment.

    `key` names the occasion and is unique: what was told once is not told again. What has not been sent by
    `useless_after` is settled as expired.
    """

    key: str
    kind: str
    audience: Audience
    headline: str
    text: str
    facts: tuple[tuple[str, str], ...]
    path: str
    due_at: datetime
    useless_after: datetime
    site_id: UUID | None = None
    deadline_id: UUID | None = None
    mention: str | None = None
    # What it was first told as, where somebody snoozed it.
    origin_id: UUID | None = None
    # Who gets it by mail; without one it goes to the channel of its audience.
    to: Recipient | None = None

    @property
    def road(self) -> Road:
        return Road.SLACK if self.to is None else Road.MAIL


MAILED = ":mail:"


def mail_key(key: str, person_id: UUID) -> str:
    """Names the letter to one person about an occasion, beside what the channel is told of it."""
    return f"{key}{MAILED}{person_id}"


def occasion_of(key: str) -> str:
    """The occasion that a notice is about, whichever way it goes."""
    return key.partition(MAILED)[0]


@dataclass(frozen=True)
class Words:
    """What a notice says, in whichever channel."""

    headline: str
    text: str
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Marks:
    """What people have done about a message since it was sent, each as its line says it."""

    acknowledged: str | None = None
    snoozed: str | None = None
    done: str | None = None

    @property
    def lines(self) -> list[str]:
        return [line for line in (self.done, self.acknowledged, self.snoozed) if line]


@dataclass(frozen=True)
class Post:
    """A notice as it goes on the wire: rendered and frozen at its first claim."""

    notice_id: UUID
    channel: str
    text: str
    blocks: list[Mapping[str, object]] = field(default_factory=list)
    # The message under which it stands; `broadcast` shows a reply in the channel as well.
    thread_ts: str | None = None
    broadcast: bool = False


@dataclass(frozen=True)
class Sent:
    """Slack has it, under this timestamp."""

    slack_ts: str


@dataclass(frozen=True)
class Wait:
    """Not sent: try again after so many seconds. `hold_channel` holds everything else for that channel as well."""

    seconds: float
    error: str
    hold_channel: bool = True


@dataclass(frozen=True)
class Pause:
    """Not sent: the workspace as a whole does not take anything from us (a token, a scope)."""

    error: str


@dataclass(frozen=True)
class Park:
    """Not sent: this channel does not take it."""

    error: str


@dataclass(frozen=True)
class Unthread:
    """Not sent: it cannot stand under the message that it was to stand under."""

    error: str


@dataclass(frozen=True)
class Refuse:
    """Not sent: Slack does not like the message itself."""

    error: str


@dataclass(frozen=True)
class Doubt:
    """Nobody knows whether Slack has it: look it up before sending again."""

    error: str


Outcome = Sent | Wait | Pause | Park | Unthread | Refuse | Doubt
