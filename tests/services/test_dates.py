"""Dates as people enter, move and finish them, and what of it is told: found by trying to break the program."""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_person, make_site
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import EditedMeanwhile, Invalid, NotAllowed
from tracker.jobs import step
from tracker.services import deadline as service
from tracker.services import delivery
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.engagement import EngagementChange, edit_engagement
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction

NEW_YORK = timezone(timedelta(hours=-5))


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager)


def enter(manager: Person, engagement: Engagement, spec: DateSpec, *, now: datetime = NOW) -> Deadline:
    who = actor(manager)
    with transaction(db.session, now=now):
        return service.set_date(db.session, who, engagement.id, spec, now=now)


def change(manager: Person, deadline: Deadline, *, now: datetime = NOW, **over: Any) -> Deadline:
    who = actor(manager)
    with transaction(db.session, now=now):
        return service.change_date(db.session, who, deadline.id, DateChange(**({"version": None} | over)), now=now)


def release(now: datetime) -> list[str]:
    return [notice.kind for notice in step.plan(now)]


def states(deadline: Deadline) -> dict[str, str]:
    db.session.rollback()
    query = sa.select(OutboxNotice).where(OutboxNotice.deadline_id == deadline.id)
    return {notice.kind: notice.state for notice in db.session.scalars(query, execution_options={"populate_existing": True})}


def test_an_instant_typed_in_another_zone_is_the_same_instant(manager: Person, engagement: Engagement) -> None:
    """Its reminders were once keyed by the offset it was typed in: an unrelated edit then called off one that was ready."""
    site = make_site(engagement)
    typed = datetime(2026, 3, 10, 9, 0, tzinfo=NEW_YORK)
    cutover = enter(manager, engagement, DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_at=typed), site.id))
    assert cutover.due_at == typed.astimezone(UTC)
    assert str(cutover.due_at.tzinfo) == "UTC"
    day_before = datetime(2026, 3, 9, 8, 0, 1, tzinfo=UTC)
    assert "dns_cutover.1d" in release(day_before)
    who = actor(manager)
    with transaction(db.session, now=day_before):
        edit_engagement(db.session, who, engagement.id, EngagementChange(None, {"name": "Renamed"}), now=day_before)
    assert states(cutover)["dns_cutover.1d"] == "ready"


def test_a_date_that_was_only_counted_may_be_entered(manager: Person, engagement: Engagement) -> None:
    kickoff = date(2026, 4, 20)
    enter(manager, engagement, DateSpec(DeadlineKind.KICKOFF, Dates(due_on=kickoff)))
    inventory = enter(manager, engagement, DateSpec(DeadlineKind.INVENTORY, Dates(due_on=date(2026, 4, 14)), reason="asked for"))
    assert (inventory.source, inventory.day, inventory.reason) == ("manual", date(2026, 4, 14), "asked for")
    with pytest.raises(Invalid, match="Move that date instead"):
        enter(manager, engagement, DateSpec(DeadlineKind.INVENTORY, Dates(due_on=date(2026, 4, 15))))


def test_moving_the_end_of_uat_tells_nobody_again_that_it_is_open(manager: Person, engagement: Engagement) -> None:
    site = make_site(engagement)
    uat = enter(manager, engagement, DateSpec(DeadlineKind.UAT, Dates(opens_on=date(2026, 3, 9)), site.id))
    assert release(datetime(2026, 3, 9, 8, 0, tzinfo=UTC)) == ["uat.open"]
    later = datetime(2026, 3, 10, 12, tzinfo=UTC)
    moved = change(manager, uat, dates=Dates(due_on=date(2026, 4, 20)), reason="the client's team is ill", now=later)
    assert (moved.opens_on, moved.day) == (date(2026, 3, 9), date(2026, 4, 20))
    assert "uat.open" not in release(datetime(2026, 4, 19, 12, tzinfo=UTC))


def test_what_is_said_about_a_date_is_kept_and_nothing_said_changes_nothing(manager: Person, engagement: Engagement) -> None:
    hand_over = enter(manager, engagement, DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 5, 4)), title="Hand-over"))
    assert change(manager, hand_over).version == hand_over.version
    assert change(manager, hand_over, reason="as agreed by phone").reason == "as agreed by phone"
    yesterday = NOW - timedelta(days=1)
    assert change(manager, hand_over, done_at=yesterday).done_at == yesterday
    change(manager, hand_over, open_again=True)
    assert change(manager, hand_over, done_at=NOW + timedelta(days=2)).done_at == NOW, "nothing is done in the future"


