"""The kick-off: what was said, who was there, and the links that belong to the engagement."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, TextAreaField
from wtforms.validators import Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.kickoff import NOTES_LENGTH, read_attendees
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import kickoff as service
from tracker.services.kickoff import KickoffChange
from tracker.store import engagement as engagements
from tracker.store import kickoff as kickoffs
from tracker.store import link as links
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.kickoff import KickoffRecord
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.form import Form, save
from tracker.web.talk import kickoff_card, link_row

bp = Blueprint("kickoff", __name__)


class KickoffForm(Form):
    held_on = DateField("Held on", [Optional()])
    attendees = TextAreaField("Who was there", [Optional()])
    notes = TextAreaField("Notes", [Optional(), Length(max=NOTES_LENGTH)])
    internal_notes = TextAreaField("Notes of the team", [Optional(), Length(max=NOTES_LENGTH)])

    def change(self) -> KickoffChange:
        """What was typed. Raises Invalid at `attendees` for lines that cannot be read."""
        values: dict[str, object] = {
            "held_on": self.held_on.data,
            "attendees": read_attendees(self.attendees.data or ""),
            "notes": self.notes.data or "",
            "internal_notes": self.internal_notes.data or "",
        }
        return KickoffChange(values, self.edited_version())


@bp.get("/engagements/<uuid:engagement_id>/kickoff")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """Notes, attendees and links."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    names = sites.names_in(db.session, engagement_id)
    return render_template(
        "kickoff/kickoff.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "kickoff"),
        engagement=site_pages.head_of(engagement),
        kickoff=kickoff_card(kickoffs.of_engagement(db.session, actor, engagement_id), actor),
        links=[link_row(link, names, actor) for link in links.of_engagement(db.session, actor, engagement_id)],
        links_url=url_for("link.index", engagement_id=engagement_id),
        edit_url=url_for("kickoff.edit", engagement_id=engagement_id) if actor.may(Permission.WORK_ON_SITES) else None,
    )


@bp.route("/engagements/<uuid:engagement_id>/kickoff/edit", methods=["GET", "POST"])
@allow(Permission.WORK_ON_SITES)
def edit(engagement_id: UUID) -> ResponseReturnValue:
    """Record the kick-off, or correct its record."""
    actor = current_actor()
    record = kickoffs.of_engagement(db.session, actor, engagement_id)
    form = KickoffForm(data=_values(record) | {"version": record.version if record else 0})
    saved = save(
        form,
        lambda: service.record_kickoff(db.session, actor, engagement_id, form.change(), now=utc_now()),
        lambda _: url_for("kickoff.show", engagement_id=engagement_id),
    )
    if saved is not None:
        flash("Recorded. Both sides read the notes; the team's own stay with the team.", "success")
        return saved
    return _edit_page(form, engagement_id)


def _edit_page(form: KickoffForm, engagement_id: UUID) -> ResponseReturnValue:
    actor = current_actor()
    if form.status == 409:
        record = kickoffs.of_engagement(db.session, actor, engagement_id)
        form.version.data = str(record.version if record else 0)
        present.show_current(form, _values(record))
    engagement = engagements.get(db.session, actor, engagement_id)
    back_url = url_for("kickoff.show", engagement_id=engagement_id)
    head = site_pages.head_of(engagement)
    return render_template(
        "kickoff/edit.html", nav_current="portfolio", form=form, engagement=head, back_url=back_url
    ), form.status


def _values(record: KickoffRecord | None) -> dict[str, Any]:
    """What the form shows of a record."""
    if record is None:
        return {"held_on": None, "attendees": "", "notes": "", "internal_notes": ""}
    return {
        "held_on": record.held_on,
        "attendees": "\n".join(each.line for each in record.present),
        "notes": record.notes,
        "internal_notes": record.internal_notes,
    }
