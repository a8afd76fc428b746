"""Booking, and what becomes of what was booked: the ledger's rules, on both engines."""

from dataclasses import replace
from datetime import date, timedelta
from threading import Thread
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, agree, make_agreed_site, make_engagement, make_person, make_site, some_work
from tracker.domain.access import Actor
from tracker.domain.budget import Balance, BudgetExceeded, BudgetKind, WorkKind
from tracker.domain.errors import Guard, Invalid, NotAllowed, NotFound, UnlistedSite
from tracker.domain.time_entry import Work
from tracker.services import budget as budget_service
from tracker.services import site as site_service
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.services.time_entry import Booked
from tracker.store import audit, entry_family
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store.budget import Draw, PsBlock
from tracker.store.database import db
from tracker.store.engagement import Member
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
EXTRA_HOURS = {"package": "premium", "premium_option": "extra-hours-10"}


@pytest.fixture
def ann(app: Flask) -> Actor:
    """An administrator, who may book on every site and decide."""
    return actor(make_person("admin"))


def member(site: Site, role: str = "engineer") -> Actor:
    """Somebody of the staff who is assigned to the engagement of a site."""
    person = make_person(role)
    with transaction(db.session, now=NOW):
        db.session.add(Member(engagement_id=site.engagement_id, person_id=person.id, joined_at=NOW))
    return actor(person)


def book(who: Actor, work: Work, *, split: bool = False) -> list[Booked]:
    with transaction(db.session, now=NOW):
        return service.book(db.session, who, work, split=split, now=NOW)


def submit(who: Actor, entry: TimeEntry) -> None:
    with transaction(db.session, now=NOW):
        service.submit(db.session, who, entry.id, now=NOW)


def approve(who: Actor, entry: TimeEntry) -> None:
    with transaction(db.session, now=NOW):
        service.approve(db.session, who, entry.id, now=NOW)


def reject(who: Actor, entry: TimeEntry, reason: str = "It was another site.") -> None:
    with transaction(db.session, now=NOW):
        service.reject(db.session, who, entry.id, reason, now=NOW)


def reverse(who: Actor, entry: TimeEntry, reason: str | None = None) -> Booked:
    with transaction(db.session, now=NOW):
        return service.reverse(db.session, who, entry.id, reason, now=NOW)


def sell(who: Actor, engagement_id: UUID, minutes: int = 240, purchased_on: date = date(2026, 2, 2)) -> PsBlock:
    with transaction(db.session, now=NOW):
        spec = BlockSpec(minutes, "Q-7", purchased_on)
        return budget_service.sell_block(db.session, who, engagement_id, spec, now=NOW)


def balance(site: Site, kind: BudgetKind = BudgetKind.ALLOWANCE) -> Balance:
    db.session.close()
    return budgets.of_site(db.session, site.engagement_id, site.id)[kind].balance


def shown(site: Site, kind: BudgetKind = BudgetKind.ALLOWANCE) -> tuple[int, int, int]:
    """Used, held and left."""
    found = balance(site, kind)
    return found.used, found.held, found.left


def drawn(draws: list[Draw]) -> list[tuple[str, int]]:
    return [(draw.kind.value, draw.minutes) for draw in draws]


def state_of(entry: TimeEntry) -> str:
    db.session.close()
    return db.session.get_one(TimeEntry, entry.id).state


# --- whose hours they are --------------------------------------------------------------------------------------------


def test_the_allowance_of_one_site_never_pays_for_another(ann: Actor) -> None:
    engagement = make_engagement()
    shop, blog = make_site(engagement), make_site(engagement)
    agree(engagement)
    book(ann, some_work(shop, 300))
    with pytest.raises(BudgetExceeded) as refused:
        book(ann, some_work(shop, 1))
    assert (refused.value.left, [option.action for option in refused.value.options]) == (0, ["buy_ps", "change_request"])
    with pytest.raises(BudgetExceeded):
        book(ann, some_work(shop, 1), split=True)
    assert shown(blog) == (0, 0, 300)


def test_included_work_draws_on_nothing(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site, 1440, WorkKind.INCLUDED))
    assert (booked.draws, shown(site)) == ([], (0, 0, 300))


def test_premium_extra_is_there_only_for_the_option_that_is_ten_hours(ann: Actor) -> None:
    rich, plain = make_agreed_site(**EXTRA_HOURS), make_agreed_site(package="premium", premium_option="performance-report")
    (booked,) = book(ann, some_work(rich, 600, WorkKind.PREMIUM))
    assert drawn(booked.draws) == [("premium_extra", 600)]
    assert shown(rich) == (0, 0, 300), "the allowance is another ledger"
    with pytest.raises(Invalid, match="no Premium extra hours"):
        book(ann, some_work(plain, 1, WorkKind.PREMIUM))


