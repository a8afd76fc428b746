"""The forms that make and change an engagement."""

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, Field, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Optional, StopValidation

from tracker.clock import utc_now
from tracker.domain.access import MANAGERS, Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import customer as customer_service
from tracker.services import engagement as service
from tracker.services.customer import CustomerChange
from tracker.services.engagement import ASSUMED, TERMS, AgreementSpec, EngagementChange, EngagementSpec
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.holiday import countries
from tracker.store.person import Person
from tracker.web import present
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import choices

bp = Blueprint("engagement_form", __name__)
CUSTOMERS_OFFERED = 500


class WithAgreement:
    """Needed where an engagement rests on an agreement; elsewhere it may stay empty."""

    def __init__(self, missing: str, unreadable: str = "") -> None:
        self.missing, self.unreadable = missing, unreadable

    def __call__(self, form: "AgreementForm", field: Field) -> None:
        empty = not any(str(text).strip() for text in field.raw_data or [])
        if empty or field.errors:
            field.errors = []
            raise StopValidation(self.unreadable if not empty else self.missing if form.has_agreement else "")


class OrEmpty:
    """A number that may be left out; what is no number is said so."""

    field_flags: ClassVar[dict[str, bool]] = {"optional": True}

    def __init__(self, unreadable: str) -> None:
        self.unreadable = unreadable

    def __call__(self, _form: Any, field: Field) -> None:
        if not any(str(text).strip() for text in field.raw_data or []):
            field.errors = []
            raise StopValidation
        if field.errors:
            field.errors = []
            raise StopValidation(self.unreadable)


DAYS = WithAgreement("Write the days agreed.", "Write a whole number of days.")


class EngagementForm(Form):
    """What may be asked of any engagement."""

    name = StringField("Name", [InputRequired("Name the engagement.")])
    time_zone = StringField("Time zone", [InputRequired("Write a time zone, such as Europe/Berlin.")])
    engagement_manager = SelectField("Engagement manager")
    account_rep = StringField("Account rep", [Optional()])
    slack_channel = StringField("Customer channel", [Optional()])
    internal_slack_channel = StringField("Team channel", [Optional()])

    def offer_managers(self, current: Person | None = None) -> None:
        """Offer whoever may lead an engagement, and whoever leads this one."""
        able = [person for person in people.active_staff(db.session) if person.role in MANAGERS]
        if current is not None and current.id not in {person.id for person in able}:
            able.append(current)
        self.engagement_manager.choices = {str(person.id): person.name for person in able}

    def said(self) -> dict[str, str | None]:
        """What was typed, an empty field as nothing."""
        names = ("name", "time_zone", "engagement_manager", "account_rep", "slack_channel", "internal_slack_channel")
        return {name: blank_to_none(self[name].data) for name in names}


class AgreementForm(EngagementForm):
    """An engagement of either kind, with its agreement where it has one."""

    # Once there is an agreement, it may be corrected but not taken away.
    stands = False
    type = RadioField("Kind", choices=choices(present.TYPE_LABELS), default="managed")
    reference = StringField("Reference", [WithAgreement("Write the agreement's reference.")])
    signed_on = DateField("Signed on", [WithAgreement("Say when it was signed.", "Write a day, such as 2026-03-02.")])
    uat_business_days = IntegerField("UAT", [DAYS])
    cutover_business_days = IntegerField("DNS cutover", [DAYS])
    hypercare_business_days = IntegerField("Hypercare", [DAYS])
    uat_silence = RadioField("If nobody answers in UAT", choices=choices(present.SILENCE_LABELS), default="hold")
    ps_valid_days = IntegerField("A PS block can be used for", [OrEmpty("Write a whole number of days.")])
    ps_carry_over = BooleanField("What is left of a PS block then is carried over")

    @property
    def has_agreement(self) -> bool:
        """A managed engagement rests on one; another has one as soon as a part of it is written."""
        parts = (self.reference, self.signed_on, self.uat_business_days, self.cutover_business_days, self.hypercare_business_days,
                 self.ps_valid_days, self.ps_carry_over)  # fmt: skip
        written = any(str(text).strip() for part in parts for text in part.raw_data or [])
        return self.stands or self.type.data == "managed" or written

    def terms(self) -> dict[str, Any]:
        """What was typed of the agreement; nothing where there is none."""
        return {name: self[name].data for name in TERMS} if self.has_agreement else {}


