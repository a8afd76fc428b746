"""Whatever the memberships: no answer that somebody gets holds a word of an engagement that is not theirs.

Each engagement's texts hold a mark of its own, each customer's too. Everybody then reads everything there is to read: every
route that answers to GET, with the ids of each engagement, their own and foreign ones. The routes and the kinds of things
in an engagement are those that are registered, so that a new one is covered by being there.
"""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import sqlalchemy as sa
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule

from tests.conftest import Browser, settings_for
from tests.factories import (
    NOW,
    actor,
    agree,
    make_cover,
    make_engagement,
    make_person,
    make_question,
    make_site,
    make_token,
    make_unplaced,
    sign_in,
    some_work,
)
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.edge.rule import PUBLIC, rule_of
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import add_member
from tracker.services.setting import set_managers_see
from tracker.services.time_entry import book, submit
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.risk import Risk
from tracker.store.transaction import transaction
from tracker.store.visibility import OF_ENGAGEMENT

# What every mark begins with, so that a search finds all of them without naming one.
STEM = "Zebra"
CUSTOMERS, ENGINEERS, MANAGERS = 2, 2, 2
QUERIES = ("", f"?q={STEM.lower()}")


@dataclass(frozen=True)
class Plan:
    """Who is on what: for each engagement its customer, its manager, and its engineers; and perhaps a cover."""

    customer: tuple[int, ...]
    manager: tuple[int, ...]
    engineers: tuple[frozenset[int], ...]
    covered: bool


def plans() -> st.SearchStrategy[Plan]:
    """Three engagements, anyhow."""

    def three(each: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.tuples(each, each, each)

    return st.builds(
        Plan,
        three(st.integers(0, CUSTOMERS - 1)),
        three(st.integers(0, MANAGERS - 1)),
        three(st.frozensets(st.integers(0, ENGINEERS - 1))),
        st.booleans(),
    )


@dataclass
class World:
    """What was laid: the engagements' marks and ids, and for each reader the marks that are theirs."""

    ids: list[dict[str, UUID]] = field(default_factory=list)
    readers: list[tuple[Person, set[str]]] = field(default_factory=list)

    @property
    def marks(self) -> set[str]:
        return {mark for _person, own in self.readers for mark in own} | {mark_of("e", index) for index in range(len(self.ids))}


def mark_of(kind: str, index: int) -> str:
    return f"{STEM}-{kind}{index}-{'abc'[index]}"


def lay(plan: Plan) -> World:
    """Make the people and the engagements of a plan, every text with its mark."""
    world = World()
    managers = [make_person(name=f"Manager {index}") for index in range(MANAGERS)]
    engineers = [make_person("engineer", name=f"Engineer {index}") for index in range(ENGINEERS)]
    made = [_engagement(plan, index, managers, engineers) for index in range(len(plan.customer))]
    world.ids = [ids_of(each) for each in made]
    with transaction(db.session, now=NOW):
        set_managers_see(db.session, SYSTEM, "assigned", now=NOW)
    now = utc_now()
    if plan.covered:
        make_cover(engineers[0], engineers[1], now.date(), now.date() + timedelta(days=2), now=now)
    for index in sorted(set(plan.customer)):
        own = [each for each, customer in enumerate(plan.customer) if customer == index]
        role = ("customer_approver", "customer_viewer")[index]
        person = make_person(role, customer=f"Firm {mark_of('c', index)}", name=f"{role} {mark_of('c', index)}")
        world.readers.append((person, marks_of(plan, own)))
    for number, person in enumerate(engineers):
        covers = {number, 0} if plan.covered and number == 1 else {number}
        own = [each for each, members in enumerate(plan.engineers) if members & covers]
        world.readers.append((person, marks_of(plan, own)))
    for number, person in enumerate(managers):
        world.readers.append((person, marks_of(plan, [each for each, lead in enumerate(plan.manager) if lead == number])))
    return world


def marks_of(plan: Plan, engagements: list[int]) -> set[str]:
    """The marks of some engagements and of their customers."""
    return {mark_of("e", each) for each in engagements} | {mark_of("c", plan.customer[each]) for each in engagements}


def _engagement(plan: Plan, index: int, managers: list[Person], engineers: list[Person]) -> Engagement:
    mark, now = mark_of("e", index), utc_now()
    manager = managers[plan.manager[index]]
    engagement = make_engagement(
        manager, name=f"Move {mark}", customer=f"Firm {mark_of('c', plan.customer[index])}", account_rep=mark
    )
    site = make_site(engagement, name=f"Shop {mark}", url=f"https://{mark.lower()}.example.com")
    agree(engagement)
    make_question(engagement, f"Which host, {mark}?")
    make_unplaced(site, manager, note=f"Timer {mark}", refused=f"Nothing left, {mark}")
    with transaction(db.session, now=NOW):
        for engineer in sorted(plan.engineers[index]):
            add_member(db.session, SYSTEM, engagement.id, engineers[engineer].id, now=NOW)
        for days in (-2, 1):
            spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=now.date() + timedelta(days=days)), site.id, f"Date {mark}")
            set_date(db.session, SYSTEM, engagement.id, spec, now=now)
        who = actor(manager)
        submit(db.session, who, book(db.session, who, some_work(site, note=f"Note {mark}"), now=NOW)[0].entry.id, now=NOW)
        risk = {"title": f"Risk {mark}", "severity": "warns", "mitigation": mark, "audience": "customer", "raised_at": NOW}
        db.session.add(Risk(engagement_id=engagement.id, **risk))
    return engagement


