"""The guided paths of a site: choose one, walk it, say that it did not work."""

from typing import Any, TypeVar
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.path_step import (
    EVIDENCE_LENGTH,
    REASON_LENGTH,
    checks_of,
    hint_of,
    is_customers_own,
    label_of,
    needs_evidence,
    to_confirm,
)
from tracker.domain.runbook import RunbookStep
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import path as service
from tracker.services.path import Failure, StepChange, Walk
from tracker.store import path as paths
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.path import PathStep, SitePath
from tracker.web import present, section, steps
from tracker.web import site as site_pages
from tracker.web.engagement import Button
from tracker.web.form import Form, blank_to_none, save
from tracker.web.steps import PathView

bp = Blueprint("path", __name__)
AnyForm = TypeVar("AnyForm", bound=Form)
ON_BEHALF = "I did this for the customer"


class Checks(SelectMultipleField):
    """Boxes to tick, several of them."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class StepForm(Form):
    """One step; its inputs and checks come from the catalogue."""

    def change(self) -> StepChange:
        """What was said of the step, and which button was pressed."""
        said = {name: field.data for name, field in self._fields.items()}
        return StepChange(
            version=self.edited_version(),
            inputs={name.removeprefix("inputs."): text for name, text in said.items() if name.startswith("inputs.")},
            evidence=said.get("evidence"),
            confirmed=said.get("confirmed"),
            done=True if request.form.get("do") == "done" else None,
            on_behalf=bool(said.get("on_behalf")),
        )


class SkipForm(Form):
    skipped_reason = TextAreaField("Why it is skipped", [Length(max=REASON_LENGTH)])
    on_behalf = BooleanField(ON_BEHALF)

    def change(self) -> StepChange:
        """The reason for skipping."""
        reason, on_behalf = self.skipped_reason.data or "", "on_behalf" in self and bool(self.on_behalf.data)
        return StepChange(self.edited_version(), skipped_reason=reason, on_behalf=on_behalf)


class ReopenForm(Button):
    def change(self) -> StepChange:
        """The step is open again; who opened it stands in the audit trail."""
        return StepChange(self.edited_version(), done=False, on_behalf=True)


class ChooseForm(Button):
    runbook = HiddenField()


class FailForm(Form):
    fault = SelectField("What the importer said", [Optional()])
    message = TextAreaField("Or in your words", [Length(max=REASON_LENGTH)], description="What you saw, and at which step.")


class HelpedForm(Button):
    note = HiddenField()


def step_form(walk: Walk, step: PathStep, actor: Actor, *, answered: bool) -> StepForm:
    """The form of one step as the catalogue asks for it; `answered` reads what was sent."""
    said, checks = walk.said(step), to_confirm(checks_of(walk.said(step), walk.catalogue.runbooks))
    fields: dict[str, Any] = {f"inputs.{name}": _input_field(said, name) for name in said.asked}
    if checks:
        fields["confirmed"] = Checks("To be confirmed by you", choices={check.id: check.text for check in checks})
    if needs_evidence(said):
        hint = f"{said.evidence[:1].upper()}{said.evidence[1:]}. No passwords, no tokens."
        fields["evidence"] = TextAreaField("What shows that it is done", [Length(max=EVIDENCE_LENGTH)], description=hint)
    if actor.is_staff and is_customers_own(walk.said(step), walk.doer(step)):
        fields["on_behalf"] = BooleanField(ON_BEHALF)
    kept = {f"inputs.{name}": text for name, text in step.inputs.items()}
    kept |= {"confirmed": step.confirmed, "evidence": step.evidence, "version": step.version}
    form: StepForm = type("OneStepForm", (StepForm,), fields)(data=kept, **({} if answered else {"formdata": None}))
    return apart(form, step.id)


def _input_field(said: RunbookStep, name: str) -> StringField:
    validators: list[Any] = [Length(max=2000), *([Optional()] if name in said.optional_inputs else [])]
    return StringField(label_of(name), validators, description=hint_of(name) or "")


def skip_form(walk: Walk, step: PathStep, actor: Actor, *, answered: bool) -> SkipForm:
    """The form that skips a step."""
    form = SkipForm(data={"version": step.version}, **({} if answered else {"formdata": None}))
    if not (actor.is_staff and is_customers_own(walk.said(step), walk.doer(step))):
        del form.on_behalf
    return apart(form, f"skip-{step.id}")


def apart(form: AnyForm, name: object) -> AnyForm:
    """Give a form's fields ids of their own, where a page has several forms."""
    for each in form:
        each.id = each.label.field_id = f"{each.id}-{name}"
    return form


def fail_form(walk: Walk, *, answered: bool) -> FailForm:
    """The form that says what went wrong."""
    form = FailForm(**({} if answered else {"formdata": None}))
    faults = {each.id: f"{each.message[:1].upper()}{each.message[1:]}" for each in walk.catalogue.runbooks.import_faults}
    form.fault.choices = present.choices(faults, "Something else")
    return apart(form, walk.path.id)


@bp.get("/sites/<uuid:site_id>/path")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> ResponseReturnValue:
    """Which path fits, and how far the chosen ones are."""
    return page_of(site_id)


