"""Deciding on hours by the pages: in bulk, one entry's page, moves that are looked at first, and closed hours."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, TODAY, actor, make_agreed_site, make_person, sign_in, some_work
from tests.web.test_time import entries, logged, make_site_for, sold, typed, words
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import WorkKind
from tracker.services.hours_lock import close_hours
from tracker.services.time_entry import Target, approve, book, move, reverse, submit
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.transaction import transaction

APPROVALS = "/time/approvals"
CLOSED = "are closed. An engagement manager can open them again."


@pytest.fixture
def engineer(app: Flask) -> Person:
    return make_person("engineer", name="Mei Lindqvist")


@pytest.fixture
def site(engineer: Person) -> Site:
    """A site that an engineer works on."""
    return make_site_for(engineer)


@pytest.fixture
def manager(client: FlaskClient) -> FlaskClient:
    """A manager's browser."""
    sign_in(client, make_person())
    return client


def carried_on(site: Site, who: Person | Actor, upto: str = "submitted", minutes: int = 60, **over: Any) -> TimeEntry:
    """An entry of somebody, handed in unless said otherwise."""
    by = who if isinstance(who, Actor) else actor(who)
    with transaction(db.session, now=NOW):
        entry = book(db.session, by, some_work(site, minutes, **over), now=NOW)[0].entry
        if upto != "draft":
            submit(db.session, by, entry.id, now=NOW)
        if upto == "approved":
            approve(db.session, SYSTEM, entry.id, now=NOW)
    return entry


def states() -> list[str]:
    db.session.close()
    return [entry.state for entry in entries()]


def ledger_holds() -> None:
    db.session.close()
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


# --- what waits ------------------------------------------------------------------------------------------------------


def test_what_waits_is_told_by_person_and_week_with_what_a_yes_does(manager: FlaskClient, site: Site, engineer: Person) -> None:
    carried_on(site, engineer, "approved", 120)
    carried_on(site, engineer, minutes=90, note="Yoast stalled")
    carried_on(site, engineer, "draft", 30)
    page = words(manager.get(APPROVALS).text)
    assert "Mei Lindqvist, week of Mon 2 Mar 2026" in page
    assert "1 entry, 1 h 30 1 draft still open" in page
    assert "typed Mon 2 Mar 2026, 12:00" in page
    assert "Yoast stalled" in page
    assert "used 2 h → 3 h 30; 1 h left" in page, "in its row"
    assert "used 2 h → 3 h 30 of 5 h; 1 h left" in page, "for all that is shown"


def test_more_than_a_day_has_is_seen_before_it_is_approved(manager: FlaskClient, site: Site, engineer: Person) -> None:
    for _ in range(2):
        carried_on(site, engineer, minutes=800, kind=WorkKind.INCLUDED)
    assert words(manager.get(APPROVALS).text).count("That makes 26 h 40 on 2026-03-02, more than a day has.") == 2


def test_the_list_is_narrowed_by_its_address_and_each_filter_is_taken_off(
    manager: FlaskClient, site: Site, engineer: Person
) -> None:
    other = make_person("engineer", name="Bo Ek")
    elsewhere = make_site_for(other)
    carried_on(site, engineer, note="Here it is")
    carried_on(elsewhere, other, note="There it is")
    carried_on(elsewhere, other, "draft", worked_on=TODAY + timedelta(days=1))
    for narrowed in (
        f"?engagement={site.engagement_id}",
        f"?person={engineer.id}",
        f"?site={site.id}",
        "?week=whole",
    ):
        page = manager.get(APPROVALS + narrowed).text
        assert "Here it is" in page, narrowed
        assert "There it is" not in page, narrowed
        assert "Remove the filter" in page, narrowed
    assert "There it is" in manager.get(APPROVALS + "?week=open").text
    both = manager.get(f"{APPROVALS}?person={engineer.id}&week=open").text
    assert "Nothing matches these filters." in both
    assert f'href="/time/approvals?person={engineer.id}"' in both, "the week's filter taken off"
    assert "There it is" in manager.get(APPROVALS + "?person=nonsense&site=&week=never").text


