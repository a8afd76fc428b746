"""The week on the hours page: what stands in it, how cells are saved one by one, and what a refused one offers."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import (
    NOW,
    TODAY,
    actor,
    agree,
    make_agreed_site,
    make_engagement,
    make_person,
    make_site,
    sign_in,
    some_work,
)
from tests.web.test_time import entries, sold, words
from tracker.domain.access import SYSTEM
from tracker.domain.budget import WorkKind
from tracker.domain.week import RowKey
from tracker.services.engagement import add_member
from tracker.services.hours_lock import close_hours
from tracker.services.time_entry import DraftChange, approve, book, mend, reject, submit
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.engagement import Engagement, Member
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.transaction import transaction

MONDAY = TODAY
WEEK = "2026-W10"
SUNDAY_BEFORE = MONDAY - timedelta(days=1)


@pytest.fixture(autouse=True)
def friday() -> Any:
    """Friday noon of the week that the tests are about: Saturday may be booked, Sunday is to come."""
    with time_machine.travel(NOW + timedelta(days=4), tick=False):
        yield


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def person(app: Flask) -> Person:
    return make_person()


@pytest.fixture
def browser(client: FlaskClient, person: Person) -> FlaskClient:
    """A manager's browser."""
    sign_in(client, person)
    return client


def research(site: Site) -> RowKey:
    return RowKey(site.id, WorkKind.ALLOWANCE, "research")


def booked(person: Person, site: Site, minutes: int, day: date = MONDAY, **over: Any) -> TimeEntry:
    stated = some_work(site, minutes, worked_on=day, **over)
    with transaction(db.session, now=NOW):
        return book(db.session, actor(person), stated, now=NOW + timedelta(days=4))[0].entry


def sent(browser: FlaskClient, page: str, /, **over: str) -> dict[str, str]:
    """What the form of a page sends, with some cells typed over: `cell_0_3` is the first row's Thursday."""
    form = page[page.index('id="week-form"') :]
    form = form[: form.index("</form>")]
    fields = re.findall(r'<input[^>]*?name="([^"]+)"[^>]*?value="([^"]*)"', form)
    return dict(fields) | {name.replace("_", "-") if name.startswith("cell") else name: text for name, text in over.items()}


def opened(browser: FlaskClient, *rows: RowKey, week: str = WEEK) -> str:
    return browser.get("/time", query_string={"week": week, "row": [row.text for row in rows]}).text


def minutes() -> list[tuple[str, int]]:
    return [(entry.state, entry.minutes) for entry in entries()]


def test_a_week_is_saved_in_one_go_and_read_back_with_its_totals(browser: FlaskClient, site: Site) -> None:
    page = opened(browser, research(site))
    answer = browser.post("/time/week", data=sent(browser, page, cell_0_0="1h30", cell_0_1=":15", cell_0_4="0,5"))
    assert answer.status_code == 303
    shown = browser.get(answer.location).text
    assert "Saved 3 cells." in shown
    assert [entry.minutes for entry in entries()] == [90, 15, 30]
    assert [entry.worked_on for entry in entries()] == [MONDAY, MONDAY + timedelta(days=1), MONDAY + timedelta(days=4)]
    assert 'value="1 h 30"' in shown
    assert "2 h 45 left of 5 h" in words(shown)
    assert "All rows Mon 2 Mar 1 h 30 Tue 3 Mar 15 min" in words(shown)


def test_typing_over_a_draft_mends_it_and_emptying_it_reverses_it(browser: FlaskClient, site: Site, person: Person) -> None:
    first, second = booked(person, site, 60), booked(person, site, 45, MONDAY + timedelta(days=1))
    page = opened(browser)
    answer = browser.post("/time/week", data=sent(browser, page, cell_0_0="2h", cell_0_1=""))
    assert answer.status_code == 303
    mended, taken_back, reversal = entries()
    assert (mended.id, mended.minutes, mended.state, mended.version) == (first.id, 120, "draft", 2)
    assert (taken_back.id, taken_back.state) == (second.id, "reversed")
    assert (reversal.reverses_id, reversal.minutes) == (second.id, -45)
    assert counter_faults(db.session) == entry_faults(db.session) == []


def test_what_was_not_touched_is_left_alone_even_if_it_changed_meanwhile(
    browser: FlaskClient, site: Site, person: Person
) -> None:
    entry = booked(person, site, 60)
    page = opened(browser)
    with transaction(db.session, now=NOW):
        mend(db.session, actor(person), entry.id, DraftChange({"minutes": 75}), now=NOW + timedelta(days=4))
    assert browser.post("/time/week", data=sent(browser, page, cell_0_1="30m")).status_code == 303
    assert [entry.minutes for entry in entries()] == [75, 30]


