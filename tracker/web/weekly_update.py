"""Weekly updates: read them; for the team compose, edit and post this week's."""

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.weekly_update import TEXT_LENGTH, monday_of
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import weekly_update as service
from tracker.store import engagement as engagements
from tracker.store import weekly_update as updates
from tracker.store.database import db
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.engagement import Button
from tracker.web.form import Form, save
from tracker.web.talk import update_row

bp = Blueprint("weekly_update", __name__)
UPDATES_SHOWN = 10
EMPTY = "Write what the customer should know."


class UpdateForm(Form):
    text = TextAreaField("What the customer reads", [InputRequired(EMPTY), Length(max=TEXT_LENGTH)])


@bp.get("/engagements/<uuid:engagement_id>/updates")
@allow(Permission.SEE_ENGAGEMENTS)
def index(engagement_id: UUID) -> ResponseReturnValue:
    """The updates, the latest week first."""
    return _list_page(engagement_id)


@bp.post("/engagements/<uuid:engagement_id>/updates")
@allow(Permission.WORK_ON_SITES)
def compose(engagement_id: UUID) -> ResponseReturnValue:
    """Draft this week's update from the facts."""
    actor, form = current_actor(), Button()
    made = save(
        form,
        lambda: service.compose_update(db.session, actor, engagement_id, now=utc_now()),
        lambda update: url_for("weekly_update.edit", update_id=update.id),
    )
    return made if made is not None else _list_page(engagement_id, refused=form)


def _list_page(engagement_id: UUID, refused: Form | None = None) -> ResponseReturnValue:
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    before = _week(request.args.get("before"))
    rows = updates.page(db.session, actor, engagement_id, before=before, limit=UPDATES_SHOWN + 1)
    shown = rows[:UPDATES_SHOWN]
    home, may_write = url_for("weekly_update.index", engagement_id=engagement_id), actor.may(Permission.WORK_ON_SITES)
    today = utc_now().astimezone(ZoneInfo(engagement.time_zone)).date()
    has_this_week = before is not None or any(row.week_of == monday_of(today) for row in shown)
    page = render_template(
        "weekly_update/updates.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "conversation"),
        engagement=site_pages.head_of(engagement),
        refused=refused,
        updates=[update_row(row, engagement.time_zone) for row in shown],
        compose_url=request.path if may_write and not has_this_week else None,
        may_write=may_write,
        newest_url=home if before else None,
        older_url=f"{home}?before={shown[-1].week_of}" if len(rows) > len(shown) else None,
    )
    return page, refused.status if refused is not None else 200


def _week(text: str | None) -> date | None:
    """Where a page begins; what is no date begins at the beginning."""
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


@bp.route("/weekly-updates/<uuid:update_id>", methods=["GET", "POST"])
@allow(Permission.WORK_ON_SITES)
def edit(update_id: UUID) -> ResponseReturnValue:
    """Change a draft."""
    actor = current_actor()
    update = updates.get(db.session, actor, update_id)
    home = url_for("weekly_update.index", engagement_id=update.engagement_id, _anchor=f"update-{update_id}")
    if request.method == "GET" and update.state == "posted":
        return redirect(home, 303)
    form = UpdateForm(data={"text": update.text, "version": update.version})
    changed = save(
        form,
        lambda: service.edit_update(
            db.session, actor, update_id, form.text.data or "", version=form.edited_version(), now=utc_now()
        ),
        lambda _: home,
    )
    if changed is not None:
        flash("The draft is kept. Post it when it says what you mean.", "success")
        return changed
    return _edit_page(form, update_id, home)


def _edit_page(form: UpdateForm, update_id: UUID, home: str) -> ResponseReturnValue:
    actor = current_actor()
    update = updates.get(db.session, actor, update_id)
    engagement = engagements.get(db.session, actor, update.engagement_id)
    if form.status == 409:
        form.version.data = str(update.version)
        present.show_current(form, {"text": update.text})
    page = render_template(
        "weekly_update/edit.html",
        nav_current="portfolio",
        form=form,
        engagement=site_pages.head_of(engagement),
        update=update_row(update, engagement.time_zone),
        back_url=home,
    )
    return page, form.status


@bp.post("/weekly-updates/<uuid:update_id>/post")
@allow(Permission.EDIT_ENGAGEMENT)
def post(update_id: UUID) -> ResponseReturnValue:
    """Let the customer read it."""
    actor, form = current_actor(), Button()
    engagement_id = updates.get(db.session, actor, update_id).engagement_id
    posted = save(
        form,
        lambda: service.post_update(db.session, actor, update_id, version=form.edited_version(), now=utc_now()),
        lambda _: url_for("weekly_update.index", engagement_id=engagement_id, _anchor=f"update-{update_id}"),
    )
    if posted is not None:
        flash("Posted. The customer reads it here, and their channel is told.", "success")
        return posted
    return _list_page(engagement_id, refused=form)
