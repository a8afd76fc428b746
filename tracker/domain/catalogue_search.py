"""Finds entries of the catalogue by the words in them, and says what differs between two versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tracker.domain.catalogue import Catalogue

OFFERING, ISSUE, PATH = "offering", "known_issue", "path"
PARTS: Mapping[str, str] = {OFFERING: "Offering", ISSUE: "Known issues", PATH: "Paths"}
# The lists of an offering that are read as entries, with how one of them is called.
OFFERED: Mapping[str, str] = {
    "packages": "Package",
    "included": "Included",
    "premium_options": "Premium extra",
    "ps_kinds": "PS work",
    "exclusions": "Out of scope",
    "responsibilities": "The customer’s part",
    "upstream_choices": "Upstream choice",
    "caps": "Limit",
    "plans": "Plan",
    "adjacent_services": "Other service",
}
# Where an entry of the offering says in a sentence what it is, the first that it has.
TEXTS = ("summary", "version_policy", "alternative", "reading", "note", "history")
SEVERITIES: Mapping[str, str] = {"blocks": "Blocks", "needs-workaround": "Needs a workaround", "note": "Worth knowing"}
DISPOSITIONS: Mapping[str, str] = {
    "known-workaround": "There is a known solution",
    "replace": "Has to be replaced",
    "disable": "Has to be disabled",
    "out-of-scope": "Cannot run on the platform",
}


@dataclass(frozen=True)
class Entry:
    """One thing of the catalogue, as a list shows it."""

    part: str
    id: str
    title: str
    label: str
    text: str
    words: str  # everything that a search looks at, in small letters
    cms: tuple[str, ...] = ()
    severity: str | None = None
    disposition: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for. What is None or empty does not matter; every word must be found."""

    words: str = ""
    part: str | None = None
    cms: str | None = None
    severity: str | None = None
    disposition: str | None = None

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is what is looked for."""
        return (
            self.part in (None, entry.part)
            and (self.cms is None or self.cms in entry.cms or not entry.cms)
            and self.severity in (None, entry.severity)
            and self.disposition in (None, entry.disposition)
            and all(word in entry.words for word in self.words.casefold().split())
        )


def search(catalogue: Catalogue, wanted: Wanted) -> list[Entry]:
    """The entries that fit, in the catalogue's order: offering, paths, known issues."""
    return [entry for entry in _entries(catalogue) if wanted.fits(entry)]


def _entries(catalogue: Catalogue) -> Iterator[Entry]:
    for name, label in OFFERED.items():
        for each in getattr(catalogue.offering, name):
            text = next((said for field in TEXTS if (said := getattr(each, field, None))), "")
            yield Entry(OFFERING, each.id, each.title, label, text, _fold(each.id, each.title, text))
    for path in catalogue.runbooks.runbooks:
        text = "; ".join(path.when)
        steps = " ".join(step.title for step in path.steps)
        yield Entry(PATH, path.id, path.title, "Path", text, _fold(path.id, path.title, text, steps), tuple(path.cms))
    for issue in catalogue.known_issues.issues:
        words = _fold(issue.id, issue.name, issue.slug, " ".join(issue.other_slugs), issue.summary)
        label = f"{issue.kind.capitalize()}"
        yield Entry(ISSUE, issue.id, issue.name, label, issue.summary, words, (issue.cms,), issue.severity, issue.disposition)


def _fold(*texts: str) -> str:
    return " ".join(texts).casefold()


@dataclass(frozen=True)
class Difference:
    """What one part of the catalogue gained, lost and says otherwise, by id."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not (self.added or self.removed or self.changed)


def differences(before: Catalogue, after: Catalogue) -> dict[str, Difference]:
    """What differs from one version to the next, part by part; parts that are the same are left out."""
    old, new = _by_part(before), _by_part(after)
    found = {part: _difference(old[part], new[part]) for part in old}
    return {part: difference for part, difference in found.items() if not difference.is_empty}


def _difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> Difference:
    return Difference(
        added=tuple(each for each in new if each not in old),
        removed=tuple(each for each in old if each not in new),
        changed=tuple(each for each in new if each in old and new[each] != old[each]),
    )


def _by_part(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """Every entry by its id, list by list; what is no list of entries is an entry by its field's name."""
    found: dict[str, dict[str, Any]] = {}
    for part in (catalogue.offering, catalogue.known_issues, catalogue.runbooks):
        for each in fields(part):
            value = getattr(part, each.name)
            if isinstance(value, tuple) and all(hasattr(entry, "id") for entry in value):
                found[each.name] = {entry.id: entry for entry in value}
            else:
                found.setdefault("other", {})[each.name] = value
    return found
