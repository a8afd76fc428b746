"""Every part of the pages once, for whoever works on them. Registered in development only."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Optional

from tracker.domain.access import Permission
from tracker.edge.rule import allow
from tracker.web.form import DurationField, Form

bp = Blueprint("parts", __name__)
CHOICES = [SelectChoice("first", "The first"), SelectChoice("second", "The second")]


class PartsForm(Form):
    """One field of each kind."""

    line = StringField("A line", [Optional()])
    time_spent = DurationField("A field with a fault")
    choice = SelectField("A choice", choices=CHOICES)
    radio = RadioField("A few choices", choices=CHOICES, default="first")
    tick = BooleanField("A tick")
    secret = PasswordField("A password")
    note = TextAreaField("A note", [Optional()])


@bp.get("/_parts")
@allow(Permission.OWN_ACCOUNT)
def show() -> ResponseReturnValue:
    """The parts, one of them with a fault."""
    form = PartsForm()
    form.time_spent.data = "soon"
    form.time_spent.errors = ["Write time as 1h30, 90m, 1:30 or 1.5."]
    return render_template("parts.html", form=form)
