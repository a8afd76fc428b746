"""A list of sites over the API: tried, listed, and the second time unchanged."""

import json

import pytest

from tests.api.conftest import Ask
from tests.factories import agree, make_engagement, make_site

TABLE = b"name,url,cms,package\nShop,shop.example,WordPress,\nBad,not an address,WordPress,\nBlog,https://blog.example/,drupal,standard\n"


@pytest.fixture
def address() -> str:
    return f"/engagements/{make_engagement().id}/sites"


def test_a_list_is_tried_then_listed_and_the_second_time_changes_nothing(ask: Ask, address: str) -> None:
    tried = ask("POST", f"{address}/import?dry_run=true", TABLE)
    assert tried.status_code == 200
    assert tried.json["accepted"] == [
        {"row": 2, "name": "Shop", "url": "shop.example", "change": "added"},
        {"row": 4, "name": "Blog", "url": "https://blog.example/", "change": "added"},
    ]
    (bad,) = tried.json["rejected"]
    assert (bad["row"], bad["column"], bad["value"]) == (3, "url", "not an address")
    assert ask("GET", address).json["items"] == []
    ask("POST", f"{address}/import", TABLE)
    listed = ask("GET", address).json
    assert [site["name"] for site in listed["items"]] == ["Shop", "Blog"]
    again = ask("POST", f"{address}/import", TABLE)
    assert {row["change"] for row in again.json["accepted"]} == {"unchanged"}
    assert ask("GET", address).json == listed


def test_after_the_agreement_the_list_is_closed(ask: Ask) -> None:
    engagement = make_engagement()
    make_site(engagement)
    agree(engagement)
    answer = ask("POST", f"/engagements/{engagement.id}/sites/import", TABLE)
    assert (answer.status_code, answer.json["code"]) == (409, "unlisted_site")


def test_a_password_in_an_address_is_neither_answered_nor_kept(ask: Ask, address: str) -> None:
    answer = ask("POST", f"{address}/import", b"url,cms\nhttps://ann:s3cretWord@shop.example,wordpress\n")
    assert answer.json["accepted"] == []
    assert "s3cretWord" not in json.dumps(answer.json)
