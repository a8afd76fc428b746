"""What pages that take a file share: the form, and the rejected rows as a file to be mended and sent again."""

from collections.abc import Iterable, Sequence

from flask import Response
from wtforms import FileField, TextAreaField

from tracker.domain.errors import Invalid
from tracker.domain.rejected_row import RejectedRow
from tracker.store.transaction import RequestKey
from tracker.web.csv_answer import Cell, csv_answer
from tracker.web.form import Form
from tracker.web.present import Shown


class UploadForm(Form):
    """A file, or the same as text."""

    file = FileField("File")
    text = TextAreaField("Or paste it")
    _sent: bytes | None = None

    def key(self) -> RequestKey:
        """Another file under the same key is another request."""
        base = super().key()
        return RequestKey.of(base.scope, base.key, base.fingerprint, self.data_sent())

    def data_sent(self) -> bytes:
        """The bytes of the file, else of the text that was pasted."""
        if self._sent is None:
            sent = self.file.data.read() if self.file.data else b""
            # A lone surrogate cannot be encoded; it is no text, and is told where it stands.
            self._sent = sent or (self.text.data or "").strip().encode("utf-8", "replace")
        return self._sent

    def must_hold_something(self) -> None:
        """Raises Invalid at `file`."""
        if not self.data_sent():
            raise Invalid.at("file", "Choose a file that is not empty, or paste its text.")

    @property
    def name_sent(self) -> str | None:
        """The file's own name."""
        name: str | None = self.file.data.filename if self.file.data else None
        return name or None


def rejected_rows(rejected: Iterable[RejectedRow]) -> list[Shown]:
    """Bad rows as a page lists them."""
    return [Shown(row=each.row, column=each.column or "the whole row", value=each.value, reason=each.reason) for each in rejected]


def rejected_file(rejected: Sequence[RejectedRow]) -> Response:
    """The bad rows under the headings that they came with, and why: to be mended and sent again."""
    labels = list(dict.fromkeys(label for each in rejected for label, _ in each.cells))
    return csv_answer("rejected-rows.csv", [*labels, "row", "reason"], (_cells(each, labels) for each in rejected))


def _cells(rejected: RejectedRow, labels: Iterable[str]) -> list[Cell]:
    cells = dict(rejected.cells)
    return [*(cells.get(label, "") for label in labels), rejected.row, rejected.reason]
