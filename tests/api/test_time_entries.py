"""Time entries over the API: answers and codes that programs rely on, and what a repeated request does."""

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import make_agreed_site, make_person, make_token
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import RequestRecord

As = Callable[[Person], Ask]
BLOCK = {"minutes": 240, "reference": "Q-7", "purchased_on": "2026-03-01"}


@pytest.fixture
def site(app: Flask) -> Site:
    """A site with Premium extra hours, on which work may be logged."""
    return make_agreed_site(package="premium", premium_option="extra-hours-10")


def work(site: Site, **over: Any) -> dict[str, Any]:
    """The body of a booking: an hour of research."""
    body = {"site_id": str(site.id), "worked_on": "2026-03-02", "kind": "known_incompatibility", "activity": "research"}
    return body | ({} if "duration" in over else {"minutes": 60}) | over


def booked(ask: Ask, site: Site, **over: Any) -> dict[str, Any]:
    answer = ask("POST", "/time-entries", work(site, **over))
    assert answer.status_code == 201, answer.json
    entry: dict[str, Any] = answer.json
    return entry


def budget(ask: Ask, site: Site, kind: str = "known_incompatibility") -> tuple[int, int, int]:
    """Used, held and left."""
    items = ask("GET", f"/engagements/{site.engagement_id}/budgets").json["items"]
    (item,) = [each for each in items if each["kind"] == kind]
    return item["used_minutes"], item["held_minutes"], item["left_minutes"]


def entries() -> int:
    db.session.close()
    return db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) or 0


def test_an_entry_is_answered_whole(ask: Ask, site: Site) -> None:
    entry = booked(ask, site, duration="1h30", note="  Found it. ")
    assert (entry["minutes"], entry["state"], entry["note"], entry["split_into"]) == (90, "draft", "Found it.", [])
    assert entry["draws"] == [{"kind": "known_incompatibility", "minutes": 90, "block_id": None}]
    assert ask("GET", f"/time-entries/{entry['id']}").json == entry
    assert ask("GET", "/time-entries").json["items"] == [entry]


def test_what_does_not_fit_is_answered_with_what_is_left_and_the_lawful_moves(ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=290)
    refused = ask("POST", "/time-entries", work(site))
    assert (refused.status_code, refused.headers["Content-Type"]) == (409, "application/problem+json")
    assert (refused.json["code"], refused.json["left_minutes"]) == ("budget_exceeded", 10)
    assert refused.json["options"] == [
        {"action": "split", "kind": "premium_extra", "minutes": 50},
        {"action": "buy_ps", "kind": "ps", "minutes": 240},
        {"action": "change_request", "kind": "known_incompatibility", "minutes": 50},
    ]


def test_a_split_is_answered_with_the_entries_it_was_split_into(ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=290)
    first = booked(ask, site, split=True)
    (second_id,) = first["split_into"]
    second = ask("GET", f"/time-entries/{second_id}").json
    assert (first["minutes"], second["minutes"], second["kind"]) == (10, 50, "premium")
    assert second["draws"] == [{"kind": "premium_extra", "minutes": 50, "block_id": None}]


