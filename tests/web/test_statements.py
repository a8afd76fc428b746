"""What a page of an engagement costs does not grow with its sites, whoever reads it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import (
    NOW,
    actor,
    agree,
    make_engagement,
    make_freeze,
    make_person,
    make_question,
    make_round,
    raise_change_request,
    say,
    sign_in,
    some_work,
)
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import add_member
from tracker.services.listing import list_sites
from tracker.services.requirements import sign
from tracker.services.risk import RiskSpec, raise_risk
from tracker.services.time_entry import book, submit
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction

ROLES = ("admin", "engagement_manager", "engineer", "customer_approver", "customer_viewer")
PAGES = (
    "",
    "/duties",
    "/scope",
    "/hours",
    "/questions",
    "/risks",
    "/change-requests",
    "/comments",
    "/kickoff",
    "/updates",
    "/links",
)
WORD = {"few": "harbour", "many": "lighthouse"}


def lay(name: str, number: int, team: dict[str, Person]) -> Engagement:
    """An engagement with so many sites, and on each of them something of everything that its pages list."""
    manager, approver, engineer = team["engagement_manager"], team["customer_approver"], team["engineer"]
    who = actor(manager)
    engagement = make_engagement(manager, name=f"{WORD[name]} migration", kickoff_on=utc_now().date() + timedelta(days=3))
    sites: list[dict[str, Any]] = [
        {"name": f"{WORD[name]} {index}", "url": f"https://{name}{index}.example.com", "cms": ("wordpress", "drupal")[index % 2]}
        | {"package": "premium", "premium_option": "extra-hours-10"}
        for index in range(number)
    ]
    with transaction(db.session, now=NOW):
        listed = list_sites(db.session, SYSTEM, engagement, sites, now=NOW)
        add_member(db.session, who, engagement.id, engineer.id, now=NOW)
    agreed = agree(engagement)
    with transaction(db.session, now=NOW):
        sign(db.session, actor(approver), engagement.id, "requirements", agreed.hash, now=NOW)
    for index, site in enumerate(listed):
        fill(engagement, site, index, team)
    return engagement


def fill(engagement: Engagement, site: Site, index: int, team: dict[str, Person]) -> None:
    """One of everything for one site."""
    manager, approver, engineer = team["engagement_manager"], team["customer_approver"], team["engineer"]
    who = actor(manager)
    with transaction(db.session, now=NOW):
        day = utc_now().date() + timedelta(days=index % 9 + 1)
        for kind in (DeadlineKind.UAT, DeadlineKind.ACCESS):
            set_date(db.session, who, engagement.id, DateSpec(kind, Dates(due_on=day), site.id), now=NOW)
        entry = book(db.session, actor(engineer), some_work(site, 30), now=NOW)[0].entry
        submit(db.session, actor(engineer), entry.id, now=NOW)
        for title, audience in ((f"Slow host {site.name}", "customer"), (f"Odd host {site.name}", "internal")):
            raise_risk(db.session, who, engagement.id, RiskSpec(title, "Ask them.", audience=audience, site_id=site.id), now=NOW)
    make_question(engagement, f"Who edits {site.name}?", site_id=site.id, owner_id=approver.id)
    make_question(engagement, f"Who tests {site.name}?", site_id=site.id, side="team", owner_id=engineer.id)
    say(engagement, (manager, approver)[index % 2], f"About {site.name}.", site_id=site.id)
    make_freeze(site)
    make_round(site, **{"Ines Duarte": "ines@example.com"})
    asker = (manager, approver)[index % 2]
    added = {"kind": "add_site", "name": f"More {site.name}", "url": f"https://more-{site.url.removeprefix('https://')}"}
    raise_change_request(engagement, asker, added, title=f"More {site.name}")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_fifty_sites_take_no_statement_more_than_one_in_any_role(
    app: Flask, client: FlaskClient, statements: Callable[[str], int]
) -> None:
    team = {role: make_person(role) for role in ROLES}
    few, many = lay("few", 1, team), lay("many", 50, team)
    sign_in(client, team["customer_viewer"])
    page = client.get(f"/engagements/{many.id}").text
    assert "lighthouse 49" in page, "what is counted is a page with all its sites"
    grown: list[str] = []
    for role in ROLES:
        sign_in(client, team[role])
        for page in PAGES:
            with_one, with_fifty = (statements(f"/engagements/{each.id}{page}") for each in (few, many))
            if with_one != with_fifty:
                grown.append(f"{role} {page or '/'}: {with_one} with one site, {with_fifty} with fifty")
        searched = [statements(f"/search?q={word}") for word in WORD.values()]
        if len(set(searched)) != 1:
            grown.append(f"{role} /search: {searched}")
    assert grown == []
