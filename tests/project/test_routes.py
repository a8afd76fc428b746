"""Every route is closed unless it says otherwise, and nobody gets past the gate to what is not theirs.

The walk goes through all registered routes, so a new one is tested by being there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule

from tests.factories import (
    NOW,
    TODAY,
    actor,
    agree,
    internal_words,
    make_cover,
    make_defect,
    make_duty,
    make_engagement,
    make_freeze,
    make_person,
    make_round,
    make_site,
    make_token,
    make_unplaced,
    raise_change_request,
    sign_in,
    some_work,
    talked_of,
)
from tracker.clock import utc_now
from tracker.domain.access import MATRIX, STAFF, Actor, Permission
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.duty import DutyState
from tracker.edge.rule import PUBLIC, rule_of
from tracker.intake.inventory.registry import read_inventory
from tracker.intake.time_entries import read_entries
from tracker.services import duty as duty_service
from tracker.services import inventory as inventory_service
from tracker.services import time_import
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.deadline import DateSpec, set_date
from tracker.services.duty import DutyChange
from tracker.services.freeze import override
from tracker.services.path import StepChange, change_step, choose_path
from tracker.services.question import QuestionSpec, ask
from tracker.services.risk import RiskSpec, raise_risk
from tracker.services.scope import OwnItem, add_item
from tracker.services.time_entry import book
from tracker.store import inventory as inventories
from tracker.store import path as paths
from tracker.store import visibility
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction

SECRET = "Zanzibar 77"
OF_ENGAGEMENT = {"customer_id", "engagement_id", "cover_id", "hours_upload_id", *visibility.OF_ENGAGEMENT}
# What stands in an address by its name in the catalogue, which everybody may read.
NAMED = {"issue_id": "wp-accessally-protected-content", "runbook_id": "wordpress-guided-2024", "token": "of-nobody"}
COLLEAGUE = f"Engineer {SECRET}"
PUBLIC_PATHS = {
    "/healthz",
    "/readyz",
    "/sign-in",
    "/sign-in/link",
    "/sign-in/<token>",
    "/first-admin/<token>",
    "/api/v1/openapi.json",
    # Open to whoever has Slack's signature.
    "/slack/commands",
    "/slack/interactions",
    "/slack/events",
}


@dataclass(frozen=True)
class Foreign:
    """An engagement that none of the walkers may know of, with one of everything in it."""

    ids: dict[str, UUID]

    def path(self, rule: Rule) -> str:
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", NAMED.get(name, "")).replace(f"<uuid:{name}>", str(self.ids.get(name)))
        return path


@pytest.fixture
def foreign(app: Flask) -> Foreign:
    """Acme's engagement, every text of which holds a word that must not leak."""
    engineer = make_person("engineer", name=COLLEAGUE)
    engagement = make_engagement(name=f"Migration {SECRET}", customer=f"Acme {SECRET}")
    site = make_site(engagement, name=f"Shop {SECRET}")
    agree(engagement)
    now = utc_now()
    who = actor(make_person("admin"))
    with transaction(db.session, now=NOW):
        deadline = set_date(
            db.session,
            who,
            engagement.id,
            DateSpec(DeadlineKind.CUSTOM, Dates(due_on=now.date().replace(year=now.year + 1, day=1)), title=SECRET),
            now=now,
        )
        entry = book(db.session, who, some_work(site, note=SECRET), now=NOW)[0].entry
        own = OwnItem(title=SECRET, decision="ps", reason=SECRET, clause=SECRET, site_id=site.id)
        question = ask(db.session, who, engagement.id, QuestionSpec(SECRET, site_id=site.id), now=NOW)
        # One that is for the customer: the walk of a viewer reads it. Internal ones are tested with the risks.
        spec = RiskSpec(SECRET, SECRET, audience="customer", site_id=site.id)
        risk = raise_risk(db.session, who, engagement.id, spec, now=NOW)
        scope_item = add_item(db.session, who, engagement.id, own, now=NOW)
        path = choose_path(db.session, who, site.id, "wordpress-guided-2024", now=NOW)
        step_id = paths.steps_of(db.session, [path.id])[path.id][0].id
        change_step(db.session, who, step_id, StepChange(None, evidence=SECRET), now=NOW)
        file = read_inventory(f"slug,name\nshop,{SECRET}\n!,{SECRET}\n".encode())
        inventory_service.import_file(db.session, who, site.id, file, now=NOW, name=SECRET)
        sold = sell_block(db.session, who, engagement.id, BlockSpec(240, SECRET, NOW.date()), now=NOW)
        upload = inventory_service.keep_file(db.session, who, site.id, file, now=now, name=SECRET)
        hours = read_entries(f"day,site,hours,kind,note\n{TODAY.isoformat()},{site.id},1,included,{SECRET}".encode())
        hours_upload = time_import.keep_file(db.session, who, hours, split=False, now=NOW, name=SECRET)
    notice_id = db.session.scalar(sa.select(OutboxNotice.id).where(OutboxNotice.engagement_id == engagement.id).limit(1))
    assert notice_id is not None
    ids = {"engagement_id": engagement.id, "site_id": site.id, "deadline_id": deadline.id, "entry_id": entry.id}
    ids |= {"scope_item_id": scope_item.id, "question_id": question.id, "risk_id": risk.id}
    ids["block_id"] = sold.id
    ids["customer_id"] = engagement.customer_id
    ids |= {"path_id": path.id, "step_id": step_id}
    ids |= {"upload_id": upload.id, "hours_upload_id": hours_upload.id}
    ids["inventory_item_id"] = inventories.of_site(db.session, site.id)[0].id
    ids |= talked_of(engagement, who, SECRET, now)
    asked = {"kind": "ps_hours", "minutes": 240, "reference": SECRET}
    ids["change_request_id"] = raise_change_request(engagement, make_person("admin"), asked, title=SECRET, reason=SECRET).id
    ids |= some_duties(site, who)
    ids["unplaced_id"] = make_unplaced(site, engineer, note=SECRET, refused=SECRET).id
    ids["cover_id"] = make_cover(engineer, make_person("engineer"), now.date(), now.date() + timedelta(days=9), now=now).id
    return Foreign(ids | {"notice_id": notice_id, "person_id": engineer.id, "token_id": engagement.id})


