"""CSV as an answer: sent as it is read, taken for UTF-8 by spreadsheets, and nothing in it is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from flask import Response, stream_with_context

from tracker.domain.rejected_row import guarded

CSV = "text/csv"
# So that a spreadsheet takes it for UTF-8.
BYTE_ORDER_MARK = "\ufeff"
Cell = str | int | date | None


@dataclass(frozen=True)
class CsvFile:
    """A table that is sent as a file, its rows in stretches.

    Texts are guarded by their first character only; numbers stay numbers, days are written 2026-11-20.
    """

    name: str
    heads: Sequence[str]
    stretches: Iterable[Iterable[Sequence[Cell]]]

    def response(self) -> Response:
        """The answer, which reads each stretch when the one before has been sent."""
        response = Response(stream_with_context(self._lines()), mimetype=CSV)
        response.headers["Content-Disposition"] = f'attachment; filename="{self.name}"'
        return response

    def _lines(self) -> Iterator[str]:
        yield BYTE_ORDER_MARK + _written([self.heads])
        for rows in self.stretches:
            yield _written(rows)


def _written(rows: Iterable[Sequence[Cell]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue()
