"""The digests: on Mondays for both sides, in the morning for the team, with the facts of the moment or not at all."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.digest import first_daily, first_weekly
from tracker.domain.workday import Calendar
from tracker.jobs import step
from tracker.services import deadline as deadline_service
from tracker.services import digest, time_entry
from tracker.services import engagement as engagement_service
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.engagement import EngagementChange
from tracker.store import deadline as deadlines
from tracker.store import digest as digests
from tracker.store import notice as notices
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.preference import EngagementPreference
from tracker.store.transaction import transaction

# Nine o'clock in Berlin in winter.
MONDAY, TUESDAY = datetime(2026, 3, 9, 8, tzinfo=UTC), datetime(2026, 3, 3, 8, tzinfo=UTC)


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person(name="Jonas Weber")


def write(now: datetime, turn: Any = None) -> None:
    for each in (turn,) if turn else (digest.weekly_due, digest.daily_due):
        while True:
            with transaction(db.session, now=now):
                if not each(db.session, now=now):
                    break


def told(kind: str) -> list[OutboxNotice]:
    db.session.expire_all()
    query = sa.select(OutboxNotice).where(OutboxNotice.kind == kind).order_by(OutboxNotice.due_at, OutboxNotice.id)
    return list(db.session.scalars(query))


def edit(engagement: Engagement, manager: Person, now: datetime = NOW, **values: Any) -> None:
    with transaction(db.session, now=now):
        change = EngagementChange(None, values)
        engagement_service.edit_engagement(db.session, actor(manager), engagement.id, change, now=now)


def digest_at(engagement: Engagement) -> datetime | None:
    db.session.expire_all()
    return db.session.get_one(Engagement, engagement.id).digest_at


def test_the_week_begins_on_the_first_monday_after_the_kick_off() -> None:
    berlin = Calendar("Europe/Berlin")
    assert first_weekly(date(2026, 2, 16), berlin, None, NOW) == MONDAY
    assert first_weekly(date(2026, 3, 9), berlin, None, NOW) == MONDAY + timedelta(days=7), "not on the day itself"
    assert first_weekly(date(2026, 2, 16), berlin, 16, NOW) == datetime(2026, 3, 2, 15, tzinfo=UTC), "later today"
    friday = datetime(2026, 3, 6, 12, tzinfo=UTC)
    assert first_daily(berlin, None, friday) == MONDAY, "no digest at the weekend"
    # The clocks of Berlin go forward on the Sunday before.
    assert first_weekly(date(2026, 2, 16), berlin, None, datetime(2026, 3, 24, tzinfo=UTC)) == datetime(
        2026, 3, 30, 7, tzinfo=UTC
    )


def test_both_sides_hear_on_mondays_what_is_due_and_whom_it_waits_for(manager: Person) -> None:
    engagement = make_engagement(manager, name="Museum move", kickoff_on=date(2026, 2, 16))
    assert digest_at(engagement) == MONDAY
    write(MONDAY - timedelta(seconds=1))
    assert told("digest.weekly") == []
    write(MONDAY)
    (said,) = told("digest.weekly")
    assert (said.headline, said.channel, said.due_at) == ("Museum move: the week of Mon 9 Mar 2026", "C1", MONDAY)
    assert "• Fri 13 Feb 2026: Site inventory due (customer)" in said.text
    assert digest_at(engagement) == MONDAY + timedelta(days=7)
    write(MONDAY)
    assert len(told("digest.weekly")) == 1
    write(MONDAY + timedelta(days=15))
    assert len(told("digest.weekly")) == 1, "a week that nobody wrote of in time is not told afterwards"


def test_nothing_to_say_says_nothing_and_what_rests_is_not_looked_at(manager: Person) -> None:
    quiet = make_engagement(manager, kickoff_on=date(2026, 2, 16))
    for kind in ("kickoff", "inventory", "join_channel"):
        with transaction(db.session, now=NOW):
            found = deadlines.one(db.session, quiet.id, None, kind)
            assert found is not None
            change = DateChange(None, None, None, NOW)
            deadline_service.change_date(db.session, actor(manager), found.id, change, now=NOW)
    write(MONDAY)
    assert told("digest.weekly") == []
    assert digest_at(quiet) == MONDAY + timedelta(days=7)
    edit(quiet, manager, status="on_hold")
    assert digest_at(quiet) is None
    edit(quiet, manager, status="active")
    assert digest_at(quiet) == MONDAY
    with transaction(db.session, now=NOW):
        row = {"engagement_id": quiet.id, "ladders": {}, "weekly_digest": True, "daily_digest": True, "digest_hour": 14}
        db.session.add(EngagementPreference(**row))
    edit(quiet, manager, account_rep="Dana")
    assert digest_at(quiet) == datetime(2026, 3, 2, 13, tzinfo=UTC), "at the hour that was wished"


def test_the_team_hears_each_morning_of_all_its_engagements_at_once(manager: Person) -> None:
    first = make_engagement(manager, name="Museum move", internal_slack_channel="CTEAM", kickoff_on=date(2026, 2, 16))
    second = make_engagement(manager, name="Bakery", slack_channel="C9", internal_slack_channel="CTEAM")
    shop = make_site(second, name="shop")
    agree(second)
    with transaction(db.session, now=NOW):
        time_entry.book(db.session, actor(manager), some_work(shop, 255), now=NOW)
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 3, 3)), title="Send the fonts")
        deadline_service.set_date(db.session, actor(manager), second.id, spec, now=NOW)
    write(TUESDAY)
    (said,) = told("digest.daily")
    assert (said.engagement_id, said.channel, said.headline) == (first.id, "CTEAM", "Today, Tue 3 Mar 2026")
    assert "Museum move\n• Overdue: Site inventory due, Fri 13 Feb 2026 (Acme)" in said.text
    assert "Bakery\n• Due: Send the fonts (the team)\n• Hours: shop, 85 % of the known-incompatibility allowance" in said.text
    edit(first, manager, internal_slack_channel="COTHER")
    assert told("digest.daily")[0].channel == "CTEAM", "it speaks of others too, and goes nowhere else"


def test_a_channel_that_a_customer_reads_gets_no_daily_digest(manager: Person) -> None:
    make_engagement(manager, internal_slack_channel="CTEAM", kickoff_on=date(2026, 2, 16))
    make_engagement(manager, slack_channel="CTEAM")
    write(TUESDAY)
    assert told("digest.daily") == []
    assert digests.next_daily(db.session) is None


def test_a_daily_digest_is_listed_for_those_who_see_all(client: FlaskClient, manager: Person) -> None:
    engagement = make_engagement(manager, internal_slack_channel="CTEAM", kickoff_on=date(2026, 2, 16))
    write(TUESDAY)
    (said,) = told("digest.daily")
    engineer, admin = make_person("engineer"), make_person("admin")
    with transaction(db.session, now=NOW):
        engagement_service.add_member(db.session, actor(manager), engagement.id, engineer.id, now=NOW)
    for who, status in ((admin, 200), (engineer, 404)):
        sign_in(client, who)
        assert client.get(f"/notices/{said.id}").status_code == status
        assert (said.headline in client.get("/notices").text) is (status == 200)
    assert said.id not in {each.id for each in notices.coming(db.session, engagement.id, limit=50)}


def test_a_dry_run_foresees_digests_and_keeps_nothing(manager: Person) -> None:
    engagement = make_engagement(manager, internal_slack_channel="CTEAM", kickoff_on=date(2026, 2, 16))
    foreseen = [notice.kind for notice in step.coming(NOW, MONDAY + timedelta(hours=1))]
    assert foreseen.count("digest.weekly") == 1
    assert foreseen.count("digest.daily") == 5
    assert told("digest.weekly") == []
    assert digest_at(engagement) == MONDAY
