"""Listing, editing and moving sites."""

from collections.abc import Callable
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, agree, make_agreed_site, make_engagement, make_person, make_site
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound, TrackerError, UnlistedSite
from tracker.services import requirements as requirements_service
from tracker.services import site as service
from tracker.services.site import SiteChange
from tracker.store import deadline as deadlines
from tracker.store import requirements
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.engagement import Engagement, Member
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def edit(site: Site, values: dict[str, Any], version: int | None = None, who: Actor = SYSTEM) -> Site:
    with transaction(db.session, now=NOW):
        return service.edit_site(db.session, who, site.id, SiteChange(values, version), now=NOW)


def move(site: Site, to: str, who: Actor = SYSTEM) -> Site:
    with transaction(db.session, now=NOW):
        return service.move_site(db.session, who, site.id, to, now=NOW)


def budgets_of(site: Site) -> dict[str, int]:
    db.session.close()
    query = sa.select(Budget.kind, Budget.limit_minutes).where(Budget.site_id == site.id)
    return {row.kind: row.limit_minutes for row in db.session.execute(query)}


def stored(site: Site) -> Site:
    db.session.close()
    return db.session.get_one(Site, site.id)


def receive_inventory(engagement: Engagement) -> None:
    with transaction(db.session, now=NOW):
        kind, title = "inventory", "Site inventory due"
        db.session.add(
            deadlines.Deadline(
                engagement_id=engagement.id, kind=kind, title=title, due_on=NOW.date(), day=NOW.date(), source="manual",
                done_at=NOW, created_at=NOW,
            )
        )  # fmt: skip


def at_once(app: Flask, *acts: Callable[[], object]) -> list[TrackerError]:
    """Do things in threads of their own that begin together; return what was refused."""
    begin, refused = Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        with app.app_context():
            begin.wait(timeout=10)
            try:
                act()
            except TrackerError as error:
                refused.append(error)
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return refused


def test_a_site_brings_the_hours_of_its_package() -> None:
    engagement = make_engagement()
    assert budgets_of(make_site(engagement)) == {"known_incompatibility": 300}
    premium = make_site(engagement, package="premium", premium_option="extra-hours-10")
    assert budgets_of(premium) == {"known_incompatibility": 300, "premium_extra": 600}
    edit(premium, {"package": "standard", "premium_option": None})
    assert budgets_of(premium) == {"known_incompatibility": 300}, "until it is agreed, the package may change"


def test_the_agreed_requirements_fix_the_list_and_what_each_site_gets() -> None:
    engagement = make_engagement()
    site = make_site(engagement)
    agree(engagement)
    with pytest.raises(UnlistedSite):
        make_site(engagement)
    for values in ({"package": "premium", "premium_option": "custom-upstream"}, {"name": "New"}, {"url": "new.example.com"}):
        with pytest.raises(Guard) as refused:
            edit(site, values)
        assert (refused.value.rule, refused.value.missing) == ("BR-47", ["change_request"])
    assert edit(site, {"plan": "basic", "name": site.name}).plan == "basic", "what stays the same is no change"


@pytest.mark.parametrize(
    "again",
    ["https://SHOP.example.com", "shop.example.com/", "http://shop.example.com:80", "https://shop.example.com:443//"],
)
def test_an_engagement_lists_an_address_once_however_it_is_spelled(again: str) -> None:
    engagement = make_engagement()
    first = make_site(engagement, name="Shop", url="https://shop.example.com")
    with pytest.raises(Invalid, match="already, as Shop"):
        make_site(engagement, url=again)
    make_site(make_engagement(), url=again)
    move(first, "withdrawn")
    make_site(engagement, url=again)


def test_a_change_of_one_fact_leaves_the_others() -> None:
    site = make_site(make_engagement(), facts={"search_provider": "solr"})
    edit(site, {"facts": {"sends_email": True}})
    assert (stored(site).facts["search_provider"], stored(site).facts["sends_email"]) == ("solr", True)
    edit(site, {"facts": {"search_provider": None}})
    assert (stored(site).facts["search_provider"], stored(site).facts["sends_email"]) == (None, True)