def test_ticked_entries_are_approved_together(manager: FlaskClient, site: Site, engineer: Person) -> None:
    first, _second, third = (carried_on(site, engineer, minutes=minutes) for minutes in (30, 45, 60))
    done = manager.post(APPROVALS, data={"step": "approve", "ids": [str(first.id), str(third.id)]}, follow_redirects=True)
    assert "Approved: 2 entries, 1 h 30." in done.text
    assert states() == ["approved", "submitted", "approved"]
    ledger_holds()


def test_every_box_is_ticked_without_a_script(manager: FlaskClient, site: Site, engineer: Person) -> None:
    for _ in range(3):
        carried_on(site, engineer)
    plain = manager.get(APPROVALS).text
    assert "checked" not in plain
    link = re.search(r'href="([^"]+ticked=all[^"]*)"', plain)
    assert link is not None
    assert manager.get(link[1].replace("&amp;", "&")).text.count(" checked") == 3


def test_what_cannot_be_approved_is_told_one_by_one_and_the_rest_is_done(
    manager: FlaskClient, site: Site, engineer: Person
) -> None:
    first, second = carried_on(site, engineer), carried_on(site, engineer, minutes=45)
    with transaction(db.session, now=NOW):
        reverse(db.session, actor(engineer), second.id, None, now=NOW)
    page = manager.post(APPROVALS, data={"step": "approve", "ids": [str(first.id), str(second.id)]})
    said = words(page.text)
    assert page.status_code == 200
    assert "Approved: 1 entry, 1 h." in said
    assert "1 could not be decided on." in said
    assert "45 min of Mei Lindqvist on" in said
    assert "From reversed there is no step to approved." in said
    assert states()[0] == "approved"
    again = manager.post(APPROVALS, data={"step": "approve", "ids": [str(second.id)]})
    assert again.status_code == 409, "nothing was done"


def test_several_are_rejected_for_a_reason_and_without_one_nothing_happens(
    manager: FlaskClient, site: Site, engineer: Person
) -> None:
    pair = [carried_on(site, engineer) for _ in range(2)]
    ids = [str(entry.id) for entry in pair]
    silent = manager.post(APPROVALS, data={"step": "reject", "ids": ids, "reason": " "})
    assert silent.status_code == 422
    assert "Say why, so that it can be logged right." in silent.text
    assert silent.text.count(" checked") == 2, "the ticks are kept"
    done = manager.post(APPROVALS, data={"step": "reject", "ids": ids, "reason": "Another site."}, follow_redirects=True)
    assert "Rejected: 2 entries, 2 h." in done.text
    assert [entry.decision_reason for entry in entries()] == ["Another site."] * 2


def test_the_form_sent_twice_decides_once(manager: FlaskClient, site: Site, engineer: Person) -> None:
    data = {"step": "approve", "ids": [str(carried_on(site, engineer).id)], "request_key": "once"}
    for _ in range(2):
        assert manager.post(APPROVALS, data=data).status_code == 303
    assert states() == ["approved"]


@pytest.mark.parametrize("ids", [[], ["x"]])
def test_nothing_ticked_is_said(manager: FlaskClient, site: Site, engineer: Person, ids: list[str]) -> None:
    carried_on(site, engineer)
    refused = manager.post(APPROVALS, data={"step": "approve", "ids": ids})
    assert refused.status_code == 422
    assert "Nothing is ticked." in refused.text


def test_managers_find_the_way_and_engineers_have_no_such_page(client: FlaskClient, site: Site, engineer: Person) -> None:
    carried_on(site, engineer)
    sign_in(client, make_person())
    log = client.get("/time").text
    assert re.search(r'id="approvals"\s+href="/time/approvals"', log), "where #approvals was linked to"
    assert "1 to approve" in log
    assert 'href="/time/approvals"' in client.get("/").text
    sign_in(client, engineer)
    assert client.get(APPROVALS).status_code == 403
    assert "to approve" not in client.get("/time").text


# --- one entry -------------------------------------------------------------------------------------------------------


def test_an_entrys_page_tells_everything_about_it(manager: FlaskClient, site: Site, engineer: Person) -> None:
    entry = carried_on(site, engineer, "approved", 90, note="Cache plugin")
    page = words(manager.get(f"/time/{entry.id}").text)
    for said in ("Mei Lindqvist", "Mon 2 Mar 2026", "Cache plugin", "Research", "1 h 30 used", "Known-incompatibility allowance"):
        assert said in page
    for step in ("Logged Mei Lindqvist", "Submitted Mei Lindqvist", "Approved Tracker"):
        assert step in page


