"""Change requests at the same moment, what the database refuses, and who is asked next."""

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site, raise_change_request
from tracker.domain.access import Actor
from tracker.domain.errors import EditedMeanwhile, Guard
from tracker.services import change_request as service
from tracker.store import change_request as requests
from tracker.store import requirements
from tracker.store.budget import PsBlock
from tracker.store.change_request import ChangeRequest, ChangeRequestStep
from tracker.store.database import db, table_of
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.transaction import transaction

BLOG = {"kind": "add_site", "name": "Blog", "url": "https://blog.example.com"}


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def approver(app: Flask) -> Person:
    return make_person("customer_approver")


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager)


def approve(who: Person | Actor, request_id: UUID, **over: Any) -> ChangeRequest:
    asking = who if isinstance(who, Actor) else actor(who)
    with transaction(db.session, now=NOW):
        return service.approve(db.session, asking, request_id, now=NOW, **over)


def at_once(app: Flask, *steps: Callable[[], object]) -> Counter[str]:
    """Start every step at the same moment; how often each kind of error came, and how often none."""
    begin, told = Barrier(len(steps)), []

    def run(step: Callable[[], object]) -> None:
        with app.app_context():
            begin.wait(timeout=10)
            try:
                step()
                told.append("done")
            except Exception as error:  # noqa: BLE001 -- whatever it is, it is counted
                told.append(type(error).__name__)
            finally:
                db.session.remove()

    several = [Thread(target=run, args=(step,)) for step in steps]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join(timeout=60)
    db.session.remove()
    return Counter(told)


def count(model: type) -> int:
    return db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0


@pytest.mark.parametrize("attempt", range(2))
def test_both_sides_approve_at_the_same_moment_and_it_is_applied_once(
    app: Flask, engagement: Engagement, manager: Person, approver: Person, attempt: int
) -> None:
    asked = raise_change_request(engagement, manager, estimate_minutes=0).id
    team, customer = actor(manager), actor(approver)
    told = at_once(app, *(lambda who=who: approve(who, asked) for who in (team, customer, team, customer)))
    assert told == {"done": 4}
    assert count(PsBlock) == 1
    steps = [step.what for step in requests.steps_of(db.session, asked)]
    assert sorted(steps) == ["applied", "approved_by_customer", "approved_by_team", "raised"]


def test_two_requests_for_one_address_list_it_once_and_the_other_is_refused_whole(
    app: Flask, engagement: Engagement, manager: Person, approver: Person
) -> None:
    make_site(engagement)
    agree(engagement)
    hours = {"kind": "ps_hours", "minutes": 240, "reference": "Q-7"}
    asked = [raise_change_request(engagement, manager, hours, BLOG, estimate_minutes=0).id for _ in range(2)]
    for each in asked:
        approve(approver, each)
    team = actor(manager)
    told = at_once(app, *(lambda each=each: approve(team, each) for each in asked))
    assert told == {"done": 1, "Guard": 1}
    assert (count(Site), count(PsBlock)) == (2, 1)
    assert sorted(db.session.scalars(sa.select(ChangeRequest.state))) == ["applied", "approved_by_customer"]


def test_two_requests_for_hours_sell_two_blocks(app: Flask, engagement: Engagement, manager: Person, approver: Person) -> None:
    asked = [raise_change_request(engagement, manager, estimate_minutes=0).id for _ in range(2)]
    for each in asked:
        approve(approver, each)
    team = actor(manager)
    assert at_once(app, *(lambda each=each: approve(team, each) for each in asked)) == {"done": 2}
    assert count(PsBlock) == 2


def test_requests_raised_at_the_same_moment_have_numbers_of_their_own(
    app: Flask, engagement: Engagement, manager: Person
) -> None:
    told = at_once(app, *(lambda: raise_change_request(engagement, manager) for _ in range(4)))
    assert told == {"done": 4}
    assert sorted(db.session.scalars(sa.select(ChangeRequest.number))) == [1, 2, 3, 4]


