"""Preferences: how an engagement's channels are told, and how one is told oneself. Empty is the usual, everywhere."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, IntegerField, RadioField, SelectMultipleField, StringField, TimeField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.preference import DAYS, EngagementWish, HoursWish, MailWish, PersonWish, leads_of, read_leads
from tracker.domain.reminders.registry import REMINDERS
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import preference as service
from tracker.store import engagement as engagements
from tracker.store import preference as preferences
from tracker.store.database import db
from tracker.web import section
from tracker.web import site as site_pages
from tracker.web.form import Form, save

bp = Blueprint("preference", __name__)
MAIL_LABELS = {
    MailWish.WITHOUT_SLACK: "Where Slack does not reach me",
    MailWish.ALWAYS: "Always",
    MailWish.NEVER: "Never",
}
LADDER = "ladder_"


class HoursForm(Form):
    """When somebody may be told things."""

    digest_hour = IntegerField("Hour of the digest", [Optional()])
    quiet_from = TimeField("Quiet from", [Optional()])
    quiet_until = TimeField("Quiet until", [Optional()])
    working_days = SelectMultipleField(
        "Only on",
        [Optional()],
        choices=[SelectChoice(str(day), name) for day, name in enumerate(DAYS)],
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
    )

    def hours(self) -> HoursWish:
        days = tuple(int(day) for day in self.working_days.data or ()) or None
        return HoursWish(self.digest_hour.data, self.quiet_from.data, self.quiet_until.data, days)

    def show(self, hours: HoursWish, version: int) -> None:
        """Fill in what is kept."""
        self.digest_hour.data, self.quiet_from.data, self.quiet_until.data = (
            hours.digest_hour,
            hours.quiet_from,
            hours.quiet_until,
        )
        self.working_days.data = [str(day) for day in hours.working_days or ()]
        self.version.data = str(version)


def _read_leads(_form: Any, field: StringField) -> None:
    try:
        read_leads(field.data or "")
    except ValueError:
        raise ValidationError("Write numbers of business days, such as 5, 2, 1, or “off”.") from None


def _ladder_field(kind: DeadlineKind) -> StringField:
    usual = ", ".join(str(lead) for lead in leads_of(REMINDERS[kind])) or "none"
    title = "Dates of your own" if kind is DeadlineKind.CUSTOM else KINDS[kind].title
    return StringField(title, [Optional(), _read_leads], description=f"Usually {usual}.")


class EngagementForm(HoursForm):
    weekly_digest = BooleanField("Weekly digest to the customer’s channel")
    daily_digest = BooleanField("Daily digest to the team’s own channel")

    def wish(self) -> EngagementWish:
        """What was typed, as a value."""
        said = {kind: str(self[f"{LADDER}{kind.value}"].data or "").strip() for kind in REMINDERS}
        ladders = {kind: read_leads(text) for kind, text in said.items() if text}
        return EngagementWish(self.hours(), bool(self.weekly_digest.data), bool(self.daily_digest.data), ladders)


for _kind in REMINDERS:
    setattr(EngagementForm, f"{LADDER}{_kind.value}", _ladder_field(_kind))


class PersonForm(HoursForm):
    mail = RadioField("Mail", choices=[SelectChoice(wish.value, label) for wish, label in MAIL_LABELS.items()])


class UsualForm(Form):
    """Nothing but a button."""


@bp.route("/engagements/<uuid:engagement_id>/preferences", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def engagement(engagement_id: UUID) -> ResponseReturnValue:
    """How the engagement's channels are told."""
    actor, form = current_actor(), EngagementForm()
    found = engagements.get(db.session, actor, engagement_id)
    kept = preferences.of_engagement(db.session, engagement_id)
    if request.method == "GET":
        wish = preferences.wish_of(kept)
        form.show(wish.hours, kept.version if kept else 0)
        form.weekly_digest.data, form.daily_digest.data = wish.weekly_digest, wish.daily_digest
        for kind, leads in wish.ladders.items():
            form[f"{LADDER}{kind.value}"].data = ", ".join(map(str, leads)) or "off"
    done = save(
        form,
        lambda: service.wish_engagement(
            db.session, actor, engagement_id, form.wish(), version=form.edited_version(), now=utc_now()
        ),
        lambda _kept: url_for("preference.engagement", engagement_id=engagement_id),
    )
    if done is not None:
        flash("Kept. What waits is planned by it.", "success")
        return done
    return render_template(
        "preference/engagement.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "preferences"),
        engagement=site_pages.head_of(found),
        form=form,
        usual_form=UsualForm(formdata=None),
        ladder_fields=[form[f"{LADDER}{kind.value}"] for kind in REMINDERS],
        is_usual=kept is None or preferences.wish_of(kept) == EngagementWish(),
    ), form.status


@bp.post("/engagements/<uuid:engagement_id>/preferences/usual")
@allow(Permission.EDIT_ENGAGEMENT)
def usual(engagement_id: UUID) -> ResponseReturnValue:
    """Back to the usual."""
    actor, form = current_actor(), UsualForm()
    back = url_for("preference.engagement", engagement_id=engagement_id)
    done = save(form, lambda: service.usual_engagement(db.session, actor, engagement_id, now=utc_now()), lambda _kept: back)
    if done is None:
        for messages in form.errors.values():
            for message in messages:
                flash(message, "error")
        return engagement(engagement_id)
    flash("Everything is as usual again.", "success")
    return done


@bp.route("/account/preferences", methods=["GET", "POST"])
@allow(Permission.OWN_ACCOUNT)
def person() -> ResponseReturnValue:
    """How I am told what is mine to do."""
    actor, form = current_actor(), PersonForm()
    assert actor.person_id is not None
    kept = preferences.of_person(db.session, actor.person_id)
    if request.method == "GET":
        form.show(preferences.hours_of(kept) if kept else HoursWish(), kept.version if kept else 0)
        form.mail.data = kept.mail if kept else MailWish.WITHOUT_SLACK
    done = save(
        form,
        lambda: service.wish_person(
            db.session, actor, PersonWish(form.hours(), MailWish(form.mail.data)), version=form.edited_version(), now=utc_now()
        ),
        lambda _kept: url_for("preference.person"),
    )
    if done is not None:
        flash("Kept. What waits for you is planned by it within a minute.", "success")
        return done
    return render_template("preference/person.html", form=form), form.status
