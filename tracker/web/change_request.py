"""Change requests: the list, the form, and one request with what it changes and whose turn it is."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.change import KINDS, REASON_LENGTH, Change
from tracker.domain.change_list import MOST_CHANGES, read_change
from tracker.domain.change_request import (
    DECIDED_STATES,
    LONGEST_ESTIMATE,
    UNDECIDED_STATES,
    RequestState,
    Side,
    may_edit,
    may_withdraw,
    side_of,
)
from tracker.domain.errors import EditedMeanwhile
from tracker.domain.text import same_name
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import change_request as service
from tracker.services.change_application import foresee
from tracker.services.change_request import RequestEdit, RequestSpec
from tracker.services.standing import standing_of
from tracker.store import change_request as requests
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import requirements
from tracker.store.change_request import ChangeRequest
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.requirements import document_digest
from tracker.web import section
from tracker.web import site as site_pages
from tracker.web.change_card import card_of, row_of, signing_of, step_of
from tracker.web.change_form import RequestForm, first_reason, kept_rows, new_row, prefilled, typed_rows
from tracker.web.engagement import Button
from tracker.web.form import DurationField, Form, blank_to_none, save
from tracker.web.present import Shown

bp = Blueprint("change_request", __name__)
REQUESTS_SHOWN = 25


class EstimateField(DurationField):
    """Time as people write it; nothing at all is an estimate too."""

    longest, takes_nothing = LONGEST_ESTIMATE, True


class EstimateForm(Form):
    duration = EstimateField("Time it takes", [InputRequired("Write how much time it takes; 0 for none.")])


class ApproveForm(Button):
    """A yes; where it signs the requirements, with a tick and the name of whoever is signed in."""

    foresaw = HiddenField()
    agree = BooleanField("I have read what changes and approve it", [InputRequired("Tick this to approve.")])
    signed_name = StringField("Your name", [InputRequired("Type your name.")])

    def validate_signed_name(self, field: Field) -> None:
        """Only the person who is signed in signs."""
        if not same_name(field.data, current_actor().name):
            raise ValidationError(f"You are signed in as {current_actor().name}. Type that name.")

    # The sites as the requirements will list them, where the yes signs that; and what it came to.
    signs: list[dict[str, Any]] | None = None
    done: str | None = None

    def leave_signing_out(self) -> None:
        """A plain yes."""
        del self.agree, self.signed_name

    def say_yes(self, actor: Actor, change_request_id: UUID) -> ChangeRequest:
        """Approve what was on the screen. Raises EditedMeanwhile where that is another list of sites by now."""
        if self.signs is not None and self.foresaw.data != _fingerprint(self.signs):
            raise EditedMeanwhile("The list of sites has changed since you read it. Look at it again, then approve it.")
        approved = service.approve(
            db.session, actor, change_request_id, version=self.edited_version(), foresaw=self.signs, now=utc_now()
        )
        applied = approved.state == RequestState.APPLIED
        self.done = "Both sides approved it, and it is done." if applied else "Approved. Now the other side is asked."
        return approved


class RejectForm(Form):
    reason = TextAreaField("Why not", [InputRequired("Say why; the other side reads it."), Length(max=REASON_LENGTH)])


class WithdrawForm(Button):
    note = StringField("Note", [Optional()])


@bp.get("/engagements/<uuid:engagement_id>/change-requests")
@allow(Permission.SEE_ENGAGEMENTS)
def index(engagement_id: UUID) -> ResponseReturnValue:
    """The change requests of an engagement, the undecided ones or all that are decided."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    decided = request.args.get("show") == "decided"
    states = DECIDED_STATES if decided else UNDECIDED_STATES
    before = request.args.get("before", type=int)
    found = requests.page(db.session, engagement_id, states=states, before=_small(before), limit=REQUESTS_SHOWN + 1)
    shown = found[:REQUESTS_SHOWN]
    names = people.people_named(db.session, {each.raised_by for each in shown})
    kept = "decided" if decided else None
    return render_template(
        "change_request/list.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "changes"),
        engagement=site_pages.head_of(engagement),
        filters=_filters(engagement_id, decided=decided),
        rows=[row_of(each, names, engagement) for each in shown],
        decided=decided,
        new_url=url_for("change_request.new", engagement_id=engagement_id) if actor.may(Permission.ANSWER) else None,
        newest_url=url_for("change_request.index", engagement_id=engagement_id, show=kept) if before else None,
        older_url=url_for("change_request.index", engagement_id=engagement_id, before=shown[-1].number, show=kept)
        if len(found) > REQUESTS_SHOWN
        else None,
    )


