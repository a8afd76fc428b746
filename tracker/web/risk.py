"""Risks: all of an engagement, raised, changed and closed. Customers see those that are for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import risk as service
from tracker.services.risk import RiskChange, RiskSpec
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import risk as risks
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.risk import Risk
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.filters import say_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, choices
from tracker.web.question import due_tone, offer_site_and_owner, say_due

bp = Blueprint("risk", __name__)
SEVERITY_LABELS = {"blocks": "Blocks", "warns": "Warns", "note": "Note"}
SEVERITY_TONES = {"blocks": "red", "warns": "amber", "note": "grey"}
AUDIENCE_LABELS = {"internal": "The team only", "customer": "The customer too"}
CLOSED_SHOWN = 50


class RiskForm(Form):
    """A risk; `site_id` is fixed once it is raised."""

    title = StringField("What may happen", [InputRequired("Name the risk."), Length(max=200)])
    mitigation = TextAreaField("What is done about it", [InputRequired("Say what is done about it."), Length(max=2000)])
    severity = SelectField("How grave", choices=choices(SEVERITY_LABELS), default="warns")
    audience = SelectField("Who reads it", choices=choices(AUDIENCE_LABELS), default="internal")
    site_id = SelectField("Site", [Optional()])
    owner_id = SelectField("Who is on it", [Optional()])
    due_on = DateField("Settled by", [Optional()])

    def said(self) -> dict[str, Any]:
        """What was typed."""
        said = {name: self[name].data or "" for name in ("title", "mitigation", "severity", "audience")}
        return said | {"owner_id": _id(self.owner_id.data), "due_on": self.due_on.data}

    def change(self) -> RiskChange:
        """The change as it was typed."""
        return RiskChange(self.said(), self.edited_version())

    def spec(self) -> RiskSpec:
        """The risk as it was typed."""
        return RiskSpec(**self.said(), site_id=_id(self.site_id.data))


class OutcomeForm(Form):
    outcome = StringField("How it came out", [InputRequired("Say how it came out."), Length(max=2000)])


def _id(text: str | None) -> UUID | None:
    return UUID(text) if text else None


@dataclass(frozen=True)
class RiskView:
    """What the risks of one engagement are shown by."""

    engagement: Engagement
    actor: Actor
    now: datetime
    site_names: Mapping[UUID, str] = field(default_factory=dict)
    people: Mapping[UUID, str] = field(default_factory=dict)
    refused: Mapping[UUID, Form] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.engagement.time_zone)).date()


def people_in(raised: Iterable[Risk]) -> set[UUID]:
    """Everybody whom risks name."""
    return {risk.owner_id for risk in raised if risk.owner_id is not None}


def risk_row(risk: Risk, view: RiskView) -> Shown:
    """One risk with what can be done about it."""
    may_work, is_open, base = view.actor.may(Permission.WORK_ON_SITES), risk.state == "open", f"/risks/{risk.id}"
    zone = ZoneInfo(view.engagement.time_zone)
    return Shown(
        id=risk.id,
        title=risk.title,
        severity_label=SEVERITY_LABELS[risk.severity],
        severity_tone=SEVERITY_TONES[risk.severity] if is_open else "grey",
        mitigation=risk.mitigation,
        site_name=view.site_names.get(risk.site_id) if risk.site_id else None,
        is_internal=risk.audience == "internal",
        owner=view.people.get(risk.owner_id) if risk.owner_id else None,
        due=say_due(risk.due_on, view.today) if is_open else None,
        tone=due_tone(risk.due_on, view.today),
        outcome=risk.outcome,
        closed=say_day(risk.closed_at.astimezone(zone).date()) if risk.closed_at else None,
        version=risk.version,
        refused=view.refused.get(risk.id),
        edit_url=f"{base}/edit" if may_work and is_open else None,
        close_url=f"{base}/close" if may_work and is_open else None,
        open_url=f"{base}/open" if may_work and not is_open else None,
    )


@bp.get("/engagements/<uuid:engagement_id>/risks")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> str:
    """The risks of an engagement."""
    return risks_page(engagement_id)


@bp.post("/engagements/<uuid:engagement_id>/risks")
@allow(Permission.WORK_ON_SITES)
def add(engagement_id: UUID) -> ResponseReturnValue:
    """Raise a risk."""
    actor = current_actor()
    form = RiskForm()
    offer_site_and_owner(form, engagements.get(db.session, actor, engagement_id))
    raised = save(form, lambda: service.raise_risk(db.session, actor, engagement_id, form.spec(), now=utc_now()), home_of)
    if raised is not None:
        flash("The risk is noted.", "success")
        return raised
    return risks_page(engagement_id, form), form.status


def home_of(risk: Risk) -> str:
    """Where a risk stands."""
    return url_for("risk.show", engagement_id=risk.engagement_id)


@bp.post("/risks/<uuid:risk_id>/close")
@allow(Permission.WORK_ON_SITES)
def close(risk_id: UUID) -> ResponseReturnValue:
    """Close a risk with how it came out."""
    form = OutcomeForm()
    said = {"state": "closed", "outcome": form.outcome.data or ""}
    return _change(form, risk_id, lambda: RiskChange(said, form.edited_version()), "The risk is closed.")


@bp.post("/risks/<uuid:risk_id>/open")
@allow(Permission.WORK_ON_SITES)
def open_again(risk_id: UUID) -> ResponseReturnValue:
    """Open a risk again."""
    form = Form()
    return _change(form, risk_id, lambda: RiskChange({"state": "open"}, form.edited_version()), "The risk is open again.")


def _change(form: Form, risk_id: UUID, change: Callable[[], RiskChange], told: str) -> ResponseReturnValue:
    actor = current_actor()
    saved = save(form, lambda: service.change_risk(db.session, actor, risk_id, change(), now=utc_now()), home_of)
    if saved is not None:
        flash(told, "success")
        return saved
    found, _engagement = risks.get(db.session, actor, risk_id)
    return risks_page(found.engagement_id, refused={risk_id: form}), form.status


def risks_page(engagement_id: UUID, form: RiskForm | None = None, refused: Mapping[UUID, Form] | None = None) -> str:
    """All risks that the reader may know of, the open ones first. A fixed number of statements."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    may_raise = actor.may(Permission.WORK_ON_SITES)
    if form is None and may_raise:
        form = RiskForm(formdata=None)
        offer_site_and_owner(form, engagement)
    raised = risks.open_of(db.session, engagement_id, actor)
    closed = risks.closed_of(db.session, engagement_id, actor, limit=CLOSED_SHOWN)
    both = [*raised, *closed]
    view = RiskView(
        engagement,
        actor,
        utc_now(),
        site_names=sites.names_of(db.session, {each.site_id for each in both if each.site_id}),
        people=people.people_named(db.session, people_in(both)),
        refused=refused or {},
    )
    return render_template(
        "risk/risks.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "risks"),
        engagement=site_pages.head_of(engagement),
        form=form,
        risks=[risk_row(each, view) for each in raised],
        closed=[risk_row(each, view) for each in closed],
    )


