"""The first page: what needs somebody, and their engagements."""

import html
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.bulk import many_engagements
from tests.factories import NOW, actor, agree, make_engagement, make_person, make_question, make_site, sign_in, some_work
from tracker.clock import utc_now
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.portfolio import Alarm, Filters, Order
from tracker.jobs import step
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import EngagementChange, edit_engagement
from tracker.services.time_entry import book, submit
from tracker.store import portfolio
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.question import open_of
from tracker.store.site import Site
from tracker.store.transaction import transaction


def due_in(
    days: int, engagement: Engagement, who: Person, kind: str, *, title: str | None = None, site: UUID | None = None
) -> date:
    """Give an engagement a date so many days from today, which is its own today: late in the evening it is not ours."""
    day = utc_now().astimezone(ZoneInfo(engagement.time_zone)).date() + timedelta(days=days)
    with transaction(db.session, now=NOW):
        set_date(db.session, actor(who), engagement.id, DateSpec(DeadlineKind(kind), Dates(due_on=day), site, title), now=NOW)
    return day


def link(page: str, rel: str) -> str:
    """Where a button of the pager leads."""
    found = re.search(rf'href="([^"]+)" rel="{rel}"', page)
    assert found is not None
    return html.unescape(found[1])


def names_on(page: str) -> list[str]:
    """The engagements that are listed, in order."""
    listed = page.partition('id="engagements"')[2]
    return [html.unescape(name) for name in re.findall(r'<th scope="row">\s*<a href="/engagements/[^"]+">([^<]+)</a>', listed)]


