"""WordPress's own list of plugins: GET /wp-json/wp/v2/plugins, as an administrator."""

from collections.abc import Mapping
from html import unescape
from typing import Any

from tracker.domain.errors import UnreadableFile
from tracker.domain.inventory import Coverage, InventoryRow, ItemKind, read_row
from tracker.domain.rejected_row import RejectedRow
from tracker.intake.inventory.reading import Reading
from tracker.intake.json_text import cell, objects_of

WHAT = "The answer of /wp-json/wp/v2/plugins"
# It knows nothing of must-use plugins and drop-ins.
COVERS = Coverage(frozenset({ItemKind.PLUGIN}), frozenset({"must_use", "dropin"}))


def recognises(first: Mapping[str, Any]) -> bool:
    """Whether the first object of a list is such a plugin."""
    return isinstance(first.get("plugin"), str)


def read(data: bytes) -> Reading:
    """Raises UnreadableFile for another list."""
    entries = objects_of(data, WHAT)
    if not any(recognises(entry) for entry in entries):
        raise UnreadableFile(f"This JSON is another list: its entries have no field “plugin”. {WHAT} is meant.")
    return Reading.of((_row(number, entry) for number, entry in enumerate(entries, start=1)), COVERS)


def _row(number: int, entry: Mapping[str, Any]) -> InventoryRow | RejectedRow:
    said = {
        "slug": cell(entry, "plugin"),
        "name": unescape(cell(entry, "name")),
        "version": cell(entry, "version"),
        "status": cell(entry, "status"),
    }
    return read_row(number, said | {"kind": ItemKind.PLUGIN.value}, tuple(said.items()))
