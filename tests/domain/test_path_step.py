"""Inputs of steps: what is changed on the way in, what is refused, and what a step needs before it is done."""

import pytest

from tracker.catalog.loader import newest
from tracker.domain.access import Actor, Role
from tracker.domain.errors import Guard, Invalid, NotAllowed
from tracker.domain.path_step import (
    check_doer,
    check_finish,
    check_skip,
    checks_of,
    direct_dropbox,
    doer_of,
    label_of,
    read_inputs,
    to_confirm,
)
from tracker.domain.runbook import Runbook, RunbookStep

BOOK = newest()


def step_of(runbook: str, step: str) -> tuple[Runbook, RunbookStep]:
    found = BOOK.paths[runbook]
    return found, next(each for each in found.steps if each.id == step)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("https://www.dropbox.com/s/x/a.tar.gz?dl=0", "https://www.dropbox.com/s/x/a.tar.gz?dl=1", id="dl=0"),
        pytest.param("https://www.dropbox.com/s/x/a.tar.gz", "https://www.dropbox.com/s/x/a.tar.gz?dl=1", id="no dl"),
        pytest.param("https://www.dropbox.com/s/x/a.tgz?dl=1", "https://www.dropbox.com/s/x/a.tgz?dl=1", id="right already"),
        pytest.param(
            "https://WWW.DropBox.com/scl/fi/x/a.tgz?rlkey=abc&dl=0",
            "https://WWW.DropBox.com/scl/fi/x/a.tgz?rlkey=abc&dl=1",
            id="other parts stay",
        ),
        pytest.param("https://example.com/a.tar.gz?dl=0", "https://example.com/a.tar.gz?dl=0", id="another host stays"),
        pytest.param("https://notdropbox.com/a.tgz", "https://notdropbox.com/a.tgz", id="a host that only sounds like it"),
    ],
)
def test_a_dropbox_link_downloads_the_file(typed: str, kept: str) -> None:
    assert direct_dropbox(typed) == kept
    runbook, step = step_of("drupal-guided-archive", "publish-archive")
    assert read_inputs(runbook, step, {"archive_url": typed}) == {"archive_url": kept}


