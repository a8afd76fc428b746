"""Imports in the database: what is counted, closed, cleaned up, and kept apart."""

from datetime import timedelta

import pytest
from flask import Flask

from tests.factories import NOW, make_engagement, make_site
from tests.web.test_site_list import counted
from tracker.domain.access import SYSTEM
from tracker.domain.errors import Guard, NotFound
from tracker.intake.inventory.registry import read_inventory
from tracker.jobs import step
from tracker.services import inventory as service
from tracker.services import site as site_service
from tracker.services.inventory import VerdictChange
from tracker.store import audit
from tracker.store import inventory as inventories
from tracker.store import upload as uploads
from tracker.store.database import db
from tracker.store.site import Site
from tracker.store.transaction import transaction

NAMED = frozenset({"verdict", "note"})


def bring(site: Site, *slugs: str, complete: bool = False) -> None:
    file = read_inventory("\n".join(("slug", *slugs)).encode())
    with transaction(db.session, now=NOW):
        service.import_file(db.session, SYSTEM, site.id, file, now=NOW, complete=complete)


def test_sites_are_counted_in_one_statement_with_those_that_nobody_knows(app: Flask) -> None:
    engagement = make_engagement()
    first, second, _empty = (make_site(engagement) for _ in range(3))
    bring(first, "autoptimize", "Harbour-Forms", "other")
    bring(second, "harbour-forms", "jetpack")
    bring(second, "jetpack", complete=True)
    item = next(each for each in inventories.of_site(db.session, first.id) if each.slug == "other")
    with transaction(db.session, now=NOW):
        service.say_verdict(db.session, SYSTEM, item.id, VerdictChange(NAMED, "works", "Tried."), now=NOW)
    with counted() as statements:
        counts = service.counts_of_sites(db.session, engagement.id)
    assert counts == {first.id: (3, 1), second.id: (1, 0)}
    assert len([each for each in statements if each != "BEGIN"]) == 2, "the agreement's catalogue, and the counts"


def test_what_an_engineer_said_outlives_imports(app: Flask) -> None:
    site = make_site(make_engagement())
    bring(site, "other")
    item = inventories.of_site(db.session, site.id)[0]
    with transaction(db.session, now=NOW):
        service.say_verdict(db.session, SYSTEM, item.id, VerdictChange(NAMED, "replace", "Abandoned."), now=NOW)
    bring(site, "another", complete=True)
    bring(site, "OTHER", "another")
    kept = next(each for each in inventories.of_site(db.session, site.id) if each.id == item.id)
    assert (kept.verdict, kept.verdict_note, kept.slug, kept.removed_at) == ("replace", "Abandoned.", "OTHER", None)


def test_the_same_file_again_writes_nothing_at_all(app: Flask) -> None:
    site = make_site(make_engagement())
    bring(site, "a", "b")
    before = [(each.id, each.version, each.changed_at) for each in inventories.of_site(db.session, site.id)]
    trail = len(audit.entries_of(db.session, site.engagement_id, before=None, limit=100))
    bring(site, "a", "b")
    assert [(each.id, each.version, each.changed_at) for each in inventories.of_site(db.session, site.id)] == before
    assert len(audit.entries_of(db.session, site.engagement_id, before=None, limit=100)) == trail
    assert len(inventories.imports(db.session, site.id, limit=10)) == 1


def test_a_site_that_has_left_takes_no_inventory(app: Flask) -> None:
    site = make_site(make_engagement())
    with transaction(db.session, now=NOW):
        site_service.move_site(db.session, SYSTEM, site.id, "withdrawn", now=NOW)
    with pytest.raises(Guard):
        bring(site, "a")


def test_a_file_that_was_only_looked_at_is_forgotten_after_a_day(app: Flask) -> None:
    site = make_site(make_engagement())
    file = read_inventory(b"slug\na\n")
    with transaction(db.session, now=NOW):
        old = service.keep_file(db.session, SYSTEM, site.id, file, now=NOW)
        new = service.keep_file(db.session, SYSTEM, site.id, file, now=NOW + timedelta(days=36500))
    assert service.kept_file(old).reading == file.reading
    step.clean()
    with pytest.raises(NotFound, match="no longer kept"):
        uploads.get(db.session, SYSTEM, old.id, uploads.INVENTORY)
    assert uploads.get(db.session, SYSTEM, new.id, uploads.INVENTORY).site_id == site.id
