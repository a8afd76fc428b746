"""Sign in by password or one-time link, sign out, and make the first administrator."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, g, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid, NotFound, RateLimited
from tracker.edge import mail
from tracker.edge.gate import current_actor
from tracker.edge.password import SHORTEST, hash_password, needs_rehash, password_fits
from tracker.edge.rule import allow, also_looking, public
from tracker.edge.work import work
from tracker.services import person as service
from tracker.services import sign_in as sign_in_service
from tracker.services.person import OwnChange, PersonSpec
from tracker.services.sign_in import ATTEMPTS_ALLOWED, LINKS_ALLOWED
from tracker.settings import Settings
from tracker.store import person as people
from tracker.store.database import db
from tracker.web.form import Form

bp = Blueprint("sign_in", __name__)
WRONG = "E-mail address and password do not fit together."
# Many colleagues may sit behind one address, or behind one proxy.
SENDER_FACTOR = 10


class SignInForm(Form):
    email = EmailField("E-mail address", [DataRequired("Write your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Write your password.")])


class LinkForm(Form):
    email = EmailField("E-mail address", [DataRequired("Write your e-mail address.")])


class EmptyForm(Form):
    """A form that is only its button."""


class WelcomeForm(Form):
    """The button of a one-time link; somebody without a password may choose one on the way in."""

    password = PasswordField("Choose a password", [Optional()])


class FirstAdminForm(Form):
    name = StringField("Your name", [DataRequired("Write your name.")])
    email = EmailField("E-mail address", [DataRequired("Write your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Choose a password.")])


def settings() -> Settings:
    """The settings of the application at hand."""
    found: Settings = current_app.config["SETTINGS"]
    return found


def throttle(what: str, who: str, allowed: int) -> None:
    """Count a try by whom it is about and by where it came from. Raises RateLimited; the count is kept."""
    with work():
        now = utc_now()
        about = sign_in_service.too_often(db.session, [f"{what}:of:{people.digest(who)}"], allowed=allowed, now=now)
        sender = [f"{what}:from:{request.remote_addr}"]
        limited = sign_in_service.too_often(db.session, sender, allowed=allowed * SENDER_FACTOR, now=now) or about
    if limited:
        raise sign_in_service.refuse_too_often()


def refused_too_often(form: Form, error: RateLimited) -> dict[str, str]:
    """Say so on the form that was sent, and tell programs when to come again."""
    form.take(error)
    return {"Retry-After": str(error.retry_after)}


def _let_in(secret: str) -> ResponseReturnValue:
    session.clear()
    session["session"] = secret
    session.permanent = True
    return redirect(_local(request.args.get("next", "/")), 303)


def _local(wanted: str) -> str:
    """An address of ours; whatever a browser could read as somebody else's becomes the start."""
    parts = urlsplit(wanted)
    plain = wanted.isprintable() and "\\" not in wanted
    return wanted if plain and wanted.startswith("/") and not (wanted.startswith("//") or parts.scheme or parts.netloc) else "/"


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> ResponseReturnValue:
    """The sign-in page."""
    if g.actor is not None and request.method == "GET":
        return redirect(_local(request.args.get("next", "/")))
    form, headers = SignInForm(), dict[str, str]()
    if form.validate_on_submit():
        try:
            return _let_in(_sign_in(form.email.data or "", form.password.data or ""))
        except Invalid as error:
            form.take(error)
        except RateLimited as error:
            headers = refused_too_often(form, error)
    elif form.is_submitted():
        form.status = 422
    return render_template("sign_in/sign_in.html", form=form), form.status, headers


def _sign_in(email: str, password: str) -> str:
    """Start a session for whoever knows the password. Raises Invalid without saying which of the two is wrong."""
    throttle("sign-in", email.strip().lower(), ATTEMPTS_ALLOWED)
    person = people.by_email(db.session, email)
    db.session.close()  # A password takes a while to check; no connection waits for it.
    if not password_fits(person.password_hash if person else None, password) or person is None or person.deactivated_at:
        raise Invalid.at("", WRONG)
    # A hash made with weaker settings than today's is renewed while the password is at hand.
    renewed = hash_password(password) if needs_rehash(person.password_hash or "") else None
    with work():
        if renewed is not None:
            who = people.actor_of(db.session, person)
            service.edit_self(db.session, who, OwnChange(password_hash=renewed), now=utc_now())
        return sign_in_service.start_session(db.session, person, request.user_agent.string, now=utc_now())