def test_a_cell_that_changed_meanwhile_is_not_overwritten_but_asked_about(
    browser: FlaskClient, site: Site, person: Person
) -> None:
    entry = booked(person, site, 60)
    page, empty = opened(browser), sent(browser, opened(browser), cell_0_1="1h")
    with transaction(db.session, now=NOW):
        mend(db.session, actor(person), entry.id, DraftChange({"minutes": 75}), now=NOW + timedelta(days=4))
    booked(person, site, 20, MONDAY + timedelta(days=1))
    refused = browser.post("/time/week", data=empty | sent(browser, page, cell_0_0="2h", cell_0_1="1h"))
    assert refused.status_code == 409
    assert "This was changed meanwhile and holds 1 h 15 now." in refused.text
    assert "This was changed meanwhile and holds 20 min now." in refused.text
    assert [entry.minutes for entry in entries()] == [75, 20]
    assert 'value="2h"' in refused.text
    assert browser.post("/time/week", data=sent(browser, refused.text)).status_code == 303
    assert [entry.minutes for entry in entries()] == [120, 60]


def test_a_refused_cell_keeps_its_text_and_undoes_no_other(browser: FlaskClient, site: Site) -> None:
    page = opened(browser, research(site))
    refused = browser.post("/time/week", data=sent(browser, page, cell_0_0="4h30", cell_0_1="45m", cell_0_2="30", cell_0_3="15m"))
    assert refused.status_code == 422
    assert [entry.minutes for entry in entries()] == [270, 15]
    assert "Saved 2 cells." in refused.text
    assert "Not saved: 2 cells." in refused.text
    assert "Known-incompatibility allowance: 30 min left, so this does not fit." in refused.text
    assert "30: write 30m or 30h" in refused.text
    for kept in ("45m", "30"):
        assert f'value="{kept}"' in refused.text
    assert f"/engagements/{site.engagement_id}/ps-blocks/new" in refused.text
    assert "kind=ps_hours" in refused.text


@pytest.mark.parametrize("before", [0, 60], ids=["an empty cell", "a draft"])
def test_a_refused_cell_is_split_with_one_press_and_loses_no_minute(
    browser: FlaskClient, site: Site, person: Person, before: int
) -> None:
    sold(site, 240)
    booked(person, site, 200, MONDAY + timedelta(days=1))
    if before:
        booked(person, site, before, note="Slow imports")
    refused = browser.post("/time/week", data=sent(browser, opened(browser), cell_0_0="2h30"))
    assert "Split it: 1 h 40 here, 50 min on PS hours" in refused.text
    button = re.search(r'name="split"\s+value="([^"]+)"', refused.text)
    assert button is not None
    done = browser.post("/time/week", data=sent(browser, refused.text) | {"split": button[1]})
    assert done.status_code == 303
    drafts = [entry for entry in entries() if entry.state == "draft" and entry.worked_on == MONDAY]
    assert [(entry.kind, entry.minutes) for entry in drafts] == [("known_incompatibility", 100), ("ps", 50)]
    assert {entry.note for entry in drafts} == ({"Slow imports"} if before else {""})
    assert counter_faults(db.session) == entry_faults(db.session) == []


def test_a_grid_sent_twice_is_saved_once(browser: FlaskClient, site: Site) -> None:
    data = sent(browser, opened(browser, research(site)), cell_0_0="1h", cell_0_1="2h")
    first, second = browser.post("/time/week", data=data), browser.post("/time/week", data=data)
    assert (first.status_code, second.status_code) == (303, 303)
    assert [entry.minutes for entry in entries()] == [60, 120]


def test_in_a_partly_closed_week_the_open_cells_are_saved_and_the_others_say_why_not(
    browser: FlaskClient, site: Site, person: Person
) -> None:
    entry = booked(person, site, 60)
    with transaction(db.session, now=NOW):
        submit(db.session, actor(person), entry.id, now=NOW)
        approve(db.session, SYSTEM, entry.id, now=NOW)
        close_hours(db.session, actor(person), site.engagement_id, MONDAY + timedelta(days=1), now=NOW + timedelta(days=4))
    waiting = booked(person, site, 30, MONDAY + timedelta(days=2))
    with transaction(db.session, now=NOW):
        submit(db.session, actor(person), waiting.id, now=NOW)
    for _twice in range(2):
        booked(person, site, 10, MONDAY + timedelta(days=3))
    page = opened(browser)
    assert re.findall(r'data-week-cell="0-(\d)"', page) == ["4", "5"]
    read = words(page)
    for said in ("1 h approved", "– closed", "30 min submitted", "20 min 2 entries", "– to come"):
        assert said in read, said
    assert "The hours up to 2026-03-03 are closed. An engagement manager can open them again." in read
    assert browser.post("/time/week", data=sent(browser, page, cell_0_4="1h")).status_code == 303
    forced = browser.post("/time/week", data=sent(browser, page, cell_0_1="1h", cell_0_5="30m"))
    assert forced.status_code == 409
    assert entries()[-1].minutes == 30
    assert len(entries()) == 6


