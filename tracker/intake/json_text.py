"""JSON as people save it, with words for what is wrong with it."""

import json
from collections.abc import Mapping
from typing import Any

from tracker.domain.errors import UnreadableFile
from tracker.domain.rejected_row import harmless
from tracker.intake.text import text_of

MOST_ROWS = 2000
SHOWN, LONGEST_MESSAGE = 40, 200


def looks_like_json(text: str) -> bool:
    """Whether a text means to be JSON."""
    return text.lstrip().startswith(("[", "{"))


def objects_of(data: bytes, what: str) -> list[Mapping[str, Any]]:
    """The objects of a JSON list. `what` names the right file. Raises UnreadableFile, saying where the fault is."""
    text = text_of(data)
    if not looks_like_json(text):
        raise UnreadableFile(
            f"This is not JSON: it begins with “{harmless(text.strip(), SHOWN)}”. {what} begins with [. "
            "Leave out messages that were printed before it."
        )
    value = _load(text)
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        said = harmless(value["message"], LONGEST_MESSAGE)
        raise UnreadableFile(f"This is an error that the site answered: “{said}” Sign in with enough rights first.")
    if not isinstance(value, list):
        raise UnreadableFile(f"This JSON is no list. {what} is a list of objects.")
    if not value:
        raise UnreadableFile("This list is empty: it names no extension.")
    if len(value) > MOST_ROWS:
        raise too_many(len(value))
    if not all(isinstance(each, dict) for each in value):
        raise UnreadableFile(f"This JSON list does not hold objects only. {what} is a list of objects.")
    return value


def too_many(rows: int) -> UnreadableFile:
    return UnreadableFile(f"This file has {rows:,} rows; at most {MOST_ROWS:,} are read at once. Is it the right file?")


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        end = len(text.rstrip())
        if error.pos >= end or error.msg.startswith("Unterminated string"):
            line, column = text.count("\n", 0, end) + 1, end - text.rfind("\n", 0, end)
            raise UnreadableFile(
                f"This JSON is cut off: it ends in the middle, at line {line:,}, character {column - 1:,}. "
                "Save or copy it again, whole."
            ) from None
        said = f"{error.msg[:1].lower()}{error.msg[1:]}, at line {error.lineno:,}, character {error.colno:,}"
        raise UnreadableFile(f"This is not valid JSON: {said}.") from None
    except (ValueError, RecursionError):
        raise UnreadableFile("This JSON holds a number or a nesting that nobody's list has. Is it the right file?") from None


def cell(entry: Mapping[str, Any], name: str) -> str:
    """A field as text; nothing, and what is no plain value, as an empty one."""
    value = entry.get(name)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