@pytest.mark.parametrize("field", ["name", "url", "cms", "package", "facts"])
def test_what_a_site_must_have_is_not_emptied(field: str) -> None:
    site = make_site(make_engagement())
    with pytest.raises(Invalid) as refused:
        edit(site, {field: None})
    assert (refused.value.errors[0].field, refused.value.errors[0].message) == (field, "Fill this in.")


def test_a_name_that_cannot_be_seen_is_no_name() -> None:
    with pytest.raises(Invalid, match="Fill this in"):
        make_site(make_engagement(), name="\u200b\u2060")


def test_a_stale_edit_is_refused() -> None:
    site = make_site(make_engagement())
    edit(site, {"plan": "basic"}, version=1)
    with pytest.raises(EditedMeanwhile):
        edit(site, {"plan": "elite"}, version=1)
    assert (stored(site).plan, stored(site).version) == ("basic", 2)


def test_of_two_edits_of_one_version_that_cross_one_is_refused(app: Flask) -> None:
    site = make_site(make_engagement())
    for version in range(1, 6):
        basic, elite = (partial(edit, site, {"plan": plan}, version) for plan in ("basic", "elite"))
        assert [type(error) for error in at_once(app, basic, elite)] == [EditedMeanwhile]
    assert stored(site).version == 6


def test_of_two_steps_that_cross_one_is_refused(app: Flask) -> None:
    for _ in range(5):
        site = make_site(make_engagement())
        refused = at_once(app, *[partial(move, site, "withdrawn")] * 2)
        assert [type(error) for error in refused] == [Guard]
        assert stored(site).version == 2


def test_what_is_agreed_is_what_the_sites_are_however_edits_cross(app: Flask) -> None:
    for _ in range(5):
        engagement = make_engagement()
        site = make_site(engagement)
        premium = {"package": "premium", "premium_option": "extra-hours-10"}
        at_once(app, partial(agree, engagement), partial(edit, site, premium))
        db.session.close()
        agreed = requirements.latest(db.session, engagement.id)
        assert agreed is not None
        assert [each["budgets"] for each in agreed.document["sites"]] == [budgets_of(site)]


def test_the_way_to_the_migration_names_all_that_is_missing() -> None:
    engagement = make_engagement()
    site = make_site(engagement)
    with pytest.raises(Guard) as refused:
        move(site, "qualified")
    assert (refused.value.rule, refused.value.missing) == ("BR-01", ["requirements_agreed", "inventory_received"])
    agreed = agree(engagement)
    receive_inventory(engagement)
    move(site, "qualified")
    with pytest.raises(Guard) as refused:
        move(site, "migrating")
    assert refused.value.missing == ["requirements_signed"]
    approver = actor(make_person(Role.CUSTOMER_APPROVER))
    with transaction(db.session, now=NOW):
        requirements_service.sign(db.session, approver, engagement.id, "requirements", agreed.hash, now=NOW)
    assert move(site, "migrating").stage == "migrating"


def test_managers_edit_engineers_look_on_strangers_know_nothing() -> None:
    site = make_agreed_site()
    engineer = make_person(Role.ENGINEER)
    with pytest.raises(NotFound):
        edit(site, {"plan": "basic"}, who=actor(engineer))
    with transaction(db.session, now=NOW):
        db.session.add(Member(engagement_id=site.engagement_id, person_id=engineer.id, joined_at=NOW))
    with pytest.raises(NotAllowed):
        edit(site, {"plan": "basic"}, who=actor(engineer))
    with pytest.raises(NotAllowed):
        move(site, "withdrawn", actor(engineer))
    with pytest.raises(NotFound):
        move(site, "withdrawn", actor(make_person(Role.CUSTOMER_APPROVER)))
