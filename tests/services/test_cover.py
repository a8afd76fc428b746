"""Cover: who stands in sees and does what the absent person does, on the days in between and not a minute longer."""

from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from tests.factories import NOW, TODAY, actor, make_cover, make_engagement, make_person, make_site, sign_in
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Guard, Invalid, NotAllowed, NotFound
from tracker.services import cover as service
from tracker.services.cover import CoverSpec
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import add_member, remove_member
from tracker.store import audit, portfolio
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.cover import Cover
from tracker.store.database import db, table_of
from tracker.store.engagement import Engagement
from tracker.store.identity import new_id
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction

FIRST, LAST = date(2026, 3, 9), date(2026, 3, 13)


def assign(engagement: Engagement, person: Person) -> None:
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, engagement.id, person.id, now=NOW)


def sees(person: Person, engagement: Engagement, now: datetime) -> bool:
    """Whether somebody knows of an engagement at a moment, by every way that leads there."""
    who = actor(person, now=now)
    try:
        engagements.get(db.session, who, engagement.id)
        known = True
    except NotFound:
        known = False
    assert (engagement.id in set(db.session.scalars(engagements.ids_on_it(who)))) is known
    assert (engagement.id in engagements.choices(db.session, who)) is known
    return known


@pytest.mark.parametrize(
    ("zone", "first", "end"),
    [
        ("UTC", datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)),
        ("Pacific/Auckland", datetime(2026, 3, 8, 11, tzinfo=UTC), datetime(2026, 3, 13, 11, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 3, 9, 7, tzinfo=UTC), datetime(2026, 3, 14, 7, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("leads", [True, False])
def test_a_cover_sees_exactly_while_it_runs(app: Flask, zone: str, first: datetime, end: datetime, leads: bool) -> None:
    absent = make_person("engagement_manager" if leads else "engineer", time_zone=zone)
    stand_in = make_person("engineer", time_zone="Asia/Tokyo")
    theirs, other = make_engagement(absent if leads else None), make_engagement()
    if not leads:
        assign(theirs, absent)
    make_cover(absent, stand_in, FIRST, LAST)
    minute = timedelta(minutes=1)
    assert not sees(stand_in, theirs, first - minute)
    assert sees(stand_in, theirs, first)
    assert sees(stand_in, theirs, end - minute)
    assert not sees(stand_in, theirs, end)
    assert not sees(stand_in, other, first)
    assert not sees(make_person("engineer"), theirs, first)


def test_who_covers_keeps_their_own_role_and_loses_what_the_absent_one_leaves(app: Flask) -> None:
    absent, stand_in = make_person("engineer"), make_person("engineer")
    engagement = make_engagement()
    site = make_site(engagement)
    assign(engagement, absent)
    make_cover(absent, stand_in, FIRST, LAST)
    during = datetime(2026, 3, 10, 9, tzinfo=UTC)
    who = actor(stand_in, now=during)
    assert sites.get(db.session, who, site.id).id == site.id
    with pytest.raises(NotAllowed), transaction(db.session, now=during):
        add_member(db.session, who, engagement.id, stand_in.id, now=during)
    with transaction(db.session, now=NOW):
        remove_member(db.session, SYSTEM, engagement.id, absent.id, now=NOW)
    assert not sees(stand_in, engagement, during)


def test_a_cover_that_is_ended_ends_at_once(app: Flask) -> None:
    absent, stand_in = make_person("engineer"), make_person("engineer")
    engagement = make_engagement()
    assign(engagement, absent)
    cover = make_cover(absent, stand_in, FIRST, LAST)
    during = datetime(2026, 3, 10, 9, tzinfo=UTC)
    assert sees(stand_in, engagement, during)
    with pytest.raises(NotFound), transaction(db.session, now=during):
        service.end(db.session, actor(stand_in), cover.id, now=during)
    with transaction(db.session, now=during):
        service.end(db.session, actor(absent), cover.id, now=during)
    assert not sees(stand_in, engagement, during)
    with pytest.raises(Guard), transaction(db.session, now=during):
        service.end(db.session, actor(absent), cover.id, now=during)


def arrange(who: Person, absent: Person, stand_in: Person, first: date = FIRST, last: date = LAST) -> None:
    with transaction(db.session, now=NOW):
        service.arrange(db.session, actor(who), absent.id, CoverSpec(stand_in.id, first, last), now=NOW)


def test_covers_neither_overlap_nor_form_a_chain(app: Flask) -> None:
    mei, ben, ada = (make_person("engineer", name=name) for name in ("Mei", "Ben", "Ada"))
    arrange(mei, mei, ben)
    refused = [
        (mei, ada, LAST, LAST + timedelta(days=3), "from_on", "Ben covers from Mon 9 Mar to Fri 13 Mar 2026 already"),
        (ada, mei, FIRST, FIRST, "cover", "Mei is away from Mon 9 Mar to Fri 13 Mar 2026"),
        (ben, ada, LAST, LAST, "from_on", "Ben covers for Mei from Mon 9 Mar to Fri 13 Mar 2026"),
        (ada, ada, FIRST, LAST, "cover", "Choose a colleague."),
        (ada, ben, LAST, FIRST, "until_on", "The last day lies before the first."),
        (ada, ben, TODAY - timedelta(days=9), TODAY - timedelta(days=1), "until_on", "These days are over."),
        (ada, ben, FIRST, FIRST + timedelta(days=366), "until_on", "a year at most"),
        (ada, make_person("customer_approver"), FIRST, LAST, "cover", "Only active members of the staff"),
    ]
    for absent, stand_in, first, last, field, message in refused:
        with pytest.raises(Invalid, match=message) as caught:
            arrange(absent, absent, stand_in, first, last)
        assert [error.field for error in caught.value.errors] == [field]
    arrange(mei, mei, ada, LAST + timedelta(days=1), LAST + timedelta(days=1))


def test_people_are_away_themselves_and_administrators_say_so_for_anybody_of_the_staff(app: Flask) -> None:
    mei, ben = make_person("engineer"), make_person("engagement_manager")
    with pytest.raises(NotAllowed):
        arrange(ben, mei, ben)
    with pytest.raises(NotFound):
        arrange(make_person("admin"), make_person("customer_viewer"), ben)
    with pytest.raises(NotFound):
        arrange(make_person("customer_viewer"), mei, ben)
    arrange(make_person("admin"), mei, ben)


def test_the_database_itself_refuses_a_cover_by_oneself(app: Flask) -> None:
    mei = make_person("engineer")
    row = {"id": new_id(), "person_id": mei.id, "cover_id": mei.id, "from_on": FIRST, "until_on": LAST, "note": ""}
    row |= {"starts_at": NOW, "ends_at": NOW + timedelta(days=1), "made_at": NOW}
    with pytest.raises(IntegrityError, match="somebody_else"), db.engine.begin() as connection:
        connection.execute(sa.insert(table_of(Cover)).values(row))


def test_reminders_mention_whoever_is_there_when_they_go_out(app: Flask) -> None:
    mei, ben = make_person("engagement_manager", slack_user_id="UMEI"), make_person("engineer", slack_user_id="UBEN")
    engagement = make_engagement(mei)
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 3, 16)), None, "Handbook", owner_id=mei.id)
        set_date(db.session, actor(mei), engagement.id, spec, now=NOW)
    assert set(mentions()) == {"UMEI"}
    cover = make_cover(mei, ben, FIRST, LAST)
    assert {due.date(): who for due, who in due_mentions() if due.date() <= LAST} != {}
    assert all((who == "UBEN") is (FIRST <= due.date() <= LAST) for due, who in due_mentions())
    with transaction(db.session, now=NOW):
        service.end(db.session, actor(mei), cover.id, now=NOW)
    assert set(mentions()) == {"UMEI"}