@bp.route("/risks/<uuid:risk_id>/edit", methods=["GET", "POST"])
@allow(Permission.WORK_ON_SITES)
def edit(risk_id: UUID) -> ResponseReturnValue:
    """Change a risk."""
    actor = current_actor()
    risk, engagement = risks.get(db.session, actor, risk_id)
    form = RiskForm(data=shown_values(risk) | {"version": risk.version})
    del form.site_id
    offer_site_and_owner(form, engagement)
    saved = save(form, lambda: service.change_risk(db.session, actor, risk_id, form.change(), now=utc_now()), home_of)
    if saved is not None:
        flash("The risk is saved.", "success")
        return saved
    risk, engagement = risks.get(db.session, actor, risk_id)
    if form.status == 409:
        form.version.data = str(risk.version)
        present.show_current(form, shown_values(risk))
    head, back = site_pages.head_of(engagement), home_of(risk)
    return render_template("risk/edit.html", nav_current="portfolio", form=form, engagement=head, back_url=back), form.status


def shown_values(risk: Risk) -> dict[str, Any]:
    """What the form shows of a risk."""
    shown = {name: getattr(risk, name) for name in ("title", "mitigation", "severity", "audience", "due_on")}
    return shown | {"owner_id": str(risk.owner_id) if risk.owner_id else ""}
