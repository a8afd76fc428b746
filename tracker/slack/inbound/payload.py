"""What came from Slack, read without trust: anything may be missing, of another type, or too long."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

Payload = Mapping[str, Any]
LONGEST_ID = 200
NOTHING: Payload = {}


class Unreadable(Exception):
    """It came signed, but is nothing that Slack would send."""


def parse(text: str | bytes) -> Payload:
    """A JSON object. Raises Unreadable."""
    try:
        found = json.loads(text)
        # What cannot be written down again, such as half of a character or nests without end, is not kept either.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(found, dict):
        raise Unreadable
    return found


def part(payload: Payload, *names: str) -> Payload:
    """An object within objects; an empty one where there is none."""
    found: Any = payload
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else NOTHING


def text(payload: Payload, *names: str, longest: int | None = None) -> str | None:
    """A text within objects; None where there is none, or where it is longer than any that is meant."""
    *path, last = names
    found = part(payload, *path).get(last)
    if not isinstance(found, str) or not found or "\x00" in found or (longest is not None and len(found) > longest):
        return None
    return found if found.isprintable() or longest is None else None


def id_of(payload: Payload, *names: str) -> str | None:
    """An id of Slack's: short, and of one line."""
    return text(payload, *names, longest=LONGEST_ID)


def uuid_of(said: str | None) -> UUID | None:
    """An id of ours."""
    try:
        return UUID(said or "")
    except ValueError:
        return None


def first_action(payload: Payload) -> Payload:
    """What was pressed or chosen; Slack sends one at a time."""
    actions = payload.get("actions")
    found = actions[0] if isinstance(actions, list) and actions else None
    return found if isinstance(found, dict) else NOTHING
