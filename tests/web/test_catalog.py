"""The catalogue as people browse and search it."""

import pytest
from flask.testing import FlaskClient

from tests.factories import make_person, sign_in
from tracker.catalog.loader import newest


@pytest.fixture(autouse=True)
def reader(client: FlaskClient) -> None:
    """Somebody of a customer, signed in."""
    sign_in(client, make_person("customer_viewer"))


def test_everybody_may_search_by_words_anywhere_in_any_case(client: FlaskClient) -> None:
    page = client.get("/catalog?q=ACCESSALLY+symlink").text
    assert "AccessAlly WordPress LMS" in page
    assert "1 entry" in page
    assert "AccessAlly" in client.get("/catalog?q=wp-accessally-protected-content").text, "by its id"
    assert "Not listed means unknown, never fine." in page


def test_filters_narrow_and_keep_each_other(client: FlaskClient) -> None:
    page = client.get("/catalog?part=known_issue&cms=drupal&severity=blocks&q=a").text
    wanted = [issue for issue in newest().issues.values() if issue.cms == "drupal" and issue.severity == "blocks"]
    found = [issue for issue in wanted if issue.name in page]
    assert found
    assert "AccessAlly" not in page
    assert "/catalog?q=a&amp;part=known_issue&amp;cms=drupal&amp;severity=blocks&amp;disposition=disable" in page


def test_nothing_found_says_what_to_do(client: FlaskClient) -> None:
    page = client.get("/catalog?q=no-such-plugin").text
    assert "Nothing found." in page
    assert "ask the team to look at it" in page
    assert "Show everything" in page


def test_a_long_list_is_paged_and_no_entry_is_lost(client: FlaskClient) -> None:
    names: list[str] = []
    for page in range(1, 9):
        text = client.get(f"/catalog?part=known_issue&page={page}").text
        names += [issue.id for issue in newest().issues.values() if f"/catalog/issues/{issue.id}" in text]
    assert len(names) == len(set(names)) == 183


def test_an_issue_has_a_page(client: FlaskClient) -> None:
    page = client.get("/catalog/issues/wp-accessally-protected-content").text
    assert "There is a known solution" in page
    assert "No: compare the folder before relying on it" in page
    assert client.get("/catalog/issues/nothing").status_code == 404


def test_every_path_has_a_page_with_its_steps(client: FlaskClient) -> None:
    for runbook in newest().paths.values():
        page = client.get(f"/catalog/paths/{runbook.id}").text
        assert f"{len(runbook.steps)} steps" in page
        assert "superseded" in page.lower() or runbook.status == "current"
    assert client.get("/catalog/paths/nothing").status_code == 404


def test_the_offering_is_read_from_top_to_bottom(client: FlaskClient) -> None:
    page = client.get("/catalog/offering").text
    for title in ("Packages", "Included for every site", "Out of scope, and the way on", "seven duties", "Plans"):
        assert title in page
    assert "Possible with PS hours" in page
    assert "Ask your account representative" in page
    assert page.count("In the window that the agreement sets") == 2


@pytest.mark.parametrize("version", ["2", "0", "x", "-1", "99999999999999999999", "١"])
def test_a_version_that_is_not_there_is_not_found(client: FlaskClient, version: str) -> None:
    assert client.get(f"/catalog?version={version}").status_code == 404
    assert client.get("/catalog?version=1").status_code == 200


def test_junk_in_the_address_is_no_filter(client: FlaskClient) -> None:
    answer = client.get("/catalog?part=x&cms=y&severity=z&page=-3")
    assert answer.status_code == 200
    assert "276 entries" in answer.text
