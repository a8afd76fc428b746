"""Hours added up: the same figures on the screen, in the file and over the API, and only of what somebody may see."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, make_token, sign_in, some_work
from tests.project.test_isolation import installation
from tracker.domain.access import SYSTEM
from tracker.domain.budget import WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.hours_report import ROWS_ON_A_PAGE, GroupBy
from tracker.services.engagement import add_member
from tracker.services.setting import set_managers_see
from tracker.services.time_entry import approve, book, reject, reverse, submit
from tracker.store.database import db, table_of
from tracker.store.engagement import Engagement
from tracker.store.identity import new_id
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

MARCH = "from=2026-03-01&to=2026-03-31"


def log(who: Person, site: Site, minutes: int, upto: str = "draft", *, kind: WorkKind = WorkKind.INCLUDED, **over: Any) -> UUID:
    """Work of somebody, carried on to a state."""
    with transaction(db.session, now=NOW):
        entry = book(db.session, actor(who), some_work(site, minutes, kind, **over), now=NOW)[0].entry
    steps: dict[str, tuple[Callable[[], object], ...]] = {
        "draft": (),
        "submitted": (lambda: submit(db.session, actor(who), entry.id, now=NOW),),
        "approved": (
            lambda: submit(db.session, actor(who), entry.id, now=NOW),
            lambda: approve(db.session, SYSTEM, entry.id, now=NOW),
        ),
        "rejected": (
            lambda: submit(db.session, actor(who), entry.id, now=NOW),
            lambda: reject(db.session, SYSTEM, entry.id, "Elsewhere.", now=NOW),
        ),
        "reversed": (lambda: reverse(db.session, actor(who), entry.id, None, now=NOW),),
    }
    for step in steps[upto]:
        with transaction(db.session, now=NOW):
            step()
    return entry.id


def rows_of(page: str) -> list[tuple[str, ...]]:
    """The rows of the table: what each is called and its figures, the last that of all."""
    rows = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', page, re.DOTALL)
    figures = [re.findall(r'<td data-label="\w+" class="table__number">(.*?)</td>', cells) for _head, cells in rows]
    heads = [re.sub(r"<[^>]+>", " ", head).split("  ")[0] for head, _cells in rows]
    return [(" ".join(head.split()), *each) for head, each in zip(heads, figures, strict=True)]


def file_of(answer: Any) -> list[dict[str, str]]:
    """The rows of a file, by their headings."""
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


@dataclass(frozen=True)
class Office:
    """Two engagements with a site each, and who works on them."""

    manager: Person
    engineer: Person
    shop: Site
    blog: Site


@pytest.fixture
def office(app: Flask) -> Office:
    """The engineer is on the first engagement only."""
    return lay_office()


def lay_office() -> Office:
    manager, engineer = make_person("admin", name="Ada"), make_person("engineer", name="Mei")
    listed = []
    for name in ("Shop", "Blog"):
        engagement = make_engagement(name=f"{name} move")
        listed.append(make_site(engagement, name=name))
        agree(engagement)
    with transaction(db.session, now=NOW):
        add_member(db.session, SYSTEM, listed[0].engagement_id, engineer.id, now=NOW)
    return Office(manager, engineer, *listed)


def test_hours_are_added_up_with_used_held_and_all(client: FlaskClient, office: Office) -> None:
    log(office.engineer, office.shop, 90, "approved")
    log(office.engineer, office.shop, 15, "submitted")
    log(office.manager, office.blog, 60)
    sign_in(client, office.manager)
    page = client.get(f"/hours?{MARCH}").text
    assert rows_of(page) == [
        ("Shop move", "1 h 30", "15 min", "1 h 45"),
        ("Blog move", "0 min", "1 h", "1 h"),
        ("All hours", "1 h 30", "1 h 15", "2 h 45"),
    ]
    assert "Work done Sun 1 Mar 2026 to Tue 31 Mar 2026." in page
    by_person = client.get(f"/hours?{MARCH}&group_by=person").text
    assert [row[0] for row in rows_of(by_person)] == ["Mei", "Ada", "All hours"]


def test_what_was_rejected_or_taken_back_counts_nowhere(client: FlaskClient, office: Office) -> None:
    log(office.manager, office.shop, 60, "rejected")
    log(office.manager, office.shop, 60, "reversed")
    sign_in(client, office.manager)
    page = client.get(f"/hours?{MARCH}")
    assert page.status_code == 200
    assert "No hours on these days." in page.text
    assert file_of(client.get(f"/hours.csv?{MARCH}")) == []


def test_somebody_sees_the_hours_of_their_engagements_only(client: FlaskClient, office: Office) -> None:
    log(office.manager, office.shop, 60)
    log(office.manager, office.blog, 30)
    sign_in(client, office.engineer)
    assert rows_of(client.get(f"/hours?{MARCH}").text) == [
        ("Shop move", "0 min", "1 h", "1 h"),
        ("All hours", "0 min", "1 h", "1 h"),
    ]
    foreign = client.get(f"/hours?{MARCH}&engagement={office.blog.engagement_id}&group_by=site").text
    assert "No hours match." in foreign
    assert "Blog move" not in foreign
    assert "Engagement: unknown" in foreign


def test_without_days_this_month_is_meant(client: FlaskClient, office: Office) -> None:
    sign_in(client, office.manager)
    page = client.get("/hours").text
    assert re.search(r'aria-current="true">This month', page)
    everything = re.search(r'href="([^"]+)">From the beginning', page)
    assert everything
    log(office.manager, office.shop, 60)
    assert ("Shop move", "0 min", "1 h", "1 h") in rows_of(client.get(everything[1].replace("&amp;", "&")).text)


def test_a_row_leads_to_what_it_is_made_of(client: FlaskClient, office: Office) -> None:
    log(office.engineer, office.shop, 90, worked_on=TODAY)
    sign_in(client, office.manager)
    seen, address = [], f"/hours?{MARCH}&group_by=month"
    for _ in range(6):
        page = client.get(address).text
        (head, *_figures), *_rest = rows_of(page)
        seen.append((re.search(r"<h1>(.*?)</h1>", page)[1], head))  # type: ignore[index]
        link = re.search(r'<th scope="row">\s*<a href="([^"]+)"', page)
        if link is None:
            break
        address = link[1].replace("&amp;", "&")
    assert seen == [
        ("Hours by month", "March 2026"),
        ("Hours by engagement", "Shop move"),
        ("Hours by site", "Shop"),
        ("Hours by person", "Mei"),
        ("Hours by kind of work", "Included work"),
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param("from=soon", "Write the day as 2026-11-20.", id="unreadable"),
        pytest.param("from=2026-03-02&to=2026-03-01", "The last day lies before the first.", id="backwards"),
    ],
)
def test_days_that_cannot_be_meant_are_said_at_their_field(client: FlaskClient, office: Office, query: str, message: str) -> None:
    sign_in(client, office.manager)
    page = client.get(f"/hours?{query}")
    assert page.status_code == 422
    assert message in re.findall(r'-error">(.*?)</div>', page.text, re.DOTALL)[0]
    assert f'value="{query.partition("=")[2].partition("&")[0]}"' in page.text, "what was typed is kept"
    assert client.get(f"/hours.csv?{query}").status_code == 422


def test_many_rows_come_in_pages_and_the_file_has_them_all(client: FlaskClient, office: Office) -> None:
    people = [make_person("engineer", name=f"Person {index:03}") for index in range(ROWS_ON_A_PAGE + 5)]
    write([(person.id, office.shop, TODAY, 10 + index // 3, "approved", "included") for index, person in enumerate(people)])
    sign_in(client, office.manager)
    address = f"/hours?{MARCH}&group_by=person"
    seen: list[tuple[str, ...]] = []
    last: tuple[str, ...] = ()
    while address:
        page = client.get(address).text
        *rows, last = rows_of(page)
        assert len(rows) <= ROWS_ON_A_PAGE
        seen += rows
        link = re.search(r'href="([^"]+)" rel="next"', page)
        address = link[1].replace("&amp;", "&") if link else ""
    whole = file_of(client.get(f"/hours.csv?{MARCH}&group_by=person"))
    assert sorted(row[0] for row in seen) == sorted(person.name for person in people)
    assert [row[0] for row in seen] == [row["Person"] for row in whole]
    assert last[-1] == say_minutes(sum(int(row["total_minutes"]) for row in whole))


def test_no_name_is_taken_for_a_formula(client: FlaskClient, office: Office) -> None:
    for name in ("=1+1", "added", "-5 shop", "hidden = no"):
        site = make_site(make_engagement(), name=name)
        agree(db.session.get_one(Engagement, site.engagement_id))
        log(office.manager, site, 60)
    sign_in(client, office.manager)
    answer = client.get(f"/hours.csv?{MARCH}&group_by=site")
    assert 'attachment; filename="hours-by-site.csv"' in answer.headers["Content-Disposition"]
    assert sorted(row["Site"] for row in file_of(answer)) == ["'-5 shop", "'=1+1", "added", "hidden = no"]


def test_only_the_team_has_the_report(client: FlaskClient, office: Office) -> None:
    sign_in(client, make_person("customer_approver"))
    assert [client.get(path).status_code for path in ("/hours", "/hours.csv")] == [404, 404]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_more_rows_take_no_more_statements(client: FlaskClient, office: Office, statements: Callable[[str], int]) -> None:
    sign_in(client, office.manager)
    log(office.manager, office.shop, 60)
    one = {group: statements(f"/hours?{MARCH}&group_by={group}") for group in GroupBy}
    write([(office.manager.id, office.blog, date(2026, 3, day), 30, "approved", "included") for day in range(1, 20)])
    assert {group: statements(f"/hours?{MARCH}&group_by={group}") for group in GroupBy} == one
    assert len(set(one.values())) == 1


# --- the same to the minute, however it is asked -----------------------------------------------------------------------

Row = tuple[UUID, Site, date, int, str, str]


def write(rows: list[Row]) -> None:
    """Entries as they are stored, without their budgets."""
    fixed = {"note": "", "activity": "research", "ps_kind": "custom-upstream", "created_at": NOW, "version": 1}
    values = [
        fixed
        | {"id": new_id(), "engagement_id": site.engagement_id, "site_id": site.id, "person_id": person_id}
        | {"worked_on": day, "minutes": minutes, "state": state, "kind": kind}
        for person_id, site, day, minutes, state, kind in rows
    ]
    with db.engine.begin() as connection:
        connection.execute(sa.insert(table_of(TimeEntry)), values)


STATES = ("draft", "submitted", "approved", "rejected", "reversed")


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[tuple[int, int, date, int, str, str]], list[dict[str, str | int]]]:
    """Entries as places in an office, and what a report may be asked."""
    days = st.integers(0, 120).map(lambda back: TODAY - timedelta(days=back))
    kinds = st.sampled_from(list(WorkKind)).map(str)
    entry = st.tuples(st.integers(0, 1), st.integers(0, 1), days, st.integers(1, 1440), st.sampled_from(STATES), kinds)
    narrowing = {
        "from": days.map(str), "to": days.map(str), "engagement": st.integers(0, 1), "site": st.integers(0, 1),
        "person": st.integers(0, 1), "kind": kinds, "state": st.sampled_from(STATES[:3]),
    }  # fmt: skip
    group = {"group_by": st.sampled_from(list(GroupBy)).map(str)}
    asked = st.fixed_dictionaries(group, optional=narrowing).filter(lambda said: said.get("from", "") <= said.get("to", "9"))
    return draw(st.lists(entry, min_size=5, max_size=40)), draw(st.lists(asked, min_size=6, max_size=6))


@settings(max_examples=4, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(world=worlds())
def test_screen_file_and_api_say_the_same_to_the_minute(sqlite_template: Path, world: Any) -> None:
    entries, questions = world
    with installation(sqlite_template) as app:
        office = lay_office()
        people, listed = (office.manager, office.engineer), (office.shop, office.blog)
        write([(people[who].id, listed[site], *rest) for who, site, *rest in entries])
        tokens = {person.id: make_token(person) for person in people}
        for index, said in enumerate(questions):
            reader = people[index % 2]
            expected = sum(entry[3] for entry in entries if counts(entry, said, reader is office.manager))
            named = {
                "engagement": lambda at: listed[at].engagement_id, "site": lambda at: listed[at].id,
                "person": lambda at: people[at].id,
            }  # fmt: skip
            query = {name: str(named[name](value)) if name in named else str(value) for name, value in said.items()}
            assert totals(app, reader, tokens[reader.id], {"from": "2000-01-01"} | query) == [expected] * 4, said


def counts(entry: Any, said: dict[str, Any], sees_all: bool) -> bool:
    """Whether an entry is among those that are asked for, told without the program's own functions."""
    who, site, day, _minutes, state, kind = entry
    return (
        (sees_all or site == 0)
        and state in ([said["state"]] if "state" in said else STATES[:3])
        and said.get("from", "") <= str(day) <= said.get("to", "9")
        and said.get("kind", kind) == kind
        and said.get("person", who) == who
        and said.get("site", site) == said.get("engagement", site) == site
    )


