"""The one place that talks to Slack: posts a message once, reads a channel back, tests the connection."""

from collections.abc import Collection, Iterable, Iterator, Mapping
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


class OneTryClient(WebClient):
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
        self._client = OneTryClient(token=token, base_url=api_url, timeout=int(timeout) or 1, retry_handlers=[], proxy=proxy)
        self._client.proxy = proxy

    def send(self, post: Post) -> Outcome:
        """Post one message with its marker. One request at most; every fault is an outcome."""
        try:
            answer = self._client.chat_postMessage(
                channel=post.channel,
                text=post.text,
                blocks=[dict(block) for block in post.blocks] or None,
                metadata=_metadata(post),
                thread_ts=post.thread_ts,
                reply_broadcast=True if post.thread_ts and post.broadcast else None,
                unfurl_links=False,
                unfurl_media=False,
            )
            slack_ts = answer["ts"]
        except SlackApiError as error:
            return of_answer(error)
        except WIRE_FAULTS as error:
            return of_fault(error)
        return Sent(slack_ts) if isinstance(slack_ts, str) and slack_ts else Doubt("an answer without a timestamp")

    def update(self, post: Post, slack_ts: str) -> Outcome:
        """Say in place of a message what it should say now. What is in doubt may simply be done again."""
        try:
            self._client.chat_update(
                channel=post.channel,
                ts=slack_ts,
                text=post.text,
                blocks=[dict(block) for block in post.blocks],
                metadata=_metadata(post),
            )
        except SlackApiError as error:
            return of_answer(error)
        except WIRE_FAULTS as error:
            return of_fault(error)
        return Sent(slack_ts)

    def find(
        self,
        channel: str,
        notice_ids: Iterable[UUID],
        oldest: datetime,
        *,
        threads: Collection[str] = (),
        history: bool = True,
    ) -> Mapping[UUID, str] | None:
        """The timestamps of those notices that stand in the channel; None where it cannot be read to its end.

        Replies do not stand in the history: they are read from these threads, and from those that notices looked for have
        opened themselves. A thread that is gone holds nothing.
        """
        wanted = {str(notice_id): notice_id for notice_id in notice_ids}
        found: dict[UUID, str] = {}
        unread = list(threads)
        try:
            if history:
                for message in self._history(channel, oldest - BEFORE_THE_FIRST_TRY):
                    found |= _found_in(message, wanted)
                    if message.get("reply_count") and any(marker in wanted for marker in _markers(message)):
                        unread.append(str(message["ts"]))
            for thread_ts in dict.fromkeys(unread):
                for message in self._replies(channel, thread_ts, oldest - BEFORE_THE_FIRST_TRY):
                    found |= _found_in(message, wanted)
        except (SlackApiError, *WIRE_FAULTS):
            return None
        return found

    def _history(self, channel: str, oldest: datetime) -> Iterator[Mapping[str, Any]]:
        return self._pages("conversations.history", channel=channel, oldest=f"{oldest.timestamp():.6f}")

    def _replies(self, channel: str, thread_ts: str, oldest: datetime) -> Iterator[Mapping[str, Any]]:
        try:
            yield from self._pages("conversations.replies", channel=channel, ts=thread_ts, oldest=f"{oldest.timestamp():.6f}")
        except SlackApiError as error:
            if not isinstance(error.response.data, dict) or error.response.data.get("error") != "thread_not_found":
                raise

    def _pages(self, method: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
        cursor = ""
        for _page in range(MAX_PAGES):
            further = {"cursor": cursor} if cursor else {}
            answer = self._client.api_call(
                method, http_verb="GET", params=arguments | further | {"limit": PAGE, "include_all_metadata": 1}
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


def _metadata(post: Post) -> dict[str, Any]:
    return {"event_type": EVENT_TYPE, "event_payload": {"id": str(post.notice_id)}}


def _found_in(message: Mapping[str, Any], wanted: Mapping[str, UUID]) -> dict[UUID, str]:
    return {wanted[marker]: str(message["ts"]) for marker in _markers(message) if marker in wanted}


def _markers(message: Mapping[str, Any]) -> Iterator[str]:
    """The notice ids a message carries: in its metadata, and in the id of its first block where that was stripped."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") == EVENT_TYPE:
        yield str((metadata.get("event_payload") or {}).get("id", ""))
    for block in message.get("blocks") or []:
        prefix, _, rest = str(block.get("block_id", "")).partition(":")
        if prefix == "tracker":
            yield rest.split(":")[0]