def some_duties(site: Site, who: Actor) -> dict[str, UUID]:
    """A duty that is waived, a freeze that is on with an exception, a round of UAT with a defect: all with the word."""
    duty, freeze = make_duty(site), make_freeze(site)
    tested, found = make_round(site, **{SECRET: "t@example.com"}), make_defect(site, SECRET, make_person("admin", name=COLLEAGUE))
    with transaction(db.session, now=NOW):
        waived = DutyChange(None, frozenset({"state"}), DutyState.WAIVED, reason=SECRET)
        duty_service.change_duty(db.session, who, duty.id, waived, now=NOW)
        override(db.session, who, freeze.id, SECRET, SECRET, None, now=NOW)
    return {"duty_id": duty.id, "freeze_id": freeze.id, "round_id": tested.id, "defect_id": found.id}


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route with each of its methods."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint != "static":
                yield rule, method


def permission_of(app: Flask, rule: Rule) -> Permission | str | None:
    return rule_of(app.view_functions[rule.endpoint])


def test_every_route_has_a_rule_and_only_the_known_ones_are_public(app: Flask) -> None:
    without = [rule.rule for rule, _method in routes(app) if permission_of(app, rule) is None]
    assert without == []
    public = {rule.rule for rule, _method in routes(app) if permission_of(app, rule) == PUBLIC}
    assert public == PUBLIC_PATHS


def test_nobody_gets_anywhere_without_signing_in(app: Flask, foreign: Foreign) -> None:
    client = app.test_client()
    for rule, method in routes(app):
        if permission_of(app, rule) == PUBLIC:
            continue
        answer = client.open(foreign.path(rule), method=method)
        if rule.rule.startswith("/api/"):
            assert (answer.status_code, answer.json and answer.json["code"]) == (401, "unauthenticated"), rule.rule
        elif rule.rule == "/metrics":
            assert answer.status_code == 401, "a scraper is shown no page to sign in on"
        else:
            assert answer.status_code == 303, rule.rule
            assert answer.location.startswith("/sign-in"), rule.rule


