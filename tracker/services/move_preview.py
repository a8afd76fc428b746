"""What a move would do, worked out without doing it: each balance before and after, and what stands in the way.

The move itself is `tracker.services.time_entry.move`; a property test compares the two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.budget import Balance, BudgetExceeded, BudgetKind, Part
from tracker.domain.errors import FieldError, Invalid, NotFound, TrackerError
from tracker.domain.lifecycle import advance
from tracker.domain.move import Moving, NotMoved, Share, Target, after_move, check_moves
from tracker.domain.time_entry import ENTRY_LIFECYCLE, Work, check_may_take_back
from tracker.domain.workday import Calendar
from tracker.services.booking import check_known_issue, check_open_day, check_place
from tracker.store import budget as budgets
from tracker.store import time_entry as entries
from tracker.store.budget import Budget, Draw, PsBlock
from tracker.store.database import AnySession
from tracker.store.time_entry import Place, TimeEntry


@dataclass(frozen=True)
class Change:
    """One budget before and after a move. `after` is None where nothing moves, because something does not fit."""

    budget: Budget
    before: Balance
    after: Balance | None


@dataclass(frozen=True)
class Preview:
    """What a move would do: each budget it touches, what becomes of each entry, and what still has to be said or done.

    `refused` is why nothing would move, with the entry it concerns; `missing` are fields that the target still needs.
    """

    entries: list[TimeEntry]
    changes: list[Change]
    parts: dict[UUID, list[Part]]
    refused: NotMoved | None
    missing: list[FieldError]


def preview(session: AnySession, actor: Actor, ids: Sequence[UUID], to: Target, *, split: bool = False, now: datetime) -> Preview:
    """Work out a move of one or several entries in the order in which they would move. A fixed number of statements.

    Raises NotFound for an entry that is not there or not the actor's to know of. Source: BR-05, reading 3.
    """
    chosen = entries.of_ids(session, actor, set(ids))
    if not chosen or len(chosen) != len(set(ids)):
        raise NotFound
    ground = _Ground.of(session, chosen, now)
    balances = dict(ground.before)
    parts: dict[UUID, list[Part]] = {}
    missing: dict[str, FieldError] = {}
    refused = None
    for entry in chosen:
        try:
            missing |= {fault.field: fault for fault in _check(actor, entry, to, ground.places[entry.site_id])}
            balances, parts[entry.id] = after_move(balances, ground.moving(entry), to.kind, split=split)
        except TrackerError as error:
            refused = NotMoved(entry.id, error)
            break
    touched = _touched(ground, chosen, parts, refused)
    changes = [
        Change(budget, ground.before[budget.id], None if refused else balances[budget.id])
        for budget in ground.budgets
        if budget.id in touched
    ]
    return Preview(chosen, changes, parts, refused, list(missing.values()))


def _check(actor: Actor, entry: TimeEntry, to: Target, place: Place) -> list[FieldError]:
    """What the target still has to say of one entry. Raises what a move of it would raise, its budgets apart."""
    check_may_take_back(actor, entry.person_id, entry.state)
    check_moves(entry.kind, to.kind)
    advance(ENTRY_LIFECYCLE, entry.state, "reversed")
    check_open_day(place.locked_through, entry.worked_on)
    check_place(place)
    work = Work(entry.site_id, entry.worked_on, entry.minutes, to.kind, to.activity, to.known_issue_id, to.ps_kind, entry.note)
    try:
        check_known_issue(work.checked(today=entry.worked_on, signed_on=place.signed_on), place)
    except Invalid as error:
        return error.errors
    return []


def _touched(
    ground: "_Ground", chosen: Sequence[TimeEntry], parts: Mapping[UUID, Sequence[Part]], refused: NotMoved | None
) -> set[UUID]:
    """The budgets that give or take, and the one that has too little."""
    touched = {draw.budget_id for entry in chosen for draw in ground.drawn[entry.id]}
    for entry in chosen:
        payers = ground.payers[entry.site_id]
        touched |= {payers[part.kind] for part in parts.get(entry.id, ())}
        if refused is not None and entry.id == refused.entry_id and isinstance(refused.cause, BudgetExceeded):
            touched.add(payers[refused.cause.kind])
    return touched


@dataclass(frozen=True)
class _Ground:
    """All that a move looks at, read beforehand."""

    places: dict[UUID, Place]
    drawn: dict[UUID, list[Draw]]
    budgets: list[Budget]
    payers: dict[UUID, dict[BudgetKind, UUID]]
    before: dict[UUID, Balance]
    # The PS blocks that have ended: what comes back to one of them is lost.
    ended: set[UUID]

    @classmethod
    def of(cls, session: AnySession, chosen: Sequence[TimeEntry], now: datetime) -> "_Ground":
        sites = {(entry.engagement_id, entry.site_id) for entry in chosen}
        paying = budgets.of_sites(session, sites)
        places = entries.places_of(session, {site_id for _engagement_id, site_id in sites})
        found = {budget.id: budget for each in paying.values() for budget in each}
        today = {place.engagement_id: _today(place, now) for place in places.values()}
        ended = [
            block
            for block in budgets.blocks_of_several(session, list(today))
            if _has_ended(block, today[block.engagement_id]) and not block.carries_over
        ]
        return cls(
            places=places,
            drawn=budgets.drawn_by(session, [entry.id for entry in chosen]),
            budgets=list(found.values()),
            payers={site_id: {BudgetKind(budget.kind): budget.id for budget in each} for site_id, each in paying.items()},
            before={budget.id: _without(budget, ended) for budget in found.values()},
            ended={block.id for block in ended},
        )

    def moving(self, entry: TimeEntry) -> Moving:
        shares = [Share(draw.budget_id, draw.minutes, draw.block_id in self.ended) for draw in self.drawn[entry.id]]
        return Moving(entry.id, entry.minutes, entry.state == "approved", shares, self.payers[entry.site_id])


def _today(place: Place, now: datetime) -> date:
    return Calendar(place.time_zone, frozenset()).local_date(now)


def _has_ended(block: PsBlock, today: date) -> bool:
    """Whether a block's last day is over, in the zone of its engagement."""
    return block.lapsed_at is not None or (block.expires_on is not None and block.expires_on < today)


def _without(budget: Budget, ended: Sequence[PsBlock]) -> Balance:
    """A budget as a booking finds it: what is left in blocks that have ended lapses before anybody draws."""
    balance = budget.balance
    if balance.kind is not BudgetKind.PS:
        return balance
    gone = sum(block.left for block in ended if block.engagement_id == budget.engagement_id and block.lapsed_at is None)
    return replace(balance, limit=balance.limit - gone)
