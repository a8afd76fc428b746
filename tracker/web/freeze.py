"""Freezes of a site: when each is on, what the customer answered, and the exceptions."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateTimeLocalField, Field, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional, ValidationError

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.domain.freeze import ANSWERS, HOLDS, FreezeAnswer, FreezeKind, FreezeState
from tracker.domain.text import same_name
from tracker.domain.workday import DateOutOfRange, resolve
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import freeze as service
from tracker.services.freeze import FreezeChange, FreezeSpec
from tracker.store import freeze as freezes
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.freeze import FreezeRow
from tracker.store.site import Site
from tracker.web import present, section
from tracker.web import site as site_pages
from tracker.web.deadline import LOCAL_FORMATS
from tracker.web.filters import say_moment
from tracker.web.form import FieldRow, Form, blank_to_none, save
from tracker.web.present import Shown

bp = Blueprint("freeze", __name__)
STATE_LABELS = {
    FreezeState.PLANNED: ("Planned", "blue"),
    FreezeState.RUNNING: ("On", "amber"),
    FreezeState.ENDED: ("Over", "grey"),
}
ANSWER_LABELS = {
    FreezeAnswer.FREEZE: ("Frozen", "green"),
    FreezeAnswer.ACCEPT_RESPONSIBILITY: ("Responsibility accepted", "amber"),
}
BY_ITSELF = {FreezeKind.CODE: "the launch of this site", FreezeKind.CONTENT: "the verified cutover"}
KIND_CHOICES = {kind.value: kind.label for kind in FreezeKind}


class MomentForm(Form):
    """A form with moments on the engagement's own clock."""

    zone: ZoneInfo

    def instant(self, name: str) -> datetime | None:
        """The moment in UTC. Raises Invalid at the field for one that no calendar holds."""
        local = self[name].data
        if local is None:
            return None
        try:
            return resolve(local.date(), local.time(), self.zone).instant
        except DateOutOfRange as error:
            raise Invalid.at(name, str(error)) from None

    def local(self, moment: datetime | None) -> datetime | None:
        """A moment as the field shows it."""
        return moment.astimezone(self.zone).replace(tzinfo=None) if moment else None


class FreezeForm(MomentForm):
    """A new freeze."""

    kind = SelectField("What is frozen", choices=KIND_CHOICES)
    starts_at = DateTimeLocalField("Begins", [InputRequired("Say when it begins.")], format=LOCAL_FORMATS)
    ends_at = DateTimeLocalField("Ends", [Optional()], format=LOCAL_FORMATS)
    reason = TextAreaField("Reason", [Optional(), Length(max=500)])
    override_reason = TextAreaField("Reason for an exception", [Optional(), Length(max=500)])

    def spec(self) -> FreezeSpec:
        starts_at = self.instant("starts_at")
        assert starts_at is not None
        reasons = blank_to_none(self.reason.data), blank_to_none(self.override_reason.data)
        return FreezeSpec(FreezeKind(self.kind.data), starts_at, self.instant("ends_at"), *reasons)

    def change(self) -> FreezeChange:
        spec = self.spec()
        said = frozenset({"starts_at", "ends_at"})
        return FreezeChange(self.edited_version(), said, spec.starts_at, spec.ends_at, spec.reason, spec.override_reason)


class AnswerForm(Form):
    answer = RadioField("Your answer", [InputRequired("Choose one.")])
    signed_name = StringField("Your name", [InputRequired("Type your name.")])
    reason = TextAreaField("Why the answer changes", [InputRequired("Say why."), Length(max=500)])

    def validate_signed_name(self, field: Field) -> None:
        """Only the person who is signed in answers."""
        if not same_name(field.data, current_actor().name):
            raise ValidationError(f"You are signed in as {current_actor().name}. Type that name.")


class OverrideForm(MomentForm):
    what = TextAreaField("What may change", [InputRequired("Say what may change."), Length(max=500)])
    reason = TextAreaField("Reason", [InputRequired("Say why."), Length(max=500)])
    until = DateTimeLocalField("Until", [Optional()], format=LOCAL_FORMATS)


