"""The sender on a real wire: one request for each message, whatever happens to it, and no way round our settings."""

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from uuid import UUID

import pytest
from slack_sdk.http_retry import default_retry_handlers

from tests.slack_double.faults import SCHEDULED_KINDS, Fault, FaultKind
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import TOKEN, Token, TokenState
from tracker.domain.notice import Doubt, Park, Pause, Post, Refuse, Sent, Unthread, Wait
from tracker.slack.outcome import LONGEST_WAIT, RETRY_SECONDS
from tracker.slack.sender import SlackSender

NOTICE = UUID("01a00000-0000-7000-8000-000000000001")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# Only these are waited for in vain; elsewhere a busy machine must not be taken for a silent Slack.
SILENT = (FaultKind.HANG_BEFORE, FaultKind.ACCEPT_HANG, FaultKind.ACCEPT_LATE, FaultKind.ACCEPT_LATE_AFTER_HANGUP)


def post(channel: str = "C1") -> Post:
    section = {
        "type": "section",
        "block_id": f"tracker:{NOTICE}:v1",
        "text": {"type": "mrkdwn", "text": "The UAT sign-off is due"},
    }
    return Post(NOTICE, channel, "The UAT sign-off is due", [section])


def sender_to(api_url: str) -> SlackSender:
    return SlackSender(TOKEN, api_url, timeout=10, proxy=None)


@pytest.fixture
def slack() -> Iterator[SlackDouble]:
    with SlackDouble() as double:
        yield double


