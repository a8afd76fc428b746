"""Known issues of plugins, themes and modules on the managed host, and code patterns that point to them."""

from dataclasses import dataclass
from typing import Literal

from tracker.domain.offering import Category, Disposition, Severity
from tracker.domain.record import Cms, Record


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
