"""CSV as spreadsheets write it: comma, semicolon or tab; headings in any order, case and common spelling."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from tracker.domain.errors import UnreadableFile
from tracker.domain.rejected_row import RejectedRow, harmless, unguarded
from tracker.intake.text import text_of

DELIMITERS = (",", ";", "\t")
MOST_COLUMNS = 100
SHOWN = 60


@dataclass(frozen=True)
class Column:
    """One column, its own name first, then what else people call it, the likeliest first."""

    name: str
    synonyms: tuple[str, ...] = ()
    required: bool = False


class TooManyRows(UnreadableFile):
    """A table that is longer than is read at once."""


@dataclass(frozen=True)
class TableRow:
    """One row: its number as the spreadsheet shows it, what it says under our names, and its cells under its own."""

    number: int
    said: Mapping[str, str]
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Heading:
    """The first row: where each of our columns stands, and what the file calls every one."""

    row: int
    places: Mapping[str, int]
    labels: tuple[str, ...]


def read_table(data: bytes, columns: Sequence[Column], *, most_rows: int) -> list[TableRow | RejectedRow]:
    """Every row that is not blank. Raises UnreadableFile for what is no such table, or a longer one."""
    text = text_of(data)
    delimiter = max(DELIMITERS, key=lambda each: _recognised(text, each, columns))
    records = _records(text, delimiter)
    heading = _heading(records, columns)
    filled = ((number, record) for number, record in records if any(cell.strip() for cell in record))
    # One more than there may be tells that there are too many; what follows it is not read.
    rows = [_row(number, record, heading) for number, record in islice(filled, most_rows + 1)]
    if not rows:
        raise UnreadableFile("This table has headings, but no row under them.")
    if len(rows) > most_rows:
        raise TooManyRows(f"This file has more than {most_rows:,} rows; at most {most_rows:,} are read at once. Split it.")
    return rows


def is_table(text: str, columns: Sequence[Column]) -> bool:
    """Whether the first row names every column that is needed."""
    return any(
        not _missing(_places(_first(text, delimiter), columns), columns) for delimiter in DELIMITERS
    )  # fmt: skip


def _records(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with their number: blank ones count, a cell of several lines is one row still."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    # Excel writes such a line for itself, and does not show it.
    number = -1 if re.match(r"sep=.[\r\n]", text, re.IGNORECASE) else 0
    while True:
        number += 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableFile(_say(error, max(number, 1))) from None
        if number > 0:
            yield number, record


def _say(error: csv.Error, row: int) -> str:
    if "unexpected end" in str(error):
        return f"A quotation mark in row {row:,} or before is opened and never closed, so the rest cannot be read."
    if "field larger" in str(error):
        return f"A cell in row {row:,} is longer than any list has. Is a quotation mark not closed?"
    return f"Row {row:,} cannot be read: text follows a closing quotation mark. Double the marks inside a cell."


def _first(text: str, delimiter: str) -> list[str]:
    """The first record that says something, read leniently."""
    try:
        return next((record for _, record in _records(text, delimiter) if any(cell.strip() for cell in record)), [])
    except UnreadableFile:
        return []


def _recognised(text: str, delimiter: str, columns: Sequence[Column]) -> tuple[int, int]:
    first = _first(text, delimiter)
    return len(_places(first, columns)), len(first)


def _heading(records: Iterator[tuple[int, list[str]]], columns: Sequence[Column]) -> Heading:
    number, first = next(((number, record) for number, record in records if any(cell.strip() for cell in record)), (1, []))
    if len(first) > MOST_COLUMNS:
        raise UnreadableFile(f"This table has {len(first):,} columns; at most {MOST_COLUMNS} are read.")
    places = _places(first, columns)
    if twice := [first[place].strip() for place in places.values() if [*map(_plain, first)].count(_plain(first[place])) > 1]:
        named = harmless(twice[0], SHOWN)
        raise UnreadableFile(f"The first row names “{named}” twice, so it is not clear which one counts. Name each column once.")
    if missing := _missing(places, columns):
        there = ", ".join(harmless(cell.strip(), SHOWN) for cell in first[:10] if cell.strip())
        named = " and ".join(f"“{name}”" for name in missing)
        raise UnreadableFile(
            f"The first row has to name the columns, and {named} {'are' if len(missing) > 1 else 'is'} not among them. "
            f"It reads: {there}."
        )
    return Heading(number, places, tuple(cell.strip() for cell in first))


def _missing(places: Mapping[str, int], columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns if column.required and column.name not in places]


def _places(first: Sequence[str], columns: Sequence[Column]) -> dict[str, int]:
    """Where each column stands. A heading serves one column only, the first that wants it."""
    headings: dict[str, int] = {}
    for place, cell in enumerate(first):
        headings.setdefault(_plain(cell), place)
    places: dict[str, int] = {}
    for column in columns:
        found = next((word for word in map(_plain, (column.name, *column.synonyms)) if word in headings), None)
        if found is not None:
            places[column.name] = headings.pop(found)
    return places


def _plain(heading: str) -> str:
    return re.sub(r"[\W_]+", "", heading.casefold())


def _row(number: int, record: Sequence[str], heading: Heading) -> TableRow | RejectedRow:
    cells = tuple(zip(heading.labels, [*record, *[""] * len(heading.labels)], strict=False))
    beyond = [cell for cell in record[len(heading.labels) :] if cell.strip()]
    if beyond:
        count = f"This row has {len(record)} cells, the headings are {len(heading.labels)}."
        reason = f"{count} Put quotation marks around a cell with a comma in it."
        return RejectedRow.of(number, "", beyond[0], reason, cells)
    said = {name: unguarded(record[place]).strip() for name, place in heading.places.items() if place < len(record)}
    return TableRow(number, said, cells)