def _small(number: int | None) -> int | None:
    """A number as databases hold it."""
    return None if number is None else max(0, min(number, 2**31 - 1))


def _filters(engagement_id: UUID, *, decided: bool) -> list[Shown]:
    counts = requests.count_by_state(db.session, engagement_id)
    base = url_for("change_request.index", engagement_id=engagement_id)
    return [
        Shown(label=label, url=url, is_current=current, count=sum(counts.get(state, 0) for state in states))
        for label, url, current, states in (
            ("Open", base, not decided, UNDECIDED_STATES),
            ("Decided", f"{base}?show=decided", decided, DECIDED_STATES),
        )
    ]


@bp.route("/engagements/<uuid:engagement_id>/change-requests/new", methods=["GET", "POST"])
@allow(Permission.ANSWER)
def new(engagement_id: UUID) -> ResponseReturnValue:
    """Raise a change request; another page may have filled in what it is about."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    source = request.form if request.form.get("prefill") else request.args
    standing, zone = standing_of(db.session, engagement), ZoneInfo(engagement.time_zone)
    if request.method == "GET" or source is request.form:
        first = prefilled(source, standing)
        form = RequestForm(formdata=None, data={"reason": first_reason(source, standing)})
        form.fill([new_row(0, first)] if first else [], standing, zone)
        return form_page(form, engagement), 200
    form = RequestForm()
    form.fill(typed_rows(), standing, zone)
    if "add" in request.form or "remove" in request.form:
        return form_page(form, engagement), 200
    raised = save(
        form,
        lambda: service.raise_request(
            db.session,
            actor,
            engagement_id,
            RequestSpec(form.said(), blank_to_none(form.title.data) or "", form.reason.data or ""),
            now=utc_now(),
        ),
        lambda made: url_for("change_request.show", change_request_id=made.id),
    )
    if raised is not None:
        flash("The change request is raised. The team says how much time it takes; then both sides approve it.", "success")
        return raised
    return form_page(form, engagement), form.status


def form_page(form: RequestForm, engagement: Engagement, edited: ChangeRequest | None = None) -> str:
    """The form, for a new request or for one that is there."""
    index_url = url_for("change_request.index", engagement_id=engagement.id)
    return render_template(
        "change_request/form.html",
        nav_current="portfolio",
        form=form,
        engagement=site_pages.head_of(engagement),
        edited=edited,
        kinds={kind: each.label for kind, each in KINDS.items() if kind != "add_site" or engagement.requirements_version},
        may_add=len(form.rows) < MOST_CHANGES,
        was_added="add" in request.form,
        action=url_for("change_request.edit", change_request_id=edited.id)
        if edited
        else url_for("change_request.new", engagement_id=engagement.id),
        index_url=index_url,
        back_url=url_for("change_request.show", change_request_id=edited.id) if edited else index_url,
    )


@bp.get("/change-requests/<uuid:change_request_id>")
@allow(Permission.SEE_ENGAGEMENTS)
def show(change_request_id: UUID) -> ResponseReturnValue:
    """One change request; with `?edit=1` its form, for who may change it."""
    actor = current_actor()
    asked, engagement = requests.get_with_engagement(db.session, actor, change_request_id)
    if "edit" not in request.args or not may_edit(actor, asked.state, asked.raised_by):
        return page_of(change_request_id)
    zone = ZoneInfo(engagement.time_zone)
    form = RequestForm(formdata=None, data={"title": asked.title, "reason": asked.reason, "version": asked.version})
    form.fill(kept_rows(asked.changes, zone), standing_of(db.session, engagement), zone)
    return form_page(form, engagement, asked), 200


@bp.post("/change-requests/<uuid:change_request_id>/edit")
@allow(Permission.ANSWER)
def edit(change_request_id: UUID) -> ResponseReturnValue:
    """Change what is asked."""
    actor = current_actor()
    _asked, engagement = requests.get_with_engagement(db.session, actor, change_request_id)
    form = RequestForm()
    form.fill(typed_rows(), standing_of(db.session, engagement), ZoneInfo(engagement.time_zone))
    edited = None
    if "add" not in request.form and "remove" not in request.form:
        edited = save(form, lambda: _edit(actor, change_request_id, form), lambda _: _url(change_request_id))
    if edited is not None:
        flash("The change request is changed. Both sides approve what it says now.", "success")
        return edited
    asked, engagement = requests.get_with_engagement(db.session, actor, change_request_id)
    if form.status == 409:
        form.version.data = str(asked.version)
    return form_page(form, engagement, asked), form.status


def _edit(actor: Actor, change_request_id: UUID, form: RequestForm) -> ChangeRequest:
    values = {"reason": form.reason.data or "", "changes": form.said()}
    title = blank_to_none(form.title.data)
    edit = RequestEdit(values | ({"title": title} if title else {}), form.edited_version())
    return service.edit_request(db.session, actor, change_request_id, edit, now=utc_now())


def _url(change_request_id: UUID) -> str:
    return url_for("change_request.show", change_request_id=change_request_id)


@bp.post("/change-requests/<uuid:change_request_id>/estimate")
@allow(Permission.EDIT_ENGAGEMENT)
def estimate(change_request_id: UUID) -> ResponseReturnValue:
    """Say how much time it takes."""
    form, actor = EstimateForm(), current_actor()
    done = save(
        form,
        lambda: service.edit_request(
            db.session,
            actor,
            change_request_id,
            RequestEdit({"estimate_minutes": form.duration.minutes}, form.edited_version()),
            now=utc_now(),
        ),
        lambda _: _url(change_request_id),
    )
    if done is not None:
        flash("The estimate is saved.", "success")
        return done
    return page_of(change_request_id, estimate_form=form)


@bp.post("/change-requests/<uuid:change_request_id>/approve")
@allow(Permission.ANSWER)
def approve(change_request_id: UUID) -> ResponseReturnValue:
    """Say yes for one's side."""
    form, actor = ApproveForm(), current_actor()
    asked, engagement = requests.get_with_engagement(db.session, actor, change_request_id)
    form.signs = signed_by_approval(asked, engagement, _changes(asked)) if side_of(actor) is Side.CUSTOMER else None
    if form.signs is None:
        form.leave_signing_out()
    done = save(form, lambda: form.say_yes(actor, change_request_id), lambda _: _url(change_request_id))
    if done is not None:
        flash(form.done or "Approved.", "success")
        return done
    return page_of(change_request_id, approve_form=form)


