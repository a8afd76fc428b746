"""The double as the one who calls: commands, presses, forms and news, really signed, to an application or a served one."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient

from tests.slack_double.forms import check_view
from tests.slack_double.limits import check_blocks

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
TEAM_ID = "T0DOUBLE"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_number = count(1)


@dataclass(frozen=True)
class Heard:
    """What the application answered."""

    status: int
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The answer as JSON; nothing at all is an empty object."""
        found: dict[str, Any] = json.loads(self.body or b"{}")
        return found

    @property
    def text(self) -> str:
        """The words of the answer."""
        return str(self.json.get("text", ""))

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        """The buttons under the words, by their label."""
        elements = [each for block in self.json.get("blocks", []) for each in block.get("elements", [])]
        return {each["text"]["text"]: each for each in elements}


Send = Callable[[str, bytes, Mapping[str, str]], Heard]


def in_process(client: FlaskClient) -> Send:
    """Send to an application in this process."""

    def send(path: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        answer = client.post(path, data=body, headers=dict(headers))
        return Heard(answer.status_code, answer.data)

    return send


def served(address: str, *, timeout: float = 3.0) -> Send:
    """Send to a served application, as patient as Slack is."""

    def send(path: str, body: bytes, headers: Mapping[str, str]) -> Heard:
        request = urllib.request.Request(f"{address}{path}", body, dict(headers))  # noqa: S310 -- our own address
        try:
            with _DIRECT.open(request, timeout=timeout) as answer:
                return Heard(answer.status, answer.read())
        except urllib.error.HTTPError as refused:
            with refused:
                return Heard(refused.code, refused.read())

    return send


def signed(body: bytes, *, secret: str = SECRET, seconds: float | None = None) -> dict[str, str]:
    """Slack's two headers over a body."""
    at = str(int(time.time() if seconds is None else seconds))
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


def trigger() -> str:
    """A trigger as the double knows them: when it was made, and a number."""
    return f"{int(time.time() * 1000)}.{next(_number)}"


@dataclass(frozen=True)
class SlackUser:
    """Somebody who works in Slack, in one channel. `answers_to` is where presses are answered."""

    send: Send
    user_id: str
    channel: str = "C1"
    team_id: str = TEAM_ID
    answers_to: str | None = None
    secret: str = field(default=SECRET, repr=False)

    def command(self, text: str, **over: str) -> Heard:
        """Write a line that begins with a command."""
        return self.deliver(*self.command_request(text, **over))

    def command_request(self, text: str, **over: str) -> tuple[str, bytes, str]:
        command, _, words = text.partition(" ")
        said = {"command": command, "text": words, "user_id": self.user_id, "team_id": self.team_id}
        said |= {"channel_id": self.channel, "trigger_id": trigger(), "user_name": "somebody"}
        return "/slack/commands", urlencode(said | over).encode(), FORM

    def press(self, element: Mapping[str, Any], *, value: str | None = None, **over: Any) -> Heard:
        """Press a button, or choose `value` of a list; each press is a new one."""
        return self.deliver(*self.press_request(element, value=value, **over))

    def press_request(self, element: Mapping[str, Any], *, value: str | None = None, **over: Any) -> tuple[str, bytes, str]:
        number = next(_number)
        action: dict[str, Any] = {"action_id": element["action_id"], "action_ts": f"1700000000.{number:06d}", "type": "button"}
        if value is None:
            action["value"] = element.get("value")
        else:
            action |= {"type": "static_select", "selected_option": {"value": value}}
        payload = {
            "type": "block_actions",
            "user": {"id": self.user_id, "team_id": self.team_id, "name": "somebody"},
            "channel": {"id": self.channel},
            "container": {"type": "message", "message_ts": "1700000000.000001", "channel_id": self.channel},
            "trigger_id": trigger(),
            "actions": [action],
        } | ({"response_url": f"{self.answers_to}actions/{number}"} if self.answers_to else {})
        return self.payload_request(payload | over)

    def submit(self, view: Mapping[str, Any], **values: Any) -> Heard:
        """Send a form with what is filled in: text, a chosen value, or True for a box that is ticked."""
        return self.deliver(*self.submit_request(view, **values))

    def submit_request(self, view: Mapping[str, Any], **values: Any) -> tuple[str, bytes, str]:
        state = {block["block_id"]: {block["block_id"]: _filled(block["element"], values.get(block["block_id"]))}
                 for block in view["blocks"] if block["type"] == "input"}  # fmt: skip
        user = {"id": self.user_id, "team_id": self.team_id}
        return self.payload_request(
            {"type": "view_submission", "user": user, "view": dict(view) | {"state": {"values": state}}, "trigger_id": trigger()}
        )

    def payload_request(self, payload: Any) -> tuple[str, bytes, str]:
        return "/slack/interactions", urlencode({"payload": json.dumps(payload)}).encode(), FORM

    def event(self, kind: str, **body: Any) -> Heard:
        """Bring news."""
        return self.deliver(*self.event_request(kind, **body))

    def event_request(self, kind: str, **body: Any) -> tuple[str, bytes, str]:
        event_id = f"Ev{next(_number):09d}"
        said = {"type": "event_callback", "event_id": event_id, "team_id": self.team_id, "event": {"type": kind} | body}
        return "/slack/events", json.dumps(said).encode(), JSON

    def deliver(self, path: str, body: bytes, content_type: str) -> Heard:
        """Sign and send; the same request again is the same bytes. Raises Refusal for an answer that Slack would not show."""
        heard = self.send(path, body, signed(body, secret=self.secret) | {"Content-Type": content_type})
        if heard.status == 200 and heard.body:
            check_blocks(heard.json.get("blocks", []))
            if heard.json.get("response_action") == "update":
                check_view(heard.json["view"], "modal")
        return heard


def _filled(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """The state of one element: what was filled in, else what it came with."""
    match element["type"]:
        case "plain_text_input":
            return {"type": element["type"], "value": value if value is not None else element.get("initial_value")}
        case "datepicker":
            return {"type": element["type"], "selected_date": value or element.get("initial_date")}
        case "checkboxes":
            return {"type": element["type"], "selected_options": element["options"] if value else []}
        case _:
            chosen = next((each for each in element["options"] if each["value"] == value), element.get("initial_option"))
            return {"type": element["type"], "selected_option": chosen}
