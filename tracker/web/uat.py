"""The acceptance test of a site: its rounds, who tests, what is wrong, and the sign-off."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.lifecycle import open_steps
from tracker.domain.uat import CUSTOMERS_STEPS, DEFECT_LIFECYCLE, UNSETTLED, DefectClass, DefectState, RoundState
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import uat as service
from tracker.services.uat import DefectChange
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import requirements
from tracker.store import site as sites
from tracker.store import uat as rounds
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.uat import DefectRow, RoundRow
from tracker.web import dates, present, section
from tracker.web import engagement as engagement_pages
from tracker.web import site as site_pages
from tracker.web.filters import say_moment
from tracker.web.form import FieldRow, Form, save
from tracker.web.present import Shown, choices

bp = Blueprint("uat", __name__)
ROUND_LABELS = {
    RoundState.OPEN: ("Open", "violet"),
    RoundState.SIGNED: ("Signed", "green"),
    RoundState.REJECTED: ("Not accepted", "red"),
    RoundState.LAPSED: ("Lapsed, not signed", "amber"),
}
CLASS_LABELS = {
    DefectClass.UNCLASSIFIED: "Not sorted yet",
    DefectClass.MIGRATION_DEFECT: "From the migration",
    DefectClass.PRE_EXISTING: "Was there before",
    DefectClass.KNOWN_INCOMPATIBILITY: "Known incompatibility",
    DefectClass.OUT_OF_SCOPE: "Out of scope",
}
STATE_LABELS = {
    DefectState.OPEN: ("Open", "amber"),
    DefectState.FIXING: ("Being fixed", "blue"),
    DefectState.FIXED: ("Fixed, please check", "violet"),
    DefectState.CONFIRMED: ("Confirmed fixed", "green"),
    DefectState.DECLINED: ("Will not be fixed here", "grey"),
}
FURTHER = {DefectState.CONFIRMED: "Yes, it is fixed", DefectState.OPEN: "No, it is not fixed"}


class SignOffForm(engagement_pages.SignForm):
    agree = BooleanField("I have tested this site, or had it tested, and accept it", [InputRequired("Tick this to sign.")])


class TestersForm(Form):
    testers = TextAreaField("Who tests", [Optional(), Length(max=20_000)])

    def said(self) -> list[dict[str, str]]:
        """One tester on each line: a name, perhaps a comma and an e-mail address."""
        lines = [line.split(",", 1) for line in (self.testers.data or "").splitlines() if line.strip()]
        return [{"name": line[0].strip(), "email": line[1].strip() if len(line) > 1 else ""} for line in lines]


class RejectForm(Form):
    reason = TextAreaField("What is missing", [InputRequired("Say what is missing."), Length(max=500)])


class ReportForm(Form):
    title = StringField("What is wrong", [InputRequired("Say in a few words what is wrong."), Length(max=service.TITLE_LENGTH)])
    details = TextAreaField("Details", [Optional(), Length(max=service.DETAILS_LENGTH)])


class DefectForm(Form):
    """What may be said about a defect; what somebody may not say is left out."""

    state = SelectField("How far it is")
    classification = SelectField("What it is", choices=choices({each.value: label for each, label in CLASS_LABELS.items()}))
    source_checked = TextAreaField("How it was seen on the source", [Optional(), Length(max=service.DETAILS_LENGTH)])

    def change(self) -> DefectChange:
        return DefectChange(
            self.edited_version(),
            classification=DefectClass(self.classification.data) if "classification" in self else None,
            state=DefectState(self.state.data),
            source_checked=(self.source_checked.data or "") if "source_checked" in self else None,
        )


@bp.get("/sites/<uuid:site_id>/uat")
@allow(Permission.SEE_ENGAGEMENTS)
def show(site_id: UUID) -> ResponseReturnValue:
    """The acceptance test of a site."""
    return page_of(site_id)


def page_of(
    site_id: UUID,
    *,
    sign_form: SignOffForm | None = None,
    testers_form: TestersForm | None = None,
    refused: Form | None = None,
) -> ResponseReturnValue:
    """The page, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    found = rounds.rounds_of_site(db.session, site_id)
    current = found[0] if found and found[0].round.state == RoundState.OPEN else None
    agreement = engagements.agreement_of(db.session, engagement.id)
    answered = refused or sign_form or testers_form
    page = render_template(
        "uat/uat.html",
        nav_current="portfolio",
        section_rows=section.of_site(actor, site_id, "uat"),
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        refused=refused,
        date=_date_of(site, engagement),
        rounds=[round_row(row) for row in found],
        current=round_row(current) if current else None,
        urls=_urls(site, current, actor, may_lapse=agreement is not None and agreement.uat_silence == "proceed"),
        **_forms(engagement, current, actor, sign_form, testers_form),
        **_defects_of(site_id, engagement.time_zone),
    )
    return page, answered.status if answered is not None else 200


