"""One's own account: name, theme, zone, password, and where one is signed in."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import PasswordField, RadioField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import DataRequired, InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Permission, Role
from tracker.domain.errors import Invalid, RateLimited
from tracker.edge.gate import current_actor
from tracker.edge.password import SHORTEST, hash_password, password_fits
from tracker.edge.rule import allow
from tracker.edge.work import work
from tracker.services import person as service
from tracker.services import sign_in as sign_in_service
from tracker.services.person import OwnChange
from tracker.services.sign_in import ATTEMPTS_ALLOWED
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.person import LoginSession, Person
from tracker.web.filters import say_moment
from tracker.web.form import Form, save
from tracker.web.person import known_zone, time_zones
from tracker.web.sign_in import EmptyForm, refused_too_often, throttle

bp = Blueprint("account", __name__)
THEMES = {"system": "As my system has it", "light": "Light", "dark": "Dark"}
BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


class AccountForm(Form):
    name = StringField("Name", [DataRequired("Write your name.")])
    theme = RadioField(
        "Theme", [InputRequired("Choose one.")], choices=[SelectChoice(value, label) for value, label in THEMES.items()]
    )
    time_zone = StringField("Time zone", [DataRequired("Say in which time zone you work."), known_zone])

    def change(self) -> OwnChange:
        """What was typed, as the use case takes it."""
        zone = (self.time_zone.data or "").strip()
        return OwnChange(name=self.name.data, theme=self.theme.data, time_zone=zone, version=self.edited_version())


class PasswordForm(Form):
    current_password = PasswordField("Current password", [InputRequired("Write the password you have now.")])
    new_password = PasswordField("New password", [InputRequired("Choose a password.")])


def _me() -> Person:
    person_id = current_actor().person_id
    assert person_id is not None
    return people.get(db.session, person_id)


@bp.route("/account", methods=["GET", "POST"])
@allow(Permission.OWN_ACCOUNT)
def show() -> ResponseReturnValue:
    """Who I am here."""
    actor, form = current_actor(), AccountForm(obj=_me())
    answer = save(
        form,
        lambda: service.edit_self(db.session, actor, form.change(), now=utc_now()),
        lambda _person: url_for("account.show"),
    )
    if answer is None:
        form.version.data = str(_me().version)  # After a stale edit the next try is on purpose.
        return _page(form, _password_form(formdata=None)), form.status
    flash("Saved.", "success")
    return answer


@bp.post("/account/password")
@allow(Permission.OWN_ACCOUNT)
def password() -> ResponseReturnValue:
    """Set or change one's password; every other browser is signed out."""
    form, headers = _password_form(), dict[str, str]()
    if form.validate_on_submit():
        try:
            _change_password(form)
        except Invalid as error:
            form.take(error)
        except RateLimited as error:
            headers = refused_too_often(form, error)
        else:
            flash("The password is set. Every other browser is signed out.", "success")
            return redirect(url_for("account.show"), 303)
    else:
        form.status = 422
    return _page(_account_form(), form), form.status, headers


def _change_password(form: PasswordForm) -> None:
    """Raises Invalid at its field, RateLimited. Sent twice it is done once: the new password is the current one then.

    Nothing of it is kept as a request key, whose fingerprint is too quickly reckoned for a password.
    """
    actor, stored, chosen = current_actor(), _me().password_hash, form.new_password.data or ""
    if stored is not None:
        throttle("password", str(actor.person_id), ATTEMPTS_ALLOWED)
        if not password_fits(stored, form.current_password.data or "") and not password_fits(stored, chosen):
            raise Invalid.at("current_password", "This is not the password you have now.")
    db.session.close()  # A password takes a while to hash; no connection waits for it.
    change = OwnChange(password_hash=hash_password(chosen, "new_password"))
    with work():
        now = utc_now()
        service.edit_self(db.session, actor, change, now=now)
        sign_in_service.end_sessions(db.session, actor, but=g.session_id, now=now)


@bp.post("/account/sign-out-others")
@allow(Permission.OWN_ACCOUNT)
def sign_out_others() -> ResponseReturnValue:
    """Sign out in every other browser."""
    actor, form = current_actor(), EmptyForm()
    answer = save(
        form,
        lambda: sign_in_service.end_sessions(db.session, actor, but=g.session_id, now=utc_now()),
        lambda _done: url_for("account.show"),
    )
    if answer is None:
        return _page(_account_form(), _password_form(formdata=None)), form.status
    flash("Signed out everywhere else.", "success")
    return answer


def _account_form() -> AccountForm:
    """The form as it stands, whatever was sent."""
    return AccountForm(formdata=None, obj=_me())


def _password_form(**over: Any) -> PasswordForm:
    """The password form; who has none yet is not asked for it."""
    form = PasswordForm(**over)
    if _me().password_hash is None:
        del form.current_password
        form.new_password.label.text = "Password"
    return form


def _page(form: AccountForm, password_form: PasswordForm) -> str:
    person = _me()
    return render_template(
        "account/account.html",
        nav_current="account",
        account={"email": person.email, "role_label": Role(person.role).label},
        form=form,
        password_form=password_form,
        has_password=person.password_hash is not None,
        shortest=SHORTEST,
        time_zones=time_zones(),
        sessions=[_session_row(person, each) for each in people.sessions_of(db.session, person.id, utc_now())],
        urls={
            "save": url_for("account.show"),
            "password": url_for("account.password"),
            "sign_out_others": url_for("account.sign_out_others"),
            "away": url_for("cover.mine"),
            "preferences": url_for("preference.person"),
        },
    )


def _session_row(person: Person, session: LoginSession) -> dict[str, Any]:
    return {
        "device": say_device(session.user_agent),
        "last_seen": f"Signed in {say_moment(session.created_at, person.time_zone)}",
        "is_current": session.id == g.session_id,
    }


def say_device(user_agent: str) -> str:
    """A browser and its system in words, as far as they can be told."""
    browser = next((name for mark, name in BROWSERS.items() if mark in user_agent), None)
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), None)
    return " on ".join(part for part in (browser, system) if part) or user_agent[:60] or "An unknown browser"