def test_only_listed_sites_of_an_active_engagement_are_worked_on(ann: Actor) -> None:
    engagement = make_engagement()
    site = make_site(engagement)
    with pytest.raises(UnlistedSite):
        book(ann, some_work(site))
    agree(engagement)
    book(ann, some_work(site))
    with transaction(db.session, now=NOW):
        site_service.move_site(db.session, ann, site.id, "withdrawn", now=NOW)
    with pytest.raises(Guard, match="withdrawn"):
        book(ann, some_work(site))


def test_what_is_stated_wrongly_books_nothing(ann: Actor) -> None:
    site = make_agreed_site()
    with pytest.raises(Invalid):
        book(ann, some_work(site, 60, activity="audit"))
    with pytest.raises(Invalid):
        book(ann, some_work(site, 0))
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) == 0


# --- what does not fit -----------------------------------------------------------------------------------------------


def test_a_refusal_offers_exactly_the_lawful_moves(ann: Actor) -> None:
    site = make_agreed_site(**EXTRA_HOURS)
    book(ann, some_work(site, 290))
    with pytest.raises(BudgetExceeded) as refused:
        book(ann, some_work(site, 60))
    assert refused.value.details() == {
        "left_minutes": 10,
        "options": [
            {"action": "split", "kind": "premium_extra", "minutes": 50},
            {"action": "buy_ps", "kind": "ps", "minutes": 240},
            {"action": "change_request", "kind": "known_incompatibility", "minutes": 50},
        ],
    }
    assert shown(site) == (0, 290, 10), "a refusal books nothing"


def test_where_all_budgets_together_have_too_little_no_split_is_offered(ann: Actor) -> None:
    site = make_agreed_site()
    sell(ann, site.engagement_id)
    book(ann, some_work(site, 300))
    with pytest.raises(BudgetExceeded) as refused:
        book(ann, some_work(site, 600), split=True)
    assert [(option.action, option.minutes) for option in refused.value.options] == [("buy_ps", 600), ("change_request", 600)]
    assert shown(site, BudgetKind.PS) == (0, 0, 240)


def test_ps_work_that_does_not_fit_is_never_put_on_a_narrower_budget(ann: Actor) -> None:
    site = make_agreed_site(**EXTRA_HOURS)
    with pytest.raises(BudgetExceeded) as refused:
        book(ann, some_work(site, 60, WorkKind.PS), split=True)
    assert [option.action for option in refused.value.options] == ["buy_ps", "change_request"]


def test_a_split_goes_along_the_draw_order_and_loses_no_minute(ann: Actor) -> None:
    site = make_agreed_site(**EXTRA_HOURS)
    sell(ann, site.engagement_id)
    book(ann, some_work(site, 290))
    book(ann, some_work(site, 570, WorkKind.PREMIUM))
    first, second, third = book(ann, some_work(site, 100, note="one session"), split=True)
    assert [(each.entry.kind, each.entry.minutes) for each in (first, second, third)] == [
        ("known_incompatibility", 10),
        ("premium", 30),
        ("ps", 60),
    ]
    assert [drawn(each.draws) for each in (first, second, third)] == [
        [("known_incompatibility", 10)],
        [("premium_extra", 30)],
        [("ps", 60)],
    ]
    assert [each.entry.split_from_id for each in (first, second, third)] == [None, first.entry.id, first.entry.id]
    assert {each.entry.note for each in (first, second, third)} == {"one session"}
    assert third.entry.ps_kind == "custom-code-troubleshooting", "PS work says what kind it is"
    assert [shown(site, kind)[2] for kind in BudgetKind] == [0, 0, 180]
    assert entry_family.kin_of(db.session, [first.entry.id])[first.entry.id].parts == [second.entry.id, third.entry.id]


def test_a_split_that_fits_is_no_split(ann: Actor) -> None:
    site = make_agreed_site(**EXTRA_HOURS)
    (only,) = book(ann, some_work(site, 300), split=True)
    assert drawn(only.draws) == [("known_incompatibility", 300)]


# --- PS hours --------------------------------------------------------------------------------------------------------


