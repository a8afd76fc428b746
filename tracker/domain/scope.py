"""Scope items: what each thing of the catalogue is for one site, and how far the work on it is.

The rules are three-valued: what is certainly not so decides, what nobody knows yet leaves an item undecided and names
the fact to ask for. Nothing is guessed. Sources: docs/rules/scope.md, BR-02, BR-16, BR-23, BR-24, BR-31, BR-50.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from tracker.domain.catalogue import Catalogue
from tracker.domain.errors import FieldError
from tracker.domain.fact import EVERY_FACT, FACTS
from tracker.domain.offering import Exclusion, IncludedItem, Plan, PremiumOption
from tracker.domain.record import Conditions


class Decision(StrEnum):
    """What one thing is for one site, named as the API names it, in the order in which it is shown everywhere."""

    INCLUDED = "included"
    PREMIUM = "premium"
    PS = "ps"
    OUT_OF_SCOPE = "out_of_scope"
    UNDECIDED = "undecided"
    NOT_APPLICABLE = "not_applicable"


class WorkState(StrEnum):
    """How far the work on one thing is."""

    PLANNED = "planned"
    DOING = "doing"
    DONE = "done"
    NOT_NEEDED = "not_needed"
    WAIVED = "waived"


DECISION_LABELS: Mapping[str, str] = {
    Decision.INCLUDED: "Included",
    Decision.PREMIUM: "Premium",
    Decision.PS: "PS hours",
    Decision.OUT_OF_SCOPE: "Out of scope",
    Decision.UNDECIDED: "Open",
    Decision.NOT_APPLICABLE: "Not needed here",
}
WORK_LABELS: Mapping[str, str] = {
    WorkState.PLANNED: "Planned",
    WorkState.DOING: "In work",
    WorkState.DONE: "Done",
    WorkState.NOT_NEEDED: "Not needed",
    WorkState.WAIVED: "Waived",
}
# What somebody works on; the rest is only told.
WORKED_ON = frozenset({Decision.INCLUDED, Decision.PREMIUM, Decision.PS})
SETTLED = frozenset({WorkState.DONE, WorkState.NOT_NEEDED, WorkState.WAIVED})
# The way on for what is not part of the migration, by the catalogue's routes.
WAYS_ON: Mapping[str, str] = {
    "account-rep": "Your account representative can quote it.",
    "ps-hours": "PS hours can pay for it.",
    "self-service": "You can do it yourself, with our guide.",
    "customer": "It stays with you.",
    "none": "There is no way to have it done here.",
}
PREMIUM_CATEGORY, EXCLUSION_CATEGORY, OWN_CATEGORY = "premium", "out_of_scope", "own"
BY_MODULE, LEGACY_LAYOUT = "cron-custom-module", "blogs-dir-conversion"


@dataclass(frozen=True)
class Ruling:
    """What the rules say of one thing: the decision, why in plain words, and the facts that are still to be asked."""

    decision: Decision
    reason: str
    missing_facts: tuple[str, ...] = ()
    route: str | None = None


@dataclass(frozen=True)
class Line:
    """One scope item as the catalogue and the rules have it."""

    item: str
    title: str
    category: str
    source: str
    due_before: str
    ruling: Ruling


# Conditions


@dataclass(frozen=True)
class Answer:
    """Whether a condition holds: None where nobody knows; then `ask` names the facts, and `why` what is not so."""

    holds: bool | None
    ask: tuple[str, ...] = ()
    why: str = ""


HOLDS = Answer(holds=True)
Facts = Mapping[str, Any]
Condition = Callable[[str, Any, Facts], Answer]

# Facts whose choices are all there are; of the search engines there are more than are named.
CLOSED = frozenset({"certificate", "cron_need"})
CMS_NAMES = {"wordpress": "WordPress", "drupal": "Drupal"}
SAID_NO: Mapping[str, str] = {
    "network": "This is a single site, not a WordPress network.",
    "drupal_multisite": "This Drupal is one site, not a multisite.",
    "has_htaccess_redirects": "There are no redirects in a .htaccess file.",
    "sends_email": "The site sends no e-mail.",
    "uses_php_sessions": "Nothing on the site uses PHP sessions.",
    "legacy_blogs_dir": "The uploads are not in the old blogs.dir layout.",
    "workspace_plan_allows_custom_upstream": "The workspace's plan does not allow custom upstreams.",
    "certificate": "The site brings a certificate of its own. Loading it is a service of its own; plan four business days.",
}


def _same(key: str, wanted: Any, facts: Facts) -> Answer:
    """A fact has the one value, or one of several. What is answered otherwise than the question allows is not known."""
    value = facts.get(key)
    if value is None or (isinstance(wanted, bool) and not isinstance(value, bool)):
        return Answer(None, ask=(key,))
    if key in CLOSED and value not in FACTS[key].choices:
        return Answer(None, ask=(key,))
    if value in (wanted if isinstance(wanted, list) else [wanted]):
        return HOLDS
    return Answer(holds=False, why=SAID_NO.get(key, f"{_label(key)}: another answer was given."))


def _cms(key: str, wanted: Any, facts: Facts) -> Answer:
    names = wanted if isinstance(wanted, list) else [wanted]
    if facts.get(key) in names:
        return HOLDS
    return Answer(holds=False, why=f"Only a {' or '.join(CMS_NAMES[name] for name in names)} site needs this.")


def _plan(key: str, wanted: Any, facts: Facts) -> Answer:
    del key
    plan = facts.get("plan")
    if plan is None:
        return Answer(None, ask=("plan",))
    return Answer(holds=False, why="The plan does not carry it.") if plan in wanted else HOLDS


def _search(key: str, wanted: Any, facts: Facts) -> Answer:
    answer = _same(key, wanted, facts)
    if answer.holds is not False:
        return answer
    value = str(facts[key])
    name = FACTS[key].choices.get(value, value)
    if value == "none":
        return Answer(holds=False, why="The site uses the search of its own system.")
    if value == "pantheon":
        return Answer(holds=False, why="The site uses Pantheon Search already.")
    return Answer(holds=False, why=f"The search stays as it is ({name}). Of other engines only Acquia Search is switched.")


def _cron(key: str, wanted: Any, facts: Facts) -> Answer:
    """Monitors trigger cron where hourly is not often enough, and on networks, which the platform's cron does not serve."""
    need, network = facts.get(key), facts.get("network")
    if network is True or need == wanted or need == "finer_than_hourly":
        return HOLDS
    if need not in FACTS[key].choices:
        return Answer(None, ask=(key,))
    if need == "custom_code":
        return Answer(holds=False, why="The schedule needs code of its own: see the cron set-up by a custom module.")
    if facts.get("cms") == "wordpress" and network is None:
        return Answer(None, ask=("network",))
    return Answer(holds=False, why="The platform's own hourly cron is often enough.")


