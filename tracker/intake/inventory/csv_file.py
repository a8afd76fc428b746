"""A table that somebody keeps by hand, or that a tool has written: CSV with a slug for each extension."""

from tracker.domain.inventory import Coverage, InventoryRow, ItemKind, read_row
from tracker.domain.rejected_row import RejectedRow
from tracker.intake.inventory.reading import Reading
from tracker.intake.json_text import MOST_ROWS
from tracker.intake.table import Column, TableRow, is_table, read_table

# In this order: a column called “name” is the name only where another one has the slug.
COLUMNS = (
    Column("slug", ("machine name", "folder", "plugin", "module", "theme", "extension", "plugin slug", "name"), required=True),
    Column("name", ("title", "label", "plugin name", "module name", "display name")),
    Column("kind", ("type",)),
    Column("version", ("installed version", "current version", "plugin version")),
    Column("status", ("state", "active", "enabled")),
)
# A table lists what it likes; where it is said to be complete, it is so for the kinds that it names.
EVERYTHING = Coverage(frozenset(ItemKind))


def recognises(text: str) -> bool:
    """Whether the first row names a column for the slug."""
    return is_table(text, COLUMNS)


def read(data: bytes) -> Reading:
    """Raises UnreadableFile for what is no such table."""
    return Reading.of((_row(each) for each in read_table(data, COLUMNS, most_rows=MOST_ROWS)), EVERYTHING)


def _row(row: TableRow | RejectedRow) -> InventoryRow | RejectedRow:
    return row if isinstance(row, RejectedRow) else read_row(row.number, row.said, row.cells)
