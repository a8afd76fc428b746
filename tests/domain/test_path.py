"""Which path fits: each row cites the rule it stands for (domain, section 3; business rules BR-33)."""

from typing import Any

import pytest

from tracker.catalog.loader import newest
from tracker.domain.path import PathSubject, fallback_of, propose, slot_of

PATHS = newest().paths
# Everything that the rules ask about a single WordPress, answered so that nothing speaks against the guided path.
WP = {
    "composer_managed": False, "archive_mb": 120, "plugin_installable": True, "publicly_reachable": True,
    "git_history_wanted": False,
}  # fmt: skip
D7 = {"drupal_multisite": False, "composer_managed": False, "drush_major": 8, "archive_mb": 300}
D10 = {"drupal_multisite": False, "composer_managed": True, "drush_major": 12}


def wordpress(facts: dict[str, Any] | None = None, **over: Any) -> PathSubject:
    said: dict[str, Any] = {"cms": "wordpress", "network": False, "facts": WP | (facts or {})}
    return PathSubject(**(said | over))


def drupal_7(facts: dict[str, Any] | None = None, **over: Any) -> PathSubject:
    return PathSubject(**({"cms": "drupal", "cms_variant": "drupal-7", "facts": D7 | (facts or {})} | over))


def drupal_10(facts: dict[str, Any] | None = None, **over: Any) -> PathSubject:
    return PathSubject(**({"cms": "drupal", "cms_variant": "drupal-composer", "facts": D10 | (facts or {})} | over))


@pytest.mark.parametrize(
    ("subject", "runbook", "said"),
    [
        pytest.param(wordpress(), "wordpress-guided-2024", "guided path of 2024", id="rule 6: a single WordPress"),
        pytest.param(
            wordpress(network=True, multisite_decision="keep"),
            "wordpress-multisite-manual",
            "stays a network",
            id="rule 2: a network that is kept",
        ),
        pytest.param(
            wordpress(network=True, multisite_decision="split"),
            None,
            "every sub-site becomes a target of its own",
            id="rule 2: a network that is dissolved",
        ),
        pytest.param(wordpress({"composer_managed": True}), "manual-code-db-files", "PS work", id="rule 6: Composer is PS work"),
        pytest.param(wordpress({"archive_mb": 501}), "manual-code-db-files", "over 500 MB", id="BR-33: over the limit"),
        pytest.param(wordpress({"archive_mb": 500}), "wordpress-guided-2024", "", id="BR-33: at the limit"),
        pytest.param(wordpress({"plugin_installable": False}), "manual-code-db-files", "no plugin", id="rule 6: no plugin"),
        pytest.param(wordpress({"publicly_reachable": False}), "manual-code-db-files", "reached", id="rule 6: a local site"),
        pytest.param(wordpress({"git_history_wanted": True}), "manual-code-db-files", "history", id="rule 6: history is kept"),
        pytest.param(wordpress({"archive_mb": "620 MB"}), "manual-code-db-files", "500 MB", id="BR-33: a size in words"),
        pytest.param(
            drupal_10({"drupal_multisite": True}, multisite_decision="split"),
            "drupal-multisite-extract",
            "a site of its own",
            id="rule 3: a multisite is taken apart",
        ),
        pytest.param(
            drupal_10({"drupal_multisite": True}, multisite_decision="keep", premium_option="custom-upstream"),
            "drupal-multisite-custom-upstream",
            "custom upstream",
            id="rule 3: shared code with the Premium option",
        ),
        pytest.param(
            drupal_10(network=True, multisite_decision="keep", upstream_choice="custom-or-alternative", has_ps_hours=True),
            "drupal-multisite-custom-upstream",
            "paid for",
            id="rule 3: shared code paid by PS hours",
        ),
        pytest.param(
            drupal_10({"drupal_multisite": True}, multisite_decision="keep"),
            "drupal-multisite-extract",
            "need a custom upstream",
            id="rule 3: shared code that nobody pays for",
        ),
        pytest.param(drupal_10(), "drupal-composer-archive-conversion", "Drush 11", id="rule 4: Composer with Drush 11"),
        pytest.param(drupal_10({"drush_major": 10}), "drupal-composer-manual", "by hand", id="rule 4: Composer, older Drush"),
        pytest.param(
            drupal_7({"composer_managed": True, "drush_major": 11}),
            "drupal-composer-manual",
            "by hand",
            id="rule 4: the conversion takes no Drupal 7",
        ),
        pytest.param(drupal_7(), "drupal-guided-archive", "public address", id="rule 5: Drupal 7 with Drush 8"),
        pytest.param(
            drupal_7(upstream_choice="custom-or-alternative"),
            "drupal7-terminus-import",
            "Terminus",
            id="rule 5: a custom upstream",
        ),
        pytest.param(drupal_7({"archive_mb": 900}), "manual-code-db-files", "over 500 MB", id="BR-33: a large archive"),
        pytest.param(drupal_7({"drush_major": 9}), "manual-code-db-files", "no drush ard", id="BR-33: Drush 9 writes none"),
        pytest.param(drupal_7({"drush_major": 0}), "manual-code-db-files", "no Drush", id="BR-33: no Drush at all"),
    ],
)
def test_the_path_follows_from_the_facts(subject: PathSubject, runbook: str | None, said: str) -> None:
    proposal = propose(subject)
    assert proposal.runbook_id == runbook
    assert said in proposal.reason
    assert (proposal.unknown, proposal.holds_if) == ((), None), "nothing is left to ask"


