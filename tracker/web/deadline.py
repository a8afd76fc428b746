"""Dates: set one, move one with a reason, mark one done."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, DateTimeLocalField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Invalid, RuleViolation
from tracker.domain.workday import DateOutOfRange, resolve
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.edge.work import work
from tracker.services import deadline as service
from tracker.services import rescheduling
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.rescheduling import NoticeLine
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.web import dates, present
from tracker.web import engagement as engagement_pages
from tracker.web import site as site_pages
from tracker.web.dates import DateView
from tracker.web.filters import say_day, say_moment
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import Shown, choices

bp = Blueprint("deadline", __name__)
LOCAL_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
# Moving them may move a freeze that is on.
MOVE_FREEZES = (DeadlineKind.CODE_FREEZE, DeadlineKind.CONTENT_FREEZE, DeadlineKind.DNS_CUTOVER)
CLOCK_NOTES = {
    "gap_shifted": "The clock is put forward over that time, so the date stands at the next time there is.",
    "fold_first": "The clock shows that time twice; the first of the two counts.",
}


class WhenForm(Form):
    """When something is due: a day, or a moment on the engagement's own clock."""

    due_on = DateField("Day", [Optional()])
    due_at = DateTimeLocalField("Or day and time", [Optional()], format=LOCAL_FORMATS)
    zone: ZoneInfo
    clock_note: str | None = None

    def validate(self, extra_validators: Any = None) -> bool:
        """One of the two, not both."""
        valid = bool(super().validate(extra_validators))
        if valid and self.due_on.data is not None and self.due_at.data is not None:
            self.due_at.errors = ["Give a day, or a day and time, not both. Empty one of them."]
        elif valid and self.due_on.data is None and self.due_at.data is None and not self.counted():
            self.due_on.errors = ["Say when it is due."]
        else:
            return valid
        return False

    def counted(self) -> bool:
        """Whether the date follows from something else that was entered."""
        return False

    def instant(self) -> datetime | None:
        """The moment in UTC. Raises Invalid at the field for one that no calendar holds."""
        if self.due_at.data is None:
            return None
        try:
            found = resolve(self.due_at.data.date(), self.due_at.data.time(), self.zone)
        except DateOutOfRange as error:
            raise Invalid.at("due_at", str(error)) from None
        self.clock_note = CLOCK_NOTES.get(found.note)
        return found.instant

    def tell(self, message: str) -> None:
        """Say that it was done, and what the clock had to do with it."""
        flash(message, "success")
        if self.clock_note is not None:
            flash(self.clock_note, "warning")


class SetForm(WhenForm):
    """A new date."""

    kind = SelectField("What", [InputRequired("Choose what the date is for.")])
    site_id = SelectField("Site", [Optional()])
    opens_on = DateField("First day of UAT", [Optional()])
    title = StringField("Title", [Optional(), Length(max=200)])
    owner_id = SelectField("Who acts", [Optional()])
    reason = TextAreaField("Reason", [Optional(), Length(max=500)])
    open_sites: Mapping[str, str]

    def offer(self, engagement: Engagement) -> None:
        """The kinds of dates, the engagement's sites, and whoever may have to act."""
        listed = sites.of_engagement(db.session, engagement.id)
        members = engagements.members_of(db.session, engagement.id)
        customers = people.active_of_customer(db.session, engagement.customer_id)
        manager = people.get(db.session, engagement.manager_id)
        everybody = {person.id: person for person in (manager, *members, *customers)}
        self.open_sites = {str(site.id): site.name for site in listed if site.stage != "withdrawn"}
        self.kind.choices = dates.kind_choices()
        self.site_id.choices = choices(self.open_sites, "The whole engagement")
        self.owner_id.choices = choices({str(each.id): each.name for each in everybody.values()}, "Whoever it falls to")

    @property
    def asked_site(self) -> UUID | None:
        """The site whose page somebody came from."""
        asked = request.args.get("site", "")
        return UUID(asked) if asked in self.open_sites else None

    def counted(self) -> bool:
        return self.kind.data == DeadlineKind.UAT and self.opens_on.data is not None

    def spec(self) -> DateSpec:
        """The date as it was entered."""
        return DateSpec(
            kind=DeadlineKind(self.kind.data),
            dates=Dates(self.due_on.data, self.instant(), self.opens_on.data),
            site_id=UUID(self.site_id.data) if self.site_id.data else None,
            title=blank_to_none(self.title.data) if self.kind.data == DeadlineKind.CUSTOM else None,
            reason=blank_to_none(self.reason.data),
            owner_id=UUID(self.owner_id.data) if self.owner_id.data else None,
        )


class MoveForm(WhenForm):
    opens_on = DateField("First day", [Optional()])
    reason = TextAreaField("Reason", [InputRequired("Say why the date moves; the customer reads it."), Length(max=500)])
    override_reason = TextAreaField("Reason for an exception", [Optional(), Length(max=500)])

    def change(self) -> DateChange:
        """The move as it was entered."""
        opens_on = self.opens_on.data if "opens_on" in self else None
        asked = Dates(self.due_on.data, self.instant(), opens_on)
        excepted = blank_to_none(self.override_reason.data) if "override_reason" in self else None
        return DateChange(self.edited_version(), asked, blank_to_none(self.reason.data), override_reason=excepted)


class DoneForm(engagement_pages.Button):
    undo = HiddenField()