def ids_of(engagement: Engagement) -> dict[str, UUID]:
    """One of everything in an engagement, under the names that routes have for it."""
    found = {"engagement_id": engagement.id, "customer_id": engagement.customer_id}
    for name, table in OF_ENGAGEMENT.items():
        thing = db.session.scalar(sa.select(table.id).where(table.engagement_id == engagement.id).limit(1))
        if thing is not None:
            found[name] = thing
    return found


def paths_of(rule: Rule, world: World) -> Iterator[str]:
    """The addresses of a route: for each engagement's things, or, where it takes none, with what lists are narrowed by."""
    if not rule.arguments:
        yield from (f"{rule.rule}{query}" for query in QUERIES)
        return
    for ids in world.ids:
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<uuid:{name}>", str(ids.get(name, uuid4()))).replace(f"<{name}>", "none")
        yield path


def leaks(app: Flask, world: World) -> Iterator[str]:
    """Everything that somebody reads and must not."""
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.endpoint != "static"]
    for person, own in world.readers:
        client, token = app.test_client(), make_token(person)
        sign_in(client, person)
        for rule in rules:
            if rule_of(app.view_functions[rule.endpoint]) == PUBLIC:
                continue
            headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if rule.rule.startswith("/api/") else {}
            for path in paths_of(rule, world):
                answer = client.get(path, headers=headers)
                assert answer.status_code < 500, path
                text = re.sub("</?mark>", "", answer.text.casefold())
                yield from (f"{person.role} reads {mark} at {path}" for mark in world.marks - own if mark.casefold() in text)


@contextmanager
def installation(template: Path) -> Iterator[Flask]:
    """An application on a copy of a database."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copyfile(template, Path(folder) / "tracker.sqlite")
        app = create_app(settings_for(Path(folder)))
        app.config["WTF_CSRF_ENABLED"] = False
        app.test_client_class = Browser
        with app.app_context():
            yield app
            db.session.remove()
            db.engine.dispose()


@settings(max_examples=2, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans())
@example(plan=Plan((0, 1, 1), (0, 1, 0), (frozenset({0}), frozenset({1}), frozenset()), covered=True))
def test_nobody_reads_a_word_of_what_is_not_theirs(sqlite_template: Path, plan: Plan) -> None:
    with installation(sqlite_template) as app:
        assert list(leaks(app, lay(plan))) == []


def test_the_walk_finds_a_leak_where_there_is_one(sqlite_template: Path) -> None:
    """Else it would be green whatever happens: a manager who sees everything reads what is another's."""
    plan = Plan((0, 1, 0), (0, 1, 1), (frozenset(), frozenset(), frozenset()), covered=False)
    with installation(sqlite_template) as app:
        world = lay(plan)
        with transaction(db.session, now=NOW):
            set_managers_see(db.session, SYSTEM, "all", now=NOW)
        world.readers = [world.readers[-1]]
        found = list(leaks(app, world))
        assert any("at /search?q=" in leak for leak in found)
        assert any("at /engagements/" in leak for leak in found)
