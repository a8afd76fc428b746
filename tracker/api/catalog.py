"""The catalogue: what is sold, what is known to be incompatible, and the guided paths."""

from dataclasses import asdict
from typing import Any

from pydantic import Field

from tracker.api.operation import Api, Call, Listing, Out, PageQuery, Query, one_of
from tracker.catalog import loader
from tracker.domain.access import Permission
from tracker.domain.catalogue import Catalogue
from tracker.domain.catalogue_search import DISPOSITIONS, ISSUE, SEVERITIES, Wanted, search
from tracker.domain.errors import Invalid
from tracker.domain.site import CMS

api = Api("catalog")
NEWEST_ID = 100_000


class CatalogQuery(Query):
    version: int | None = Field(None, ge=1, le=NEWEST_ID, description="Which version; without it the newest.")


class IssueQuery(PageQuery):
    version: int | None = Field(None, ge=1, le=NEWEST_ID)
    q: str = Field("", max_length=200, description="Words in name, slug, summary or id.")
    cms: str | None = None
    severity: str | None = None
    disposition: str | None = None


class RunbookQuery(PageQuery):
    version: int | None = Field(None, ge=1, le=NEWEST_ID)
    cms: str | None = None


class CatalogOut(Out):
    version: int
    versions: list[int]
    as_of: str
    offering: dict[str, Any]
    import_faults: list[dict[str, Any]]


class IssueOut(Out):
    id: str
    cms: str
    kind: str
    name: str
    slug: str
    other_slugs: list[str]
    slug_confidence: str
    category: str
    severity: str
    disposition: str
    summary: str
    applies_to: str | None
    source: str
    status: str
    as_of: str


class CatalogRunbookOut(Out):
    id: str
    title: str
    cms: list[str]
    era: str
    status: str
    when: list[str]
    not_when: list[str]
    preconditions: list[str]
    automatic_effects: list[str]
    failure_modes: list[str]
    notes: list[str]
    typical_duration: str | None
    helped_cap: str | None
    on_failure: dict[str, Any]
    steps: list[dict[str, Any]]


def version_of(number: int | None) -> Catalogue:
    """The version that was asked for, the newest without a number. Raises Invalid at `version`."""
    if number is not None and number not in loader.versions():
        raise Invalid.at("version", f"There is no catalogue {number}. There is: {', '.join(map(str, loader.versions()))}.")
    return loader.pinned(number)


@api.get("/catalog", Permission.SEE_CATALOGUE)
def get_catalog(call: Call, query: CatalogQuery) -> CatalogOut:  # noqa: ARG001
    """The offering whole: packages, what is included, extras, exclusions with their routes, duties, plans."""
    known = version_of(query.version)
    return CatalogOut(
        version=known.version,
        versions=loader.versions(),
        as_of=known.offering.as_of,
        offering=asdict(known.offering),
        import_faults=[asdict(fault) for fault in known.runbooks.import_faults],
    )


@api.get("/catalog/known-issues", Permission.SEE_CATALOGUE)
def list_known_issues(call: Call, query: IssueQuery) -> Listing[IssueOut]:  # noqa: ARG001
    """Known incompatibilities. An extension that is not listed is unknown, never fine."""
    known = version_of(query.version)
    wanted = Wanted(
        query.q,
        ISSUE,
        one_of("cms", query.cms, CMS),
        one_of("severity", query.severity, SEVERITIES),
        one_of("disposition", query.disposition, DISPOSITIONS),
    )
    ids = [entry.id for entry in search(known, wanted)]
    shown, following = after_cursor(ids, query)
    return Listing(items=[IssueOut(**asdict(known.issues[each])) for each in shown], next_cursor=following)


@api.get("/catalog/runbooks", Permission.SEE_CATALOGUE)
def list_runbooks(call: Call, query: RunbookQuery) -> Listing[CatalogRunbookOut]:  # noqa: ARG001
    """The guided paths, each with its steps."""
    known, cms = version_of(query.version), one_of("cms", query.cms, CMS)
    ids = [runbook.id for runbook in known.paths.values() if cms is None or cms in runbook.cms]
    shown, following = after_cursor(ids, query)
    return Listing(items=[CatalogRunbookOut(**asdict(known.paths[each])) for each in shown], next_cursor=following)


def after_cursor(ids: list[str], query: PageQuery) -> tuple[list[str], str | None]:
    """The ids of one page, and the cursor of the next: the last id of this one. Raises Invalid at `cursor`."""
    start = 0
    if query.cursor is not None:
        if query.cursor not in ids:
            raise Invalid.at("cursor", "That is not a cursor of this list.")
        start = ids.index(query.cursor) + 1
    shown = ids[start : start + query.limit]
    return shown, shown[-1] if shown and len(ids) > start + query.limit else None