@pytest.mark.parametrize("role", ["customer_approver", "customer_viewer", "engineer"])
def test_strangers_find_nothing_of_a_foreign_engagement(app: Flask, foreign: Foreign, role: str) -> None:
    """A foreign customer's people and an unassigned engineer: a foreign id is not found, and no word of it leaks."""
    stranger = make_person(role, customer="Other" if role.startswith("customer") else None)
    client, token = app.test_client(), make_token(stranger)
    sign_in(client, stranger)
    for rule, method in routes(app):
        permission = permission_of(app, rule)
        if permission == PUBLIC or rule.rule == "/sign-out":
            continue
        headers = {"Authorization": f"Bearer {token}"} if rule.rule.startswith("/api/") else {}
        answer = client.open(foreign.path(rule), method=method, headers=headers)
        # The staff know each other by name: they choose who covers for them.
        told = answer.text.replace(COLLEAGUE, "") if stranger.role in STAFF else answer.text
        assert SECRET not in told, f"{method} {rule.rule} leaks"
        assert answer.status_code < 500, f"{method} {rule.rule}: {answer.text}"
        assert isinstance(permission, Permission)
        assert answer.status_code == expected(app, stranger, rule, permission, answer.status_code), f"{method} {rule.rule}"


def refusal(app: Flask, person: Person, rule: Rule, permission: Permission) -> int | None:
    """What a route answers to a role that it is not open to: 404 where only staff know the address, else 403."""
    if person.role in MATRIX[permission]:
        return None
    at_address = [permission_of(app, other) for other, method in routes(app) if other.rule == rule.rule and method == "GET"]
    readable = any(isinstance(each, Permission) and person.role in MATRIX[each] for each in at_address)
    staff_only = not MATRIX[permission] - STAFF
    return 404 if staff_only and person.role not in STAFF and not readable else 403


def expected(app: Flask, stranger: Person, rule: Rule, permission: Permission, status: int) -> int:
    """What the contract asks of one route for one stranger; what is their own list or page is up to the route."""
    if set(rule.arguments) & OF_ENGAGEMENT:
        return 404
    if refused := refusal(app, stranger, rule, permission):
        return refused
    assert status in (200, 303, 422, 400), rule.rule
    return status


def test_a_viewer_reads_their_own_engagement_but_changes_nothing(app: Flask, foreign: Foreign) -> None:
    viewer = make_person("customer_viewer", customer=f"Acme {SECRET}")
    client, token = app.test_client(), make_token(viewer)
    sign_in(client, viewer)
    for rule, method in routes(app):
        permission = permission_of(app, rule)
        if permission == PUBLIC or rule.rule == "/sign-out":
            continue
        assert isinstance(permission, Permission)
        headers = {"Authorization": f"Bearer {token}"} if rule.rule.startswith("/api/") else {}
        answer = client.open(foreign.path(rule), method=method, headers=headers)
        refused = refusal(app, viewer, rule, permission)
        if refused is not None:
            assert answer.status_code == refused, f"{method} {rule.rule}"
        elif method == "GET":
            assert answer.status_code == 200, f"{method} {rule.rule}"
        else:
            assert answer.status_code in (303, 400, 403, 415, 422, 200), f"{method} {rule.rule}: {answer.status_code}"


