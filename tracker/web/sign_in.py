"""Sign in by password or one-time link, sign out, and make the first administrator."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid, NotFound
from tracker.edge import mail
from tracker.edge.gate import current_actor
from tracker.edge.password import hash_password, password_fits
from tracker.edge.rule import allow, public
from tracker.edge.work import work
from tracker.services import person as service
from tracker.services.person import ATTEMPTS_ALLOWED, LINKS_ALLOWED, PersonSpec
from tracker.settings import Settings
from tracker.store import person as people
from tracker.store.database import db
from tracker.web.form import Form

bp = Blueprint("sign_in", __name__)
WRONG = "E-mail address and password do not fit together."


class SignInForm(Form):
    email = EmailField("E-mail address", [InputRequired("Write your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Write your password.")])


class LinkForm(Form):
    email = EmailField("E-mail address", [InputRequired("Write your e-mail address.")])


class EmptyForm(Form):
    """A form that is only its button."""


class FirstAdminForm(Form):
    name = StringField("Your name", [InputRequired("Write your name.")])
    email = EmailField("E-mail address", [InputRequired("Write your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Choose a password.")])


def settings() -> Settings:
    """The settings of the application at hand."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def _throttle(email: str, what: str, allowed: int) -> None:
    """Count a try by address and by sender. Raises RateLimited; the count is kept."""
    keys = [f"{what}:email:{people.digest(email.strip().lower())}", f"{what}:from:{request.remote_addr}"]
    with work():
        limited = service.too_often(db.session, keys, allowed=allowed, now=utc_now())
    if limited:
        raise service.refuse_too_often()


def _let_in(secret: str) -> ResponseReturnValue:
    wanted = request.args.get("next", "/")
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc
    session.clear()
    session["session"] = secret
    session.permanent = True
    return redirect(wanted if local else "/", 303)


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    if g.actor is not None and request.method == "GET":
        return redirect("/")
    form = SignInForm()
    if not form.validate_on_submit():
        return render_template("sign_in/sign_in.html", form=form), 422 if form.is_submitted() else 200
    _throttle(form.email.data or "", "sign-in", ATTEMPTS_ALLOWED)
    person = people.by_email(db.session, form.email.data or "")
    if not password_fits(person.password_hash if person else None, form.password.data or "") or person is None or person.deactivated_at:
        form.say(WRONG)
        return render_template("sign_in/sign_in.html", form=form), 422
    with work():
        secret = service.start_session(db.session, people.get(db.session, person.id), request.user_agent.string, now=utc_now())
    return _let_in(secret)


@bp.route("/sign-in/link", methods=["GET", "POST"])
@public
def ask_for_link() -> ResponseReturnValue:
    """The lost-link page. It answers the same whether an address is known or not."""
    form = LinkForm()
    smtp_url = settings().smtp_url
    if smtp_url is None or not form.validate_on_submit():
        status = 422 if form.is_submitted() and smtp_url else 200
        return render_template("sign_in/link_request.html", form=form, mail_configured=smtp_url is not None, sent=False), status
    _throttle(form.email.data or "", "link", LINKS_ALLOWED)
    with work():
        secret = service.lost_link(db.session, form.email.data or "", now=utc_now())
    person = people.by_email(db.session, form.email.data or "")
    if secret is not None and person is not None:
        mail.send_link(smtp_url, person.email, person.name, f"{settings().base_url}/sign-in/{secret}")
    return render_template("sign_in/link_request.html", form=form, mail_configured=True, sent=True)


@bp.route("/sign-in/<token>", methods=["GET", "POST"])
@public
def use_link(token: str) -> ResponseReturnValue:
    """A one-time link: reading it shows a button, and only the button uses it up."""
    link = people.open_link(db.session, token, utc_now())
    if link is None or link.person_id is None:
        return render_template("sign_in/link_dead.html", mail_configured=settings().smtp_url is not None), 404
    form = EmptyForm()
    if not form.validate_on_submit():
        person = people.get(db.session, link.person_id)
        return render_template("sign_in/link_confirm.html", name=person.name, form=form)
    try:
        with work():
            _person, secret = service.sign_in_by_link(db.session, token, request.user_agent.string, now=utc_now())
    except NotFound:
        return render_template("sign_in/link_dead.html", mail_configured=settings().smtp_url is not None), 404
    return _let_in(secret)


@bp.route("/first-admin/<token>", methods=["GET", "POST"])
@public
def first_admin(token: str) -> ResponseReturnValue:
    """Make the first administrator, from the link that the server printed."""
    link = people.open_link(db.session, token, utc_now())
    if link is None or link.person_id is not None or not people.is_empty(db.session):
        raise NotFound("This link was used, or a newer one was printed at the last start of the server.")
    form = FirstAdminForm()
    if not form.validate_on_submit():
        return render_template("sign_in/first_admin.html", form=form), 422 if form.is_submitted() else 200
    try:
        hashed = hash_password(form.password.data or "")
        spec = PersonSpec(form.email.data or "", form.name.data or "", "admin")
        with work():
            now = utc_now()
            person = service.add_first_admin(db.session, token, spec, hashed, now=now)
            secret = service.start_session(db.session, person, request.user_agent.string, now=now)
    except Invalid as error:
        form.take(error)
        return render_template("sign_in/first_admin.html", form=form), 422
    return _let_in(secret)


@bp.post("/sign-out")
@allow(Permission.OWN_ACCOUNT)
def sign_out() -> ResponseReturnValue:
    """End this session."""
    actor, session_id = current_actor(), g.session_id
    with work():
        service.end_sessions(db.session, actor, only=session_id, now=utc_now())
    session.clear()
    return redirect("/sign-in", 303)
