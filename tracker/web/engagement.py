"""One engagement: its page, its form, its requirements and who works on it."""

from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, Field, HiddenField, IntegerField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Optional, StopValidation, ValidationError

from tracker.clock import utc_now
from tracker.domain.access import MANAGERS, Actor, Permission
from tracker.domain.engagement import Windows
from tracker.domain.errors import EditedMeanwhile, TrackerError
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import customer as customer_service
from tracker.services import engagement as service
from tracker.services import requirements as requirements_service
from tracker.services.customer import CustomerChange
from tracker.services.engagement import AgreementSpec, EngagementChange, EngagementSpec
from tracker.store import budget as budgets
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import outbox, portfolio, requirements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.holiday import countries
from tracker.store.person import Person
from tracker.store.requirements import ProjectRequirements, document_digest
from tracker.store.site import Site
from tracker.web import present
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import DateView, Shown, choices

bp = Blueprint("engagement", __name__)
RECENT_ENTRIES, NEXT_NOTICES, CUSTOMERS_OFFERED = 15, 5, 500


class WithAgreement:
    """Needed where an engagement rests on an agreement; elsewhere it may stay empty."""

    def __init__(self, missing: str, unreadable: str = "") -> None:
        self.missing, self.unreadable = missing, unreadable

    def __call__(self, form: "NewEngagementForm", field: Field) -> None:
        empty = not any(str(text).strip() for text in field.raw_data or [])
        if empty or field.errors:
            field.errors = []
            raise StopValidation(self.unreadable if not empty else self.missing if form.has_agreement else "")


DAYS = WithAgreement("Write how many days were agreed.", "Write a whole number of days.")


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


class NewEngagementForm(EngagementForm):
    """A new engagement with its agreement."""

    customer = StringField("Customer", [InputRequired("Name the customer.")])
    country = SelectField("Public holidays of", [Optional()])
    type = RadioField("Kind", choices=choices(present.TYPE_LABELS), default="managed")
    kickoff_on = DateField("Kick-off", [Optional()])
    reference = StringField("Reference", [WithAgreement("Write the agreement's reference.")])
    signed_on = DateField("Signed on", [WithAgreement("Say when it was signed.", "Write a day, such as 2026-03-02.")])
    uat_business_days = IntegerField("UAT", [WithAgreement("Write the days agreed.", "Write a whole number of days.")])
    cutover_business_days = IntegerField(
        "DNS cutover", [WithAgreement("Write the days agreed.", "Write a whole number of days.")]
    )
    hypercare_business_days = IntegerField(
        "Hypercare", [WithAgreement("Write the days agreed.", "Write a whole number of days.")]
    )
    uat_silence = RadioField("If nobody answers in UAT", choices=choices(present.SILENCE_LABELS), default="hold")

    @property
    def has_agreement(self) -> bool:
        """A managed engagement rests on one; another has one as soon as a part of it is written."""
        parts = (self.reference, self.signed_on, self.uat_business_days, self.cutover_business_days, self.hypercare_business_days)
        return self.type.data == "managed" or any(str(text).strip() for part in parts for text in part.raw_data or [])

    def spec(self) -> EngagementSpec:
        """The engagement as it was entered."""
        said, agreement = self.said(), None
        if self.has_agreement:
            uat, cutover, hypercare = (
                self.uat_business_days.data,
                self.cutover_business_days.data,
                self.hypercare_business_days.data,
            )
            assert self.signed_on.data is not None
            assert uat is not None
            assert cutover is not None
            assert hypercare is not None
            windows = Windows(uat, cutover, hypercare, self.uat_silence.data)
            agreement = AgreementSpec(self.reference.data or "", self.signed_on.data, windows)
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


class EditEngagementForm(EngagementForm):
    """What may be changed later; the kick-off is moved on its own page, with a reason."""

    # Not "status": that is what a form answers with.
    state = RadioField("State", choices=choices(present.STATUS_LABELS))
    country = SelectField("Public holidays of", [Optional()])

    def changes(self, current: dict[str, str | None]) -> dict[str, object]:
        """What was typed that stands otherwise now. Naming a channel anew would send what is parked there once more."""
        said = {name: value for name, value in self.said().items() if value != current[name]}
        return {**said, **({"status": self.state.data} if self.state.data != current["state"] else {})}


class MemberForm(Form):
    person_id = SelectField("Who", [InputRequired("Choose somebody.")])


class Button(Form):
    """A form in which nothing is typed that would have to be kept."""

    def take(self, error: TrackerError) -> None:
        """What was shown has changed: say it as the use case does."""
        super().take(error)
        if isinstance(error, EditedMeanwhile):
            self.form_errors = [error.message]


class AgreeForm(Button):
    hash = HiddenField()


class SignForm(Button):
    """A signature: a tick, and the name of whoever is signed in."""

    hash = HiddenField()
    agree = BooleanField("I have read the requirements and agree to them", [InputRequired("Tick this to sign.")])
    signed_name = StringField("Your name", [InputRequired("Type your name.")])

    def validate_signed_name(self, field: Field) -> None:
        """Only the person who is signed in signs."""
        if not present.same_name(field.data, current_actor().name):
            raise ValidationError(f"You are signed in as {current_actor().name}. Type that name.")


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