@bp.route("/sign-in/link", methods=["GET", "POST"])
@public
def ask_for_link() -> ResponseReturnValue:
    """The lost-link page. It answers the same whether an address is known or not."""
    form, headers, sent = LinkForm(), dict[str, str](), False
    smtp_url = settings().smtp_url
    if smtp_url is not None and form.validate_on_submit():
        try:
            _mail_link(smtp_url, (form.email.data or "").strip().lower())
            sent = True
        except RateLimited as error:
            headers = refused_too_often(form, error)
    elif smtp_url is not None and form.is_submitted():
        form.status = 422
    page = render_template("sign_in/link_request.html", form=form, mail_configured=smtp_url is not None, sent=sent)
    return page, form.status, headers


def _mail_link(smtp_url: str, email: str) -> None:
    throttle("link", email, LINKS_ALLOWED)
    with work():
        person = people.by_email(db.session, email)
        secret = sign_in_service.lost_link(db.session, email, now=utc_now())
    if secret is not None and person is not None:
        mail.send_link(smtp_url, person.email, person.name, link_of(secret))


def link_of(secret: str) -> str:
    """A one-time link as it is handed over."""
    return f"{settings().base_url}/sign-in/{secret}"


@bp.route("/sign-in/<token>", methods=["GET", "POST"])
@public
def use_link(token: str) -> ResponseReturnValue:
    """A one-time link: reading it shows a button, and only the button uses it up."""
    link = people.open_link(db.session, token, utc_now())
    if link is None or link.person_id is None:
        return _dead_link()
    person = people.get(db.session, link.person_id)
    form = WelcomeForm()
    if person.password_hash is not None:
        del form.password
    if form.validate_on_submit():
        try:
            return _let_in(_enter(token, form))
        except Invalid as error:
            form.take(error)
        except NotFound:
            return _dead_link()
    return render_template("sign_in/link_confirm.html", name=person.name, form=form, shortest=SHORTEST), form.status


def _enter(token: str, form: WelcomeForm) -> str:
    """Use a link up, and keep the password that was chosen with it. Raises NotFound for a link that is used by now."""
    chosen = form.password.data if "password" in form else None
    db.session.close()
    change = OwnChange(password_hash=hash_password(chosen)) if chosen else None
    with work():
        now = utc_now()
        person, secret = sign_in_service.sign_in_by_link(db.session, token, request.user_agent.string, now=now)
        if change is not None:
            service.edit_self(db.session, people.actor_of(db.session, person), change, now=now)
    return secret


def _dead_link() -> ResponseReturnValue:
    return render_template("sign_in/link_dead.html", mail_configured=settings().smtp_url is not None), 404


@bp.route("/first-admin/<token>", methods=["GET", "POST"])
@public
def first_admin(token: str) -> ResponseReturnValue:
    """Make the first administrator, from the link that the server printed."""
    link = people.open_link(db.session, token, utc_now())
    if link is None or link.person_id is not None or not people.is_empty(db.session):
        raise NotFound("This link was used, or a newer one was printed at the last start of the server.")
    form = FirstAdminForm()
    if form.validate_on_submit():
        try:
            return _let_in(_found(token, form))
        except Invalid as error:
            form.take(error)
    elif form.is_submitted():
        form.status = 422
    return render_template("sign_in/first_admin.html", form=form, shortest=SHORTEST), form.status


def _found(token: str, form: FirstAdminForm) -> str:
    db.session.close()
    hashed = hash_password(form.password.data or "")
    spec = PersonSpec(form.email.data or "", form.name.data or "", "admin")
    with work():
        now = utc_now()
        person = service.add_first_admin(db.session, token, spec, hashed, now=now)
        return sign_in_service.start_session(db.session, person, request.user_agent.string, now=now)


@bp.post("/sign-out")
@allow(Permission.OWN_ACCOUNT)
@also_looking
def sign_out() -> ResponseReturnValue:
    """End this session."""
    actor, session_id = current_actor(), g.session_id
    with work():
        sign_in_service.end_sessions(db.session, actor, only=session_id, now=utc_now())
    session.clear()
    return redirect("/sign-in", 303)
