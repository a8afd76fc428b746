"""The demo's story: believable, sound, and complete whatever day it is told."""

from datetime import UTC, datetime, timedelta
from itertools import chain
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tracker.demo import bakery, cast, harbour, museums, story
from tracker.domain.access import SYSTEM
from tracker.domain.portfolio import Alarm, Filters, Order
from tracker.jobs import step
from tracker.store import audit, budget, outbox, portfolio, ps_block
from tracker.store import time_entry as entries
from tracker.store.comment import Comment
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.freeze import Freeze, FreezeOverride
from tracker.store.notice import OutboxNotice
from tracker.store.portfolio import EngagementRow
from tracker.store.requirements import Signature
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.timer import Timer, UnplacedTime
from tracker.store.uat import Defect, UatRound

ODD_DAYS = {
    "an ordinary Wednesday": datetime(2026, 11, 25, 15, tzinfo=UTC),
    "New Year’s Day": datetime(2027, 1, 1, 9, 30, tzinfo=UTC),
    "the Sunday on which clocks go forward": datetime(2027, 3, 28, 1, 5, tzinfo=UTC),
    "29 February, just before midnight": datetime(2028, 2, 29, 23, 50, tzinfo=UTC),
}


@pytest.fixture
def now(request: pytest.FixtureRequest) -> datetime:
    """The moment at which the story is told."""
    told: datetime = request.param
    return told


@pytest.fixture
def told(app: Flask, now: datetime) -> dict[str, UUID]:
    """The story, told."""
    return story.tell(now, "no password", "http://localhost")


def rows_of(now: datetime) -> dict[UUID, EngagementRow]:
    page = portfolio.page(db.session, SYSTEM, Filters(), Order.NAME, limit=10, now=now)
    return {row.engagement.id: row for row in page.rows}


# What day it is is nothing to the engine: the odd days are told on one, an ordinary one on both.
ON_EITHER = [("sqlite", moment) for moment in ODD_DAYS.values()] + [("postgresql", ODD_DAYS["an ordinary Wednesday"])]


@pytest.mark.parametrize(("settings", "now"), ON_EITHER, indirect=True)
def test_the_story_holds_together_on_any_day(told: dict[str, UUID], now: datetime) -> None:
    """One test for each day and engine: the telling is what takes its time."""
    _three_engagements_stand_where_the_story_says(told, now)
    _the_portfolio_shows_each_risk(now)
    _everything_is_there_to_be_looked_at()
    _nothing_was_done_in_the_future(now)
    _reminders_are_due_right_away_for_each_customer(now)
    _verify_finds_no_fault(now)


def _three_engagements_stand_where_the_story_says(told: dict[str, UUID], now: datetime) -> None:
    rows = rows_of(now)
    stages = {name: str(rows[engagement_id].stage) for name, engagement_id in told.items()}
    assert stages == {"museums": "in_delivery", "bakery": "requirements_agreed", "harbour": "in_delivery"}
    sites = {site.name: site.stage for site in db.session.scalars(sa.select(Site))}
    assert sites == {
        "www": "in_uat",
        "shop": "in_uat",
        "archive": "qualified",
        "Boutique": "listed",
        "Carnet": "listed",
        "Depots": "withdrawn",
        "Gdańsk depot": "hypercare",
        "Łódź depot": "launch_planned",
        "Rotterdam depot": "remediating",
    }


def _the_portfolio_shows_each_risk(now: datetime) -> None:
    alarms = {row.engagement.name: row.alarms for row in rows_of(now).values()}
    assert set(chain.from_iterable(alarms.values())) == set(Alarm)
    assert alarms["Three-site migration"][Alarm.OVERDUE] == 1
    assert alarms["Three-site migration"][Alarm.OVER_80] == 1
    assert alarms["Three-site migration"][Alarm.FROZEN] == 2
    assert Alarm.OVERDUE not in alarms["Bakery relaunch"]
    assert Alarm.OVERDUE not in alarms["Depot sites"]


def _everything_is_there_to_be_looked_at() -> None:
    def count(*where: sa.ColumnElement[bool]) -> int:
        return db.session.scalar(sa.select(sa.func.count()).where(*where)) or 0

    blocked = ScopeItem.reason.contains("The Basic plan has no")
    archive = sa.select(Site.id).where(Site.name == "archive").scalar_subquery()
    assert count(blocked, ScopeItem.site_id == archive) == 4
    assert count(FreezeOverride.id.is_not(None)) == 1
    assert count(UatRound.state == "open") == 2
    assert count(Defect.id.is_not(None)) == 5
    assert count(Comment.audience == "internal") == 1
    assert count(UnplacedTime.settled_at.is_(None)) == 1
    assert count(Timer.person_id.is_not(None)) == 1
    states = db.session.execute(sa.select(TimeEntry.state, sa.func.count()).group_by(TimeEntry.state)).all()
    assert {state for state, _count in states} == {"draft", "submitted", "approved", "rejected", "reversed", "reversal"}
    assert sum(number for _state, number in states) >= 36
    told = set(db.session.scalars(sa.select(OutboxNotice.kind)))
    assert {"budget.customer", "budget.team", "ps_block.customer", "ps_block.team"} <= told
    unanswered = sa.select(Freeze).where(Freeze.answer.is_(None))
    assert not list(db.session.scalars(unanswered.where(Freeze.kind == "code")))


def _nothing_was_done_in_the_future(now: datetime) -> None:
    done = (Deadline.done_at, TimeEntry.created_at, Signature.signed_at, Comment.at, Defect.reported_at, OutboxNotice.settled_at)
    for column in done:
        assert (db.session.scalar(sa.select(sa.func.max(column))) or now) <= now, column
    assert (db.session.scalar(sa.select(sa.func.max(TimeEntry.worked_on))) or now.date()) <= now.date()
    # A freeze is over when its site is launched, days after the date on which it began.
    late = sa.select(Deadline).where(Deadline.done_at.is_not(None), Deadline.kind.not_in(("code_freeze", "content_freeze")))
    for date in db.session.scalars(late):
        assert date.done_at is not None
        assert date.done_at.date() <= date.day, f"{date.title} was for {date.day}, and done on {date.done_at}"


def _reminders_are_due_right_away_for_each_customer(now: datetime) -> None:
    left = sa.select(sa.func.count()).where(OutboxNotice.state.in_(("ready", "unknown", "parked", "expired", "dead")))
    assert db.session.scalar(left) == 0, "all that came due before today has been told"
    with time_machine.travel(now, tick=False):
        released = step.plan(now)
    assert {notice.channel for notice in released} >= {museums.CHANNEL, museums.TEAM_CHANNEL, bakery.CHANNEL, harbour.CHANNEL}
    assert {notice.channel for notice in released} <= set(story.CHANNELS)
    assert "expired" not in set(db.session.scalars(sa.select(OutboxNotice.state)))


def _verify_finds_no_fault(now: datetime) -> None:
    assert budget.counter_faults(db.session) == []
    assert ps_block.block_faults(db.session) == []
    assert entries.entry_faults(db.session) == []
    assert audit.chain_faults(db.session) == []
    assert outbox.outbox_faults(db.session, now, timedelta(hours=1)) == []


def test_everybody_of_the_cast_is_there_once() -> None:
    emails = [spec.email for spec in cast.CAST]
    assert len(emails) == len(set(emails))
    assert {spec.role for spec in cast.CAST} == {
        "admin",
        "engagement_manager",
        "engineer",
        "customer_approver",
        "customer_viewer",
    }
