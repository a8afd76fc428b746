"""What all forms share: the key that makes a repeated submission harmless, the version that is edited, and where faults go."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.exc import IntegrityError, OperationalError
from wtforms import Field, HiddenField, StringField
from wtforms.validators import ValidationError

from tracker.domain.duration import LONGEST_MINUTES, DurationError, parse_minutes, say_minutes
from tracker.domain.errors import EditedMeanwhile, IdempotencyMismatch, Invalid, RuleViolation, TrackerError
from tracker.edge.fault import CROSSED, STATUS, say_database_fault
from tracker.edge.gate import current_actor
from tracker.edge.work import work
from tracker.store.transaction import Repeated, RequestKey

Result = TypeVar("Result")
NOTHING = ("0", "0h", "0m")
NOT_SAID = ("csrf_token", "request_key")
# The fields of a form as `site/act.html` shows them: each with its hint, and the rows of a text.
FieldRow = tuple[Field, str | None, int | None]


def new_key() -> str:
    """A key for one submission."""
    return secrets.token_urlsafe(16)


class Form(FlaskForm):  # type: ignore[misc]
    """A form of ours. `status` is what the page that shows it again answers with."""

    request_key = HiddenField(default=new_key)
    version = HiddenField()
    status = 200

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; a character that no database takes is refused before anything reads it."""
        sound = bool(super().validate(extra_validators))
        for name, field in self._fields.items():
            if any("\x00" in text for text in request.form.getlist(name)):
                field.errors = [*field.errors, "This holds a character that cannot be kept. Type it anew."]
                sound = False
        return sound

    def key(self) -> RequestKey:
        """What makes this submission the same submission when it comes again."""
        said = [f"{name}={request.form.getlist(name)}" for name in sorted(request.form) if name not in NOT_SAID]
        who = current_actor().person_id
        return RequestKey.of(f"form:{who}", self.request_key.data or new_key(), request.path, *said)

    def edited_version(self) -> int | None:
        """The version that was on the screen."""
        text = str(self.version.data or "")
        return int(text) if text.isascii() and text.isdecimal() else None

    def take(self, error: TrackerError) -> None:
        """Show a fault at the field it belongs to, or above the form."""
        self.status = STATUS[error.code]
        if isinstance(error, IdempotencyMismatch):
            self.request_key.data = new_key()
            self.say("You have sent this form already, with other content. Send it again if you mean a further one.")
        elif isinstance(error, EditedMeanwhile):
            self.say("Somebody else changed this meanwhile. What you typed is kept: compare it, then save again.")
        elif isinstance(error, Invalid):
            for fault in error.errors:
                field = self._field_of(fault.field)
                (self.say if field is None else _adder(field))(fault.message)
        else:
            self.say(error.message)

    def say(self, message: str) -> None:
        """Show a fault of the form as a whole."""
        self.form_errors.append(message)

    def _field_of(self, name: str) -> Field | None:
        for candidate in (name, name.rpartition(".")[2], ALIASES.get(name, "")):
            if candidate in self._fields:
                field: Field = self._fields[candidate]
                return field
        return None


# Where a use case names a field otherwise than the form that it comes from.
ALIASES = {
    "minutes": "duration",
    "scope": "manager_sees",
    "person": "person_id",
    "through": "keep_through",
    "reason": "why",
}


def _adder(field: Field) -> Callable[[str], None]:
    def add(message: str) -> None:
        field.errors = [*field.errors, message]

    return add


def save(form: Form, use_case: Callable[[], Result], then: Callable[[Result], str]) -> ResponseReturnValue | None:
    """Carry out what a valid form asks, once, and redirect; None where the form has to be shown again."""
    if not form.is_submitted():
        return None
    if not form.validate():
        form.status = 422
        return None
    try:
        with work(form.key()) as unit:
            location = then(use_case())
            unit.remember({"location": location})
    except Repeated as repeated:
        location = str(repeated.response["location"])
    except (Invalid, RuleViolation) as error:
        form.take(error)
        return None
    except IntegrityError:
        form.status = 409
        form.say(CROSSED)
        return None
    except OperationalError as error:
        form.status = 503
        form.say(say_database_fault(error))
        return None
    return redirect(location, 303)


class DurationField(StringField):
    """Time as people write it; its data is what was typed, `minutes` what was understood, as `js/duration.js` echoes it."""

    minutes: int | None = None
    longest = LONGEST_MINUTES
    # Whether no time at all is an answer too.
    takes_nothing = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        nothing = {"data-duration-nothing": True} if self.takes_nothing else {}
        self.render_kw = {"data-duration": self.longest} | nothing

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002
        text = (self.data or "").strip()
        if self.takes_nothing and text in NOTHING:
            self.minutes = 0
        elif text:
            try:
                self.minutes = parse_minutes(self.data or "", self.longest)
            except DurationError as error:
                raise ValidationError(str(error)) from None

    @property
    def understood(self) -> str | None:
        """What was understood, to be echoed."""
        return None if self.minutes is None else say_minutes(self.minutes)


def show_typed_minutes(minutes: int) -> str:
    """Minutes as somebody would type them, such as 1h30 or 45m."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}m"
    return f"{hours}h{rest:02}" if rest else f"{hours}h"


def blank_to_none(text: str | None) -> str | None:
    """A field that was left empty says nothing."""
    return text.strip() or None if text else None
