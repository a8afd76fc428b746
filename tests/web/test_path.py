"""The page of a site's path: choose, walk, skip, open again, fail, as each role sees it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import NOW, actor, make_engagement, make_person, make_site, sign_in
from tracker.services.path import choose_path
from tracker.store import path as paths
from tracker.store.database import db
from tracker.store.path import PathStep
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.transaction import transaction


@pytest.fixture
def manager(client: FlaskClient) -> Person:
    """An engagement manager."""
    return make_person(name="Jonas Weber")


@pytest.fixture
def customer(client: FlaskClient, manager: Person) -> Person:
    """A signed-in person of the customer."""
    person = make_person("customer_viewer", name="Priya Nair")
    sign_in(client, person)
    return person


@pytest.fixture
def site(manager: Person, customer: Person) -> Site:
    """A WordPress of a self-service engagement."""
    return make_site(make_engagement(manager, type="self_service", agreement=None), name="Blog")


def choose(client: FlaskClient, site: Site, runbook: str) -> TestResponse:
    return client.post(f"/sites/{site.id}/path", data={"runbook": runbook}, follow_redirects=True)


def step_of(site: Site, place: int = 1) -> PathStep:
    db.session.expire_all()
    (path,) = [each for each in paths.of_site(db.session, site.id) if each.state == "active"]
    return paths.steps_of(db.session, [path.id])[path.id][place - 1]


def press(client: FlaskClient, step: PathStep, do: str, **said: Any) -> TestResponse:
    data = {"do": do, "version": str(step.version)} | said
    return client.post(f"/path-steps/{step.id}", data=data, follow_redirects=True)


FIRST = {
    "inputs.core_version": "6.7",
    "inputs.extension_inventory": "14 plugins",
    "inputs.php_version": "8.2",
    "evidence": "Checklist of 3 March",
    "confirmed": "prepare.1",
}


def test_the_page_says_which_path_fits_why_and_what_is_not_known(client: FlaskClient, site: Site) -> None:
    page = client.get(f"/sites/{site.id}/path").text
    assert "WordPress by guided path from a workspace" in page
    assert "A single WordPress that the migration plugin can reach" in page
    assert "This holds if the site is no network" in page
    assert "Can a migration plugin be installed on the source site?" in page
    assert "Superseded, for old tickets" in page
    assert "Does not fit: " in page
    assert "No path is under way" in page


def test_a_customer_walks_the_path_one_step_after_the_other(client: FlaskClient, site: Site) -> None:
    page = choose(client, site, "wordpress-guided-2024").text
    assert "The path is chosen. Its first step is open." in page
    assert "0 of 11 steps" in page
    assert "your turn: Prepare the source" in page
    assert "Native PHP sessions plugin installed during migration" in page
    refused = press(client, step_of(site), "done", evidence="half")
    assert refused.status_code == 422
    assert "PHP version: this is needed before the step is done." in refused.text
    assert "Still to be confirmed by you: Extensions matched against the known issues." in refused.text
    assert ">half</textarea>" in re.sub(r"\s*\n", "", refused.text), "what was typed is kept"
    done = press(client, step_of(site), "done", **FIRST).text
    assert "1 of 11 steps" in done
    assert re.search(r"Done \w{3} \d+ \w{3} \d{4}, \d\d:\d\d, Priya Nair", done)
    assert "your turn: Choose to migrate an existing site" in done


def test_a_step_can_be_saved_skipped_and_opened_again(client: FlaskClient, site: Site) -> None:
    choose(client, site, "wordpress-guided-2024")
    saved = press(client, step_of(site), "save", **{"inputs.core_version": "6.7"})
    assert "Saved." in saved.text
    assert 'value="6.7"' in saved.text
    assert "0 of 11 steps" in saved.text
    without = press(client, step_of(site), "skip", skipped_reason="")
    assert (without.status_code, "Say why this step is skipped." in without.text) == (422, True)
    skipped = press(client, step_of(site), "skip", skipped_reason="Prepared last week").text
    assert re.search(r"Skipped .*, Priya Nair: Prepared last week", skipped)
    opened = press(client, step_of(site), "reopen").text
    assert "Open again." in opened
    assert "0 of 11 steps" in opened


def test_a_stale_step_keeps_what_was_typed(client: FlaskClient, site: Site) -> None:
    choose(client, site, "wordpress-guided-2024")
    step = step_of(site)
    press(client, step, "save", **{"inputs.core_version": "6.7"})
    stale = press(client, step, "save", **{"inputs.core_version": "6.8"})
    assert stale.status_code == 409
    assert "What you typed is kept" in stale.text
    assert 'value="6.8"' in stale.text


def test_an_address_with_a_password_is_refused_at_its_field(client: FlaskClient, site: Site) -> None:
    choose(client, site, "wordpress-guided-2024")
    press(client, step_of(site), "skip", skipped_reason="done")
    press(client, step_of(site, 2), "skip", skipped_reason="done")
    refused = press(client, step_of(site, 3), "save", **{"inputs.source_url": "https://ann@example.com/"})
    assert refused.status_code == 422
    assert "Leave user name and password out of the address" in refused.text


def test_what_did_not_work_leads_on(client: FlaskClient, customer: Person, manager: Person) -> None:
    site = make_site(make_engagement(manager, type="self_service", agreement=None), facts={"source_host": "WP Engine"})
    choose(client, site, "wordpress-guided-2024")
    path_id = step_of(site).path_id
    empty = client.post(f"/site-paths/{path_id}/fail", data={})
    assert (empty.status_code, "or write what happened" in empty.text) == (422, True)
    failed = client.post(f"/site-paths/{path_id}/fail", data={"fault": "cdn-blocks-post"}, follow_redirects=True).text
    assert "plugin run fails behind a CDN" in failed
    assert "Why: POST not allowed. What helps: Allow POST for the run." in failed
    assert "Go on with: Fallback for a WP Engine source whose guided run fails." in failed
    assert "Where that fails too, ask Platform Support" in re.sub(r"\s+", " ", failed)
    assert "site dashboard link, source host, any details" in failed
    assert "Under way" in choose(client, site, "wpengine-fallback").text


def test_the_team_counts_where_it_helped(client: FlaskClient, manager: Person, site: Site) -> None:
    choose(client, site, "wordpress-guided-2017")
    path_id = step_of(site).path_id
    page = client.get(f"/sites/{site.id}/path").text
    assert "0 of 5 migrations" in page
    assert "We helped with this one" not in page, "only the team counts"
    sign_in(client, manager)
    counted = client.post(f"/site-paths/{path_id}/helped", follow_redirects=True).text
    assert "We helped with this one: number 1 of 5." in counted
    again = client.post(f"/site-paths/{path_id}/helped")
    assert (again.status_code, "counted already" in again.text) == (409, True)


def test_staff_say_that_they_did_it_for_the_customer(client: FlaskClient, manager: Person, site: Site) -> None:
    sign_in(client, manager)
    choose(client, site, "wordpress-guided-2024")
    refused = press(client, step_of(site), "done", **FIRST)
    assert (refused.status_code, "Say that you did it for them." in refused.text) == (422, True)
    assert "Jonas Weber, for the customer" in press(client, step_of(site), "done", on_behalf="y", **FIRST).text


def test_in_a_managed_engagement_the_customer_reads_and_the_team_acts(
    client: FlaskClient, manager: Person, customer: Person
) -> None:
    site = make_site(make_engagement(manager))
    page = client.get(f"/sites/{site.id}/path").text
    assert "Managed migration of one agreed site" in page
    assert "The team chooses the path." in page
    assert ">Choose<" not in page
    refused = client.post(f"/sites/{site.id}/path", data={"runbook": "wordpress-guided-2024"})
    assert refused.status_code == 403
    with transaction(db.session, now=NOW):
        choose_path(db.session, actor(manager), site.id, "managed-migration", now=NOW)
    page = client.get(f"/sites/{site.id}/path").text
    assert "your turn: Submit the site inventory" in page


def test_the_page_of_a_self_service_site_shows_its_path_instead_of_stages(client: FlaskClient, site: Site) -> None:
    page = client.get(f"/sites/{site.id}").text
    assert "No path yet." in page
    assert "Where this site stands" not in page
    choose(client, site, "wordpress-guided-2024")
    assert "0 of 11 steps" in client.get(f"/sites/{site.id}").text
    assert "In delivery" in client.get(f"/engagements/{site.engagement_id}").text


def test_a_page_takes_as_many_statements_with_one_path_as_with_four(
    client: FlaskClient, site: Site, statements: Callable[[str], int]
) -> None:
    choose(client, site, "wordpress-guided-2024")
    client.get("/sign-in")
    few = statements(f"/sites/{site.id}/path")
    for runbook in ("manual-code-db-files", "launch-dns-https", "wordpress-guided-2021"):
        choose(client, site, runbook)
    client.get("/sign-in")
    assert statements(f"/sites/{site.id}/path") == few


def test_a_site_that_its_customer_moves_has_no_hours(client: FlaskClient) -> None:
    engagement = make_engagement(type="self_service", agreement=None)
    site = make_site(engagement)
    sign_in(client, make_person("engagement_manager"))
    page = client.get(f"/sites/{site.id}").text
    assert "Hours on this site" not in page
    assert "No hours yet" not in page
