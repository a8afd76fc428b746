"""Closed hours of an engagement: close them through a day, see what holds that up, open them again with a reason."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, StringField
from wtforms.validators import InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.workday import Calendar
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import hours_lock as service
from tracker.store import engagement as engagements
from tracker.store import hours_lock as locks
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.hours_lock import HoursLock, Undecided
from tracker.web import present
from tracker.web.filters import say_day, say_moment, say_short_day
from tracker.web.form import Form, save
from tracker.web.present import Shown

bp = Blueprint("hours_lock", __name__)
UNDECIDED_SHOWN = 50
BAD_DAY = "Write the day as 2026-11-20."


class CloseForm(Form):
    through = DateField(  # type: ignore[call-arg]  # newer than its stubs
        "Close through", [InputRequired("Say through which day.")], invalid_value_message=BAD_DAY
    )
    reason = StringField("Why", [Optional()])


class OpenForm(Form):
    """Its fields have names of their own, because both forms stand on one page."""

    keep_through = DateField(  # type: ignore[call-arg]  # newer than its stubs
        "Keep closed through", [Optional()], invalid_value_message=BAD_DAY
    )
    why = StringField("Why", [InputRequired("Say why: the hours were closed for a reason.")])


@bp.route("/engagements/<uuid:engagement_id>/hours-lock", methods=["GET", "POST"])
@allow(Permission.APPROVE_TIME)
def close(engagement_id: UUID) -> ResponseReturnValue:
    """See how far the hours are closed, and close more of them."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    form = CloseForm(data={"through": request.args.get("through", type=date.fromisoformat) or _offered(engagement)})
    done = save(
        form,
        lambda: service.close_hours(
            db.session, actor, engagement_id, form.through.data or date.min, form.reason.data or "", now=utc_now()
        ),
        lambda _kept: url_for("hours_lock.close", engagement_id=engagement_id),
    )
    if done is None:
        return _page(engagement_id, form, OpenForm(formdata=None)), form.status
    flash(f"The hours are closed through {say_day(form.through.data or date.min)}.", "success")
    return done


@bp.post("/engagements/<uuid:engagement_id>/hours-lock/open")
@allow(Permission.APPROVE_TIME)
def open_again(engagement_id: UUID) -> ResponseReturnValue:
    """Open the hours again, with a reason."""
    actor, form = current_actor(), OpenForm()
    engagement = engagements.get(db.session, actor, engagement_id)
    done = save(
        form,
        lambda: service.open_hours(db.session, actor, engagement_id, form.keep_through.data, form.why.data or "", now=utc_now()),
        lambda _kept: url_for("hours_lock.close", engagement_id=engagement_id),
    )
    if done is None:
        offered = CloseForm(formdata=None, data={"through": _offered(engagement)})
        return _page(engagement_id, offered, form), form.status
    flash("Opened. Hours can be logged and decided on there again.", "success")
    return done


def _offered(engagement: Engagement) -> date:
    """The last day of the month before, where the customer is."""
    today = Calendar(engagement.time_zone, frozenset()).local_date(utc_now())
    return today.replace(day=1) - timedelta(days=1)


def _page(engagement_id: UUID, form: CloseForm, open_form: OpenForm) -> str:
    """The page: how far, what holds a closing up, and what was done before. A fixed number of statements."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    customer = engagements.customer(db.session, engagement.customer_id)
    through = form.through.data or _offered(engagement)
    undecided = locks.undecided(db.session, engagement_id, through, limit=UNDECIDED_SHOWN)
    closed = engagement.hours_locked_through
    return render_template(
        "time/hours_lock.html",
        nav_current="portfolio",
        engagement=present.engagement_head(engagement, customer.name, ""),
        form=form,
        open_form=open_form if closed else None,
        closed=say_day(closed) if closed else None,
        through=say_day(through),
        undecided=[_undecided(each) for each in undecided],
        approvals_url=url_for("approval.index", engagement=engagement_id),
        steps=[_step(kept, name, actor.time_zone) for kept, name in locks.history(db.session, engagement_id)],
        shown_at_most=UNDECIDED_SHOWN,
    )


def _undecided(each: Undecided) -> Shown:
    return Shown(
        url=f"/time/{each.id}",
        person=each.person,
        site=each.site,
        worked_on=say_short_day(each.worked_on),
        kind_label=WorkKind(each.kind).label,
        minutes=each.minutes,
        state=each.state,
    )


def _step(kept: HoursLock, name: str, time_zone: str) -> dict[str, Any]:
    said = f"Closed through {say_day(kept.through)}" if kept.through else "All opened"
    return {"said": said, "who": name, "at": say_moment(kept.at, time_zone), "reason": kept.reason}
