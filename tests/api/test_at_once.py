"""Several who name the same thing at the same moment."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.api.test_bad_input import ENGAGEMENT
from tests.factories import NOW, actor, make_engagement, make_person, make_site, make_token
from tracker.services.path import choose_path
from tracker.store import path as paths
from tracker.store.database import db
from tracker.store.engagement import Customer
from tracker.store.path import SitePath
from tracker.store.transaction import transaction

AT_ONCE = 8


def all_at_once(
    app: Flask, path: str | Sequence[str], body: Callable[[int], dict[str, Any]], method: str = "POST"
) -> Counter[int]:
    """How often each status was answered; each sends to its own path, where there are several."""
    addresses = [path] * AT_ONCE if isinstance(path, str) else path
    token, begin, told = make_token(make_person("admin")), Barrier(AT_ONCE), []

    def send(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with app.app_context():
            begin.wait(timeout=10)
            address, said = f"/api/v1{addresses[number]}", json.dumps(body(number))
            told.append(app.test_client().open(address, method=method, data=said, headers=headers).status_code)

    several = [Thread(target=send, args=(number,)) for number in range(AT_ONCE)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join(timeout=60)
    return Counter(told)


def customers() -> int:
    db.session.close()
    return db.session.scalar(sa.select(sa.func.count()).select_from(Customer)) or 0


@pytest.mark.parametrize("attempt", range(2))
def test_a_customer_that_several_engagements_name_is_made_once(app: Flask, attempt: int) -> None:
    assert all_at_once(app, "/engagements", lambda number: ENGAGEMENT | {"name": f"Migration {number}"}) == {201: AT_ONCE}
    assert customers() == 1


def test_a_customer_whom_several_people_belong_to_is_made_once(app: Flask) -> None:
    role = {"role": "customer_viewer", "customer": "Acme"}
    people = all_at_once(app, "/people", lambda number: role | {"name": "Ann", "email": f"ann{number}@example.com"})
    assert (people, customers()) == ({201: AT_ONCE}, 1)


def test_a_customer_is_made_by_one_and_taken_for_the_others(app: Flask) -> None:
    made = all_at_once(app, "/customers", lambda _number: {"name": "Acme"})
    assert (made, customers()) == ({201: 1, 422: AT_ONCE - 1}, 1)


def old_tickets() -> list[SitePath]:
    """As many sites of one customer on the plugin path of 2017."""
    who = actor(make_person("admin"))
    made = []
    for _ in range(AT_ONCE):
        site = make_site(make_engagement(type="self_service", agreement=None))
        with transaction(db.session, now=NOW):
            made.append(choose_path(db.session, who, site.id, "wordpress-guided-2017", now=NOW))
    return made


def test_a_path_that_several_choose_is_started_once(app: Flask) -> None:
    site = make_site(make_engagement(type="self_service", agreement=None))
    chosen = all_at_once(app, f"/sites/{site.id}/runbook", lambda _number: {"runbook": "wordpress-guided-2024"})
    assert chosen == {201: 1, 422: AT_ONCE - 1}


def test_no_more_than_five_migrations_of_a_customer_are_helped_however_many_count_at_once(app: Flask) -> None:
    addresses = [f"/site-paths/{path.id}/helped" for path in old_tickets()]
    assert all_at_once(app, addresses, lambda _number: {}) == {201: 5, 409: AT_ONCE - 5}


def test_a_name_that_several_sites_want_goes_to_one(app: Flask) -> None:
    steps = paths.steps_of(db.session, [path.id for path in old_tickets()])
    addresses = [f"/path-steps/{found[1].id}" for found in steps.values()]
    wanted = all_at_once(app, addresses, lambda _number: {"inputs": {"target_site_name": "acme-shop"}}, "PATCH")
    assert wanted == {200: 1, 422: AT_ONCE - 1}