def test_the_first_page_of_a_new_installation_says_how_to_begin(client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    page = client.get("/").text
    assert "No engagement yet." in page
    assert "Create the first engagement" in page


def test_a_manager_sees_what_is_late_and_soon_and_what_waits(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Museum move")
    site = make_site(engagement)
    agree(engagement)
    due_in(-2, engagement, manager, "custom", title="Late thing")
    due_in(2, engagement, manager, "custom", title="Soon thing")
    due_in(60, engagement, manager, "custom", title="Far thing")
    with transaction(db.session, now=NOW):
        (booked,) = book(db.session, actor(manager), some_work(site, 90), now=NOW)
        submit(db.session, actor(manager), booked.entry.id, now=NOW)
    sign_in(client, manager)
    page = client.get("/").text
    assert "Museum move: Late thing" in page
    assert "2 days late" in page
    assert "Museum move: Soon thing" in page
    assert "Far thing" not in page
    assert "1 time entry (1 h 30) waits for approval" in page
    assert "the customer has not signed the requirements" in page
    assert "1 h 30 held" in page


def test_the_customer_sees_what_they_have_to_do_and_only_their_own(client: FlaskClient) -> None:
    manager, approver = make_person(), make_person("customer_approver")
    engagement = make_engagement(manager, name="Ours")
    site = make_site(engagement, name="Shop")
    other = make_engagement(manager, name="Of somebody else", customer="Globex")
    agree(engagement)
    due_in(40, engagement, manager, "access", site=site.id)
    due_in(1, engagement, manager, "custom", title="Team meeting")
    due_in(1, other, manager, "inventory")
    sign_in(client, approver)
    page = client.get("/").text
    assert "Shop: Source access due" in page
    assert "Ours: sign the requirements" in page
    assert "Team meeting" not in page.partition("Engagements</h2>")[0]
    assert "Of somebody else" not in page
    assert "New engagement" not in page


def test_what_no_longer_counts_needs_nobody(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    site = make_site(engagement, name="Gone")
    due_in(-1, engagement, manager, "access", site=site.id)
    sign_in(client, manager)
    assert "Gone: Source access due" in client.get("/").text
    answer = client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn"})
    assert answer.status_code == 303
    page = client.get("/").text
    assert "Gone: Source access due" not in page
    assert "No date set" in page


def test_long_lists_are_read_page_by_page(client: FlaskClient) -> None:
    manager = make_person()
    for number in range(27):
        make_engagement(manager, name=f"Number {number}.")
    sign_in(client, manager)
    first = client.get("/?sort=newest").text
    assert "Number 26." in first
    assert "Number 1." not in first
    second = client.get(link(first, "next")).text
    assert "Number 1." in second
    assert "Number 26." not in second
    assert names_on(client.get(link(second, "prev")).text) == names_on(first)
    for junk in ("nonsense", "W10", "WyJuZXdlc3QiLCIiLCJ4Il0", "%00", "é"):
        assert names_on(client.get(f"/?sort=newest&after={junk}").text) == names_on(first)


def test_the_page_costs_the_same_for_forty_engagements_as_for_two(client: FlaskClient, statements: Callable[[str], int]) -> None:
    manager = make_person()
    sign_in(client, manager)

    def add(engagements: int) -> None:
        for _ in range(engagements):
            engagement = make_engagement(manager, kickoff_on=date(2026, 3, 9))
            make_site(engagement)
            agree(engagement)

    add(2)
    with_two = statements("/")
    add(38)
    assert statements("/") == with_two


PATHS = (
    "/",
    "/?sort=name",
    "/?sort=customer",
    "/?sort=newest",
    "/?q=bulk&status=active&mine=y",
    "/?risk=overdue&risk=waiting&risk=over_80&risk=frozen",
    "/search?q=bulk",
    "/team",
)


@pytest.mark.parametrize("role", ["admin", "engagement_manager", "engineer", "customer_approver", "customer_viewer"])
def test_a_hundred_times_as_many_engagements_take_no_statement_more(
    client: FlaskClient, statements: Callable[[str], int], role: str
) -> None:
    manager, reader = make_person(), make_person(role)
    staff = reader.customer_id is None

    def lay(number: int) -> None:
        member = reader if staff else manager
        many_engagements(number, manager_id=manager.id, member_id=member.id, customer_id=reader.customer_id)

    lay(25)
    sign_in(client, reader)
    paths = [path for path in PATHS if path != "/team" or role in ("admin", "engagement_manager")]
    with_few = [statements(path) for path in paths]
    lay(2475)
    assert [statements(path) for path in paths] == with_few
    middle = link(client.get(link(client.get("/").text, "next")).text, "next")
    assert statements(middle) == with_few[0]


def test_filters_are_chips_that_come_off_one_by_one(client: FlaskClient) -> None:
    mei, ada = make_person(name="Mei"), make_person(name="Ada")
    make_engagement(mei, name="Museum move", customer="Northwind")
    held = make_engagement(mei, name="Museum archive", customer="Northwind")
    make_engagement(ada, name="Bakery", customer="Blé")
    with transaction(db.session, now=NOW):
        edit_engagement(db.session, actor(mei), held.id, EngagementChange(None, {"status": "on_hold"}), now=NOW)
    sign_in(client, mei)
    page = client.get(f"/?q=museum&manager={mei.id}&status=on_hold").text
    assert names_on(page) == ["Museum archive"]
    for chip in ("“museum”", "Manager: Mei", "On hold"):
        assert f"Remove the filter </span>{chip}" in page
    without = re.search(r'href="([^"]+)"><span class="aside-text">Remove the filter </span>On hold', page)
    assert without is not None
    assert sorted(names_on(client.get(html.unescape(without[1])).text)) == ["Museum archive", "Museum move"]
    nothing = client.get("/?q=bakery&status=cancelled").text
    assert "Nothing matches these filters." in nothing
    assert "Show all engagements" in nothing
    assert names_on(client.get("/?mine=y&sort=name").text) == ["Museum archive", "Museum move"]
    assert names_on(client.get(f"/?customer={held.customer_id}&sort=name").text) == ["Museum archive", "Museum move"]
    assert len(names_on(client.get("/?status=lost&manager=7&risk=rain&sort=colour&customer=x").text)) == 3


def test_heads_say_by_what_the_list_is_ordered(client: FlaskClient) -> None:
    mei = make_person()
    make_engagement(mei, name="beta", kickoff_on=date(2026, 3, 9))
    make_engagement(mei, name="Alpha")
    make_engagement(mei, name="gamma", kickoff_on=date(2026, 3, 5))
    sign_in(client, mei)
    page = client.get("/").text
    assert names_on(page) == ["gamma", "beta", "Alpha"], "what has no date comes last"
    assert re.search(r'aria-sort="ascending">\s*<a[^>]+>Next date', page)
    by_name = client.get("/?sort=name").text
    assert names_on(by_name) == ["Alpha", "beta", "gamma"]
    assert re.search(r'aria-sort="ascending">\s*<a[^>]+>Engagement', by_name)


def test_risks_are_said_in_words(client: FlaskClient) -> None:
    manager = make_person()
    engagement, quiet = make_engagement(manager, name="Museum move"), make_engagement(manager, name="Quiet")
    site = make_site(engagement)
    agree(engagement)
    due_in(-2, engagement, manager, "uat", site=site.id)
    due_in(-3, engagement, manager, "custom", title="Late thing")
    due_in(-1, engagement, manager, "code_freeze", site=site.id)
    make_question(engagement, "Which host?")
    with transaction(db.session, now=NOW):
        book(db.session, actor(manager), some_work(site, 240), now=NOW)
    sign_in(client, manager)
    page = client.get("/").text
    # Every open question to the customer, the missing signature and the date that is late.
    waiting = len(open_of(db.session, engagement.id, side="customer")) + 2
    for badge in ("2 dates overdue", "1 site over 80 %", f"waiting on the customer: {waiting}", "freeze running"):
        assert badge in page
    for risk in ("overdue", "over_80", "waiting", "frozen"):
        assert names_on(client.get(f"/?risk={risk}").text) == ["Museum move"]
    approver = make_person("customer_approver")
    sign_in(client, approver)
    assert f"waiting on you: {waiting}" in client.get("/").text
    sign_in(client, manager)
    assert client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn"}).status_code == 303
    assert "freeze running" not in client.get("/").text
    assert "over 80 %" not in client.get("/").text.partition("<table")[2]
    assert quiet.name in client.get("/").text


def test_a_freeze_that_is_on_hides_no_date_that_comes(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, name="Museum move")
    site = make_site(engagement, name="Shop")
    due_in(-30, engagement, manager, "code_freeze", site=site.id)
    day = due_in(1, engagement, manager, "custom", title="Dress rehearsal")
    sign_in(client, manager)
    needs, _heading, listed = client.get("/").text.partition('id="engagements"')
    assert "Shop: Code freeze" not in needs
    assert "Museum move: Dress rehearsal" in needs
    assert "Dress rehearsal" in listed
    step.plan(utc_now())
    db.session.expire_all()
    assert db.session.get_one(Engagement, engagement.id).next_on == day, "also where engagements are put in order"
    overview = client.get(f"/engagements/{engagement.id}").text
    assert "on for 30 days" in overview
    assert "Code freeze" not in overview.partition(">Next dates<")[2].partition("All dates")[0]
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = "launched"
    overview = client.get(f"/engagements/{engagement.id}").text
    assert "on for 30 days" not in overview
    assert "no longer counts" in overview


def test_a_withdrawn_site_has_no_hours_left(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    gone, worked = make_site(engagement, name="Gone"), make_site(engagement, name="Worked on")
    agree(engagement)
    with transaction(db.session, now=NOW):
        book(db.session, actor(manager), some_work(worked, 60), now=NOW)
    sign_in(client, manager)
    address = f"/engagements/{engagement.id}"
    assert client.get(address).text.count("of 5 h") == 2
    for site in (gone, worked):
        client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn"})
    assert client.get(address).text.count("of 5 h") == 1, "what was worked is still told"


def test_a_day_is_over_when_it_is_over_where_the_engagement_is(app: Flask) -> None:
    manager = make_person()
    zones = ("Pacific/Auckland", "UTC", "America/Los_Angeles")
    made = {zone: make_engagement(manager, name=zone, time_zone=zone) for zone in zones}
    for engagement in made.values():
        with transaction(db.session, now=NOW):
            spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=date(2026, 3, 10)), None, "Thing")
            set_date(db.session, actor(manager), engagement.id, spec, now=NOW)

    def late(now: datetime) -> list[str]:
        filters = Filters(alarms=(Alarm.OVERDUE,))
        rows = portfolio.page(db.session, actor(manager), filters, Order.NAME, limit=9, now=now).rows
        assert all(row.alarms == {Alarm.OVERDUE: 1} for row in rows)
        return [row.engagement.name for row in rows]

    assert late(datetime(2026, 3, 10, 10, 59, tzinfo=UTC)) == []
    assert late(datetime(2026, 3, 10, 11, 0, tzinfo=UTC)) == ["Pacific/Auckland"]
    assert late(datetime(2026, 3, 11, 0, 0, tzinfo=UTC)) == ["Pacific/Auckland", "UTC"]
    assert late(datetime(2026, 3, 11, 6, 59, tzinfo=UTC)) == ["Pacific/Auckland", "UTC"]
    assert late(datetime(2026, 3, 11, 7, 0, tzinfo=UTC)) == ["America/Los_Angeles", "Pacific/Auckland", "UTC"]


def test_the_next_date_follows_what_happens(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager, kickoff_on=date(2026, 3, 9))
    site = make_site(engagement)

    def following() -> date | None:
        db.session.rollback()
        return db.session.get_one(Engagement, engagement.id, populate_existing=True).next_on

    assert following() == date(2026, 3, 6)
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.ACCESS, Dates(due_on=date(2026, 3, 4)), site.id)
        set_date(db.session, actor(manager), engagement.id, spec, now=NOW)
    assert following() == date(2026, 3, 4)
    sign_in(client, manager)
    client.post(f"/sites/{site.id}/transitions", data={"to": "withdrawn"})
    assert following() == date(2026, 3, 6)
    with transaction(db.session, now=NOW):
        edit_engagement(db.session, actor(manager), engagement.id, EngagementChange(None, {"status": "on_hold"}), now=NOW)
    assert following() is None


def test_staff_are_told_when_nobody_sends_reminders(client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    assert "Reminders are not being sent" in client.get("/").text
    sign_in(client, make_person("customer_viewer"))
    assert "Reminders are not being sent" not in client.get("/").text
