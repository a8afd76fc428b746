"""Which guided path fits a site: the rules of the catalogue's sources in their order, each with its reason.

Nobody guesses: a fact that is not known and would change the answer is named with its question, and the proposal says
under which condition it holds. Source: docs/rules/paths.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tracker.domain.fact import FACTS
from tracker.domain.runbook import Runbook

MANAGED, LAUNCH, WPENGINE = "managed-migration", "launch-dns-https", "wpengine-fallback"
WP_GUIDED, WP_NETWORK, BY_HAND = "wordpress-guided-2024", "wordpress-multisite-manual", "manual-code-db-files"
EXTRACT, SHARED_UPSTREAM = "drupal-multisite-extract", "drupal-multisite-custom-upstream"
CONVERSION, COMPOSER_BY_HAND = "drupal-composer-archive-conversion", "drupal-composer-manual"
DRUSH_ARCHIVE, TERMINUS = "drupal-guided-archive", "drupal7-terminus-import"
ARCHIVE_LIMIT_MB = 500  # BR-33
LAST_DRUSH_WITH_ARD, FIRST_DRUSH_WITH_ARCHIVE = 8, 11  # Drush 9 and 10 write no archive
CUSTOM_UPSTREAM, EXTRA_UPSTREAM = "custom-or-alternative", "custom-upstream"

# What is asked besides the facts of `domain/fact.py`: fields of the site itself.
FIELD_QUESTIONS = {
    "network": "Is this WordPress a network of several sites?",
    "multisite_decision": "Does the network stay one network, or is it split into single sites?",
}
# How a proposal says that it takes an unknown fact for granted.
ASSUMED: Mapping[str, Mapping[Any, str]] = {
    "network": {False: "the site is no network"},
    "multisite_decision": {"keep": "the network stays a network", "split": "each sub-site becomes a site of its own"},
    "drupal_multisite": {False: "the site is no multisite"},
    "composer_managed": {False: "the code is not built with Composer", True: "the code is built with Composer"},
    "archive_mb": {0: "code, database and files each stay within 500 MB"},
    "plugin_installable": {True: "a plugin can be installed on the source"},
    "publicly_reachable": {True: "the source can be reached from the internet"},
    "git_history_wanted": {False: "the Git history need not be kept"},
    "drush_major": {8: "Drush 8 or older is on the source", 11: "Drush 11 or newer is on the source"},
}


@dataclass(frozen=True)
class PathSubject:
    """What the choice of a path looks at: a site's own fields, its facts, and what was bought for it."""

    cms: str
    cms_variant: str | None = None
    cms_version: str | None = None
    network: bool | None = None
    multisite_decision: str | None = None
    upstream_choice: str | None = None
    premium_option: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    managed: bool = False
    has_ps_hours: bool = False

    def known(self, name: str) -> Any:
        """What is known of a fact; None where nothing is, or nothing that can be used."""
        if name in FIELD_QUESTIONS:
            return getattr(self, name)
        return read_fact(name, self.facts.get(name))

    @property
    def has_custom_upstream(self) -> bool:
        """A custom upstream is paid for: as the Premium option, or by PS hours where the site is to have one."""
        by_hours = self.has_ps_hours and self.upstream_choice == CUSTOM_UPSTREAM
        return self.premium_option == EXTRA_UPSTREAM or by_hours

    @property
    def is_drupal_7(self) -> bool:
        return self.cms_variant == "drupal-7" or (self.cms_version or "").split(".")[0] == "7"


@dataclass(frozen=True)
class OpenFact:
    """A fact that nobody has said and that would change the proposal."""

    fact: str
    question: str


@dataclass(frozen=True)
class Proposal:
    """The path that fits, and why. `calls` is the technical path inside a managed migration."""

    runbook_id: str | None
    reason: str
    rule: str
    alternatives: tuple[str, ...] = ()
    unknown: tuple[OpenFact, ...] = ()
    holds_if: str | None = None
    calls: "Proposal | None" = None


@dataclass(frozen=True)
class _Outcome:
    runbook_id: str | None
    reason: str
    rule: str
    alternatives: tuple[str, ...] = ()


class _Facts:
    """Answers what the rules ask; for what is unknown it takes the usual answer, or another one that is to be tried."""

    def __init__(self, subject: PathSubject, instead: Mapping[str, Any] | None = None) -> None:
        self.subject = subject
        self.instead = instead or {}
        self.assumed: dict[str, tuple[Any, tuple[Any, ...]]] = {}

    def ask(self, name: str, *, usual: Any, others: tuple[Any, ...]) -> Any:
        """A fact; where nobody knows it, the usual answer, and what else might be answered is remembered."""
        known = self.subject.known(name)
        if known is not None:
            return known
        self.assumed[name] = (usual, others)
        return self.instead.get(name, usual)

    def holds(self, name: str, *, usually: bool = False) -> bool:
        """A fact that is answered by yes or no."""
        return bool(self.ask(name, usual=usually, others=(not usually,)))


