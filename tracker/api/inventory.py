"""What is installed on a site, imports of it, and what is known of each extension."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field

from tracker.api.operation import Api, Call, In, Listing, Out, PageQuery, Query, Whole, id_cursor
from tracker.domain.access import Actor, Permission
from tracker.domain.duration import LONGEST_MINUTES
from tracker.domain.inventory import Finding
from tracker.domain.known_issue import KnownIssue
from tracker.domain.rejected_row import RejectedRow
from tracker.intake.inventory.registry import FORMATS, InventoryFile, read_inventory
from tracker.services import inventory as service
from tracker.services.inventory import Trial, VerdictChange
from tracker.store import inventory as inventories
from tracker.store import site as sites
from tracker.store.inventory import InventoryImport, InventoryItem

api = Api("inventory")


def _yes_no(value: Any) -> Any:
    return {"true": True, "1": True, "false": False, "0": False}.get(value, value) if isinstance(value, str) else value


# What stands in an address is text.
YesNo = Annotated[bool, BeforeValidator(_yes_no)]


class ImportQuery(Query):
    source: str | None = Field(None, description=f"One of: {', '.join(FORMATS)}. Left out, it is recognised.")
    dry_run: YesNo = Field(False, description="Only say what would change.")  # noqa: FBT003
    complete: YesNo | None = Field(None, description="What the file does not name has been removed. Left out: as the format is.")


class AcceptedOut(Out):
    row: int
    kind: str
    slug: str
    change: str


class RejectedOut(Out):
    row: int
    column: str
    value: str
    reason: str


class ImportOut(Out):
    source: str
    dry_run: bool
    complete: bool
    accepted: list[AcceptedOut]
    rejected: list[RejectedOut]
    removed: list[str] = Field(description="Slugs that a complete list no longer names.")


class ItemOut(Out):
    id: UUID
    site_id: UUID
    version: int
    kind: str
    slug: str
    name: str
    installed_version: str | None
    status: str | None
    source: str
    first_seen_at: datetime
    changed_at: datetime
    removed_at: datetime | None


class IssueOut(Out):
    id: str
    severity: str
    disposition: str
    summary: str
    as_of: str
    slug_confidence: str


class FindingOut(ItemOut):
    verdict: str
    by: str = Field(description="engineer or catalogue")
    note: str
    estimate_minutes: int | None = Field(description="Null until an engineer gives one; never shown to customers.")
    issues: list[IssueOut]
    hints: list[IssueOut] = Field(description="Issues that are retired: worth a look, no verdict.")


class VerdictPatch(In):
    verdict: str | None = Field(None, description="works, configure, replace, disable, no_solution, unknown; null: by catalogue.")
    note: str | None = Field(None, max_length=service.NOTE_LENGTH)
    estimate_minutes: Whole | None = Field(None, ge=0, le=LONGEST_MINUTES)


class PastImportOut(Out):
    id: UUID
    source: str
    file_name: str | None
    digest: str
    complete: bool
    accepted: dict[str, int]
    rejected: list[RejectedOut]
    imported_by: UUID | None
    imported_at: datetime


def rejected_out(row: RejectedRow) -> RejectedOut:
    return RejectedOut(**row.told())


def trial_out(trial: Trial, *, dry_run: bool) -> ImportOut:
    return ImportOut(
        source=trial.source,
        dry_run=dry_run,
        complete=trial.complete,
        accepted=[
            AcceptedOut(row=row.row, kind=str(row.kind), slug=row.slug, change=change)
            for row, change in trial.difference.accepted
        ],
        rejected=[rejected_out(each) for each in trial.rejected],
        removed=list(trial.removed_slugs),
    )


def item_values(item: InventoryItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in ItemOut.model_fields}


def finding_out(item: InventoryItem, finding: Finding, actor: Actor) -> FindingOut:
    return FindingOut(
        **item_values(item),
        verdict=finding.verdict,
        by="engineer" if finding.said else "catalogue",
        note=item.verdict_note,
        estimate_minutes=item.estimate_minutes if actor.may(Permission.SEE_INTERNAL) else None,
        issues=[_issue(each) for each in finding.issues],
        hints=[_issue(each) for each in finding.hints],
    )


def _issue(issue: KnownIssue) -> IssueOut:
    return IssueOut(**{name: getattr(issue, name) for name in IssueOut.model_fields})


def read_file(data: bytes, query: ImportQuery) -> InventoryFile:
    return read_inventory(data, query.source)


@api.post("/sites/<uuid:site_id>/inventory", Permission.ANSWER, 200, reads=read_file)
def import_inventory(call: Call, site_id: UUID, query: ImportQuery, body: InventoryFile) -> ImportOut:
    """Import a list of extensions; the body is the file. Bad rows are told and left out; the same file again changes nothing.

    With `dry_run` nothing is kept. A file that cannot be read at all answers 422 `unreadable_file`.
    """
    if query.dry_run:
        trial = service.try_file(call.session, call.actor, site_id, body, complete=query.complete)
    else:
        trial = service.import_file(call.session, call.actor, site_id, body, complete=query.complete, now=call.now)
    return trial_out(trial, dry_run=query.dry_run)


@api.get("/sites/<uuid:site_id>/inventory", Permission.SEE_ENGAGEMENTS)
def list_inventory(call: Call, site_id: UUID, query: PageQuery) -> Listing[ItemOut]:
    """What is, and was, installed on a site, in the order it was first seen."""
    rows = inventories.page(call.session, site_id, after=id_cursor(query.cursor), limit=query.limit + 1)
    items = [ItemOut(**item_values(row)) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.get("/sites/<uuid:site_id>/findings", Permission.SEE_ENGAGEMENTS)
def list_findings(call: Call, site_id: UUID, query: PageQuery) -> Listing[FindingOut]:
    """What becomes of each extension of a site. One that is not in the catalogue is `unknown`, never fine."""
    rows = inventories.page(call.session, site_id, after=id_cursor(query.cursor), limit=query.limit + 1)
    site = sites.get(call.session, call.actor, site_id)
    found = service.findings_of(call.session, site, rows[: query.limit])
    items = [finding_out(item, finding, call.actor) for item, finding in found]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


@api.get("/sites/<uuid:site_id>/inventory-imports", Permission.SEE_ENGAGEMENTS)
def list_inventory_imports(call: Call, site_id: UUID, query: PageQuery) -> Listing[PastImportOut]:
    """What was imported, the newest first."""
    rows = inventories.imports(call.session, site_id, before=id_cursor(query.cursor), limit=query.limit + 1)
    items = [_past(row) for row in rows[: query.limit]]
    return Listing(items=items, next_cursor=str(items[-1].id) if len(rows) > query.limit else None)


def _past(row: InventoryImport) -> PastImportOut:
    shown = {name: getattr(row, name) for name in PastImportOut.model_fields}
    return PastImportOut(**shown | {"rejected": [RejectedOut(**each) for each in row.rejected]})


@api.get("/inventory-items/<uuid:inventory_item_id>", Permission.SEE_ENGAGEMENTS)
def get_inventory_item(call: Call, inventory_item_id: UUID) -> FindingOut:
    """One extension with the verdict on it."""
    return _one(call, inventories.get(call.session, call.actor, inventory_item_id))


@api.patch("/inventory-items/<uuid:inventory_item_id>", Permission.WORK_ON_SITES)
def change_inventory_item(call: Call, inventory_item_id: UUID, body: VerdictPatch) -> FindingOut:
    """Say what becomes of an extension. `works` needs a note; a verdict of null leaves it to the catalogue again."""
    change = VerdictChange(frozenset(body.model_fields_set), body.verdict, body.note, body.estimate_minutes, call.version)
    return _one(call, service.say_verdict(call.session, call.actor, inventory_item_id, change, now=call.now))


def _one(call: Call, item: InventoryItem) -> FindingOut:
    site = sites.get(call.session, call.actor, item.site_id)
    found = service.findings_of(call.session, site, [item])[0]
    return finding_out(*found, call.actor)
