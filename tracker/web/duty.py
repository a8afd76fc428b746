"""What the customer has to do: the list, and what is done about one duty."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.catalog import loader
from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.duty import DUTIES, DutyState, is_overdue
from tracker.domain.offering import Responsibility
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import duty as service
from tracker.services.duty import DutyChange
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import freeze as freezes
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.duty import DutyRow
from tracker.store.engagement import Engagement
from tracker.web import dates, section
from tracker.web import engagement as engagement_pages
from tracker.web import site as site_pages
from tracker.web.filters import say_moment
from tracker.web.form import FieldRow, Form, blank_to_none, save
from tracker.web.present import Shown, choices

bp = Blueprint("duty", __name__)
# Where that is given which completes a duty, and what giving it is called.
GIVEN_AT = {"code-freeze": ("/sites/{}/freezes", "Answer"), "uat": ("/sites/{}/uat", "Test and sign")}


class EvidenceForm(Form):
    evidence = TextAreaField(
        "What proves it", [InputRequired("Say what proves it, in a sentence."), Length(max=service.EVIDENCE_LENGTH)]
    )


class DutyForm(Form):
    owner_id = SelectField("Whose it is", [Optional()])
    due_on = DateField("Due on", [Optional()])
    reason = TextAreaField("Reason, where the date moves", [Optional(), Length(max=500)])
    override_reason = TextAreaField("Reason for an exception from the freeze", [Optional(), Length(max=500)])

    def change(self) -> DutyChange:
        """What was typed; a date that was left empty stays as it is."""
        return DutyChange(
            self.edited_version(),
            frozenset({"owner_id"} | ({"due_on"} if self.due_on.data else set())),
            owner_id=UUID(self.owner_id.data) if self.owner_id.data else None,
            due_on=self.due_on.data,
            reason=blank_to_none(self.reason.data),
            override_reason=blank_to_none(self.override_reason.data) if "override_reason" in self else None,
        )


class WaiveForm(Form):
    reason = TextAreaField("Reason", [InputRequired("Say why nobody has to do it."), Length(max=500)])


@bp.get("/engagements/<uuid:engagement_id>/duties")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """What the customer has to do, by whom, by when."""
    return page_of(engagement_id)


def page_of(engagement_id: UUID, *, refused: Form | None = None) -> ResponseReturnValue:
    """The list, also with what was refused on it. A fixed number of statements."""
    actor, now = current_actor(), utc_now()
    engagement = engagements.get(db.session, actor, engagement_id)
    known = responsibilities(engagement)
    rows = [duty_row(row, known[row.duty.kind], actor, now) for row in duties.of_engagement(db.session, engagement_id)]
    page = render_template(
        "duty/duties.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "duties"),
        engagement=site_pages.head_of(engagement),
        refused=refused,
        groups=groups_of(rows),
        late=sum(row.is_late for row in rows),
    )
    return page, refused.status if refused is not None else 200


def groups_of(rows: Sequence[Shown]) -> list[Shown]:
    """What is to be done, late first, then what is done, then what nobody has to do."""
    titles = {DutyState.OPEN: "To do", DutyState.DONE: "Done", DutyState.WAIVED: "Nobody has to do"}
    groups = [
        Shown(state=state.value, title=title, duties=[row for row in rows if row.state == state])
        for state, title in titles.items()
    ]
    return [group for group in groups if group.duties or group.state == DutyState.OPEN]


def responsibilities(engagement: Engagement) -> dict[str, Responsibility]:
    """The duties as the engagement's own catalogue words them."""
    agreement = engagements.agreement_of(db.session, engagement.id)
    return dict((loader.catalogue(agreement.catalogue_version) if agreement else loader.newest()).duties)


