"""Deciding on hours over the API: drafts that are mended, several at once, moves, and days that are closed."""

import json
from collections.abc import Callable
from threading import Barrier, Thread
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from tests.api.conftest import Answer, Ask
from tests.api.test_time_entries import As, booked, budget, work
from tests.factories import agree, make_agreed_site, make_engagement, make_person, make_site, make_token
from tracker.store.budget import counter_faults
from tracker.store.database import db
from tracker.store.site import Site
from tracker.store.time_entry import entry_faults

CLOSED = "The hours up to 2026-03-05 are closed. An engagement manager can open them again."


@pytest.fixture
def site(app: Flask) -> Site:
    """A site with Premium extra hours, on which work may be logged."""
    return make_agreed_site(package="premium", premium_option="extra-hours-10")


def member(ask: Ask, site: Site, role: str = "engineer") -> Any:
    person = make_person(role)
    assert ask("POST", f"/engagements/{site.engagement_id}/members", {"person": person.email}).status_code == 201
    return person


def carried_on(ask: Ask, site: Site, upto: str = "approved", **over: Any) -> dict[str, Any]:
    """An entry that was handed in, and approved unless said otherwise."""
    entry = booked(ask, site, **over)
    for step in ("submit", "approve")[: ("draft", "submitted", "approved").index(upto)]:
        assert ask("POST", f"/time-entries/{entry['id']}/{step}").status_code == 200
    answer: dict[str, Any] = ask("GET", f"/time-entries/{entry['id']}").json
    return answer


def close(ask: Ask, site: Site, through: str = "2026-03-05", reason: str = "February is billed.") -> Answer:
    return ask("POST", f"/engagements/{site.engagement_id}/hours-lock", {"through": through, "reason": reason})


def ledger_holds() -> None:
    db.session.close()
    assert counter_faults(db.session) == []
    assert entry_faults(db.session) == []


# --- drafts ----------------------------------------------------------------------------------------------------------


def test_a_draft_is_mended_and_its_budget_follows_by_the_difference(ask: Ask, site: Site) -> None:
    entry = booked(ask, site, minutes=60)
    assert entry["version"] == 1
    change = {"duration": "1h30", "worked_on": "2026-03-01", "note": "The cache, in fact."}
    mended = ask("PATCH", f"/time-entries/{entry['id']}", change, If_Match="1")
    assert (mended.status_code, mended.json["minutes"], mended.json["version"]) == (200, 90, 2)
    assert (mended.json["worked_on"], mended.json["note"]) == ("2026-03-01", "The cache, in fact.")
    assert budget(ask, site) == (0, 90, 210)
    less = ask("PATCH", f"/time-entries/{entry['id']}", {"minutes": 20})
    assert (less.json["draws"][0]["minutes"], budget(ask, site)) == (20, (0, 20, 280))
    ledger_holds()


def test_a_draft_that_was_changed_meanwhile_is_not_overwritten(ask: Ask, site: Site) -> None:
    entry = booked(ask, site)
    assert ask("PATCH", f"/time-entries/{entry['id']}", {"minutes": 50}, If_Match="1").status_code == 200
    stale = ask("PATCH", f"/time-entries/{entry['id']}", {"minutes": 40}, If_Match="1")
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    assert ask("GET", f"/time-entries/{entry['id']}").json["minutes"] == 50


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"minutes": 0}, "minutes"),
        ({"minutes": None}, "minutes"),
        ({"minutes": 5, "duration": "5m"}, "minutes"),
        ({"duration": "soon"}, "duration"),
        ({"duration": "30"}, "duration"),
        ({"worked_on": None}, "worked_on"),
        ({"worked_on": "2031-01-01"}, "worked_on"),
        ({"worked_on": "2026-01-11"}, "worked_on"),
        ({"activity": None}, "activity"),
        ({"note": None}, "note"),
        ({"note": "pwd=example"}, "note"),
        ({"ps_kind": "magic"}, "ps_kind"),
        ({"kind": "ps"}, "kind"),
    ],
)
def test_a_draft_is_not_mended_into_what_could_not_be_logged(ask: Ask, site: Site, change: dict[str, Any], field: str) -> None:
    entry = booked(ask, site)
    refused = ask("PATCH", f"/time-entries/{entry['id']}", change)
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, field)
    assert ask("GET", f"/time-entries/{entry['id']}").json == entry


