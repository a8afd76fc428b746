"""One way in for HTTP and Socket Mode: who asks, what answers, once; then what Slack is asked for in turn.

The effect, the answer and what is to be told are kept in one transaction under a key of Slack's; the same again is answered
the same. Nothing is asked of Slack inside it.
"""

import hashlib
import hmac
import json
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from tracker.clock import utc_now
from tracker.domain.budget import BudgetExceeded
from tracker.domain.errors import Busy, IdempotencyMismatch, Invalid, NotFound, TrackerError
from tracker.edge.fault import CROSSED, say_database_fault
from tracker.edge.work import work
from tracker.services import account_link
from tracker.settings import Settings
from tracker.slack.inbound import log_form
from tracker.slack.inbound.ask import Account, Ask, Pressed, Sent, Stranger, actor_of
from tracker.slack.inbound.events import EVENTS, Event
from tracker.slack.inbound.payload import Payload, first_action, id_of, part, text
from tracker.slack.inbound.registry import COMMANDS, VIEWS, Handler, Said, action_of, is_link
from tracker.slack.inbound.reply import NOTHING, OpenView, PublishView, Reply, ephemeral, field_errors, link, plainly
from tracker.slack.web_api import SlackViews
from tracker.store.database import AnySession, db
from tracker.store.transaction import Repeated, RequestKey, attempt

SCOPE = "slack"
TRY_AGAIN = "The tracker is busy just now. Nothing was changed; try again in a moment."
NOT_YOURS = "There is nothing like that here, or it is not yours to see."
UNKNOWN = "The tracker does not know that. Try `/engagement help`."
# Where a use case names a field otherwise than the form.
FIELD_OF = {"minutes": "duration"}
NOT_OPENED = "The form could not be opened here. Its page does the same:"
log = logging.getLogger("tracker.slack")


class Postponed(Exception):
    """News that could not be noted now; Slack brings it again."""


