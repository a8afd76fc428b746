"""The ledger against a model: every operation in any order, compared after each step with a few dictionaries.

The model knows the rules and none of the program's functions: what fits, who pays first, what lapses, which step is open.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.errors import Guard, Invalid, TrackerError
from tracker.domain.time_entry import Work
from tracker.services import budget as budget_service
from tracker.services import hours_lock, ps_block
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.services.time_entry import DraftChange, Target
from tracker.store import budget as budgets
from tracker.store import time_entry as entries
from tracker.store.database import db
from tracker.store.ps_block import block_faults
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

EXAMPLES, STEPS = 12, 30
ORDER = ("known_incompatibility", "premium_extra", "ps")
PAYS = {"known_incompatibility": "known_incompatibility", "premium": "premium_extra", "ps": "ps", "included": None}
WORK_OF = {"known_incompatibility": "known_incompatibility", "premium_extra": "premium", "ps": "ps"}
OPEN = ("draft", "submitted", "approved")


@dataclass
class Block:
    """A block of the model, in minutes."""

    id: UUID
    limit: int
    purchased_on: date
    expires_on: date | None
    carries_over: bool
    booked: int = 0
    approved: int = 0
    lapsed: int = 0
    ended: bool = False
    voided: bool = False

    @property
    def left(self) -> int:
        return 0 if self.voided else self.limit - self.booked - self.lapsed


@dataclass
class Entry:
    """An entry of the model. What it draws is by block, or by the name of its site's budget, in the order of drawing."""

    site: UUID
    day: date
    kind: str
    minutes: int
    state: str = "draft"
    draws: dict[UUID | str, int] = field(default_factory=dict)


class Refused(Exception):
    """The model says that this must be refused, with that error."""

    def __init__(self, error: type[TrackerError], left: int | None = None) -> None:
        super().__init__(error.__name__)
        self.error, self.left = error, left


