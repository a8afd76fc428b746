"""The weekly update: which week it speaks of, and what the facts of that week say, in plain words.

Whatever stands in the facts is for the customer to read. Minutes are whole minutes.
Source: docs/rules/conversation.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.domain.duration import say_minutes
from tracker.domain.scope import Decision

KIND = "update.weekly"
TEXT_LENGTH = 6000
AHEAD_BUSINESS_DAYS = 10
# So much of each part is said; the rest stands on the page, and the update stays one to read.
MOST_LINES = 12
DECIDED_AS: Mapping[str, str] = {
    Decision.INCLUDED: "included",
    Decision.PREMIUM: "your Premium extra",
    Decision.PS: "paid from PS hours",
    Decision.OUT_OF_SCOPE: "out of scope",
    Decision.UNDECIDED: "still to be decided",
    Decision.NOT_APPLICABLE: "does not apply",
}


@dataclass(frozen=True)
class Coming:
    """A date that lies ahead: as it is written, what it is, and of which site."""

    when: str
    title: str
    site: str | None = None


@dataclass(frozen=True)
class Facts:
    """What happened in one week of an engagement, and what comes next."""

    hours: Sequence[tuple[str, int]] = ()  # site, minutes
    stages: Sequence[tuple[str, str]] = ()  # site, the stage it reached
    decided: Sequence[str] = ()
    waiting: Sequence[str] = ()  # on the customer
    coming: Sequence[Coming] = ()


def monday_of(day: date) -> date:
    """The Monday by which a day's week is named."""
    return day - timedelta(days=day.weekday())


def compose(facts: Facts) -> str:
    """Write the update, in the order in which a customer asks. A part with nothing in it is left out."""
    parts = [
        part("What waits on you", facts.waiting),
        part("What was done", [*(_reached(*each) for each in facts.stages), *(_worked(*each) for each in facts.hours)]),
        part("What was decided", facts.decided),
        part("What comes next", [_dated(each) for each in facts.coming]),
    ]
    said = "\n\n".join(filter(None, parts)) or "Nothing to report this week: no work was logged, and no date comes up."
    return said if len(said) <= TEXT_LENGTH else said[: TEXT_LENGTH - 1].rsplit("\n", 1)[0] + "\n…"


def part(title: str, lines: Iterable[str], *, most: int = MOST_LINES) -> str:
    """A titled list, cut with how many more there are; nothing where there is no line."""
    said = [f"• {line}" for line in lines]
    if len(said) > most:
        said = [*said[: most - 1], f"• and {len(said) - most + 1} more"]
    return "\n".join([title, *said]) if said else ""


def _worked(site: str, minutes: int) -> str:
    return f"{site}: {say_minutes(minutes)} of work"


def _reached(site: str, stage: str) -> str:
    return f"{site} is now {stage}"


def _dated(coming: Coming) -> str:
    return f"{coming.when}: {coming.title}{f', {coming.site}' if coming.site else ''}"
