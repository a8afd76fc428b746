"""What a site gets, by the catalogue and by what is known of it: compared with the service page, sentence by sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tracker.catalog import loader
from tracker.domain.scope import (
    CONDITIONS,
    Decision,
    about,
    check_work,
    decide,
    holds_up_uat,
    lines_of_engagement,
    lines_of_site,
    meet,
    say_unsettled,
)

CATALOGUE = loader.catalogue(1)
KNOWN: Mapping[str, Any] = {
    "cms": "wordpress",
    "network": False,
    "plan": "performance_m",
    "upstream_choice": "default",
    "premium_option": None,
    "drupal_multisite": False,
    "search_provider": "none",
    "has_htaccess_redirects": True,
    "sends_email": True,
    "uses_php_sessions": True,
    "cron_need": "finer_than_hourly",
    "certificate": "managed",
    "legacy_blogs_dir": False,
    "workspace_plan_allows_custom_upstream": True,
}
STANDARD_WORDPRESS = KNOWN
SPLIT_DRUPAL = {
    **KNOWN,
    "cms": "drupal",
    "drupal_multisite": True,
    "premium_option": "performance-report",
    "uses_php_sessions": None,
    "cron_need": "custom_code",
    "upstream_choice": "nested-docroot-or-composer",
}
BASIC_WORDPRESS = {**KNOWN, "plan": "basic"}
ACQUIA_DRUPAL = {**KNOWN, "cms": "drupal", "search_provider": "acquia", "cron_need": "hourly", "sends_email": None}

# Every bullet of "What's included", as the catalogue names it, and what the four sites get, in the order
# Standard WordPress, split Premium Drupal multisite, WordPress on Basic, Drupal with Acquia Search.
INC, PRE, PS, OUT, OPEN, NOT = (
    Decision.INCLUDED,
    Decision.PREMIUM,
    Decision.PS,
    Decision.OUT_OF_SCOPE,
    Decision.UNDECIDED,
    Decision.NOT_APPLICABLE,
)
SENTENCES = [
    ("Transfer site code, database, and files", "transfer-code-db-files", (INC, INC, INC, INC)),
    ("Resync the database and user-uploaded files as a part of the site launch", "prelaunch-resync", (INC, INC, INC, INC)),
    ("Split up Drupal Multisites", "split-drupal-multisite", (NOT, INC, NOT, NOT)),
    ("Migrate WP Network sites, as networked or standalone sites", "migrate-wp-network", (NOT, NOT, NOT, NOT)),
    ("Resync content prior to launch", "prelaunch-resync", (INC, INC, INC, INC)),
    ("Implement cron triggering services, via New Relic (on any non-Basic plan)", "cron-new-relic", (INC, NOT, OUT, NOT)),
    ("Plugin/Module audit", "extension-audit", (INC, INC, INC, INC)),
    ("Installation of the Advanced Page Cache", "install-advanced-page-cache", (INC, INC, INC, INC)),
    ("Native Sessions plugin", "install-native-sessions", (INC, NOT, INC, NOT)),
    ("Object Cache Pro", "install-object-cache", (INC, INC, OUT, INC)),
    ("Pantheon Search, as needed", "install-pantheon-search", (NOT, NOT, OUT, INC)),
    ("Implement solutions to known existing incompatibilities", "known-incompatibility-fixes", (INC, INC, INC, INC)),
    ("SSL certificate pre-provisioning", "tls-preprovision", (INC, INC, INC, INC)),
    ("Set up external email", "email-external", (INC, INC, INC, OPEN)),
    ("Move redirects from htaccess", "redirects-to-php", (INC, INC, INC, INC)),
    ("Configure sites that use Acquia Search", "acquia-search-switch", (NOT, NOT, OUT, INC)),
    ("update the site to use the most current Upstream release", "upstream-default-update", (INC, NOT, INC, INC)),
    ("launch support when it's time to go live", "launch-support", (INC, INC, INC, INC)),
]
SITES = (STANDARD_WORDPRESS, SPLIT_DRUPAL, BASIC_WORDPRESS, ACQUIA_DRUPAL)
OUT_OF_SCOPE = [
    ("Sites not listed in the original migrations agreement", "unlisted-site", "account-rep"),
    ("resources that are not available on the platform", "unavailable-platform-resource", "none"),
    ("Performance optimization", "performance-optimization", "account-rep"),
    ("Additional resync of database and files", "additional-resync", "ps-hours"),
    ("Updating custom or contributed modules and plugins", "update-extensions", "account-rep"),
    ("Fixing issues that already existed on the source server", "preexisting-defects", "none"),
    ("Resolving caching issues", "caching-issues", "none"),
    ("Deployment workflow configuration, updates, or changes", "deployment-workflow", "account-rep"),
    ("Preservation of Git history", "git-history", "self-service"),
    ("Adding any new functionality", "new-functionality", "account-rep"),
    ("Enabling or disabling S3 or other CDN configurations", "s3-cdn-change", "ps-hours"),
    ("Switching to Pantheon Search from another search platform", "search-platform-switch", "account-rep"),
    ("Any code changes made to the site after the initial migration begins", "post-start-code-changes", "customer"),
]


def decisions(facts: Mapping[str, Any]) -> dict[str, Decision]:
    return {line.item: line.ruling.decision for line in lines_of_site(CATALOGUE, facts)}


def reasons(facts: Mapping[str, Any]) -> dict[str, str]:
    return {line.item: line.ruling.reason for line in lines_of_site(CATALOGUE, facts)}


def missing(facts: Mapping[str, Any]) -> set[str]:
    return {fact for line in lines_of_site(CATALOGUE, facts) for fact in line.ruling.missing_facts}


@pytest.mark.parametrize(("sentence", "item", "wanted"), SENTENCES)
def test_each_sentence_of_what_is_included_is_an_item_of_each_site(
    sentence: str, item: str, wanted: tuple[Decision, ...]
) -> None:
    assert tuple(decisions(site)[item] for site in SITES) == wanted, sentence


def test_nothing_stands_in_a_scope_that_the_service_page_does_not_name() -> None:
    named = {item for _sentence, item, _wanted in SENTENCES}
    assert named == {item.id for item in CATALOGUE.offering.included if not item.of_engagement}
    beyond = [set(decisions(site)) - named for site in SITES]
    assert beyond == [set(), {"performance-report", "cron-custom-module"}, set(), set()]


def test_the_engagement_lists_its_channel_and_everything_that_is_out_of_scope_with_the_way_on() -> None:
    lines = list(lines_of_engagement(CATALOGUE))
    assert [(line.item, line.ruling.decision) for line in lines[:1]] == [("support-channel", INC)]
    assert [(line.item, line.ruling.decision, line.ruling.route) for line in lines[1:]] == [
        (item, OUT, route) for _sentence, item, route in OUT_OF_SCOPE
    ]


def test_a_basic_plan_blocks_exactly_four_items_each_with_its_reason() -> None:
    unknown = {"cms": "wordpress", "plan": "basic"}
    for site in (BASIC_WORDPRESS, unknown, {**unknown, "cms": "drupal"}):
        blocked = {item: reasons(site)[item] for item, decision in decisions(site).items() if decision is OUT}
        assert blocked == {
            "cron-new-relic": "The Basic plan has no New Relic, so no monitors can trigger cron there; "
            "the platform's hourly cron stays. A bigger plan brings it.",
            "install-object-cache": "The Basic plan has no object cache. A bigger plan brings it.",
            "install-pantheon-search": "The Basic plan has no Pantheon Search. A bigger plan brings it.",
            "acquia-search-switch": "The Basic plan has no Pantheon Search, so Acquia Search has nothing to switch to. "
            "A bigger plan brings it.",
        }


def test_what_nobody_knows_leaves_items_open_and_names_the_facts_to_ask_for() -> None:
    assert missing({"cms": "wordpress"}) == {
        "plan", "network", "upstream_choice", "search_provider", "has_htaccess_redirects", "sends_email",
        "uses_php_sessions", "cron_need", "certificate",
    }  # fmt: skip
    assert missing({"cms": "drupal"}) == {
        "plan", "drupal_multisite", "upstream_choice", "search_provider", "has_htaccess_redirects", "sends_email",
        "cron_need", "certificate",
    }  # fmt: skip
    assert missing(KNOWN) == set()
    assert reasons({"cms": "wordpress"})["email-external"] == "Not known yet: Sends e-mail."


def test_what_is_certainly_not_so_decides_even_where_the_rest_is_unknown() -> None:
    assert decisions({"cms": "drupal"})["install-native-sessions"] is NOT
    assert decisions({"cms": "wordpress", "search_provider": "algolia"})["install-pantheon-search"] is NOT


@pytest.mark.parametrize(
    ("over", "wanted"),
    [
        pytest.param({"cron_need": "finer_than_hourly_or_network"}, INC, id="as the catalogue says it"),
        pytest.param({"cron_need": "hourly"}, NOT, id="the platform's cron is enough"),
        pytest.param({"cron_need": "hourly", "network": True}, INC, id="a network has no cron of the platform"),
        pytest.param({"cron_need": None, "network": True}, INC, id="a network, whatever its jobs"),
        pytest.param({"cron_need": "hourly", "network": None}, OPEN, id="perhaps a network"),
        pytest.param({"cron_need": None}, OPEN, id="nobody knows"),
        pytest.param({"cron_need": "custom_code"}, NOT, id="monitors do not help"),
    ],
)
def test_monitors_trigger_cron_where_hourly_is_not_enough_or_a_network_has_none(over: dict[str, Any], wanted: Decision) -> None:
    assert decisions({**KNOWN, **over})["cron-new-relic"] is wanted


@pytest.mark.parametrize(
    ("over", "item", "wanted"),
    [
        pytest.param({"cron_need": "custom_code"}, "cron-custom-module", PS, id="paid by PS hours"),
        pytest.param(
            {"cron_need": "custom_code", "premium_option": "cron-custom-module"},
            "cron-custom-module",
            PRE,
            id="the Premium extra",
        ),
        pytest.param({"network": True, "legacy_blogs_dir": True}, "blogs-dir-conversion", OUT, id="an extra not taken"),
        pytest.param(
            {"network": True, "legacy_blogs_dir": True, "premium_option": "blogs-dir-conversion"},
            "blogs-dir-conversion",
            PRE,
            id="an extra taken",
        ),
        pytest.param({"premium_option": "blogs-dir-conversion"}, "blogs-dir-conversion", OPEN, id="an extra that does not fit"),
        pytest.param(
            {"premium_option": "custom-upstream", "workspace_plan_allows_custom_upstream": None},
            "custom-upstream",
            OPEN,
            id="an extra that may not fit",
        ),
        *(
            pytest.param({"premium_option": option}, option, PRE, id=option)
            for option in ("extra-hours-10", "custom-upstream", "extra-content-resync", "performance-report")
        ),
    ],
)
def test_what_is_beyond_the_included_is_the_premium_extra_else_ps_hours_else_out_of_scope(
    over: dict[str, Any], item: str, wanted: Decision
) -> None:
    assert decisions({**KNOWN, **over})[item] is wanted


def test_a_performance_report_does_not_include_the_work_that_it_advises() -> None:
    reason = reasons({**KNOWN, "premium_option": "performance-report"})["performance-report"]
    assert reason == "The one Premium extra that this site takes. It does not include doing the advised work."
    assert about(CATALOGUE, "performance-report").limits == (
        "not included: doing the advised work (see out-of-scope performance-optimization)",
    )


def test_every_condition_of_every_catalogue_has_its_rule() -> None:
    for version in loader.versions():
        offering = loader.catalogue(version).offering
        conditions = {key for item in offering.included for key in item.applies_when}
        conditions |= {key for option in offering.premium_options for key in option.applies_when}
        assert conditions <= set(CONDITIONS)


def test_a_yes_or_no_fact_with_another_answer_is_not_known() -> None:
    answer = meet({"sends_email": True}, {"sends_email": "sometimes"})
    assert (answer.holds, answer.ask) == (None, ("sends_email",))


def test_a_plan_that_the_catalogue_blocks_beats_all_other_facts() -> None:
    item = CATALOGUE.included["acquia-search-switch"]
    ruling = decide(item, {"cms": "wordpress", "plan": "basic", "search_provider": "none"}, CATALOGUE.plans)
    assert (ruling.decision, ruling.route) == (OUT, "account-rep")


@pytest.mark.parametrize(
    ("state", "evidence", "reason", "field"),
    [
        pytest.param("done", "", None, "evidence", id="done without proof"),
        pytest.param("done", "https://example.com/report", None, None, id="done with proof"),
        pytest.param("waived", "", None, "reason", id="waived without a reason"),
        pytest.param("not_needed", "", None, "reason", id="not needed without a reason"),
        pytest.param("waived", "", "The customer does it", None, id="waived with a reason"),
        pytest.param("doing", "", None, None, id="in work"),
    ],
)
def test_done_needs_proof_and_what_is_left_out_a_reason(state: str, evidence: str, reason: str | None, field: str | None) -> None:
    faults = check_work(state, evidence=evidence, reason=reason, verification=["a message that arrived"])
    assert [fault.field for fault in faults] == ([field] if field else [])
    assert not check_work("done", evidence="", reason=None, verification=[]), "where no proof is asked for, none is needed"


@dataclass(frozen=True)
class Item:
    title: str = "Mail"
    decision: str = "included"
    due_before: str = "uat"
    work_state: str = "planned"


@pytest.mark.parametrize(
    ("over", "holds_up"),
    [
        ({}, True),
        ({"decision": "premium", "work_state": "doing"}, True),
        ({"decision": "ps"}, True),
        ({"work_state": "done"}, False),
        ({"work_state": "waived"}, False),
        ({"work_state": "not_needed"}, False),
        ({"due_before": "launch"}, False),
        ({"decision": "undecided", "due_before": "launch"}, True),
        ({"decision": "out_of_scope"}, False),
        ({"decision": "not_applicable"}, False),
    ],
)
def test_uat_waits_for_what_is_undecided_and_for_what_is_to_be_done_before_it(over: dict[str, str], holds_up: bool) -> None:
    assert holds_up_uat(replace(Item(), **over)) is holds_up


def test_the_guard_names_how_many_items_and_the_first_few() -> None:
    assert say_unsettled([Item("Mail")]) == "1 scope item is not settled: “Mail”."
    many = [Item(title) for title in ("Mail", "Cron", "Search", "Redirects", "Sessions")]
    assert say_unsettled(many) == "5 scope items are not settled: “Mail”, “Cron”, “Search” and 2 more."
