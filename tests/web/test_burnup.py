"""How an engagement's hours fill up: three numbers, a plot, its table and its file, for the team and for the customer."""

import csv
import io
import re
from datetime import date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, sign_in, some_work
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.budget import WorkKind
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.time_entry import approve, book, reverse, submit
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def manager(app: Flask) -> Person:
    return make_person("admin", name="Ada")


@pytest.fixture
def engagement(manager: Person) -> Engagement:
    """Two sites and a block of PS hours; the second site is closer to its cap."""
    made = make_engagement(manager)
    sites = [make_site(made, name=name) for name in ("shop", "blog")]
    agree(made)
    log(manager, sites[0], 60)
    log(manager, sites[1], 90, approved=True)
    log(manager, sites[1], 45, day=TODAY - timedelta(days=3))
    with transaction(db.session, now=NOW):
        sell_block(db.session, actor(manager), made.id, BlockSpec(480, "Q-7", TODAY), now=NOW)
    log(manager, sites[1], 30, WorkKind.PS)
    return made


def log(
    who: Person, site: Site, minutes: int, kind: WorkKind = WorkKind.ALLOWANCE, *, day: date = TODAY, approved: bool = False
) -> None:
    with transaction(db.session, now=NOW):
        entry = book(db.session, actor(who), some_work(site, minutes, kind, worked_on=day), now=NOW)[0].entry
    if approved:
        with transaction(db.session, now=NOW):
            submit(db.session, actor(who), entry.id, now=NOW)
            approve(db.session, SYSTEM, entry.id, now=NOW)


def cards_of(page: str) -> dict[str, list[str]]:
    """Used, held, limit and left of each card, by its title."""
    found = {}
    for title, body in re.findall(r'<section class="card">.*?<h2>(.*?)</h2>(.*?)</section>', page, re.DOTALL):
        if "burnup__numbers" in body:
            found[title] = re.findall(r"<dd>\s*(.*?)\s*</dd>", body)
    return found


def file_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_each_budget_shows_its_numbers_those_closest_to_their_cap_first(
    client: FlaskClient, engagement: Engagement, manager: Person
) -> None:
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    assert list(cards_of(page).items()) == [
        ("blog: Known-incompatibility allowance", ["1 h 30", "45 min", "5 h", "2 h 45"]),
        ("shop: Known-incompatibility allowance", ["0 min", "1 h", "5 h", "4 h"]),
        ("PS hours", ["0 min", "30 min", "8 h", "7 h 30"]),
    ]
    assert re.findall(r'<th scope="row">\s*<a href="[^"]+">(\w+)</a>', page) == ["blog", "shop"]


def test_the_plot_says_in_a_sentence_what_its_table_adds_up_to(
    client: FlaskClient, engagement: Engagement, manager: Person
) -> None:
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    (sentence,) = [each for each in re.findall(r'role="img"\s*aria-label="([^"]+)"', page) if each.startswith("blog")]
    assert ": 1 h 30 used and 45 min held of 5 h, 2 h 45 left. The table below has every day." in sentence
    body = page.partition("blog: Known-incompatibility allowance, day by day")[2].partition("</table>")[0]
    rows = [re.findall(r'class="table__number">(.*?)</td>', row) for row in body.split("</tr>")[1:-1]]
    assert rows == [
        ["1 h 30", "0 min", "1 h 30", "45 min", "5 h"],
        ["0 min", "45 min", "0 min", "45 min", "5 h"],
        ["1 h 30", "45 min", "5 h"],
    ]


def test_the_file_holds_the_same_minutes(client: FlaskClient, engagement: Engagement, manager: Person) -> None:
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    rows = file_of(client.get(f"/engagements/{engagement.id}/hours.csv").text)
    assert [(row["site"], row["used_minutes"], row["held_minutes"]) for row in rows if row["site"] == "blog"] == [
        ("blog", "0", "45"),
        ("blog", "90", "0"),
    ]
    (pool,) = [row for row in rows if row["budget"] == "PS hours"]
    assert (pool["limit_moved_minutes"], pool["left_minutes"], pool["what_moved_the_limit"]) == ("480", "450", "Q-7: 8 h bought")
    for link in re.findall(r'href="([^"]+hours\.csv[^"]*)"', page):
        assert file_of(client.get(link.replace("&amp;", "&")).text), link


