"""The export of hours, the same file through the page's door and the API's."""

from collections.abc import Iterator
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.time_sheet import COLUMNS, Wanted
from tracker.edge.csv_file import Cell, CsvFile
from tracker.store import time_sheet
from tracker.store.database import db

# Rows in memory at once.
STRETCH = 500


def sheet_of(actor: Actor, wanted: Wanted) -> CsvFile:
    """The entries that are asked for, as far as the actor may know of them."""
    return CsvFile("time-entries.csv", COLUMNS, _stretches(actor, wanted))


def _stretches(actor: Actor, wanted: Wanted) -> Iterator[list[list[Cell]]]:
    after: UUID | None = None
    while True:
        rows = time_sheet.stretch(db.session, actor, wanted, after=after, limit=STRETCH)
        # A client may be slow to take it: no transaction is kept open meanwhile.
        db.session.close()
        yield [row.cells() for row in rows]
        if len(rows) < STRETCH:
            return
        after = rows[-1].id