UPSTREAM_WHY = "Only the default upstream is brought to its newest release; the chosen code base keeps its own version policy."


def _upstream(key: str, wanted: Any, facts: Facts) -> Answer:
    answer = _same(key, wanted, facts)
    return Answer(holds=False, why=UPSTREAM_WHY) if answer.holds is False else answer


CONDITIONS: Mapping[str, Condition] = {
    "cms": _cms,
    "plan_not": _plan,
    "search_provider": _search,
    "cron_need": _cron,
    "upstream_choice": _upstream,
    "network": _same,
    "drupal_multisite": _same,
    "has_htaccess_redirects": _same,
    "sends_email": _same,
    "uses_php_sessions": _same,
    "certificate": _same,
    "legacy_blogs_dir": _same,
    "workspace_plan_allows_custom_upstream": _same,
}


def _label(key: str) -> str:
    return EVERY_FACT[key].label


def meet(conditions: Conditions, facts: Facts) -> Answer:
    """All conditions together: one that is certainly not so decides; else one that nobody knows leaves it open."""
    answers = [CONDITIONS[key](key, wanted, facts) for key, wanted in conditions.items()]
    refused = next((answer for answer in answers if answer.holds is False), None)
    if refused is not None:
        return refused
    ask = tuple(dict.fromkeys(key for answer in answers for key in answer.ask))
    return Answer(None, ask=ask) if ask else HOLDS


