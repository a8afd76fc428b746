"""What the double accepts, refuses and counts when our app posts."""

import json
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.slack_double.sdk import web_client
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import ALL_SCOPES, Channel, Token, TokenState, markers_of

NOON = 1_700_000_000.0


def refused(slack: SlackDouble, method: str = "chat.postMessage", *, token: str | None = None, **args: Any) -> str:
    with pytest.raises(SlackApiError) as failure:
        web_client(slack.base_url, token or slack.token).api_call(method, json={"channel": "C1"} | args)
    error: str = failure.value.response["error"]
    return error


def section(text: str = "Due", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(label: str = "Open", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


@pytest.mark.parametrize("encoding", ["json", "form"])
def test_a_post_is_kept_as_it_was_sent(encoding: str) -> None:
    with SlackDouble() as slack:
        client = web_client(slack.base_url)
        content: dict[str, Any] = {
            "channel": "C1",
            "text": "Due",
            "blocks": [section(block_id="tracker:n1:v1")],
            "metadata": {"event_type": "tracker_notice", "event_payload": {"id": "n1"}},
        }
        if encoding == "json":
            answer = client.chat_postMessage(**content)
        else:
            form = content | {name: json.dumps(content[name]) for name in ("blocks", "metadata")}
            answer = client.api_call("chat.postMessage", data=form)
        (message,) = slack.messages("C1")
        assert message == answer["message"]
        assert message["ts"] == answer["ts"]
        assert message["blocks"] == content["blocks"]
        assert message["metadata"] == content["metadata"]
        assert slack.count_by_marker() == {"n1": 1}
        assert slack.log()[0].markers == ("n1",)


def test_who_am_i_tells_the_installation_and_its_scopes() -> None:
    with SlackDouble() as slack:
        answer = web_client(slack.base_url).auth_test()
        assert {"team", "team_id", "user", "user_id", "bot_id", "url"} <= set(answer.data)
        assert answer.headers["x-oauth-scopes"].split(",") == sorted(ALL_SCOPES)


def test_an_unknown_method_is_called_unknown() -> None:
    with SlackDouble() as slack:
        assert refused(slack, "chat.postMassage") == "unknown_method"


def test_tokens_fail_each_in_their_own_way() -> None:
    tokens = {
        "good": Token(),
        "gone": Token(state=TokenState.REVOKED),
        "asleep": Token(state=TokenState.INACTIVE),
    }
    with SlackDouble(tokens=tokens) as slack:
        assert refused(slack, "auth.test", token="gone") == "token_revoked"
        assert refused(slack, "auth.test", token="asleep") == "account_inactive"
        assert refused(slack, "auth.test", token="made-up") == "invalid_auth"
        with pytest.raises(SlackApiError) as failure:
            web_client(slack.base_url, "").auth_test()
        assert failure.value.response["error"] == "not_authed"


@pytest.mark.parametrize(
    ("method", "channel", "needed"),
    [
        ("chat.postMessage", "C1", "chat:write"),
        ("conversations.history", "C1", "channels:history"),
        ("conversations.history", "G1", "groups:history"),
        ("conversations.info", "C1", "channels:read"),
        ("conversations.list", "C1", "channels:read"),
        ("conversations.join", "C1", "channels:join"),
    ],
)
def test_a_missing_scope_is_named(method: str, channel: str, needed: str) -> None:
    tokens = {"poor": Token(scopes=ALL_SCOPES - {needed})}
    with SlackDouble(tokens=tokens, channels=["C1", Channel("G1", is_private=True)]) as slack:
        with pytest.raises(SlackApiError) as failure:
            web_client(slack.base_url, "poor").api_call(method, params={"channel": channel})
        assert failure.value.response["error"] == "missing_scope"
        assert failure.value.response["needed"] == needed
        assert needed not in failure.value.response["provided"].split(",")


def test_channels_refuse_by_their_standing() -> None:
    channels = [
        Channel("C1", is_archived=True),
        Channel("C2", is_member=False),
        Channel("G1", is_member=False, is_private=True),
    ]
    with SlackDouble(channels=channels) as slack:
        assert refused(slack, text="Due") == "is_archived"
        assert refused(slack, channel="C2", text="Due") == "not_in_channel"
        assert refused(slack, channel="G1", text="Due") == "channel_not_found"
        assert refused(slack, channel="C404", text="Due") == "channel_not_found"
        assert slack.count_by_marker() == {}


def test_joining_lets_the_app_in_and_a_new_name_changes_nothing() -> None:
    with SlackDouble(channels=[Channel("C1", "acme", is_member=False)]) as slack:
        client = web_client(slack.base_url)
        client.conversations_join(channel="C1")
        slack.workspace.put_channel(Channel("C1", "acme-launch"))
        assert client.conversations_info(channel="C1")["channel"]["name"] == "acme-launch"
        assert client.chat_postMessage(channel="C1", text="Due")["ok"]
        assert refused(slack, channel="acme", text="Due") == "channel_not_found"


def test_one_message_per_second_and_channel() -> None:
    now = [NOON]
    with SlackDouble(clock=lambda: now[0], channels=["C1", "C2"]) as slack:
        client = web_client(slack.base_url)
        client.chat_postMessage(channel="C1", text="First")
        client.chat_postMessage(channel="C2", text="Another channel")
        assert slack.pacing_violations == 0
        now[0] += 0.9
        with pytest.raises(SlackApiError) as failure:
            client.chat_postMessage(channel="C1", text="Too soon")
        assert failure.value.response.status_code == 429
        assert failure.value.response.headers["Retry-After"] == "1"
        assert slack.pacing_violations == 1
        now[0] += 0.1
        client.chat_postMessage(channel="C1", text="Second")
        assert [message["text"] for message in slack.messages("C1")] == ["First", "Second"]


def test_a_ts_is_unique_even_while_the_clock_stands_still() -> None:
    with SlackDouble(clock=lambda: NOON, pace_seconds=0) as slack:
        client = web_client(slack.base_url)
        stamps = [client.chat_postMessage(channel="C1", text="Due")["ts"] for _ in range(3)]
        assert stamps == ["1700000000.000000", "1700000000.000001", "1700000000.000002"]


@pytest.mark.parametrize(
    ("content", "error"),
    [
        pytest.param({}, "no_text", id="nothing to say"),
        pytest.param({"text": "x" * 40_001}, "msg_too_long", id="text"),
        pytest.param({"blocks": "[{"}, "invalid_blocks_format", id="blocks that are no JSON"),
        pytest.param({"blocks": {"type": "divider"}}, "invalid_blocks_format", id="blocks that are no list"),
        pytest.param({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks", id="51 blocks"),
        pytest.param({"blocks": [{"type": "carousel"}]}, "invalid_blocks", id="an unknown block"),
        pytest.param({"blocks": [section("x" * 3_001)]}, "invalid_blocks", id="section text"),
        pytest.param({"blocks": [section("")]}, "invalid_blocks", id="empty section text"),
        pytest.param({"blocks": [{"type": "section"}]}, "invalid_blocks", id="an empty section"),
        pytest.param({"blocks": [section(fields=[mrkdwn("x")] * 11)]}, "invalid_blocks", id="11 fields"),
        pytest.param({"blocks": [section(fields=[mrkdwn("x" * 2_001)])]}, "invalid_blocks", id="field text"),
        pytest.param({"blocks": [actions(*[button()] * 26)]}, "invalid_blocks", id="26 buttons"),
        pytest.param({"blocks": [actions()]}, "invalid_blocks", id="no buttons"),
        pytest.param({"blocks": [actions(button("x" * 76))]}, "invalid_blocks", id="button text"),
        pytest.param({"blocks": [actions(button(action_id="x" * 256))]}, "invalid_blocks", id="action_id"),
        pytest.param({"blocks": [actions(button(action_id="a"), button(action_id="a"))]}, "invalid_blocks", id="same action_id"),
        pytest.param({"blocks": [section(block_id="x" * 256)]}, "invalid_blocks", id="block_id"),
        pytest.param({"blocks": [section(block_id="x"), section(block_id="x")]}, "invalid_blocks", id="same block_id"),
        pytest.param(
            {"blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
            id="header text",
        ),
        pytest.param({"blocks": [{"type": "header", "text": mrkdwn("x")}]}, "invalid_blocks", id="styled header"),
        pytest.param({"blocks": [section("x" * 2_641)] * 5}, "msg_blocks_too_long", id="13,205 characters of blocks"),
        pytest.param({"text": "Due", "metadata": "{"}, "invalid_metadata_format", id="metadata that is no JSON"),
        pytest.param({"text": "Due", "metadata": {"event_type": "x"}}, "invalid_metadata_format", id="no payload"),
        pytest.param(
            {"text": "Due", "metadata": {"event_type": "x", "event_payload": {"id": "x" * 8_000}}},
            "metadata_too_large",
            id="metadata size",
        ),
        pytest.param({"text": "Due", "thread_ts": "1.000000"}, "thread_not_found", id="an unknown thread"),
    ],
)
def test_content_beyond_a_limit_is_refused(content: dict[str, Any], error: str) -> None:
    with SlackDouble() as slack:
        assert refused(slack, **content) == error
        assert slack.messages("C1") == []


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"text": "x" * 40_000}, id="text"),
        pytest.param({"blocks": [{"type": "divider"}] * 50}, id="50 blocks"),
        pytest.param({"blocks": [section("x" * 3_000, block_id="x" * 255)]}, id="section"),
        pytest.param({"blocks": [section(fields=[mrkdwn("x" * 1_000)] * 10)]}, id="fields"),
        pytest.param({"blocks": [actions(*[button("x" * 75)] * 25)]}, id="buttons"),
        pytest.param({"blocks": [section("x" * 2_640)] * 5}, id="13,200 characters of blocks"),
    ],
)
def test_content_at_a_limit_is_accepted(content: dict[str, Any]) -> None:
    with SlackDouble() as slack:
        assert web_client(slack.base_url).api_call("chat.postMessage", json={"channel": "C1", **content})["ok"]


def test_an_invalid_block_is_pointed_at() -> None:
    with SlackDouble() as slack:
        with pytest.raises(SlackApiError) as failure:
            web_client(slack.base_url).chat_postMessage(channel="C1", text="Due", blocks=[section(), section("x" * 3_001)])
        assert failure.value.response["errors"] == ["must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]


def test_a_reply_needs_a_parent_that_is_no_reply_itself() -> None:
    with SlackDouble(pace_seconds=0) as slack:
        client = web_client(slack.base_url)
        parent = client.chat_postMessage(channel="C1", text="Round one")["ts"]
        reply = client.chat_postMessage(channel="C1", text="Remember", thread_ts=parent)["ts"]
        assert refused(slack, text="Deeper", thread_ts=reply) == "cannot_reply_to_message"
        assert slack.messages("C1")[0]["reply_count"] == 1


def test_an_edit_changes_the_message_and_not_the_count() -> None:
    with SlackDouble() as slack:
        client = web_client(slack.base_url)
        ts = client.chat_postMessage(channel="C1", text="Due", blocks=[section(block_id="tracker:n1:v1")])["ts"]
        client.chat_update(channel="C1", ts=ts, text="Signed off", blocks=[section("Done")])
        (message,) = slack.messages("C1")
        assert message["text"] == "Signed off"
        assert message["blocks"][0]["text"]["text"] == "Done"
        assert message["edited"]
        assert slack.count_by_marker() == {"n1": 1}


def test_only_our_own_messages_can_be_edited() -> None:
    with SlackDouble() as slack:
        theirs = slack.workspace.say("C1", "Hello")
        assert refused(slack, "chat.update", ts=theirs, text="x") == "cant_update_message"
        assert refused(slack, "chat.update", ts="1.000000", text="x") == "message_not_found"
        slack.workspace.put_channel(Channel("C1", is_archived=True))
        assert refused(slack, "chat.update", ts=theirs, text="x") == "is_inactive"


@pytest.mark.parametrize(
    ("blocks", "metadata", "markers"),
    [
        (None, None, set()),
        ("junk", ["junk"], set()),
        ([{"block_id": "tracker:n1"}], None, {"n1"}),
        ([{"block_id": "tracker:n1:v2"}], None, {"n1"}),
        ([{}, {"block_id": "tracker:n1"}], None, set()),
        (None, {"event_type": "tracker_notice", "event_payload": {"id": "n1"}}, {"n1"}),
        (None, {"event_type": "other", "event_payload": {"id": "n1"}}, set()),
        ([{"block_id": "tracker:n1"}], {"event_type": "tracker_notice", "event_payload": {"id": "n2"}}, {"n1", "n2"}),
    ],
)
def test_either_marker_identifies_a_notice(blocks: Any, metadata: Any, markers: set[str]) -> None:
    assert markers_of(blocks, metadata) == markers