def test_an_approver_takes_back_only_their_own_word(manager: Person, engagement: Engagement) -> None:
    site, approver = make_site(engagement), make_person("customer_approver")
    access = enter(manager, engagement, DateSpec(DeadlineKind.ACCESS, Dates(due_on=date(2026, 5, 4)), site.id))
    change(manager, access, done_at=NOW)
    with pytest.raises(NotAllowed):
        change(approver, access, open_again=True)
    change(manager, access, open_again=True)
    change(approver, access, done_at=NOW)
    assert change(approver, access, open_again=True).done_at is None


def at_once(app: Flask, *calls: Callable[[], object]) -> list[str]:
    """Run calls in threads of their own; the names of what they raised, "ok" where nothing."""
    told: list[str] = []
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> None:
        with app.app_context():
            ready.wait()
            try:
                call()
                told.append("ok")
            except EditedMeanwhile:
                told.append("edited")
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sorted(told)


@pytest.mark.parametrize("turn", range(4))
def test_of_two_changes_of_one_version_one_wins_and_nothing_untrue_is_told(app: Flask, manager: Person, turn: int) -> None:
    engagement = make_engagement(manager)
    hand_over = enter(
        manager, engagement, DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 5, 4)), title=f"Hand-over {turn}")
    )
    version = hand_over.version
    db.session.remove()
    finish = lambda: change(manager, hand_over, version=version, done_at=NOW)  # noqa: E731
    move = lambda: change(manager, hand_over, version=version, dates=Dates(due_on=date(2026, 6, 8)), reason="slipped")  # noqa: E731
    assert at_once(app, finish, move, finish) == ["edited", "edited", "ok"]
    db.session.rollback()
    now_stands = db.session.get_one(Deadline, hand_over.id, populate_existing=True)
    waiting = [state for state in states(hand_over).values() if state == "planned"]
    assert bool(waiting) is (now_stands.done_at is None)


def test_the_id_of_a_notice_follows_from_its_key(manager: Person, engagement: Engagement) -> None:
    """After a restore an overdue reminder is planned once more; the channel knows it by the same marker."""
    overdue = enter(manager, engagement, DateSpec(DeadlineKind.INVENTORY, Dates(due_on=date(2026, 2, 20))))
    known = ids_of(overdue)
    with transaction(db.session, now=NOW):
        db.session.execute(sa.delete(OutboxNotice).where(OutboxNotice.deadline_id == overdue.id))
        db.session.execute(sa.update(Deadline).where(Deadline.id == overdue.id).values(replan_at=NOW))
    with transaction(db.session, now=NOW):
        assert delivery.replan_due(db.session, now=NOW) == 1
    assert known & ids_of(overdue) == known


def ids_of(deadline: Deadline) -> set[UUID]:
    db.session.rollback()
    return set(db.session.scalars(sa.select(OutboxNotice.id).where(OutboxNotice.deadline_id == deadline.id)))


def test_a_rehearsal_says_what_would_happen_and_keeps_nothing(manager: Person, engagement: Engagement) -> None:
    site = make_site(engagement)
    spec = DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_at=datetime(2026, 3, 10, 15, tzinfo=UTC)), site.id)
    cutover = enter(manager, engagement, spec)
    hour_before = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)
    before = states(cutover)
    said = [
        notice.kind for notice in step.rehearse(hour_before, hour_before + timedelta(days=1)) if notice.deadline_id == cutover.id
    ]
    assert said == ["dns_cutover.1h", "dns_cutover.start"]
    assert states(cutover) == before
    assert [kind for kind in release(hour_before) if kind.startswith("dns")] == ["dns_cutover.1h"]


def test_a_secret_is_refused_in_what_is_said_about_a_date(manager: Person, engagement: Engagement) -> None:
    token = "-".join(["xoxb", "1234567890", "abcdefghijklmnop"])
    spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 5, 4)), title="Hand-over", reason=f"use {token}")
    with pytest.raises(Invalid, match="This looks like a Slack token") as refused:
        enter(manager, engagement, spec)
    assert [error.field for error in refused.value.errors] == ["reason"]


def test_what_was_due_first_is_sent_first(manager: Person, engagement: Engagement) -> None:
    for day in (date(2026, 3, 6), date(2026, 3, 4), date(2026, 3, 5)):
        enter(manager, engagement, DateSpec(DeadlineKind.CUSTOM, Dates(due_on=day), title=f"{day:%a}"))
    release(datetime(2026, 3, 6, 12, tzinfo=UTC))
    db.session.rollback()
    ready = sa.select(OutboxNotice.headline).where(OutboxNotice.state == "ready").order_by(OutboxNotice.next_at, OutboxNotice.id)
    days = [headline.split(": ")[1].split()[0] for headline in db.session.scalars(ready)]
    assert days == sorted(days, key=["Wed", "Thu", "Fri"].index)
    assert days