@contextmanager
def answering(status: int, body: str, *, kind: str = "application/json", **headers: str) -> Iterator[str]:
    """A server that gives one answer to everything; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"] or 0))
            self.send_response(status)
            raw = body.encode()
            for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- as the base class names it
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/api/"
        finally:
            server.shutdown()
            thread.join()


def test_the_sdk_may_repeat_nothing_by_itself() -> None:
    assert default_retry_handlers(), "if the SDK stopped repeating, this test would prove nothing"
    assert SlackSender(TOKEN, "http://127.0.0.1:1/api/", timeout=10, proxy=None)._client.retry_handlers == []


@pytest.mark.parametrize("kind", [FaultKind.OK, *SCHEDULED_KINDS])
def test_whatever_happens_one_message_is_one_request(slack: SlackDouble, kind: FaultKind) -> None:
    slack.push(Fault(kind, delay=0.01))
    sender = sender_to(slack.base_url)
    if kind in SILENT:
        sender._client.timeout = 1
    sender.send(post())
    assert len(slack.log("chat.postMessage")) <= 1
    assert len(slack.log()) == 1


def test_a_message_carries_its_marker_twice(slack: SlackDouble) -> None:
    outcome = sender_to(slack.base_url).send(post())
    (message,) = slack.messages("C1")
    assert outcome == Sent(message["ts"])
    assert message["metadata"]["event_payload"] == {"id": str(NOTICE)}
    assert message["blocks"][0]["block_id"] == f"tracker:{NOTICE}:v1"


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_in_the_environment_does_not_matter(slack: SlackDouble, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed.getsockname()[1]}")
        for bypass in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(bypass, raising=False)
        monkeypatch.setattr(urllib.request, "_opener", None)  # it would remember the environment as it was
        sender = sender_to(slack.base_url)
        assert isinstance(sender.send(post()), Sent)
        assert sender.test().ok


def test_a_proxy_that_is_set_is_used(slack: SlackDouble) -> None:
    sender = SlackSender(TOKEN, slack.base_url, timeout=10, proxy="http://127.0.0.1:1")
    assert sender._client.proxy == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("ratelimited", Wait(RETRY_SECONDS, "ratelimited")),
        ("rate_limited", Wait(RETRY_SECONDS, "ratelimited")),
        ("request_timeout", Wait(RETRY_SECONDS, "request_timeout", hold_channel=False)),
        ("invalid_auth", Pause("invalid_auth")),
        ("not_authed", Pause("not_authed")),
        ("account_inactive", Pause("account_inactive")),
        ("token_expired", Pause("token_expired")),
        ("missing_scope", Pause("missing_scope")),
        ("message_limit_exceeded", Pause("message_limit_exceeded")),
        ("channel_not_found", Park("channel_not_found")),
        ("not_in_channel", Park("not_in_channel")),
        ("is_archived", Park("is_archived")),
        ("restricted_action", Park("restricted_action")),
        ("restricted_action_thread_locked", Unthread("restricted_action_thread_locked")),
        ("cannot_reply_to_message", Unthread("cannot_reply_to_message")),
        ("thread_not_found", Unthread("thread_not_found")),
        ("invalid_blocks", Refuse("invalid_blocks")),
        ("invalid_blocks_format", Refuse("invalid_blocks_format")),
        ("invalid_metadata_schema", Refuse("invalid_metadata_schema")),
        ("msg_blocks_too_long", Refuse("msg_blocks_too_long")),
        ("no_text", Refuse("no_text")),
        ("fatal_error", Doubt("fatal_error")),
        ("internal_error", Doubt("internal_error")),
        ("service_unavailable", Doubt("service_unavailable")),
        ("duplicate_message_not_found", Doubt("duplicate_message_not_found")),
        ("an_error_of_tomorrow", Doubt("an_error_of_tomorrow")),
    ],
)
def test_each_error_has_its_class(slack: SlackDouble, error: str, outcome: object) -> None:
    slack.push(Fault(FaultKind.API_ERROR, error=error))
    assert sender_to(slack.base_url).send(post()) == outcome


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 1.0, id="at least one"),
        pytest.param("soon", RETRY_SECONDS, id="no number"),
        pytest.param("nan", RETRY_SECONDS, id="not a number"),
        pytest.param("inf", RETRY_SECONDS, id="for ever"),
        pytest.param("1e300", LONGEST_WAIT, id="longer than the calendar"),
    ],
)
def test_a_wait_is_as_long_as_slack_says_within_reason(header: str, seconds: float) -> None:
    with answering(429, '{"ok": false, "error": "ratelimited"}', Retry_After=header) as url:
        assert sender_to(url).send(post()) == Wait(seconds, "ratelimited")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        pytest.param(200, '{"ok": true}', "application/json", id="yes, but no timestamp"),
        pytest.param(200, '{"ok": true, "ts": null}', "application/json", id="yes, and a timestamp that is none"),
        pytest.param(200, "[]", "application/json", id="a list"),
        pytest.param(200, "[1]", "application/json", id="a list with something in it"),
        pytest.param(200, "null", "application/json", id="null"),
        pytest.param(200, "", "application/json", id="nothing"),
        pytest.param(200, "<html>Log in to the network</html>", "text/html", id="a page of somebody else"),
        pytest.param(407, "<html>Who are you?</html>", "text/html", id="a proxy asks who we are"),
        pytest.param(404, '{"message": "not here"}', "application/json", id="a server that is not Slack"),
        pytest.param(502, "", "text/html", id="a gateway without a word"),
    ],
)
def test_an_answer_that_is_not_slacks_is_doubt(status: int, body: str, kind: str) -> None:
    with answering(status, body, kind=kind) as url:
        sender = sender_to(url)
        assert isinstance(sender.send(post()), Doubt)
        assert sender.find("C1", [NOTICE], LONG_AGO) is None


def test_where_nobody_listens_nothing_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/api/"
        outcome = sender_to(url).send(post())
    assert isinstance(outcome, Wait)
    assert not outcome.hold_channel


def strip_metadata(message: dict[str, object]) -> None:
    message.pop("metadata", None)


@pytest.mark.parametrize("change", [pytest.param(None, id="by its metadata"), pytest.param(strip_metadata, id="by its block")])
def test_a_message_is_found_again(slack: SlackDouble, change: Callable[[dict[str, object]], None] | None) -> None:
    sender = sender_to(slack.base_url)
    sent = sender.send(post())
    assert isinstance(sent, Sent)
    stored = slack.workspace.channels["C1"].messages[0]
    if change is None:
        stored.blocks = []
    else:
        stored.metadata = None
    assert sender.find("C1", [NOTICE], LONG_AGO) == {NOTICE: sent.slack_ts}
    assert sender.find("C1", [UUID(int=7)], LONG_AGO) == {}


@pytest.mark.parametrize(
    "kind",
    [FaultKind.RATE_LIMITED, FaultKind.ERROR_BEFORE, FaultKind.RESET_BEFORE, FaultKind.HTML_BEFORE, FaultKind.ACCEPT_TRUNCATED],
)
def test_a_channel_that_cannot_be_read_to_its_end_is_not_called_empty(slack: SlackDouble, kind: FaultKind) -> None:
    for number in range(3):
        slack.workspace.say("C1", f"talk {number}")
    slack.workspace.settings.page_max = 2
    slack.push(FaultKind.OK)
    slack.push(kind)
    assert sender_to(slack.base_url).find("C1", [NOTICE], LONG_AGO) is None


def test_a_test_of_the_connection_speaks_plainly(slack: SlackDouble) -> None:
    sender = sender_to(slack.base_url)
    assert (sender.test().ok, sender.test().missing_scopes) == (True, ())
    slack.workspace.put_token(TOKEN, Token(scopes=frozenset({"chat:write"})))
    assert sender.test().missing_scopes[:2] == ("channels:history", "groups:history")
    slack.workspace.put_token(TOKEN, Token(state=TokenState.REVOKED))
    assert sender.test().problem == "Slack answers: token_revoked."
    slack.stop()
    assert "cannot be reached" in (sender.test().problem or "")


def test_answers_are_json_the_way_slack_writes_it() -> None:
    with answering(200, json.dumps({"ok": True, "ts": "1.000001"})) as url:
        assert sender_to(url).send(post()) == Sent("1.000001")
