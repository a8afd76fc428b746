"""Every list is read in pages of the size that was asked for."""

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.api.test_bad_input import BLOCK
from tests.factories import make_engagement, make_person, make_site
from tracker.store.engagement import Engagement


@pytest.fixture
def engagement(app: Flask, ask: Ask) -> Engagement:
    """Three of everything."""
    made = make_engagement()
    for _ in range(3):
        make_site(made, package="premium", premium_option="extra-hours-10")
        assert ask("POST", f"/engagements/{made.id}/ps-blocks", BLOCK).status_code == 201
        assert ask("POST", f"/engagements/{made.id}/members", {"person": make_person("engineer").email}).status_code == 201
    return made


@pytest.mark.parametrize("name", ["sites", "budgets", "ps-blocks", "members"])
def test_pages_join_to_the_whole_list(ask: Ask, engagement: Engagement, name: str) -> None:
    path = f"/engagements/{engagement.id}/{name}"
    whole = ask("GET", f"{path}?limit=100")
    assert (whole.status_code, whole.json["next_cursor"]) == (200, None)
    items: list[dict[str, object]] = []
    cursor, pages = "", 0
    while cursor is not None and pages < 20:
        page = ask("GET", f"{path}?limit=2{cursor and '&cursor='}{cursor}").json
        assert 0 < len(page["items"]) <= 2
        items, cursor, pages = [*items, *page["items"]], page["next_cursor"], pages + 1
    assert items == whole.json["items"]
    assert pages == (len(items) + 1) // 2


def test_the_budgets_of_a_site_are_paged_too(ask: Ask, engagement: Engagement) -> None:
    site = ask("GET", f"/engagements/{engagement.id}/sites?limit=1").json["items"][0]
    first = ask("GET", f"/sites/{site['id']}/budgets?limit=1").json
    last = ask("GET", f"/sites/{site['id']}/budgets?limit=1&cursor={first['next_cursor']}").json
    assert [first["items"][0]["kind"], last["items"][0]["kind"]] == ["known_incompatibility", "premium_extra"]
    assert last["next_cursor"] is None
    stray = ask("GET", f"/sites/{site['id']}/budgets?cursor={site['id']}")
    assert (stray.status_code, stray.json["errors"][0]["field"]) == (422, "cursor")
