"""WP-CLI's list of plugins: `wp plugin list --format=json`, must-use plugins and drop-ins included."""

from collections.abc import Mapping
from html import unescape
from typing import Any

from tracker.domain.errors import UnreadableFile
from tracker.domain.inventory import Coverage, InventoryRow, ItemKind, read_row
from tracker.domain.rejected_row import RejectedRow
from tracker.intake.inventory.reading import Reading
from tracker.intake.json_text import cell, objects_of

WHAT = "The output of wp plugin list --format=json"
COVERS = Coverage(frozenset({ItemKind.PLUGIN}))


def recognises(first: Mapping[str, Any]) -> bool:
    """Whether the first object of a list is such a plugin."""
    return isinstance(first.get("name"), str) and "plugin" not in first and "status" in first


def read(data: bytes) -> Reading:
    """Raises UnreadableFile for another list."""
    entries = objects_of(data, WHAT)
    if not any(recognises(entry) for entry in entries):
        raise UnreadableFile(f"This JSON is another list: its entries lack “name” and “status”. {WHAT} is meant.")
    return Reading.of((_row(number, entry) for number, entry in enumerate(entries, start=1)), COVERS)


def _row(number: int, entry: Mapping[str, Any]) -> InventoryRow | RejectedRow:
    # What it calls the name is the slug; the plugin's own name comes with --fields=…,title only.
    said = {
        "slug": cell(entry, "name"),
        "name": unescape(cell(entry, "title")),
        "version": cell(entry, "version"),
        "status": cell(entry, "status"),
    }
    return read_row(number, said | {"kind": ItemKind.PLUGIN.value}, tuple(said.items()))