def test_a_draft_is_changed_on_its_page_and_its_history_says_what(client: FlaskClient, site: Site, engineer: Person) -> None:
    entry = carried_on(site, engineer, "draft")
    sign_in(client, engineer)
    page = client.get(f"/time/{entry.id}").text
    assert 'value="1h"' in page
    data = {"worked_on": "2026-03-01", "duration": "1:30", "activity": "research", "note": "Longer", "version": "1"}
    done = client.post(f"/time/{entry.id}", data=data, follow_redirects=True)
    said = words(done.text)
    assert "Saved." in said
    assert "day: 2026-03-02 → 2026-03-01" in said
    assert "time: 1 h → 1 h 30" in said
    stale = client.post(f"/time/{entry.id}", data=data | {"note": "Mine"})
    assert stale.status_code == 409
    assert "Somebody else changed this meanwhile." in stale.text
    assert "Mine" in stale.text
    ledger_holds()


def test_what_does_not_fit_a_draft_is_said_at_the_time_with_what_is_left(
    client: FlaskClient, site: Site, engineer: Person
) -> None:
    logged(site, 230)
    entry = carried_on(site, engineer, "draft", 60)
    sign_in(client, engineer)
    data = {"worked_on": TODAY.isoformat(), "duration": "2h", "activity": "research", "version": "1"}
    refused = client.post(f"/time/{entry.id}", data=data)
    assert refused.status_code == 409
    assert "10 min left, so this does not fit." in words(refused.text)
    assert "or write less." in refused.text
    assert 'value="2h"' in refused.text


def test_what_was_handed_in_shows_no_form_and_somebody_elses_no_buttons(client: FlaskClient) -> None:
    mei, bo = make_person("engineer"), make_person("engineer")
    site = make_site_for(mei, bo)
    submitted, draft = carried_on(site, mei), carried_on(site, mei, "draft")
    sign_in(client, bo)
    for entry in (submitted, draft):
        page = client.get(f"/time/{entry.id}").text
        for gone in ("Change the draft", "Reverse…", "Move…", ">Submit<", ">Approve<"):
            assert gone not in page
    assert client.post(f"/time/{draft.id}", data={"worked_on": "2026-03-01", "duration": "1h"}).status_code == 403
    sign_in(client, mei)
    assert "Change the draft" not in client.get(f"/time/{submitted.id}").text
    late = client.post(f"/time/{submitted.id}", data={"worked_on": "2026-03-01", "duration": "1h", "activity": "research"})
    assert late.status_code == 409
    assert "Only a draft can be changed." in late.text


def test_buttons_on_an_entrys_page_lead_back_to_it_also_when_refused(manager: FlaskClient, site: Site, engineer: Person) -> None:
    entry = carried_on(site, engineer)
    done = manager.post(f"/time/{entry.id}/approve", data={"from": "entry"})
    assert done.location == f"/time/{entry.id}"
    refused = manager.post(f"/time/{entry.id}/reject", data={"from": "entry", "reason": "Too late"})
    assert refused.status_code == 409
    assert "From approved there is no step to rejected." in words(refused.text)
    assert "What happened" in refused.text


def test_a_reversal_is_not_reversed_and_the_page_offers_no_such_button(client: FlaskClient, site: Site) -> None:
    person = make_person()
    sign_in(client, person)
    entry = carried_on(site, person, "approved")
    client.post(f"/time/{entry.id}/reverse", data={"reason": "Twice"})
    reversal = entries()[-1]
    page = client.get(f"/time/{reversal.id}").text
    assert "Reverse…" not in page
    assert "Gives it back" in page
    assert f'href="/time/{entry.id}"' in page
    again = client.post(f"/time/{reversal.id}/reverse", data={"from": "entry"})
    assert again.status_code == 409
    assert "From reversal there is no step to reversed." in words(again.text)


def test_customers_and_strangers_find_no_entry(client: FlaskClient, site: Site, engineer: Person) -> None:
    entry = carried_on(site, engineer, "approved")
    for stranger in (make_person("customer_approver"), make_person("customer_viewer"), make_person("engineer")):
        sign_in(client, stranger)
        for path in (f"/time/{entry.id}", f"/time/{entry.id}/move"):
            assert client.get(path).status_code == 404, path


