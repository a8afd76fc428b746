"""Names and notes as people type them: tidied, and refused where they could mislead whoever reads them.

Every script, right-to-left ones and emoji included, is welcome. Refused are characters that cannot be seen and change
what is: controls, and the marks that turn the direction of the text around them.
"""

import re
import unicodedata

from tracker.domain.secret import find_secret

# Embeddings, overrides and isolates: with them "invoice-fdp.exe" is shown as if it ended in "pdf".
TURNS_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# A byte order mark, a zero-width space, a word joiner: pasted along unseen, and two equal names would differ.
LEFT_OUT = dict.fromkeys(map(ord, "\ufeff\u200b\u2060"))

LINE_BREAK = re.compile("\r\n|[\r\n\u0085\u2028\u2029]")
GAP = re.compile("[\t\n\r\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

ZERO_WIDTH_JOINER = "\u200d"
EMOJI_TAIL = re.compile("[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
FLAG_LETTER = re.compile("[\U0001f1e6-\U0001f1ff]")


class TextError(ValueError):
    """The text cannot be kept as it is. `message` says why, to the person who wrote it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def clean_line(text: str, max_length: int) -> str:
    """Tidy a text of one line: composed (NFC), one space for every gap, none at the ends. It may come out empty.

    Raises TextError for more than `max_length` characters, and for characters that mislead.
    """
    line = GAP.sub(" ", _composed(text)).strip()
    return _checked(line, max_length, allowed="")


def clean_text(text: str, max_length: int) -> str:
    """Tidy a text of several lines: composed (NFC), line breaks alike, no space at line ends or around the text.

    Raises TextError as `clean_line` does. Tabs and the space that indents a line stay.
    """
    lines = LINE_BREAK.sub("\n", _composed(text)).split("\n")
    joined = "\n".join(line.rstrip() for line in lines).strip()
    return _checked(joined, max_length, allowed="\n\t")


def read_line(text: str, max_length: int) -> str:
    """Read a text of one line that is to be kept: tidied as by `clean_line`, and no secret in it. Raises TextError."""
    return _without_secret(clean_line(text, max_length))


def read_text(text: str, max_length: int) -> str:
    """Read a text of several lines that is to be kept: tidied as by `clean_text`, and no secret in it. Raises TextError."""
    return _without_secret(clean_text(text, max_length))


def same_name(typed: str, name: str) -> bool:
    """Whether somebody typed that name, however spaced and capitalised."""
    return " ".join(typed.split()).casefold() == " ".join(name.split()).casefold()


def initials(name: str) -> str:
    """Return one or two signs for a person: of the first and the last word, an emoji or accented letter kept whole."""
    signs = [sign for word in name.split() if (sign := _first_sign(word))]
    return "".join(signs if len(signs) < 2 else (signs[0], signs[-1])) or "?"


def _without_secret(text: str) -> str:
    if secret := find_secret(text):
        raise TextError(secret.message)
    return text


def _composed(text: str) -> str:
    # A lone surrogate is half of a character: it is no text, and no database takes it.
    if any("\ud800" <= mark <= "\udfff" for mark in text):
        raise TextError("This text holds a broken character. Type it anew instead of pasting it.")
    return unicodedata.normalize("NFC", text.translate(LEFT_OUT))


def _checked(text: str, max_length: int, *, allowed: str) -> str:
    if len(text) > max_length:
        raise TextError(f"Write at most {max_length:,} characters; this has {len(text):,}.")
    for mark in text:
        if mark in TURNS_DIRECTION:
            raise TextError("This text holds an invisible mark that turns its direction. Type it anew without it.")
        if unicodedata.category(mark) == "Cc" and mark not in allowed:
            raise TextError("This text holds an invisible control character. Type it anew instead of pasting it.")
    return text if any(_is_visible(mark) for mark in text) else ""


def _is_visible(mark: str) -> bool:
    return not mark.isspace() and unicodedata.category(mark) != "Cf"


def _first_sign(word: str) -> str:
    """Return the first letter, digit or emoji of a word with all that belongs to it, a letter as a capital."""
    start = next((index for index, mark in enumerate(word) if mark.isalnum() or unicodedata.category(mark) == "So"), None)
    if start is None:
        return ""
    end = start + 1
    if FLAG_LETTER.match(word[start]) and FLAG_LETTER.match(word[end:]):
        end += 1
    while end < len(word) and _belongs(word, end):
        end += 1
    sign = word[start:end]
    capital = sign.upper()
    return capital if len(capital) == len(sign) else sign


def _belongs(word: str, index: int) -> bool:
    """Tell whether a character is part of the one before it: an accent, a skin tone, the next part of a family."""
    mark = word[index]
    return (
        unicodedata.category(mark).startswith("M")
        or EMOJI_TAIL.match(mark) is not None
        or mark == ZERO_WIDTH_JOINER
        or word[index - 1] == ZERO_WIDTH_JOINER
    )
