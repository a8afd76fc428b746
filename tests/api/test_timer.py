"""The timer over the API: the same rules as on the page, whole resources, and a stop that always ends in something kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tests.api.conftest import Ask
from tests.api.test_at_once import AT_ONCE
from tests.factories import NOW, make_agreed_site, make_person, make_token, make_unplaced
from tests.services.test_timer import assign, use_up
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry

As = Callable[..., Ask]


@pytest.fixture
def site(app: Flask) -> Site:
    return make_agreed_site(name="Shop")


@pytest.fixture
def engineer(site: Site) -> Person:
    person = make_person("engineer")
    assign(person, site)
    return person


@pytest.fixture
def mine(asking: As, engineer: Person) -> Ask:
    """Ask as the engineer."""
    return asking(engineer)


@pytest.fixture(autouse=True)
def clock() -> Any:
    """A clock that stands at noon until it is moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def task(site: Site, **over: Any) -> dict[str, Any]:
    return {"site_id": str(site.id), "kind": "known_incompatibility", "activity": "research"} | over


def entries() -> int:
    db.session.close()
    return db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) or 0


def test_a_timer_is_started_read_changed_and_stopped(mine: Ask, site: Site, clock: Any) -> None:
    assert mine("GET", "/timer").json == {"timer": None}
    started = mine("POST", "/timer", task(site, note="Cache"))
    assert started.status_code == 201
    assert started.json | {"site_id": "", "engagement_id": ""} == {
        "engagement_id": "", "site_id": "", "kind": "known_incompatibility", "activity": "research", "known_issue_id": None,
        "ps_kind": None, "note": "Cache", "started_at": "2026-03-02T12:00:00Z", "version": 1, "minutes": 1, "asks": False,
        "stopped": None,
    }  # fmt: skip
    clock.shift(timedelta(minutes=42, seconds=20))
    edited = mine("PATCH", "/timer", {"note": "Sessions", "started_at": "2026-03-02T12:50:00+01:00"}, If_Match="1")
    assert (edited.status_code, edited.json["note"], edited.json["version"]) == (200, "Sessions", 2)
    assert mine("PATCH", "/timer", {"note": "Late"}, If_Match="1").json["code"] == "edited_meanwhile"
    assert mine("GET", "/timer").json["timer"]["minutes"] == 52
    stopped = mine("POST", "/timer/stop")
    assert stopped.status_code == 200
    assert (stopped.json["minutes"], stopped.json["unplaced"], stopped.json["refused"]) == (52, None, None)
    assert (stopped.json["entry"]["minutes"], stopped.json["entry"]["state"]) == (52, "draft")
    for method, path in (("POST", "/timer/stop"), ("PATCH", "/timer"), ("DELETE", "/timer")):
        answer = mine(method, path, {})
        assert (answer.status_code, answer.json["code"]) == (422, "invalid"), path


def test_a_second_timer_is_refused_or_takes_the_place_of_the_first(mine: Ask, site: Site, clock: Any) -> None:
    mine("POST", "/timer", task(site))
    clock.shift(timedelta(minutes=30))
    refused = mine("POST", "/timer", task(site))
    assert (refused.status_code, refused.json["code"], refused.json["rule"]) == (409, "guard", "timer_running")
    assert refused.json["detail"] == "Your timer runs already: 0:30 on Shop. Stop it first, or keep it."
    second = mine("POST", "/timer", task(site, kind="included", activity=None, stop_running=True))
    assert second.status_code == 201
    assert second.json["stopped"]["entry"]["minutes"] == 30
    assert mine("GET", "/timer").json["timer"]["kind"] == "included"


def test_an_empty_budget_blocks_the_start(mine: Ask, site: Site) -> None:
    use_up(site)
    refused = mine("POST", "/timer", task(site))
    assert (refused.status_code, refused.json["code"], refused.json["left_minutes"]) == (409, "budget_exceeded", 0)
    assert [option["action"] for option in refused.json["options"]] == ["buy_ps", "change_request"]
    assert mine("POST", "/timer", task(site, kind="included", activity=None)).status_code == 201


def test_a_stop_without_room_answers_what_is_kept_and_the_ways_on(mine: Ask, site: Site, clock: Any) -> None:
    mine("POST", "/timer", task(site))
    use_up(site, 290)
    clock.shift(timedelta(minutes=30))
    stopped = mine("POST", "/timer/stop")
    assert stopped.status_code == 200
    assert stopped.json["entry"] is None
    assert stopped.json["refused"] == {
        "code": "budget_exceeded",
        "message": "Known-incompatibility allowance: 10 min left, so this does not fit.",
        "left_minutes": 10,
        "options": [
            {"action": "buy_ps", "kind": "ps", "minutes": 240},
            {"action": "change_request", "kind": "known_incompatibility", "minutes": 20},
        ],
    }
    (kept,) = mine("GET", "/unplaced-time").json["items"]
    assert kept == stopped.json["unplaced"]
    assert kept["refused"] == stopped.json["refused"]["message"]
    path = f"/unplaced-time/{kept['id']}"
    assert mine("POST", f"{path}/place").json["code"] == "budget_exceeded"
    placed = mine("POST", f"{path}/place", {"kind": "included", "activity": None, "duration": "25m"})
    assert (placed.status_code, placed.json["minutes"], placed.json["kind"]) == (201, 25, "included")
    assert mine("GET", "/unplaced-time").json["items"] == []
    assert mine("POST", f"{path}/discard", {"reason": "Late"}).json["rule"] == "settled"


