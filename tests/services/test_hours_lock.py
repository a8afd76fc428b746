"""Closed hours: what closing asks for, and that no booking that is under way slips into the days that are being closed."""

from collections.abc import Callable
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, make_unplaced, some_work
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.domain.errors import Guard, Invalid, NotAllowed, NotFound, TrackerError
from tracker.services import hours_lock as service
from tracker.services import time_entry
from tracker.services.engagement import add_member
from tracker.store import audit
from tracker.store import hours_lock as locks
from tracker.store import time_entry as entries
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

ROUNDS, BOOKERS = 6, 3


@pytest.fixture
def ann(app: Flask) -> Actor:
    return actor(make_person("admin"))


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site()


def close(who: Actor, site: Site, through: date = TODAY, reason: str = "") -> None:
    with transaction(db.session, now=NOW):
        service.close_hours(db.session, who, site.engagement_id, through, reason, now=NOW)


def reopen(who: Actor, site: Site, through: date | None = None, reason: str = "Late") -> None:
    with transaction(db.session, now=NOW):
        service.open_hours(db.session, who, site.engagement_id, through, reason, now=NOW)


def closed_through(site: Site) -> date | None:
    db.session.close()
    return db.session.get_one(Engagement, site.engagement_id).hours_locked_through


def test_only_days_that_are_over_or_today_are_closed_and_only_further_on(ann: Actor, site: Site) -> None:
    with pytest.raises(Invalid, match="up to today"):
        close(ann, site, TODAY + timedelta(days=1))
    close(ann, site, TODAY - timedelta(days=1))
    with pytest.raises(Invalid, match="closed through 2026-03-01 already"):
        close(ann, site, TODAY - timedelta(days=1))
    close(ann, site)
    assert closed_through(site) == TODAY


def test_what_is_closed_is_opened_for_a_reason_and_each_step_is_kept(ann: Actor, site: Site) -> None:
    with pytest.raises(Invalid, match="No hours of this engagement are closed"):
        reopen(ann, site)
    close(ann, site, reason="Billed.")
    with pytest.raises(Invalid, match="Say why"):
        reopen(ann, site, reason="  ")
    with pytest.raises(Invalid, match="choose an earlier day"):
        reopen(ann, site, TODAY)
    reopen(ann, site, TODAY - timedelta(days=7), "One was late.")
    kept = [(step.through, step.reason) for step, _name in locks.history(db.session, site.engagement_id)]
    assert kept == [(TODAY - timedelta(days=7), "One was late."), (TODAY, "Billed.")]
    trail = [row.action for row in audit.entries_of(db.session, site.engagement_id, before=None, limit=2)]
    assert trail == ["hours.opened", "hours.closed"]


def test_time_that_waits_for_a_place_holds_up_a_closing(ann: Actor, site: Site) -> None:
    make_unplaced(site, make_person("engineer"), worked_on=TODAY)
    with pytest.raises(Guard, match="a piece of time waits for a place"), transaction(db.session, now=NOW):
        service.close_hours(db.session, ann, site.engagement_id, TODAY, now=NOW)


def test_engineers_and_customers_close_nothing(site: Site) -> None:
    engineer = make_person("engineer")
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, site.engagement_id, engineer.id, now=NOW)
    for who, refusal in ((engineer, NotAllowed), (make_person("customer_approver"), NotFound)):
        with pytest.raises(refusal):
            close(actor(who), site)
        with pytest.raises(refusal):
            reopen(actor(who), site)