@bp.post("/sites/<uuid:site_id>/path")
@allow(Permission.ANSWER)
def choose(site_id: UUID) -> ResponseReturnValue:
    """Start a path."""
    form, actor = ChooseForm(), current_actor()
    chosen = save(
        form,
        lambda: service.choose_path(db.session, actor, site_id, form.runbook.data or "", now=utc_now()),
        lambda path: path_url(path.site_id, path.id),
    )
    if chosen is not None:
        flash("The path is chosen. Its first step is open.", "success")
        return chosen
    return page_of(site_id, refused=form)


def path_url(site_id: UUID, path_id: UUID) -> str:
    """Where a path stands."""
    return url_for("path.show", site_id=site_id, _anchor=f"path-{path_id}")


def answered_form(walk: Walk, step: PathStep, actor: Actor, asked: str | None) -> StepForm | SkipForm | ReopenForm:
    """The form of the button that was pressed, with what was sent."""
    if asked == "reopen":
        return ReopenForm()
    return (skip_form if asked == "skip" else step_form)(walk, step, actor, answered=True)


@bp.post("/path-steps/<uuid:step_id>")
@allow(Permission.ANSWER)
def change(step_id: UUID) -> ResponseReturnValue:
    """Fill in a step, finish it, skip it, or open it again."""
    actor, asked = current_actor(), request.form.get("do")
    step = paths.get_step(db.session, actor, step_id)
    walk = service.walk_of(db.session, actor, step.path_id)
    form = answered_form(walk, step, actor, asked)
    changed = save(
        form,
        lambda: service.change_step(db.session, actor, step_id, form.change(), now=utc_now()),
        lambda kept: path_url(kept.site_id, kept.path_id),
    )
    if changed is None:
        return page_of(step.site_id, refused=form, step_id=step_id)
    flash({"done": "Done.", "skip": "Skipped.", "reopen": "Open again."}.get(asked or "", "Saved."), "success")
    return changed


@bp.post("/site-paths/<uuid:path_id>/fail")
@allow(Permission.ANSWER)
def fail(path_id: UUID) -> ResponseReturnValue:
    """Say that a run did not work."""
    actor = current_actor()
    walk = service.walk_of(db.session, actor, path_id)
    form = fail_form(walk, answered=True)

    def carry_out() -> SitePath:
        failure = Failure(blank_to_none(form.fault.data), form.message.data or "")
        return service.fail_path(db.session, actor, path_id, failure, now=utc_now())

    failed = save(form, carry_out, lambda path: path_url(path.site_id, path.id))
    if failed is not None:
        flash("Recorded. What helps, and where to go on, stands below.", "warning")
        return failed
    return page_of(walk.site.id, refused=form, failed_id=path_id)


@bp.post("/site-paths/<uuid:path_id>/helped")
@allow(Permission.WORK_ON_SITES)
def helped(path_id: UUID) -> ResponseReturnValue:
    """Count a migration in which the team helped."""
    form, actor = HelpedForm(), current_actor()
    path, site, _engagement = paths.get(db.session, actor, path_id)
    site_id = site.id
    counted = save(
        form,
        lambda: service.record_help(db.session, actor, path_id, form.note.data or "", now=utc_now()),
        lambda _row: path_url(site_id, path.id),
    )
    if counted is not None:
        flash("Counted.", "success")
        return counted
    return page_of(site_id, refused=form)


def page_of(
    site_id: UUID, *, refused: Form | None = None, step_id: UUID | None = None, failed_id: UUID | None = None
) -> ResponseReturnValue:
    """The page, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    known = service.catalogue_of(db.session, engagement)
    proposal = service.propose_path(db.session, site, engagement)
    walks = service.walks_of(db.session, site, engagement)
    view = PathView(
        site,
        engagement,
        actor,
        people.people_named(db.session, steps.people_in(walks)),
        paths.helped_of(db.session, engagement.customer_id),
        **_forms(walks, actor, refused, step_id, failed_id),
    )
    cards = [steps.path_card(walk, view) for walk in walks]
    page = render_template(
        "path/path.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "path"),
        refused=refused if (step_id is None and failed_id is None) or isinstance(refused, ReopenForm) else None,
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        site_url=f"/sites/{site_id}",
        active=[card for card in cards if card.state == "active"],
        ended=[card for card in cards if card.state != "active"],
        proposal=steps.proposal_card(proposal, known),
        choices=steps.path_choices(known, site, engagement, proposal, walks),
        choose_url=f"/sites/{site_id}/path" if steps.may_choose(actor, engagement) else None,
    )
    return page, refused.status if refused is not None else 200


def _forms(
    walks: list[Walk], actor: Actor, refused: Form | None, step_id: UUID | None, failed_id: UUID | None
) -> dict[str, dict[UUID, Any]]:
    """The forms of what is open to the actor; in the place of a fresh one the one that was refused."""
    forms: dict[str, dict[UUID, Any]] = {"forms": {}, "skips": {}, "failures": {}}
    for walk in walks:
        current = steps.current_of(walk)
        if walk.path.state != "active" or current is None:
            continue
        if steps.may_do(actor, walk, current):
            forms["forms"][current.id] = step_form(walk, current, actor, answered=False)
            forms["skips"][current.id] = skip_form(walk, current, actor, answered=False)
        if steps.may_choose(actor, walk.engagement):
            forms["failures"][walk.path.id] = fail_form(walk, answered=False)
        if current.id == step_id and isinstance(refused, StepForm | SkipForm):
            forms["skips" if isinstance(refused, SkipForm) else "forms"][current.id] = refused
            refused.version.data = str(current.version)
    if failed_id is not None:
        forms["failures"][failed_id] = refused
    return forms