def test_an_entry_that_crosses_two_blocks_makes_two_postings_the_oldest_first(ann: Actor) -> None:
    site = make_agreed_site()
    newer = sell(ann, site.engagement_id, 480, date(2026, 2, 20))
    older = sell(ann, site.engagement_id, 240, date(2026, 1, 20))
    (booked,) = book(ann, some_work(site, 300, WorkKind.PS))
    assert [(draw.block_id, draw.minutes) for draw in booked.draws] == [(older.id, 240), (newer.id, 60)]


def test_an_entry_stays_with_the_blocks_that_paid_for_it(ann: Actor) -> None:
    site = make_agreed_site()
    first = sell(ann, site.engagement_id, 240, date(2026, 2, 1))
    (booked,) = book(ann, some_work(site, 200, WorkKind.PS))
    backdated = sell(ann, site.engagement_id, 240, date(2026, 1, 1))
    assert [(draw.block_id, draw.minutes) for draw in budgets.drawn_by(db.session, [booked.entry.id])[booked.entry.id]] == [
        (first.id, 200)
    ]
    (later,) = book(ann, some_work(site, 260, WorkKind.PS))
    assert [(draw.block_id, draw.minutes) for draw in later.draws] == [(backdated.id, 240), (first.id, 20)]
    reverse(ann, booked.entry)
    db.session.close()
    assert {block.id: block.booked for block in budgets.blocks_of(db.session, site.engagement_id)} == {
        backdated.id: 240,
        first.id: 20,
    }, "what it gives back goes where it came from"


def test_ps_hours_are_shared_by_the_sites_of_one_engagement_and_no_other(ann: Actor) -> None:
    engagement = make_engagement()
    shop, blog = make_site(engagement), make_site(engagement)
    agree(engagement)
    elsewhere = make_agreed_site()
    sell(ann, engagement.id)
    book(ann, some_work(shop, 100, WorkKind.PS))
    book(ann, some_work(blog, 140, WorkKind.PS))
    with pytest.raises(BudgetExceeded):
        book(ann, some_work(elsewhere, 1, WorkKind.PS))


# --- used, held, left ------------------------------------------------------------------------------------------------


def test_hours_are_held_until_they_are_approved(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site, 120))
    assert shown(site) == (0, 120, 180)
    submit(ann, booked.entry)
    assert shown(site) == (0, 120, 180)
    approve(ann, booked.entry)
    assert (shown(site), state_of(booked.entry)) == ((120, 0, 180), "approved")


def test_a_rejected_entry_gives_its_hours_back(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site, 120))
    submit(ann, booked.entry)
    reject(ann, booked.entry, "  It was another site. ")
    assert shown(site) == (0, 0, 300)
    entry = db.session.get_one(TimeEntry, booked.entry.id)
    assert (entry.state, entry.decision_reason, entry.decided_by) == ("rejected", "It was another site.", ann.person_id)


@pytest.mark.parametrize("until", ["draft", "submitted", "approved"])
def test_a_reversal_leaves_the_budget_as_it_was(ann: Actor, until: str) -> None:
    site = make_agreed_site()
    sell(ann, site.engagement_id, 240)
    sell(ann, site.engagement_id, 240)
    (booked,) = book(ann, some_work(site, 300, WorkKind.PS))
    if until != "draft":
        submit(ann, booked.entry)
    if until == "approved":
        approve(ann, booked.entry)
    reversal = reverse(ann, booked.entry, "Logged twice.")
    assert (reversal.entry.minutes, reversal.entry.state, reversal.entry.reverses_id) == (-300, "reversal", booked.entry.id)
    assert sum(draw.minutes for draw in reversal.draws) == -300
    assert (shown(site, BudgetKind.PS), state_of(booked.entry)) == ((0, 0, 480), "reversed")
    assert [(block.booked, block.approved) for block in budgets.blocks_of(db.session, site.engagement_id)] == [(0, 0), (0, 0)]


def test_neither_a_reversal_nor_what_it_reversed_is_reversed_again(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site))
    reversal = reverse(ann, booked.entry)
    for entry in (reversal.entry, booked.entry):
        with pytest.raises(Guard, match="there is no step"):
            reverse(ann, entry)
    assert shown(site) == (0, 0, 300)


def test_a_rejected_entry_has_nothing_left_to_reverse(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site))
    submit(ann, booked.entry)
    reject(ann, booked.entry)
    with pytest.raises(Guard):
        reverse(ann, booked.entry)


@pytest.mark.parametrize(
    ("reason", "words"),
    [("", "Say why"), (" \u200b ", "Say why"), ("x" * 501, "at most 500"), ("pwd=example", "password"), ("a\x00", "control")],
)
def test_a_rejection_says_why_in_a_text_that_can_be_kept(ann: Actor, reason: str, words: str) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site))
    submit(ann, booked.entry)
    with pytest.raises(Invalid, match=words) as refused:
        reject(ann, booked.entry, reason)
    assert refused.value.errors[0].field == "reason"
    assert state_of(booked.entry) == "submitted"


