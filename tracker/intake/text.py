"""The text in the bytes of a file, in whatever encoding a spreadsheet or a shell has written it."""

import codecs
from collections.abc import Mapping

from tracker.domain.errors import UnreadableFile

SAMPLE = 4096
NOT_TEXT: Mapping[bytes, str] = {
    b"PK\x03\x04": "This is a workbook or an archive, not text. In the spreadsheet, save it as “CSV UTF-8” and send that.",
    b"\xd0\xcf\x11\xe0": "This is an old Excel workbook, not text. Save it as “CSV UTF-8” and send that.",
    b"%PDF": "This is a PDF, not a list. Send the list itself, as JSON or CSV.",
    b"\x1f\x8b": "This file is compressed. Unpack it first.",
}


def text_of(data: bytes) -> str:
    """UTF-8, or UTF-16, with or without a byte order mark. Raises UnreadableFile for nothing, and for what is no list."""
    for magic, reason in NOT_TEXT.items():
        if data.startswith(magic):
            raise UnreadableFile(reason)
    encoding = _encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableFile(
            f"This is not UTF-8 or UTF-16 text (byte {error.start + 1:,}). In the spreadsheet, save it as “CSV UTF-8”."
        ) from None
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UnreadableFile("This file is empty.")
    _refuse_web_page(text)
    return text


def _encoding(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = data[:SAMPLE:2], data[1:SAMPLE:2]
    # Without a mark it is certain only where every other byte of a mostly Latin text is nought, and none of the rest.
    if len(data) % 2 == 0 and odd.count(0) * 2 > len(odd) and 0 not in even:
        return "utf-16-le"
    if len(data) % 2 == 0 and even.count(0) * 2 > len(even) and 0 not in odd:
        return "utf-16-be"
    return "utf-8"


def _refuse_web_page(text: str) -> None:
    start = text.lstrip()[:SAMPLE].lower()
    if start.startswith("<"):
        kind = "a web page" if "<!doctype html" in start or "<html" in start else "HTML or XML"
        raise UnreadableFile(
            f"This is {kind}, not a list: probably the login page or an error page of the site. "
            "Sign in to the site first, open the address again, and save what it shows."
        )
