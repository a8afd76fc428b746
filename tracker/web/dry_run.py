"""Who will be told what and when in the next days, and why not: of one engagement, and of all one may see."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.dry_run import DAYS, MOST_DAYS
from tracker.edge.gate import current_actor
from tracker.edge.roads import roads_connected
from tracker.edge.rule import allow
from tracker.services.dry_run import Foreseen, foresee
from tracker.store import engagement as engagements
from tracker.store.database import db
from tracker.web import section
from tracker.web.filters import say_day
from tracker.web.present import Shown

bp = Blueprint("dry_run", __name__)
SPANS = (7, DAYS, 30, MOST_DAYS)


@bp.get("/engagements/<uuid:engagement_id>/dry-run")
@allow(Permission.SEE_NOTICES)
def of_engagement(engagement_id: UUID) -> ResponseReturnValue:
    """What the channels of one engagement will be told."""
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    return _page(
        "dry_run.of_engagement",
        engagement_id=engagement_id,
        engagement=Shown(name=engagement.name, url=url_for("engagement.show", engagement_id=engagement_id)),
        section_rows=section.of_engagement(current_actor(), engagement_id, "dry-run"),
    )


@bp.get("/notices/dry-run")
@allow(Permission.SEE_NOTICES)
def of_all() -> ResponseReturnValue:
    """The same of everything one may see."""
    return _page("dry_run.of_all", engagement=None, section_rows=None)


def _page(endpoint: str, *, engagement_id: UUID | None = None, **shown: object) -> ResponseReturnValue:
    days = _days_asked()
    view: dict[str, Any] = {"engagement_id": engagement_id} if engagement_id else {}
    found, more = foresee(
        db.session, current_actor(), days=days, engagement_id=engagement_id, roads=roads_connected(), now=utc_now()
    )
    return render_template(
        "notices/dry_run.html",
        nav_current="portfolio" if engagement_id else "notices",
        days=_by_day(found),
        told=sum(each.why_not is None for each in found),
        not_told=sum(each.why_not is not None for each in found),
        more=more,
        span=days,
        spans=[Shown(label=f"{span} days", url=url_for(endpoint, days=span, **view), is_current=span == days) for span in SPANS],
        **shown,
    )


def _days_asked() -> int:
    """The days in the address; what is no sensible number is the usual fourteen."""
    said = request.args.get("days", "")
    return min(int(said), MOST_DAYS) if said.isascii() and said.isdecimal() and 0 < len(said) < 6 and int(said) else DAYS


def _by_day(found: Sequence[Foreseen]) -> list[tuple[str, list[Shown]]]:
    """Grouped by day, each on its engagement's own clock."""
    rows = sorted(((each.due_at.astimezone(ZoneInfo(each.time_zone)), each) for each in found), key=lambda row: row[0].date())
    return [
        (
            say_day(day),
            [
                Shown(
                    clock=f"{local:%H:%M}",
                    zone=each.time_zone,
                    headline=each.headline,
                    url=url_for("notice.show", notice_id=each.id),
                    engagement=each.engagement,
                    channel=each.channel,
                    audience=each.audience,
                    why_not=each.why_not,
                )
                for local, each in group
            ],
        )
        for day, group in groupby(rows, key=lambda row: row[0].date())
    ]