def test_what_a_customer_sees_but_may_not_change_is_forbidden_and_what_only_staff_know_is_not_found(
    app: Flask, foreign: Foreign
) -> None:
    viewer = make_person("customer_viewer", customer=f"Acme {SECRET}")
    client, headers = app.test_client(), {"Authorization": f"Bearer {make_token(viewer)}"}
    engagement, site = f"/api/v1/engagements/{foreign.ids['engagement_id']}", f"/api/v1/sites/{foreign.ids['site_id']}"
    seen = [("PATCH", engagement), ("POST", f"{engagement}/sites"), ("PATCH", site), ("POST", "/api/v1/engagements")]
    for method, path in seen:
        answer = client.open(path, method=method, headers=headers, json={"name": "Mine"})
        assert (answer.status_code, answer.json and answer.json["code"]) == (403, "forbidden"), f"{method} {path}"
    for method, path in [("GET", f"{engagement}/notices"), ("POST", f"{site}/transitions"), ("POST", "/api/v1/time-entries")]:
        assert client.open(path, method=method, headers=headers, json={}).status_code == 404, f"{method} {path}"


def test_a_read_token_writes_nothing_and_one_for_an_engagement_sees_no_other(app: Flask, foreign: Foreign) -> None:
    admin = make_person("admin")
    other = make_engagement(name="Another", customer="Other")
    client = app.test_client()
    reading, narrow = make_token(admin, "read"), make_token(admin, "admin", engagement_id=other.id)
    for rule, method in routes(app):
        if not rule.rule.startswith("/api/") or permission_of(app, rule) == PUBLIC:
            continue
        path = foreign.path(rule)
        if method != "GET":
            refused = client.open(path, method=method, headers={"Authorization": f"Bearer {reading}"})
            assert refused.status_code in (403, 422), f"{method} {rule.rule}"
        if set(rule.arguments) & OF_ENGAGEMENT:
            hidden = client.open(path, method=method, headers={"Authorization": f"Bearer {narrow}"})
            assert hidden.status_code == 404, f"{method} {rule.rule}"


INTERNAL = "Valparaiso 88"
ONLY_ONCE = re.compile(r"<input[^>]*request_key[^>]*>")


def main_part(page: str) -> str:
    """What a page is about, without what differs from one answer to the next: who is signed in, keys of forms."""
    found = re.search(r"<main.*</main>", page, re.DOTALL)
    return ONLY_ONCE.sub("", found[0]) if found else page


def test_whoever_looks_as_the_customer_gets_just_what_an_approver_gets(app: Flask, foreign: Foreign) -> None:
    """Every page of an engagement, word for word, forms to sign included; and no internal word is on any of them."""
    admin, approver = make_person("admin"), make_person("customer_approver", customer=f"Acme {SECRET}")
    engagement = db.session.get_one(Engagement, foreign.ids["engagement_id"])
    internal_words(engagement, actor(admin), INTERNAL, utc_now())
    theirs, looking = app.test_client(), app.test_client()
    sign_in(theirs, approver)
    sign_in(looking, admin)
    compared = 0
    assert INTERNAL in looking.get(f"/engagements/{engagement.id}/comments").text
    assert looking.post(f"/engagements/{engagement.id}/view-as-customer").status_code == 303
    for rule, method in routes(app):
        if method != "GET" or rule.rule.startswith("/api/") or not set(rule.arguments) & OF_ENGAGEMENT:
            continue
        expected_page, seen = theirs.get(foreign.path(rule)), looking.get(foreign.path(rule))
        assert seen.status_code == expected_page.status_code, rule.rule
        assert main_part(seen.text) == main_part(expected_page.text), rule.rule
        assert INTERNAL not in seen.text, rule.rule
        compared += seen.status_code == 200
    assert compared >= 5


def test_whoever_looks_as_the_customer_changes_nothing(app: Flask, foreign: Foreign) -> None:
    looking = app.test_client()
    sign_in(looking, make_person("admin"))
    looking.post(f"/engagements/{foreign.ids['engagement_id']}/view-as-customer")
    for rule, method in routes(app):
        if method == "GET" or rule.rule.startswith("/api/") or permission_of(app, rule) == PUBLIC:
            continue
        if rule.rule not in ("/sign-out", "/view-as-customer/leave"):
            answer = looking.open(foreign.path(rule), method=method)
            assert answer.status_code == 403, f"{method} {rule.rule}"
            assert "Nothing can be changed." in answer.text, f"{method} {rule.rule}"