def test_a_managed_site_has_two_paths_one_inside_the_other() -> None:
    proposal = propose(wordpress(managed=True))
    assert proposal.runbook_id == "managed-migration"
    assert proposal.calls is not None
    assert proposal.calls.runbook_id == "wordpress-guided-2024"
    assert len({slot_of(name) for name in ("managed-migration", "wordpress-guided-2024", "launch-dns-https")}) == 3


def test_what_nobody_knows_is_asked_and_the_proposal_says_if() -> None:
    proposal = propose(PathSubject("wordpress", facts=WP | {"plugin_installable": None, "archive_mb": None}))
    assert proposal.runbook_id == "wordpress-guided-2024"
    assert [each.fact for each in proposal.unknown] == ["network", "archive_mb", "plugin_installable"]
    assert proposal.unknown[2].question == "Can a migration plugin be installed on the source site?"
    assert proposal.holds_if == (
        "the site is no network, code, database and files each stay within 500 MB and a plugin can be installed on the source"
    )
    assert set(proposal.alternatives) == {"manual-code-db-files", "wordpress-multisite-manual"}


def test_what_would_change_nothing_is_not_asked() -> None:
    proposal = propose(wordpress({"plugin_installable": False, "archive_mb": None}))
    assert (proposal.runbook_id, proposal.unknown) == ("manual-code-db-files", ())


def test_a_network_of_which_nobody_has_said_what_becomes_of_it_stays_a_network_for_now() -> None:
    proposal = propose(wordpress(network=True))
    assert (proposal.runbook_id, proposal.holds_if) == ("wordpress-multisite-manual", "the network stays a network")
    assert [each.question for each in proposal.unknown] == [
        "Does the network stay one network, or is it split into single sites?"
    ]


def test_superseded_paths_are_never_proposed() -> None:
    superseded = {name for name, runbook in PATHS.items() if runbook.status == "superseded"}
    assert superseded == {"wordpress-guided-2017", "wordpress-guided-2021"}
    for facts in ({}, WP, WP | {"archive_mb": 501}):
        proposal = propose(PathSubject("wordpress", facts=facts))
        assert not superseded & {proposal.runbook_id, *proposal.alternatives}


def test_every_proposed_path_is_in_the_catalogue_and_for_that_system() -> None:
    for subject in (wordpress(), drupal_7(), drupal_10(), PathSubject("drupal"), PathSubject("wordpress")):
        proposal = propose(subject)
        for name in (proposal.runbook_id, *proposal.alternatives):
            assert name is None or subject.cms in PATHS[name].cms


@pytest.mark.parametrize(
    ("runbook", "fault", "facts", "leads_to"),
    [
        pytest.param("wordpress-guided-2024", None, {"source_host": "WP Engine"}, "wpengine-fallback", id="WP Engine"),
        pytest.param("wordpress-guided-2024", None, {"source_host": "wpengine.com"}, "wpengine-fallback", id="written otherwise"),
        pytest.param("wordpress-guided-2024", None, {"source_host": "Kinsta"}, None, id="another host: ask Support"),
        pytest.param("wpengine-fallback", None, {}, "manual-code-db-files", id="after the fallback by hand"),
        pytest.param("drupal-guided-archive", "many-site-dirs", {}, "drupal-multisite-extract", id="it was a multisite"),
        pytest.param("drupal-guided-archive", "archive-404", {}, None, id="mend it and ask Support"),
        pytest.param("drupal7-terminus-import", None, {}, "manual-code-db-files", id="as the path says"),
        pytest.param("drupal-composer-archive-conversion", None, {}, "drupal-composer-manual", id="conversion failed"),
    ],
)
def test_where_a_failed_path_leads(runbook: str, fault: str | None, facts: dict[str, Any], leads_to: str | None) -> None:
    assert fallback_of(PATHS[runbook], fault, facts, PATHS) == leads_to
