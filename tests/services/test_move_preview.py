"""What a preview says of a move is what the move then does, whatever the budgets hold."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, some_work
from tracker.domain.access import Actor
from tracker.domain.budget import Balance, BudgetExceeded, WorkKind
from tracker.domain.errors import TrackerError
from tracker.domain.move import NotMoved
from tracker.services import budget as budget_service
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.services.move_preview import preview
from tracker.services.time_entry import Target
from tracker.store import budget as budgets
from tracker.store.budget import PsBlock, counter_faults
from tracker.store.database import db
from tracker.store.site import Site
from tracker.store.transaction import transaction

EXTRA = {"package": "premium", "premium_option": "extra-hours-10"}
TARGETS = {
    WorkKind.ALLOWANCE: Target(WorkKind.ALLOWANCE, activity="research"),
    WorkKind.PREMIUM: Target(WorkKind.PREMIUM),
    WorkKind.PS: Target(WorkKind.PS, ps_kind="custom-upstream"),
    WorkKind.INCLUDED: Target(WorkKind.INCLUDED),
}
PIECES = st.lists(st.tuples(st.integers(0, 1), st.sampled_from(WorkKind), st.integers(1, 280)), min_size=1, max_size=5)


@dataclass(frozen=True)
class Ground:
    """Two sites of one engagement, the first with Premium extra hours, and who books there."""

    who: Actor
    sites: list[Site]

    def book(self, piece: tuple[int, WorkKind, int], upto: str) -> UUID | None:
        """An entry, handed in or approved; None where it does not fit."""
        place, kind, minutes = piece
        try:
            with transaction(db.session, now=NOW):
                entry = service.book(db.session, self.who, some_work(self.sites[place], minutes, kind), now=NOW)[0].entry
                if upto != "draft":
                    service.submit(db.session, self.who, entry.id, now=NOW)
                if upto == "approved":
                    service.approve(db.session, self.who, entry.id, now=NOW)
        except TrackerError:
            return None
        return entry.id

    def balances(self) -> dict[UUID, Balance]:
        db.session.close()
        kept = budgets.of_engagement(db.session, self.sites[0].engagement_id)
        return {each.id: each.balance for each in kept}


def lay() -> Ground:
    engagement = make_engagement()
    sites = [make_site(engagement, **EXTRA), make_site(engagement)]
    agree(engagement)
    ground = Ground(actor(make_person("admin")), sites)
    for minutes in (240, 300):
        with transaction(db.session, now=NOW):
            spec = BlockSpec(minutes, "Q-7", TODAY)
            budget_service.sell_block(db.session, ground.who, engagement.id, spec, now=NOW)
    return ground


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_move_does_what_its_preview_said(app: Flask) -> None:
    @given(
        pieces=PIECES, states=st.lists(st.sampled_from(("draft", "submitted", "approved")), min_size=5, max_size=5),
        kind=st.sampled_from(WorkKind), split=st.booleans(),
    )  # fmt: skip
    @settings(max_examples=60, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def holds(pieces: list[tuple[int, WorkKind, int]], states: list[str], kind: WorkKind, split: bool) -> None:
        ground = lay()
        ids = [each for piece, state in zip(pieces, states, strict=False) if (each := ground.book(piece, state))]
        if not ids:
            return
        before = ground.balances()
        looked = preview(db.session, ground.who, ids, TARGETS[kind], split=split, now=NOW)
        assert {change.budget.id: change.before for change in looked.changes}.items() <= before.items()
        refused: NotMoved | None = None
        try:
            with transaction(db.session, now=NOW):
                service.move_all(db.session, ground.who, ids, TARGETS[kind], split=split, now=NOW)
        except NotMoved as error:
            refused = error
        after = ground.balances()
        assert told(looked.refused) == told(refused)
        if refused is None:
            assert before | {change.budget.id: change.after for change in looked.changes} == after
        else:
            assert after == before
        assert counter_faults(db.session) == []

    holds()


def told(refused: NotMoved | None) -> Any:
    """A refusal as it can be compared."""
    return refused and (refused.entry_id, type(refused.cause), refused.cause.details())


def test_what_comes_back_to_a_block_that_has_ended_is_lost_and_the_preview_says_so(app: Flask) -> None:
    ground = lay()
    entry_id = ground.book((0, WorkKind.PS, 200), "approved")
    assert entry_id is not None
    with transaction(db.session, now=NOW):
        for block in budgets.blocks_of(db.session, ground.sites[0].engagement_id):
            db.session.get_one(PsBlock, block.id).expires_on = TODAY
    later = NOW + timedelta(days=3)
    looked = preview(db.session, ground.who, [entry_id], TARGETS[WorkKind.ALLOWANCE], now=later)
    (pool,) = [change for change in looked.changes if change.budget.kind == "ps"]
    assert pool.after is not None
    assert (pool.before.limit, pool.before.left, pool.after.limit, pool.after.left) == (200, 0, 0, 0)


def test_a_preview_names_what_the_budget_lacks_and_touches_nothing(app: Flask) -> None:
    ground = lay()
    entry_id = ground.book((1, WorkKind.PS, 280), "submitted")
    ground.book((1, WorkKind.ALLOWANCE, 100), "draft")
    assert entry_id is not None
    before = ground.balances()
    looked = preview(db.session, ground.who, [entry_id], TARGETS[WorkKind.ALLOWANCE], now=NOW)
    assert looked.refused is not None
    assert isinstance(looked.refused.cause, BudgetExceeded)
    assert looked.refused.cause.left == 200
    assert [change.after for change in looked.changes] == [None, None]
    assert ground.balances() == before