def test_more_than_the_budget_has_is_not_mended_in_and_no_split_is_offered(ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=200)
    entry = booked(ask, site, minutes=60)
    refused = ask("PATCH", f"/time-entries/{entry['id']}", {"minutes": 120})
    assert (refused.status_code, refused.json["code"], refused.json["left_minutes"]) == (409, "budget_exceeded", 40)
    assert [option["action"] for option in refused.json["options"]] == ["buy_ps", "change_request"]
    assert budget(ask, site) == (0, 260, 40)


@pytest.mark.parametrize("upto", ["submitted", "approved"])
def test_what_was_handed_in_is_not_mended_any_more(ask: Ask, site: Site, upto: str) -> None:
    entry = carried_on(ask, site, upto)
    refused = ask("PATCH", f"/time-entries/{entry['id']}", {"minutes": 10})
    assert (refused.status_code, refused.json["rule"]) == (409, "draft_only")


def test_somebody_elses_draft_is_a_managers_to_mend(asking: As, ask: Ask, site: Site) -> None:
    ann, bob = asking(member(ask, site)), asking(member(ask, site))
    manager = asking(make_person())
    entry = booked(ann, site)
    assert bob("PATCH", f"/time-entries/{entry['id']}", {"minutes": 10}).status_code == 403
    assert asking(make_person("engineer"))("PATCH", f"/time-entries/{entry['id']}", {"minutes": 10}).status_code == 404
    assert manager("PATCH", f"/time-entries/{entry['id']}", {"minutes": 10}).json["minutes"] == 10


def test_a_manager_enters_hours_for_somebody_and_an_engineer_only_their_own(asking: As, ask: Ask, site: Site) -> None:
    ann, bob = member(ask, site), member(ask, site)
    entry = booked(asking(make_person()), site, person_id=str(ann.id))
    assert entry["person_id"] == str(ann.id)
    assert asking(bob)("POST", "/time-entries", work(site, person_id=str(ann.id))).status_code == 403
    assert booked(asking(bob), site, person_id=str(bob.id))["person_id"] == str(bob.id)
    customer = make_person("customer_viewer")
    for stranger in (str(uuid4()), str(customer.id)):
        refused = ask("POST", "/time-entries", work(site, person_id=stranger))
        assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "person_id")


def test_more_than_a_day_has_is_warned_of_and_stands(ask: Ask, site: Site) -> None:
    free = {"kind": "included", "activity": None}
    assert booked(ask, site, minutes=1400, **free)["warnings"] == []
    second = booked(ask, site, minutes=60, **free)
    assert second["warnings"] == ["That makes 24 h 20 on 2026-03-02, more than a day has. Is the day right?"]
    assert [each["warnings"] for each in ask("GET", "/time-entries").json["items"]] == [second["warnings"]] * 2
    moved = ask("PATCH", f"/time-entries/{second['id']}", {"worked_on": "2026-03-01"})
    assert (moved.status_code, moved.json["warnings"]) == (200, [])


# --- several at once -------------------------------------------------------------------------------------------------


def test_what_can_be_decided_is_and_the_rest_is_told_one_by_one(asking: As, ask: Ask, site: Site) -> None:
    ann, bob = asking(member(ask, site)), asking(member(ask, site))
    mine, other, gone = booked(ann, site), booked(bob, site), str(uuid4())
    first = ann("POST", "/time-entries/submit", {"ids": [mine["id"], other["id"], gone]})
    assert (first.status_code, first.json["done"]) == (200, [mine["id"]])
    told = {each["id"]: (each["code"], each["message"]) for each in first.json["refused"]}
    assert told[other["id"]] == ("forbidden", "That entry is somebody else's.")
    assert told[gone][0] == "not_found"
    approved = ask("POST", "/time-entries/approve", {"ids": [mine["id"], other["id"]]})
    assert (approved.json["done"], [each["code"] for each in approved.json["refused"]]) == ([mine["id"]], ["guard"])
    assert budget(ask, site) == (60, 60, 180)
    ledger_holds()


