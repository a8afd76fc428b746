"""Slack's channels as values: how one looks, what may be wrong with it, and what names Slack takes (docs/rules/channels.md)."""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

NAME_LENGTH = 80
UNNAMEABLE = "engagement"
# What Slack has no letters for, as it is written without them; the accents of all others fall off by themselves.
SPELLED_OUT = str.maketrans({"ß": "ss", "æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "&": " and "})


class Place(StrEnum):
    """Which of an engagement's two channels, by the name of its field."""

    CUSTOMER = "slack_channel"
    TEAM = "internal_slack_channel"


PLACE_LABELS = {Place.CUSTOMER: "With the customer", Place.TEAM: "The team’s own"}

ARCHIVED = "It is archived in Slack: nothing can be posted there."
# As the app's manifest calls the bot.
BOT_NAME = "tracker"
NOT_MEMBER = f"The bot is not in it. In the channel, write: /invite @{BOT_NAME}"
GONE = "Slack does not show it to us: it was deleted, or it is private and the bot is not in it."


@dataclass(frozen=True)
class ChannelSeen:
    """One channel as Slack showed it. `members` are Slack ids, None where they were not read."""

    channel: str
    name: str | None = None
    is_private: bool = False
    is_external: bool = False
    is_archived: bool = False
    is_member: bool = False
    members: frozenset[str] | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Fault:
    """Why Slack did not do what was asked: its own word for it, and ours."""

    code: str
    message: str


def problem_of(seen: ChannelSeen) -> str | None:
    """What keeps us from posting in a channel, in words for a person; None where nothing does."""
    if seen.problem is not None:
        return seen.problem
    if seen.is_archived:
        return ARCHIVED
    return None if seen.is_member else NOT_MEMBER


def legal_name(text: str) -> str:
    """A name that Slack takes: small letters, digits and hyphens, at most 80 of them; never empty."""
    spelled = unicodedata.normalize("NFKD", text.casefold().translate(SPELLED_OUT))
    plain = re.sub(r"[^a-z0-9]+", "-", "".join(sign for sign in spelled if not unicodedata.combining(sign)))
    return plain.strip("-")[:NAME_LENGTH].strip("-") or UNNAMEABLE


def is_legal_name(name: str) -> bool:
    """Whether Slack takes a name as it is."""
    return re.fullmatch(r"[a-z0-9_-]{1,80}", name) is not None
