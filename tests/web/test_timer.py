"""The timer on the pages: shown on each, started from the form or a site, and no stop ends in an error page."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, actor, make_agreed_site, make_person, make_unplaced, sign_in, some_work
from tests.services.test_timer import assign, running, sell, unassign, use_up
from tests.web.test_time import words
from tracker.domain.budget import WorkKind
from tracker.services.time_entry import book
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.timer import UnplacedTime
from tracker.store.transaction import transaction


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    """A clock that stands at noon until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def engineer(site: Site) -> Person:
    person = make_person("engineer", name="Mei")
    assign(person, site)
    return person


@pytest.fixture
def mine(client: FlaskClient, engineer: Person) -> FlaskClient:
    """The engineer's browser."""
    sign_in(client, engineer)
    return client


def typed(site: Site, **over: str) -> dict[str, str]:
    """What stands in the form for hours; the time spent is not known yet."""
    said = {"site_id": str(site.id), "kind": "known_incompatibility", "activity": "research", "note": "Cache", "duration": ""}
    return said | {"worked_on": "2026-03-02"} | over


def entries() -> list[TimeEntry]:
    return list(db.session.scalars(sa.select(TimeEntry).order_by(TimeEntry.id)))


def kept_time() -> list[UnplacedTime]:
    return list(db.session.scalars(sa.select(UnplacedTime)))


def head(page: str) -> str:
    """What stands on top of a page, as it is read."""
    found = re.search(r"<header.*?</header>", page, re.DOTALL)
    assert found
    return words(found[0])


def test_a_timer_stands_on_every_page_until_it_is_stopped(mine: FlaskClient, site: Site, clock: Any) -> None:
    begun = mine.post("/timer/start", data=typed(site), follow_redirects=True)
    assert "The timer runs." in begun.text
    clock.shift(timedelta(minutes=42, seconds=20))
    for path in ("/", "/time", "/timer", "/account", f"/sites/{site.id}"):
        page = mine.get(path).text
        assert "0:42 Shop" in head(page), path
        assert 'data-timer-seconds="2540"' in page
        assert 'src="/static/js/timer.js"' in page
    stopped = mine.post("/timer/stop", follow_redirects=True)
    assert "42 min logged on Shop. Submit it when it is right." in words(stopped.text)
    assert "0:42" not in head(stopped.text)
    assert [(entry.minutes, entry.state, entry.note) for entry in entries()] == [(42, "draft", "Cache")]


def test_it_costs_the_staff_one_statement_a_page_and_customers_none(
    client: FlaskClient, app: Flask, site: Site, engineer: Person
) -> None:
    seen: list[str] = []
    sa.event.listen(db.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    for who, most in ((engineer, 1), (make_person("customer_approver"), 0)):
        sign_in(client, who)
        for path in ("/", f"/engagements/{site.engagement_id}", f"/sites/{site.id}", "/account"):
            seen.clear()
            assert client.get(path).status_code == 200
            assert sum("FROM timer " in statement for statement in seen) == most, path


def test_a_form_sent_twice_starts_once_and_stops_once(mine: FlaskClient, site: Site, clock: Any) -> None:
    for _press in range(2):
        assert mine.post("/timer/start", data=typed(site, request_key="start")).location == "/timer"
    clock.shift(timedelta(minutes=5))
    for _press in range(2):
        assert mine.post("/timer/stop", data={"request_key": "stop"}).location == "/time"
    assert len(entries()) == 1
    again = mine.post("/timer/stop", data={"request_key": "another window"})
    assert again.status_code == 422
    assert "No timer of yours runs. It may have been stopped in another window." in words(again.text)


def test_a_second_timer_is_one_press_away(mine: FlaskClient, site: Site, engineer: Person, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site))
    clock.shift(timedelta(minutes=42))
    refused = mine.post("/timer/start", data=typed(site, kind="included", activity="", note="Redirects"))
    assert refused.status_code == 409
    assert "Your timer runs already: 0:42 on Shop. Stop it first, or keep it." in words(refused.text)
    assert "Redirects" in refused.text
    button = re.search(
        r'name="(stop_running)"\s+value="(yes)"\s+formaction="(/timer/start)">Stop it and start this', refused.text
    )
    assert button
    done = mine.post(button[3], data=typed(site, kind="included", activity="", note="Redirects") | {button[1]: button[2]})
    page = words(mine.get(done.location).text)
    assert "42 min logged on Shop." in page
    assert [entry.minutes for entry in entries()] == [42]
    kept = running(engineer)
    assert kept is not None
    assert kept.note == "Redirects"


