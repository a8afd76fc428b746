"""The first page: what needs somebody, and their engagements."""

import html
import re
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID

from flask.testing import FlaskClient

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tracker.clock import utc_now
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.services.time_entry import book, submit
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.transaction import transaction


def due_in(
    days: int, engagement: Engagement, who: Person, kind: str, *, title: str | None = None, site: UUID | None = None
) -> date:
    """Give an engagement a date so many days from today."""
    day = (utc_now() + timedelta(days=days)).date()
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


def test_staff_are_told_when_nobody_sends_reminders(client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    assert "Reminders are not being sent" in client.get("/").text
    sign_in(client, make_person("customer_viewer"))
    assert "Reminders are not being sent" not in client.get("/").text