class NewEngagementForm(AgreementForm):
    """A new engagement with its agreement."""

    customer = StringField("Customer", [InputRequired("Name the customer.")])
    country = SelectField("Public holidays of", [Optional()])
    kickoff_on = DateField("Kick-off", [Optional()])

    def spec(self) -> EngagementSpec:
        """The engagement as it was entered."""
        said, terms = self.said(), self.terms()
        agreement = AgreementSpec.of(terms) if terms else None
        return EngagementSpec(
            name=said["name"] or "",
            customer=self.customer.data or "",
            time_zone=said["time_zone"] or "",
            type=self.type.data,
            agreement=agreement,
            country=blank_to_none(self.country.data),
            slack_channel=said["slack_channel"],
            internal_slack_channel=said["internal_slack_channel"],
            kickoff_on=self.kickoff_on.data,
            manager=said["engagement_manager"],
            account_rep=said["account_rep"],
        )


class EditEngagementForm(AgreementForm):
    """What may be changed later; the kick-off is moved on its own page, with a reason."""

    # Not "status": that is what a form answers with.
    state = RadioField("State", choices=choices(present.STATUS_LABELS))
    country = SelectField("Public holidays of", [Optional()])

    def changes(self, current: Mapping[str, Any]) -> dict[str, object]:
        """What was typed that stands otherwise now. Naming a channel anew would send what is parked there once more."""
        said: dict[str, Any] = {**self.said(), "type": self.type.data, "state": self.state.data}
        changed = {"status" if name == "state" else name: value for name, value in said.items() if value != current[name]}
        terms = {name: value for name, value in self.terms().items() if not self.stands or value != current[name]}
        return changed | ({"agreement": terms} if terms else {})


@cache
def time_zones() -> list[str]:
    """The places that a time zone is offered for."""
    return ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))]


@bp.route("/engagements/new", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def new() -> ResponseReturnValue:
    """Open an engagement."""
    actor = current_actor()
    form = NewEngagementForm(data={"time_zone": actor.time_zone, "engagement_manager": str(actor.person_id)})
    form.offer_managers()
    form.country.choices = choices(dict(countries()), "No public holidays")
    made = save(
        form,
        lambda: service.create_engagement(db.session, actor, form.spec(), now=utc_now()),
        lambda engagement: url_for("engagement.show", engagement_id=engagement.id),
    )
    if made is not None:
        flash("The engagement is open. Next, list the sites that move.", "success")
        return made
    known = engagements.customers(db.session, actor, after=None, limit=CUSTOMERS_OFFERED)
    names = [customer.name for customer in known]
    page = render_template("engagement/new.html", nav_current="portfolio", form=form, customers=names, time_zones=time_zones())
    return page, form.status


@bp.route("/engagements/<uuid:engagement_id>/edit", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def edit(engagement_id: UUID) -> ResponseReturnValue:
    """Change an engagement."""
    actor, engagement = current_actor(), engagements.get(db.session, current_actor(), engagement_id)
    current = current_values(engagement)
    form = EditEngagementForm(data=current | {"version": engagement.version})
    form.stands = engagements.agreement_of(db.session, engagement.id) is not None
    form.offer_managers(people.get(db.session, engagement.manager_id))
    form.country.choices = choices(dict(countries()), "No public holidays")

    def change() -> Engagement:
        if (country := blank_to_none(form.country.data)) != current["country"]:
            of_customer = CustomerChange({"country": country})
            customer_service.edit_customer(db.session, actor, engagement.customer_id, of_customer, now=utc_now())
        changes = EngagementChange(form.edited_version(), form.changes(current))
        return service.edit_engagement(db.session, actor, engagement_id, changes, now=utc_now())

    if saved := save(form, change, lambda _: url_for("engagement.show", engagement_id=engagement_id)):
        flash("The changes are saved.", "success")
        return saved
    return edit_page(form, engagement_id), form.status


def edit_page(form: EditEngagementForm, engagement_id: UUID) -> str:
    """The form; after a stale edit with the version and the values that stand there now."""
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    if form.status == 409:
        form.version.data = str(engagement.version)
        present.show_current(form, current_values(engagement))
    head = present.engagement_head(engagement, "", "")
    return render_template(
        "engagement/edit.html",
        nav_current="portfolio",
        form=form,
        engagement=head,
        back_url=head.url,
        time_zones=time_zones(),
    )


def current_values(engagement: Engagement) -> dict[str, Any]:
    """What the form shows of an engagement and its agreement."""
    agreement = engagements.agreement_of(db.session, engagement.id)
    terms = {name: getattr(agreement, name) for name in TERMS} if agreement else dict.fromkeys(TERMS) | ASSUMED
    return terms | {
        "type": engagement.type,
        "name": engagement.name,
        "time_zone": engagement.time_zone,
        "engagement_manager": str(engagement.manager_id),
        "account_rep": engagement.account_rep,
        "slack_channel": engagement.slack_channel,
        "internal_slack_channel": engagement.internal_slack_channel,
        "state": engagement.status,
        "country": engagements.customer(db.session, engagement.customer_id).country,
    }