def test_the_balances_of_a_past_day_are_an_address(client: FlaskClient, engagement: Engagement, manager: Person) -> None:
    sign_in(client, manager)
    before = client.get(f"/engagements/{engagement.id}/hours?as_of=2026-03-01")
    assert before.status_code == 200
    assert "As it stood on the books at the end of Sun 1 Mar 2026, Europe/Berlin." in before.text
    assert cards_of(before.text) == {}
    then = client.get(f"/engagements/{engagement.id}/hours?as_of=2026-03-02").text
    assert cards_of(then)["PS hours"] == ["0 min", "30 min", "8 h", "7 h 30"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param("2026-02-30", "Write the day as 2026-11-20.", id="no such day"),
        pytest.param("9999-12-31", "That day has not come yet.", id="to come"),
        pytest.param("1999-12-31", "The year 1999 is not plausible.", id="long before"),
    ],
)
def test_a_day_that_cannot_be_shown_is_said_at_its_field(
    client: FlaskClient, engagement: Engagement, manager: Person, said: str, message: str
) -> None:
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours?as_of={said}")
    assert page.status_code == 422
    assert message in page.text.partition('id="as_of-error"')[2].partition("</div>")[0]
    assert f'value="{said}"' in page.text
    assert client.get(f"/engagements/{engagement.id}/hours.csv?as_of={said}").status_code == 422


def test_many_sites_are_drawn_together_and_each_on_its_own_page(client: FlaskClient, manager: Person) -> None:
    engagement = make_engagement(manager)
    sites = [make_site(engagement, name=f"site {index}") for index in range(6)]
    agree(engagement)
    for index, site in enumerate(sites):
        log(manager, site, 10 * (index + 1), approved=index == 0)
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    assert cards_of(page) == {"All sites together": ["10 min", "3 h 20", "30 h", "26 h 30"]}
    assert "Hours never move from one site to another" in page
    assert re.findall(r'<th scope="row">\s*<a href="[^"]+">(site \d)</a>', page)[0] == "site 5"
    alone = client.get(f"/engagements/{engagement.id}/hours?site={sites[5].id}").text
    assert cards_of(alone) == {"Known-incompatibility allowance": ["0 min", "1 h", "5 h", "4 h"]}


def test_a_site_of_another_engagement_is_not_found_here(client: FlaskClient, engagement: Engagement, manager: Person) -> None:
    other = make_site(make_engagement(manager))
    sign_in(client, manager)
    for said in (other.id, "nothing"):
        assert client.get(f"/engagements/{engagement.id}/hours?site={said}").status_code == 404


def test_the_customer_reads_the_same_balances_and_nobody_s_name_or_remark(
    client: FlaskClient, engagement: Engagement, manager: Person
) -> None:
    sign_in(client, manager)
    ours = cards_of(client.get(f"/engagements/{engagement.id}/hours").text)
    sign_in(client, make_person("customer_viewer"))
    page = client.get(f"/engagements/{engagement.id}/hours").text
    assert cards_of(page) == ours
    assert 'href="/hours' not in page
    assert "Ada" not in page
    assert ">Hours</a>" in client.get(f"/engagements/{engagement.id}").text


def test_work_that_was_taken_back_leaves_no_trace_in_the_plot(client: FlaskClient, manager: Person) -> None:
    engagement = make_engagement(manager)
    site = make_site(engagement, name="shop")
    agree(engagement)
    with transaction(db.session, now=NOW):
        entry = book(db.session, actor(manager), some_work(site, 60), now=NOW)[0].entry
    with transaction(db.session, now=NOW):
        reverse(db.session, actor(manager), entry.id, None, now=NOW)
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    assert cards_of(page) == {"shop: Known-incompatibility allowance": ["0 min", "0 min", "5 h", "5 h"]}
    assert 'role="img"' not in page
    assert "Nothing has been logged here yet." in page


def test_steady_work_says_when_the_budget_runs_out(client: FlaskClient, manager: Person) -> None:
    engagement = make_engagement(manager)
    site = make_site(engagement)
    agree(engagement)
    now = utc_now()
    with transaction(db.session, now=now):
        for back in range(1, 21):
            if (day := now.date() - timedelta(days=back)) >= TODAY:
                book(db.session, actor(manager), some_work(site, 10, worked_on=day), now=now)
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/hours").text
    assert "At the pace of the last four weeks it runs out " in page
    past = client.get(f"/engagements/{engagement.id}/hours?as_of={now.date()}").text
    assert "At the pace" not in past, "of a past day nothing is forecast"