def test_days_before_the_agreement_and_sites_that_are_closed_cannot_be_typed_in(
    browser: FlaskClient, site: Site, person: Person
) -> None:
    page = words(opened(browser, research(site), week="2026-W03"))
    assert "The agreement was signed on 2026-01-12; work before it cannot be logged." not in page
    assert "too early" in words(opened(browser, research(site), week="2026-W02"))
    booked(person, site, 60)
    with transaction(db.session, now=NOW):
        db.session.get_one(Engagement, site.engagement_id).status = "on_hold"
    closed = opened(browser)
    assert "1 h no work" in words(closed)
    assert "data-week-cell=" not in closed


def test_a_rejected_entry_leaves_its_cell_open_and_says_why(browser: FlaskClient, site: Site, person: Person) -> None:
    entry = booked(person, site, 60)
    with transaction(db.session, now=NOW):
        submit(db.session, actor(person), entry.id, now=NOW)
        reject(db.session, SYSTEM, entry.id, "Wrong site", now=NOW)
    page = opened(browser)
    assert "rejected : Wrong site" in words(page)
    assert 'data-week-cell="0-0"' in page


def test_a_row_is_added_beside_what_was_typed_and_says_what_is_left_of_it(browser: FlaskClient, site: Site) -> None:
    asked = {"step": "add", "row_site": str(site.id), "row_work": "ps~~cron-custom-module"}
    data = sent(browser, opened(browser, research(site)), cell_0_0="1h") | asked
    answer = browser.post("/time/week", data=data)
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    assert "PS work: cron custom module No PS hours" in words(page)
    assert [entry.minutes for entry in entries()] == [60]
    wrong = browser.post("/time/week", data=sent(browser, page) | {"step": "add"})
    assert wrong.status_code == 422
    assert "Choose a site from the list." in wrong.text
    solution = asked | {"row_work": "known_incompatibility~known_solution~", "row_issue": "no-such-issue"}
    unknown = browser.post("/time/week", data=sent(browser, page) | solution)
    assert unknown.status_code == 422
    assert "There is no such known issue" in unknown.text
    assert 'value="no-such-issue"' in unknown.text


def test_last_weeks_rows_are_copied_without_their_hours(browser: FlaskClient, site: Site, person: Person) -> None:
    assert "there is no row to copy" in browser.post("/time/week", data={"step": "copy"}, follow_redirects=True).text
    booked(person, site, 60, SUNDAY_BEFORE)
    booked(person, site, 30, SUNDAY_BEFORE, kind=WorkKind.INCLUDED, activity=None)
    answer = browser.post("/time/week", data=sent(browser, opened(browser)) | {"step": "copy"}, follow_redirects=True)
    assert "Known incompatibility: research" in words(answer.text)
    assert "Included work Draws on no budget" in words(answer.text)
    assert len(entries()) == 2
    assert answer.text.count("data-week-cell=") == 12


def test_more_than_a_day_is_saved_with_a_warning(browser: FlaskClient, site: Site, person: Person) -> None:
    sold(site, 6000)
    booked(person, site, 300, kind=WorkKind.ALLOWANCE)
    booked(person, site, 1080, kind=WorkKind.PS, activity=None)
    page = opened(browser, RowKey(site.id, WorkKind.INCLUDED))
    done = browser.post("/time/week", data=sent(browser, page, cell_2_0="2h"), follow_redirects=True)
    assert "That makes 25 h on 2026-03-02, more than a day has. Is the day right?" in done.text
    alone = browser.post("/time", data=typed_hours(site), follow_redirects=True)
    assert "That makes 26 h on 2026-03-02, more than a day has." in alone.text


def typed_hours(site: Site) -> dict[str, str]:
    return {"site_id": str(site.id), "worked_on": MONDAY.isoformat(), "duration": "1h", "kind": "included"}


