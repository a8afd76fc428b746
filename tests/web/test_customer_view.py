"""An engagement as its customer reads it, and as somebody of the team sees it who looks as the customer does."""

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient

from tests.factories import (
    NOW,
    actor,
    agree,
    make_engagement,
    make_freeze,
    make_link,
    make_person,
    make_round,
    make_site,
    say,
    sign_in,
)
from tests.web.test_engagement import value_of
from tracker.clock import utc_now
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.freeze import FreezeAnswer
from tracker.domain.workday import Calendar
from tracker.services import deadline as deadline_service
from tracker.services import engagement as engagement_service
from tracker.services import freeze as freeze_service
from tracker.services import kickoff as kickoff_service
from tracker.services.deadline import DateSpec
from tracker.services.engagement import EngagementChange
from tracker.services.kickoff import KickoffChange
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.scope import ScopeItem
from tracker.store.site import Site
from tracker.store.transaction import transaction

BERLIN = Calendar("Europe/Berlin")


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    return make_person(name="Jonas Weber")


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    return make_engagement(manager, name="Museum move", account_rep="Lena Fischer")


def set_date(engagement: Engagement, manager: Person, kind: DeadlineKind, dates: Dates, site: Site | None = None) -> None:
    with transaction(db.session, now=NOW):
        spec = DateSpec(kind, dates, site.id if site else None)
        deadline_service.set_date(db.session, actor(manager), engagement.id, spec, now=NOW)


def in_working_days(count: int) -> date:
    return BERLIN.add_business_days(BERLIN.local_date(utc_now()), count)


def ask(engagement: Engagement, text: str, due_on: date | None = None, side: str = "customer") -> None:
    with transaction(db.session, now=NOW):
        db.session.add(Question(engagement_id=engagement.id, text=text, side=side, due_on=due_on, state="open", asked_at=NOW))


def decide(site: Site, title: str, decision: str, route: str | None = None) -> None:
    with transaction(db.session, now=NOW):
        db.session.add(
            ScopeItem(
                engagement_id=site.engagement_id, site_id=site.id, item=title.lower(), title=title, category="c",
                decision=decision, clause="c", source="s", route=route, reason="r", by_rule=True, decided_at=NOW,
                due_before="uat", work_state="planned", evidence="", created_at=NOW,
            )
        )  # fmt: skip


