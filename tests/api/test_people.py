"""People over the API, for administrators."""

from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import make_person, make_token
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.person import Person


def test_a_person_is_read_and_changed(ask: Ask) -> None:
    path = f"/people/{make_person('engineer').id}"
    said = {"name": " Ann  Smith ", "role": "engagement_manager", "slack_user_id": "U1", "time_zone": "Europe/Berlin"}
    changed = ask("PATCH", path, said, If_Match="1")
    assert (changed.status_code, changed.json) == (200, ask("GET", path).json)
    assert [changed.json[name] for name in said] == ["Ann Smith", "engagement_manager", "U1", "Europe/Berlin"]
    assert ask("PATCH", path, said, If_Match="1").json["code"] == "edited_meanwhile"
    assert ask("PATCH", path, {"active": False}).json["active"] is False
    assert ask("PATCH", path, {"active": True}).json["active"] is True


def test_a_slack_account_belongs_to_one_person(ask: Ask) -> None:
    first, second = (f"/people/{make_person('engineer').id}" for _ in range(2))
    assert ask("PATCH", first, {"slack_user_id": "U7"}).status_code == 200
    refused = ask("PATCH", second, {"slack_user_id": "U7"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "slack_user_id")
    assert ask("PATCH", first, {"slack_user_id": "U7"}).status_code == 200
    assert ask("PATCH", first, {"slack_user_id": None}).status_code == 200
    assert ask("PATCH", second, {"slack_user_id": "U7"}).status_code == 200


@pytest.mark.parametrize(
    ("role", "said", "field"),
    [
        ("engineer", {"name": " "}, "name"),
        ("engineer", {"name": "password: example1"}, "name"),
        ("engineer", {"role": None}, "role"),
        ("engineer", {"role": "king"}, "role"),
        ("engineer", {"role": "customer_viewer"}, "role"),
        ("customer_viewer", {"role": "admin"}, "role"),
        ("engineer", {"time_zone": "Mars/Olympus"}, "time_zone"),
        ("engineer", {"slack_user_id": "@ann"}, "slack_user_id"),
    ],
)
def test_what_cannot_stand_is_refused(ask: Ask, role: str, said: dict[str, object], field: str) -> None:
    refused = ask("PATCH", f"/people/{make_person(role).id}", said)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)


def test_the_last_administrator_stays_one(asking: Callable[[Person], Ask]) -> None:
    last = make_person("admin")
    ask, path = asking(last), f"/people/{last.id}"
    assert ask("PATCH", path, {"role": "engineer"}).json["errors"][0]["field"] == "role"
    assert ask("PATCH", path, {"active": False}).json["errors"][0]["field"] == "active"
    make_person("admin")
    assert ask("PATCH", path, {"role": "engineer"}).json["role"] == "engineer"


def test_two_administrators_who_deactivate_each_other_leave_one(app: Flask) -> None:
    both = [make_person("admin"), make_person("admin")]
    tokens, begin = [make_token(each) for each in both], Barrier(2)

    def send(token: str, other: Person) -> None:
        with app.app_context():
            begin.wait(timeout=10)
            headers = {"Authorization": f"Bearer {token}"}
            app.test_client().patch(f"/api/v1/people/{other.id}", json={"active": False}, headers=headers)

    pair = [Thread(target=send, args=said) for said in zip(tokens, reversed(both), strict=True)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join(timeout=30)
    db.session.close()
    assert not people.is_empty(db.session)