# --- what belongs together -------------------------------------------------------------------------------------------


def test_in_my_entries_pairs_stand_together_and_say_what_they_are(client: FlaskClient) -> None:
    person = make_person()
    site = make_agreed_site()
    sold(site, 240)
    sign_in(client, person)
    first = carried_on(site, person, "draft", 30, note="First")
    carried_on(site, person, "draft", 20, note="Second")
    with transaction(db.session, now=NOW):
        move(db.session, actor(person), first.id, Target(WorkKind.PS, ps_kind="custom-upstream"), now=NOW)
    page = words(client.get("/time").text)
    mine = page[page.index("My entries") :]
    places = [mine.index(said) for said in ("Second", "moved to PS work", "gives it back", "moved from known incompatibility")]
    assert places == sorted(places)
    assert f'href="/time/{first.id}"' in client.get("/time").text


def test_older_families_are_one_press_away_and_none_is_torn_apart(client: FlaskClient) -> None:
    person = make_person()
    site = make_agreed_site()
    sign_in(client, person)
    numbered = [carried_on(site, person, "draft", 1, note=f"Piece {number}.") for number in range(27)]
    with transaction(db.session, now=NOW):
        for entry in numbered:
            reverse(db.session, actor(person), entry.id, f"Back {entry.note}", now=NOW)
    first = client.get("/time").text
    older = re.search(r'href="(/time\?before=[^"]+)" rel="next"', first)
    assert older is not None
    last = client.get(older[1]).text
    for number, page, other in ((26, first, last), (2, first, last), (1, last, first), (0, last, first)):
        for said in (f"Piece {number}.", f"Back Piece {number}."):
            assert said in page
            assert said not in other
    assert 'rel="next"' not in last


# --- moves -----------------------------------------------------------------------------------------------------------


def test_a_move_shows_both_balances_before_and_after_then_does_it(manager: FlaskClient, site: Site, engineer: Person) -> None:
    sold(site, 240)
    entry = carried_on(site, engineer, "approved", 100)
    asked = manager.get(f"/time/{entry.id}/move?kind=ps").text
    assert "PS work says what kind it is." in asked
    looked = words(manager.get(f"/time/{entry.id}/move?kind=ps&ps_kind=custom-upstream").text)
    assert "3 h 20 left of 5 h 1 h 40 used · 0 min held 5 h left of 5 h 0 min used" in looked
    assert "4 h left of 4 h 0 min used · 0 min held 2 h 20 left of 4 h 1 h 40 used" in looked
    assert "Move 1 h 40 to PS work" in looked
    assert states() == ["approved"], "looking moves nothing"
    data = {"kind": "ps", "ps_kind": "custom-upstream"}
    done = manager.post(f"/time/{entry.id}/move", data=data, follow_redirects=True)
    assert "Moved: 1 h 40 as PS work." in done.text
    said = words(done.text)
    assert "Moved from known incompatibility" in said
    assert "Moved to PS work" in said
    assert [(each.kind, each.minutes, each.state) for each in entries()] == [
        ("known_incompatibility", 100, "reversed"),
        ("known_incompatibility", -100, "reversal"),
        ("ps", 100, "approved"),
    ]
    ledger_holds()


def test_a_move_that_does_not_fit_is_refused_with_the_ways_on(manager: FlaskClient) -> None:
    person = make_person()
    site = make_agreed_site(package="premium", premium_option="extra-hours-10")
    sold(site, 240)
    carried_on(site, person, kind=WorkKind.PREMIUM, minutes=560)
    entry = carried_on(site, person, minutes=100)
    page = manager.get(f"/time/{entry.id}/move?kind=premium")
    said = words(page.text)
    assert "Premium extra hours: 40 min left, so this does not fit." in said
    assert "Split it: 40 min here, 1 h on PS hours" in said
    assert f'href="/engagements/{site.engagement_id}/ps-blocks/new"' in page.text
    assert "change-requests/new" in page.text
    assert "does not move" in said
    refused = manager.post(f"/time/{entry.id}/move", data={"kind": "premium"})
    assert refused.status_code == 409
    assert states() == ["submitted", "submitted"]
    split = words(manager.get(f"/time/{entry.id}/move?kind=premium&option=split:premium").text)
    assert "then 40 min on Premium extra hours" in split
    done = manager.post(f"/time/{entry.id}/move", data={"kind": "premium", "split": "y"}, follow_redirects=True)
    assert "Moved: 40 min as Premium extra and 1 h as PS work." in done.text
    ledger_holds()


