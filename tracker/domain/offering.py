"""What is offered: packages, premium options, what is included and what is not, plans, PS kinds, responsibilities."""

from dataclasses import dataclass
from typing import Literal

from tracker.domain.record import Conditions, Record, Source


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