def totals(app: Flask, reader: Person, token: str, query: dict[str, str]) -> list[int]:
    """The minutes of one report: as the screen says them, the file's rows, the API's rows, and the API's total."""
    client = app.test_client()
    sign_in(client, reader)
    page = client.get("/hours", query_string=query).text
    rows = file_of(client.get("/hours.csv", query_string=query))
    renamed = {f"{name}_id" if name in ("engagement", "site", "person") else name: value for name, value in query.items()}
    answer: Any = client.get("/api/v1/hours", query_string=renamed, headers={"Authorization": f"Bearer {token}"}).json
    in_file, in_items = sum(int(row["total_minutes"]) for row in rows), sum(item["total_minutes"] for item in answer["items"])
    shown = rows_of(page)[-1][-1] if rows else "0 min"
    return [in_file if shown == say_minutes(in_file) else -1, in_file, in_items, answer["total_minutes"]]


def test_managers_who_see_their_own_only_add_up_their_own(client: FlaskClient, office: Office) -> None:
    manager = make_person(name="Jo")
    site = make_site(make_engagement(manager, name="Own move"))
    agree(db.session.get_one(Engagement, site.engagement_id))
    log(office.manager, site, 20)
    log(office.manager, office.shop, 60)
    with transaction(db.session, now=NOW):
        set_managers_see(db.session, SYSTEM, "assigned", now=NOW)
    sign_in(client, manager)
    assert [row[0] for row in rows_of(client.get(f"/hours?{MARCH}").text)] == ["Own move", "All hours"]
