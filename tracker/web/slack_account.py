"""The page on which somebody says, once, that a Slack account is theirs. Its link is shown in Slack to that account alone."""

from flask import Blueprint, flash, render_template
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import NotFound
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import account_link as service
from tracker.store import person as people
from tracker.store.database import db
from tracker.web.form import Form, save
from tracker.web.present import Shown

bp = Blueprint("slack_account", __name__)


class EmptyForm(Form):
    """A form that is only its button."""


@bp.route("/slack/account/<token>", methods=["GET", "POST"])
@allow(Permission.OWN_ACCOUNT)
def confirm(token: str) -> ResponseReturnValue:
    """Reading the link shows a button, and only the button uses it up."""
    actor, form = current_actor(), EmptyForm()
    try:
        answer = save(form, lambda: service.confirm(db.session, actor, token, now=utc_now()), lambda _: "/account")
        link = None if answer is not None else service.look(db.session, token, now=utc_now())
    except NotFound:
        return render_template("slack/link_dead.html")
    if answer is not None:
        flash("This Slack account is yours from now on. Go back to Slack and do there what you wanted to do.", "success")
        return answer
    assert link is not None
    assert actor.person_id is not None
    before = people.get(db.session, actor.person_id).slack_user_id
    account = Shown(
        user_id=link.slack_user_id,
        team_id=link.slack_team_id,
        name=actor.name,
        replaces=before if before != link.slack_user_id else None,
    )
    return render_template("slack/account.html", form=form, account=account), form.status
