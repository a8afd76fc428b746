"""The page of one engagement, and what is pressed on it: agree, sign, assign."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, Field, HiddenField, SelectField, StringField
from wtforms.validators import InputRequired, ValidationError

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, TrackerError
from tracker.domain.site import LAUNCHED_STAGES
from tracker.domain.text import same_name
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import engagement as service
from tracker.services import requirements as requirements_service
from tracker.store import budget as budgets
from tracker.store import cover, portfolio, requirements
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.engagement import Customer, Engagement
from tracker.store.holiday import countries
from tracker.store.site import Site
from tracker.web import customer_view, dates, present, section
from tracker.web.around import around_of
from tracker.web.dates import DateView
from tracker.web.filters import say_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, choices
from tracker.web.timeline import timeline_of
from tracker.web.todo import Ground, ground_of

bp = Blueprint("engagement", __name__)
RECENT_ENTRIES, NEXT_NOTICES = 15, 5


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
        if not same_name(field.data, current_actor().name):
            raise ValidationError(f"You are signed in as {current_actor().name}. Type that name.")


@bp.get("/engagements/<uuid:engagement_id>")
@allow(Permission.SEE_ENGAGEMENTS)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """Everything about one engagement."""
    return page_of(engagement_id)


@bp.post("/engagements/<uuid:engagement_id>/agree")
@allow(Permission.EDIT_ENGAGEMENT)
def agree(engagement_id: UUID) -> ResponseReturnValue:
    """Lock the list of sites that was on the screen."""
    form, actor = AgreeForm(), current_actor()
    agreed = save(
        form,
        lambda: requirements_service.agree_requirements(
            db.session, actor, engagement_id, digest=form.hash.data or "", now=utc_now()
        ),
        lambda _: requirements_url(engagement_id),
    )
    if agreed is not None:
        flash("The requirements are agreed. A customer approver signs them on this page.", "success")
        return agreed
    return page_of(engagement_id, refused=form)


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
    free = {str(each): name for each, name in people.staff_names(db.session).items() if each not in assigned}
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
    if not actor.is_staff:
        signing = requirements_of(engagement, listed, actor, sign_form)
        status = answered.status if answered is not None else 200
        return customer_view.page_of(engagement, listed, actor, signing, refused=refused), status
    signing, customer = (
        requirements_of(engagement, listed, actor, sign_form),
        engagements.customer(db.session, engagement.customer_id),
    )
    ground = ground_of(engagement, customer.country, listed, actor, signing["requirements"], utc_now())
    around = people_of(ground, customer, listed, member_form)
    hours, papers = hours_of(engagement, listed, actor), around_of(ground)
    page = render_template(
        "engagement/engagement.html",
        nav_current="portfolio",
        section_rows=section.of_engagement(actor, engagement_id, "overview"),
        refused=refused,
        **dates_of(engagement, listed, ground.dated, actor),
        urls=urls_of(engagement, actor),
        **hours | papers | {"remarks": [*hours["remarks"], *papers["remarks"]]},
        **signing,
        **around,
    )
    return page, answered.status if answered is not None else 200


def urls_of(engagement: Engagement, actor: Actor) -> dict[str, str | None]:
    """What may be done from the page; an address that is missing hides its button."""
    base = f"/engagements/{engagement.id}"
    allowed = {
        "edit": (Permission.EDIT_ENGAGEMENT, f"{base}/edit"),
        "duplicate": (Permission.EDIT_ENGAGEMENT, f"{base}/duplicate"),
        "set_date": (Permission.EDIT_ENGAGEMENT, f"{base}/deadlines/new"),
        "agree": (Permission.EDIT_ENGAGEMENT, f"{base}/agree"),
        "assign": (Permission.EDIT_ENGAGEMENT, f"{base}/members"),
        "sign": (Permission.SIGN, f"{base}/sign"),
        "status_card": (Permission.EDIT_ENGAGEMENT, f"{base}/status-card"),
        "hours_lock": (Permission.APPROVE_TIME, f"{base}/hours-lock"),
        "sell_ps": (Permission.SELL_PS, f"{base}/ps-blocks/new"),
        "log_time": (Permission.LOG_TIME, "/time"),
        "notices": (Permission.SEE_NOTICES, "/notices"),
        "view_as": (Permission.SEE_INTERNAL, f"{base}/view-as-customer"),
    }
    urls = {name: url if actor.may(permission) else None for name, (permission, url) in allowed.items()}
    may_list = actor.may(Permission.EDIT_ENGAGEMENT) and engagement.requirements_version == 0
    return urls | {"add_site": f"{base}/sites/new" if may_list else None}


def dates_of(engagement: Engagement, listed: list[Site], dated: list[Deadline], actor: Actor) -> dict[str, Any]:
    """All dates, the engagement's own and its sites', as a list and as a timeline."""
    view = DateView(
        engagement,
        actor,
        utc_now(),
        site_names={site.id: site.name for site in listed},
        over={site.id for site in listed if site.stage == "withdrawn"},
        launched={site.id for site in listed if site.stage in LAUNCHED_STAGES},
        waived=duties.waived_dates(db.session, engagement.id),
        people=people.people_named(db.session, dates.people_in(dated)),
    )
    return {
        "deadlines": [dates.deadline_row(deadline, view) for deadline in dated],
        "timeline": timeline_of(listed, dated, view),
    }


def _counts(budget: Budget, site: Site) -> bool:
    """Whether a site is shown with a budget; of one that was withdrawn only what was worked there is left."""
    return budget.site_id == site.id and (site.stage != "withdrawn" or budget.booked > 0)


def hours_of(engagement: Engagement, listed: list[Site], actor: Actor) -> dict[str, Any]:
    """Sites with their budgets, the PS pool, and what was logged last."""
    kept = budgets.of_engagement(db.session, engagement.id)
    pool = next((budget for budget in kept if budget.site_id is None), None)
    bought, tight = budgets.blocks_of(db.session, engagement.id), present.sites_close_to_cap(kept)
    logged = entries.recent(db.session, actor, engagement.id, states=present.entry_states(actor), limit=RECENT_ENTRIES)
    return {
        "sites": [present.site_row(site, [each for each in kept if _counts(each, site)]) for site in listed],
        "remarks": [Shown(text=tight, tone="amber")] if tight else [],
        "ps": present.ps_card(pool, bought, actor, present.today_of(engagement)),
        "closed_hours": say_day(engagement.hours_locked_through) if engagement.hours_locked_through else None,
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


def people_of(ground: Ground, customer: Customer, listed: list[Site], form: MemberForm | None) -> dict[str, Any]:
    """Names around the engagement: its customer, its agreement, its people, and what they are told next."""
    engagement, actor = ground.engagement, ground.actor
    agreement = engagements.agreement_of(db.session, engagement.id)
    manager = people.get(db.session, engagement.manager_id)
    members = engagements.members_of(db.session, engagement.id)
    away = cover.running_for(db.session, {manager.id, *(member.id for member in members)}, utc_now())
    stage = portfolio.stage_of_one(db.session, engagement, agreement, listed, ground.dated)
    if actor.may(Permission.EDIT_ENGAGEMENT):
        form = form or MemberForm(formdata=None)
        form.person_id.choices = member_choices({member.id for member in members} | {manager.id})
    coming = notices.coming(db.session, engagement.id, limit=NEXT_NOTICES) if actor.may(Permission.SEE_NOTICES) else []
    return {
        "engagement": present.engagement_head(engagement, customer.name, manager.name, stage),
        "agreement": present.agreement_card(agreement),
        "country": customer.country,
        "holidays": dict(countries()).get(customer.country or ""),
        "calendar_url": url_for("day_off.show", customer_id=customer.id),
        "members": present.member_rows(members, manager, engagement.id, actor, away),
        "member_form": form,
        "notices": [present.notice_row(notice, engagement.time_zone) for notice in coming],
    }
