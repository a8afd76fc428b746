"""FORMATS: every kind of file that an inventory may come in, one line each; and which one a file is."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tracker.domain.errors import Invalid, UnreadableFile
from tracker.intake.inventory import csv_file, wp_cli, wp_rest
from tracker.intake.inventory.reading import Reading
from tracker.intake.json_text import looks_like_json, objects_of
from tracker.intake.text import text_of


@dataclass(frozen=True)
class Format:
    """One format. `complete`: such a file lists everything, unless somebody says otherwise. `cms` None: of any system."""

    label: str
    read: Callable[[bytes], Reading]
    recognises: Callable[[bytes], bool]
    cms: str | None = None
    complete: bool = True


@dataclass(frozen=True)
class InventoryFile:
    """A file as it was read: its format, its digest, its rows."""

    source: str
    digest: str
    reading: Reading

    @property
    def format(self) -> Format:
        return FORMATS[self.source]


def _json_like(recognises: Callable[[Mapping[str, object]], bool]) -> Callable[[bytes], bool]:
    return lambda data: looks_like_json(text_of(data)) and any(map(recognises, objects_of(data, "An inventory")))


FORMATS: Mapping[str, Format] = {
    "wp-rest": Format("WordPress, /wp-json/wp/v2/plugins", wp_rest.read, _json_like(wp_rest.recognises), "wordpress"),
    "wp-cli": Format("wp plugin list --format=json", wp_cli.read, _json_like(wp_cli.recognises), "wordpress"),
    "csv": Format("CSV table", csv_file.read, lambda data: csv_file.recognises(text_of(data)), complete=False),
}


def read_inventory(data: bytes, source: str | None = None) -> InventoryFile:
    """Read a file in a format, or in the one that it is recognised by.

    Raises Invalid at `source` for a format that is not there, UnreadableFile for what cannot be read.
    """
    if source is not None and source not in FORMATS:
        raise Invalid.at("source", f"There is no such format. Choose one of: {', '.join(FORMATS)}; or leave it out.")
    found = source or recognise(data)
    return InventoryFile(found, hashlib.sha256(data).hexdigest(), FORMATS[found].read(data))


def recognise(data: bytes) -> str:
    """The format of a file. Raises UnreadableFile for what is none of ours."""
    found = next((name for name, each in FORMATS.items() if each.recognises(data)), None)
    if found is None:
        if "\n[" in (text := text_of(data)) and "{" in text:
            objects_of(data, "An inventory")
        labels = "; ".join(each.label for each in FORMATS.values())
        raise UnreadableFile(
            f"This is none of the files that are read here: {labels}. A table needs a column “slug” in its first row."
        )
    return found
