"""Hours as CSV: at most 2,000 rows, one piece of work each."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from tracker.domain.errors import Invalid, UnreadableFile
from tracker.domain.rejected_row import RejectedRow
from tracker.domain.time_import import MOST_ROWS, EntryRow, read_entry_row
from tracker.intake.table import Column, TableRow, TooManyRows, read_table

# More than 2,000 rows ever are, so that a longer file is told in rows what is wrong with it.
LARGEST_FILE = 16 * 1024 * 1024
COLUMNS = (
    Column("id", ("entry id", "time entry id")),
    Column("worked_on", ("date", "day", "worked", "spent on", "datum", "tag"), required=True),
    Column("engagement", ("project", "engagement name")),
    Column("site_id", ()),
    Column("site_url", ("url", "address", "site address", "domain", "link")),
    Column("site", ("site name", "website", "shop")),
    Column("person_email", ("email", "mail", "email address", "person mail", "user email", "who email")),
    Column("person", ("name", "who", "user", "employee", "engineer", "worked by")),
    Column("minutes", ("min", "mins", "time in minutes")),
    Column("duration", ("hours", "time", "time spent", "spent", "hour", "dauer", "stunden")),
    Column("kind", ("kind of work", "type", "work kind", "budget"), required=True),
    Column("activity", ("activity type",)),
    Column("known_issue_id", ("known issue", "issue", "issue id")),
    Column("ps_kind", ("kind of ps work", "ps work")),
    Column("note", ("notes", "description", "comment", "what", "remark")),
    Column("split", ("split it", "split it if it does not fit")),
    Column("copy", ()),
    Column("state", ("status",)),
)


@dataclass(frozen=True)
class EntryFile:
    """The rows of one file, good and bad as far as they could be read."""

    digest: str
    rows: tuple[EntryRow, ...]
    rejected: tuple[RejectedRow, ...]


def read_entries(data: bytes) -> EntryFile:
    """Raises UnreadableFile for what is no such table, and Invalid at `file` for one of more than 2,000 rows."""
    try:
        table = read_table(data, COLUMNS, most_rows=MOST_ROWS)
    except TooManyRows:
        raise Invalid.at("file", f"This file has more than {MOST_ROWS:,} rows. Split it.") from None
    _must_name(table, "site", "site_url", "site_id")
    _must_name(table, "duration", "minutes")
    every = [each if isinstance(each, RejectedRow) else read_entry_row(each.number, each.said, each.cells) for each in table]
    return EntryFile(
        hashlib.sha256(data).hexdigest(),
        tuple(each for each in every if isinstance(each, EntryRow)),
        tuple(each for each in every if isinstance(each, RejectedRow)),
    )


def _must_name(table: Sequence[TableRow | RejectedRow], *columns: str) -> None:
    """Raises UnreadableFile for a table that has none of some columns: every row of it would be rejected for that."""
    rows = [each for each in table if isinstance(each, TableRow)]
    if rows and not any(column in row.said for row in rows for column in columns):
        raise UnreadableFile(f"The first row has to name a column “{columns[0]}” or “{columns[1]}”, and does not.")
