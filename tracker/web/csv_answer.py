"""A table that is at hand as a file for a spreadsheet."""

from collections.abc import Iterable, Sequence

from flask import Response

from tracker.edge.csv_file import Cell, CsvFile


def csv_answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A file to be kept; what it says is all read before it is sent."""
    return CsvFile(name, heads, [list(rows)]).response()