def todo_of(page: str) -> str:
    """The card of what the customer has to do."""
    found = re.search(r'<section class="card" id="todo">.*?</section>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def test_what_the_customer_has_to_do_comes_first_with_day_and_distance(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    approver, site = make_person("customer_approver"), make_site(engagement, name="Shop")
    agree(engagement)
    due = in_working_days(3)
    set_date(engagement, manager, DeadlineKind.UAT, Dates(due_on=due), site)
    set_date(engagement, manager, DeadlineKind.TTL, Dates(due_on=in_working_days(30)), site)
    ask(engagement, "Who owns the DNS?", in_working_days(2))
    ask(engagement, "Which runbook fits?", side="team")
    sign_in(client, approver)
    page = client.get(f"/engagements/{engagement.id}").text
    todo = todo_of(page)
    turns = ("Sign the project requirements", "Who owns the DNS?", "Carry out acceptance testing in the agreed window, Shop")
    assert [todo.index(each) for each in turns] == sorted(todo.index(each) for each in turns)
    assert f"{due:%a %-d %b %Y}" in todo
    assert "in 3 working days" in todo
    assert "Test and sign" in todo
    for not_theirs in ("Which runbook fits?", "DNS TTL lowered"):
        assert not_theirs not in todo
    assert page.index('id="todo"') < page.index('id="dates"') < page.index('id="scope"') < page.index('id="sites"')
    assert page.index('id="sites"') < page.index('id="sign-offs"') < page.index('id="ask"')


def test_an_instant_names_its_zone(client: FlaskClient, manager: Person, engagement: Engagement) -> None:
    site = make_site(engagement, name="Shop")
    cutover = BERLIN.at(in_working_days(4), NOW.time())
    set_date(engagement, manager, DeadlineKind.DNS_CUTOVER, Dates(due_at=cutover), site)
    sign_in(client, make_person("customer_viewer"))
    todo = todo_of(client.get(f"/engagements/{engagement.id}").text)
    assert re.search(r"Switch DNS in the agreed window, Shop .* 12:00 CES?T", todo)
    assert "Mark as done" not in todo, "a viewer does not say that it is done"


def test_what_is_late_says_how_late(client: FlaskClient, manager: Person, engagement: Engagement) -> None:
    today = BERLIN.local_date(utc_now())
    set_date(engagement, manager, DeadlineKind.INVENTORY, Dates(due_on=today - timedelta(days=2)))
    sign_in(client, make_person("customer_approver"))
    assert "2 days late" in todo_of(client.get(f"/engagements/{engagement.id}").text)


def test_nothing_waits_on_the_customer_of_an_engagement_without_dates(client: FlaskClient, engagement: Engagement) -> None:
    sign_in(client, make_person("customer_viewer"))
    page = client.get(f"/engagements/{engagement.id}").text
    assert "Nothing right now." in todo_of(page)
    assert "Lena Fischer" in page
    assert "Jonas Weber" in page
    assert "https://slack.com/app_redirect?channel=C1" in page


def test_an_engagement_that_rests_asks_nothing_of_its_customer(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    set_date(engagement, manager, DeadlineKind.INVENTORY, Dates(due_on=in_working_days(1)))
    ask(engagement, "Who owns the DNS?")
    with transaction(db.session, now=NOW):
        rest = EngagementChange(None, {"status": "on_hold"})
        engagement_service.edit_engagement(db.session, actor(manager), engagement.id, rest, now=NOW)
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/engagements/{engagement.id}").text
    assert "Nothing right now." in todo_of(page)
    assert "Site inventory due" in page


def test_the_scope_is_said_in_plain_words_with_the_way_on(client: FlaskClient, engagement: Engagement) -> None:
    site = make_site(engagement, name="Shop")
    decide(site, "Move code, database and files", "included")
    decide(site, "Theme redesign", "out_of_scope", "account-rep")
    decide(site, "Search", "undecided")
    decide(site, "Cron", "not_applicable")
    sign_in(client, make_person("customer_viewer"))
    page = client.get(f"/engagements/{engagement.id}").text
    assert "Move code, database and files" in page
    assert "Theme redesign: ask your account rep" in page
    assert "Still to be decided" in page
    assert "Cron" not in page


def test_the_page_shows_what_both_sides_said_and_nothing_of_the_team(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    say(engagement, manager, "We start on Monday")
    say(engagement, manager, "ZANZIBAR they are nervous", internal=True)
    make_link(engagement, manager, "The test script")
    make_link(engagement, manager, "ZANZIBAR margin sheet", internal=True)
    with transaction(db.session, now=NOW):
        notes: dict[str, object] = {"notes": "Freeze agreed", "internal_notes": "ZANZIBAR price"}
        kickoff_service.record_kickoff(db.session, actor(manager), engagement.id, KickoffChange(notes), now=NOW)
    sign_in(client, make_person("customer_approver"))
    page = client.get(f"/engagements/{engagement.id}").text
    for both in ("We start on Monday", "The test script", "Freeze agreed"):
        assert both in page
    assert "ZANZIBAR" not in page


def test_the_page_costs_the_same_for_fifty_sites_as_for_one(
    client: FlaskClient, statements: Callable[[str], int], manager: Person
) -> None:
    small, large = make_engagement(manager), make_engagement(manager)
    for engagement, count in ((small, 1), (large, 50)):
        made = [make_site(engagement) for _ in range(count)]
        agree(engagement)
        for site in made:
            decide(site, "Code", "included")
        for site in made[:: max(1, count // 5)]:
            set_date(engagement, manager, DeadlineKind.UAT, Dates(due_on=in_working_days(2)), site)
            say(engagement, manager, site_id=site.id)
            make_link(engagement, manager)
            ask(engagement, f"What of {site.name}?")
    sign_in(client, make_person("customer_approver"))
    assert statements(f"/engagements/{small.id}") == statements(f"/engagements/{large.id}")


def test_the_team_looks_as_the_customer_does_and_changes_nothing(
    client: FlaskClient, manager: Person, engagement: Engagement
) -> None:
    make_site(engagement)
    agree(engagement)
    say(engagement, manager, "ZANZIBAR", internal=True)
    address = f"/engagements/{engagement.id}"
    sign_in(client, manager)
    assert "View as customer" in client.get(address).text
    assert client.post(f"{address}/view-as-customer").location == address
    looked = client.get(address).text
    assert "You see this as Acme does. Nothing can be changed." in looked
    assert "Sign the requirements" in looked
    assert "ZANZIBAR" not in client.get(f"{address}/comments").text
    for staff_only in ("/notices", "/time", f"{address}/edit", "/settings"):
        assert client.get(staff_only).status_code == 404, staff_only
    signed = client.post(f"{address}/sign", data={"hash": value_of(looked, "hash"), "agree": "y", "signed_name": "Jonas Weber"})
    assert signed.status_code == 403
    assert "You see this as Acme does. Nothing can be changed." in signed.text
    assert client.post(f"{address}/edit").status_code == 403
    assert client.get("/account").status_code == 403
    assert client.post("/view-as-customer/leave").location == address
    own = client.get(address).text
    assert "You see this as" not in own
    assert "View as customer" in own


def test_whoever_looks_sees_that_engagement_only(client: FlaskClient, manager: Person, engagement: Engagement) -> None:
    other = make_engagement(manager, name="Another of Acme")
    sign_in(client, manager)
    client.post(f"/engagements/{engagement.id}/view-as-customer")
    assert "Another of Acme" not in client.get("/").text
    assert client.get(f"/engagements/{other.id}").status_code == 404


def test_looking_ends_with_the_session_and_with_the_assignment(client: FlaskClient, engagement: Engagement) -> None:
    admin = make_person("admin")
    sign_in(client, admin)
    client.post(f"/engagements/{engagement.id}/view-as-customer")
    assert client.post("/sign-out").status_code == 303
    sign_in(client, admin)
    assert "You see this as" not in client.get("/").text
    stranger = make_person("engineer")
    sign_in(client, stranger)
    with client.session_transaction() as session:
        session["view_as"] = str(engagement.id)
    assert "You see this as" not in client.get("/").text


def test_a_customer_cannot_look_as_anybody(client: FlaskClient, engagement: Engagement) -> None:
    sign_in(client, make_person("customer_approver"))
    assert client.post(f"/engagements/{engagement.id}/view-as-customer").status_code == 404
    with client.session_transaction() as session:
        session["view_as"] = str(engagement.id)
    page = client.get(f"/engagements/{engagement.id}").text
    assert "You see this as" not in page


@pytest.mark.parametrize("kind", ["code", "content"])
def test_a_freeze_asks_once_and_no_more_when_it_is_answered(
    client: FlaskClient, manager: Person, engagement: Engagement, kind: str
) -> None:
    approver, site = make_person("customer_approver"), make_site(engagement, name="Shop")
    agree(engagement)
    freeze = make_freeze(site, kind, starts_at=utc_now() + timedelta(hours=2))
    sign_in(client, approver)
    asked = todo_of(client.get(f"/engagements/{engagement.id}").text)
    assert asked.lower().count(f"{kind} freeze") + asked.lower().count(f"freeze {kind}") > 0
    assert "Content freeze, Shop" not in asked
    assert "Code freeze, Shop" not in asked
    with transaction(db.session, now=NOW):
        freeze_service.acknowledge(db.session, actor(approver), freeze.id, FreezeAnswer.FREEZE, now=utc_now())
    answered = todo_of(client.get(f"/engagements/{engagement.id}").text)
    assert "Code freeze" not in answered
    assert "Answer the content freeze" not in answered
    assert "Content freeze, Shop" not in answered


def test_a_site_in_uat_waits_for_the_customer_before_it_has_a_date(client: FlaskClient, engagement: Engagement) -> None:
    approver, site = make_person("customer_approver"), make_site(engagement, name="Shop")
    agree(engagement)
    sign_in(client, approver)
    task = "Carry out acceptance testing in the agreed window, Shop"
    assert task not in todo_of(client.get(f"/engagements/{engagement.id}").text)
    make_round(site)
    page = client.get(f"/engagements/{engagement.id}").text
    assert task in todo_of(page)
    assert f"/sites/{site.id}/uat" in page