def test_an_entry_across_two_blocks_names_both(ask: Ask, site: Site) -> None:
    blocks = [ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", BLOCK).json["id"] for _ in range(2)]
    entry = booked(ask, site, kind="ps", ps_kind="custom-upstream", minutes=300)
    assert [(draw["block_id"], draw["minutes"]) for draw in entry["draws"]] == [(blocks[0], 240), (blocks[1], 60)]
    items = ask("GET", f"/engagements/{site.engagement_id}/ps-blocks").json["items"]
    assert [(item["held_minutes"], item["left_minutes"]) for item in items] == [(240, 0), (60, 180)]


def test_fewer_than_four_hours_are_not_sold(ask: Ask, site: Site) -> None:
    refused = ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", BLOCK | {"minutes": 239})
    assert (refused.status_code, refused.json["code"]) == (422, "ps_minimum")
    assert refused.json["errors"][0]["field"] == "minutes"


def test_used_held_and_left_through_the_life_of_an_entry(ask: Ask, site: Site) -> None:
    entry = booked(ask, site, minutes=100)
    assert budget(ask, site) == (0, 100, 200)
    assert ask("POST", f"/time-entries/{entry['id']}/submit").json["state"] == "submitted"
    assert ask("POST", f"/time-entries/{entry['id']}/approve").json["state"] == "approved"
    assert budget(ask, site) == (100, 0, 200)
    reversal = ask("POST", f"/time-entries/{entry['id']}/reversal", {"reason": "Logged twice."})
    assert (reversal.status_code, reversal.json["minutes"], reversal.json["reverses_id"]) == (201, -100, entry["id"])
    assert budget(ask, site) == (0, 0, 300)
    again = ask("POST", f"/time-entries/{reversal.json['id']}/reversal", {})
    assert (again.status_code, again.json["code"]) == (409, "guard")


def test_a_rejection_needs_its_reason_and_frees_the_hours(ask: Ask, site: Site) -> None:
    entry = booked(ask, site, minutes=100)
    ask("POST", f"/time-entries/{entry['id']}/submit")
    silent = ask("POST", f"/time-entries/{entry['id']}/reject", {"reason": " "})
    assert (silent.status_code, silent.json["errors"][0]["field"]) == (422, "reason")
    rejected = ask("POST", f"/time-entries/{entry['id']}/reject", {"reason": "Another site."})
    assert (rejected.status_code, rejected.json["decision_reason"]) == (200, "Another site.")
    assert budget(ask, site) == (0, 0, 300)


def test_who_may_submit_and_decide(asking: As, ask: Ask, site: Site) -> None:
    ann, bob = make_person("engineer"), make_person("engineer")
    for person in (ann, bob):
        assert ask("POST", f"/engagements/{site.engagement_id}/members", {"person": person.email}).status_code == 201
    as_ann, as_bob = asking(ann), asking(bob)
    entry = booked(as_ann, site)
    assert as_bob("POST", f"/time-entries/{entry['id']}/submit").status_code == 403
    assert as_bob("POST", f"/time-entries/{entry['id']}/reversal", {}).status_code == 403
    assert as_ann("POST", f"/time-entries/{entry['id']}/submit").status_code == 200
    assert as_ann("POST", f"/time-entries/{entry['id']}/approve").status_code == 403
    for role in ("customer_approver", "customer_viewer", "engineer"):
        stranger = asking(make_person(role))
        assert stranger("GET", f"/time-entries/{entry['id']}").status_code == 404
        assert stranger("POST", f"/time-entries/{entry['id']}/approve").status_code == 404
    assert ask("POST", f"/time-entries/{entry['id']}/approve").status_code == 200


def test_a_token_that_may_only_read_books_nothing(asking: Callable[..., Ask], site: Site) -> None:
    reading = asking(make_person("admin"), "read")
    assert reading("POST", "/time-entries", work(site)).status_code == 403
    assert entries() == 0


# --- requests that come again ----------------------------------------------------------------------------------------


def test_a_repeated_request_is_answered_the_same_and_has_one_effect(ask: Ask, site: Site) -> None:
    first = ask("POST", "/time-entries", work(site), Idempotency_Key="k-1")
    again = ask("POST", "/time-entries", work(site), Idempotency_Key="k-1")
    assert (again.status_code, again.json) == (201, first.json)
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert (entries(), budget(ask, site)) == (1, (0, 60, 240))


def test_a_key_belongs_to_one_request_and_to_one_person(asking: As, ask: Ask, site: Site) -> None:
    ask("POST", "/time-entries", work(site), Idempotency_Key="k-1")
    other = ask("POST", "/time-entries", work(site, minutes=61), Idempotency_Key="k-1")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_mismatch")
    elsewhere = ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", BLOCK, Idempotency_Key="k-1")
    assert (elsewhere.status_code, elsewhere.json["code"]) == (422, "idempotency_mismatch")
    somebody_else = asking(make_person("admin"))("POST", "/time-entries", work(site), Idempotency_Key="k-1")
    assert (somebody_else.status_code, entries()) == (201, 2)


def test_a_request_that_failed_is_not_remembered(ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=300)
    ps = work(site, kind="ps", ps_kind="custom-upstream")
    assert ask("POST", "/time-entries", ps, Idempotency_Key="k-1").json["code"] == "budget_exceeded"
    assert ask("POST", "/time-entries", ps | {"minutes": 0}, Idempotency_Key="k-1").status_code == 422
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RequestRecord)) == 0
    ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", BLOCK)
    assert ask("POST", "/time-entries", ps, Idempotency_Key="k-1").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201, "a\x07b"])
def test_a_key_is_short_and_printable(ask: Ask, site: Site, key: str) -> None:
    refused = ask("POST", "/time-entries", work(site), Idempotency_Key=key)
    assert (refused.status_code, refused.json["errors"][0]["field"], entries()) == (422, "Idempotency-Key", 0)


def test_two_requests_at_once_under_one_key_have_one_effect(app: Flask, site: Site) -> None:
    token, begin = make_token(make_person("admin")), Barrier(2)
    told: list[tuple[int, str]] = []

    def send(key: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
        with app.app_context():
            begin.wait(timeout=10)
            answer = app.test_client().post("/api/v1/time-entries", data=json.dumps(work(site, minutes=20)), headers=headers)
            told.append((answer.status_code, answer.json["id"] if answer.json else ""))

    for number in range(5):
        told.clear()
        pair = [Thread(target=send, args=(f"k-{number}",)) for _ in range(2)]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join(timeout=30)
        assert len(told) == 2
        assert len(set(told)) == 1, "both were told of the same entry"
        assert told[0][0] == 201
    assert entries() == 5


def test_a_stale_edit_is_answered_409(ask: Ask, site: Site) -> None:
    path = f"/sites/{site.id}"
    version = ask("GET", path).json["version"]
    edited = ask("PATCH", path, {"plan": "basic"}, If_Match=f'"{version}"')
    assert (edited.status_code, edited.json["version"]) == (200, version + 1)
    stale = ask("PATCH", path, {"plan": "elite"}, If_Match=str(version))
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    for nonsense in ("*", "-1", "1.5", "9" * 10):
        refused = ask("PATCH", path, {"plan": "elite"}, If_Match=nonsense)
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "If-Match")
    assert ask("GET", path).json["plan"] == "basic"
    assert ask("PATCH", path, {"plan": "elite"}).status_code == 200, "without a version it is an edit of whatever is there"