@bp.get("/sites/<uuid:site_id>/freezes")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> ResponseReturnValue:
    """The freezes of a site."""
    actor, now = current_actor(), utc_now()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    return render_template(
        "freeze/freezes.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "freezes"),
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        freezes=[freeze_row(row, actor, now) for row in freezes.of_site(db.session, site_id)],
        new_url=f"/sites/{site_id}/freezes/new" if actor.may(Permission.EDIT_ENGAGEMENT) else None,
    )


def freeze_row(row: FreezeRow, actor: Actor, now: datetime) -> Shown:
    """One freeze with what can be done about it."""
    freeze, zone, kind = row.freeze, row.engagement.time_zone, FreezeKind(row.freeze.kind)
    state = row.state(now)
    is_over, base = state is FreezeState.ENDED, f"/freezes/{freeze.id}"
    may_edit, may_sign = actor.may(Permission.EDIT_ENGAGEMENT) and not is_over, actor.may(Permission.SIGN) and not is_over
    answer = FreezeAnswer(freeze.answer) if freeze.answer else None
    over_at = freeze.ended_at or freeze.ends_at
    return Shown(
        id=freeze.id,
        anchor=None if is_over else f"date-{freeze.deadline_id}",
        label=kind.label,
        site_name=row.site.name,
        holds=HOLDS[kind],
        state=state.value,
        state_label=STATE_LABELS[state][0],
        state_tone=STATE_LABELS[state][1],
        begins=say_local(row.starts_at, zone),
        ends=say_local(over_at, zone) if over_at else f"With {BY_ITSELF[kind]}",
        until=say_local(over_at, zone) if over_at else BY_ITSELF[kind],
        answer_label=ANSWER_LABELS[answer][0] if answer else None,
        answer_tone=ANSWER_LABELS[answer][1] if answer else None,
        answer_words=ANSWERS[kind][answer] if answer else None,
        answer_note=f"{row.answerer}, {say_moment(freeze.answered_at, zone)}" if freeze.answered_at else None,
        overrides=[
            Shown(what=each.what, reason=each.reason, by=name, until=say_local(each.until, zone) if each.until else None,
                  is_past=each.until is not None and each.until <= now)
            for each, name in row.overrides
        ],
        answer_url=f"{base}/answer" if may_sign else None,
        edit_url=f"{base}/edit" if may_edit else None,
        override_url=f"{base}/override" if may_edit and state is FreezeState.RUNNING else None,
    )  # fmt: skip


def say_local(moment: datetime, zone: str) -> str:
    """A moment on the engagement's clock, with its zone."""
    return f"{say_moment(moment, zone)} {moment.astimezone(ZoneInfo(zone)):%Z}"


def home_of(row: FreezeRow) -> str:
    """Where the freezes of its site stand."""
    return url_for("freeze.show", site_id=row.site.id)


