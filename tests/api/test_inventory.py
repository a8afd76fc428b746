"""Inventories over the API: tried, imported, read, judged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Answer, Ask
from tests.factories import make_engagement, make_person, make_site
from tracker.store.person import Person

REAL = (Path(__file__).parents[1] / "samples" / "wordpress-6.1-plugins.json").read_bytes()
REAL_SLUGS = ["akismet", "harbour-forms", "http-authentication", "legacy-redirects", "shibboleth", "xrds-simple"]


def changes(answer: Answer) -> dict[str, str]:
    """What each accepted row did."""
    return {row["slug"]: row["change"] for row in answer.json["accepted"]}


@pytest.fixture
def address() -> str:
    """The inventory of a fresh WordPress site."""
    return f"/sites/{make_site(make_engagement()).id}/inventory"


def test_the_list_of_a_real_wordpress_is_tried_then_imported_and_the_second_time_changes_nothing(ask: Ask, address: str) -> None:
    tried = ask("POST", f"{address}?dry_run=true", REAL)
    assert (tried.status_code, tried.json["source"], tried.json["dry_run"]) == (200, "wp-rest", True)
    assert changes(tried) == dict.fromkeys(REAL_SLUGS, "added")
    assert ask("GET", address).json["items"] == [], "a trial keeps nothing"
    done = ask("POST", f"{address}?source=wp-rest&dry_run=false", REAL)
    assert changes(done) == dict.fromkeys(REAL_SLUGS, "added")
    before = ask("GET", address).json
    assert {item["slug"]: (item["installed_version"], item["status"]) for item in before["items"]}["harbour-forms"] == (
        "2.4.1", "active",
    )  # fmt: skip
    again = ask("POST", address, REAL)
    assert changes(again) == dict.fromkeys(REAL_SLUGS, "unchanged")
    assert again.json["removed"] == again.json["rejected"] == []
    assert ask("GET", address).json == before, "no row has a new version"
    assert len(ask("GET", f"{address}-imports").json["items"]) == 1, "and there is no further import to read about"


def test_a_complete_list_marks_what_it_no_longer_names_and_a_later_one_brings_it_back(ask: Ask, address: str) -> None:
    ask("POST", address, REAL)
    fewer = json.dumps([each for each in json.loads(REAL) if each["plugin"] != "shibboleth/shibboleth"]).encode()
    assert ask("POST", f"{address}?complete=false&dry_run=true", fewer).json["removed"] == []
    assert ask("POST", address, fewer).json["removed"] == ["shibboleth"]
    gone = {item["slug"]: item["removed_at"] for item in ask("GET", address).json["items"]}
    assert gone["shibboleth"] is not None
    assert gone["akismet"] is None
    assert changes(ask("POST", address, REAL))["shibboleth"] == "updated"


def test_the_rest_list_says_nothing_of_must_use_plugins(ask: Ask, address: str) -> None:
    cli = (
        b'[{"name":"loader","status":"must-use","update":"none","version":""},{"name":"hello","status":"active","version":"1.7"}]'
    )
    assert ask("POST", address, cli).json["source"] == "wp-cli"
    assert ask("POST", address, REAL).json["removed"] == ["hello"]


def test_a_table_is_complete_only_where_that_is_said_and_for_the_kinds_it_names(ask: Ask, address: str) -> None:
    table = b"slug;kind\nakismet;plugin\njetpack;plugin\ndivi;theme\n"
    ask("POST", address, table)
    shorter = b"Plugin,Type\nakismet,plugin\n"
    assert ask("POST", f"{address}?dry_run=1", shorter).json["removed"] == []
    assert ask("POST", f"{address}?complete=true", shorter).json["removed"] == ["jetpack"]


def test_each_bad_row_has_its_row_column_value_and_reason_and_the_rest_is_imported(ask: Ask, address: str) -> None:
    table = (
        "slug,version,status", "akismet,5.0,active", "Akismet,4,active", "", "=cmd|' /C calc'!A0,1,", "hello dolly,1,",
        "ok-one,-,", "bad,1,maybe",
    )  # fmt: skip
    answer = ask("POST", address, "\n".join(table).encode())
    assert changes(answer) == {"akismet": "added", "ok-one": "added"}
    told = [(each["row"], each["column"], each["value"]) for each in answer.json["rejected"]]
    assert told == [(3, "slug", "Akismet"), (5, "slug", "=cmd|' /C calc'!A0"), (6, "slug", "hello dolly"), (8, "status", "maybe")]
    assert answer.json["rejected"][0]["reason"].startswith("Row 2 lists this already")


def test_a_secret_in_a_row_is_rejected_and_neither_answered_nor_kept(ask: Ask, address: str) -> None:
    secret = "ghp_" + "a1B2" * 9
    answer = ask("POST", address, f"slug,name\nakismet,{secret}\n".encode())
    assert answer.json["accepted"] == []
    assert answer.json["rejected"][0]["reason"].startswith("This looks like a GitHub token")
    assert secret not in json.dumps([answer.json, ask("GET", f"{address}-imports").json])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<!DOCTYPE html><html><title>Log In</title>", "probably the login page", id="a web page"),
        pytest.param(REAL[:900], "ends in the middle, at line", id="cut off"),
        pytest.param(b"", "This file is empty", id="empty"),
        pytest.param(b" \n", "This file is empty", id="blank"),
        pytest.param(b'{"plugins": []}', "no list", id="another shape"),
        pytest.param(b'[{"theme": "x"}]', "none of the files", id="another list"),
        pytest.param(b'{"code":"rest_cannot_view_plugins","message":"Sorry.","data":{"status":401}}', "“Sorry.”", id="refused"),
        pytest.param(b"PHP Warning: x\n[]", "none of the files", id="text before"),
        pytest.param(b"PK\x03\x04rest", "CSV UTF-8", id="workbook"),
        pytest.param(b"slug\n\xff\xfe\xfa", "not UTF-8 or UTF-16", id="another encoding"),
        pytest.param(b'slug,name\n"a,b\n', "never closed", id="open quote"),
        pytest.param(b"slug\n" + b"a\n" * 2001, "at most 2,000", id="too many rows"),
        pytest.param(b"[" * 100_000, "nesting", id="nested"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_told_in_plain_words(ask: Ask, address: str, body: bytes, words: str) -> None:
    answer = ask("POST", address, body)
    assert (answer.status_code, answer.json["code"]) == (422, "unreadable_file")
    assert words in answer.json["detail"]
    assert ask("GET", address).json["items"] == []


def test_a_file_of_fifty_megabytes_is_not_read(ask: Ask, address: str) -> None:
    answer = ask("POST", address, b"[" + b" " * (50 * 1024 * 1024))
    assert (answer.status_code, answer.json["code"]) == (413, "too_large")
    assert "larger than 2 MB" in answer.json["detail"]


def test_a_format_that_is_not_there_is_answered_with_those_that_are(ask: Ask, address: str) -> None:
    answer = ask("POST", f"{address}?source=xlsx", REAL)
    assert (answer.status_code, answer.json["code"], answer.json["errors"][0]["field"]) == (422, "invalid", "source")
    assert "wp-rest, wp-cli, csv" in answer.json["detail"]


def test_a_list_of_wordpress_is_not_taken_for_a_drupal_site(ask: Ask) -> None:
    site = make_site(make_engagement(), cms="drupal", cms_variant="drupal-7")
    answer = ask("POST", f"/sites/{site.id}/inventory", REAL)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "source")
    table = ask("POST", f"/sites/{site.id}/inventory", "Machine name\tVersion\nviews\t7.x-3.2\n".encode("utf-16"))
    assert table.json["accepted"] == [{"row": 2, "kind": "module", "slug": "views", "change": "added"}]


def test_a_repeat_under_its_key_gets_the_same_answer_and_another_file_is_refused(ask: Ask, address: str) -> None:
    first = ask("POST", address, REAL, Idempotency_Key="one")
    second = ask("POST", address, REAL, Idempotency_Key="one")
    assert second.json == first.json
    assert second.headers["Idempotency-Replayed"] == "true"
    assert ask("POST", address, b"slug\nother\n", Idempotency_Key="one").json["code"] == "idempotency_mismatch"


def finding(ask: Ask, address: str, slug: str) -> dict[str, Any]:
    """The finding on one extension."""
    found = ask("GET", address.replace("inventory", "findings")).json["items"]
    return next(each for each in found if each["slug"] == slug)


def test_the_catalogue_gives_the_worst_verdict_and_what_it_does_not_know_is_unknown(ask: Ask, address: str) -> None:
    ask("POST", address, b"slug\nAutoptimize\nadthrive-ads\nharbour-forms\naccessally\n")
    assert (finding(ask, address, "Autoptimize")["verdict"], finding(ask, address, "adthrive-ads")["verdict"]) == (
        "configure", "no_solution",
    )  # fmt: skip
    unknown = finding(ask, address, "harbour-forms")
    assert (unknown["verdict"], unknown["by"], unknown["issues"], unknown["estimate_minutes"]) == (
        "unknown",
        "catalogue",
        [],
        None,
    )
    assert finding(ask, address, "accessally")["issues"][0]["slug_confidence"] == "low"


def test_only_an_engineer_says_that_something_works_and_says_why(ask: Ask, asking: Callable[[Person], Ask], address: str) -> None:
    ask("POST", address, b"slug\nharbour-forms\n")
    item = finding(ask, address, "harbour-forms")
    path = f"/inventory-items/{item['id']}"
    bare = ask("PATCH", path, {"verdict": "works"})
    assert (bare.status_code, bare.json["errors"][0]["field"]) == (422, "note")
    said = ask(
        "PATCH", path, {"verdict": "works", "note": "Tried on a copy.", "estimate_minutes": 30}, If_Match=str(item["version"])
    )
    assert (said.status_code, said.json["verdict"], said.json["by"], said.json["estimate_minutes"]) == (
        200,
        "works",
        "engineer",
        30,
    )
    stale = ask("PATCH", path, {"verdict": None}, If_Match=str(item["version"]))
    assert stale.json["code"] == "edited_meanwhile"
    customer = asking(make_person("customer_approver"))
    assert customer("GET", path).json["estimate_minutes"] is None, "an estimate is a remark on the budget"
    assert customer("PATCH", path, {"verdict": "works", "note": "x"}).status_code == 403
    assert ask("PATCH", path, {"verdict": None}).json["verdict"] == "unknown"


def test_a_customer_delivers_the_inventory_of_their_own_site_only(asking: Callable[[Person], Ask], address: str) -> None:
    assert asking(make_person("customer_viewer"))("POST", address, REAL).status_code == 200
    assert asking(make_person("customer_viewer", customer="Other"))("POST", address, REAL).status_code == 404