def propose(subject: PathSubject) -> Proposal:
    """The path for a site, by the rules in their order. Source: domain section 3, BR-33."""
    technical = _technical(subject)
    if not subject.managed:
        return technical
    return Proposal(
        MANAGED,
        "The engagement is managed: the managed migration is the whole way, and inside it one technical path moves the site.",
        "section 3, rule 1",
        unknown=technical.unknown,
        holds_if=None,
        calls=technical,
    )


def _technical(subject: PathSubject) -> Proposal:
    facts = _Facts(subject)
    found = _decide(facts)
    unknown, alternatives = [], list(found.alternatives)
    for name, (_usual, others) in facts.assumed.items():
        elsewhere = [_decide(_Facts(subject, {name: other})) for other in others]
        if any(other.runbook_id != found.runbook_id for other in elsewhere):
            unknown.append(name)
            alternatives += [other.runbook_id for other in elsewhere if other.runbook_id is not None]
    conditions = [ASSUMED[name][facts.assumed[name][0]] for name in unknown]
    return Proposal(
        found.runbook_id,
        found.reason,
        found.rule,
        alternatives=tuple(each for each in dict.fromkeys(alternatives) if each != found.runbook_id),
        unknown=tuple(OpenFact(name, question_of(name)) for name in unknown),
        holds_if=_join(conditions) or None,
    )


def question_of(name: str) -> str:
    """How a fact, or a field of the site, is asked for."""
    return FIELD_QUESTIONS[name] if name in FIELD_QUESTIONS else FACTS[name].question


def _decide(facts: _Facts) -> _Outcome:
    return _wordpress(facts) if facts.subject.cms == "wordpress" else _drupal(facts)


def _wordpress(facts: _Facts) -> _Outcome:
    if facts.holds("network"):
        return _wordpress_network(facts)
    if facts.holds("composer_managed"):
        return _Outcome(
            BY_HAND,
            "The code is built with Composer, and no guided path takes that. It is moved by hand, and that is PS work.",
            "section 3, rule 6",
        )
    against = [
        (
            _is_too_large(facts),
            "the site is over 500 MB, and the guided path is made for less",
        ),
        (not facts.holds("plugin_installable", usually=True), "no plugin can be installed on the source"),
        (not facts.holds("publicly_reachable", usually=True), "the source cannot be reached from the internet"),
        (facts.holds("git_history_wanted"), "the Git history is to be kept"),
    ]
    said = [reason for holds, reason in against if holds]
    if said:
        # A large site may go through the plugin after all: a run that times out goes on when it is started again.
        only_large = len(said) == 1 and against[0][0]
        return _Outcome(
            BY_HAND, f"By hand, because {_join(said)}.", "section 3, rule 6; BR-33", (WP_GUIDED,) if only_large else ()
        )
    return _Outcome(
        WP_GUIDED,
        "A single WordPress that the migration plugin can reach: the guided path of 2024 takes it.",
        "section 3, rule 6",
        (BY_HAND,),
    )


def _is_too_large(facts: _Facts) -> bool:
    return bool(facts.ask("archive_mb", usual=0, others=(ARCHIVE_LIMIT_MB + 1,)) > ARCHIVE_LIMIT_MB)


def _wordpress_network(facts: _Facts) -> _Outcome:
    if facts.ask("multisite_decision", usual="keep", others=("split",)) == "split":
        return _Outcome(
            None,
            "The network is split: every sub-site becomes a target of its own. "
            "List each of them as a site, and choose its path there.",
            "section 3, rule 2",
            (BY_HAND,),
        )
    return _Outcome(WP_NETWORK, "A WordPress network that stays a network is moved by hand as a whole.", "section 3, rule 2")


def _drupal(facts: _Facts) -> _Outcome:
    subject = facts.subject
    if subject.network or facts.holds("drupal_multisite"):
        return _drupal_multisite(facts)
    return _drupal_composer(facts) if _is_built_with_composer(facts) else _drupal_archive(facts)


def _is_built_with_composer(facts: _Facts) -> bool:
    """The variant says it where the fact does not: the guided path offers Drupal 7 or Drupal with Composer."""
    subject = facts.subject
    if subject.known("composer_managed") is None and subject.cms_variant is not None:
        return subject.cms_variant == "drupal-composer"
    return facts.holds("composer_managed", usually=not subject.is_drupal_7)