def due_mentions() -> list[tuple[datetime, str | None]]:
    rows = db.session.execute(sa.select(OutboxNotice.due_at, OutboxNotice.mention).where(OutboxNotice.state == "planned"))
    return [(row.due_at, row.mention) for row in rows]


def mentions() -> list[str | None]:
    return [who for _due, who in due_mentions()]


def test_the_first_page_and_the_names_say_who_covers(client: FlaskClient) -> None:
    today = utc_now().date()
    mei, ben = make_person("engagement_manager", name="Mei"), make_person("engineer", name="Ben")
    engagement = make_engagement(mei, name="Museum move")
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=today - timedelta(days=2)), None, "Late thing")
        set_date(db.session, actor(mei), engagement.id, spec, now=NOW)
    sign_in(client, ben)
    assert "Museum move" not in client.get("/").text
    assert client.get(f"/engagements/{engagement.id}").status_code == 404
    make_cover(mei, ben, today, today + timedelta(days=1), now=utc_now())
    page = client.get("/").text
    assert "Museum move: Late thing" in page
    assert "Ben covers until" in page
    assert "Ben covers until" in client.get(f"/engagements/{engagement.id}").text


def test_a_cover_is_arranged_and_ended_by_the_page(client: FlaskClient) -> None:
    today = utc_now().date()
    mei, ben = make_person("engineer", name="Mei"), make_person("engineer", name="Ben")
    sign_in(client, mei)
    data = {
        "cover": str(ben.id),
        "from_on": today.isoformat(),
        "until_on": (today - timedelta(days=1)).isoformat(),
        "note": "Sea",
    }
    refused = client.post("/account/away", data=data)
    assert refused.status_code == 422
    assert "The last day lies before the first." in refused.text
    assert 'value="Sea"' in refused.text
    page = client.post("/account/away", data=data | {"until_on": today.isoformat()}, follow_redirects=True).text
    assert "Who covers for you" in page
    assert "Sea" in page
    cover_id = page.partition("/covers/")[2].partition("/end")[0]
    sign_in(client, ben)
    assert "You cover for" in client.get("/account/away").text
    assert client.post(f"/covers/{cover_id}/end").status_code == 404
    sign_in(client, mei)
    assert "The cover has ended." in client.post(f"/covers/{cover_id}/end", follow_redirects=True).text
    assert "This cover is over already." in client.post(f"/covers/{cover_id}/end", follow_redirects=True).text


def test_what_needs_somebody_counts_covered_engagements(app: Flask) -> None:
    mei, ben = make_person("engagement_manager"), make_person("engineer")
    engagement = make_engagement(mei, kickoff_on=date(2026, 3, 10))
    make_cover(mei, ben, FIRST, LAST)
    during, after = datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 14, tzinfo=UTC)
    assert {row.engagement.id for row in portfolio.due(db.session, actor(ben, now=during), during.date(), limit=5)} == {
        engagement.id
    }
    assert portfolio.due(db.session, actor(ben, now=after), after.date(), limit=5) == []
    assert audit.chain_faults(db.session) == []