def duty_row(row: DutyRow, known: Responsibility, actor: Actor, now: datetime) -> Shown:
    """One duty with what can be done about it."""
    duty, deadline, zone = row.duty, row.deadline, row.engagement.time_zone
    is_open = duty.state == DutyState.OPEN
    counts = is_open and row.engagement.status == "active" and deadline is not None
    return Shown(
        id=duty.id,
        deadline_id=duty.deadline_id,
        title=duty.title,
        site_name=row.site,
        state=duty.state,
        version=duty.version,
        owner=row.owner or "Your approvers" if not actor.is_staff else row.owner or "Any approver",
        due=dates.say_due(deadline, zone) if deadline else None,
        **_distance(row, now, counts=counts),
        proof=DUTIES[duty.kind].proof,
        consequence=_sentence(known.consequence),
        evidence=duty.evidence,
        reason=duty.waived_reason,
        done_note=" · ".join(filter(None, [say_moment(duty.done_at, zone), row.doer])) if duty.done_at else None,
        **_urls(row, actor),
    )


def _distance(row: DutyRow, now: datetime, *, counts: bool) -> dict[str, Any]:
    """How far off its date is, or how late it is; a freeze that has begun is late to be answered."""
    if not counts or row.deadline is None:
        return {"relative": None, "tone": "grey", "is_late": False}
    zone = row.engagement.time_zone
    if is_overdue(row.duty.state, row.due(), now):
        return {"relative": dates.say_late(row.deadline, zone, now), "tone": "red", "is_late": True}
    return {
        "relative": dates.distance(row.deadline, zone, now),
        "tone": dates.tone_of(row.deadline, zone, now),
        "is_late": False,
    }


def _urls(row: DutyRow, actor: Actor) -> dict[str, Any]:
    """What may be done about a duty; an address that is missing hides its button."""
    duty, base = row.duty, f"/duties/{row.duty.id}"
    is_open, given_elsewhere = duty.state == DutyState.OPEN, DUTIES[duty.kind].completed_by is not None
    may_edit, may_complete = actor.may(Permission.EDIT_ENGAGEMENT), actor.may(Permission.COMPLETE_OWN_DUTY)
    own_word = may_complete and duty.done_by == actor.person_id and duty.state == DutyState.DONE
    return {
        "done_url": f"{base}/done" if is_open and may_complete and not given_elsewhere else None,
        "given_url": GIVEN_AT[duty.kind][0].format(duty.site_id) if is_open and duty.kind in GIVEN_AT else None,
        "given_label": GIVEN_AT.get(duty.kind, ("", ""))[1] if may_complete else "Open",
        "edit_url": f"{base}/edit" if is_open and may_edit else None,
        "waive_url": f"{base}/waive" if is_open and may_edit else None,
        "reopen_url": f"{base}/reopen" if not is_open and not given_elsewhere and (may_edit or own_word) else None,
        "received_url": f"/deadlines/{duty.deadline_id}/done" if _is_received(row, may_edit=may_edit) else None,
        "received_version": row.deadline.version if row.deadline else None,
    }


def _is_received(row: DutyRow, *, may_edit: bool) -> bool:
    """Whether the team may say that it has come: the date is marked done."""
    facts = DUTIES[row.duty.kind]
    return may_edit and row.duty.state == DutyState.OPEN and row.deadline is not None and facts.completed_by is None


def _sentence(text: str | None) -> str | None:
    return f"{text[:1].upper()}{text[1:]}." if text else None


def home_of(row: DutyRow) -> str:
    """Where the duties stand."""
    return url_for("duty.show", engagement_id=row.duty.engagement_id)


@bp.route("/duties/<uuid:duty_id>/done", methods=["GET", "POST"])
@allow(Permission.COMPLETE_OWN_DUTY)
def done(duty_id: UUID) -> ResponseReturnValue:
    """Say that it is done, and what proves it."""
    form, actor = EvidenceForm(), current_actor()
    said = frozenset({"state", "evidence"})
    completed = save(
        form,
        lambda: service.change_duty(
            db.session,
            actor,
            duty_id,
            DutyChange(form.edited_version(), said, DutyState.DONE, form.evidence.data),
            now=utc_now(),
        ),
        home_of,
    )
    if completed is not None:
        flash("Thank you. Marked as done; nobody is reminded of it any more.", "success")
        return completed
    fields: list[FieldRow] = [(form.evidence, DUTIES[duties.get(db.session, actor, duty_id).duty.kind].proof, 3)]
    return act_page(duty_id, form, fields, "Is it done?", "Mark as done")