@bp.post("/change-requests/<uuid:change_request_id>/reject")
@allow(Permission.ANSWER)
def reject(change_request_id: UUID) -> ResponseReturnValue:
    """Say no for one's side."""
    form, actor = RejectForm(), current_actor()
    done = save(
        form,
        lambda: service.reject(
            db.session, actor, change_request_id, form.reason.data or "", version=form.edited_version(), now=utc_now()
        ),
        lambda _: _url(change_request_id),
    )
    if done is not None:
        flash("The change request is rejected. The other side reads why.", "success")
        return done
    return page_of(change_request_id, reject_form=form)


@bp.post("/change-requests/<uuid:change_request_id>/withdraw")
@allow(Permission.ANSWER)
def withdraw(change_request_id: UUID) -> ResponseReturnValue:
    """Take a request back."""
    form, actor = WithdrawForm(), current_actor()
    done = save(
        form,
        lambda: service.withdraw(
            db.session, actor, change_request_id, form.note.data or "", version=form.edited_version(), now=utc_now()
        ),
        lambda _: _url(change_request_id),
    )
    if done is not None:
        flash("The change request is taken back.", "success")
        return done
    return page_of(change_request_id, refused=form)


def page_of(
    change_request_id: UUID,
    *,
    estimate_form: EstimateForm | None = None,
    approve_form: ApproveForm | None = None,
    reject_form: RejectForm | None = None,
    refused: Form | None = None,
) -> ResponseReturnValue:
    """One request, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    asked, engagement = requests.get_with_engagement(db.session, actor, change_request_id)
    answered = estimate_form or approve_form or reject_form or refused
    changes = _changes(asked)
    steps = requests.steps_of(db.session, change_request_id)
    names = people.people_named(db.session, {asked.raised_by, *(step.by for step in steps)})
    card = card_of(asked, engagement, changes, names)
    page = render_template(
        "change_request/request.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement.id, "changes"),
        engagement=site_pages.head_of(engagement),
        asked=card,
        steps=[step_of(step, names, engagement) for step in steps],
        index_url=url_for("change_request.index", engagement_id=engagement.id),
        refused=refused,
        **_forms(asked, engagement, changes, actor, approve_form),
        estimate_form=_shown_form(estimate_form or EstimateForm(formdata=None), asked),
        reject_form=_shown_form(reject_form or RejectForm(formdata=None), asked),
    )
    return page, answered.status if answered is not None else 200


def _changes(asked: ChangeRequest) -> list[Change]:
    return [read_change(each, asked.reason) for each in asked.changes]


def _shown_form(form: Form, asked: ChangeRequest) -> Form:
    form.version.data = str(asked.version)
    return form


def _forms(
    asked: ChangeRequest, engagement: Engagement, changes: list[Change], actor: Actor, form: ApproveForm | None
) -> dict[str, Any]:
    """What this person may do about it now."""
    side, is_open = side_of(actor), asked.state in UNDECIDED_STATES
    mine = asked.team_approved_at if side is Side.TEAM else asked.customer_approved_at
    may_decide = side is not None and is_open and mine is None
    foreseen = signed_by_approval(asked, engagement, changes) if may_decide and side is Side.CUSTOMER else None
    base = _url(asked.id)
    may_approve = may_decide and asked.estimate_minutes is not None
    if may_approve:
        form = form or ApproveForm(formdata=None)
        form.version.data, form.foresaw.data = str(asked.version), _fingerprint(foreseen)
        if foreseen is None and "agree" in form:
            form.leave_signing_out()
    return {
        "approve_form": form if may_approve else None,
        "signs": None if foreseen is None else signing_of(engagement, foreseen),
        "urls": {
            "approve": f"{base}/approve" if may_approve else None,
            "reject": f"{base}/reject" if side is not None and is_open else None,
            "estimate": f"{base}/estimate" if is_open and actor.may(Permission.EDIT_ENGAGEMENT) else None,
            "withdraw": f"{base}/withdraw" if may_withdraw(actor, asked.state, asked.raised_by) else None,
            "edit": f"{base}?edit=1" if may_edit(actor, asked.state, asked.raised_by) else None,
        },
        "waits_for_estimate": is_open and asked.estimate_minutes is None,
        "has_approved": is_open and mine is not None and side is not None,
    }


def signed_by_approval(asked: ChangeRequest, engagement: Engagement, changes: list[Change]) -> list[dict[str, Any]] | None:
    """The sites that a customer's approval signs for; None where it signs nothing."""
    foreseen = foresee(db.session, engagement, changes)
    if foreseen is None:
        return None
    former = requirements.latest(db.session, engagement.id)
    assert former is not None
    signed = requirements.signature(db.session, engagement.id, "requirements", former.hash)
    return foreseen if signed is not None and asked.state in UNDECIDED_STATES else None


def _fingerprint(foreseen: list[dict[str, Any]] | None) -> str:
    return "" if foreseen is None else document_digest({"sites": foreseen})
