"""What the double shows of its channels, and what it keeps from a hasty reader."""

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack_double.sdk import web_client
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import Channel

NOON = 1_700_000_000.0
METADATA = {"event_type": "tracker_notice", "event_payload": {"id": "n1"}}


def texts(answer: Any) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def fill(slack: SlackDouble, messages: int) -> list[str]:
    return [slack.workspace.say("C1", str(number)) for number in range(messages)]


def all_pages(client: WebClient, **args: Any) -> list[list[str]]:
    pages, cursor = [], None
    while True:
        answer = client.conversations_history(channel="C1", cursor=cursor, **args)
        pages.append(texts(answer))
        if not answer["has_more"]:
            return pages
        cursor = answer["response_metadata"]["next_cursor"]


def test_history_is_newest_first_and_comes_in_pages() -> None:
    with SlackDouble() as slack:
        fill(slack, 7)
        client = web_client(slack.base_url)
        assert all_pages(client, limit=3) == [["6", "5", "4"], ["3", "2", "1"], ["0"]]
        assert all_pages(client) == [["6", "5", "4", "3", "2", "1", "0"]]


def test_pages_stay_put_while_new_messages_arrive() -> None:
    with SlackDouble() as slack:
        fill(slack, 4)
        client = web_client(slack.base_url)
        first = client.conversations_history(channel="C1", limit=2)
        fill(slack, 2)
        second = client.conversations_history(channel="C1", limit=2, cursor=first["response_metadata"]["next_cursor"])
        assert texts(second) == ["1", "0"]


def test_a_distributed_app_gets_fifteen_messages_and_one_read_a_minute() -> None:
    now = [NOON]
    with SlackDouble(clock=lambda: now[0], page_default=15, page_max=15, reads_per_minute=1) as slack:
        fill(slack, 20)
        client = web_client(slack.base_url)
        first = client.conversations_history(channel="C1", limit=999)
        assert len(first["messages"]) == 15
        now[0] += 45
        with pytest.raises(SlackApiError) as failure:
            client.conversations_history(channel="C1")
        assert failure.value.response.status_code == 429
        assert failure.value.response.headers["Retry-After"] == "15"
        assert [violation.kind for violation in slack.violations()] == ["read_rate"]
        now[0] += 15
        cursor = first["response_metadata"]["next_cursor"]
        assert len(client.conversations_history(channel="C1", cursor=cursor)["messages"]) == 5


def test_no_page_is_longer_than_999() -> None:
    with SlackDouble() as slack:
        fill(slack, 1_001)
        assert len(web_client(slack.base_url).conversations_history(channel="C1", limit=5_000)["messages"]) == 999


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"oldest": 1}, ["3", "2"]),
        ({"oldest": 1, "inclusive": True}, ["3", "2", "1"]),
        ({"latest": 2}, ["1", "0"]),
        ({"latest": 2, "inclusive": True}, ["2", "1", "0"]),
        ({"oldest": 0, "latest": 3}, ["2", "1"]),
    ],
)
def test_a_window_leaves_its_ends_out_unless_told_otherwise(window: dict[str, Any], expected: list[str]) -> None:
    with SlackDouble() as slack:
        stamps = fill(slack, 4)
        asked = {name: value if name == "inclusive" else stamps[value] for name, value in window.items()}
        assert texts(web_client(slack.base_url).conversations_history(channel="C1", **asked)) == expected


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"oldest": "yesterday"}, "invalid_ts_oldest"),
        ({"latest": "soon"}, "invalid_ts_latest"),
        ({"cursor": "made up"}, "invalid_cursor"),
        ({"limit": "few"}, "invalid_limit"),
        ({"channel": "C404"}, "channel_not_found"),
        ({"channel": "C2"}, "not_in_channel"),
    ],
)
def test_an_unreadable_question_is_refused(args: dict[str, str], error: str) -> None:
    with SlackDouble(channels=["C1", Channel("C2", is_member=False)]) as slack:
        with pytest.raises(SlackApiError) as failure:
            web_client(slack.base_url).api_call("conversations.history", params={"channel": "C1"} | args)
        assert failure.value.response["error"] == error


def test_the_payload_of_metadata_is_shown_to_those_who_ask() -> None:
    with SlackDouble() as slack:
        client = web_client(slack.base_url)
        ts = client.chat_postMessage(channel="C1", text="Due", metadata=METADATA)["ts"]
        for read in (client.conversations_history, client.conversations_replies):
            where = {"channel": "C1", "ts": ts}
            assert read(**where)["messages"][0]["metadata"] == {"event_type": "tracker_notice"}
            assert read(**where, include_all_metadata=True)["messages"][0]["metadata"] == METADATA


def test_replies_are_found_in_their_thread_and_not_in_history() -> None:
    with SlackDouble(pace_seconds=0) as slack:
        client = web_client(slack.base_url)
        parent = client.chat_postMessage(channel="C1", text="Round one")["ts"]
        for text in ("first", "second", "third"):
            client.chat_postMessage(channel="C1", text=text, thread_ts=parent)
        client.chat_postMessage(channel="C1", text="to all", thread_ts=parent, reply_broadcast=True)
        assert texts(client.conversations_history(channel="C1")) == ["to all", "Round one"]
        page = client.conversations_replies(channel="C1", ts=parent, limit=2)
        assert texts(page) == ["Round one", "first", "second"]
        cursor = page["response_metadata"]["next_cursor"]
        rest = client.conversations_replies(channel="C1", ts=parent, limit=2, cursor=cursor)
        assert texts(rest) == ["Round one", "third", "to all"]
        assert not rest["has_more"]
        with pytest.raises(SlackApiError, match="thread_not_found"):
            client.conversations_replies(channel="C1", ts="1.000000")


def test_a_message_shows_only_after_the_lag_and_counts_at_once() -> None:
    now = [NOON]
    with SlackDouble(clock=lambda: now[0], lag_seconds=30) as slack:
        client = web_client(slack.base_url)
        ts = client.chat_postMessage(channel="C1", text="Due", metadata=METADATA)["ts"]
        now[0] += 29
        assert texts(client.conversations_history(channel="C1")) == []
        assert slack.count_by_marker() == {"n1": 1}
        now[0] += 1
        assert texts(client.conversations_history(channel="C1")) == ["Due"]
        assert texts(client.conversations_replies(channel="C1", ts=ts)) == ["Due"]


def test_the_list_of_channels_has_pages_and_kinds() -> None:
    channels = [
        *(Channel(f"C{number}") for number in range(3)),
        Channel("C9", is_archived=True),
        Channel("G1", is_private=True),
        Channel("G2", is_private=True, is_member=False),
    ]

    def ids(answer: Any) -> list[str]:
        return [channel["id"] for channel in answer["channels"]]

    with SlackDouble(channels=channels) as slack:
        client = web_client(slack.base_url)
        assert ids(client.conversations_list()) == ["C0", "C1", "C2", "C9"]
        assert ids(client.conversations_list(types="public_channel,private_channel", exclude_archived=True)) == [
            "C0",
            "C1",
            "C2",
            "G1",
        ]
        assert [ids(page) for page in client.conversations_list(limit=3)] == [["C0", "C1", "C2"], ["C9"]]