def test_after_ten_hours_the_stop_asks(mine: Ask, site: Site, clock: Any) -> None:
    mine("POST", "/timer", task(site))
    clock.shift(timedelta(hours=14, minutes=20))
    asked = mine("POST", "/timer/stop", {"split": True})
    assert (asked.status_code, asked.json["code"]) == (422, "invalid")
    sentence = "It has run for 14 h 20 since Mon 12:00. How long did you work?"
    assert asked.json["errors"] == [{"field": "duration", "message": sentence}]
    assert mine("GET", "/timer").json["timer"]["asks"] is True
    assert mine("POST", "/timer/stop", {"duration": "30"}).json["code"] == "ambiguous_duration"
    assert mine("POST", "/timer/stop", {"duration": "1h", "minutes": 60}).status_code == 422
    assert mine("POST", "/timer/stop", {"duration": "1h30"}).json["entry"]["minutes"] == 90


def test_managers_discard_what_others_left_and_strangers_find_nothing(asking: As, site: Site, engineer: Person) -> None:
    kept = make_unplaced(site, engineer, 90)
    colleague = make_person("engineer")
    assign(colleague, site)
    path = f"/unplaced-time/{kept.id}/discard"
    assert asking(colleague)("POST", path, {"reason": "Mine"}).status_code == 403
    assert asking(make_person("engineer"))("POST", path, {"reason": "Mine"}).status_code == 404
    manager = asking(make_person())
    assert manager("POST", path, {"reason": " "}).json["errors"][0]["field"] == "reason"
    listed = manager("GET", f"/unplaced-time?person_id={engineer.id}&engagement_id={site.engagement_id}")
    assert [each["id"] for each in listed.json["items"]] == [str(kept.id)]
    gone = manager("POST", path, {"reason": "A training."})
    assert (gone.status_code, gone.json["discard_reason"]) == (200, "A training.")


def test_a_token_for_one_engagement_knows_of_no_timer_elsewhere(asking: As, mine: Ask, site: Site, engineer: Person) -> None:
    mine("POST", "/timer", task(site))
    other = make_agreed_site()
    assign(engineer, other)
    narrow = asking(engineer, engagement_id=other.engagement_id)
    assert narrow("GET", "/timer").json == {"timer": None}
    assert narrow("POST", "/timer/stop").status_code == 422
    refused = narrow("POST", "/timer", task(other, stop_running=True))
    assert (refused.status_code, refused.json["rule"]) == (409, "timer_running")
    assert "Shop" not in refused.json["detail"]


def test_a_repeated_stop_under_one_key_is_answered_the_same(mine: Ask, site: Site, clock: Any) -> None:
    mine("POST", "/timer", task(site))
    clock.shift(timedelta(minutes=5))
    first, second = (mine("POST", "/timer/stop", {}, Idempotency_Key="once") for _ in range(2))
    assert first.json == second.json
    assert entries() == 1


def at_once(app: Flask, person: Person, path: str, body: dict[str, Any]) -> list[int]:
    """What several requests of one person are answered at the same moment."""
    headers, begin = {"Authorization": f"Bearer {make_token(person)}"}, Barrier(AT_ONCE)

    def send(_number: int) -> int:
        with app.app_context():
            begin.wait(timeout=10)
            return app.test_client().post(f"/api/v1{path}", json=body, headers=headers).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(send, range(AT_ONCE)))


def test_several_starts_at_once_start_one_and_several_stops_book_once(app: Flask, site: Site, engineer: Person) -> None:
    assert at_once(app, engineer, "/timer", task(site)) == [201] + [409] * (AT_ONCE - 1)
    assert at_once(app, engineer, "/timer/stop", {"minutes": 60}) == [200] + [422] * (AT_ONCE - 1)
    assert entries() == 1
    assert db.session.scalar(sa.select(Budget.booked).where(Budget.site_id == site.id)) == 60


def test_unplaced_time_that_several_settle_at_once_is_settled_once(app: Flask, site: Site, engineer: Person) -> None:
    kept = make_unplaced(site, engineer, 60)
    assert at_once(app, engineer, f"/unplaced-time/{kept.id}/place", {}) == [201] + [409] * (AT_ONCE - 1)
    assert entries() == 1
