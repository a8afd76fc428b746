"""The catalogue: what is sold, what is known to be incompatible, and the guided paths, as plain values.

One version of it is data under `tracker/catalog/`; an engagement keeps to the version its agreement was made on. The
classes here are also the schema: the loader checks the files against them, and refuses a field it does not know.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol

Cms = Literal["wordpress", "drupal"]
# Of a site's facts, the value each must have (or one of several) for an entry of the catalogue to apply.
Conditions = Mapping[str, str | bool | list[str]]


class Identified(Protocol):
    """An entry that others may name."""

    @property
    def id(self) -> str: ...


class Sourced(Identified, Protocol):
    """An entry that says where it comes from."""

    @property
    def source(self) -> str: ...


class Record:
    """An entry of a catalogue file: no field that is not named here."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class Source(Record):
    """Where a statement of the catalogue comes from, under the short name that entries use."""

    id: str
    title: str


@dataclass(frozen=True, kw_only=True)
class PartyRole(Record):
    """One of those who act in an engagement."""

    id: str
    title: str
    notes: str


@dataclass(frozen=True, kw_only=True)
class Package(Record):
    id: str
    title: str
    summary: str
    source: str
    reading: str | None = None


@dataclass(frozen=True, kw_only=True)
class PremiumOption(Record):
    """One of the extras of which a Premium site takes exactly one (BR-02)."""

    id: str
    title: str
    kind: Literal["hours_budget", "deliverable", "counted_deliverable"]
    source: str
    applies_when: Conditions
    due_before: Literal["uat", "launch"] = "uat"  # as of an included item
    ps_kind: str | None = None  # what the same work is called when PS hours pay for it
    hours: int | None = None
    count: int | None = None
    prerequisites: tuple[str, ...] = ()
    excludes: str | None = None
    reading: str | None = None
    history: str | None = None


@dataclass(frozen=True, kw_only=True)
class IncludedItem(Record):
    """One thing that every package includes where it applies to a site."""

    id: str
    title: str
    category: str
    source: str
    applies_when: Conditions
    due_before: Literal["uat", "launch"]  # by when it is done, waived or found not needed
    as_needed: bool = False
    of_engagement: bool = False
    count: int | None = None
    inputs: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    verification: tuple[str, ...] = ()
    runbook: str | None = None
    cap: str | None = None
    fallback: str | None = None
    reading: str | None = None
    history: str | None = None


@dataclass(frozen=True, kw_only=True)
class UpstreamChoice(Record):
    id: str
    title: str
    version_policy: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Cap(Record):
    """A limited good: hours or a number of times, for a site or for a customer's account."""

    id: str
    title: str
    scope: Literal["site", "account"]
    source: str
    hours: int | None = None
    count: int | None = None
    transferable: bool = False
    rolls_over: bool = False
    counts: tuple[str, ...] = ()
    does_not_count: tuple[str, ...] = ()
    when_exhausted: tuple[str, ...] = ()
    raised_by: tuple[str, ...] = ()
    only_when: str | None = None
    status: Literal["current", "historic"] = "current"
    note: str | None = None
    reading: str | None = None


@dataclass(frozen=True, kw_only=True)
class Exclusion(Record):
    """One thing that is out of scope, and the way on."""

    id: str
    title: str
    route: Literal["account-rep", "ps-hours", "self-service", "customer", "none"]
    source: str
    ps_kind: str | None = None
    detail: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()
    alternative: str | None = None
    evidence_rule: str | None = None
    reading: str | None = None


@dataclass(frozen=True, kw_only=True)
class PsKind(Record):
    """One kind of work that PS hours may pay for."""

    id: str
    title: str
    note: str | None = None
    prerequisite: str | None = None