def _date_of(site: Site, engagement: Engagement) -> Shown | None:
    """When the answer is due."""
    found = deadlines.one(db.session, engagement.id, site.id, "uat")
    if found is None:
        return None
    live = found.done_at is None and engagement.status == "active"
    return Shown(
        due=dates.say_due(found, engagement.time_zone),
        relative=dates.distance(found, engagement.time_zone, utc_now()) if live else None,
        tone=dates.tone_of(found, engagement.time_zone, utc_now()) if live else "grey",
    )


def round_row(row: RoundRow) -> Shown:
    """One round, how it ended and who tested."""
    zone, tested = row.engagement.time_zone, row.round
    label, tone = ROUND_LABELS[RoundState(tested.state)]
    return Shown(
        id=tested.id,
        number=tested.number,
        version=tested.version,
        state_label=label,
        state_tone=tone,
        opened=say_moment(tested.opened_at, zone),
        closed=" · ".join(filter(None, [say_moment(tested.closed_at, zone), row.closer])) if tested.closed_at else None,
        reason=tested.reason,
        testers=[Shown(name=each["name"], email=each.get("email")) for each in tested.testers],
    )


def _urls(site: Site, current: RoundRow | None, actor: Actor, *, may_lapse: bool) -> dict[str, str | None]:
    base = f"/uat-rounds/{current.round.id}" if current else None
    return {
        "report": f"/sites/{site.id}/defects/new" if base and actor.may(Permission.ANSWER) else None,
        "sign": f"{base}/sign" if base and actor.may(Permission.SIGN) else None,
        "reject": f"{base}/reject" if base and actor.may(Permission.SIGN) else None,
        "testers": f"{base}/testers" if base and service.may_name_testers(actor) else None,
        "lapse": f"{base}/lapse" if base and may_lapse and actor.may(Permission.EDIT_ENGAGEMENT) else None,
    }


def _forms(
    engagement: Engagement,
    current: RoundRow | None,
    actor: Actor,
    sign_form: SignOffForm | None,
    testers_form: TestersForm | None,
) -> dict[str, Any]:
    """What may be filled in while a round is open."""
    if current is None:
        return {"sign_form": None, "testers_form": None}
    agreed = requirements.latest(db.session, engagement.id)
    if actor.may(Permission.SIGN) and agreed is not None:
        sign_form = sign_form or SignOffForm(formdata=None)
        sign_form.hash.data = agreed.hash
    if service.may_name_testers(actor):
        lines = [", ".join(filter(None, [each["name"], each.get("email")])) for each in current.round.testers]
        testers_form = testers_form or TestersForm(formdata=None, data={"testers": "\n".join(lines)})
        testers_form.version.data = str(current.round.version)
    return {"sign_form": sign_form, "testers_form": testers_form}


