"""Reminders follow the dates: set, move, finish, move back. What is planned is looked at, not how."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_site
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.notice import NoticeState
from tracker.services import deadline as deadline_service
from tracker.services import delivery
from tracker.services import engagement as engagement_service
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.engagement import EngagementChange
from tracker.store import deadline as deadlines
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

FIRST, SECOND = date(2026, 3, 20), date(2026, 4, 24)


def set_date(engagement: Engagement, kind: DeadlineKind, day: date, *, now: datetime = NOW, **over: Any) -> Deadline:
    manager = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=now):
        return deadline_service.set_date(db.session, manager, engagement.id, DateSpec(kind, Dates(due_on=day), **over), now=now)


def change(deadline: Deadline, *, now: datetime = NOW, day: date | None = None, done: bool | None = None) -> None:
    engagement = db.session.get_one(Engagement, deadline.engagement_id)
    manager = actor(people.get(db.session, engagement.manager_id))
    dates = Dates(due_on=day) if day else None
    with transaction(db.session, now=now):
        said = "The client asked for it." if day else None
        asked = DateChange(None, dates, said, now if done else None, open_again=done is False)
        deadline_service.change_date(db.session, manager, deadline.id, asked, now=now)


def edit(engagement: Engagement, *, now: datetime = NOW, **values: Any) -> None:
    manager = actor(people.get(db.session, engagement.manager_id))
    with transaction(db.session, now=now):
        engagement_service.edit_engagement(db.session, manager, engagement.id, EngagementChange(None, values), now=now)


def tick(now: datetime) -> list[str]:
    """What a worker does each few seconds; the rungs that were released."""
    while True:
        with transaction(db.session, now=now):
            if not delivery.replan_due(db.session, now=now):
                break
    with transaction(db.session, now=now):
        return [rung(each) for each in delivery.release_due(db.session, now=now, ready_at=now)]


def rung(notice: OutboxNotice) -> str:
    return notice.key.rpartition(":")[2]


def standing(deadline: Deadline) -> dict[str, str]:
    """The rungs of a date as it is now, and their states."""
    query = sa.select(OutboxNotice).where(OutboxNotice.deadline_id == deadline.id).order_by(OutboxNotice.due_at)
    db.session.expire_all()
    now = db.session.get_one(Deadline, deadline.id)
    return {rung(each): each.state for each in db.session.scalars(query) if f":{now.due_on}:" in each.key}


def at_nine(day: date) -> datetime:
    """Nine o'clock in Berlin in winter."""
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


@pytest.fixture
def access(app: Flask) -> Deadline:
    """Access to the source of a site is due on a Friday."""
    site = make_site(make_engagement(slack_channel="C1"))
    engagement = db.session.get_one(Engagement, site.engagement_id)
    return set_date(engagement, DeadlineKind.ACCESS, FIRST, site_id=site.id)


def test_setting_a_date_plans_its_rungs_and_posts_nothing(access: Deadline) -> None:
    assert standing(access) == {"5d": "planned", "2d": "planned", "0d": "planned"}


def test_setting_a_date_that_is_near_plans_only_what_is_still_to_come(app: Flask) -> None:
    site = make_site(make_engagement())
    engagement = db.session.get_one(Engagement, site.engagement_id)
    near = set_date(engagement, DeadlineKind.ACCESS, NOW.date() + timedelta(days=2), site_id=site.id)
    assert standing(near) == {"0d": "planned"}
    assert tick(NOW) == []


def test_moving_a_date_calls_off_what_waits_also_what_is_ready(access: Deadline) -> None:
    assert tick(at_nine(date(2026, 3, 13))) == ["5d"]
    change(access, day=SECOND, now=at_nine(date(2026, 3, 13)) + timedelta(seconds=1))
    assert standing(access) == {"5d": "planned", "2d": "planned", "0d": "planned"}
    old = db.session.scalars(sa.select(OutboxNotice).where(OutboxNotice.key.contains(FIRST.isoformat()))).all()
    assert {(each.state, bool(each.reason), bool(each.settled_at)) for each in old} == {("cancelled", True, True)}
    assert len(old) == 3


def test_finishing_a_date_calls_off_what_waits_and_reopening_it_revives(access: Deadline) -> None:
    change(access, done=True)
    assert set(standing(access).values()) == {"cancelled"}
    change(access, done=False)
    assert set(standing(access).values()) == {"planned"}


def test_a_date_that_moves_back_revives_its_reminders(access: Deadline) -> None:
    change(access, day=SECOND)
    change(access, day=FIRST)
    assert standing(access) == {"5d": "planned", "2d": "planned", "0d": "planned"}
    assert tick(at_nine(date(2026, 3, 13))) == ["5d"]


