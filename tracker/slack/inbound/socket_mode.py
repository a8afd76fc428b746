"""Socket Mode: the same payloads over a connection that we open, for an installation that Slack cannot reach.

It is an option beside signed HTTP, on when SLACK_APP_TOKEN is set. Slack is not known to bring again what came while nobody
was connected, so HTTP is the better way where it is possible.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Any

from flask import Flask
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.builtin import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tracker.settings import Settings
from tracker.slack.inbound.door import Door, Postponed
from tracker.slack.inbound.routes import DOOR
from tracker.slack.outcome import WIRE_FAULTS
from tracker.slack.sender import OneTryClient

RETRY_SECONDS = 30.0
log = logging.getLogger("tracker.slack")


def take(app: Flask, kind: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer one payload as its HTTP address would. Raises Postponed for news that could not be noted now."""
    door: Door = app.extensions[DOOR]
    with app.app_context():
        if kind == "slash_commands":
            return door.command({name: value for name, value in payload.items() if isinstance(value, str)})
        if kind == "interactive":
            return door.interaction(payload)
        if kind == "events_api":
            door.event(payload)
        return {}


class Listener:
    """The connection, in threads of its own, until it is closed. One that breaks is opened anew."""

    def __init__(self, app: Flask, client: BaseSocketModeClient) -> None:
        self._app, self._client, self._closed = app, client, threading.Event()
        client.socket_mode_request_listeners.append(self.hear)
        self._thread = threading.Thread(target=self._run, name="slack-socket", daemon=True)

    def hear(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer what came; what is not acknowledged, Slack brings again."""
        try:
            answer = take(self._app, request.type, request.payload)
        except Postponed:
            return
        except Exception:
            log.exception("a payload came to nothing", extra={"kind": request.type})
            return
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id, dict(answer) or None))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._client.close()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._client.connect()
            except (SlackApiError, *WIRE_FAULTS) as error:
                log.warning("Slack's socket cannot be opened", extra={"fault": type(error).__name__})
                self._closed.wait(RETRY_SECONDS)
            else:
                return


def start(app: Flask) -> Listener | None:
    """Listen, where an app token is set; after a fork, never before."""
    settings: Settings = app.config["SETTINGS"]
    if settings.slack_app_token is None:
        return None
    web = OneTryClient(token=settings.slack_bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[])
    web.proxy = settings.slack_proxy
    client = SocketModeClient(app_token=settings.slack_app_token, web_client=web, proxy=settings.slack_proxy)
    listener = Listener(app, client)
    listener.start()
    return listener