def test_an_empty_budget_blocks_the_start_and_offers_another(mine: FlaskClient, site: Site, engineer: Person) -> None:
    use_up(site)
    blocked = mine.post("/timer/start", data=typed(site))
    assert blocked.status_code == 409
    assert "Known-incompatibility allowance: nothing is left, so no timer starts on it." in words(blocked.text)
    assert "Sell a PS block of at least 4 h: ask the engagement manager." in words(blocked.text)
    assert "/change-requests/new?kind=ps_hours" in blocked.text
    sell(site)
    offered = mine.post("/timer/start", data=typed(site))
    option = re.search(
        r'name="option"\s+value="([^"]+)"\s+formaction="/timer/start">Start it on PS hours: 4 h left', offered.text
    )
    assert option
    assert mine.post("/timer/start", data=typed(site, option=option[1])).status_code == 303
    kept = running(engineer)
    assert kept is not None
    assert kept.kind == "ps"


def test_stopping_the_first_is_not_forgotten_where_the_second_has_no_hours(mine: FlaskClient, site: Site, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site, kind="included", activity=""))
    use_up(site)
    clock.shift(timedelta(minutes=5))
    blocked = mine.post("/timer/start", data=typed(site, stop_running="yes"))
    assert blocked.status_code == 409
    assert '<input type="hidden" name="stop_running" value="yes">' in blocked.text
    assert len(entries()) == 1, "only what used up the allowance"


def test_what_cannot_be_started_is_explained_at_its_field(mine: FlaskClient, site: Site) -> None:
    page = mine.post("/timer/start", data=typed(site, activity="", worked_on="soon", duration="30"))
    assert page.status_code == 422
    assert "The allowance pays for research or a known solution only." in page.text
    assert "30: write 30m or 30h" not in page.text
    assert "Write the day as" not in page.text
    assert mine.post("/timer/start", data=typed(site, site_id="")).status_code == 422


def test_a_site_starts_a_timer_on_itself(mine: FlaskClient, site: Site, engineer: Person) -> None:
    page = mine.get(f"/sites/{site.id}").text
    assert 'action="/timer/start"' in page
    assert f'name="site_id" value="{site.id}"' in page
    assert '<option value="premium">' not in page, "this site has no such hours"
    told = {"site_id": str(site.id), "kind": "included", "activity": "", "note": "Redirects"}
    assert mine.post("/timer/start", data=told).status_code == 303
    assert running(engineer) is not None


def test_a_stop_without_room_leads_to_the_ways_on(mine: FlaskClient, site: Site, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site))
    use_up(site, 280)
    sell(site)
    clock.shift(timedelta(minutes=72))
    stopped = mine.post("/timer/stop")
    page = mine.get(stopped.location)
    read = words(page.text)
    assert "1 h 12 could not be logged, and not a minute is lost" in read
    assert "Known-incompatibility allowance: 20 min left, so this does not fit." in read
    assert "1 h 12 to be placed" in read
    assert "Split it: 20 min here, 52 min on PS hours" in read
    option = re.search(r'name="option"\s+value="(split:[^"]+)"', page.text)
    assert option
    (kept,) = kept_time()
    data = typed(site, duration="1 h 12", option=option[1])
    placed = mine.post(f"/unplaced-time/{kept.id}", data=data, follow_redirects=True)
    assert "1 h 12 logged on Shop, Mon 2 Mar 2026: 20 min as Known incompatibility and 52 min as PS work." in words(placed.text)
    assert "Time to be placed" not in placed.text
    assert "This time is logged." in mine.get(f"/unplaced-time/{kept.id}").text
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


