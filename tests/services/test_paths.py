"""Walking a path: order, inputs, confirmation, completion, failure, and the five migrations in which the team helps."""

from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_person, make_site
from tracker.domain.access import Actor
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.path_step import checks_of
from tracker.services import path as service
from tracker.services.path import Failure, StepChange, Walk, choose_path, fail_path, record_help
from tracker.store import path as paths
from tracker.store.audit import AuditEntry
from tracker.store.database import db
from tracker.store.path import PathStep, SitePath
from tracker.store.site import Site
from tracker.store.transaction import transaction

INPUTS = {
    "target_site_name": "acme-shop", "token_name": "acme-shop migration", "source_url": "https://shop.example.com",
    "dev_url": "https://dev-acme-shop.example.io", "archive_url": "https://www.dropbox.com/s/x/site.tar.gz?dl=0",
    "drush_version": "8.4.12", "cms_variant": "drupal-7",
}  # fmt: skip


@pytest.fixture
def manager(app: Flask) -> Actor:
    """An engagement manager."""
    return actor(make_person())


@pytest.fixture
def customer(manager: Actor) -> Actor:
    """Somebody of Acme who may not sign."""
    return actor(make_person("customer_viewer", customer="Acme"))


@pytest.fixture
def site(manager: Actor, customer: Actor) -> Site:
    """A WordPress of a self-service engagement: no agreement, no requirements, no inventory."""
    return self_service_site()


def self_service_site(**over: Any) -> Site:
    return make_site(make_engagement(type="self_service", agreement=None), **over)


def choose(who: Actor, site: Site, runbook: str) -> SitePath:
    with transaction(db.session, now=NOW):
        return choose_path(db.session, who, site.id, runbook, now=NOW)


def change(who: Actor, step: PathStep, **said: Any) -> PathStep:
    with transaction(db.session, now=NOW):
        return service.change_step(db.session, who, step.id, StepChange(said.pop("version", None), **said), now=NOW)


def walk(who: Actor, path: SitePath) -> Walk:
    db.session.expire_all()
    return service.walk_of(db.session, who, path.id)


def all_said(walked: Walk, step: PathStep) -> dict[str, Any]:
    said = walked.said(step)
    checks = [check.id for check in checks_of(said, walked.catalogue.runbooks)]
    inputs = {name: INPUTS.get(name, "as agreed") for name in said.inputs}
    return {"inputs": inputs, "evidence": "seen", "confirmed": checks, "done": True}


def finish_upto(who: Actor, path: SitePath, last: str | None = None) -> None:
    """Do every step, as far as one that stays open."""
    for step in walk(who, path).steps:
        if step.step == last:
            return
        change(who, step, **all_said(walk(who, path), step), on_behalf=True)


def test_a_self_service_customer_chooses_and_walks_a_path_to_its_end(customer: Actor, site: Site) -> None:
    path = choose(customer, site, "wordpress-guided-2024")
    assert (path.state, path.catalogue_version) == ("active", 1)
    assert "guided path of 2024" in path.reason
    assert "This holds if the site is no network" in path.reason
    finish_upto(customer, path)
    ended = walk(customer, path).path
    assert (ended.state, ended.ended_at) == ("complete", NOW)
    (progress,) = paths.progress_of_sites(db.session, site.engagement_id)[site.id]
    assert (progress.runbook, progress.done, progress.total) == ("wordpress-guided-2024", 11, 11)


def test_2024_is_not_complete_before_its_confirmation(customer: Actor, site: Site) -> None:
    path = choose(customer, site, "wordpress-guided-2024")
    finish_upto(customer, path, "confirm-progress")
    confirm, revoke = walk(customer, path).steps[-2:]
    with pytest.raises(Guard, match="cannot be skipped") as refused:
        change(customer, confirm, skipped_reason="we are in a hurry")
    assert refused.value.rule == "confirmation"
    with pytest.raises(Guard, match="First comes “Return to the platform tab and confirm progress”"):
        change(customer, revoke, skipped_reason="later")
    assert walk(customer, path).path.state == "active"
    change(customer, confirm, **all_said(walk(customer, path), confirm))
    change(customer, revoke, skipped_reason="The token is used for another site until Friday")
    assert walk(customer, path).path.state == "complete"