def test_several_are_rejected_for_one_reason_and_engineers_decide_on_none(asking: As, ask: Ask, site: Site) -> None:
    pair = [carried_on(ask, site, "submitted")["id"] for _ in range(2)]
    silent = ask("POST", "/time-entries/reject", {"ids": pair, "reason": " "})
    assert (silent.status_code, [each["code"] for each in silent.json["refused"]]) == (200, ["invalid", "invalid"])
    engineer = asking(member(ask, site))
    for word in ("approve", "reject"):
        assert engineer("POST", f"/time-entries/{word}", {"ids": pair, "reason": "No."}).status_code == 403
    done = ask("POST", "/time-entries/reject", {"ids": pair, "reason": "Another site."})
    assert (sorted(done.json["done"]), done.json["refused"]) == (sorted(pair), [])
    assert ask("GET", f"/time-entries/{pair[0]}").json["decision_reason"] == "Another site."
    assert budget(ask, site) == (0, 0, 300)


def test_the_same_list_twice_decides_once(ask: Ask, site: Site) -> None:
    body = {"ids": [carried_on(ask, site, "submitted")["id"]]}
    first, again = (ask("POST", "/time-entries/approve", body, Idempotency_Key="k-1") for _ in range(2))
    assert (first.json, again.json) == (again.json, {"done": body["ids"], "refused": []})


@pytest.mark.parametrize("ids", [[], ["x"], [str(uuid4())] * 201, None])
def test_a_list_has_one_to_two_hundred_ids(ask: Ask, ids: Any) -> None:
    assert ask("POST", "/time-entries/approve", {"ids": ids}).status_code == 422


# --- moves -----------------------------------------------------------------------------------------------------------

PS = {"kind": "ps", "ps_kind": "custom-upstream"}


def test_a_move_is_previewed_and_does_what_the_preview_said(ask: Ask, site: Site) -> None:
    ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", {"minutes": 240, "reference": "Q", "purchased_on": "2026-03-01"})
    entry = carried_on(ask, site, minutes=100)
    looked = ask("GET", f"/time-entries/{entry['id']}/move?kind=ps").json
    assert (looked["fits"], [fault["field"] for fault in looked["missing"]]) == (True, ["ps_kind"])
    balances = {each["kind"]: (each["before"]["left_minutes"], each["after"]["left_minutes"]) for each in looked["balances"]}
    assert balances == {"known_incompatibility": (200, 300), "ps": (240, 140)}
    moved = ask("POST", f"/time-entries/{entry['id']}/move", PS)
    assert (moved.status_code, moved.json["state"], moved.json["moved_from_id"]) == (201, "approved", entry["id"])
    old = ask("GET", f"/time-entries/{entry['id']}").json
    assert (old["state"], old["decision_reason"], old["moved_to_id"]) == ("reversed", "Moved to PS work.", moved.json["id"])
    assert ask("GET", f"/time-entries/{old['reversed_by_id']}").json["reverses_id"] == entry["id"]
    assert (budget(ask, site), budget(ask, site, "ps")) == ((0, 0, 300), (100, 0, 140))
    ledger_holds()


def test_a_move_that_does_not_fit_says_what_is_left_and_a_split_takes_it(ask: Ask, site: Site) -> None:
    block = {"minutes": 240, "reference": "Q", "purchased_on": "2026-03-01"}
    ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", block)
    booked(ask, site, kind="premium", minutes=560)
    entry = booked(ask, site, minutes=100)
    looked = ask("GET", f"/time-entries/{entry['id']}/move?kind=premium").json
    assert (looked["fits"], looked["code"], looked["left_minutes"]) == (False, "budget_exceeded", 40)
    assert [each["after"] for each in looked["balances"]] == [None, None]
    assert looked["options"][0] == {"action": "split", "kind": "ps", "minutes": 60}
    refused = ask("POST", f"/time-entries/{entry['id']}/move", {"kind": "premium"})
    assert (refused.status_code, refused.json["options"]) == (409, looked["options"])
    assert ask("GET", f"/time-entries/{entry['id']}").json["state"] == "draft"
    moved = ask("POST", f"/time-entries/{entry['id']}/move", {"kind": "premium", "split": True})
    (part,) = moved.json["split_into"]
    assert (moved.json["minutes"], ask("GET", f"/time-entries/{part}").json["minutes"]) == (40, 60)
    ledger_holds()


