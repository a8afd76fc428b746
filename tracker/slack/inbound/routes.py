"""The three addresses that Slack calls. Its signature is checked over the bytes as they came, before anything is read."""

from urllib.parse import parse_qsl

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.exceptions import RequestEntityTooLarge

from tracker.clock import utc_now
from tracker.edge.rule import public
from tracker.edge.unread import drain
from tracker.settings import Settings
from tracker.slack.inbound.door import Door, Postponed
from tracker.slack.inbound.payload import Unreadable, parse, text
from tracker.slack.inbound.signature import is_genuine
from tracker.slack.web_api import SlackViews

bp = Blueprint("slack", __name__, url_prefix="/slack")
DOOR = "slack_door"
LARGEST = 512 * 1024  # bytes; the largest form that Slack sends is a fraction of it
MOST_FIELDS = 100
LARGEST_CHALLENGE = 500


def install(app: Flask, csrf: CSRFProtect) -> None:
    """Register the addresses. A signature needs no CSRF check: no browser can make one."""
    settings: Settings = app.config["SETTINGS"]
    views = SlackViews(settings.slack_bot_token, settings.slack_api_url, proxy=settings.slack_proxy)
    app.extensions[DOOR] = Door(settings, views)
    app.register_blueprint(bp)
    csrf.exempt(bp)


@bp.before_request
def _check() -> ResponseReturnValue | None:
    """Let in what Slack signed, and nothing else."""
    secret = current_app.config["SETTINGS"].slack_signing_secret
    if secret is None:
        return _plain(503, "Slack is not connected here: SLACK_SIGNING_SECRET is not set.")
    request.max_content_length = LARGEST
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        drain()
        return _plain(413, "That is larger than anything that Slack sends.")
    headers = request.headers
    said = (headers.get("X-Slack-Request-Timestamp"), headers.get("X-Slack-Signature"))
    if not is_genuine(secret, body, *said, seconds=utc_now().timestamp()):
        return _plain(401, "The signature does not fit, or is too old.")
    return None


@bp.post("/commands")
@public
def commands() -> ResponseReturnValue:
    """A slash command; the answer is the response itself."""
    return _answer(_door().command(_form()))


@bp.post("/interactions")
@public
def interactions() -> ResponseReturnValue:
    """A press, or a form that was sent."""
    try:
        payload = parse(_form().get("payload", ""))
    except Unreadable:
        return _plain(400, "That is no payload.")
    return _answer(_door().interaction(payload))


@bp.post("/events")
@public
def events() -> ResponseReturnValue:
    """News. What cannot be noted now is answered with 503, and Slack brings it again."""
    try:
        payload = parse(request.get_data())
    except Unreadable:
        return _plain(400, "That is no payload.")
    if payload.get("type") == "url_verification":
        return jsonify(challenge=text(payload, "challenge", longest=LARGEST_CHALLENGE) or "")
    if payload.get("type") == "event_callback":
        try:
            _door().event(payload)
        except Postponed:
            return _plain(503, "Busy; bring it again.")
    return _plain(200, "")


def _door() -> Door:
    door: Door = current_app.extensions[DOOR]
    return door


def _form() -> dict[str, str]:
    """The fields of a form, read from the bytes that were signed. Too many of them are none."""
    try:
        return dict(parse_qsl(request.get_data().decode(errors="replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}


def _answer(body: object) -> Response:
    """Nothing to say is an empty answer: a form closes, and under a press nothing changes."""
    return jsonify(body) if body else _plain(200, "")


def _plain(status: int, said: str) -> Response:
    return Response(said, status, mimetype="text/plain")