@bp.route("/sites/<uuid:site_id>/freezes/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def new(site_id: UUID) -> ResponseReturnValue:
    """Set a freeze."""
    actor, form = current_actor(), FreezeForm()
    _site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    form.zone = ZoneInfo(engagement.time_zone)
    made = save(form, lambda: service.schedule(db.session, actor, site_id, form.spec(), now=utc_now()), home_of)
    if made is not None:
        flash("The freeze is set, and its date with it. The channel is told when it comes close.", "success")
        return made
    return act_page(form, _fields(form, with_kind=True), "Set a freeze", "Set the freeze", site_id)


def _fields(form: FreezeForm, *, with_kind: bool) -> list[FieldRow]:
    kind = [(form.kind, "Code: no changes to code. Content: nothing is written at all.", None)] if with_kind else []
    return [
        *kind,
        (form.starts_at, "Local time of the engagement.", None),
        (form.ends_at, "Left empty, a code freeze ends with the launch, a content freeze with the verified cutover.", None),
        (form.reason, "Stands beside the date; the customer reads it.", 2),
        (form.override_reason, "Only where it is on already: the customer has planned on it.", 2),
    ]


@bp.route("/freezes/<uuid:freeze_id>/edit", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def edit(freeze_id: UUID) -> ResponseReturnValue:
    """Move the start or the end of a freeze."""
    actor = current_actor()
    row = freezes.get(db.session, actor, freeze_id)
    form = FreezeForm(data={"kind": row.freeze.kind, "version": row.freeze.version})
    form.zone = ZoneInfo(row.engagement.time_zone)
    if not form.is_submitted():
        form.starts_at.data, form.ends_at.data = form.local(row.starts_at), form.local(row.freeze.ends_at)
    moved = save(form, lambda: service.change_freeze(db.session, actor, freeze_id, form.change(), now=utc_now()), home_of)
    if moved is not None:
        flash("The freeze is changed. Its reminders are planned anew.", "success")
        return moved
    _renew(form, freeze_id)
    return act_page(form, _fields(form, with_kind=False), "Move the freeze", "Save", row.site.id, freeze_id)


@bp.route("/freezes/<uuid:freeze_id>/answer", methods=["GET", "POST"])
@allow(Permission.SIGN)
def answer(freeze_id: UUID) -> ResponseReturnValue:
    """Answer a freeze by name."""
    actor = current_actor()
    row = freezes.get(db.session, actor, freeze_id)
    form = AnswerForm(data={"version": row.freeze.version})
    form.answer.choices = [(each.value, words) for each, words in ANSWERS[FreezeKind(row.freeze.kind)].items()]
    if row.freeze.answer is None:
        del form.reason
    answered = save(
        form,
        lambda: service.acknowledge(
            db.session,
            actor,
            freeze_id,
            FreezeAnswer(form.answer.data),
            reason=form.reason.data if "reason" in form else None,
            version=form.edited_version(),
            now=utc_now(),
        ),
        home_of,
    )
    if answered is not None:
        flash("Thank you. Your answer is on record.", "success")
        return answered
    fields: list[FieldRow] = [
        (form.answer, None, None), (form.signed_name, "Type your name as it should stand on record.", None),
    ]  # fmt: skip
    if "reason" in form:
        fields.append((form.reason, "Another answer was given before.", 2))
    _renew(form, freeze_id)
    return act_page(form, fields, "Answer the freeze", "Answer for your organisation", row.site.id, freeze_id)


@bp.route("/freezes/<uuid:freeze_id>/override", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def override(freeze_id: UUID) -> ResponseReturnValue:
    """Make an exception from a freeze."""
    actor, form = current_actor(), OverrideForm()
    row = freezes.get(db.session, actor, freeze_id)
    form.zone = ZoneInfo(row.engagement.time_zone)
    site_id = row.site.id
    made = save(
        form,
        lambda: service.override(
            db.session, actor, freeze_id, form.what.data or "", form.reason.data or "", form.instant("until"), now=utc_now()
        ),
        lambda _: url_for("freeze.show", site_id=site_id),
    )
    if made is not None:
        flash("The exception stands in the banner, for everybody to read.", "success")
        return made
    fields: list[FieldRow] = [
        (form.what, "Such as: prices in the shop, by Tom, in the old back end.", 2),
        (form.reason, "Everybody reads it, and it stays on record.", 2),
        (form.until, "Local time of the engagement. Left empty, it holds as long as the freeze.", None),
    ]
    return act_page(form, fields, "Make an exception", "Make the exception", site_id, freeze_id)


def _renew(form: Form, freeze_id: UUID) -> None:
    """After a stale edit the form carries the version that stands there now."""
    if form.status == 409:
        form.version.data = str(freezes.get(db.session, current_actor(), freeze_id).freeze.version)


def act_page(
    form: Form,
    fields: list[FieldRow],
    title: str,
    label: str,
    site_id: UUID,
    freeze_id: UUID | None = None,
) -> ResponseReturnValue:
    """A form about a freeze, with how it stands."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    shown = freeze_row(freezes.get(db.session, actor, freeze_id), actor, utc_now()) if freeze_id else None
    page = render_template(
        "site/act.html",
        nav_current="portfolio",
        title=title,
        meta=" · ".join(filter(None, [shown.label if shown else None, site.name])),
        fields=fields,
        form=form,
        label=label,
        facts_title="As it stands",
        facts=[("Begins", shown.begins), ("Ends", shown.ends), ("Answer", shown.answer_label)] if shown else [],
        remark=shown.holds if shown else None,
        **_place(site, engagement),
    )
    return page, form.status


def _place(site: Site, engagement: Engagement) -> dict[str, Any]:
    home = url_for("freeze.show", site_id=site.id)
    crumbs = [(site.name, f"/sites/{site.id}"), ("Freezes", home)]
    return {"engagement": site_pages.head_of(engagement), "crumbs": crumbs, "back_url": home}
