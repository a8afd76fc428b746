"""What the two channels are told of a PS block that ends: the team what to do, the customer what becomes of their hours."""

from dataclasses import dataclass
from datetime import date

from tracker.domain.duration import say_minutes
from tracker.domain.notice import Words
from tracker.domain.ps_block import say_in, say_on


@dataclass(frozen=True)
class BlockWords:
    """What is said of a block: `left` minutes on `today`, the engagement's day."""

    engagement: str
    reference: str
    manager: str
    expires_on: date
    today: date
    left: int
    carries_over: bool

    @property
    def last_day(self) -> str:
        return say_on(self.expires_on, self.today)

    @property
    def when(self) -> str:
        return say_in((self.expires_on - self.today).days)

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        return (("PS block", self.reference), ("Last day", f"{self.expires_on:%a %-d %b %Y}"))


def customer_warned(block: BlockWords) -> Words:
    """The customer decides what the rest is worked on, while it can be."""
    left = say_minutes(block.left)
    if block.carries_over:
        headline = f"{block.engagement}: a block of PS hours ends {block.when}, {left} are carried over"
        text = f"You have {left} left in it. Nothing is lost: what is left after {block.last_day} stays yours."
        return Words(headline, text, block.facts)
    headline = f"{block.engagement}: {left} of PS hours end {block.when}"
    text = (
        f"They can be used until {block.last_day}; what is left then lapses. What has been used stays as it is. "
        f"Tell {block.manager} soon what they should go into."
    )
    return Words(headline, text, block.facts)


def team_warned(block: BlockWords) -> Words:
    """The manager plans the rest, or agrees another last day."""
    left = say_minutes(block.left)
    headline = f"{block.engagement}: PS block {block.reference} ends {block.when}, {left} left"
    if block.carries_over:
        return Words(headline, f"Nothing to do: what is left after {block.last_day} is carried over.", block.facts)
    text = (
        f"{block.manager}: agree with the customer by {block.last_day} what the rest is worked on, or give the block a later "
        f"last day. Everybody: log what you did for it by the end of that day; what is logged later finds it lapsed."
    )
    return Words(headline, text, block.facts)


def customer_ended(block: BlockWords, *, lapsed: int, kept: int, pool_left: int) -> Words:
    """The customer hears what became of the rest, and what they still have."""
    still = _still(pool_left)
    if not lapsed:
        headline = f"{block.engagement}: {say_minutes(kept)} of PS hours are carried over"
        return Words(headline, f"The block ended on {block.last_day}, and what was left of it stays yours. {still}", block.facts)
    headline = f"{block.engagement}: {say_minutes(lapsed)} of PS hours have lapsed"
    text = f"They could be used until {block.last_day}. What was used of the block stays as it is. {still}"
    return Words(headline, text, block.facts)


def team_ended(block: BlockWords, *, lapsed: int, kept: int, pool_left: int) -> Words:
    """The team hears what can no longer be drawn, and the way to give it back."""
    still = _still(pool_left)
    if not lapsed:
        headline = f"{block.engagement}: PS block {block.reference} has ended, {say_minutes(kept)} carried over"
        return Words(headline, f"It can be drawn as before. {still}", block.facts)
    headline = f"{block.engagement}: PS block {block.reference} has ended, {say_minutes(lapsed)} lapsed"
    text = (
        f"Work that is not logged yet is not paid by it any more. If some of it was done by {block.last_day}, "
        f"{block.manager} can give the block a later last day: what lapsed then comes back. {still}"
    )
    return Words(headline, text, block.facts)


def _still(pool_left: int) -> str:
    return f"{say_minutes(pool_left)} of PS hours are left in all." if pool_left else "No PS hours are left."