def _defects_of(site_id: UUID, zone: str) -> dict[str, Any]:
    """What was reported, perhaps only what is in one state."""
    asked = request.args.get("state", "")
    wanted = asked if asked in set(DefectState) else ""
    found = rounds.defects_of_site(db.session, site_id)
    return {
        "defects": [defect_row(row, zone) for row in found if not wanted or row.defect.state == wanted],
        "unsettled": sum(row.defect.state in UNSETTLED for row in found),
        "filters": [
            Shown(label=label, url=f"/sites/{site_id}/uat{f'?state={state}' if state else ''}#defects", current=state == wanted)
            for state, label in [("", "All"), *((each.value, STATE_LABELS[each][0]) for each in DefectState)]
        ]
        if found
        else [],
    }


def defect_row(row: DefectRow, zone: str) -> Shown:
    """One defect as the list shows it."""
    defect, state = row.defect, DefectState(row.defect.state)
    return Shown(
        id=defect.id,
        url=f"/defects/{defect.id}",
        title=defect.title,
        details=defect.details,
        class_label=CLASS_LABELS[DefectClass(defect.classification)],
        state_label=STATE_LABELS[state][0],
        state_tone=STATE_LABELS[state][1],
        source_checked=defect.source_checked,
        reporter=row.reporter,
        reported=say_moment(defect.reported_at, zone),
        round=row.round.number,
    )


def home_of(row: RoundRow | DefectRow) -> str:
    """The page of the site's test."""
    return url_for("uat.show", site_id=row.site.id)


@bp.post("/uat-rounds/<uuid:round_id>/sign")
@allow(Permission.SIGN)
def sign(round_id: UUID) -> ResponseReturnValue:
    """Accept the site."""
    form, actor = SignOffForm(), current_actor()
    signed = save(form, lambda: service.sign_off(db.session, actor, round_id, form.hash.data or "", now=utc_now()), home_of)
    if signed is not None:
        flash("Thank you. The site is accepted; the team plans the launch with you.", "success")
        return signed
    return page_of(rounds.get_round(db.session, actor, round_id).site.id, sign_form=form)


@bp.route("/uat-rounds/<uuid:round_id>/reject", methods=["GET", "POST"])
@allow(Permission.SIGN)
def reject(round_id: UUID) -> ResponseReturnValue:
    """Say that the site is not accepted yet, and why."""
    form, actor = RejectForm(), current_actor()
    row = rounds.get_round(db.session, actor, round_id)
    closed = save(
        form,
        lambda: service.reject(db.session, actor, round_id, form.reason.data or "", version=form.edited_version(), now=utc_now()),
        home_of,
    )
    if closed is not None:
        flash("The team knows. A further round opens when it is fixed.", "success")
        return closed
    if not form.is_submitted() or form.status == 409:
        form.version.data = str(row.round.version)
    fields: list[FieldRow] = [(form.reason, "The team reads it. Report each single fault as a defect first.", 3)]
    return act_page(form, fields, "Not accepted yet?", "Do not accept", row.site, row.engagement)


@bp.post("/uat-rounds/<uuid:round_id>/testers")
@allow(Permission.ANSWER)
def testers(round_id: UUID) -> ResponseReturnValue:
    """Say who tests."""
    form, actor = TestersForm(), current_actor()
    saved = save(
        form,
        lambda: service.name_testers(db.session, actor, round_id, form.said(), version=form.edited_version()),
        home_of,
    )
    if saved is not None:
        flash("The testers are named.", "success")
        return saved
    return page_of(rounds.get_round(db.session, actor, round_id).site.id, testers_form=form)


@bp.post("/uat-rounds/<uuid:round_id>/lapse")
@allow(Permission.EDIT_ENGAGEMENT)
def lapse(round_id: UUID) -> ResponseReturnValue:
    """Close a round that nobody answered in time."""
    form, actor = engagement_pages.Button(), current_actor()
    lapsed = save(form, lambda: service.lapse(db.session, actor, round_id, version=form.edited_version(), now=utc_now()), home_of)
    if lapsed is not None:
        flash("The round has lapsed under the agreed clause. That is no signature.", "success")
        return lapsed
    return page_of(rounds.get_round(db.session, actor, round_id).site.id, refused=form)


