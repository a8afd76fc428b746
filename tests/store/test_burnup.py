"""Balances of past days are what the counters said then, whatever happened since."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, some_work
from tests.project.test_isolation import installation
from tracker.domain.access import Actor
from tracker.domain.budget import Balance, BudgetKind, WorkKind
from tracker.domain.errors import TrackerError
from tracker.domain.workday import Calendar
from tracker.services import budget as budget_service
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.services.ps_term import lapse
from tracker.store import budget as budgets
from tracker.store.burnup import Account, accounts
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

BERLIN = Calendar("Europe/Berlin", frozenset())
Key = tuple[BudgetKind, UUID | None]


@dataclass
class Ledger:
    """One engagement with two sites, and somebody who may do everything to its hours; `now` moves on."""

    ann: Actor
    engagement: Engagement
    sites: list[Site]
    now: datetime = NOW
    entries: list[UUID] = field(default_factory=list)

    @classmethod
    def lay(cls) -> "Ledger":
        engagement = make_engagement()
        listed = [make_site(engagement, package="premium", premium_option="extra-hours-10"), make_site(engagement)]
        agree(engagement)
        return cls(actor(make_person("admin")), engagement, listed)

    def do(self, use_case: Callable[[], object]) -> None:
        try:
            with transaction(db.session, now=self.now):
                use_case()
        except TrackerError:
            db.session.rollback()  # What is refused moves nothing; the next operation goes on.

    def book(self, site: int, kind: WorkKind, minutes: int, day: date) -> None:
        def carry_out() -> None:
            work = some_work(self.sites[site], minutes, kind, worked_on=day)
            booked = service.book(db.session, self.ann, work, split=True, now=self.now)
            self.entries += [each.entry.id for each in booked]

        self.do(carry_out)

    def decide(self, number: int, verb: str) -> None:
        if not self.entries:
            return
        entry_id = self.entries[number % len(self.entries)]
        if verb == "approve":
            self.do(lambda: service.submit(db.session, self.ann, entry_id, now=self.now))
            self.do(lambda: service.approve(db.session, self.ann, entry_id, now=self.now))
        else:
            self.do(lambda: service.reverse(db.session, self.ann, entry_id, "Wrong.", now=self.now))

    def buy(self, minutes: int, expires_on: date | None = None) -> None:
        def carry_out() -> None:
            block = budget_service.sell_block(
                db.session, self.ann, self.engagement.id, BlockSpec(minutes, "Q-7", TODAY), now=self.now
            )
            block.expires_on = expires_on

        self.do(carry_out)

    def lapse(self) -> None:
        self.do(lambda: lapse(db.session, self.engagement.id, "Europe/Berlin", now=self.now))

    def counters(self) -> dict[Key, Balance]:
        db.session.close()
        found = budgets.of_engagement(db.session, self.engagement.id)
        return {(BudgetKind(each.kind), each.site_id): each.balance for each in found}

    def accounts(self, as_of: date | None = None) -> list[Account]:
        db.session.close()
        return accounts(db.session, self.engagement.id, BERLIN, as_of=as_of)

    def balances(self, as_of: date | None = None) -> dict[Key, Balance]:
        return {(each.kind, each.site_id): each.balance for each in self.accounts(as_of)}


@pytest.mark.usefixtures("app")
def test_a_past_day_shows_what_was_on_the_books_that_evening() -> None:
    ledger = Ledger.lay()
    ledger.book(1, WorkKind.ALLOWANCE, 60, TODAY)
    # Half past eleven in Berlin is this day still, half past twelve the next.
    ledger.now = datetime.fromisoformat("2026-03-02T23:30:00+01:00")
    ledger.decide(0, "approve")
    ledger.now = datetime.fromisoformat("2026-03-03T00:30:00+01:00")
    ledger.decide(0, "reverse")
    ledger.buy(240)
    key, pool = (BudgetKind.ALLOWANCE, ledger.sites[1].id), (BudgetKind.PS, None)
    assert ledger.balances(TODAY)[key] == Balance(BudgetKind.ALLOWANCE, 300, 60, 0)
    assert ledger.balances(TODAY)[pool].limit == 0
    assert ledger.balances(TODAY + timedelta(days=1))[key] == Balance(BudgetKind.ALLOWANCE, 300, 0, 0)
    assert ledger.balances(TODAY + timedelta(days=1))[pool].limit == 240
    assert ledger.balances(TODAY - timedelta(days=1)) == {pool: Balance(BudgetKind.PS, 0, 0, 0)}, "the sites were not there yet"


@pytest.mark.usefixtures("app")
def test_what_a_block_lost_and_what_came_back_to_it_later_stay_on_their_days() -> None:
    ledger = Ledger.lay()
    ledger.buy(240, expires_on=TODAY)
    ledger.book(1, WorkKind.PS, 90, TODAY)
    ledger.now = NOW + timedelta(days=1)
    ledger.lapse()
    ledger.now = NOW + timedelta(days=2)
    ledger.decide(0, "reverse")
    pool = (BudgetKind.PS, None)
    limits = [ledger.balances(TODAY + timedelta(days=days))[pool].limit for days in range(3)]
    assert limits == [240, 90, 0]
    assert ledger.balances() == ledger.counters()


def operations() -> st.SearchStrategy[tuple[object, ...]]:
    """What may be done to hours, and how many days pass after it."""
    minutes, days = st.integers(1, 400), st.integers(-20, 0)
    kinds = st.sampled_from([WorkKind.ALLOWANCE, WorkKind.PREMIUM, WorkKind.PS, WorkKind.INCLUDED])
    return st.one_of(
        st.tuples(st.just("book"), st.integers(0, 1), kinds, minutes, days),
        st.tuples(st.just("book"), st.integers(0, 1), kinds, minutes, days),
        st.tuples(st.just("decide"), st.integers(0, 30), st.sampled_from(["approve", "reverse"])),
        st.tuples(st.just("buy"), st.integers(240, 600), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.integers(1, 3)),
    )


@settings(max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(operations(), min_size=12, max_size=25))
def test_every_evening_can_be_seen_again(sqlite_template: Path, steps: list[tuple[object, ...]]) -> None:
    """Whatever is done: the balances of each evening, asked later, and of today are those that the counters held."""
    with installation(sqlite_template):
        ledger, seen = Ledger.lay(), {}
        for step in steps:
            carry_out(ledger, step)
            seen[BERLIN.local_date(ledger.now)] = ledger.counters()
        assert {day: ledger.balances(day) for day in seen} == seen
        assert ledger.balances() == ledger.counters()
        for account in ledger.accounts():
            assert adds_up(account), "the table adds up to the three numbers"
        stated = sa.select(sa.func.coalesce(sa.func.sum(TimeEntry.minutes), 0)).where(
            TimeEntry.state.in_(("draft", "submitted", "approved")), TimeEntry.kind != WorkKind.INCLUDED
        )
        assert sum(each.used + each.held for each in ledger.balances().values()) == db.session.scalar(stated)


def carry_out(ledger: Ledger, step: tuple[object, ...]) -> None:
    """One operation."""
    match step:
        case ("book", int(site), WorkKind() as kind, int(minutes), int(days)):
            ledger.book(site, kind, minutes, BERLIN.local_date(ledger.now) + timedelta(days=days))
        case ("decide", int(number), str(verb)):
            ledger.decide(number, verb)
        case ("buy", int(minutes), int(days)):
            ledger.buy(minutes, BERLIN.local_date(ledger.now) + timedelta(days=days) if days else None)
        case ("wait", int(days)):
            ledger.now += timedelta(days=days)
            ledger.lapse()


def adds_up(account: Account) -> bool:
    """Whether the days' own minutes make the last line, and that the balance."""
    points, balance = account.points, account.balance
    if not points:
        return (balance.used, balance.held, balance.limit) == (0, 0, account.opening)
    used, held = sum(point.used_that_day for point in points), sum(point.held_that_day for point in points)
    last = points[-1]
    return (used, held) == (last.used, last.held) == (balance.used, balance.held) and last.limit == balance.limit
