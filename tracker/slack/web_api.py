"""What is asked of Slack while somebody waits: open a form, publish a home page, answer a press. One short try each."""

import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from slack_sdk.errors import SlackApiError

from tracker.slack.outcome import WIRE_FAULTS
from tracker.slack.sender import OneTryClient

TIMEOUT = 1.5  # seconds; Slack waits three for us
# Where the addresses lie under which Slack takes an answer to a press.
RESPONSE_HOST = "hooks.slack.com"
# A press that came twice has opened its form already.
OPENED_BEFORE = ("duplicate_external_id", "exchanged_trigger_id")
log = logging.getLogger("tracker.slack")


class SlackViews:
    """Forms and answers, through slack-sdk. Nothing here is repeated and nothing raises: false is “it did not work”."""

    def __init__(self, token: str | None, api_url: str, *, proxy: str | None) -> None:
        self._client = OneTryClient(token=token, base_url=api_url, retry_handlers=[], proxy=proxy) if token else None
        if self._client is not None:
            self._client.proxy = proxy
            self._client.timeout = TIMEOUT  # type: ignore[assignment]  # urllib takes shares of a second
        self._proxy = proxy
        self._hosts = {RESPONSE_HOST, urlsplit(api_url).hostname}

    def open(self, trigger_id: str, view: Mapping[str, Any]) -> bool:
        """Open a form for whoever pressed; true also where it was opened before."""
        return self._call("views.open", {"trigger_id": trigger_id, "view": view}, fine=OPENED_BEFORE)

    def publish(self, user_id: str, view: Mapping[str, Any]) -> bool:
        """Put somebody's App Home up; repeating it changes nothing."""
        return self._call("views.publish", {"user_id": user_id, "view": view})

    def respond(self, url: str, body: Mapping[str, Any]) -> bool:
        """Answer a press, under the address that came with it and that only Slack has."""
        if urlsplit(url).hostname not in self._hosts or not url.startswith(("https://", "http://")):
            return False
        data = json.dumps(body).encode()
        request = Request(url, data, {"Content-Type": "application/json; charset=utf-8"})  # noqa: S310 -- checked above
        proxies = {"http": self._proxy, "https": self._proxy} if self._proxy else {}
        try:
            with build_opener(ProxyHandler(proxies)).open(request, timeout=TIMEOUT):
                return True
        except WIRE_FAULTS as error:
            log.warning("an answer did not arrive", extra={"fault": type(error).__name__})
            return False

    def _call(self, method: str, asked: Mapping[str, Any], *, fine: tuple[str, ...] = ()) -> bool:
        if self._client is None:
            return False
        try:
            self._client.api_call(method, json=dict(asked))
        except SlackApiError as error:
            code = error.response.get("error") if isinstance(error.response.data, dict) else None
            if code in fine:
                return True
            log.warning("Slack declined", extra={"method": method, "fault": code})
            return False
        except WIRE_FAULTS as error:
            log.warning("Slack did not answer", extra={"method": method, "fault": type(error).__name__})
            return False
        return True
