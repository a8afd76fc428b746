"""The search over everything, from the field on top of every page."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request, url_for

from tracker.domain import search as rules
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.edge.search import KINDS, Found, Group, look_for
from tracker.store.database import db
from tracker.web.present import Shown

bp = Blueprint("search", __name__)
SHOWN, SHOWN_OF_ONE, ABOUT_LENGTH = 10, 100, 160
KIND_LABELS = {
    "engagements": "Engagements",
    "sites": "Sites",
    "customers": "Customers",
    "people": "People",
    "questions": "Questions",
    "known_issues": "Known incompatibilities",
    "paths": "Guided paths",
}


@bp.get("/search")
@allow(Permission.SEE_ENGAGEMENTS)
def show() -> str:
    """What was found, by kind. A fixed number of statements, however much there is."""
    actor, only = current_actor(), request.args.get("only")
    only = only if only in KINDS else None
    text = request.args.get("q", "").replace("\0", "")[: rules.LONGEST].strip()
    enough = rules.is_enough(text)
    limit = SHOWN_OF_ONE if only else SHOWN
    groups = look_for(db.session, actor, text, only=only, limit=limit) if enough else []
    return render_template(
        "search/search.html",
        nav_current="search",
        text=text,
        too_short=bool(text) and not enough,
        shortest=rules.SHORTEST,
        only=KIND_LABELS.get(only or ""),
        all_url=url_for("search.show", q=text),
        groups=[_group(each, text, only) for each in groups],
    )


def _group(group: Group, text: str, only: str | None) -> Shown:
    words = text.split()
    return Shown(
        label=KIND_LABELS[group.kind],
        id=group.kind.replace("_", "-"),
        more_url=url_for("search.show", q=text, only=group.kind) if group.has_more and not only else None,
        is_cut=group.has_more and only is not None,
        rows=[_row(each, words) for each in group.items],
    )


def _row(found: Found, words: Sequence[str]) -> dict[str, Any]:
    about = found.about if len(found.about) <= ABOUT_LENGTH else f"{found.about[:ABOUT_LENGTH].rstrip()}…"
    return {"title": rules.marked(found.title, words), "about": rules.marked(about, words), "url": found.path}