@dataclass(frozen=True)
class Door:
    """The way in, for one installation."""

    settings: Settings
    views: SlackViews
    # Slack waits three seconds. Each wait for other writers ends after this many milliseconds.
    patience: int = 1000

    def command(self, said: Mapping[str, str]) -> Payload:
        """Answer a command; `said` is its form. The answer is JSON for Slack."""
        account, trigger_id = _account(said.get("user_id"), said.get("team_id")), said.get("trigger_id") or ""
        handler = COMMANDS.get((said.get("command") or "").casefold())
        if account is None or not trigger_id or "\x00" in trigger_id:
            return {}
        if handler is None:
            return ephemeral(UNKNOWN).body
        words = (said.get("text") or "").replace("\x00", " ")
        asking = _Asking(account, said.get("channel_id") or None, trigger_id, f"command:{trigger_id}", utc_now())
        reply = self._answer(asking, handler, words, (said.get("command") or "", words))
        return self._then(reply).body

    def interaction(self, payload: Payload) -> Payload:
        """Answer a press or a form that was sent. What is not known to us is taken note of and no more."""
        kind = payload.get("type")
        if kind == "block_actions":
            return self._pressed(payload)
        if kind == "view_submission":
            return self._sent(payload)
        return {}

    def _pressed(self, payload: Payload) -> Payload:
        action = first_action(payload)
        action_id = id_of(action, "action_id") or ""
        account, handler = _account_of(payload), action_of(action_id)
        if account is None or is_link(action_id):
            return {}
        if handler is None:
            return self._respond(payload, ephemeral(UNKNOWN))
        value = text(action, "value") or text(action, "selected_option", "value") or ""
        key = _key("action", _place_of(payload), id_of(action, "action_ts"), account.user_id, action_id)
        channel = id_of(payload, "channel", "id") or id_of(payload, "container", "channel_id")
        asking = _Asking(account, channel, id_of(payload, "trigger_id"), key, utc_now())
        reply = self._answer(asking, handler, Pressed(action_id, value, payload), (action_id, value))
        return self._respond(payload, self._then(reply))

    def _respond(self, payload: Payload, reply: Reply) -> Payload:
        """Slack shows nothing of what a press is answered with: words go to the address that came with it."""
        url = text(payload, "response_url")
        if reply.body and url is not None:
            self.views.respond(url, reply.body)
        return reply.body

    def _sent(self, payload: Payload) -> Payload:
        view = part(payload, "view")
        account, handler = _account_of(payload), VIEWS.get(text(view, "callback_id") or "")
        if account is None or handler is None:
            return {}
        values = part(view, "state", "values")
        form = Sent(values, text(view, "private_metadata") or "")
        key = _key("view", id_of(view, "id"), id_of(view, "hash"), account.user_id)
        asking = _Asking(account, None, id_of(payload, "trigger_id"), key, utc_now(), view)
        said = (text(view, "callback_id") or "", form.metadata, json.dumps(values, sort_keys=True))
        return self._answer(asking, handler, form, said).body

    def event(self, payload: Payload) -> None:
        """Note a piece of news, once. Raises Postponed where that cannot be done now."""
        event_id, kind = id_of(payload, "event_id"), id_of(payload, "event", "type")
        handler = EVENTS.get(kind or "")
        if event_id is None or handler is None:
            return
        now, key = utc_now(), f"event:{event_id}"
        event = Event(
            body=part(payload, "event"),
            team_id=id_of(payload, "team_id"),
            base_url=self.settings.base_url,
            breaker=self.settings.breaker,
            now=now,
            link_for=lambda account: self._offer(db.session, account, key, now),
        )
        try:
            with work(RequestKey.of(SCOPE, key), patience=self.patience) as unit:
                reply = handler(db.session, event)
                unit.remember({})
        except Repeated:
            return
        except (Busy, SQLAlchemyError) as error:
            raise Postponed from error
        except TrackerError as error:
            log.warning("an event came to nothing", extra={"event": kind, "fault": error.message})
            return
        self._then(reply)

    def _answer(self, asking: "_Asking", handler: Handler[Said], said: Said, fingerprint: tuple[str, ...]) -> Reply:
        """Run what answers, in a unit of its own where it writes. Every fault is an answer."""
        try:
            if not handler.writes:
                return self._tried(asking, lambda session, ask: handler.run(session, ask, said))
            with work(RequestKey.of(SCOPE, asking.key, asking.account.user_id, *fingerprint), patience=self.patience) as unit:
                reply = self._tried(asking, lambda session, ask: _attempted(session, ask, handler, said))
                unit.remember(reply.body)
                return reply
        except Repeated as repeated:
            return Reply(repeated.response)
        except Stranger as stranger:
            return self._introduce(stranger.account, asking)
        except (IdempotencyMismatch, IntegrityError):
            return asking.say(CROSSED)
        except Busy:
            return asking.say(TRY_AGAIN)
        except SQLAlchemyError as error:
            log.warning("database", exc_info=error)
            return asking.say(say_database_fault(error))
        finally:
            db.session.close()

    def _tried(self, asking: "_Asking", run: Callable[[AnySession, Ask], Reply]) -> Reply:
        """Answer as whoever asks; what a rule refuses is an answer too."""
        try:
            actor = actor_of(db.session, asking.account, asking.now)
            base_url = self.settings.base_url
            return run(
                db.session,
                Ask(asking.account, actor, asking.channel, asking.trigger_id, asking.key, base_url, asking.now),
            )
        except TrackerError as error:
            return asking.refuse(error)

    def _introduce(self, account: Account, asking: "_Asking") -> Reply:
        """Ask a stranger, once, who they are."""
        if asking.view is not None:
            return asking.say("The tracker does not know who you are. Write /engagement in the channel, and say so there once.")
        try:
            with work(patience=self.patience):
                url = self._offer(db.session, account, asking.key, asking.now)
        except (Busy, SQLAlchemyError):
            return plainly(TRY_AGAIN)
        said = (
            "The tracker does not know yet who you are. Say so once: sign in and confirm that this Slack account is yours. "
            "The link works for half an hour, for you alone; pass it on to nobody."
        )
        return plainly(said, [link("This Slack account is mine", url)])

    def _offer(self, session: AnySession, account: Account, key: str, now: datetime) -> str:
        """The address of a link for an account. It follows from the request, so that the same again is shown the same."""
        mark = hmac.new(self.settings.secret_key.encode(), f"account-link:{account.user_id}:{key}".encode(), hashlib.sha256)
        token = urlsafe_b64encode(mark.digest()).decode().rstrip("=")
        account_link.offer(session, token, account.user_id, account.team_id, now=now)
        return f"{self.settings.base_url}/slack/account/{token}"

    def _then(self, reply: Reply) -> Reply:
        """Ask Slack for what an answer needs of it, now that everything is kept."""
        match reply.then:
            case OpenView(trigger_id, view, page):
                if not self.views.open(trigger_id, view):
                    return ephemeral(NOT_OPENED, [link("Open the page", page)])
            case PublishView(user_id, view):
                self.views.publish(user_id, view)
        return reply


