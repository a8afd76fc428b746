"""The changes of one request together: read from what was sent, checked against each other, and written down.

Sources: docs/rules/change_request.md, BR-01, BR-47.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.domain.change import (
    ITEM_LENGTH,
    KINDS,
    REASON_LENGTH,
    REFERENCE_LENGTH,
    AddSite,
    Change,
    EditSite,
    Listed,
    MoveDate,
    Scope,
    Standing,
    WithdrawSite,
)
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.site import read_address
from tracker.domain.text import TextError, read_line, read_text

MOST_CHANGES = 20
LINES: Mapping[str, int] = {"name": 200, "url": 2000, "cms_version": 200, "reference": REFERENCE_LENGTH, "item": ITEM_LENGTH}


def read_change(values: Mapping[str, Any], default_reason: str = "") -> Change:
    """Read one change from plain values, as they are sent or kept; texts are tidied, ids and dates may be text.

    A change that needs a reason of its own and has none takes the one of the whole request.
    Raises Invalid naming every field that cannot stand.
    """
    kind = KINDS.get(str(values.get("kind")))
    if kind is None:
        raise Invalid.at("kind", f"Choose one of: {', '.join(KINDS)}.")
    known = {each.name: each for each in fields(kind)}
    said = {name: value for name, value in values.items() if name != "kind" and value is not None}
    errors = [FieldError(name, "This kind of change has no such field.") for name in said if name not in known]
    read: dict[str, Any] = {}
    for name in [each for each in said if each in known]:
        try:
            read[name] = _read(name, said[name])
        except (TextError, ValueError) as error:
            errors.append(FieldError(name, str(error)))
    needed = [name for name, each in known.items() if _is_needed(each) and name not in said]
    errors += [FieldError(name, "Fill this in.") for name in needed]
    if errors:
        raise Invalid(errors)
    if "reason" in known and not read.get("reason"):
        read["reason"] = default_reason
    change = kind(**read)
    change.check()
    return change


def _is_needed(known: Any) -> bool:
    return known.default is MISSING and known.default_factory is MISSING


def _read(name: str, value: Any) -> Any:
    """Raises TextError or ValueError, in words, for what cannot be kept."""
    if name in LINES:
        return read_line(str(value), LINES[name])
    if name == "reason":
        return read_text(str(value), REASON_LENGTH)
    if not isinstance(value, str):
        return value
    if name in ("site_id", "deadline_id"):
        return UUID(value)
    if name in ("due_on", "opens_on", "purchased_on"):
        return date.fromisoformat(value)
    return datetime.fromisoformat(value) if name == "due_at" else value


def read_changes(values: Sequence[Mapping[str, Any]], reason: str, standing: Standing) -> list[Change]:
    """Read the changes of a request. Raises Invalid at `changes.0.url` and the like, Guard naming the change that is not open."""
    if not values:
        raise Invalid.at("changes", "Say at least one thing that is to change.")
    if len(values) > MOST_CHANGES:
        raise Invalid.at("changes", f"One change request holds at most {MOST_CHANGES} changes. Raise a second one.")
    read: list[Change] = []
    errors: list[FieldError] = []
    for place, each in enumerate(values):
        try:
            change = read_change(each, reason)
            change.fits(standing)
            read.append(change)
        except Invalid as error:
            errors += [FieldError(f"changes.{place}.{fault.field}", fault.message) for fault in error.errors]
    if errors:
        raise Invalid(errors)
    _check_together(read)
    return read


def _check_together(changes: Sequence[Change]) -> None:
    """No two changes of one request may speak of the same thing: which of them held would be anybody's guess."""
    seen: dict[object, int] = {}
    for place, change in enumerate(changes):
        about = _subject(change)
        if about is not None and about in seen:
            raise Invalid.at(f"changes.{place}.kind", f"Change {seen[about] + 1} speaks of the same already.")
        seen[about] = place


def _subject(change: Change) -> object:
    match change:
        case AddSite(url=url):
            return read_address(url).key
        case MoveDate(deadline_id=about):
            return about
        case Scope(site_id=about, item=item):
            return about, item.casefold()
        case EditSite(site_id=about) | WithdrawSite(site_id=about):
            return about
    return None


def plain(change: Change) -> dict[str, Any]:
    """A change as it is kept and sent: everything that was said, in JSON's own types."""
    said = {name: value for name, value in asdict(change).items() if value not in (None, "")}
    return {"kind": change.kind, **json.loads(json.dumps(said, default=_as_text))}


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def relists(changes: Sequence[Change]) -> bool:
    """Whether the agreed list of sites is another one afterwards, so that a new version is agreed (BR-47)."""
    return any(isinstance(change, AddSite | EditSite | WithdrawSite) for change in changes)


def foreseen(listed: Sequence[Mapping[str, Any]], changes: Sequence[Change]) -> list[Listed]:
    """The sites of the requirements as the changes will leave them."""
    after = [dict(each) for each in listed]
    for change in changes:
        after = change.relist(after)
    return after


def in_common(listed: Sequence[Mapping[str, Any]]) -> list[Listed]:
    """What two lists of sites are compared by: everything but the ids, which a site gets when it is listed."""
    bare = [{name: value for name, value in each.items() if name != "id"} for each in listed]
    return sorted(bare, key=lambda each: (str(each["url"]), str(each["name"])))