def test_nothing_is_moved_to_where_it_stands_or_twice(ask: Ask, site: Site) -> None:
    entry = booked(ask, site)
    same = ask("POST", f"/time-entries/{entry['id']}/move", {"kind": "known_incompatibility", "activity": "research"})
    assert (same.status_code, same.json["errors"][0]["field"]) == (422, "kind")
    assert ask("POST", f"/time-entries/{entry['id']}/move", {"kind": "premium"}).status_code == 201
    again = ask("POST", f"/time-entries/{entry['id']}/move", {"kind": "premium"})
    assert (again.status_code, again.json["code"]) == (409, "guard")
    reversal = ask("GET", f"/time-entries/{entry['id']}").json["reversed_by_id"]
    assert ask("POST", f"/time-entries/{reversal}/reversal", {}).json["code"] == "guard"
    assert ask("GET", f"/time-entries/{reversal}/move?kind=premium").json["fits"] is False


def test_several_move_together_or_none_does(ask: Ask, site: Site) -> None:
    engagement = make_engagement()
    plain = make_site(engagement)
    agree(engagement)
    first, second = carried_on(ask, site, "submitted"), carried_on(ask, plain, "submitted")
    body = {"ids": [first["id"], second["id"]], "kind": "premium"}
    looked = ask("POST", "/time-entries/move-preview", body).json
    assert (looked["fits"], looked["entry_id"]) == (False, second["id"])
    refused = ask("POST", "/time-entries/move", body)
    assert (refused.status_code, refused.json["code"], refused.json["entry_id"]) == (422, "invalid", second["id"])
    assert ask("GET", f"/time-entries/{first['id']}").json["state"] == "submitted", "nothing moved"
    moved = ask("POST", "/time-entries/move", {"ids": [first["id"], second["id"]], "kind": "included"})
    assert [item["moved_from_id"] for item in moved.json["items"]] == sorted([first["id"], second["id"]])
    ledger_holds()


# --- closed days -----------------------------------------------------------------------------------------------------


def test_hours_are_closed_and_opened_with_their_history(ask: Ask, asking: As, site: Site) -> None:
    path = f"/engagements/{site.engagement_id}/hours-lock"
    assert ask("GET", path).json == {"engagement_id": str(site.engagement_id), "through": None, "history": []}
    closed = close(ask, site)
    assert (closed.status_code, closed.json["through"]) == (200, "2026-03-05")
    silent = ask("POST", f"/engagements/{site.engagement_id}/hours-unlock", {"through": None, "reason": " "})
    assert (silent.status_code, silent.json["errors"][0]["field"]) == (422, "reason")
    opened = ask("POST", f"/engagements/{site.engagement_id}/hours-unlock", {"through": "2026-02-28", "reason": "One was late."})
    assert (opened.status_code, opened.json["through"]) == (200, "2026-02-28")
    assert [(step["through"], step["reason"]) for step in opened.json["history"]] == [
        ("2026-02-28", "One was late."),
        ("2026-03-05", "February is billed."),
    ]
    engineer = asking(member(ask, site))
    assert engineer("GET", path).json == opened.json
    assert engineer("POST", path, {"through": "2026-03-05"}).status_code == 403


def test_an_undecided_entry_holds_a_closing_up(ask: Ask, site: Site) -> None:
    booked(ask, site)
    carried_on(ask, site, "submitted")
    held = close(ask, site)
    assert (held.status_code, held.json["rule"], held.json["missing"]) == (409, "undecided_hours", ["draft", "submitted"])
    assert "1 draft and 1 submitted" in held.json["detail"]