def test_a_stop_may_split_right_away(mine: FlaskClient, site: Site, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site))
    use_up(site, 280)
    sell(site)
    clock.shift(timedelta(minutes=72))
    done = mine.post("/timer/stop", data={"split": "y"}, follow_redirects=True)
    assert "1 h 12 logged on Shop: 20 min as Known incompatibility and 52 min as PS work." in words(done.text)


def test_after_ten_hours_it_turns_amber_and_the_stop_asks(mine: FlaskClient, site: Site, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site))
    clock.shift(timedelta(hours=14, minutes=20))
    page = mine.get("/").text
    assert 'class="timer timer--long"' in page
    assert "14:20 Shop Over ten hours: are you still at it?" in head(page)
    asked = mine.post("/timer/stop")
    assert asked.status_code == 422
    assert "It has run for 14 h 20 since Mon 12:00. How long did you work?" in words(asked.text)
    wrong = mine.post("/timer/stop", data={"duration": "30"})
    assert "30: write 30m or 30h" in wrong.text
    done = mine.post("/timer/stop", data={"duration": "1h30"}, follow_redirects=True)
    assert "1 h 30 logged on Shop." in words(done.text)


def test_a_long_run_has_to_be_answered_before_another_starts(mine: FlaskClient, site: Site, clock: Any) -> None:
    mine.post("/timer/start", data=typed(site))
    clock.shift(timedelta(hours=11))
    refused = mine.post("/timer/start", data=typed(site))
    assert "Stop it first, and say how long you worked." in words(refused.text)
    assert "Stop it and start this" not in refused.text
    assert 'href="/timer">Look at your timer' in refused.text


def test_a_running_timer_is_changed_on_its_page(mine: FlaskClient, site: Site, engineer: Person, clock: Any) -> None:
    clock.shift(timedelta(seconds=25))
    mine.post("/timer/start", data=typed(site))
    clock.shift(timedelta(minutes=30))
    page = mine.get("/timer").text
    assert 'value="2026-03-02T12:00"' in page
    told = typed(site, note="Sessions", started_at="2026-03-02T12:00", version="1")
    assert mine.post("/timer", data=told).status_code == 303
    kept = running(engineer)
    assert kept is not None
    assert (kept.note, kept.started_at) == ("Sessions", NOW + timedelta(seconds=25)), "no second is lost"
    mine.post("/timer", data=told | {"started_at": "2026-03-02T11:30", "version": "2"})
    assert "1:00 Shop" in head(mine.get("/").text)
    future = mine.post("/timer", data=told | {"started_at": "2026-03-02T13:30", "version": "3"})
    assert future.status_code == 422
    assert "The start lies in the future." in future.text
    stale = mine.post("/timer", data=told | {"version": "1", "note": "Mine"})
    assert stale.status_code == 409
    assert "Mine" in stale.text


def test_it_is_discarded_after_a_question(mine: FlaskClient, site: Site, engineer: Person) -> None:
    mine.post("/timer/start", data=typed(site))
    assert "Nothing of it is logged or kept." in mine.get("/timer").text
    assert "Discarded. Nothing of it was logged." in mine.post("/timer/discard", follow_redirects=True).text
    assert running(engineer) is None
    assert mine.post("/timer/discard").status_code == 422
    assert "No timer runs." in mine.get("/timer").text


