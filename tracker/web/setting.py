"""Settings: what the administrator decides, and whether everything that sends is well."""

from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import RadioField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.channel import problem_of
from tracker.domain.notice import NoticeState
from tracker.edge import mail
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.edge.work import work
from tracker.jobs.schedule import JOBS
from tracker.services import delivery
from tracker.services import setting as service
from tracker.store import channel as channels
from tracker.store import notice as notices
from tracker.store import pacing, schema
from tracker.store import setting as kept
from tracker.store.database import db
from tracker.web.filters import say_moment, stale_jobs
from tracker.web.form import Form, save
from tracker.web.sign_in import EmptyForm, settings

bp = Blueprint("setting", __name__)
JOB_LABELS = {
    "plan": ("Plan reminders", "finds what is due"),
    "deliver": ("Deliver", "sends to Slack what is ready"),
    "clean": ("Clean up", "forgets old requests and tries"),
    "channels": ("Look at channels", "asks Slack about each once an hour"),
}
WAITING = (NoticeState.READY, NoticeState.SENDING, NoticeState.UNKNOWN)
STUCK = (NoticeState.PARKED, NoticeState.DEAD)


class SettingsForm(Form):
    manager_sees = RadioField(
        "Engagement managers see",
        [InputRequired("Choose one.")],
        choices=[SelectChoice("all", "All engagements"), SelectChoice("assigned", "Only those they are assigned to")],
    )


@bp.get("/settings")
@allow(Permission.MANAGE_SETTINGS)
def show() -> ResponseReturnValue:
    """Everything at a glance."""
    return _page(_form())


@bp.post("/settings")
@allow(Permission.MANAGE_SETTINGS)
def change() -> ResponseReturnValue:
    """Decide what engagement managers see."""
    actor, form = current_actor(), SettingsForm()
    answer = save(
        form,
        lambda: service.set_managers_see(db.session, actor, form.manager_sees.data, now=utc_now()),
        lambda _done: url_for("setting.show"),
    )
    if answer is None:
        return _page(form), form.status
    flash("Saved.", "success")
    return answer


@bp.post("/settings/slack-test")
@allow(Permission.MANAGE_SETTINGS)
def test_slack() -> ResponseReturnValue:
    """Ask Slack who we are. Where it answers, what waited for it goes out."""
    form, sender = EmptyForm(), current_app.extensions["sender"]
    if sender is None or not form.validate_on_submit():
        flash("Slack is not connected: set SLACK_BOT_TOKEN for the server and start it again.", "error")
        return _page(_form()), 409
    in_use = channels.in_use(db.session)
    db.session.close()  # Slack may take its time, and no transaction waits for it.
    found = sender.test()
    report = current_app.extensions["slack_check"](found, current_app.extensions["channels"], in_use)
    if found.ok:
        with work():
            delivery.slack_works(db.session)
    return _page(_form(), found, report)


def _form() -> SettingsForm:
    """The form as it stands, whatever was sent."""
    scope = "all" if kept.managers_see_all(db.session) else "assigned"
    return SettingsForm(formdata=None, manager_sees=scope)


def _page(form: SettingsForm, found: Any = None, report: Any = None) -> str:
    actor = current_actor()
    return render_template(
        "settings/settings.html",
        nav_current="settings",
        form=form,
        slack=_slack(actor, found),
        test_result=_test_result(found, report) if found else None,
        delivery=_delivery(actor),
        broken_channels=[
            {"name": f"#{each.name}" if each.name else each.channel, "problem": problem_of(each.seen)}
            for each in channels.with_problems(db.session)
        ],
        heartbeats=_heartbeats(actor),
        mail=_mail(),
        installation={"version": _version(), "database": schema.engine_name(db.engine), "base_url": settings().base_url},
        urls={
            "save": url_for("setting.change"),
            "test_slack": url_for("setting.test_slack") if settings().slack_bot_token else None,
            "notices": url_for("notice.index"),
        },
    )


def _slack(actor: Actor, found: Any) -> dict[str, Any]:
    """What is known of the connection: the settings, what holds it up, and what a test has just shown."""
    held = pacing.workspace_hold(db.session, utc_now())
    return {
        "has_token": settings().slack_bot_token is not None,
        "has_secret": settings().slack_signing_secret is not None,
        "tested": found is not None and found.ok,
        "failed": found is not None and not found.ok,
        "team": found.team if found else None,
        "bot": found.bot if found else None,
        "missing_scopes": found.missing_scopes if found else (),
        "held": f"{held.reason}; tried again at {say_moment(held.held_until, actor.time_zone)}" if held else None,
    }


def _test_result(found: Any, report: Any) -> dict[str, Any]:
    """What `tracker slack check` says too: what keeps notices from going out, then what keeps something else from working."""
    if not found.ok:
        return {"ok": False, "message": "Slack does not take anything from us.", "details": [found.problem]}
    details = [*report.faults, *report.warnings]
    if report.faults:
        return {"ok": False, "message": f"Connected to {found.team}, but not everything goes out.", "details": details}
    said = f"Connected to {found.team} as {found.bot}. What waited for Slack goes out now."
    return {"ok": True, "message": said, "details": details}


def _delivery(actor: Actor) -> dict[str, Any]:
    counts = notices.count_by_state(db.session, actor)
    return {
        "planned": counts.get(NoticeState.PLANNED, 0),
        "waiting": sum(counts.get(state, 0) for state in WAITING),
        "stuck": sum(counts.get(state, 0) for state in STUCK),
        "sent": counts.get(NoticeState.SENT, 0),
        "stuck_url": url_for("notice.index", state=next((state.value for state in STUCK if counts.get(state)), None)),
    }


def _heartbeats(actor: Actor) -> list[dict[str, Any]]:
    beats, stale = kept.heartbeats(db.session), stale_jobs(utc_now())
    return [
        {
            "label": JOB_LABELS[job.name][0],
            "note": JOB_LABELS[job.name][1],
            "last_ran": say_moment(beats[job.name], actor.time_zone) if job.name in beats else None,
            "ok": job.name not in stale,
        }
        for job in JOBS
    ]


def _mail() -> dict[str, Any]:
    """Where mail goes out, without what is secret in its address."""
    smtp_url = settings().smtp_url
    if smtp_url is None:
        return {"configured": False}
    parts = urlsplit(smtp_url)
    server = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
    held = pacing.mail_hold(db.session, utc_now())
    return {"configured": True, "server": server, "sender": mail.sender_of(smtp_url), "held": held.reason if held else None}


def _version() -> str | None:
    try:
        return version("engagement-tracker")
    except PackageNotFoundError:
        return None
