"""People and API tokens, for administrators. Links and tokens are shown once, by the answer that made them."""

from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import EmailField, SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, InputRequired, Optional, ValidationError

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission, Role, Scope
from tracker.domain.errors import Invalid, NotFound, RuleViolation
from tracker.domain.workday import UnknownTimeZone, zone_of
from tracker.edge import mail
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.edge.work import work
from tracker.services import person as service
from tracker.services import sign_in as sign_in_service
from tracker.services import token as token_service
from tracker.services.person import PersonSpec
from tracker.services.sign_in import LINK_LIFE
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import team
from tracker.store.database import db
from tracker.store.person import ApiToken, Person
from tracker.store.transaction import Repeated
from tracker.web.filters import say_moment
from tracker.web.form import Form, blank_to_none, save
from tracker.web.sign_in import EmptyForm, link_of, settings

bp = Blueprint("person", __name__)
PEOPLE_SHOWN = 50
SCOPE_LABELS = {"read": "Read", "write": "Read and write", "admin": "Everything the person may"}
MADE_BEFORE = "This token was made already, and is shown only once. If nobody kept it, revoke it and make another."


def known_zone(_form: Form, field: StringField) -> None:
    """Accept the name of a time zone only."""
    try:
        zone_of((field.data or "").strip())
    except UnknownTimeZone:
        raise ValidationError("There is no such time zone. Write it like Europe/Berlin.") from None


