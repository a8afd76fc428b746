"""CSV as an answer: sent as it is read, and taken for UTF-8 by spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from flask import Response, stream_with_context

CSV = "text/csv"
# So that a spreadsheet takes it for UTF-8.
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class CsvFile:
    """A table that is sent as a file. The rows come in stretches; whoever makes them guards their texts."""

    name: str
    columns: Sequence[str]
    stretches: Iterable[Iterable[Sequence[str | int]]]

    def response(self) -> Response:
        """The answer, which reads each stretch when the one before has been sent."""
        response = Response(stream_with_context(self._lines()), mimetype=CSV)
        response.headers["Content-Disposition"] = f'attachment; filename="{self.name}"'
        return response

    def _lines(self) -> Iterator[str]:
        yield BYTE_ORDER_MARK + _written([self.columns])
        for rows in self.stretches:
            yield _written(rows)


def _written(rows: Iterable[Sequence[str | int]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
