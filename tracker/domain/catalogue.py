"""The catalogue: what is sold, what is known to be incompatible, and the guided paths, as plain values.

One version of it is data under `tracker/catalog/`; an engagement keeps to the version its agreement was made on. The
classes of its records are also the schema: the loader checks the files against them, and refuses a field it does not know.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tracker.domain.known_issue import KnownIssue, KnownIssues
from tracker.domain.offering import (
    Cap,
    Exclusion,
    IncludedItem,
    Offering,
    PartyRole,
    Plan,
    PremiumOption,
    PsKind,
    Responsibility,
    UpstreamChoice,
)
from tracker.domain.record import Identified, Sourced
from tracker.domain.runbook import Runbook, Runbooks


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
