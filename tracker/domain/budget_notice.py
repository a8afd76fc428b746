"""What the two channels are told when a budget reaches a level: the team what to do, the customer what it means for them."""

from dataclasses import dataclass

from tracker.domain.budget import BudgetKind
from tracker.domain.duration import say_minutes
from tracker.domain.notice import Words

NEARLY, ALL = 80, 100
# What the hours are for, as the customer reads it.
FOR = {
    BudgetKind.ALLOWANCE: "the hours for known incompatibilities",
    BudgetKind.PREMIUM_EXTRA: "the Premium extra hours",
    BudgetKind.PS: "the PS hours",
}


@dataclass(frozen=True)
class Reached:
    """A budget that has reached a level; minutes. `highest` is the highest level that the same step has reached."""

    kind: BudgetKind
    level: int
    highest: int
    limit: int
    booked: int
    whose: str  # the site's name, or the engagement's for PS hours
    engagement: str
    manager: str
    account_rep: str | None

    @property
    def left(self) -> int:
        return self.limit - self.booked

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        return () if self.kind is BudgetKind.PS else (("Engagement", self.engagement),)


def team_words(budget: Reached) -> Words:
    """The team's: who settles what, and before when."""
    said = f"{say_minutes(budget.booked)} of {say_minutes(budget.limit)} are booked, what is not approved yet included"
    headline = f"{budget.whose}: {budget.level} % of {budget.kind.label} booked"
    left = say_minutes(budget.left)
    if budget.highest >= ALL:
        text = f"{said}; nothing is left. {_team_now(budget)}"
    elif budget.highest >= NEARLY:
        settle = f"{budget.manager}: agree with the customer, before they are gone, what pays for the rest"
        text = f"{said}; {left} left. {settle}: {_ways(budget)}."
    else:
        check = "Everybody: look whether what is still to be done fits into that"
        text = f"{said}; {left} left. {check}, and tell {budget.manager} today if it does not."
    return Words(headline, text, budget.facts)


def customer_words(budget: Reached) -> Words:
    """The customer's: what they have left, what they may do about it, and that nothing beyond it happens unasked."""
    said = f"{say_minutes(budget.booked)} of {say_minutes(budget.limit)} are used or held"
    headline = f"{budget.whose}: {budget.level} % of {FOR[budget.kind]} used"
    left = say_minutes(budget.left)
    if budget.highest >= ALL:
        text = f"{said}, so nothing is left. {_customer_now(budget)}"
    elif budget.highest >= NEARLY:
        text = f"{said}, {left} left. {_more(budget)} {budget.manager} asks you before anything goes beyond your hours."
    else:
        text = f"{said}, {left} left. You need do nothing now."
    return Words(headline, text, budget.facts)


def _ways(budget: Reached) -> str:
    return "another PS block, a change request, or nothing" if budget.kind is BudgetKind.PS else "PS hours, or a change request"


def _team_now(budget: Reached) -> str:
    refused = "From now on an entry on it is refused"
    if budget.kind is BudgetKind.PS:
        return f"{refused}. {budget.manager}: sell a PS block or raise a change request before anybody works on."
    wider = "PS hours" if budget.kind is BudgetKind.PREMIUM_EXTRA else "the budgets after it"
    return (
        f"{refused}, or split: {wider} pay for the rest where there are any. "
        f"{budget.manager}: sell PS hours or raise a change request before anybody works beyond them."
    )


def _customer_now(budget: Reached) -> str:
    if budget.kind is BudgetKind.PS:
        return f"Nothing further is worked on them without your agreement. {_more(budget)}"
    further = "PS hours" if budget.kind is BudgetKind.PREMIUM_EXTRA else "other hours of yours that are meant for it"
    paid = f"What else it takes is paid from {further}, if you have any; nothing is worked beyond them without your agreement."
    return f"{paid} {_more(budget)}"


def _more(budget: Reached) -> str:
    who = f"your account rep, {budget.account_rep}," if budget.account_rep else "your account rep"
    return f"If you want more, ask {who} for PS hours, or raise a change request."