def test_ticked_entries_move_together_after_a_look(manager: FlaskClient, site: Site, engineer: Person) -> None:
    sold(site, 240)
    pair = [str(carried_on(site, engineer, minutes=minutes).id) for minutes in (60, 90)]
    bare = manager.post("/time/move", data={"ids": pair, "kind": "ps", "step": "look"})
    assert "PS work says what kind it is." in bare.text
    data = {"ids": pair, "kind": "ps", "ps_kind": "custom-upstream"}
    looked = words(manager.post("/time/move", data=data | {"step": "look"}).text)
    assert "4 h left of 4 h 0 min used · 0 min held 1 h 30 left of 4 h 0 min used · 2 h 30 held" in looked
    assert states() == ["submitted", "submitted"]
    done = manager.post("/time/move", data=data | {"step": "move"}, follow_redirects=True)
    assert "Moved: 2 entries, now counted as PS work." in done.text
    assert states() == ["reversed", "reversed", "reversal", "submitted", "reversal", "submitted"]
    ledger_holds()


def test_if_one_does_not_fit_nothing_moves_and_it_says_which(manager: FlaskClient, site: Site, engineer: Person) -> None:
    sold(site, 240)
    pair = [str(carried_on(site, engineer, minutes=150).id) for _ in range(2)]
    data = {"ids": pair, "kind": "ps", "ps_kind": "custom-upstream"}
    for step, status in (("look", 200), ("move", 409)):
        page = manager.post("/time/move", data=data | {"step": step})
        said = words(page.text)
        assert page.status_code == status
        assert "2 h 30 of Mei Lindqvist on" in said
        assert "PS hours: 1 h 30 left, so this does not fit." in said
        assert states() == ["submitted", "submitted"]


def test_what_one_of_several_cannot_become_is_said_once_with_its_name(manager: FlaskClient, site: Site, engineer: Person) -> None:
    pair = [str(carried_on(site, engineer).id) for _ in range(2)]
    for step, status in (("look", 200), ("move", 422)):
        page = manager.post("/time/move", data={"ids": pair, "kind": "premium", "step": step})
        assert page.status_code == status
        assert words(page.text).count(": This site has no Premium extra hours.") == 2, "above the form, and at its field"
        assert "1 h of Mei Lindqvist on" in page.text
        assert "Move 2 h to" not in page.text


def test_a_bulk_move_of_nothing_or_of_what_is_foreign_leads_nowhere(manager: FlaskClient, site: Site) -> None:
    assert manager.post("/time/move", data={"kind": "ps"}).location == APPROVALS
    nobody = "01930000-0000-7000-8000-000000000000"
    assert manager.post("/time/move", data={"kind": "ps", "ids": [nobody]}).status_code == 404


# --- closed hours ----------------------------------------------------------------------------------------------------


def lock_page(site: Site) -> str:
    return f"/engagements/{site.engagement_id}/hours-lock"


def closed(site: Site, through: date = TODAY) -> None:
    who = actor(make_person())
    with transaction(db.session, now=NOW):
        close_hours(db.session, who, site.engagement_id, through, "Billed.", now=NOW)