@bp.route("/sites/<uuid:site_id>/defects/new", methods=["GET", "POST"])
@allow(Permission.ANSWER)
def report(site_id: UUID) -> ResponseReturnValue:
    """Report something that is wrong."""
    form, actor = ReportForm(), current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    made = save(
        form,
        lambda: service.report(db.session, actor, site_id, form.title.data or "", form.details.data or "", now=utc_now()),
        home_of,
    )
    if made is not None:
        flash("Thank you. The team is told.", "success")
        return made
    fields: list[FieldRow] = [
        (form.title, "Such as: the search finds nothing.", None),
        (form.details, "Where, what you did, what you expected, what happened. No passwords.", 5),
    ]
    return act_page(form, fields, "Report a defect", "Report it", site, engagement)


@bp.route("/defects/<uuid:defect_id>", methods=["GET", "POST"])
@allow(Permission.ANSWER)
def defect(defect_id: UUID) -> ResponseReturnValue:
    """One defect, and what may be said about it."""
    actor = current_actor()
    row = rounds.get_defect(db.session, actor, defect_id)
    said = {name: getattr(row.defect, name) for name in ("state", "classification", "source_checked", "version")}
    form = DefectForm(data=said)
    _leave_out(form, row, actor)
    if "state" in form:
        saved = save(form, lambda: service.change_defect(db.session, actor, defect_id, form.change()), home_of)
        if saved is not None:
            flash("Saved.", "success")
            return saved
    return defect_page(form, defect_id), form.status


def _leave_out(form: DefectForm, row: DefectRow, actor: Actor) -> None:
    """Staff sort and mend; the customer says whether it is fixed, once it is said to be."""
    state = row.defect.state
    onward = [step.to for step, _missing in open_steps(DEFECT_LIFECYCLE, state, ())]
    if actor.is_staff:
        to = [state, *(each for each in onward if each != DefectState.CONFIRMED)]
        form.state.choices = [(each, STATE_LABELS[DefectState(each)][0]) for each in to]
        return
    del form.classification, form.source_checked
    theirs = [each for each in onward if (state, each) in CUSTOMERS_STEPS]
    if theirs:
        form.state.label.text = "Is it fixed?"
        form.state.choices = [(each, FURTHER[DefectState(each)]) for each in theirs]
    else:
        del form.state


def defect_page(form: DefectForm, defect_id: UUID) -> str:
    """The defect as it stands; after a stale edit with the version that stands there now."""
    actor = current_actor()
    row = rounds.get_defect(db.session, actor, defect_id)
    if form.status == 409:
        form.version.data = str(row.defect.version)
    _site, engagement = sites.get_with_engagement(db.session, actor, row.site.id)
    return render_template(
        "uat/defect.html",
        nav_current="portfolio",
        defect=defect_row(row, engagement.time_zone),
        form=form if "state" in form else None,
        site=present.site_head(row.site),
        engagement=site_pages.head_of(engagement),
        back_url=home_of(row),
    )


def act_page(
    form: Form, fields: list[FieldRow], title: str, label: str, site: Site, engagement: Engagement
) -> ResponseReturnValue:
    """A form about the test of a site."""
    home = url_for("uat.show", site_id=site.id)
    page = render_template(
        "site/act.html",
        nav_current="portfolio",
        title=title,
        meta=site.name,
        engagement=site_pages.head_of(engagement),
        crumbs=[(site.name, f"/sites/{site.id}"), ("UAT", home)],
        form=form,
        fields=fields,
        label=label,
        back_url=home,
        facts_title=None,
        facts=[],
        remark=None,
    )
    return page, form.status
