"""Hours added up by engagement, site, person, kind or month, as a page and as a file of the same rows."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid, NotFound
from tracker.domain.hours_report import ROWS_ON_A_PAGE, GroupBy, HoursPlace, HoursReport, HoursRow, read_place
from tracker.domain.workday import Calendar
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.store import engagement as engagements
from tracker.store import hours
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import db
from tracker.web.csv_answer import csv_answer
from tracker.web.hours_filter import Asked
from tracker.web.present import Shown

bp = Blueprint("hours", __name__)
# What the rows of a group are part of.
PART_OF = {GroupBy.ENGAGEMENT: "Customer", GroupBy.SITE: "Engagement"}
NOTHING = HoursReport([], 0, 0)


@bp.get("/hours")
@allow(Permission.SEE_INTERNAL)
def show() -> ResponseReturnValue:
    """The hours that somebody may see, added up. A fixed number of statements."""
    actor, asked = current_actor(), _asked()
    after = _place(asked)
    report = (
        NOTHING
        if asked.faults
        else hours.report(db.session, actor, asked.group, asked.filters, after=after, limit=ROWS_ON_A_PAGE)
    )
    names = people.staff_past_and_present(db.session)
    page = render_template(
        "hours/hours.html",
        nav_current="hours",
        group=asked.group,
        span=asked.say_span(),
        spans=asked.spans(),
        rows=[_row(row, asked) for row in report.rows],
        report=report,
        form=asked.form(names),
        chips=list(asked.chips(*_narrowed_to(actor, asked), names)),
        all_url=asked.all_url(),
        first_url=asked.url() if after else None,
        next_url=asked.url(after=report.next.cursor()) if report.next else None,
        csv_url=asked.url("hours.as_csv") if report.rows else None,
    )
    return page, 422 if asked.faults else 200


@bp.get("/hours.csv")
@allow(Permission.SEE_INTERNAL)
def as_csv() -> ResponseReturnValue:
    """The rows of all pages, in minutes. What cannot be asked is refused: a file shows no fault at a field."""
    asked = _asked()
    for name, message in asked.faults.items():
        raise Invalid.at(name, message)
    report = hours.report(db.session, current_actor(), asked.group, asked.filters)
    part_of = PART_OF.get(asked.group)
    heads = [asked.group.label, *([part_of] if part_of else []), "used_minutes", "held_minutes", "total_minutes"]
    rows = ([row.label, *([row.part_of] if part_of else []), row.used, row.held, row.total] for row in report.rows)
    return csv_answer(f"hours-by-{asked.group.value}.csv", heads, rows)


def _asked() -> Asked:
    return Asked.read(Calendar(current_actor().time_zone, frozenset()).local_date(utc_now()))


def _place(asked: Asked) -> HoursPlace | None:
    """Where the page begins; an old address with another order begins at the beginning."""
    try:
        return read_place(request.args.get("after"), asked.group)
    except Invalid:
        return None


def _row(row: HoursRow, asked: Asked) -> Shown:
    shown = Shown(label=row.label, part_of=row.part_of, url=asked.into(row), used=row.used, held=row.held, total=row.total)
    if asked.group is GroupBy.ENGAGEMENT:
        shown.budgets_url = url_for("burnup.show", engagement_id=row.key)
    return shown


def _narrowed_to(actor: Actor, asked: Asked) -> tuple[str | None, str | None]:
    """The names of the engagement and of the site that the hours are narrowed to, as far as the actor may know of them."""
    named: list[str | None] = []
    for find, key in ((engagements.get, asked.filters.engagement_id), (sites.get, asked.filters.site_id)):
        named.append(_name_of(find, actor, key))
    return named[0], named[1]


def _name_of(find: Any, actor: Actor, key: UUID | None) -> str | None:
    if key is None:
        return None
    try:
        name: str = find(db.session, actor, key).name
    except NotFound:
        return None
    return name