def test_hours_are_closed_from_the_engagements_page_and_opened_with_a_reason(manager: FlaskClient, site: Site) -> None:
    assert f'href="{lock_page(site)}"' in manager.get(f"/engagements/{site.engagement_id}").text
    empty = words(manager.get(lock_page(site)).text)
    assert "Nothing holds it up." in empty
    assert "no hours are closed" in empty
    done = manager.post(lock_page(site), data={"through": "2026-03-02", "reason": "February is billed."}, follow_redirects=True)
    said = words(done.text)
    assert "The hours are closed through Mon 2 Mar 2026." in said
    assert "February is billed." in said
    assert "Hours are closed through Mon 2 Mar 2026." in words(manager.get(f"/engagements/{site.engagement_id}").text)
    silent = manager.post(f"{lock_page(site)}/open", data={"why": " "})
    assert silent.status_code == 422
    assert "Say why: the hours were closed for a reason." in silent.text
    later = manager.post(f"{lock_page(site)}/open", data={"keep_through": "2026-03-05", "why": "Late"})
    assert later.status_code == 422
    assert "choose an earlier day, or none." in later.text
    opened = manager.post(f"{lock_page(site)}/open", data={"why": "One was late."}, follow_redirects=True)
    assert "no hours are closed" in words(opened.text)
    assert "All opened" in opened.text
    db.session.close()
    assert db.session.get_one(Engagement, site.engagement_id).hours_locked_through is None


def test_what_holds_a_closing_up_is_listed_with_its_links(manager: FlaskClient, site: Site, engineer: Person) -> None:
    draft, submitted = carried_on(site, engineer, "draft"), carried_on(site, engineer)
    carried_on(site, engineer, "approved")
    refused = manager.post(lock_page(site), data={"through": "2026-03-02"})
    assert refused.status_code == 409
    assert "Not everything up to 2026-03-02 is decided on: 1 draft and 1 submitted." in words(refused.text)
    looked = manager.get(f"{lock_page(site)}?through=2026-03-02").text
    for page in (refused.text, looked):
        for entry in (draft, submitted):
            assert f'href="/time/{entry.id}"' in page
        assert f'href="/time/approvals?engagement={site.engagement_id}"' in page
    assert "Nothing holds it up." in manager.get(f"{lock_page(site)}?through=2026-03-01").text
    assert manager.get(f"{lock_page(site)}?through=soon").status_code == 200


def test_only_managers_close_hours(client: FlaskClient, site: Site, engineer: Person) -> None:
    sign_in(client, engineer)
    assert client.get(lock_page(site)).status_code == 403
    assert client.post(lock_page(site), data={"through": "2026-03-02"}).status_code == 403
    assert lock_page(site) not in client.get(f"/engagements/{site.engagement_id}").text


def test_a_closed_day_refuses_at_every_form_with_the_same_words(client: FlaskClient, site: Site) -> None:
    person = make_person()
    sign_in(client, person)
    approved = carried_on(site, person, "approved")
    later = carried_on(site, person, "draft", worked_on=TODAY + timedelta(days=1))
    closed(site)
    mended = {"worked_on": TODAY.isoformat(), "duration": "1h", "activity": "research", "version": "1"}
    doors: list[tuple[str, dict[str, Any]]] = [
        ("/time", typed(site)),
        (f"/time/{later.id}", mended),
        (f"/time/{approved.id}/reverse", {}),
        (f"/time/{approved.id}/move", {"kind": "included"}),
        ("/time/move", {"ids": [str(approved.id)], "kind": "included", "step": "move"}),
    ]
    for path, data in doors:
        refused = client.post(path, data=data)
        assert refused.status_code == 409, path
        assert f"The hours up to {TODAY.isoformat()} {CLOSED}" in words(refused.text), path
    page = words(client.get(f"/time/{approved.id}").text)
    assert "The hours of this engagement are closed through Mon 2 Mar 2026" in page
    for gone in ("Reverse…", "Move…"):
        assert gone not in page


# --- statements ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_no_list_takes_a_statement_more_for_what_is_in_it(client: FlaskClient, statements: Any, engineer: Person) -> None:
    few, many = make_site_for(engineer), make_site_for(engineer)
    manager = make_person()
    sign_in(client, manager)
    counted: dict[str, list[int]] = {}
    for site, number in ((few, 1), (many, 12)):
        found = [carried_on(site, engineer, minutes=2, worked_on=TODAY - timedelta(days=each)) for each in range(number)]
        for _each in found:
            carried_on(site, actor(manager), "draft", 1)
        for page in (
            f"{APPROVALS}?site={site.id}",
            f"/time/{found[0].id}",
            f"/time/{found[0].id}/move?kind=included",
            lock_page(site),
            "/time",
        ):
            counted.setdefault(re.sub(r"[0-9a-f-]{36}", "x", page), []).append(statements(page))
    assert {page: found for page, found in counted.items() if len(set(found)) > 1} == {}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) == 26
