"""Splitting a network or a Drupal multisite: a listed site with hours of its own for each target, or nothing at all."""

from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, actor, agree, item_of, make_engagement, make_person, make_site
from tests.services.test_site import budgets_of, stored
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotFound
from tracker.domain.split import Target, read_targets
from tracker.services import split as service
from tracker.services.split import Split
from tracker.store import question as questions
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
TWO = (Target("Blog", "blog.example.com"), Target("Shop", "shop.example.com", plan="elite"))


def split(site: Site, targets: Sequence[Target] = TWO, who: Actor = SYSTEM, version: int | None = None) -> list[Site]:
    with transaction(db.session, now=NOW):
        return service.split_site(db.session, who, site.id, Split(targets, version), now=NOW)


def make_multisite(engagement: Engagement | None = None, **over: Any) -> Site:
    """A Premium Drupal multisite."""
    values: dict[str, Any] = {
        "cms": "drupal", "url": "https://blog.example.com", "package": "premium", "premium_option": "performance-report",
        "plan": "performance_m", "facts": {"drupal_multisite": True, "sends_email": True},
    }  # fmt: skip
    return make_site(engagement or make_engagement(), **(values | over))


def test_a_split_lists_a_site_for_each_target_with_hours_and_scope_of_its_own() -> None:
    source = make_multisite()
    blog, shop = split(source)
    assert (stored(source).stage, stored(source).multisite_decision) == ("withdrawn", "split")
    assert [site.stage for site in (blog, shop)] == ["listed", "listed"]
    assert budgets_of(blog) == budgets_of(shop) == {"known_incompatibility": 300}
    assert (shop.plan, blog.plan, blog.cms, blog.package) == ("elite", "performance_m", "drupal", "standard")
    assert (blog.facts["sends_email"], blog.facts["drupal_multisite"], blog.network) == (True, False, False)
    assert item_of(blog, "email-external").decision == "included", "what was known goes along"
    work = item_of(blog, "split-drupal-multisite")
    assert (work.decision, work.work_state) == ("included", "planned"), "the split is work, with its proof on the target"
    assert work.reason == f"This site is split off {source.name}."
    assert questions.asked_facts(db.session, [source.id])[source.id] == {}


def test_a_network_is_split_like_a_multisite() -> None:
    network = make_site(make_engagement(), network=True)
    blog, _shop = split(network)
    assert item_of(blog, "migrate-wp-network").decision == "included"


@pytest.mark.parametrize(
    ("over", "missing"),
    [
        pytest.param({"facts": {}}, "drupal_multisite", id="perhaps a multisite"),
        pytest.param({"facts": {"drupal_multisite": False}}, "drupal_multisite", id="no multisite"),
        pytest.param({"cms": "wordpress", "facts": {}}, "network", id="no network"),
    ],
)
def test_only_what_is_several_sites_is_split(over: dict[str, Any], missing: str) -> None:
    source = make_multisite(**over)
    with pytest.raises(Guard) as refused:
        split(source)
    assert (refused.value.rule, refused.value.missing) == ("multisite", [missing])


def test_after_the_agreement_a_split_needs_a_change_request() -> None:
    engagement = make_engagement()
    source = make_multisite(engagement)
    agree(engagement)
    with pytest.raises(Guard) as refused:
        split(source)
    assert (refused.value.rule, refused.value.missing) == ("BR-47", ["change_request"])


@pytest.mark.parametrize(
    ("targets", "fields"),
    [
        pytest.param(TWO[:1], ["targets"], id="one is no split"),
        pytest.param([Target(f"S{n}", f"s{n}.example.com") for n in range(51)], ["targets"], id="too many"),
        pytest.param([*TWO, Target("Again", "https://SHOP.example.com/")], ["targets.2.url"], id="one address twice"),
        pytest.param([*TWO, Target("Other", "other.example.com")], ["targets.2.url"], id="an address that is listed"),
        pytest.param([TWO[0], Target("", "x y")], ["targets.1.url"], id="no address"),
        pytest.param(
            [TWO[0], Target("", "new.example.com", plan="huge")], ["targets.1.name", "targets.1.plan"], id="faults of a site"
        ),
    ],
)
def test_a_faulty_list_changes_nothing(targets: Sequence[Target], fields: list[str]) -> None:
    engagement = make_engagement()
    make_site(engagement, url="other.example.com")
    source = make_multisite(engagement)
    with pytest.raises(Invalid) as refused:
        split(source, targets)
    assert [error.field for error in refused.value.errors] == fields
    assert stored(source).stage == "listed"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Site)) == 2


def test_a_split_is_for_managers_and_for_what_they_saw() -> None:
    manager = make_person()
    source = make_multisite(make_engagement(manager))
    with pytest.raises(NotFound):
        split(source, who=actor(make_person("customer_approver")))
    with pytest.raises(EditedMeanwhile):
        split(source, version=7)
    split(source, who=actor(manager), version=1)
    with pytest.raises(Guard):
        split(source)


def test_a_drupal_multisite_cannot_be_kept_and_a_network_can() -> None:
    with pytest.raises(Invalid) as refused:
        make_multisite(multisite_decision="keep")
    assert refused.value.errors[0].field == "multisite_decision"
    assert "one code base and one database" in refused.value.message
    assert make_site(make_engagement(), network=True, multisite_decision="keep").multisite_decision == "keep"


def test_the_addresses_of_a_withdrawn_source_are_free_for_its_targets() -> None:
    source = make_multisite(url="https://blog.example.com")
    blog, _shop = split(source)
    assert sites.of_engagement(db.session, source.engagement_id)[0].id == blog.id


def test_a_list_is_read_line_by_line() -> None:
    assert read_targets("Blog, blog.example.com\n\n  Shop ,shop.example.com ") == [
        Target("Blog", "blog.example.com"),
        Target("Shop", "shop.example.com"),
    ]
    with pytest.raises(Invalid) as refused:
        read_targets("Blog, blog.example.com\nshop.example.com\n, x.example.com")
    assert [error.message.partition(":")[0] for error in refused.value.errors] == ["Line 2", "Line 3"]
