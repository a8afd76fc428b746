"""Notices by the page: what is planned, what is stuck, and what a manager does about it."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import actor, make_engagement, make_person, sign_in
from tracker.clock import utc_now
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.outbox import log
from tracker.store.transaction import transaction
from tracker.web.notice import say_kind

TITLE = "Send <b>logos</b> & fonts"


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    """With a date of its own in ten days, and the reminders of it."""
    made, admin = make_engagement(name="Acme moves"), actor(make_person("admin"))
    now = utc_now()
    with transaction(db.session, now=now):
        day = (now + timedelta(days=10)).date()
        spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=day), title=TITLE)
        set_date(db.session, admin, made.id, spec, now=now)
    return made


def notices(engagement: Engagement) -> list[OutboxNotice]:
    mine = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement.id).order_by(OutboxNotice.due_at)
    return list(db.session.scalars(mine))


def park(notice: OutboxNotice) -> None:
    """As after a try that the channel did not take."""
    now = utc_now()
    with transaction(db.session, now=now):
        parked = {"state": "parked", "attempts": 1, "last_error": "not_in_channel", "reason": "The channel does not take it."}
        db.session.execute(sa.update(OutboxNotice).where(OutboxNotice.id == notice.id).values(**parked))
        log(db.session, notice.id, 1, "parked", "not_in_channel", now)


def test_what_is_planned_is_listed_by_state_and_shown_as_it_will_look(client: FlaskClient, engagement: Engagement) -> None:
    sign_in(client, make_person())
    listed = client.get("/notices?state=planned").text
    planned = notices(engagement)
    assert re.search(rf'aria-current="true">Planned <span class="tabs__count">{len(planned)}<', listed)
    assert "Acme moves" in listed
    shown = client.get(f"/notices/{planned[-1].id}").text
    assert "Send &lt;b&gt;logos&lt;/b&gt; &amp; fonts" in shown
    assert "Not tried yet." in shown
    assert "on the day" in shown
    assert "Send again" not in shown
    assert "No notices here." in client.get("/notices?state=dead").text


def test_an_engineer_who_is_not_assigned_sees_nothing(client: FlaskClient, engagement: Engagement) -> None:
    sign_in(client, make_person("engineer"))
    page = client.get("/notices")
    assert page.status_code == 200
    assert "No notices here." in page.text
    assert client.get(f"/notices/{notices(engagement)[0].id}").status_code == 404


def test_a_parked_notice_says_why_and_is_sent_again(client: FlaskClient, engagement: Engagement) -> None:
    (notice, *_others) = notices(engagement)
    park(notice)
    sign_in(client, make_person())
    page = client.get(f"/notices/{notice.id}").text
    assert "The channel does not take it." in page
    assert page.count("not_in_channel") == 2, "above the message, and among the tries"
    for _press in range(2):
        again = client.post(f"/notices/{notice.id}/send-again", data={"request_key": "pressed"}, follow_redirects=True)
        assert "It goes out with the next round" in again.text
    assert notices(engagement)[0].state == "ready"


def test_a_parked_notice_is_given_up_and_stays_on_record(client: FlaskClient, engagement: Engagement) -> None:
    (notice, *_others) = notices(engagement)
    park(notice)
    manager = make_person(name="Mia")
    sign_in(client, manager)
    assert "Given up. Nobody was told." in client.post(f"/notices/{notice.id}/give-up", follow_redirects=True).text
    late = client.post(f"/notices/{notice.id}/give-up")
    assert late.status_code == 409
    assert "Only a parked or dead notice is given up, and once." in late.text
    assert "Given up by Mia." in late.text


def test_what_is_stuck_is_a_list_of_its_own_and_decided_on_together(client: FlaskClient, engagement: Engagement) -> None:
    first, second = notices(engagement)
    for notice in (first, second):
        park(notice)
    sign_in(client, make_person(name="Mia"))
    page = client.get("/notices?state=stuck").text
    assert 'Stuck <span class="tabs__count">2<' in page
    assert page.count('type="checkbox"') == 2
    assert "The channel does not take it." in page
    assert client.get("/notices?state=stuck&tick=all").text.count(" checked") == 2
    again = {"request_key": "one", "step": "again", "ids": [str(first.id), "nonsense"]}
    for _press in range(2):
        said = client.post("/notices/stuck", data=again, follow_redirects=True)
    assert 'Stuck <span class="tabs__count">1<' in said.text
    given = {"request_key": "two", "step": "give_up", "ids": [str(first.id), str(second.id)]}
    assert "1 notice given up." in client.post("/notices/stuck", data=given, follow_redirects=True).text
    assert [each.state for each in notices(engagement)] == ["ready", "dead"]
    assert "Stuck" not in client.get("/notices").text, "what is given up waits for nobody"


def test_the_list_goes_on_and_back(client: FlaskClient, app: Flask) -> None:
    engagement, admin = make_engagement(), actor(make_person("admin"))
    now = utc_now()
    with transaction(db.session, now=now):
        for number in range(60):
            day = (now + timedelta(days=20 + number)).date()
            spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=day), title=f"Thing {number}")
            set_date(db.session, admin, engagement.id, spec, now=now)
    sign_in(client, make_person())
    seen: set[str] = set()
    path: str | None = "/notices"
    while path is not None:
        page = client.get(path).text
        found = set(re.findall(r'href="/notices/([0-9a-f-]{36})"', page))
        assert not found & seen
        seen |= found
        more = re.search(r'href="(/notices\?after=[^"]+)" rel="next"', page)
        path = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(notices(engagement)) > 50


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("join_channel.after1d", "Channel joined, 1 business day after"),
        ("content_freeze_notice.5d", "Content freeze announced, 5 business days ahead"),
        ("uat.opened", "UAT round opened"),
        ("freeze.answered", "Freeze answered"),
    ],
)
def test_each_kind_of_notice_is_named_in_words(kind: str, words: str) -> None:
    assert say_kind(kind) == words