def _drupal_multisite(facts: _Facts) -> _Outcome:
    usual = "keep" if facts.subject.has_custom_upstream else "split"
    decision = facts.ask("multisite_decision", usual=usual, others=("keep", "split"))
    if decision == "keep" and facts.subject.has_custom_upstream:
        return _Outcome(
            SHARED_UPSTREAM,
            "The sub-sites go on sharing their code, and the custom upstream for that is paid for.",
            "section 3, rule 3",
            (EXTRACT,),
        )
    if decision == "keep":
        return _Outcome(
            EXTRACT,
            "To go on sharing code the sub-sites need a custom upstream: as the site's Premium option, or by PS hours. "
            "Without it each sub-site is taken out and becomes a site of its own.",
            "section 3, rule 3",
            (SHARED_UPSTREAM,),
        )
    return _Outcome(EXTRACT, "Each sub-site of the multisite becomes a site of its own.", "section 3, rule 3")


def _drupal_composer(facts: _Facts) -> _Outcome:
    if not facts.subject.is_drupal_7 and facts.ask("drush_major", usual=11, others=(8,)) >= FIRST_DRUSH_WITH_ARCHIVE:
        return _Outcome(
            CONVERSION,
            "Drupal built with Composer, and Drush 11 or newer can write the archive that is converted.",
            "section 3, rule 4",
            (COMPOSER_BY_HAND,),
        )
    return _Outcome(
        COMPOSER_BY_HAND,
        "Drupal built with Composer is moved by hand where Drush 11 cannot write its archive.",
        "section 3, rule 4",
    )


def _drupal_archive(facts: _Facts) -> _Outcome:
    drush = facts.ask("drush_major", usual=8, others=(0,))
    if not 1 <= drush <= LAST_DRUSH_WITH_ARD:
        said = "there is no Drush on the source" if drush < 1 else f"Drush {drush:g} has no drush ard"
        return _Outcome(BY_HAND, f"By hand, because {said}: the archive needs Drush 8 or older.", "BR-33")
    if _is_too_large(facts):
        return _Outcome(BY_HAND, "By hand, because the archive is over 500 MB, and the importer takes no more.", "BR-33")
    if facts.subject.upstream_choice == CUSTOM_UPSTREAM:
        if facts.subject.is_drupal_7:
            return _Outcome(
                TERMINUS,
                "The target has an upstream of its own, so it is made first and the archive imported with Terminus.",
                "section 3, rule 5",
                (DRUSH_ARCHIVE,),
            )
        return _Outcome(BY_HAND, "By hand, because the target has an upstream of its own.", "section 3, rule 5")
    return _Outcome(
        DRUSH_ARCHIVE,
        "Drush 8 or older writes an archive within 500 MB, and the guided path imports it from a public address.",
        "section 3, rule 5",
        (TERMINUS, BY_HAND) if facts.subject.is_drupal_7 else (BY_HAND,),
    )


def read_fact(name: str, value: Any) -> Any:
    """A fact as a rule can use it: yes or no, or a number; None for what cannot be read as that."""
    kind = FACTS[name].kind
    if kind == "number":
        return _read_number(value)
    if kind == "yes_no":
        return value if isinstance(value, bool) else {"yes": True, "no": False}.get(str(value).strip().lower())
    return value


def _read_number(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    found = re.match(r"\d{1,9}(?:\.\d{1,3})?", value.strip()) if isinstance(value, str) else None
    return float(found[0]) if found else None


def fallback_of(runbook: Runbook, fault: str | None, facts: Mapping[str, Any], paths: Mapping[str, Runbook]) -> str | None:
    """The path to try after one that failed; None where somebody has to be asked instead.

    A multisite that was taken for a single site goes on by its own path, a WP Engine source has a fallback of its own.
    """
    if fault == "many-site-dirs" and runbook.id != EXTRACT:
        return EXTRACT
    if "wordpress-guided" in runbook.id and is_wp_engine(facts.get("source_host")):
        return WPENGINE
    if runbook.id == WPENGINE:
        return BY_HAND
    return runbook.on_failure.route if runbook.on_failure.route in paths else None


def is_wp_engine(host: Any) -> bool:
    """Whether the source's host is WP Engine, however it is written."""
    return isinstance(host, str) and re.sub(r"[^a-z]", "", host.lower()).startswith("wpengine")


SLOTS: Mapping[str, str] = {MANAGED: "whole", LAUNCH: "launch"}


def slot_of(runbook_id: str) -> str:
    """What a path is for: the whole migration, the move of the site, or its launch. A site walks one of each."""
    return SLOTS.get(runbook_id, "move")


def _join(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))
