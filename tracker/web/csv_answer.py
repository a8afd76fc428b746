"""A table as a file for a spreadsheet: it is taken for UTF-8, and nothing in it is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date

from flask import Response

from tracker.domain.rejected_row import guarded

# So that a spreadsheet takes it for UTF-8.
BYTE_ORDER_MARK = "\ufeff"
Cell = str | int | date | None


def csv_answer(name: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Response:
    """A file to be kept. Texts are guarded by their first character only; numbers stay numbers, days are written 2026-11-20."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([guarded(head) for head in heads])
    writer.writerows([guarded(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    response = Response(BYTE_ORDER_MARK + out.getvalue(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
