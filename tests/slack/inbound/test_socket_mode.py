"""Socket Mode answers as HTTP does: the connection is the SDK's, so a stand-in for it tells what was acknowledged."""

from dataclasses import replace
from typing import Any

from flask import Flask
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.factories import make_engagement, make_person
from tracker.slack.inbound import socket_mode
from tracker.slack.inbound.routes import DOOR
from tracker.slack.inbound.socket_mode import Listener
from tracker.store import pacing
from tracker.store.database import db


class Socket(BaseSocketModeClient):
    """A connection that keeps what is said on it."""

    def __init__(self) -> None:
        self.socket_mode_request_listeners = []
        self.said: list[SocketModeResponse | dict[str, Any]] = []

    def send_socket_mode_response(self, response: SocketModeResponse | dict[str, Any]) -> None:
        self.said.append(response)

    def bring(self, kind: str, **payload: Any) -> Any:
        """What one payload is acknowledged with; None where it is not."""
        self.said.clear()
        request = SocketModeRequest(kind, "envelope-1", payload)
        for listener in self.socket_mode_request_listeners:
            listener(self, request)  # type: ignore[call-arg,arg-type,misc]  # the SDK's type forgets the method's self
        return self.said[0] if self.said else None


def test_a_payload_over_the_socket_is_answered_as_over_http(app: Flask) -> None:
    make_engagement(make_person("engagement_manager", slack_user_id="U1"), name="Harbour")
    socket = Socket()
    Listener(app, socket)
    asked = {"command": "/engagement", "text": "", "user_id": "U1", "team_id": "T1", "channel_id": "C1", "trigger_id": "1.1"}
    answer = socket.bring("slash_commands", **asked)
    assert answer.envelope_id == "envelope-1"
    assert answer.payload["text"].startswith("*Harbour*")
    assert socket.bring("interactive", type="block_actions", user={"id": "U1"}, actions=[]).payload["text"]
    revoked = {"type": "app_uninstalled"}
    assert socket.bring("events_api", type="event_callback", event_id="Ev1", event=revoked).payload is None
    assert db.session.get(pacing.SlackChannel, pacing.WORKSPACE) is not None


def test_news_that_could_not_be_noted_is_not_acknowledged(app: Flask) -> None:
    socket = Socket()
    Listener(app, socket)
    app.extensions[DOOR] = replace(app.extensions[DOOR], patience=20)
    with db.engine.connect() as other:
        if other.dialect.name == "sqlite":
            other.exec_driver_sql("ROLLBACK")
            other.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            other.exec_driver_sql("LOCK TABLE request_key IN ACCESS EXCLUSIVE MODE")
        assert socket.bring("events_api", type="event_callback", event_id="Ev1", event={"type": "app_uninstalled"}) is None
        other.rollback()


def test_without_an_app_token_nothing_is_opened(app: Flask) -> None:
    assert socket_mode.start(app) is None