def test_a_closed_day_refuses_at_every_door_with_the_same_words(ask: Ask, site: Site) -> None:
    """An entry of each state on a closed day: it got there before the day was closed, or its day is what would change."""
    approved, open_draft = carried_on(ask, site), booked(ask, site, worked_on="2026-03-06")
    assert close(ask, site).status_code == 200
    approved_path, draft_path = f"/time-entries/{approved['id']}", f"/time-entries/{open_draft['id']}"
    doors: list[tuple[str, str, Any]] = [
        ("POST", "/time-entries", work(site)),
        ("PATCH", draft_path, {"worked_on": "2026-03-05"}),
        ("POST", f"{approved_path}/reversal", {}),
        ("POST", f"{approved_path}/move", {"kind": "premium"}),
        ("POST", "/time-entries/move", {"ids": [approved["id"]], "kind": "premium"}),
    ]
    for method, path, body in doors:
        refused = ask(method, path, body)
        assert (refused.status_code, refused.json.get("rule"), refused.json["detail"]) == (409, "hours_locked", CLOSED), path
    looked = ask("GET", f"{approved_path}/move?kind=premium").json
    assert (looked["fits"], looked["message"]) == (False, CLOSED)
    assert budget(ask, site) == (60, 60, 180)


# --- at the same moment ----------------------------------------------------------------------------------------------


def at_once(app: Flask, *sends: Callable[[Any], Any]) -> list[Any]:
    """What each of several got, all begun at the same moment."""
    begin, told = Barrier(len(sends)), []

    def run(send: Callable[[Any], Any]) -> None:
        with app.app_context():
            begin.wait(timeout=10)
            told.append(send(app.test_client()))

    running = [Thread(target=run, args=(send,)) for send in sends]
    for each in running:
        each.start()
    for each in running:
        each.join(timeout=60)
    return told


def test_two_splits_for_the_same_last_ten_minutes_lose_none_and_take_none_twice(app: Flask, ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=290)
    headers = {"Authorization": f"Bearer {make_token(make_person('admin'))}", "Content-Type": "application/json"}

    def send(client: Any) -> int:
        return int(client.post("/api/v1/time-entries", data=json.dumps(work(site, split=True)), headers=headers).status_code)

    assert at_once(app, send, send) == [201, 201]
    assert (budget(ask, site), budget(ask, site, "premium_extra")) == ((0, 300, 0), (0, 110, 490))
    ledger_holds()


def test_of_two_who_want_the_last_ten_minutes_whole_one_gets_them(app: Flask, ask: Ask, site: Site) -> None:
    booked(ask, site, minutes=290)
    headers = {"Authorization": f"Bearer {make_token(make_person('admin'))}", "Content-Type": "application/json"}

    def send(client: Any) -> int:
        return int(client.post("/api/v1/time-entries", data=json.dumps(work(site, minutes=10)), headers=headers).status_code)

    assert sorted(at_once(app, send, send)) == [201, 409]
    assert budget(ask, site) == (0, 300, 0)


def test_two_who_move_opposite_ways_at_once_both_arrive(app: Flask, ask: Ask, site: Site) -> None:
    """Each gives where the other takes: rows are held in one order, so neither waits for the other in vain."""
    ask("POST", f"/engagements/{site.engagement_id}/ps-blocks", {"minutes": 600, "reference": "Q", "purchased_on": "2026-03-01"})
    headers = {"Authorization": f"Bearer {make_token(make_person('admin'))}", "Content-Type": "application/json"}

    def mover(entry: dict[str, Any], body: dict[str, Any]) -> Callable[[Any], int]:
        path = f"/api/v1/time-entries/{entry['id']}/move"
        return lambda client: int(client.post(path, data=json.dumps(body), headers=headers).status_code)

    for _ in range(5):
        there, back = booked(ask, site, minutes=5), booked(ask, site, minutes=5, **PS, activity=None)
        assert at_once(app, mover(there, PS), mover(back, {"kind": "known_incompatibility", "activity": "research"})) == [
            201,
            201,
        ]
    ledger_holds()