@dataclass(frozen=True, kw_only=True)
class Responsibility(Record):
    """Something that the customer has to do. The seven of the service page become duties; the others are advice."""

    id: str
    title: str
    phase: str
    evidence: str
    source: str
    duty: bool = False
    mandatory: bool = True
    due: str | None = None
    consequence: str | None = None
    check: str | None = None
    handling: str | None = None


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """A plan family of the host and what it brings. None where the host does not say."""

    id: str
    title: str
    custom_domains: int
    new_relic: bool | None = None
    object_cache: bool
    search: bool
    object_cache_mb: int | None = None
    storage: str | None = None
    containers: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class AdjacentService(Record):
    """A service beside the migration to which a request may be passed on."""

    id: str
    title: str
    covers: tuple[str, ...]
    source: str
    sold_by: str | None = None
    lead_time: str | None = None


@dataclass(frozen=True, kw_only=True)
class Offering(Record):
    """What is sold, included, excluded and expected."""

    as_of: str
    ps_minimum_hours: int
    ps_readings: tuple[str, ...]
    sources: tuple[Source, ...]
    roles: tuple[PartyRole, ...]
    packages: tuple[Package, ...]
    premium_options: tuple[PremiumOption, ...]
    included: tuple[IncludedItem, ...]
    upstream_choices: tuple[UpstreamChoice, ...]
    caps: tuple[Cap, ...]
    exclusions: tuple[Exclusion, ...]
    ps_kinds: tuple[PsKind, ...]
    responsibilities: tuple[Responsibility, ...]
    plans: tuple[Plan, ...]
    adjacent_services: tuple[AdjacentService, ...]


Category = Literal[
    "filesystem-write", "object-cache", "session", "security-waf", "cron", "search", "email", "cache-conflict", "database",
    "multisite", "path-dependence", "unsupported-service", "performance", "server-config", "deployment", "tmp-directory",
    "php-runtime", "url-handling", "redirect-conflict", "backup", "timeouts",
]  # fmt: skip
Severity = Literal["blocks", "needs-workaround", "note"]
Disposition = Literal["known-workaround", "replace", "disable", "out-of-scope"]


@dataclass(frozen=True, kw_only=True)
class KnownIssue(Record):
    """One known incompatibility of one extension; an extension may have several."""

    id: str
    cms: Cms
    kind: Literal["plugin", "theme", "module"]
    name: str
    slug: str
    slug_confidence: Literal["high", "low"]
    category: Category
    severity: Severity
    disposition: Disposition
    summary: str
    source: str
    status: Literal["current", "retired"]
    as_of: str
    other_slugs: tuple[str, ...] = ()
    applies_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class CodePattern(Record):
    """Something in a site's own code that is known to need work."""

    id: str
    cms: tuple[Cms, ...]
    title: str
    detect: tuple[str, ...]
    category: Category
    severity: Severity
    disposition: Disposition
    summary: str
    source: str


@dataclass(frozen=True, kw_only=True)
class KnownIssues(Record):
    issues: tuple[KnownIssue, ...]
    code_patterns: tuple[CodePattern, ...]


@dataclass(frozen=True, kw_only=True)
class RunbookStep(Record):
    """One step of a guided path: who does it, what is needed, how it is checked, what proves it."""

    id: str
    title: str
    actor: str
    source: str
    evidence: str
    inputs: tuple[str, ...] = ()
    optional_inputs: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()  # "auto: …", "human: …", or the name of a shared validation

    @property
    def asked(self) -> tuple[str, ...]:
        """Every input, those first without which the step is not done."""
        return (*self.inputs, *self.optional_inputs)


@dataclass(frozen=True, kw_only=True)
class OnFailure(Record):
    """Where a path that fails leads: another path, or somebody."""

    route: str
    source: str
    give: tuple[str, ...] = ()
    limit: str | None = None


@dataclass(frozen=True, kw_only=True)
class Runbook(Record):
    """A guided path."""

    id: str
    title: str
    cms: tuple[Cms, ...]
    era: str
    status: Literal["current", "superseded"]
    when: tuple[str, ...]
    on_failure: OnFailure
    steps: tuple[RunbookStep, ...]
    not_when: tuple[str, ...] = ()
    preconditions: tuple[str, ...] = ()
    automatic_effects: tuple[str, ...] = ()
    failure_modes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    typical_duration: str | None = None
    helped_cap: str | None = None  # the cap that counts migrations in which the team helped