# Decisions


def decide(item: IncludedItem, facts: Facts, plans: Mapping[str, Plan]) -> Ruling:
    """What an included item is for a site. What the plan lacks is out of scope, whatever else is known (BR-23, BR-24)."""
    plan, without = facts.get("plan"), item.applies_when.get("plan_not")
    if isinstance(without, list) and plan in without:
        return Ruling(Decision.OUT_OF_SCOPE, _say_plan(item, plans[plan]), route="account-rep")
    met = meet(item.applies_when, facts)
    if met.holds is None:
        return Ruling(Decision.UNDECIDED, say_missing(met.ask), met.ask)
    if met.holds is False:
        return Ruling(Decision.NOT_APPLICABLE, met.why)
    why = "Part of every migration, where the site needs it." if item.as_needed else "Part of every migration."
    return Ruling(Decision.INCLUDED, why)


# What an item that depends on the plan takes from it.
PLAN_SERVICE: Mapping[str, str] = {
    "cron-new-relic": "New Relic, so no monitors can trigger cron there; the platform's hourly cron stays",
    "install-object-cache": "object cache",
    "install-pantheon-search": "Pantheon Search",
    "acquia-search-switch": "Pantheon Search, so Acquia Search has nothing to switch to",
}


def _say_plan(item: IncludedItem, plan: Plan) -> str:
    service = PLAN_SERVICE.get(item.id, "what this needs")
    return f"The {plan.title} plan has no {service}. A bigger plan brings it."


def say_missing(facts: Iterable[str]) -> str:
    """Which answers an undecided item waits for."""
    return f"Not known yet: {', '.join(_label(key) for key in facts)}."


def decide_option(option: PremiumOption, facts: Facts) -> Ruling:
    """What the chosen Premium extra is: bought, so never simply dropped; where it does not fit, somebody has to choose anew."""
    met = meet(option.applies_when, facts)
    if met.holds is None:
        return Ruling(Decision.UNDECIDED, f"The Premium extra of this site. {say_missing(met.ask)}", met.ask)
    if met.holds is False:
        return Ruling(Decision.UNDECIDED, f"Chosen as the Premium extra, but it does not fit: {met.why} Choose another extra.")
    parts = ["The one Premium extra that this site takes."]
    parts += [f"It does not include {option.excludes.partition(' (')[0]}."] if option.excludes else []
    return Ruling(Decision.PREMIUM, " ".join(parts))


def _by_module(_option: PremiumOption, facts: Facts) -> Ruling | None:
    """Cron on a schedule that needs code: a Premium extra, else PS hours (reading 2, ambiguity 16)."""
    if facts.get("cron_need") != "custom_code":
        return None
    return Ruling(Decision.PS, "The schedule needs code of its own. It is a Premium extra or paid by PS hours.", route="ps-hours")


def _legacy_layout(option: PremiumOption, facts: Facts) -> Ruling | None:
    """A network in the old layout: its conversion is a Premium extra only (ambiguity 14)."""
    if meet(option.applies_when, facts).holds is not True:
        return None
    why = "Moving the network is included, changing its old blogs.dir layout is a Premium extra that this site has not taken."
    return Ruling(Decision.OUT_OF_SCOPE, why, route="account-rep")


# What a site may need of the Premium extras without having chosen it.
NEEDED_ANYWAY: Mapping[str, Callable[[PremiumOption, Facts], Ruling | None]] = {
    BY_MODULE: _by_module,
    LEGACY_LAYOUT: _legacy_layout,
}


def lines_of_site(catalogue: Catalogue, facts: Facts) -> Iterator[Line]:
    """Every scope item of one site: each included thing, its Premium extra, and what it needs beyond both."""
    for item in catalogue.offering.included:
        if not item.of_engagement:
            ruling = decide(item, facts, catalogue.plans)
            yield Line(item.id, item.title, item.category, item.source, item.due_before, ruling)
    for option in catalogue.offering.premium_options:
        needed = NEEDED_ANYWAY.get(option.id)
        if option.id == facts.get("premium_option"):
            yield _option_line(option, decide_option(option, facts))
        elif needed is not None and (beyond := needed(option, facts)) is not None:
            yield _option_line(option, beyond)