def cell(site: Site, **over: str) -> dict[str, str]:
    return {"row": research(site).text, "day": MONDAY.isoformat(), "place": "0-0", "typed": "1h", "request_key": "k1"} | over


def saved_alone(browser: FlaskClient, site: Site, **over: str) -> tuple[int, Any]:
    """Save one cell as the script does: the status, and the answer."""
    answer = browser.post("/time/week/cell", data=cell(site, **over))
    return answer.status_code, answer.json


def test_one_cell_is_saved_for_the_script_and_answered_with_what_the_page_shows(browser: FlaskClient, site: Site) -> None:
    status, first = saved_alone(browser, site)
    assert (status, first["is_saved"], first["said"]) == (200, True, "Saved 12:00")
    (entry,) = entries()
    assert (first["seen"], first["left"]) == (f"{entry.id}~1~60", ["4 h left", "of 5 h"])
    assert saved_alone(browser, site) == (200, first), "the same request again saves once"
    _status, mended = saved_alone(browser, site, typed="2h", seen=first["seen"], request_key="k2")
    assert (mended["text"], mended["minutes"]) == ("2 h", 120)
    status, stale = saved_alone(browser, site, typed="3h", seen=first["seen"], request_key="k3")
    assert (status, stale["is_saved"], stale["seen"]) == (409, False, mended["seen"])
    status, emptied = saved_alone(browser, site, typed=" ", seen=mended["seen"], request_key="k4")
    assert (status, emptied["seen"], emptied["text"]) == (200, "", "")
    assert [state for state, _minutes in minutes()] == ["reversed", "reversal"]


def test_a_cell_that_does_not_fit_is_answered_with_the_ways_on(browser: FlaskClient, site: Site) -> None:
    status, refused = saved_alone(browser, site, typed="6h")
    assert status == 409
    assert refused["said"] == "Not saved: Known-incompatibility allowance: 5 h left, so this does not fit."
    assert "/ps-blocks/new" in refused["html"]
    assert "Raise a change request for 1 h" in refused["html"]
    for wrong in ({"row": "nonsense"}, {"day": "soon"}, {"seen": "1~2"}):
        assert saved_alone(browser, site, **wrong)[0] == 422
    assert entries() == []


def test_a_site_of_somebody_else_is_not_there(client: FlaskClient, site: Site) -> None:
    sign_in(client, make_person("engineer"))
    assert "Shop" not in client.get("/time", query_string={"week": WEEK, "row": research(site).text}).text
    assert client.post("/time/week/cell", data=cell(site)).status_code == 404
    data = {"week": WEEK, "row-0": research(site).text, "cell-0-0": "1h", "seen-0-0": ""}
    assert client.post("/time/week", data=data).status_code == 404
    assert entries() == []


def test_a_cell_never_touches_an_entry_of_somebody_else(client: FlaskClient, site: Site, person: Person) -> None:
    other = booked(person, site, 60)
    sign_in(client, make_person())
    answer = client.post("/time/week/cell", data=cell(site, typed="", seen=f"{other.id}~1~60"))
    assert answer.status_code == 409
    assert minutes() == [("draft", 60)]


def test_a_week_that_is_none_is_refused_and_weeks_lead_to_each_other(browser: FlaskClient, site: Site) -> None:
    assert browser.get("/time?week=2026-W60").status_code == 422
    assert browser.get("/time?week=soon").status_code == 422
    page = browser.get("/time").text
    assert "Mon 2 Mar to Sun 8 Mar 2026" in page
    assert "/time?week=2026-W09#week" in page
    assert "/time?week=2026-W11#week" in page


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_thirty_rows_take_no_statement_more_than_one(
    browser: FlaskClient, person: Person, statements: Callable[[str], int]
) -> None:
    engagement = make_engagement(person)
    listed = [make_site(engagement) for _number in range(30)]
    agree(engagement)
    booked(person, listed[0], 10, SUNDAY_BEFORE)
    for each in listed:
        booked(person, each, 10)
    assert statements("/time?week=2026-W10") == statements("/time?week=2026-W09")
    assert browser.get("/time?week=2026-W10").text.count('data-week-cell="') == 30 * 6


def test_an_engineer_who_left_the_engagement_no_longer_sees_its_rows(client: FlaskClient, site: Site) -> None:
    engineer = make_person("engineer")
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, site.engagement_id, engineer.id, now=NOW)
    booked(engineer, site, 60)
    sign_in(client, engineer)
    assert "Shop" in opened(client)
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(Member).where(Member.person_id == engineer.id).values(left_at=NOW))
    assert "Shop" not in opened(client)