@bp.route("/duties/<uuid:duty_id>/edit", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def edit(duty_id: UUID) -> ResponseReturnValue:
    """Say whose it is and by when."""
    actor = current_actor()
    row = duties.get(db.session, actor, duty_id)
    due_on = row.deadline.due_on if row.deadline else None
    form = DutyForm(data={"owner_id": str(row.duty.owner_id or ""), "due_on": due_on, "version": row.duty.version})
    theirs = people.active_of_customer(db.session, row.engagement.customer_id)
    form.owner_id.choices = choices({str(each.id): each.name for each in theirs}, "Any approver")
    if row.duty.site_id is None or not freezes.open_of_site(db.session, row.duty.site_id):
        del form.override_reason
    saved = save(form, lambda: service.change_duty(db.session, actor, duty_id, form.change(), now=utc_now()), home_of)
    if saved is not None:
        flash("Saved. Its reminders are planned anew.", "success")
        return saved
    fields: list[FieldRow] = [
        (form.owner_id, "Reminders mention them in the channel.", None),
        (form.due_on, "The day ends at midnight there.", None),
        (form.reason, "Stands beside the date; the customer reads it.", 2),
    ]
    if "override_reason" in form:
        fields.append((form.override_reason, "Only where that freeze is on and its date moves.", 2))
    return act_page(duty_id, form, fields, "Whose it is, and by when", "Save")


@bp.route("/duties/<uuid:duty_id>/waive", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def waive(duty_id: UUID) -> ResponseReturnValue:
    """Say that nobody has to do it, and why."""
    form, actor = WaiveForm(), current_actor()
    change = DutyChange(form.edited_version(), frozenset({"state"}), DutyState.WAIVED, reason=form.reason.data)
    waived = save(form, lambda: service.change_duty(db.session, actor, duty_id, change, now=utc_now()), home_of)
    if waived is not None:
        flash("Waived. Nobody is reminded of it any more.", "success")
        return waived
    fields: list[FieldRow] = [(form.reason, "The customer reads it. It replaces neither the inventory nor a signature.", 2)]
    return act_page(duty_id, form, fields, "Nobody has to do this?", "Waive it")


def act_page(duty_id: UUID, form: Form, fields: list[FieldRow], title: str, label: str) -> ResponseReturnValue:
    """A form about one duty; after a stale edit with the version that stands there now."""
    actor, now = current_actor(), utc_now()
    row = duties.get(db.session, actor, duty_id)
    if not form.is_submitted() or form.status == 409:
        form.version.data = str(row.duty.version)
    shown = duty_row(row, responsibilities(row.engagement)[row.duty.kind], actor, now)
    facts = [
        ("Due", " · ".join(filter(None, [shown.due, shown.relative]))),
        ("Whose it is", shown.owner),
        ("What proves it", shown.proof),
    ]
    page = render_template(
        "site/act.html",
        nav_current="portfolio",
        title=title,
        meta=" · ".join(filter(None, [shown.title, shown.site_name])),
        engagement=site_pages.head_of(row.engagement),
        crumbs=[("Duties", home_of(row))],
        form=form,
        fields=fields,
        label=label,
        back_url=home_of(row),
        facts_title="The duty",
        facts=facts,
        remark=shown.consequence,
    )
    return page, form.status


@bp.post("/duties/<uuid:duty_id>/reopen")
@allow(Permission.SEE_ENGAGEMENTS)
def reopen(duty_id: UUID) -> ResponseReturnValue:
    """Open again what was done or waived."""
    form, actor = engagement_pages.Button(), current_actor()
    change = DutyChange(form.edited_version(), frozenset({"state"}), DutyState.OPEN)
    opened = save(form, lambda: service.change_duty(db.session, actor, duty_id, change, now=utc_now()), home_of)
    if opened is not None:
        flash("Open again.", "success")
        return opened
    return page_of(duties.get(db.session, actor, duty_id).duty.engagement_id, refused=form)