def time_zones() -> list[str]:
    """Time zones to choose from, as people know them: by continent and place."""
    return ["UTC", *sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/"))]


class PersonForm(Form):
    name = StringField("Name", [DataRequired("Write their name.")])
    email = EmailField("E-mail address", [DataRequired("Write their e-mail address.")])
    role = SelectField("Role", choices=[SelectChoice(role.value, role.label) for role in Role], default=Role.ENGINEER.value)
    customer = StringField("Customer", [Optional()])
    slack_user_id = StringField("Slack user id", [Optional()])
    time_zone = StringField("Time zone", [DataRequired("Say in which time zone they work."), known_zone])

    def spec(self) -> PersonSpec:
        """What was typed, as the use case takes it."""
        return PersonSpec(
            email=self.email.data or "",
            name=self.name.data or "",
            role=self.role.data,
            customer=blank_to_none(self.customer.data),
            slack_user_id=blank_to_none(self.slack_user_id.data),
            time_zone=(self.time_zone.data or "").strip(),
        )


class TokenForm(Form):
    person_id = SelectField("Person", [InputRequired("Choose whom it acts as.")])
    scope = SelectField("Scope", choices=[SelectChoice(scope.value, SCOPE_LABELS[scope]) for scope in Scope])
    engagement_id = SelectField("Only for", default="")


@bp.get("/people")
@allow(Permission.MANAGE_PEOPLE)
def index() -> ResponseReturnValue:
    """Everybody who may sign in."""
    return _people_page()


@bp.route("/people/new", methods=["GET", "POST"])
@allow(Permission.MANAGE_PEOPLE)
def new() -> ResponseReturnValue:
    """Invite somebody: a person, and the link that lets them in once."""
    actor = current_actor()
    form = PersonForm(time_zone=actor.time_zone)
    if form.validate_on_submit():
        try:
            return _invite(actor, form)
        except (Invalid, RuleViolation) as error:
            form.take(error)
    elif form.is_submitted():
        form.status = 422
    return _new_page(actor, form), form.status


def _invite(actor: Actor, form: PersonForm) -> ResponseReturnValue:
    """Make the person once. Sent again, the invitation makes a fresh link, because the first is kept nowhere."""
    try:
        with work(form.key()) as unit:
            now = utc_now()
            person = service.add_person(db.session, actor, form.spec(), now=now)
            secret = sign_in_service.make_link(db.session, actor, person.id, now=now)
            unit.remember({"person_id": str(person.id)})
    except Repeated as repeated:
        return _hand_over(actor, UUID(str(repeated.response["person_id"])))
    return _link_page(actor, person, secret, now)


@bp.post("/people/<uuid:person_id>/link")
@allow(Permission.MANAGE_PEOPLE)
def link(person_id: UUID) -> ResponseReturnValue:
    """A fresh sign-in link, shown once."""
    form = EmptyForm()
    if form.validate_on_submit():
        try:
            return _hand_over(current_actor(), person_id)
        except Invalid as error:
            form.take(error)
    return _people_page(form), form.status


def _hand_over(actor: Actor, person_id: UUID) -> ResponseReturnValue:
    with work():
        now = utc_now()
        secret = sign_in_service.make_link(db.session, actor, person_id, now=now)
        person = people.get(db.session, person_id)
    return _link_page(actor, person, secret, now)


def _link_page(actor: Actor, person: Person, secret: str, now: datetime) -> ResponseReturnValue:
    smtp_url = settings().smtp_url
    mailed = smtp_url is not None and mail.send_link(smtp_url, person.email, person.name, link_of(secret))
    return render_template(
        "people/link.html",
        nav_current="people",
        person=person,
        link=link_of(secret),
        expires=say_moment(now + LINK_LIFE, actor.time_zone),
        mail_configured=smtp_url is not None,
        mailed=mailed,
        back_url=url_for("person.index"),
    )


@bp.post("/people/<uuid:person_id>/deactivate")
@allow(Permission.MANAGE_PEOPLE)
def deactivate(person_id: UUID) -> ResponseReturnValue:
    """Keep somebody out, at once and everywhere."""
    return _set_active(person_id, active=False)


@bp.post("/people/<uuid:person_id>/activate")
@allow(Permission.MANAGE_PEOPLE)
def activate(person_id: UUID) -> ResponseReturnValue:
    """Take somebody back."""
    return _set_active(person_id, active=True)


def _set_active(person_id: UUID, *, active: bool) -> ResponseReturnValue:
    actor, form = current_actor(), EmptyForm()
    answer = save(
        form,
        lambda: service.set_active(db.session, actor, person_id, active=active, now=utc_now()),
        lambda _person: _after_change(person_id, active=active),
    )
    if answer is None:
        return _people_page(form), form.status
    flash("They may sign in again; make them a link." if active else "Deactivated, and signed out everywhere.", "success")
    if not active and team.leads_running(db.session, person_id):
        flash("They still lead running engagements. Hand these over, so that somebody looks after them.", "warning")
    return answer


def _after_change(person_id: UUID, *, active: bool) -> str:
    """Back to the list, or to handing over where somebody who leads running engagements is gone."""
    if not active and team.leads_running(db.session, person_id):
        return url_for("handover.show", person_id=person_id)
    return url_for("person.index")


def _people_page(form: Form | None = None) -> str:
    actor, after = current_actor(), request.args.get("after", "").replace("\0", "")  # PostgreSQL takes no NUL.
    rows = people.page(db.session, after=after, limit=PEOPLE_SHOWN + 1)
    shown = rows[:PEOPLE_SHOWN]
    customers = engagements.customer_names(db.session, {each.customer_id for each in shown if each.customer_id})
    _flash_faults(form)
    return render_template(
        "people/people.html",
        nav_current="people",
        people=[_row(actor, each, customers) for each in shown],
        prev_url=url_for("person.index") if after else None,
        next_cursor_url=url_for("person.index", after=shown[-1].email) if len(rows) > PEOPLE_SHOWN else None,
        urls={"new": url_for("person.new"), "tokens": url_for("person.tokens")},
    )


def _flash_faults(form: Form | None) -> None:
    """Say what stood in the way of a button above the page it is on."""
    for messages in form.errors.values() if form else ():
        for message in messages:
            flash(message, "error")


def _row(actor: Actor, person: Person, customers: dict[UUID, str]) -> dict[str, Any]:
    active = person.deactivated_at is None
    seen = person.last_signed_in_at
    return {
        "name": person.name,
        "url": url_for("team.person", person_id=person.id),
        "email": person.email,
        "role_label": Role(person.role).label,
        "customer": customers[person.customer_id] if person.customer_id else None,
        "last_sign_in": say_moment(seen, actor.time_zone) if seen else None,
        "is_active": active,
        "link_url": url_for("person.link", person_id=person.id) if active else None,
        "deactivate_url": (
            url_for("person.deactivate", person_id=person.id) if active and person.id != actor.person_id else None
        ),
        "activate_url": None if active else url_for("person.activate", person_id=person.id),
    }


def _new_page(actor: Actor, form: PersonForm) -> str:
    return render_template(
        "people/new.html",
        nav_current="people",
        form=form,
        customers=[customer.name for customer in engagements.customers(db.session, actor, after=None, limit=500)],
        time_zones=time_zones(),
        mail_configured=settings().smtp_url is not None,
        back_url=url_for("person.index"),
    )


@bp.route("/people/tokens", methods=["GET", "POST"])
@allow(Permission.MANAGE_PEOPLE)
def tokens() -> ResponseReturnValue:
    """API tokens; a new one is shown once."""
    form, made = _token_form(), None
    if form.validate_on_submit():
        try:
            made = _make_token(form)
        except Repeated:
            flash(MADE_BEFORE, "warning")
            return redirect(url_for("person.tokens"), 303)
        except (Invalid, RuleViolation) as error:
            form.take(error)
    elif form.is_submitted():
        form.status = 422
    return _tokens_page(form, made), form.status


def _token_form(**over: Any) -> TokenForm:
    form = TokenForm(person_id=None, **over)
    everybody = [SelectChoice(str(each.id), f"{each.name}, {each.email}") for each in people.active(db.session)]
    form.person_id.choices = [SelectChoice("", "Choose a person"), *everybody]
    named = engagements.choices(db.session, current_actor()).items()
    form.engagement_id.choices = [SelectChoice("", "Everything the person sees")] + [
        SelectChoice(str(engagement_id), name) for engagement_id, name in named
    ]
    return form


def _make_token(form: TokenForm) -> dict[str, str]:
    """The new token and whose it is. Nothing of it is remembered with the request."""
    actor, person_id, only = current_actor(), UUID(form.person_id.data), blank_to_none(form.engagement_id.data)
    with work(form.key()):
        person = people.get(db.session, person_id)
        try:
            secret = token_service.create_token(
                db.session, actor, person_id, form.scope.data, engagement_id=UUID(only) if only else None, now=utc_now()
            )
        except NotFound:
            raise Invalid.at("engagement_id", f"{person.name} does not see this engagement.") from None
    return {"person": person.name, "token": secret}


def _tokens_page(form: TokenForm, made: dict[str, str] | None = None) -> str:
    actor = current_actor()
    names = engagements.choices(db.session, actor)
    return render_template(
        "people/tokens.html",
        nav_current="people",
        form=form if made is None else _token_form(formdata=None),
        new_token=made,
        tokens=[_token_row(actor, *each, names) for each in people.tokens_with_names(db.session)],
        back_url=url_for("person.index"),
    )


def _token_row(actor: Actor, token: ApiToken, person_name: str, engagement_names: dict[UUID, str]) -> dict[str, Any]:
    return {
        "person": person_name,
        "hint": token.hint,
        "scope": token.scope,
        "scope_label": SCOPE_LABELS[token.scope],
        "engagement_name": engagement_names.get(token.engagement_id) if token.engagement_id else None,
        "created": say_moment(token.created_at, actor.time_zone),
        "is_revoked": token.revoked_at is not None,
        "revoke_url": url_for("person.revoke", token_id=token.id) if token.revoked_at is None else None,
    }


@bp.post("/people/tokens/<uuid:token_id>/revoke")
@allow(Permission.MANAGE_PEOPLE)
def revoke(token_id: UUID) -> ResponseReturnValue:
    """Stop a token for good."""
    actor, form = current_actor(), EmptyForm()
    answer = save(
        form,
        lambda: token_service.revoke_token(db.session, actor, token_id, now=utc_now()),
        lambda _done: url_for("person.tokens"),
    )
    if answer is None:
        _flash_faults(form)
        return _tokens_page(_token_form(formdata=None)), form.status
    flash("Revoked. Programs with that token are refused from now on.", "success")
    return answer