def test_steps_go_in_their_order_and_can_be_taken_back(customer: Actor, site: Site) -> None:
    path = choose(customer, site, "wordpress-guided-2024")
    first, second, *_rest = walk(customer, path).steps
    with pytest.raises(Guard, match="First comes “Prepare the source”"):
        change(customer, second, **all_said(walk(customer, path), second))
    done = change(customer, first, **all_said(walk(customer, path), first))
    assert (done.finished_by, done.finished_at, done.on_behalf) == (customer.person_id, NOW, False)
    with pytest.raises(Guard, match="settled already"):
        change(customer, first, evidence="another")
    change(customer, second, **all_said(walk(customer, path), second))
    with pytest.raises(Guard, match="Open the later steps again first"):
        change(customer, first, done=False)
    opened = change(customer, second, done=False)
    assert (opened.finished_at, opened.evidence) == (None, "seen"), "what was typed is kept"
    actions = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.subject_id == second.id)).all()
    assert "path_step.reopened" in actions


def test_a_step_is_edited_from_what_was_read(customer: Actor, site: Site) -> None:
    step = walk(customer, choose(customer, site, "wordpress-guided-2024")).steps[0]
    change(customer, step, version=1, evidence="half of it")
    with pytest.raises(EditedMeanwhile):
        change(customer, step, version=1, evidence="another half")


def test_staff_do_a_customers_step_only_for_them(manager: Actor, customer: Actor, site: Site) -> None:
    path = choose(manager, site, "wordpress-guided-2024")
    step = walk(manager, path).steps[0]
    with pytest.raises(Invalid, match="Say that you did it for them"):
        change(manager, step, **all_said(walk(manager, path), step))
    done = change(manager, step, **all_said(walk(manager, path), step), on_behalf=True)
    assert (done.on_behalf, done.finished_by) == (True, manager.person_id)


def test_in_a_managed_engagement_the_team_chooses_and_does_the_technical_steps(manager: Actor, customer: Actor) -> None:
    site = make_site(make_engagement())
    with pytest.raises(NotAllowed, match="the team chooses"):
        choose(customer, site, "wordpress-guided-2024")
    whole = choose(manager, site, "managed-migration")
    technical = choose(manager, site, "wordpress-guided-2024")
    assert {whole.state, technical.state} == {"active"}, "one is walked inside the other"
    step = walk(manager, technical).steps[0]
    assert change(manager, step, **all_said(walk(manager, technical), step)).on_behalf is False
    kickoff = walk(manager, whole).steps[1]
    with pytest.raises(NotAllowed):
        change(customer, kickoff, evidence="we met")


def test_another_path_for_the_same_purpose_replaces_the_one_under_way(manager: Actor, customer: Actor, site: Site) -> None:
    first = choose(customer, site, "wordpress-guided-2024")
    launch = choose(customer, site, "launch-dns-https")
    with pytest.raises(Invalid, match="walks that path already"):
        choose(customer, site, "wordpress-guided-2024")
    second = choose(customer, site, "manual-code-db-files")
    states = {path.runbook: path.state for path in paths.of_site(db.session, site.id)}
    assert states == {first.runbook: "replaced", launch.runbook: "active", second.runbook: "active"}
    with pytest.raises(Guard, match="replaced"):
        change(customer, walk(customer, first).steps[0], evidence="x")