@pytest.mark.parametrize("step", ["submit", "approve", "reject", "reverse", "move", "mend"])
def test_an_entry_on_a_closed_day_stands_whatever_is_tried(ann: Actor, site: Site, step: str) -> None:
    """A draft or a submitted entry cannot be on a closed day, but for a database that somebody changed by hand."""
    state = {"submit": "draft", "mend": "draft", "approve": "submitted", "reject": "submitted"}.get(step, "approved")
    with transaction(db.session, now=NOW):
        entry = time_entry.book(db.session, ann, some_work(site), now=NOW)[0].entry
        if state != "draft":
            time_entry.submit(db.session, ann, entry.id, now=NOW)
        if state == "approved":
            time_entry.approve(db.session, ann, entry.id, now=NOW)
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(Engagement).values(hours_locked_through=TODAY))
    tries: dict[str, Callable[[], Any]] = {
        "submit": lambda: time_entry.submit(db.session, ann, entry.id, now=NOW),
        "approve": lambda: time_entry.approve(db.session, ann, entry.id, now=NOW),
        "reject": lambda: time_entry.reject(db.session, ann, entry.id, "No", now=NOW),
        "reverse": lambda: time_entry.reverse(db.session, ann, entry.id, None, now=NOW),
        "move": lambda: time_entry.move(db.session, ann, entry.id, time_entry.Target(WorkKind.INCLUDED), now=NOW),
        "mend": lambda: time_entry.mend(db.session, ann, entry.id, time_entry.DraftChange({"minutes": 5}), now=NOW),
    }
    with pytest.raises(Guard, match="The hours up to 2026-03-02 are closed"), transaction(db.session, now=NOW):
        tries[step]()
    db.session.close()
    assert db.session.get_one(TimeEntry, entry.id).state == state


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_closing_waits_for_a_booking_that_is_under_way(app: Flask, ann: Actor, site: Site) -> None:
    told: list[Exception] = []

    def close_impatiently() -> None:
        with app.app_context():
            try:
                with transaction(db.session, now=NOW):
                    db.session.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
                    service.close_hours(db.session, ann, site.engagement_id, TODAY, now=NOW)
            except (OperationalError, TrackerError) as error:
                told.append(error)
            db.session.remove()

    with transaction(db.session, now=NOW):
        time_entry.book(db.session, ann, some_work(site), now=NOW)
        rival = Thread(target=close_impatiently)
        rival.start()
        rival.join(timeout=30)
    assert "lock timeout" in str(told[0]), "it did not close past what it could not see"
    with pytest.raises(Guard, match="1 draft"):
        close(ann, site)


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
def test_a_booking_waits_for_a_closing_that_is_under_way(app: Flask, ann: Actor, site: Site) -> None:
    told: list[Exception] = []

    def book_impatiently() -> None:
        with app.app_context():
            try:
                with transaction(db.session, now=NOW):
                    db.session.execute(sa.text("SET LOCAL lock_timeout = '200ms'"))
                    time_entry.book(db.session, ann, some_work(site), now=NOW)
            except (OperationalError, TrackerError) as error:
                told.append(error)
            db.session.remove()

    with transaction(db.session, now=NOW):
        service.close_hours(db.session, ann, site.engagement_id, TODAY, now=NOW)
        rival = Thread(target=book_impatiently)
        rival.start()
        rival.join(timeout=30)
    assert "lock timeout" in str(told[0])
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) == 0


def test_bookings_and_closings_at_once_leave_nothing_undecided_inside_closed_days(app: Flask, ann: Actor, site: Site) -> None:
    """Whichever comes first: a booking before holds the closing up, a booking after is refused. The trail shows the order."""
    for _ in range(ROUNDS):
        begin = Barrier(BOOKERS + 1)

        def run(step: Callable[[], Any], begin: Barrier = begin) -> None:
            with app.app_context():
                begin.wait(timeout=10)
                try:
                    with transaction(db.session, now=NOW):
                        step()
                except Guard:
                    pass
                db.session.remove()

        steps: list[Callable[[], Any]] = [
            lambda: time_entry.book(db.session, ann, some_work(site, 1), now=NOW) for _number in range(BOOKERS)
        ]
        steps.append(lambda: service.close_hours(db.session, ann, site.engagement_id, TODAY, now=NOW))
        several = [Thread(target=run, args=(step,)) for step in steps]
        for each in several:
            each.start()
        for each in several:
            each.join(timeout=60)
        if closed_through(site) is not None:
            assert undecided(site) == 0
            reopen(ann, site)
        with transaction(db.session, now=NOW):
            for entry_id in db.session.scalars(sa.select(TimeEntry.id).where(TimeEntry.state == "draft")).all():
                time_entry.reverse(db.session, ann, entry_id, None, now=NOW)
    _no_booking_between_a_closing_and_its_opening(site)


def undecided(site: Site) -> int:
    return sum(entries.undecided(db.session, site.engagement_id, TODAY).values())


def _no_booking_between_a_closing_and_its_opening(site: Site) -> None:
    db.session.close()
    is_closed = False
    for row in reversed(audit.entries_of(db.session, site.engagement_id, before=None, limit=1000)):
        if row.action == "time_entry.booked":
            assert not is_closed
        is_closed = {"hours.closed": True, "hours.opened": False}.get(row.action, is_closed)