@dataclass(frozen=True, kw_only=True)
class ImportFault(Record):
    """A message of the host's importer, its cause and its remedy."""

    id: str
    message: str
    cause: str
    fix: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Runbooks(Record):
    actors: tuple[str, ...]
    shared_validations: Mapping[str, tuple[str, ...]]
    runbooks: tuple[Runbook, ...]
    import_faults: tuple[ImportFault, ...]


@dataclass(frozen=True)
class Catalogue:
    """One version of everything. Look-ups raise KeyError for an id that is not in it."""

    version: int
    offering: Offering
    known_issues: KnownIssues
    runbooks: Runbooks

    @cached_property
    def included(self) -> Mapping[str, IncludedItem]:
        return {item.id: item for item in self.offering.included}

    @cached_property
    def exclusions(self) -> Mapping[str, Exclusion]:
        return {each.id: each for each in self.offering.exclusions}

    @cached_property
    def premium_options(self) -> Mapping[str, PremiumOption]:
        return {option.id: option for option in self.offering.premium_options}

    @cached_property
    def upstream_choices(self) -> Mapping[str, UpstreamChoice]:
        return {choice.id: choice for choice in self.offering.upstream_choices}

    @cached_property
    def ps_kinds(self) -> Mapping[str, PsKind]:
        return {kind.id: kind for kind in self.offering.ps_kinds}

    @cached_property
    def plans(self) -> Mapping[str, Plan]:
        return {plan.id: plan for plan in self.offering.plans}

    @cached_property
    def caps(self) -> Mapping[str, Cap]:
        return {cap.id: cap for cap in self.offering.caps}

    @cached_property
    def duties(self) -> Mapping[str, Responsibility]:
        """The customer's seven responsibilities."""
        return {each.id: each for each in self.offering.responsibilities if each.duty}

    @cached_property
    def roles(self) -> Mapping[str, PartyRole]:
        return {role.id: role for role in self.offering.roles}

    @cached_property
    def paths(self) -> Mapping[str, Runbook]:
        return {runbook.id: runbook for runbook in self.runbooks.runbooks}

    @cached_property
    def issues(self) -> Mapping[str, KnownIssue]:
        return {issue.id: issue for issue in self.known_issues.issues}

    @cached_property
    def _issues_by_slug(self) -> Mapping[tuple[str, str], tuple[KnownIssue, ...]]:
        found: dict[tuple[str, str], list[KnownIssue]] = {}
        for issue in self.known_issues.issues:
            for slug in dict.fromkeys(each.casefold() for each in (issue.slug, *issue.other_slugs)):
                found.setdefault((issue.cms, slug), []).append(issue)
        return {key: tuple(issues) for key, issues in found.items()}

    def issues_of(self, cms: str, slug: str) -> tuple[KnownIssue, ...]:
        """What is known of an extension by the slug that an inventory reports, however it is capitalised."""
        return self._issues_by_slug.get((cms, slug.casefold()), ())

    def known_slugs(self, cms: str) -> frozenset[str]:
        """The slugs of a system of which an issue is current, without capitals."""
        found = self._issues_by_slug.items()
        return frozenset(slug for (of, slug), issues in found if of == cms and any(each.status == "current" for each in issues))

    def say_source(self, source: str) -> str:
        """Where a statement comes from, in words: the page's title and its section."""
        parts = []
        for each in source.split(";"):
            name, _, section = each.strip().partition("#")
            title = {known.id: known.title for known in self.offering.sources}.get(name) or _say_page(name)
            parts.append(f"{title}: {_say_section(section)}" if section else title)
        return "; ".join(parts)

    def faults(self) -> Iterator[str]:
        """What names something that is not there, in sentences."""
        yield from self._repeated()
        yield from self._unsourced()
        for item in self.offering.included:
            if item.runbook is not None and item.runbook not in self.paths:
                yield f"included item {item.id}: there is no runbook {item.runbook}"
            if item.cap is not None and item.cap not in self.caps:
                yield f"included item {item.id}: there is no cap {item.cap}"
        kinds = [(each.id, each.ps_kind) for each in self.offering.premium_options]
        kinds += [(each.id, each.ps_kind) for each in self.offering.exclusions]
        for name, kind in kinds:
            if kind is not None and kind not in self.ps_kinds:
                yield f"{name}: there is no kind of PS work called {kind}"
        for runbook in self.runbooks.runbooks:
            yield from self._runbook_faults(runbook)

    def _repeated(self) -> Iterator[str]:
        offering = self.offering
        entries: dict[str, Sequence[Identified]] = {
            "source": offering.sources,
            "role": offering.roles,
            "package": offering.packages,
            "premium option": offering.premium_options,
            "included item": offering.included,
            "upstream choice": offering.upstream_choices,
            "cap": offering.caps,
            "exclusion": offering.exclusions,
            "kind of PS work": offering.ps_kinds,
            "responsibility": offering.responsibilities,
            "plan": offering.plans,
            "service": offering.adjacent_services,
            "known issue": self.known_issues.issues,
            "code pattern": self.known_issues.code_patterns,
            "runbook": self.runbooks.runbooks,
            "importer's message": self.runbooks.import_faults,
        }
        named = {word: [each.id for each in found] for word, found in entries.items()}
        named |= {f"runbook {each.id}: step": [step.id for step in each.steps] for each in self.runbooks.runbooks}
        for word, ids in named.items():
            yield from (f"{word} {each} stands there twice" for each in sorted({each for each in ids if ids.count(each) > 1}))

    def _unsourced(self) -> Iterator[str]:
        """Statements whose source has a short name that is not explained. Pages of the host are named in full."""
        known = {source.id for source in self.offering.sources}
        offering = self.offering
        entries: list[Sequence[Sourced]] = [
            offering.packages, offering.premium_options, offering.included, offering.upstream_choices, offering.caps,
            offering.exclusions, offering.responsibilities, offering.adjacent_services, self.known_issues.issues,
            self.known_issues.code_patterns, self.runbooks.import_faults,
        ]  # fmt: skip
        sourced = [(each.id, each.source) for found in entries for each in found]
        for runbook in self.runbooks.runbooks:
            sourced += [(f"{runbook.id}, step {step.id}", step.source) for step in runbook.steps]
            sourced.append((f"{runbook.id}, on failure", runbook.on_failure.source))
        for name, source in sourced:
            short = source.partition("#")[0].strip()
            if re.fullmatch(r"[\w-]+", short) and short not in known:
                yield f"{name}: there is no source {short}"

    def _runbook_faults(self, runbook: Runbook) -> Iterator[str]:
        if runbook.on_failure.route not in {*self.paths, *self.roles, "migrations mailbox"}:
            yield f"runbook {runbook.id}: on failure it leads to {runbook.on_failure.route}, which is nowhere"
        if runbook.helped_cap is not None and runbook.helped_cap not in self.caps:
            yield f"runbook {runbook.id}: there is no cap {runbook.helped_cap}"
        for step in runbook.steps:
            if step.actor not in self.runbooks.actors:
                yield f"runbook {runbook.id}, step {step.id}: nobody is called {step.actor}"
            unknown = [
                each
                for each in step.validation
                if not each.startswith(("auto:", "auto or human:", "human:")) and each not in self.runbooks.shared_validations
            ]
            yield from (f"runbook {runbook.id}, step {step.id}: there is no check called {each}" for each in unknown)


def _say_page(path: str) -> str:
    """A page of the host's documentation, by its name; anything else stays as it is written."""
    if not path.startswith("source/"):
        return path
    name = path.rpartition("/")[2].removesuffix(".md").lstrip("0123456789-").replace("-", " ")
    return f"Platform documentation, “{name}”"


def _say_section(anchor: str) -> str:
    words = anchor.replace("---", ": ").replace("--", " ").replace("-", " ").replace("whats", "what's").strip()
    return words[:1].upper() + words[1:]