@bp.get("/engagements/<uuid:engagement_id>")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """Everything about one engagement."""
    return page_of(engagement_id)


@bp.route("/engagements/<uuid:engagement_id>/edit", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def edit(engagement_id: UUID) -> ResponseReturnValue:
    """Change an engagement."""
    actor, engagement = current_actor(), engagements.get(db.session, current_actor(), engagement_id)
    current = current_values(engagement)
    form = EditEngagementForm(data=current | {"version": engagement.version})
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


def current_values(engagement: Engagement) -> dict[str, str | None]:
    """What the form shows of an engagement."""
    return {
        "name": engagement.name,
        "time_zone": engagement.time_zone,
        "engagement_manager": str(engagement.manager_id),
        "account_rep": engagement.account_rep,
        "slack_channel": engagement.slack_channel,
        "internal_slack_channel": engagement.internal_slack_channel,
        "state": engagement.status,
        "country": engagements.customer(db.session, engagement.customer_id).country,
    }


@bp.post("/engagements/<uuid:engagement_id>/agree")
@allow(Permission.EDIT_ENGAGEMENT)
def agree(engagement_id: UUID) -> ResponseReturnValue:
    """Lock the list of sites that was on the screen."""
    form = AgreeForm()
    if agreed := save(
        form, lambda: agree_what_was_shown(engagement_id, form.hash.data), lambda _: requirements_url(engagement_id)
    ):
        flash("The requirements are agreed. A customer approver signs them on this page.", "success")
        return agreed
    return page_of(engagement_id, refused=form)


def agree_what_was_shown(engagement_id: UUID, digest: str | None) -> ProjectRequirements:
    """Raises EditedMeanwhile where the list is no longer the one that was shown."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    engagements.lock(db.session, engagement_id)
    if engagement.requirements_version == 0 and digest != digest_now(engagement):
        raise EditedMeanwhile("The list of sites has changed since you read it. Look at it again, then agree it.")
    return requirements_service.agree_requirements(db.session, actor, engagement_id, now=utc_now())


def digest_now(engagement: Engagement) -> str:
    """The hash of the list of sites as it stands."""
    listed = sites.of_engagement(db.session, engagement.id)
    return document_digest(requirements_service.document_of(engagement, listed, 1))


@bp.post("/engagements/<uuid:engagement_id>/sign")
@allow(Permission.SIGN)
def sign(engagement_id: UUID) -> ResponseReturnValue:
    """Put one's name under the requirements."""
    form, actor = SignForm(), current_actor()
    signed = save(
        form,
        lambda: requirements_service.sign(db.session, actor, engagement_id, "requirements", form.hash.data or "", now=utc_now()),
        lambda _: requirements_url(engagement_id),
    )
    if signed is not None:
        flash("Thank you. The requirements are signed.", "success")
        return signed
    return page_of(engagement_id, sign_form=form)


def requirements_url(engagement_id: UUID) -> str:
    """Where the requirements stand."""
    return url_for("engagement.show", engagement_id=engagement_id, _anchor="requirements")


@bp.post("/engagements/<uuid:engagement_id>/members")
@allow(Permission.EDIT_ENGAGEMENT)
def add_member(engagement_id: UUID) -> ResponseReturnValue:
    """Assign somebody of the staff."""
    form, actor = MemberForm(), current_actor()
    form.person_id.choices = member_choices(set())
    added = save(
        form,
        lambda: service.add_member(db.session, actor, engagement_id, UUID(form.person_id.data), now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id),
    )
    if added is not None:
        flash("Assigned.", "success")
        return added
    return page_of(engagement_id, member_form=form)


def member_choices(assigned: set[UUID]) -> dict[str, str]:
    """The staff who are not assigned yet."""
    free = {str(person.id): person.name for person in people.active_staff(db.session) if person.id not in assigned}
    return choices(free, "Choose somebody")


@bp.post("/engagements/<uuid:engagement_id>/members/<uuid:person_id>/remove")
@allow(Permission.EDIT_ENGAGEMENT)
def remove_member(engagement_id: UUID, person_id: UUID) -> ResponseReturnValue:
    """End an assignment."""
    form, actor = Button(), current_actor()
    removed = save(
        form,
        lambda: service.remove_member(db.session, actor, engagement_id, person_id, now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id),
    )
    if removed is not None:
        flash("No longer assigned.", "success")
        return removed
    return page_of(engagement_id, refused=form)


def page_of(
    engagement_id: UUID,
    *,
    member_form: MemberForm | None = None,
    sign_form: SignForm | None = None,
    refused: Form | None = None,
) -> ResponseReturnValue:
    """The engagement's page, also with what was refused on it. A fixed number of statements."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    listed = sites.of_engagement(db.session, engagement_id)
    answered = refused or sign_form or member_form
    page = render_template(
        "engagement/engagement.html",
        nav_current="portfolio",
        refused=refused,
        deadlines=dates_of(engagement, listed, actor),
        urls=urls_of(engagement, actor),
        **hours_of(engagement, listed, actor),
        **requirements_of(engagement, listed, actor, sign_form),
        **people_of(engagement, actor, member_form),
    )
    return page, answered.status if answered is not None else 200


def urls_of(engagement: Engagement, actor: Actor) -> dict[str, str | None]:
    """What may be done from the page; an address that is missing hides its button."""
    base = f"/engagements/{engagement.id}"
    allowed = {
        "edit": (Permission.EDIT_ENGAGEMENT, f"{base}/edit"),
        "set_date": (Permission.EDIT_ENGAGEMENT, f"{base}/deadlines/new"),
        "agree": (Permission.EDIT_ENGAGEMENT, f"{base}/agree"),
        "assign": (Permission.EDIT_ENGAGEMENT, f"{base}/members"),
        "sign": (Permission.SIGN, f"{base}/sign"),
        "sell_ps": (Permission.SELL_PS, f"{base}/ps-blocks/new"),
        "log_time": (Permission.LOG_TIME, "/time"),
        "notices": (Permission.SEE_NOTICES, "/notices"),
    }
    urls = {name: url if actor.may(permission) else None for name, (permission, url) in allowed.items()}
    may_list = actor.may(Permission.EDIT_ENGAGEMENT) and engagement.requirements_version == 0
    return urls | {"add_site": f"{base}/sites/new" if may_list else None}


def dates_of(engagement: Engagement, listed: list[Site], actor: Actor) -> list[Shown]:
    """All dates, the engagement's own and its sites'."""
    dated = deadlines.of_engagement(db.session, engagement.id)
    view = DateView(
        engagement,
        actor,
        utc_now(),
        site_names={site.id: site.name for site in listed},
        over={site.id for site in listed if site.stage == "withdrawn"},
        people=people.people_named(db.session, present.people_in(dated)),
    )
    return [present.deadline_row(deadline, view) for deadline in dated]


def hours_of(engagement: Engagement, listed: list[Site], actor: Actor) -> dict[str, Any]:
    """Sites with their budgets, the PS pool, and what was logged last."""
    kept = budgets.of_engagement(db.session, engagement.id)
    pool = next((budget for budget in kept if budget.site_id is None), None)
    tight = present.sites_close_to_cap(kept)
    logged = entries.recent(db.session, actor, engagement.id, states=present.entry_states(actor), limit=RECENT_ENTRIES)
    return {
        "sites": [present.site_row(site, [each for each in kept if each.site_id == site.id]) for site in listed],
        "remarks": [Shown(text=tight, tone="amber")] if tight else [],
        "ps": present.ps_card(pool, budgets.blocks_of(db.session, engagement.id)),
        "entries": [present.entry_row(entry, person, site, actor) for entry, person, site in logged],
    }


def requirements_of(engagement: Engagement, listed: list[Site], actor: Actor, form: SignForm | None) -> dict[str, Any]:
    """The agreed list, whether it is signed, and the form to sign it."""
    agreed = requirements.latest(db.session, engagement.id)
    signature = requirements.signature(db.session, engagement.id, "requirements", agreed.hash) if agreed else None
    names = {each for each in (agreed and agreed.agreed_by, signature and signature.signed_by) if each}
    document = agreed.document if agreed else requirements_service.document_of(engagement, listed, 1)
    card = present.requirements_card(document, agreed, signature, people.people_named(db.session, names), engagement.time_zone)
    card.can_agree = agreed is None and bool(card.sites) and actor.may(Permission.EDIT_ENGAGEMENT)
    card.can_sign = agreed is not None and signature is None and actor.may(Permission.SIGN)
    if card.can_sign:
        form = form or SignForm(formdata=None)
        form.hash.data = card.hash
    return {"requirements": card, "sign_form": form if card.can_sign else None}


def people_of(engagement: Engagement, actor: Actor, form: MemberForm | None) -> dict[str, Any]:
    """Names around the engagement: its customer, its agreement, its people, and what they are told next."""
    customer = engagements.customer(db.session, engagement.customer_id)
    manager = people.get(db.session, engagement.manager_id)
    members = engagements.members_of(db.session, engagement.id)
    stage, _count = portfolio.stages_of(db.session, [engagement])[engagement.id]
    if actor.may(Permission.EDIT_ENGAGEMENT):
        form = form or MemberForm(formdata=None)
        form.person_id.choices = member_choices({member.id for member in members} | {manager.id})
    coming = outbox.coming(db.session, engagement.id, limit=NEXT_NOTICES) if actor.may(Permission.SEE_NOTICES) else []
    return {
        "engagement": present.engagement_head(engagement, customer.name, manager.name, stage),
        "agreement": present.agreement_card(engagements.agreement_of(db.session, engagement.id)),
        "holidays": dict(countries()).get(customer.country or ""),
        "members": present.member_rows(members, manager, engagement.id, actor),
        "member_form": form,
        "notices": [present.notice_row(notice, engagement.time_zone) for notice in coming],
    }
