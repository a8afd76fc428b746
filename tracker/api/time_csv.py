"""Time entries as CSV: out, and in again."""

from datetime import date
from uuid import UUID

from pydantic import Field

from tracker.api.inventory import RejectedOut, YesNo, rejected_out
from tracker.api.operation import Api, Call, Out, Query, one_of
from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.time_entry import ENTRY_LIFECYCLE
from tracker.domain.time_sheet import Wanted
from tracker.edge.csv_file import CsvFile
from tracker.edge.time_sheet import sheet_of
from tracker.intake.time_entries import LARGEST_FILE, EntryFile, read_entries
from tracker.services import time_import as service
from tracker.services.time_import import Outcome

api = Api("time_csv")


class SheetQuery(Query):
    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None
    kind: str | None = None
    first: date | None = Field(None, alias="from", description="The first day of work.")
    last: date | None = Field(None, alias="to", description="The last day of work, included.")


class ImportQuery(Query):
    dry_run: YesNo = Field(False, description="Only say what would be booked.")  # noqa: FBT003
    split: YesNo = Field(False, description="Split what does not fit, where a row does not say otherwise.")  # noqa: FBT003


class AcceptedEntryOut(Out):
    row: int
    id: UUID | None = Field(description="The entry; null for a new one with dry_run.")
    change: str = Field(description="new, or already there")
    state: str = Field(description="The entry's state now: one that was reversed since is not booked again.")
    warning: str | None = Field(description="What to look at again, such as a day of more than 24 hours.")


class RoomOut(Out):
    kind: str
    limit_minutes: int
    left_minutes: int


class SiteHoursOut(Out):
    site_id: UUID
    minutes: int
    budgets: list[RoomOut]


class EntryImportOut(Out):
    dry_run: bool
    accepted: list[AcceptedEntryOut]
    rejected: list[RejectedOut]
    sites: list[SiteHoursOut] = Field(description="What the new rows bring to each site, and what that leaves or would leave.")


def outcome_out(outcome: Outcome, *, dry_run: bool) -> EntryImportOut:
    return EntryImportOut(
        dry_run=dry_run,
        accepted=[
            AcceptedEntryOut(row=each.row, id=each.id, change=each.change, state=each.state, warning=each.warning)
            for each in outcome.accepted
        ],
        rejected=[rejected_out(each) for each in outcome.rejected],
        sites=[
            SiteHoursOut(
                site_id=each.site_id,
                minutes=each.minutes,
                budgets=[RoomOut(kind=room.kind, limit_minutes=room.limit, left_minutes=room.left) for room in each.rooms],
            )
            for each in outcome.sites
        ],
    )


def read_file(data: bytes, _query: ImportQuery) -> EntryFile:
    return read_entries(data)


@api.get("/time-entries.csv", Permission.SEE_INTERNAL)
def export_time_entries(call: Call, query: SheetQuery) -> CsvFile:
    """Entries as a CSV table, in the order they were typed; texts are safe in a spreadsheet. The import reads it back."""
    one_of("state", query.state, ENTRY_LIFECYCLE)
    one_of("kind", query.kind, list(WorkKind))
    return sheet_of(call.actor, Wanted(**query.model_dump()))


@api.post("/time-entries/import", Permission.LOG_TIME, 200, reads=read_file, largest=LARGEST_FILE)
def import_time_entries(call: Call, query: ImportQuery, body: EntryFile) -> EntryImportOut:
    """Book up to 2,000 pieces of work from a CSV table; the body is the file. The good rows become drafts, the bad ones are told.

    The same file again changes nothing. With `dry_run` nothing is kept. All of it is one unit.
    """
    act = service.try_file if query.dry_run else service.import_file
    outcome = act(call.session, call.actor, body, split=query.split, now=call.now)
    return outcome_out(outcome, dry_run=query.dry_run)
