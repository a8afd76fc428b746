"""The one place that talks to Slack: posts a message once, reads a channel back, tests the connection."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener
from uuid import UUID

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tracker.domain.notice import Doubt, Outcome, Post, Sent
from tracker.slack.manifest import SCOPE_NAMES
from tracker.slack.outcome import WIRE_FAULTS, of_answer, of_fault

EVENT_TYPE = "tracker_notice"
BEFORE_THE_FIRST_TRY = timedelta(minutes=5)
PAGE = 200
MAX_PAGES = 50


@dataclass(frozen=True)
class Connection:
    """What a test of the connection showed, in words for a person."""

    ok: bool
    team: str | None = None
    bot: str | None = None
    missing_scopes: tuple[str, ...] = ()
    problem: str | None = None
    is_bot: bool = True


class _Client(WebClient):
    """The SDK, but only we decide on a proxy: it reads one from the environment, and so does urllib underneath it."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        if self.proxy is not None:
            return super()._perform_urllib_http_request_internal(url, req)
        with build_opener(ProxyHandler({})).open(req, timeout=self.timeout) as answer:
            body = answer.read().decode(answer.headers.get_content_charset() or "utf-8")
            return {"status": answer.status, "headers": answer.headers, "body": body}


class SlackSender:
    """Sends through slack-sdk, but lets it repeat nothing: the SDK's own retries double a message whose answer was lost."""

    def __init__(self, token: str, api_url: str, *, timeout: float, proxy: str | None) -> None:
        self._client = _Client(token=token, base_url=api_url, timeout=int(timeout) or 1, retry_handlers=[], proxy=proxy)
        self._client.proxy = proxy

    def send(self, post: Post) -> Outcome:
        """Post one message with its marker. One request at most; every fault is an outcome."""
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"id": str(post.notice_id)}}
        try:
            answer = self._client.chat_postMessage(
                channel=post.channel,
                text=post.text,
                blocks=[dict(block) for block in post.blocks],
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
            slack_ts = answer["ts"]
        except SlackApiError as error:
            return of_answer(error)
        except WIRE_FAULTS as error:
            return of_fault(error)
        return Sent(slack_ts) if isinstance(slack_ts, str) and slack_ts else Doubt("an answer without a timestamp")

    def find(self, channel: str, notice_ids: Iterable[UUID], oldest: datetime) -> Mapping[UUID, str] | None:
        """The timestamps of those notices that stand in the channel; None where it cannot be read to its end."""
        wanted = {str(notice_id): notice_id for notice_id in notice_ids}
        found: dict[UUID, str] = {}
        try:
            for message in self._history(channel, oldest - BEFORE_THE_FIRST_TRY):
                for marker in _markers(message):
                    if marker in wanted:
                        found[wanted[marker]] = str(message["ts"])
        except (SlackApiError, *WIRE_FAULTS):
            return None
        return found

    def _history(self, channel: str, oldest: datetime) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        for _page in range(MAX_PAGES):
            answer = self._client.conversations_history(
                channel=channel,
                oldest=f"{oldest.timestamp():.6f}",
                limit=PAGE,
                cursor=cursor or None,
                include_all_metadata=True,
            )
            yield from answer["messages"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
        raise LookupError("the channel is too long to read back")

    def test(self) -> Connection:
        """Ask Slack who we are and what we may do."""
        try:
            answer = self._client.auth_test()
        except SlackApiError as error:
            code = error.response.get("error") if isinstance(error.response.data, dict) else None
            return Connection(ok=False, problem=f"Slack answers: {code or 'something that is not an answer'}.")
        except WIRE_FAULTS as error:
            return Connection(ok=False, problem=f"Slack cannot be reached: {error}.")
        headers = {name.lower(): value for name, value in dict(answer.headers).items()}
        granted = {scope.strip() for scope in headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
        missing = tuple(scope for scope in SCOPE_NAMES if granted and scope not in granted)
        return Connection(
            ok=True, team=answer.get("team"), bot=answer.get("user"), missing_scopes=missing, is_bot=bool(answer.get("bot_id"))
        )


def _markers(message: Mapping[str, Any]) -> Iterator[str]:
    """The notice ids a message carries: in its metadata, and in the id of its first block where that was stripped."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE:
        yield str((metadata.get("event_payload") or {}).get("id", ""))
    for block in message.get("blocks") or []:
        prefix, _, rest = str(block.get("block_id", "")).partition(":")
        if prefix == "tracker":
            yield rest.split(":")[0]