@pytest.mark.parametrize(
    ("runbook", "step", "name", "text", "message"),
    [
        ("drupal-guided-archive", "publish-archive", "archive_url", "ftp://example.com/a.tgz", "begins with http"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "javascript:alert(1)", "begins with http"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "https://ann@example.com/a.tgz", "Leave user name"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "https://a:longsecret1@example.com/a.tgz", "password"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "http://[::1/a.tgz", "not a web address"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "https://example.com/a.zip", ".tar.gz or .tgz"),
        ("drupal-guided-archive", "publish-archive", "archive_url", "https://example.com:99999/a.tgz", "not a web address"),
        ("wordpress-guided-2024", "name-site", "target_site_name", "Acme Shop", "small letters"),
        ("wordpress-guided-2024", "name-site", "target_site_name", "-acme", "small letters"),
        ("wordpress-guided-2024", "token", "token_name", "Qm7xK2pV9sLw4ZtR8yHd3NbF6cJg1XaE5uTi", "machine token"),
        ("wordpress-guided-2024", "paste", "token_secret_ref", "password=hunter2!", "password"),
        ("drupal-guided-archive", "prepare", "drush_version", "9.7", "Drush 8 or older"),
        ("drupal-guided-archive", "prepare", "drush_version", "the new one", "as a number"),
        ("drupal-composer-archive-conversion", "make-archive", "drush_version", "10.6", "Drush 11"),
        ("drupal-composer-archive-conversion", "import-site", "archive_path", "site.zip", ".tar.gz or .tgz"),
        ("drupal-guided-archive", "source-url", "cms_variant", "drupal-6", "drupal-7 or drupal-composer"),
        ("wordpress-guided-2024", "name-site", "colour", "red", "no such input"),
    ],
)
def test_an_input_that_cannot_stand_is_refused_at_its_field(runbook: str, step: str, name: str, text: str, message: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_inputs(*step_of(runbook, step), {name: text})
    (error,) = refused.value.errors
    assert error.field == f"inputs.{name}"
    assert message in error.message


@pytest.mark.parametrize("name", ["acme-shop on the platform", "default", "admin", "terminus", "ci"])
def test_any_name_of_a_token_is_fine(name: str) -> None:
    assert read_inputs(*step_of("wordpress-guided-2024", "token"), {"token_name": name}) == {"token_name": name}


def test_the_drush_of_the_guided_archive_may_be_written_as_drush_says_it() -> None:
    said = read_inputs(*step_of("drupal-guided-archive", "prepare"), {"drush_version": "8.4.12"})
    assert said == {"drush_version": "8.4.12"}


def test_everything_that_is_missing_is_named_at_once() -> None:
    _runbook, step = step_of("wordpress-guided-2024", "name-site")
    with pytest.raises(Invalid) as refused:
        check_finish(step, checks_of(step, BOOK.runbooks), inputs={}, evidence="", confirmed=[])
    assert [error.field for error in refused.value.errors] == ["inputs.target_site_name", "evidence"]


def test_a_step_that_needs_no_evidence_asks_for_none() -> None:
    _runbook, step = step_of("wordpress-guided-2024", "open-admin")
    checks = checks_of(step, BOOK.runbooks)
    ticked = [check.id for check in to_confirm(checks)]
    check_finish(step, checks, inputs={"source_admin_access_ref": "Vault: Acme"}, evidence="", confirmed=ticked)


def test_the_confirmation_of_2024_is_never_skipped() -> None:
    with pytest.raises(Guard, match="not complete before its progress is confirmed"):
        check_skip(*step_of("wordpress-guided-2024", "confirm-progress"), "we are in a hurry")
    assert check_skip(*step_of("wordpress-guided-2024", "prepare"), " done long ago ") == "done long ago"
    with pytest.raises(Invalid, match="Say why"):
        check_skip(*step_of("wordpress-guided-2024", "prepare"), " ")


MEI = Actor(None, "Mei", Role.ENGINEER)
TOM = Actor(None, "Tom", Role.CUSTOMER_VIEWER)


def test_the_teams_steps_are_not_the_customers() -> None:
    runbook, step = step_of("manual-code-db-files", "code")
    check_doer(MEI, step, doer_of(runbook, step, managed=True), on_behalf=False)
    with pytest.raises(NotAllowed, match="the team's"):
        check_doer(TOM, step, doer_of(runbook, step, managed=True), on_behalf=False)


def test_in_a_self_service_engagement_the_owner_does_what_the_team_would() -> None:
    runbook, step = step_of("manual-code-db-files", "code")
    check_doer(TOM, step, doer_of(runbook, step, managed=False), on_behalf=False)
    check_doer(MEI, step, doer_of(runbook, step, managed=False), on_behalf=False)
    runbook, step = step_of("wordpress-multisite-manual", "enable-upstream")
    with pytest.raises(NotAllowed):
        check_doer(TOM, step, doer_of(runbook, step, managed=False), on_behalf=False)


def test_staff_say_so_when_they_do_what_is_the_customers() -> None:
    runbook, step = step_of("wordpress-guided-2024", "token")
    check_doer(TOM, step, "customer", on_behalf=False)
    with pytest.raises(Invalid, match="did it for them"):
        check_doer(MEI, step, doer_of(runbook, step, managed=False), on_behalf=False)
    check_doer(MEI, step, doer_of(runbook, step, managed=False), on_behalf=True)
    assert doer_of(runbook, step, managed=True) == "migrations_team", "the catalogue: in a managed engagement the team does it"
    runbook, step = step_of("launch-dns-https", "switch-dns")
    assert doer_of(runbook, step, managed=True) == "customer", "the cutover stays the customer's"


def test_inputs_are_named_in_words() -> None:
    assert label_of("target_site_name") == "Name of the new site"
    assert label_of("extension_inventory") == "Extension inventory"
