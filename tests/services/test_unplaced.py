"""Unplaced time: placed whole or lowered, or discarded with a reason; by its person or a manager, and once."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, make_unplaced
from tracker.domain.access import SYSTEM
from tracker.domain.budget import BudgetExceeded
from tracker.domain.errors import Guard, Invalid, NotAllowed, NotFound
from tracker.services import unplaced as service
from tracker.services.booking import Booked
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.engagement import add_member
from tracker.store import timer as timers
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import entry_faults
from tracker.store.timer import UnplacedTime
from tracker.store.transaction import transaction


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def engineer(site: Site) -> Person:
    person = make_person("engineer", name="Mei")
    assign(person, site)
    return person


@pytest.fixture
def kept(site: Site, engineer: Person) -> UnplacedTime:
    """Five hours and a half of research, half an hour more than the allowance holds."""
    return make_unplaced(site, engineer, 330)


def assign(person: Person, site: Site) -> None:
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, site.engagement_id, person.id, now=NOW)


def place(kept: UnplacedTime, who: Person, *, split: bool = False, **values: Any) -> list[Booked]:
    doer = actor(who)
    with transaction(db.session, now=NOW):
        return service.place(db.session, doer, kept.id, values, split=split, now=NOW)


def discard(kept: UnplacedTime, who: Person, reason: str = "The timer was forgotten.") -> None:
    doer = actor(who)
    with transaction(db.session, now=NOW):
        service.discard(db.session, doer, kept.id, reason, now=NOW)


def stored(kept: UnplacedTime) -> UnplacedTime:
    db.session.expire_all()
    return db.session.get_one(UnplacedTime, kept.id)


def test_it_waits_until_something_takes_it(site: Site, kept: UnplacedTime, engineer: Person) -> None:
    with pytest.raises(BudgetExceeded):
        place(kept, engineer)
    assert stored(kept).settled_at is None
    boss = actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        sell_block(db.session, boss, site.engagement_id, BlockSpec(240, "Q-7", TODAY), now=NOW)
    booked = place(kept, engineer, split=True)
    assert [(each.entry.kind, each.entry.minutes) for each in booked] == [("known_incompatibility", 300), ("ps", 30)]
    assert (stored(kept).placed_id, stored(kept).settled_by) == (booked[0].entry.id, engineer.id)
    assert timers.waiting(db.session, actor(engineer)) == []
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


def test_it_may_be_lowered_and_said_otherwise_but_never_raised(site: Site, kept: UnplacedTime, engineer: Person) -> None:
    with pytest.raises(Invalid, match="The timer measured less than that"):
        place(kept, engineer, minutes=331)
    day = TODAY - timedelta(days=1)
    (booked,) = place(kept, engineer, minutes=45, kind="included", activity=None, note="Moved by hand", worked_on=day)
    entry = booked.entry
    assert (entry.minutes, entry.kind, entry.note, entry.worked_on) == (45, "included", "Moved by hand", day)


def test_it_stays_within_its_engagement(site: Site, kept: UnplacedTime, engineer: Person) -> None:
    other = make_agreed_site()
    with pytest.raises(NotFound):
        place(kept, engineer, site_id=other.id, minutes=60)
    assign(engineer, other)
    with pytest.raises(Invalid, match="Choose a site of the same engagement"):
        place(kept, engineer, site_id=other.id, minutes=60)


def test_it_is_discarded_with_a_reason_only(kept: UnplacedTime, engineer: Person) -> None:
    with pytest.raises(Invalid, match="Say why"):
        discard(kept, engineer, "  ")
    with pytest.raises(Invalid, match="looks like"):
        discard(kept, engineer, "password: example1")
    discard(kept, engineer)
    assert (stored(kept).discard_reason, stored(kept).settled_by) == ("The timer was forgotten.", engineer.id)


def test_it_is_settled_once(kept: UnplacedTime, engineer: Person) -> None:
    discard(kept, engineer)
    with pytest.raises(Guard, match="That time is discarded already"):
        place(kept, engineer, minutes=60)
    with pytest.raises(Guard, match="That time is discarded already"):
        discard(kept, engineer)


def test_a_manager_places_it_for_whoever_worked_it(kept: UnplacedTime, engineer: Person) -> None:
    boss = make_person()
    (booked,) = place(kept, boss, minutes=300)
    assert booked.entry.person_id == engineer.id
    assert stored(kept).settled_by == boss.id


def test_it_is_nobody_elses(site: Site, kept: UnplacedTime) -> None:
    colleague, stranger = make_person("engineer"), make_person("engineer")
    assign(colleague, site)
    for who, error in ((colleague, NotAllowed), (stranger, NotFound), (make_person("customer_approver"), NotFound)):
        with pytest.raises(error):
            place(kept, who, minutes=60)
        with pytest.raises(error):
            discard(kept, who)


def test_managers_see_everybodys_and_others_their_own(site: Site, kept: UnplacedTime, engineer: Person) -> None:
    colleague = make_person("engineer")
    assign(colleague, site)
    assert [each.time.id for each in timers.waiting(db.session, actor(engineer))] == [kept.id]
    assert timers.waiting(db.session, actor(colleague)) == []
    (seen,) = timers.waiting(db.session, actor(make_person()), engagement_id=site.engagement_id)
    assert (seen.person_name, seen.site_name) == ("Mei", "Shop")
    assert timers.waiting(db.session, actor(make_person()), engagement_id=make_site_elsewhere()) == []


def make_site_elsewhere() -> Any:
    return make_agreed_site().engagement_id


def test_a_site_that_is_not_agreed_takes_none(site: Site, kept: UnplacedTime, engineer: Person) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "withdrawn"
    with pytest.raises(Guard, match="no work can be logged"):
        place(kept, engineer, minutes=60)
