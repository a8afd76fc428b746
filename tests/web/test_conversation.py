"""The conversation, weekly updates, kick-off notes and links, as both sides use their pages."""

import re
from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.factories import NOW, actor, make_engagement, make_link, make_person, make_site, say, sign_in
from tests.web.test_engagement import count, value_of
from tracker.services import kickoff as kickoff_service
from tracker.services import weekly_update as update_service
from tracker.services.kickoff import KickoffChange
from tracker.store.comment import Comment
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.kickoff import KickoffRecord
from tracker.store.link import EngagementLink
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction
from tracker.store.weekly_update import WeeklyUpdate


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    """A signed-in manager."""
    person = make_person(name="Jonas Weber")
    sign_in(client, person)
    return person


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager, name="Museum move")


@pytest.fixture
def address(engagement: Engagement) -> str:
    return f"/engagements/{engagement.id}"


def test_what_is_said_twice_by_a_double_click_is_said_once(client: FlaskClient, engagement: Engagement, address: str) -> None:
    site = make_site(engagement, name="Shop")
    said = {"text": "We start on Monday\nat nine", "audience": "customer", "site_id": str(site.id), "request_key": "once"}
    first, second = (client.post(f"{address}/comments", data=said) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    page = client.get(f"{address}/comments").text
    assert "We start on Monday\nat nine" in page
    assert "Shop · " in page
    assert "Jonas Weber" in page
    assert (count(Comment), db.session.scalar(sa.select(sa.func.count()).select_from(OutboxNotice))) == (1, 1)


def test_the_team_has_to_say_who_reads_it_and_keeps_what_it_typed(client: FlaskClient, address: str) -> None:
    answer = client.post(f"{address}/comments", data={"text": "They are nervous"})
    assert answer.status_code == 422
    assert "Choose who reads it." in answer.text
    assert "They are nervous</textarea>" in answer.text
    assert count(Comment) == 0


def test_a_customer_is_not_asked_who_reads_it_and_cannot_whisper(client: FlaskClient, address: str) -> None:
    sign_in(client, make_person("customer_viewer", name="Priya Nair"))
    assert "Who reads it" not in client.get(f"{address}/comments").text
    said = {"text": "Which day?", "audience": "internal", "request_key": "once"}
    assert client.post(f"{address}/comments", data=said).status_code == 303
    assert db.session.scalars(sa.select(Comment.audience)).all() == ["customer"]


def test_a_secret_is_refused_at_its_field(client: FlaskClient, address: str) -> None:
    answer = client.post(f"{address}/comments", data={"text": "password: hunter2hunter2", "audience": "internal"})
    assert answer.status_code == 422
    assert "Secrets are not kept here" in answer.text


def test_comments_are_paged_and_narrowed_to_a_site(
    client: FlaskClient, manager: Person, engagement: Engagement, address: str
) -> None:
    site = make_site(engagement, name="Shop")
    for number in range(31):
        say(engagement, manager, f"Word {number:02}", site_id=site.id if number == 3 else None)
    newest = client.get(f"{address}/comments").text
    assert newest.index("Word 30") < newest.index("Word 29")
    assert "Word 00" not in newest
    older = re.search(r'href="([^"]*before=[^"]*)"', newest)
    assert older is not None
    assert "Word 00" in client.get(older[1].replace("&amp;", "&")).text
    narrowed = client.get(f"{address}/comments?site={site.id}").text
    assert "Word 03" in narrowed
    assert "Word 04" not in narrowed
    assert client.get(f"{address}/comments?site=nonsense&before=nonsense").status_code == 200


def test_an_author_withdraws_and_the_words_are_gone(
    client: FlaskClient, manager: Person, engagement: Engagement, address: str
) -> None:
    said = say(engagement, manager, "Wrong window")
    theirs = say(engagement, make_person("customer_viewer"), "Which day?")
    assert f"/comments/{theirs.id}/withdraw" not in client.get(f"{address}/comments").text
    assert client.post(f"/comments/{said.id}/withdraw").status_code == 303
    page = client.get(f"{address}/comments").text
    assert "Wrong window" not in page
    assert "Withdrawn by whoever wrote it." in page
    assert client.post(f"/comments/{theirs.id}/withdraw").status_code == 403


def test_an_update_is_composed_edited_and_posted(client: FlaskClient, engagement: Engagement, address: str) -> None:
    made = client.post(f"{address}/updates", data={"request_key": "once"})
    assert made.status_code == 303
    assert "Compose this week" not in client.get(f"{address}/updates").text
    again = client.post(f"{address}/updates", data={"request_key": "twice"})
    assert (again.status_code, "This week has its update already" in again.text) == (409, True)
    draft = client.get(made.location).text
    kept = client.post(made.location, data={"text": "We moved the shop.", "version": value_of(draft, "version")})
    assert kept.status_code == 303
    stale = client.post(made.location, data={"text": "Another", "version": value_of(draft, "version")})
    assert (stale.status_code, "Another</textarea>" in stale.text) == (409, True)
    viewer = make_person("customer_viewer")
    sign_in(client, viewer)
    assert "We moved the shop." not in client.get(f"{address}/updates").text
    assert client.get(made.location).status_code == 404
    sign_in(client, db.session.get_one(Person, engagement.manager_id))
    page = client.get(f"{address}/updates").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    assert client.post(f"{made.location}/post", data={"version": "1"}).status_code == 409
    assert client.post(f"{made.location}/post", data={"version": version[1]}).status_code == 303
    assert client.get(made.location).location.startswith(f"{address}/updates")
    assert client.post(made.location, data={"text": "A second thought"}).status_code == 409
    sign_in(client, viewer)
    assert "We moved the shop." in client.get(f"{address}/updates").text
    assert db.session.scalars(sa.select(WeeklyUpdate.state)).all() == ["posted"]


def test_updates_are_paged_by_week(client: FlaskClient, manager: Person, engagement: Engagement, address: str) -> None:
    with transaction(db.session, now=NOW):
        for week in range(12):
            db.session.add(
                WeeklyUpdate(
                    engagement_id=engagement.id,
                    week_of=date.fromisocalendar(2026, week + 1, 1),
                    text=f"Week {week + 1:02}",
                    author_id=manager.id,
                    state="draft",
                    created_at=NOW,
                )
            )
    page = client.get(f"{address}/updates").text
    assert "Week 12" in page
    assert "Week 02" not in page
    older = re.search(r'href="([^"]*before=[^"]*)"', page)
    assert older is not None
    assert "Week 02" in client.get(older[1]).text
    assert client.get(f"{address}/updates?before=nonsense").status_code == 200


def test_the_kick_off_is_recorded_by_line_and_read_by_both_sides(client: FlaskClient, address: str) -> None:
    said = {
        "held_on": "2026-03-02",
        "attendees": "Priya Nair, customer, head of digital\nJonas Weber, team",
        "notes": "Freeze agreed",
        "internal_notes": "ZANZIBAR",
        "version": "0",
    }
    wrong = client.post(f"{address}/kickoff/edit", data=said | {"attendees": "Priya Nair\nJonas Weber, friend"})
    assert wrong.status_code == 422
    assert "Line 1:" in wrong.text
    assert "Line 2:" in wrong.text
    assert "Freeze agreed</textarea>" in wrong.text
    assert client.post(f"{address}/kickoff/edit", data=said).status_code == 303
    assert client.post(f"{address}/kickoff/edit", data=said).status_code == 409, "it was recorded meanwhile"
    assert "ZANZIBAR" in client.get(f"{address}/kickoff").text
    sign_in(client, make_person("customer_viewer"))
    page = client.get(f"{address}/kickoff").text
    for both in ("Mon 2 Mar 2026", "Priya Nair", "head of digital", "Freeze agreed"):
        assert both in page
    assert "ZANZIBAR" not in page
    assert client.get(f"{address}/kickoff/edit").status_code == 404
    assert count(KickoffRecord) == 1


def test_links_are_added_by_both_sides_and_removed_by_whoever_may(
    client: FlaskClient, manager: Person, engagement: Engagement, address: str
) -> None:
    make_link(engagement, manager, "ZANZIBAR margin", internal=True)
    said = {"title": "Agreement", "url": "https://docs.example.com/a", "kind": "agreement", "audience": "customer"}
    assert client.post(f"{address}/links", data=said).status_code == 303
    wrong = client.post(f"{address}/links", data=said | {"url": "javascript:alert(1)"})
    assert wrong.status_code == 422
    assert "A link begins with https://" in wrong.text
    viewer = make_person("customer_viewer")
    sign_in(client, viewer)
    assert client.post(f"{address}/links", data=said | {"title": "Our DNS sheet", "audience": "internal"}).status_code == 303
    page = client.get(f"{address}/links").text
    assert "ZANZIBAR" not in page
    mine, agreement = (
        db.session.scalars(sa.select(EngagementLink).where(EngagementLink.title == title)).one()
        for title in ("Our DNS sheet", "Agreement")
    )
    assert mine.audience == "customer"
    assert f"/links/{mine.id}/remove" in page
    assert f"/links/{agreement.id}/remove" not in page
    assert client.post(f"/links/{agreement.id}/remove").status_code == 403
    assert client.post(f"/links/{mine.id}/remove", data={"version": "7"}).status_code == 409
    assert client.post(f"/links/{mine.id}/remove", data={"version": "1"}).status_code == 303
    assert "Our DNS sheet" not in client.get(f"{address}/links").text


@pytest.mark.parametrize("page", ["comments", "updates", "kickoff", "links"])
@pytest.mark.parametrize("role", ["engagement_manager", "customer_approver"])
def test_each_page_costs_the_same_however_much_there_is(
    client: FlaskClient, statements: Callable[[str], int], manager: Person, page: str, role: str
) -> None:
    small, large = make_engagement(manager), make_engagement(manager)
    for engagement, times in ((small, 1), (large, 12)):
        for _ in range(times):
            site = make_site(engagement)
            say(engagement, manager, site_id=site.id)
            make_link(engagement, manager)
        with transaction(db.session, now=NOW):
            notes: dict[str, object] = {"notes": "n"}
            kickoff_service.record_kickoff(db.session, actor(manager), engagement.id, KickoffChange(notes), now=NOW)
            update = update_service.compose_update(db.session, actor(manager), engagement.id, text="u", now=NOW)
            update_service.post_update(db.session, actor(manager), update.id, now=NOW)
    if role != "engagement_manager":
        sign_in(client, make_person(role))
    assert statements(f"/engagements/{small.id}/{page}") == statements(f"/engagements/{large.id}/{page}")
