"""Time entries as a file."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from flask import Blueprint, Response, request

from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.errors import Invalid
from tracker.domain.time_entry import ENTRY_LIFECYCLE
from tracker.domain.time_sheet import Wanted
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.edge.time_sheet import sheet_of

bp = Blueprint("time_export", __name__)


@bp.get("/time/entries.csv")
@allow(Permission.SEE_INTERNAL)
def entries() -> Response:
    """The entries that the address asks for, as CSV."""
    return sheet_of(current_actor(), wanted()).response()


def wanted() -> Wanted:
    """The filters in the address; one that is empty asks for all. Raises Invalid."""
    return Wanted(
        engagement_id=_id("engagement"),
        site_id=_id("site"),
        person_id=_id("person"),
        state=_word("state", ENTRY_LIFECYCLE),
        kind=_word("kind", list(WorkKind)),
        first=_day("from"),
        last=_day("to"),
    )


def _id(name: str) -> UUID | None:
    text = request.args.get(name)
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid.at(name, f"Under “{name}” the address holds no id.") from None


def _day(name: str) -> date | None:
    text = request.args.get(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid.at(name, f"Under “{name}” the address holds no day. Write it as 2026-11-20.") from None


def _word(name: str, known: Collection[str]) -> str | None:
    text = request.args.get(name) or None
    if text is not None and text not in known:
        raise Invalid.at(name, f"Under “{name}” the address may ask for one of: {', '.join(known)}.")
    return text