def _option_line(option: PremiumOption, ruling: Ruling) -> Line:
    return Line(option.id, option.title, PREMIUM_CATEGORY, option.source, option.due_before, ruling)


def lines_of_engagement(catalogue: Catalogue) -> Iterator[Line]:
    """What belongs to the engagement as a whole: what is included once, and everything that is out of scope."""
    for item in catalogue.offering.included:
        if item.of_engagement:
            ruling = Ruling(Decision.INCLUDED, "Part of every engagement.")
            yield Line(item.id, item.title, item.category, item.source, item.due_before, ruling)
    for exclusion in catalogue.offering.exclusions:
        ruling = Ruling(Decision.OUT_OF_SCOPE, _say_exclusion(exclusion), route=exclusion.route)
        yield Line(exclusion.id, exclusion.title, EXCLUSION_CATEGORY, exclusion.source, "launch", ruling)


def _say_exclusion(exclusion: Exclusion) -> str:
    parts = ["Not part of a migration."]
    parts += [f"Such as {', '.join(exclusion.detail)}."] if exclusion.detail else []
    parts += [f"Except: {'; '.join(exclusion.exceptions)}."] if exclusion.exceptions else []
    return " ".join(parts)


def say_clause(catalogue: Catalogue, source: str) -> str:
    """Where it stands in the documents that customers know, in words; other pages named beside them are left out."""
    named = {each.id for each in catalogue.offering.sources}
    parts = [part.strip() for part in source.split(";")]
    known = [part for part in parts if part.partition("#")[0] in named]
    return catalogue.say_source("; ".join(known or parts))


# Work


@dataclass(frozen=True)
class About:
    """What the catalogue says of an item beside the decision."""

    limits: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    verification: tuple[str, ...] = ()
    note: str | None = None


def about(catalogue: Catalogue, item: str) -> About:
    """What is known of an item: nothing of a thing of one's own."""
    if (included := catalogue.included.get(item)) is not None:
        return About(included.limits, included.inputs, included.verification, included.fallback)
    if (option := catalogue.premium_options.get(item)) is not None:
        limits = (f"not included: {option.excludes}",) if option.excludes else ()
        return About(limits, option.prerequisites, (), f"How many: {option.count}." if option.count else None)
    if (exclusion := catalogue.exclusions.get(item)) is not None:
        return About(exclusion.exceptions, (), (), exclusion.alternative)
    return About()


def check_work(state: str, *, evidence: str, reason: str | None, verification: Iterable[str]) -> list[FieldError]:
    """What is missing for a state of work: proof that it is done where proof is asked for, a reason where it is left out."""
    asked = list(verification)
    if state == WorkState.DONE and asked and not evidence:
        return [FieldError("evidence", f"Say what shows that it is done: {'; '.join(asked)}.")]
    if state in (WorkState.WAIVED, WorkState.NOT_NEEDED) and not reason:
        return [FieldError("reason", "Say why it is not done; the customer reads it.")]
    return []


class Worked(Protocol):
    """As much of a stored item as the rules of work look at. Read only."""

    @property
    def title(self) -> str: ...
    @property
    def decision(self) -> str: ...
    @property
    def due_before(self) -> str: ...
    @property
    def work_state(self) -> str: ...


def holds_up_uat(item: Worked) -> bool:
    """Whether the acceptance test has to wait for an item: undecided, or to be done before it and not settled (BR-16, BR-31).

    What comes later by nature, such as the resync, certificates and launch support, holds nothing up.
    """
    if item.decision == Decision.UNDECIDED:
        return True
    return item.decision in WORKED_ON and item.due_before == "uat" and item.work_state not in SETTLED


NAMED = 3


def say_unsettled(items: Iterable[Worked]) -> str:
    """How many items the acceptance test waits for, the first few by name."""
    titles = [f"“{item.title}”" for item in items]
    more = f" and {len(titles) - NAMED} more" if len(titles) > NAMED else ""
    counted = f"{len(titles)} scope item{'s are' if len(titles) != 1 else ' is'} not settled"
    return f"{counted}: {', '.join(titles[:NAMED])}{more}."
