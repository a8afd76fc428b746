"""How an engagement stands, as a status card and the digests say it in plain words.

Nothing in `Outlook` but its hours is the team's own: the customer reads the same. Source: docs/rules/delivery.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.domain.budget import BUDGET_LABELS, BudgetKind
from tracker.domain.lifecycle import say_state
from tracker.domain.notice import Words
from tracker.domain.weekly_update import part

NEXT_ON_A_CARD = 5
# So many lines of a list are said; that there are more is all that fits a message one reads in passing.
MOST_LINES = 6
# So many engagements are told of in one daily digest; the rest stands in the portfolio.
MOST_ENGAGEMENTS = 25
NOTHING_WAITS = "nobody"


@dataclass(frozen=True)
class Outlook:
    """How one engagement stands at a moment; each line is written out."""

    name: str
    customer: str
    stage: str
    as_of: str
    overdue: Sequence[str] = ()
    coming: Sequence[str] = ()  # every open date to come, the earliest first
    this_week: Sequence[str] = ()
    waiting: Sequence[str] = ()  # on the customer
    freezes: Sequence[str] = ()
    # The team's own: what is left of each budget.
    hours: Sequence[str] = ()

    @property
    def says_something(self) -> bool:
        """Whether a week's digest has anything to tell."""
        return bool(self.overdue or self.this_week or self.waiting)


def say_stage(stage: str) -> str:
    """A stage as people read it, such as "In delivery"."""
    return say_state(stage).replace("kickoff", "kick-off").capitalize()


def say_budget(kind: str) -> str:
    """A budget within a sentence, such as "known-incompatibility allowance"."""
    label = BUDGET_LABELS[BudgetKind(kind)]
    return label if label[1].isupper() else label[0].lower() + label[1:]


def card_words(outlook: Outlook, *, with_hours: bool) -> Words:
    """The status card: the stage, the next dates, on whom it waits, which freezes are on; for the team the hours too."""
    parts = [
        part("Overdue", outlook.overdue, most=MOST_LINES),
        part("Next", outlook.coming[:NEXT_ON_A_CARD]) or "No date ahead.",
        part("Freezes on", outlook.freezes),
        part(f"Waiting on {outlook.customer}", outlook.waiting, most=MOST_LINES),
        part("Hours left", outlook.hours) if with_hours else "",
    ]
    waits = outlook.customer if outlook.waiting else NOTHING_WAITS
    facts = (("Stage", say_stage(outlook.stage)), ("Waiting on", waits), ("As of", outlook.as_of))
    return Words(f"{outlook.name}: how it stands", "\n\n".join(filter(None, parts)), facts)


def weekly_words(outlook: Outlook, week: str) -> Words:
    """Monday's digest for both sides: what is late, what comes this week, and what the customer is asked."""
    parts = [
        part(f"{outlook.customer}: we wait for you", outlook.waiting, most=MOST_LINES),
        part("Overdue", outlook.overdue, most=MOST_LINES),
        part("This week", outlook.this_week),
        part("Freezes on", outlook.freezes),
    ]
    return Words(f"{outlook.name}: the week of {week}", "\n\n".join(filter(None, parts)))


@dataclass(frozen=True)
class DayOf:
    """What the team is told of one engagement in the morning."""

    name: str
    customer: str
    overdue: Sequence[str] = ()
    due: Sequence[str] = ()
    tight: Sequence[str] = ()  # budgets of which 80 % and more is booked
    waiting: int = 0  # how many things wait on the customer

    @property
    def says_something(self) -> bool:
        return bool(self.overdue or self.due or self.tight or self.waiting)

    @property
    def lines(self) -> str:
        """Its part of the digest."""
        said = [f"Overdue: {each}" for each in self.overdue] + [f"Due: {each}" for each in self.due]
        said += [f"Hours: {each}" for each in self.tight]
        if self.waiting:
            said.append(f"Waiting on {self.customer}: {self.waiting} {'thing' if self.waiting == 1 else 'things'}")
        return part(self.name, said)


def daily_words(day: str, engagements: Sequence[DayOf]) -> Words | None:
    """The team's morning digest of all engagements of a channel; None where there is nothing to say."""
    told = [each for each in engagements if each.says_something]
    if not told:
        return None
    parts = [each.lines for each in told[:MOST_ENGAGEMENTS]]
    if len(told) > MOST_ENGAGEMENTS:
        parts.append(f"And {len(told) - MOST_ENGAGEMENTS} more engagements: see the portfolio.")
    facts = (
        ("Overdue", _count(sum(len(each.overdue) for each in told))),
        ("Due", _count(sum(len(each.due) for each in told))),
        ("Over 80 % of hours", _count(sum(len(each.tight) for each in told))),
        ("Waiting on customers", _count(sum(each.waiting for each in told))),
    )
    return Words(f"Today, {day}", "\n\n".join(parts), facts)


def _count(number: int) -> str:
    return str(number) if number else "nothing"