class Ledger(RuleBasedStateMachine):
    """One engagement with a Standard site and one with Premium extra hours; an administrator does everything."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = NOW
        self.who = actor(make_person("admin"))
        engagement = make_engagement()
        plain, rich = make_site(engagement), make_site(engagement, package="premium", premium_option="extra-hours-10")
        agree(engagement)
        self.engagement_id = engagement.id
        self.sites = (plain.id, rich.id)
        self.closed: date | None = None
        self.blocks: list[Block] = []
        self.entries: dict[UUID, Entry] = {}
        # Limit, booked and approved of each site's budgets; the pool is the sum of its blocks.
        self.counters: dict[tuple[UUID, str], list[int]] = {
            (plain.id, "known_incompatibility"): [300, 0, 0],
            (rich.id, "known_incompatibility"): [300, 0, 0],
            (rich.id, "premium_extra"): [600, 0, 0],
        }
        db.session.close()

    @property
    def today(self) -> date:
        return self.now.date()

    # --- the program and the model do the same, or both refuse ---

    def both(self, does: Callable[[], Any], models: Callable[[], Any]) -> Any:
        """Let the model say first what must come of it; a refusal must be the same and change nothing."""
        expected: Refused | None = None
        try:
            models()
        except Refused as refused:
            expected = refused
        if expected is None:
            with transaction(db.session, now=self.now):
                return does()
        with pytest.raises(expected.error) as told, transaction(db.session, now=self.now):
            does()
        if expected.left is not None:
            assert told.value.left == expected.left  # type: ignore[attr-defined]
        return None

    # --- the model ---

    def room(self, site: UUID, kind: str) -> int | None:
        if kind == "ps":
            return sum(block.left for block in self.blocks)
        counter = self.counters.get((site, kind))
        return None if counter is None else counter[0] - counter[1]

    def lapse(self) -> None:
        for block in self.blocks:
            if block.expires_on is not None and block.expires_on < self.today and not block.ended and not block.voided:
                block.lapsed += 0 if block.carries_over else block.left
                block.ended = True

    def draw(self, entry: Entry, kind: str, minutes: int) -> None:
        if kind != "ps":
            self.counters[entry.site, kind][1] += minutes
            entry.draws[kind] = entry.draws.get(kind, 0) + minutes
            return
        for block in sorted(self.blocks, key=lambda each: (each.purchased_on, each.id)):
            share = min(block.left, minutes)
            if share:
                block.booked += share
                entry.draws[block.id] = entry.draws.get(block.id, 0) + share
                minutes -= share

    def give_back(self, entry: Entry, minutes: int, *, approved: bool = False) -> None:
        for key in reversed(list(entry.draws)):
            share = min(entry.draws[key], minutes)
            entry.draws[key] -= share
            minutes -= share
            if isinstance(key, UUID):
                block = next(each for each in self.blocks if each.id == key)
                block.booked -= share
                block.approved -= share if approved else 0
                block.lapsed += share if block.ended and not block.carries_over else 0
            else:
                counter = self.counters[entry.site, key]
                counter[1] -= share
                counter[2] -= share if approved else 0

    def parts(self, site: UUID, kind: str, minutes: int, split: bool) -> list[tuple[str | None, int]]:
        """Which budgets pay how much. Raises Refused."""
        payer = PAYS[kind]
        if payer is None:
            return [(None, minutes)]
        left = self.room(site, payer)
        if left is None:
            raise Refused(Invalid)
        if minutes <= left:
            return [(payer, minutes)]
        found: list[tuple[str | None, int]] = []
        rest = minutes
        for each in ORDER[ORDER.index(payer) :]:
            share = min(rest, self.room(site, each) or 0)
            if share:
                found.append((each, share))
                rest -= share
        if rest or not split:
            raise Refused(BudgetExceeded, left)
        return found

    def must_be_open(self, *days: date) -> None:
        if self.closed is not None and any(day <= self.closed for day in days):
            raise Refused(Guard)

    def write(self, site: UUID, day: date, parts: list[tuple[str | None, int]], state: str = "draft") -> list[Entry]:
        made = []
        for payer, minutes in parts:
            entry = Entry(site, day, WORK_OF[payer] if payer else "included", minutes, state)
            if payer:
                self.draw(entry, payer, minutes)
            made.append(entry)
        return made

    def accept(self, entry: Entry) -> None:
        entry.state = "approved"
        for key, minutes in entry.draws.items():
            if isinstance(key, UUID):
                next(each for each in self.blocks if each.id == key).approved += minutes
            else:
                self.counters[entry.site, key][2] += minutes

    # --- the operations ---

    @initialize()
    def begin(self) -> None:
        """Two blocks, the older of which ends soon, and work that crosses from one to the other."""
        self.sell(240, 10, 10)
        self.sell(240, 0, None)
        self.book(1, "ps", 300, split=False)

    @rule(
        site=st.integers(0, 1),
        kind=st.sampled_from(["ps", "ps", *PAYS]),
        minutes=st.one_of(st.integers(1, 30), st.integers(50, 400)),
        split=st.booleans(),
    )
    def log(self, site: int, kind: str, minutes: int, split: bool) -> None:
        self.book(site, kind, minutes, split=split)

    def book(self, site: int, kind: str, minutes: int, *, split: bool) -> None:
        made: list[Entry] = []

        def models() -> None:
            self.must_be_open(self.today)
            parts = self.parts(self.sites[site], kind, minutes, split)
            made.extend(self.write(self.sites[site], self.today, parts))

        work = _work(self.sites[site], self.today, kind, minutes)
        booked = self.both(lambda: service.book(db.session, self.who, work, split=split, now=self.now), models)
        for entry, each in zip(made, booked or [], strict=True):
            self.entries[each.entry.id] = entry

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), minutes=st.integers(1, 400))
    def mend(self, data: st.DataObject, minutes: int) -> None:
        entry_id, entry = self.some(data, "draft")

        def models() -> None:
            if entry.state != "draft":
                raise Refused(Guard)
            self.must_be_open(entry.day)
            payer, more = PAYS[entry.kind], minutes - entry.minutes
            if payer and more > 0:
                left = self.room(entry.site, payer) or 0
                if more > left:
                    raise Refused(BudgetExceeded, left)
                self.draw(entry, payer, more)
            elif payer:
                self.give_back(entry, -more)
            entry.minutes = minutes

        self.both(lambda: service.mend(db.session, self.who, entry_id, DraftChange({"minutes": minutes}), now=self.now), models)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def submit(self, data: st.DataObject) -> None:
        entry_id, entry = self.some(data, "draft")

        def models() -> None:
            self.step(entry, ("draft",))
            entry.state = "submitted"

        self.both(lambda: service.submit(db.session, self.who, entry_id, now=self.now), models)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def approve(self, data: st.DataObject) -> None:
        entry_id, entry = self.some(data, "submitted")

        def models() -> None:
            self.step(entry, ("submitted",))
            self.accept(entry)

        self.both(lambda: service.approve(db.session, self.who, entry_id, now=self.now), models)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        entry_id, entry = self.some(data, "submitted")

        def models() -> None:
            self.step(entry, ("submitted",))
            self.give_back(entry, entry.minutes)
            entry.state = "rejected"

        self.both(lambda: service.reject(db.session, self.who, entry_id, "not ours", now=self.now), models)

    @precondition(lambda self: self.entries)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        entry_id, entry = self.some(data, *OPEN)
        self.both(lambda: service.reverse(db.session, self.who, entry_id, "wrong", now=self.now), lambda: self.take_back(entry))

    @precondition(lambda self: self.entries)
    @rule(data=st.data(), kind=st.sampled_from(sorted(PAYS)), split=st.booleans())
    def move(self, data: st.DataObject, kind: str, split: bool) -> None:
        entry_id, entry = self.some(data, *OPEN)
        made: list[Entry] = []
        saved = self.copied()

        def models() -> None:
            state = entry.state
            if kind == entry.kind:
                raise Refused(Invalid)
            try:
                self.take_back(entry)
                parts = self.parts(entry.site, kind, entry.minutes, split)
            except Refused:
                self.restore(saved)
                raise
            for each in self.write(entry.site, entry.day, parts, "draft" if state == "draft" else "submitted"):
                if state == "approved":
                    self.accept(each)
                made.append(each)

        target = Target(WorkKind(kind), activity="research", ps_kind="custom-upstream" if kind == "ps" else None)
        moved = self.both(lambda: service.move(db.session, self.who, entry_id, target, split=split, now=self.now), models)
        for each, booked in zip(made, moved or [], strict=True):
            self.entries[booked.entry.id] = each

    @rule(minutes=st.sampled_from([240, 300, 480]), age=st.integers(0, 20), days=st.one_of(st.none(), st.integers(1, 40)))
    def buy(self, minutes: int, age: int, days: int | None) -> None:
        self.sell(minutes, age, days)

    def sell(self, minutes: int, age: int, days: int | None) -> None:
        bought = self.today - timedelta(days=age)
        last = None if days is None else self.today + timedelta(days=days)
        carries = days is not None and days % 3 == 0
        with transaction(db.session, now=self.now):
            spec = BlockSpec(minutes, "Q-7", bought, expires_on=last, carries_over=carries)
            sold = budget_service.sell_block(db.session, self.who, self.engagement_id, spec, now=self.now)
        self.blocks.append(Block(sold.id, minutes, bought, last, carries))

    @precondition(lambda self: self.blocks)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        block = data.draw(st.sampled_from(self.blocks))

        def models() -> None:
            if block.voided or block.booked:
                raise Refused(Guard)
            block.voided = True

        self.both(lambda: ps_block.void_block(db.session, self.who, block.id, "entered twice", now=self.now), models)

    @rule(days=st.integers(1, 15))
    def days_pass(self, days: int) -> None:
        """The metronome has looked at every block by the next morning."""
        self.now += timedelta(days=days)
        self.lapse()
        turned = 1
        while turned:
            with transaction(db.session, now=self.now):
                turned = ps_block.turn_due(db.session, now=self.now)

    @rule()
    def close(self) -> None:
        def models() -> None:
            if self.closed == self.today:
                raise Refused(Invalid)
            if any(each.state in ("draft", "submitted") for each in self.entries.values()):
                raise Refused(Guard)
            self.closed = self.today

        self.both(lambda: hours_lock.close_hours(db.session, self.who, self.engagement_id, self.today, now=self.now), models)

    @precondition(lambda self: self.closed)
    @rule()
    def open(self) -> None:
        self.closed = None
        with transaction(db.session, now=self.now):
            hours_lock.open_hours(db.session, self.who, self.engagement_id, None, "a late invoice", now=self.now)

    # --- what they share ---

    def some(self, data: st.DataObject, *states: str) -> tuple[UUID, Entry]:
        """An entry for which the step is open, mostly; else any."""
        fitting = [each for each, entry in self.entries.items() if entry.state in states]
        anywhere = data.draw(st.integers(0, 4)) == 0
        entry_id = data.draw(st.sampled_from(list(self.entries) if anywhere or not fitting else fitting))
        return entry_id, self.entries[entry_id]

    def step(self, entry: Entry, states: tuple[str, ...]) -> None:
        if entry.state not in states:
            raise Refused(Guard)
        self.must_be_open(entry.day)

    def take_back(self, entry: Entry) -> None:
        self.step(entry, OPEN)
        self.give_back(entry, entry.minutes, approved=entry.state == "approved")
        entry.state = "reversed"

    def copied(self) -> Any:
        return (
            {key: list(values) for key, values in self.counters.items()},
            [(block.booked, block.approved, block.lapsed) for block in self.blocks],
            {each: (entry.state, dict(entry.draws)) for each, entry in self.entries.items()},
        )

    def restore(self, saved: Any) -> None:
        self.counters, blocks, states = saved
        for block, counts in zip(self.blocks, blocks, strict=True):
            block.booked, block.approved, block.lapsed = counts
        for each, (state, draws) in states.items():
            self.entries[each].state, self.entries[each].draws = state, draws

    # --- what must be the same after every step ---

    @invariant()
    def the_counters_are_those_of_the_model(self) -> None:
        db.session.close()
        kept = budgets.of_engagement(db.session, self.engagement_id)
        shown = {(each.site_id, each.kind): [each.limit_minutes, each.booked, each.approved] for each in kept}
        live = [block for block in self.blocks if not block.voided]
        pool = [sum(block.limit - block.lapsed for block in live), sum(b.booked for b in live), sum(b.approved for b in live)]
        expected: dict[tuple[UUID | None, str], list[int]] = {(None, "ps"): pool}
        expected.update(self.counters)  # type: ignore[arg-type]  # the pool alone has no site
        assert shown == expected
        bought = {each.id: (each.booked, each.approved, each.left) for each in budgets.blocks_of(db.session, self.engagement_id)}
        assert bought == {block.id: (block.booked, block.approved, block.left) for block in self.blocks}

    @invariant()
    def the_entries_are_those_of_the_model(self) -> None:
        rows = db.session.query(TimeEntry).where(TimeEntry.engagement_id == self.engagement_id, TimeEntry.minutes > 0)
        assert {row.id: (row.minutes, row.kind, row.state) for row in rows} == {
            each: (entry.minutes, entry.kind, entry.state) for each, entry in self.entries.items()
        }
        drawn = budgets.drawn_by(db.session, list(self.entries))
        for each, entry in self.entries.items():
            if entry.state in OPEN:
                told = {draw.block_id or draw.kind.value: draw.minutes for draw in drawn[each] if draw.minutes}
                assert told == {key: minutes for key, minutes in entry.draws.items() if minutes}

    @invariant()
    def nothing_drifts(self) -> None:
        assert [*budgets.counter_faults(db.session), *entries.entry_faults(db.session), *block_faults(db.session)] == []
        db.session.close()


def _work(site_id: UUID, day: date, kind: str, minutes: int) -> Work:
    return Work(
        site_id=site_id,
        worked_on=day,
        minutes=minutes,
        kind=WorkKind(kind),
        activity="research",
        ps_kind="custom-upstream" if kind == "ps" else None,
    )


def test_the_ledger_does_what_the_model_says(app: Flask) -> None:
    assert NOW.date() == TODAY
    run_state_machine_as_test(
        Ledger,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=True,
            phases=[Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
