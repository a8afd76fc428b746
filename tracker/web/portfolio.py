"""The first page: what needs somebody today, then their engagements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS
from tracker.domain.duration import say_minutes
from tracker.domain.portfolio import Alarm, say_alarm
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.store import budget as budgets
from tracker.store import cover, portfolio
from tracker.store import engagement as engagements
from tracker.store import time_entry as entries
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.portfolio import DueRow, EngagementRow
from tracker.store.requirements import unsigned
from tracker.web import dates, present
from tracker.web.filters import say_day
from tracker.web.portfolio_filter import Asked
from tracker.web.present import Shown, count_of

bp = Blueprint("portfolio", __name__)
PAGE_SIZE, NEEDS_SHOWN = 25, 12
ALARM_TONES = {Alarm.OVERDUE: "red", Alarm.OVER_80: "amber", Alarm.WAITING: "amber", Alarm.FROZEN: "blue"}
CUSTOMER_KINDS = tuple(kind.value for kind, facts in KINDS.items() if facts.owner == "customer")


@bp.get("/")
@allow(Permission.SEE_ENGAGEMENTS)
def show() -> ResponseReturnValue:
    """The portfolio. A fixed number of statements, however many engagements and sites there are."""
    actor, now, asked = current_actor(), utc_now(), Asked.read()
    found = portfolio.page(
        db.session,
        actor,
        asked.filters,
        asked.order,
        start=asked.start,
        backwards=asked.backwards,
        limit=PAGE_SIZE,
        now=now,
    )
    return render_template(
        "portfolio/portfolio.html",
        nav_current="portfolio",
        rows=rows_of(found.rows, actor, asked, now),
        needs=list(needs_of(actor, now)),
        can_create=actor.may(Permission.EDIT_ENGAGEMENT),
        before_url=asked.url(before=found.before.cursor()) if found.before else None,
        after_url=asked.url(after=found.after.cursor()) if found.after else None,
        is_narrowed=not asked.filters.is_empty or asked.start is not None,
        heads=asked.heads(),
        **filters_of(actor, asked),
    )


def filters_of(actor: Actor, asked: Asked) -> dict[str, Any]:
    """The form and the chips. Customers, who have few engagements, are spared the form."""
    managers = engagements.managers(db.session) if actor.is_staff else {}
    customer = engagements.customer_name(db.session, actor, asked.filters.customer_id) if asked.filters.customer_id else None
    return {
        "filter_form": asked.form(managers) if actor.is_staff else None,
        "chips": list(asked.chips(customer, managers)),
    }


def rows_of(found: Sequence[portfolio.EngagementRow], actor: Actor, asked: Asked, now: datetime) -> list[Shown]:
    """Engagements as the portfolio lists them."""
    ids = [row.engagement.id for row in found]
    kept, dates = budgets.of_engagements(db.session, ids), portfolio.next_of(db.session, ids, now.date())
    covers = cover.running_for(db.session, {row.engagement.manager_id for row in found}, now) if actor.is_staff else {}
    rows = []
    for each in found:
        row = portfolio_row(each, kept[each.engagement.id], dates.get(each.engagement.id), now)
        row.customer_url = asked.url(filters=replace(asked.filters, customer_id=each.engagement.customer_id))
        row.alarms = alarm_badges(each.alarms, actor)
        row.cover = present.say_cover(covers.get(each.engagement.manager_id))
        rows.append(row)
    return rows


def alarm_badges(alarms: Mapping[Alarm, int], actor: Actor) -> list[Shown]:
    """Why to look at an engagement, in words and colours."""
    return [
        Shown(text=say_alarm(alarm, count, to_customer=not actor.is_staff), tone=ALARM_TONES[alarm])
        for alarm, count in alarms.items()
    ]


def needs_of(actor: Actor, now: datetime) -> Iterator[Shown]:
    """What somebody should look at: signatures, hours to approve, and dates, the most pressing first."""
    yield from signatures_missing(actor)
    if actor.may(Permission.APPROVE_TIME):
        count, minutes = entries.waiting(db.session, actor)
        if count:
            verb = "waits" if count == 1 else "wait"
            text = f"{count_of(count, 'time entry', 'time entries')} ({say_minutes(minutes)}) {verb} for approval"
            if count == entries.WAITING_COUNTED:
                text = f"{count} time entries and more wait for approval"
            yield Shown(text=text, url="/time/approvals", when="To approve", tone="blue")
    if actor.is_staff:
        soon = (now + timedelta(days=present.SOON_DAYS)).date()
        due = portfolio.due(db.session, actor, now.date(), until=soon, limit=NEEDS_SHOWN)
    else:
        due = portfolio.due(db.session, actor, now.date(), kinds=CUSTOMER_KINDS, limit=NEEDS_SHOWN)
    yield from dates_due(due, now)


def signatures_missing(actor: Actor) -> Iterator[Shown]:
    """Requirements that are agreed and wait for the customer's name."""
    what = "sign the requirements" if actor.may(Permission.SIGN) else "the customer has not signed the requirements"
    for engagement in unsigned(db.session, actor, limit=NEEDS_SHOWN):
        url = url_for("engagement.show", engagement_id=engagement.id, _anchor="requirements")
        yield Shown(text=f"{engagement.name}: {what}", url=url, when="Signature missing", tone="amber")


def dates_due(due: list[DueRow], now: datetime) -> Iterator[Shown]:
    """Open dates, and how many more there are than are shown."""
    for row in due:
        zone, subject = row.engagement.time_zone, row.site_name or row.engagement.name
        path = f"/sites/{row.deadline.site_id}" if row.deadline.site_id else f"/engagements/{row.deadline.engagement_id}"
        yield Shown(
            text=f"{subject}: {row.deadline.title}",
            about=row.engagement.name if row.site_name else None,
            url=f"{path}#dates",
            when=dates.distance(row.deadline, zone, now),
            tone=dates.tone_of(row.deadline, zone, now),
        )
    more = due[0].count - len(due) if due else 0
    if more:
        least = "More than " if due[0].count == portfolio.DUE_COUNTED else ""
        yield Shown(
            text=f"{least}{count_of(more, 'further date')}: see the engagements below", url="#engagements", when=None, tone=None
        )


def portfolio_row(row: EngagementRow, budgets: Sequence[Budget], following: Deadline | None, now: datetime) -> Shown:
    """One engagement as the portfolio lists it, with its next date and the hours of all its sites."""
    engagement, zone = row.engagement, row.engagement.time_zone
    shown = Shown(
        id=engagement.id,
        name=engagement.name,
        url=f"/engagements/{engagement.id}",
        customer=row.customer_name,
        manager=row.manager_name,
        stage_label=present.stage_label(row.stage),
        stage_tone=None,
        sites_label=count_of(row.site_count, "site") if row.site_count else "no site yet",
        hours=present.hours_of_sites(budgets),
        next_title=None,
    )
    if following is not None and engagement.status == "active":
        shown.next_title = following.title
        shown.next_when = say_day(following.day)
        shown.next_relative = dates.distance(following, zone, now)
        shown.next_tone = dates.tone_of(following, zone, now)
    return shown