@pytest.mark.parametrize(
    ("runbook", "message"),
    [
        ("drupal-guided-archive", "another system"),
        ("managed-migration", "no managed migration"),
        ("wordpress-guided-2030", "no such path in catalogue 1"),
    ],
)
def test_a_path_that_cannot_be_walked_is_refused(customer: Actor, site: Site, runbook: str, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        choose(customer, site, runbook)


def test_a_superseded_path_may_be_chosen_for_an_old_ticket(customer: Actor, site: Site) -> None:
    path = choose(customer, site, "wordpress-guided-2017")
    assert path.reason == "Chosen by hand, instead of the path that was proposed."
    walked = walk(customer, path)
    asked = {name for step in walked.steps for name in walked.said(step).inputs}
    assert {"dev_url", "token_name"} <= asked, "2017 asks for the Dev site's address and a token"
    path = choose(customer, site, "wordpress-guided-2021")
    walked = walk(customer, path)
    asked = {name for step in walked.steps for name in walked.said(step).inputs}
    assert {"target_site_name", "token_name"} <= asked
    assert "dev_url" not in asked, "2021 asks for the site's name and a token"


def test_the_name_of_a_target_stands_for_one_site_whoever_has_it(customer: Actor, site: Site) -> None:
    other = actor(make_person("customer_viewer", customer="Zebra"))
    theirs = make_site(make_engagement(type="self_service", agreement=None, customer="Zebra"))
    mine = walk(customer, choose(customer, site, "wordpress-guided-2017")).steps[1]
    change(customer, mine, inputs={"target_site_name": "acme-shop"})
    step = walk(other, choose(other, theirs, "wordpress-guided-2017")).steps[1]
    with pytest.raises(Invalid) as refused:
        change(other, step, inputs={"target_site_name": "acme-shop"})
    (error,) = refused.value.errors
    assert (error.field, error.message) == (
        "inputs.target_site_name",
        "acme-shop is taken by another site. Choose another name.",
    )
    change(customer, mine, inputs={"target_site_name": "acme-store"})
    kept = change(other, step, inputs={"target_site_name": "acme-shop"})
    assert kept.inputs == {"target_site_name": "acme-shop"}, "a name that was given back is free"


def test_a_drupal_archive_is_taken_from_dropbox_as_a_file(customer: Actor) -> None:
    site = self_service_site(cms="drupal", cms_variant="drupal-7", facts={"drush_major": 8, "drupal_multisite": False})
    path = choose(customer, site, "drupal-guided-archive")
    finish_upto(customer, path, "import")
    publish = next(step for step in walk(customer, path).steps if step.step == "publish-archive")
    assert publish.inputs == {"archive_url": "https://www.dropbox.com/s/x/site.tar.gz?dl=1"}


def test_a_run_that_failed_says_what_helps_and_where_to_go_on(customer: Actor) -> None:
    site = self_service_site(facts={"source_host": "WP Engine"})
    path = choose(customer, site, "wordpress-guided-2024")
    with transaction(db.session, now=NOW), pytest.raises(Invalid, match="write what happened"):
        fail_path(db.session, customer, path.id, Failure(), now=NOW)
    with transaction(db.session, now=NOW):
        fail_path(db.session, customer, path.id, Failure("cdn-blocks-post"), now=NOW)
    failed = walk(customer, path)
    assert (failed.path.state, failed.path.fault, failed.path.failure) == (
        "failed",
        "cdn-blocks-post",
        "plugin run fails behind a CDN",
    )
    assert failed.fallback == "wpengine-fallback"
    with transaction(db.session, now=NOW), pytest.raises(Guard, match="failed"):
        fail_path(db.session, customer, path.id, Failure("cdn-blocks-post"), now=NOW)


def test_the_team_helps_with_five_migrations_of_a_customer_and_no_sixth(manager: Actor) -> None:
    made = []
    for _ in range(6):
        made.append(choose(manager, self_service_site(), "wordpress-guided-2017"))  # noqa: PERF401 - each is its own unit
    for number, path in enumerate(made[:5], 1):
        with transaction(db.session, now=NOW):
            assert record_help(db.session, manager, path.id, "plugin timed out", now=NOW).number == number
    with transaction(db.session, now=NOW), pytest.raises(Guard, match="counted already"):
        record_help(db.session, manager, made[0].id, "", now=NOW)
    with (
        transaction(db.session, now=NOW),
        pytest.raises(Guard, match=r"failed plugin migrations.* all 5 are used"),
    ):
        record_help(db.session, manager, made[5].id, "", now=NOW)
    other = make_site(make_engagement(type="self_service", agreement=None, customer="Zebra"))
    path = choose(manager, other, "wordpress-guided-2017")
    with transaction(db.session, now=NOW):
        assert record_help(db.session, manager, path.id, "", now=NOW).number == 1, "another customer has five of its own"


def test_help_is_counted_on_the_path_of_2017_only(manager: Actor, site: Site) -> None:
    path = choose(manager, site, "wordpress-guided-2024")
    with transaction(db.session, now=NOW), pytest.raises(Guard, match="2017 only"):
        record_help(db.session, manager, path.id, "", now=NOW)


def test_a_secret_is_refused_wherever_a_step_takes_text(customer: Actor, site: Site) -> None:
    step = walk(customer, choose(customer, site, "wordpress-guided-2024")).steps[0]
    secret = "Qm7xK2pV9sLw4ZtR8yHd3NbF6cJg1XaE5uTi"
    for said in ({"evidence": secret}, {"skipped_reason": secret}, {"inputs": {"core_version": secret}}):
        with pytest.raises(Invalid, match="machine token"):
            change(customer, step, **said)