def test_unplaced_time_stands_on_top_until_its_person_settles_it(mine: FlaskClient, site: Site, engineer: Person) -> None:
    kept = make_unplaced(site, engineer, 130, refused="Nothing is left.")
    for path in ("/time", "/timer"):
        assert "2 h 10 on Shop Mon 2 Mar 2026 Nothing is left." in words(mine.get(path).text), path
    silent = mine.post(f"/unplaced-time/{kept.id}/discard", data={"reason": " "})
    assert silent.status_code == 422
    assert "Say why: the time was worked" in silent.text
    gone = mine.post(f"/unplaced-time/{kept.id}/discard", data={"reason": "A training."}, follow_redirects=True)
    assert "Discarded. The reason stays on record." in gone.text
    assert "Time to be placed" not in gone.text
    assert "This time was discarded: A training." in mine.get(f"/unplaced-time/{kept.id}").text
    again = mine.post(f"/unplaced-time/{kept.id}", data=typed(site, duration="2h"))
    assert again.status_code == 409


def test_managers_see_and_place_what_others_left(client: FlaskClient, site: Site, engineer: Person) -> None:
    kept = make_unplaced(site, engineer, 130)
    overview = f"/engagements/{site.engagement_id}"
    sign_in(client, make_person())
    page = client.get(overview).text
    assert "Mei has 2 h 10 on Shop" in words(page)
    assert f'href="/unplaced-time/{kept.id}"' in page
    assert "2 h 10 to be placed" in words(client.get(f"/unplaced-time/{kept.id}").text)
    done = client.post(f"/unplaced-time/{kept.id}", data=typed(site, duration="2h10"))
    assert done.location == overview
    assert [(entry.person_id, entry.minutes) for entry in entries()] == [(engineer.id, 130)]
    assert "Mei has" not in client.get(overview).text


def test_it_is_shown_to_nobody_else(client: FlaskClient, site: Site, engineer: Person) -> None:
    kept = make_unplaced(site, engineer, 130)
    colleague = make_person("engineer")
    assign(colleague, site)
    for who, status in ((colleague, 403), (make_person("engineer"), 404), (make_person("customer_approver"), 404)):
        sign_in(client, who)
        assert client.get(f"/unplaced-time/{kept.id}").status_code == status
        assert client.post(f"/unplaced-time/{kept.id}/discard", data={"reason": "Mine"}).status_code == status
        overview = client.get(f"/engagements/{site.engagement_id}")
        assert "2 h 10" not in overview.text


def withdraw(site: Site, _engineer: Person) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "withdrawn"


@pytest.mark.parametrize(
    ("meanwhile", "said"),
    [
        pytest.param(unassign, "You are no longer assigned to this engagement.", id="unassigned"),
        pytest.param(withdraw, "closed, on hold or withdrawn", id="withdrawn"),
    ],
)
def test_whatever_happened_meanwhile_every_page_comes_and_the_stop_says_so(
    mine: FlaskClient, site: Site, engineer: Person, clock: Any, meanwhile: Callable[[Site, Person], None], said: str
) -> None:
    mine.post("/timer/start", data=typed(site))
    meanwhile(site, engineer)
    clock.shift(timedelta(minutes=5))
    for path in ("/", "/time", "/timer"):
        assert mine.get(path).status_code == 200
    done = mine.post("/timer/stop", follow_redirects=True)
    assert done.status_code == 200
    assert said in words(done.text)
    assert len(kept_time()) == 1


def test_a_day_of_more_than_a_day_is_said_when_the_timer_stops(
    mine: FlaskClient, site: Site, engineer: Person, clock: Any
) -> None:
    who = actor(engineer)
    with transaction(db.session, now=NOW):
        book(db.session, who, some_work(site, 1430, WorkKind.INCLUDED), now=NOW)
    mine.post("/timer/start", data=typed(site, kind="included", activity=""))
    clock.shift(timedelta(minutes=72))
    assert "more than a day has. Is the day right?" in words(mine.post("/timer/stop", follow_redirects=True).text)