def test_a_scope_item_is_decided_by_the_paper_that_both_sides_approved(
    engagement: Engagement, manager: Person, approver: Person
) -> None:
    site = make_site(engagement)
    for decision in ("out_of_scope", "ps"):
        own = {"kind": "scope", "item": "Search in three languages", "decision": decision, "site_id": str(site.id)}
        known = {"kind": "scope", "item": "redirects", "decision": decision}
        asked = raise_change_request(engagement, manager, own, known, estimate_minutes=0).id
        approve(manager, asked)
        approve(approver, asked)
    by_hand = sa.select(ScopeItem).where(ScopeItem.by_rule.is_(False)).order_by(ScopeItem.site_id.is_(None))
    items = list(db.session.scalars(by_hand))
    assert [(item.item, item.decision, item.clause, item.by_rule) for item in items][:1] == [
        ("own-search-in-three-languages", "ps", "Change request 2", False)
    ]
    assert [(item.site_id is None, item.decision, item.decided_by) for item in items][1:] == [(True, "ps", manager.id)]


def test_an_approval_names_the_list_that_was_on_the_screen(engagement: Engagement, manager: Person, approver: Person) -> None:
    make_site(engagement)
    agree(engagement)
    asked = raise_change_request(engagement, manager, BLOG, estimate_minutes=0).id
    approve(manager, asked)
    with pytest.raises(EditedMeanwhile):
        approve(approver, asked, foresaw=[])
    assert requirements.latest(db.session, engagement.id).version == 1  # type: ignore[union-attr]  # it was agreed above


def test_what_waits_for_the_customer_is_their_own_and_approved_by_the_team(
    engagement: Engagement, manager: Person, approver: Person
) -> None:
    mine = raise_change_request(engagement, manager, estimate_minutes=0)
    raise_change_request(engagement, manager)
    approve(manager, mine.id)
    stranger = make_person("customer_approver", customer="Other")
    waiting = requests.waiting_on_customer(db.session, actor(approver), limit=5)
    assert [(request.id, of.id) for request, of in waiting] == [(mine.id, engagement.id)]
    assert requests.waiting_on_customer(db.session, actor(stranger), limit=5) == []
    assert [each.number for each in requests.open_of_engagement(db.session, engagement.id)] == [1, 2]


def test_a_site_of_the_list_cannot_be_taken_off_when_it_is_the_last(
    engagement: Engagement, manager: Person, approver: Person
) -> None:
    site = make_site(engagement)
    agree(engagement)
    asked = raise_change_request(engagement, manager, {"kind": "withdraw_site", "site_id": str(site.id)}, estimate_minutes=0).id
    approve(manager, asked)
    with pytest.raises(Guard, match="at least one site"):
        approve(approver, asked)
    assert db.session.get_one(Site, site.id, populate_existing=True).stage == "listed"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"state": "invented"}, "state_known"),
        ({"state": "applied"}, "approvals_fit_state|applied_when"),
        ({"state": "approved_by_team"}, "approvals_fit_state"),
        ({"applied_at": NOW}, "applied_when"),
        ({"state": "rejected", "decided_at": NOW}, "decided_by_somebody|rejected_why"),
        ({"customer_approved_at": NOW}, "customer_approved_when|approvals_fit_state|cost_known"),
        ({"estimate_minutes": -1}, "estimate_whole"),
    ],
)
def test_the_database_holds_states_and_approvals_together(
    engagement: Engagement, manager: Person, values: dict[str, Any], words: str
) -> None:
    raise_change_request(engagement, manager)
    with pytest.raises(IntegrityError, match=words), transaction(db.session, now=NOW):
        db.session.execute(sa.update(table_of(ChangeRequest)).values(values))


def test_the_history_is_for_ever(engagement: Engagement, manager: Person) -> None:
    raise_change_request(engagement, manager)
    steps = table_of(ChangeRequestStep)
    for statement in (sa.update(steps).values(note="x"), sa.delete(steps)):
        with pytest.raises(DBAPIError, match="append-only"), transaction(db.session, now=NOW):
            db.session.execute(statement)