@bp.route("/engagements/<uuid:engagement_id>/deadlines/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def new(engagement_id: UUID) -> ResponseReturnValue:
    """Set a date."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    form = SetForm(data={"site_id": request.args.get("site", "")})
    form.zone = ZoneInfo(engagement.time_zone)
    form.offer(engagement)
    home = home_of(engagement_id, form.asked_site)
    made = save(form, lambda: service.set_date(db.session, actor, engagement_id, form.spec(), now=utc_now()), lambda _: home)
    if made is not None:
        form.tell("The date is set. What follows from it is counted from it.")
        return made
    head = site_pages.head_of(engagements.get(db.session, actor, engagement_id))
    return render_template("deadline/set.html", nav_current="portfolio", form=form, engagement=head, back_url=home), form.status


def home_of(engagement_id: UUID, site_id: UUID | None) -> str:
    """Where the dates stand that somebody came from."""
    if site_id is not None:
        return url_for("site.show", site_id=site_id, _anchor="dates")
    return url_for("engagement.show", engagement_id=engagement_id, _anchor="dates")


def home_of_date(deadline: Deadline) -> str:
    """The same for a date that is there: its site's page, where it was seen there."""
    return home_of(deadline.engagement_id, deadline.site_id if request.args.get("on") == "site" else None)


@bp.route("/deadlines/<uuid:deadline_id>/move", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def move(deadline_id: UUID) -> ResponseReturnValue:
    """Move a date, with a reason."""
    actor = current_actor()
    deadline = deadlines.get(db.session, actor, deadline_id)
    engagement = engagements.get(db.session, actor, deadline.engagement_id)
    form = MoveForm(data=shown_values(deadline, engagement) | {"version": deadline.version})
    form.zone = ZoneInfo(engagement.time_zone)
    if deadline.kind != DeadlineKind.UAT:
        del form.opens_on
    if deadline.kind not in MOVE_FREEZES:
        del form.override_reason
    if request.form.get("step") == "show":
        effect = effect_shown(form, deadline_id, engagement.time_zone)
        return move_page(form, deadline_id, effect), form.status
    moved = save(form, lambda: service.change_date(db.session, actor, deadline_id, form.change(), now=utc_now()), home_of_date)
    if moved is not None:
        form.tell("The date is moved. Its reminders are planned anew.")
        return moved
    return move_page(form, deadline_id), form.status


def effect_shown(form: MoveForm, deadline_id: UUID, zone: str) -> Shown | None:
    """What the move would do; None where the form has to be corrected first. Nothing is kept."""
    actor = current_actor()
    if not form.validate():
        form.status = 422
        return None
    try:
        with work():
            effect = rescheduling.effect_of(db.session, actor, deadline_id, form.change(), now=utc_now())
    except (Invalid, RuleViolation) as error:
        form.take(error)
        return None
    return Shown(
        moved=[Shown(title=each.title, site=each.site, old=say_day(each.old), new=say_day(each.new)) for each in effect.moved],
        groups=[
            ("Called off", "They were not sent yet.", _lines(effect.called_off, zone)),
            ("Planned anew", "At these times, if nothing else changes.", _lines(effect.planned, zone)),
            ("Told already", "These stay as they are.", _lines(effect.told, zone)),
        ],
    )


def _lines(lines: Iterable[NoticeLine], zone: str) -> list[Shown]:
    return [Shown(headline=each.headline, due=say_moment(each.due_at, zone), channel=each.channel) for each in lines]


def move_page(form: MoveForm, deadline_id: UUID, effect: Shown | None = None) -> str:
    """The form; after a stale edit with the version and the date that stand there now."""
    actor = current_actor()
    deadline = deadlines.get(db.session, actor, deadline_id)
    engagement = engagements.get(db.session, actor, deadline.engagement_id)
    if form.status == 409:
        form.version.data = str(deadline.version)
        present.show_current(form, shown_values(deadline, engagement))
    names = people.people_named(db.session, dates.people_in([deadline]))
    site = sites.get(db.session, actor, deadline.site_id) if deadline.site_id else None
    view = DateView(engagement, actor, utc_now(), site_names={site.id: site.name} if site else {}, people=names)
    return render_template(
        "deadline/move.html",
        nav_current="portfolio",
        form=form,
        deadline=dates.deadline_row(deadline, view),
        engagement=site_pages.head_of(engagement),
        back_url=home_of_date(deadline),
        effect=effect,
    )


def shown_values(deadline: Deadline, engagement: Engagement) -> dict[str, Any]:
    """What the form shows of a date, a moment as the engagement's clock shows it."""
    local = deadline.due_at.astimezone(ZoneInfo(engagement.time_zone)).replace(tzinfo=None) if deadline.due_at else None
    return {"due_on": deadline.due_on, "due_at": local, "opens_on": deadline.opens_on}


@bp.post("/deadlines/<uuid:deadline_id>/done")
@allow(Permission.SEE_ENGAGEMENTS)
def done(deadline_id: UUID) -> ResponseReturnValue:
    """Mark a date done, or open it again."""
    form, actor = DoneForm(), current_actor()
    is_done, now = not form.undo.data, utc_now()
    change = DateChange(form.edited_version(), done_at=now if is_done else None, open_again=not is_done)
    changed = save(form, lambda: service.change_date(db.session, actor, deadline_id, change, now=now), home_of_date)
    if changed is not None:
        flash("Marked as done." if is_done else "Open again.", "success")
        return changed
    deadline = deadlines.get(db.session, actor, deadline_id)
    if request.args.get("on") == "site" and deadline.site_id is not None:
        return site_pages.page_of(deadline.site_id, refused=form)
    return engagement_pages.page_of(deadline.engagement_id, refused=form)
