"""What a move of work between budgets does to each of them, worked out before anything is written. Whole minutes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from tracker.domain.budget import (
    DRAWS_ON,
    Balance,
    BudgetExceeded,
    BudgetKind,
    Part,
    WorkKind,
    rooms_for,
    spread,
    ways_on,
)
from tracker.domain.errors import Invalid, RuleViolation, TrackerError


@dataclass(frozen=True)
class Target:
    """What work is to count as after a move."""

    kind: WorkKind
    activity: str | None = None
    known_issue_id: str | None = None
    ps_kind: str | None = None


@dataclass(frozen=True)
class Share:
    """What an entry draws of one budget. `lapses` where what comes back is lost, because its PS block has ended."""

    budget_id: UUID
    minutes: int
    lapses: bool = False


@dataclass(frozen=True)
class Moving:
    """An entry as a move looks at it: what it draws, and which budgets of its site may pay for it instead."""

    entry_id: UUID
    minutes: int
    is_approved: bool
    shares: Sequence[Share]
    payers: Mapping[BudgetKind, UUID]


class NotMoved(RuleViolation):
    """Several entries were to move together and one could not, so none did: which one, and its own reason."""

    def __init__(self, entry_id: UUID, cause: TrackerError) -> None:
        super().__init__(cause.message)
        self.entry_id = entry_id
        self.cause = cause
        self.code = cause.code

    def details(self) -> Mapping[str, Any]:
        return {**self.cause.details(), "entry_id": str(self.entry_id)}


def after_move(
    balances: Mapping[UUID, Balance], moving: Moving, kind: WorkKind, *, split: bool
) -> tuple[dict[UUID, Balance], list[Part]]:
    """Return the balances after one move, and the parts that the budgets then pay for; what is given back counts at once.

    Raises BudgetExceeded with what is left and the ways on, Invalid at `kind` for a budget that the site does not have.
    """
    after = dict(balances)
    for share in moving.shares:
        after[share.budget_id] = _given_back(after[share.budget_id], share, is_approved=moving.is_approved)
    parts = _parts(after, moving, kind, split=split)
    for part in parts:
        budget_id = moving.payers[part.kind]
        after[budget_id] = _taken(after[budget_id], part.minutes, is_approved=moving.is_approved)
    return after, parts


def _parts(after: Mapping[UUID, Balance], moving: Moving, kind: WorkKind, *, split: bool) -> list[Part]:
    wanted = DRAWS_ON[kind]
    if wanted is None:
        return []
    if wanted not in moving.payers:
        raise no_premium_extra()
    rooms = rooms_for(wanted, {each: after[budget_id].left for each, budget_id in moving.payers.items()})
    parts = spread(moving.minutes, rooms) if split or rooms[0].left >= moving.minutes else None
    if parts is None:
        raise BudgetExceeded(wanted, rooms[0].left, ways_on(moving.minutes, rooms))
    return parts


def _given_back(balance: Balance, share: Share, *, is_approved: bool) -> Balance:
    limit = balance.limit - share.minutes if share.lapses else balance.limit
    return _taken(replace(balance, limit=limit), -share.minutes, is_approved=is_approved)


def _taken(balance: Balance, minutes: int, *, is_approved: bool) -> Balance:
    if is_approved:
        return replace(balance, used=balance.used + minutes)
    return replace(balance, held=balance.held + minutes)


def no_premium_extra() -> Invalid:
    """What is said of Premium work on a site whose option is another one."""
    return Invalid.at("kind", "This site has no Premium extra hours. Log work on its Premium option as included.")


def check_moves(stands: str, kind: WorkKind) -> None:
    """Raises Invalid at `kind` where the same budget would pay."""
    if kind == stands:
        raise Invalid.at("kind", "It counts as that already. Choose what else it is.")