def test_what_was_tried_in_vain_is_revived_as_well_and_says_what_is_true_now(access: Deadline) -> None:
    with transaction(db.session, now=NOW):
        db.session.execute(
            sa.update(OutboxNotice)
            .where(OutboxNotice.key.endswith(":5d"))
            .values(state=NoticeState.PARKED, attempts=1, body={"text": "as it was", "blocks": []})
        )
    change(access, day=SECOND)
    change(access, day=FIRST)
    assert standing(access)["5d"] == "planned"
    revived = db.session.scalars(sa.select(OutboxNotice).where(OutboxNotice.key.contains(f"{FIRST}:5d"))).one()
    assert revived.body is None


def test_what_was_told_is_not_told_again_when_a_date_moves_back(access: Deadline) -> None:
    moment = at_nine(date(2026, 3, 13))
    tick(moment)
    with transaction(db.session, now=moment):
        sent = {"state": NoticeState.SENT, "slack_ts": "1.1", "settled_at": moment}
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.state == NoticeState.READY).values(sent))
    change(access, day=SECOND, now=moment)
    change(access, day=FIRST, now=moment)
    assert standing(access) == {"5d": "sent", "2d": "planned", "0d": "planned"}
    assert tick(moment) == []


def test_putting_an_engagement_on_hold_calls_off_and_taking_it_up_revives(access: Deadline) -> None:
    engagement = db.session.get_one(Engagement, access.engagement_id)
    edit(engagement, status="on_hold")
    assert set(standing(access).values()) == {"cancelled"}
    edit(engagement, status="active")
    assert set(standing(access).values()) == {"planned"}


def test_changing_the_channel_redirects_what_waits(access: Deadline) -> None:
    moment = at_nine(date(2026, 3, 13))
    tick(moment)
    edit(db.session.get_one(Engagement, access.engagement_id), slack_channel="C2", now=moment)
    query = sa.select(OutboxNotice.channel).where(OutboxNotice.deadline_id == access.id)
    assert set(db.session.scalars(query)) == {"C2"}


def test_saving_the_same_channel_leaves_what_is_parked_alone(access: Deadline) -> None:
    with transaction(db.session, now=NOW):
        parked = sa.update(OutboxNotice).where(OutboxNotice.key.endswith(":5d"))
        db.session.execute(parked.values(state=NoticeState.PARKED, attempts=1))
    edit(db.session.get_one(Engagement, access.engagement_id), name="Another name", slack_channel="C1")
    assert standing(access)["5d"] == "parked"


def test_after_an_outage_only_the_latest_is_told_and_the_others_expire_visibly(access: Deadline) -> None:
    assert tick(at_nine(date(2026, 3, 19))) == ["2d"]
    assert standing(access) == {"5d": "expired", "2d": "ready", "0d": "planned"}


def test_overdue_repeats_one_ahead_day_after_day(app: Flask) -> None:
    engagement = make_engagement(kickoff_on=date(2026, 3, 6))
    inventory = deadlines.one(db.session, engagement.id, None, DeadlineKind.INVENTORY)
    assert inventory is not None
    told = []
    for number in range(14):
        told += tick(at_nine(date(2026, 3, 3) + timedelta(days=number)) + timedelta(seconds=1))
        waiting = [name for name, state in standing(inventory).items() if state == "planned" and name.startswith("overdue")]
        assert len(waiting) == 1
    overdue = [name for name in told if name.startswith("overdue")]
    assert overdue == [f"overdue-2026-03-{day:02}" for day in (6, 9, 10, 11, 12, 13, 16)]
    change(inventory, done=True, now=at_nine(date(2026, 3, 17)))
    assert tick(at_nine(date(2026, 3, 30))) == []


def test_an_overdue_reminder_that_waited_too_long_expires_and_does_not_claim_that_the_date_moved(app: Flask) -> None:
    engagement = make_engagement(kickoff_on=date(2026, 3, 6))
    inventory = deadlines.one(db.session, engagement.id, None, DeadlineKind.INVENTORY)
    assert inventory is not None
    tick(at_nine(date(2026, 3, 6)))
    assert tick(at_nine(date(2026, 3, 10))) == ["after1d", "overdue-2026-03-10"], "the channel is to be joined as well"
    found = standing(inventory)
    assert (found["overdue-2026-03-06"], found["overdue-2026-03-10"]) == ("expired", "ready")


def test_planning_twice_changes_nothing(access: Deadline) -> None:
    before = standing(access)
    edit(db.session.get_one(Engagement, access.engagement_id), account_rep=None)
    assert standing(access) == before
    count = sa.select(sa.func.count()).select_from(OutboxNotice).where(OutboxNotice.deadline_id == access.id)
    assert db.session.scalar(count) == len(before)


def test_renaming_changes_what_waits_for_its_time(access: Deadline) -> None:
    edit(db.session.get_one(Engagement, access.engagement_id), name="A better name")
    facts = db.session.scalars(sa.select(OutboxNotice.facts).where(OutboxNotice.deadline_id == access.id))
    assert all(["Engagement", "A better name"] in each for each in facts)