def test_each_step_is_in_the_audit_trail(ann: Actor) -> None:
    site = make_agreed_site()
    (booked,) = book(ann, some_work(site))
    submit(ann, booked.entry)
    approve(ann, booked.entry)
    reverse(ann, booked.entry, "Logged twice.")
    told = [row.action for row in audit.entries_of(db.session, site.engagement_id, before=None, limit=4)]
    assert told == ["time_entry.reversed", "time_entry.approved", "time_entry.submitted", "time_entry.booked"]


# --- who may ---------------------------------------------------------------------------------------------------------


def test_an_engineer_hands_in_and_reverses_only_what_is_their_own(ann: Actor) -> None:
    site = make_agreed_site()
    eve, bob = member(site), member(site)
    (booked,) = book(eve, some_work(site))
    with pytest.raises(NotAllowed, match="somebody else's"):
        submit(bob, booked.entry)
    with pytest.raises(NotAllowed, match="somebody else's"):
        reverse(bob, booked.entry)
    submit(eve, booked.entry)
    for decide in (approve, reject):
        with pytest.raises(NotAllowed):
            decide(eve, booked.entry)
    approve(ann, booked.entry)
    with pytest.raises(NotAllowed, match="engagement manager"):
        reverse(eve, booked.entry)
    assert reverse(ann, booked.entry).entry.person_id == eve.person_id, "the correction stands where the work stood"


def test_a_manager_decides_and_an_engineer_takes_their_own_back_before(ann: Actor) -> None:
    site = make_agreed_site()
    eve, manager = member(site), member(site, "engagement_manager")
    (booked,) = book(eve, some_work(site, 100))
    submit(eve, booked.entry)
    reverse(eve, booked.entry)
    (again,) = book(eve, some_work(site, 80))
    submit(eve, again.entry)
    approve(manager, again.entry)
    assert shown(site) == (80, 0, 220)


def test_an_engineer_who_is_not_assigned_does_not_know_of_the_site(ann: Actor) -> None:
    site = make_agreed_site()
    stranger = actor(make_person("engineer"))
    with pytest.raises(NotFound):
        book(stranger, some_work(site))
    (booked,) = book(ann, some_work(site))
    with pytest.raises(NotFound):
        submit(stranger, booked.entry)


@pytest.mark.parametrize("role", ["customer_approver", "customer_viewer"])
def test_customers_log_no_time(role: str) -> None:
    site = make_agreed_site()
    with pytest.raises(NotFound):
        book(actor(make_person(role)), some_work(site))


def test_the_day_is_counted_in_the_zone_of_whoever_worked() -> None:
    site = make_agreed_site()
    engineer = make_person("admin", time_zone="Pacific/Kiritimati")
    today_there = (NOW + timedelta(hours=14)).date()
    book(actor(engineer), some_work(site, worked_on=today_there + timedelta(days=1)))
    with pytest.raises(Invalid, match="future"):
        book(replace(actor(engineer), time_zone="UTC"), some_work(site, worked_on=today_there + timedelta(days=1)))


def test_the_agreements_day_opens_the_ledger(ann: Actor) -> None:
    site = make_agreed_site()
    signed_on = engagements.agreement_of(db.session, site.engagement_id)
    assert signed_on is not None
    with pytest.raises(Invalid, match="signed on 2026-01-12"):
        book(ann, some_work(site, worked_on=signed_on.signed_on - timedelta(days=1)))


# --- two at once -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_minutes_that_come_back_while_a_booking_is_being_refused_are_taken(app: Flask, ann: Actor) -> None:
    site = make_agreed_site()
    (first,) = book(ann, some_work(site, 300))
    came_back: list[Booked] = []

    def give_back() -> None:
        with app.app_context():
            came_back.append(reverse(ann, first.entry))
            db.session.remove()

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        # The booking has tried, and is about to count what is left for its refusal.
        if "limit_minutes - budget.booked" in statement and not came_back:
            rival = Thread(target=give_back)
            rival.start()
            rival.join()

    sa.event.listen(db.engine, "before_cursor_execute", before)
    (booked,) = book(ann, some_work(site, 120))
    assert (len(came_back), drawn(booked.draws)) == (1, [("known_incompatibility", 120)])
    assert shown(site) == (0, 120, 180)
