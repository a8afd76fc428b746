"""Several who name the same thing at the same moment."""

import json
from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.api.test_bad_input import ENGAGEMENT
from tests.factories import make_person, make_token
from tracker.store.database import db
from tracker.store.engagement import Customer

AT_ONCE = 8


def all_at_once(app: Flask, path: str, body: Callable[[int], dict[str, Any]]) -> Counter[int]:
    """How often each status was answered."""
    token, begin, told = make_token(make_person("admin")), Barrier(AT_ONCE), []

    def send(number: int) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with app.app_context():
            begin.wait(timeout=10)
            told.append(app.test_client().post(f"/api/v1{path}", data=json.dumps(body(number)), headers=headers).status_code)

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