@dataclass(frozen=True)
class _Asking:
    """A request before it is known who makes it."""

    account: Account
    channel: str | None
    trigger_id: str | None
    key: str
    now: datetime
    # The form that was sent; it shows what is said at its fields only.
    view: Payload | None = None

    def say(self, message: str) -> Reply:
        """A sentence, where whoever asks will read it."""
        return plainly(message) if self.view is None else _at_the_last_field(self.view, message)

    def refuse(self, error: TrackerError) -> Reply:
        """Why not; of a form at the fields, whatever was typed stays."""
        if self.view is not None and isinstance(error, BudgetExceeded):
            return log_form.say_refused(error)
        if self.view is not None and isinstance(error, Invalid):
            return _at_fields(self.view, error)
        return self.say(NOT_YOURS if isinstance(error, NotFound) else error.message)


def _attempted(session: AnySession, ask: Ask, handler: Handler[Said], said: Said) -> Reply:
    """What is refused leaves nothing behind, and the refusal is what the same again is answered."""
    with attempt(session):
        return handler.run(session, ask, said)


def _fields_of(view: Payload) -> list[str]:
    """The names of the fields that a form has, in order."""
    values, blocks = part(view, "state", "values"), view.get("blocks")
    listed = [id_of(block, "block_id") or "" for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return [name for name in listed if name in values] or [str(name) for name in values]


def _at_the_last_field(view: Payload, message: str) -> Reply:
    """What belongs to no field stands at the last: elsewhere a form shows nothing."""
    names = _fields_of(view)
    return field_errors({names[-1]: message}) if names else NOTHING


def _at_fields(view: Payload, error: Invalid) -> Reply:
    """Each fault at its field."""
    names, said = _fields_of(view), dict[str, str]()
    for fault in error.errors:
        name = FIELD_OF.get(fault.field, fault.field)
        at = name if name in names else names[-1] if names else name
        said[at] = f"{said[at]} {fault.message}" if at in said else fault.message
    return field_errors(said) if said else NOTHING


def _account(user_id: str | None, team_id: str | None) -> Account | None:
    return Account(user_id, team_id or None) if user_id and user_id.isascii() and user_id.isalnum() else None


def _account_of(payload: Payload) -> Account | None:
    user = part(payload, "user")
    return _account(id_of(user, "id"), id_of(user, "team_id"))


def _place_of(payload: Payload) -> str | None:
    """The message or the view in which something was pressed."""
    ways = (("container", "message_ts"), ("message", "ts"), ("container", "view_id"), ("view", "id"))
    return next((found for way in ways if (found := id_of(payload, *way))), None)


def _key(kind: str, *parts: str | None) -> str:
    """The key of a request, of parts that may hold anything."""
    digest = hashlib.sha256(json.dumps([part or "" for part in parts]).encode()).hexdigest()
    return f"{kind}:{digest}"
