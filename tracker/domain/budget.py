"""The three hour ledgers: what each holds, in which order they are drawn, and the lawful ways on when one is empty.

All figures are whole minutes. Sources: BR-03..BR-07, docs/rules/budget.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid, PsMinimum, RuleViolation
from tracker.domain.site import EXTRA_HOURS


class BudgetKind(StrEnum):
    """The three ledgers, named as the API names them."""

    ALLOWANCE = "known_incompatibility"
    PREMIUM_EXTRA = "premium_extra"
    PS = "ps"

    @property
    def label(self) -> str:
        return BUDGET_LABELS[self]


BUDGET_LABELS: Mapping[BudgetKind, str] = {
    BudgetKind.ALLOWANCE: "Known-incompatibility allowance",
    BudgetKind.PREMIUM_EXTRA: "Premium extra hours",
    BudgetKind.PS: "PS hours",
}
ALLOWANCE_MINUTES = 300
PREMIUM_EXTRA_MINUTES = 600
PS_MINIMUM_MINUTES = 240
MAX_BLOCK_MINUTES = 600_000
# Per cent of a budget, booked, at which people hear of it.
LEVELS = (60, 80, 100)
# Incompatibility work draws the narrowest purpose first.
DRAW_ORDER = (BudgetKind.ALLOWANCE, BudgetKind.PREMIUM_EXTRA, BudgetKind.PS)


class WorkKind(StrEnum):
    """What an entry says it is; this names the budget it draws on."""

    ALLOWANCE = "known_incompatibility"
    PREMIUM = "premium"
    PS = "ps"
    INCLUDED = "included"

    @property
    def label(self) -> str:
        return {
            "known_incompatibility": "Known incompatibility",
            "premium": "Premium extra",
            "ps": "PS work",
            "included": "Included work",
        }[self]


DRAWS_ON: Mapping[WorkKind, BudgetKind | None] = {
    WorkKind.ALLOWANCE: BudgetKind.ALLOWANCE,
    WorkKind.PREMIUM: BudgetKind.PREMIUM_EXTRA,
    WorkKind.PS: BudgetKind.PS,
    WorkKind.INCLUDED: None,
}
PAID_AS: Mapping[BudgetKind, WorkKind] = {budget: work for work, budget in DRAWS_ON.items() if budget is not None}


def entitled(package: str, premium_option: str | None) -> dict[BudgetKind, int]:
    """The site budgets that a package brings, kind to minutes (BR-03, reading 6)."""
    budgets = {BudgetKind.ALLOWANCE: ALLOWANCE_MINUTES}
    if package == "premium" and premium_option == EXTRA_HOURS:
        budgets[BudgetKind.PREMIUM_EXTRA] = PREMIUM_EXTRA_MINUTES
    return budgets


@dataclass(frozen=True)
class Balance:
    """One budget as it is shown: used is approved, held is booked but not approved, left is what may still be booked."""

    kind: BudgetKind
    limit: int
    used: int
    held: int

    @property
    def left(self) -> int:
        return self.limit - self.used - self.held

    @property
    def warn(self) -> bool:
        return self.limit > 0 and (self.used + self.held) * 100 >= 80 * self.limit


@dataclass(frozen=True)
class Room:
    """What one budget can still take, in minutes."""

    kind: BudgetKind
    left: int


@dataclass(frozen=True)
class Part:
    """A share of some work and the budget that pays for it."""

    kind: BudgetKind
    minutes: int


@dataclass(frozen=True)
class Option:
    """A lawful way on after a refusal: split, buy_ps or change_request; what it needs, in minutes."""

    action: str
    kind: str
    minutes: int

    @property
    def label(self) -> str:
        if self.action == "split":
            return f"Put {say_minutes(self.minutes)} on {BUDGET_LABELS[BudgetKind(self.kind)]}"
        if self.action == "buy_ps":
            return f"Sell a PS block of at least {say_minutes(self.minutes)}"
        return f"Raise a change request for {say_minutes(self.minutes)}"


class BudgetExceeded(RuleViolation):
    """The work does not fit: what is left, and the lawful moves."""

    code = "budget_exceeded"

    def __init__(self, kind: BudgetKind, left: int, options: Sequence[Option], *, note: str = "") -> None:
        super().__init__(" ".join(filter(None, [f"{kind.label}: {say_minutes(left)} left, so this does not fit.", note])))
        self.kind = kind
        self.left = left
        self.options = list(options)

    def details(self) -> Mapping[str, Any]:
        options = [{"action": option.action, "kind": option.kind, "minutes": option.minutes} for option in self.options]
        return {"left_minutes": self.left, "options": options}


def levels_crossed(limit: int, before: int, after: int) -> list[int]:
    """The levels, in per cent, that a change of the booked minutes from `before` to `after` reaches or passes upward.

    One entry may pass several. Integers throughout, so that no rounding moves a level.
    """
    return [level for level in LEVELS if before * 100 < level * limit <= after * 100]


def spread(minutes: int, rooms: Sequence[Room]) -> list[Part] | None:
    """Spread work over budgets in the given order, losing no minute; None where all of them together have too little."""
    parts: list[Part] = []
    for room in rooms:
        share = min(minutes, room.left)
        if share > 0:
            parts.append(Part(room.kind, share))
            minutes -= share
    return None if minutes else parts


def ways_on(minutes: int, rooms: Sequence[Room]) -> list[Option]:
    """The lawful moves for work that its own budget (the first room) cannot take whole.

    A split is offered where the budgets together can take it; a PS block and a change request always are.
    """
    missing = minutes - rooms[0].left
    options: list[Option] = []
    parts = spread(minutes, rooms) or []
    options += [Option("split", part.kind, part.minutes) for part in parts if part.kind is not rooms[0].kind]
    options.append(Option("buy_ps", BudgetKind.PS, max(PS_MINIMUM_MINUTES, missing)))
    options.append(Option("change_request", rooms[0].kind, missing))
    return options


def rooms_for(kind: BudgetKind, left: Mapping[BudgetKind, int]) -> list[Room]:
    """The budgets that may lawfully pay for work of a kind, in draw order, as far as the site has them."""
    order = DRAW_ORDER[DRAW_ORDER.index(kind) :]
    return [Room(each, left[each]) for each in order if each in left]


def check_block(minutes: int) -> None:
    """Four hours or more are bought at a time (BR-06). Raises PsMinimum at `minutes`, Invalid for an absurd block."""
    if minutes < PS_MINIMUM_MINUTES:
        raise PsMinimum.at("minutes", f"PS hours are bought 4 h or more at a time; this is {say_minutes(minutes)}.")
    if minutes > MAX_BLOCK_MINUTES:
        raise Invalid.at("minutes", "One block holds at most 10,000 hours.")
