"""The double seen from another process, and the page it shows to people."""

import threading
import urllib.request
from http.client import RemoteDisconnected

import pytest
from slack_sdk.errors import SlackApiError

from tests.slack_double.client import ControlError, SlackControl, slack_process
from tests.slack_double.faults import FaultKind
from tests.slack_double.page import mrkdwn
from tests.slack_double.sdk import web_client
from tests.slack_double.server import SlackDouble


def test_a_double_runs_in_a_process_of_its_own() -> None:
    with slack_process("--channel", "C1=acme", "--token", "xoxb-mine", "--seed", "5") as slack:
        client = web_client(slack.base_url, "xoxb-mine")
        slack.push(FaultKind.ACCEPT_FATAL_ERROR)
        with pytest.raises(SlackApiError):
            client.chat_postMessage(channel="C1", text="Due", blocks=[{"type": "divider", "block_id": "tracker:n1"}])
        assert slack.count_by_marker() == {"n1": 1}
        state = slack.state()
        assert state["channels"][0]["name"] == "acme"
        assert state["messages"]["C1"][0]["text"] == "Due"
        assert state["log"]["by_fault"] == {"accept_fatal_error": 1}
        (entry,) = slack.log()
        assert entry["accepted"]


def test_everything_about_the_workspace_can_be_changed_from_outside() -> None:
    with SlackDouble() as slack:
        control = SlackControl(slack.base_url)
        client = web_client(slack.base_url)
        control.change_settings(pace_seconds=0, lag_seconds=60)
        control.put_channel("C2", name="acme", is_private=True)
        control.put_channel("C2", name="acme-launch")
        control.say("C2", "Hello")
        assert client.conversations_info(channel="C2")["channel"]["previous_names"] == ["acme"]
        assert client.conversations_info(channel="C2")["channel"]["is_private"]
        assert client.conversations_history(channel="C2")["messages"] == []
        control.put_channel("C1", is_archived=True)
        with pytest.raises(SlackApiError, match="is_archived"):
            client.chat_postMessage(channel="C1", text="Due")
        control.remove_channel("C2")
        with pytest.raises(SlackApiError, match="channel_not_found"):
            client.chat_postMessage(channel="C2", text="Due")
        control.put_token(slack.token, state="token_revoked")
        with pytest.raises(SlackApiError, match="token_revoked"):
            client.auth_test()
        control.reset()
        assert client.chat_postMessage(channel="C1", text="Due")["ok"]
        assert [entry["number"] for entry in control.log()] == [1]


def test_a_schedule_can_be_changed_from_outside() -> None:
    with SlackDouble() as slack:
        SlackControl(slack.base_url).change_schedule(rate=1.0, kinds=["internal_error"])
        with pytest.raises(SlackApiError, match="internal_error"):
            web_client(slack.base_url).auth_test()


def test_waiting_ends_when_nothing_is_held_back_any_more() -> None:
    with SlackDouble() as slack:
        control = SlackControl(slack.base_url)
        control.push(FaultKind.ACCEPT_LATE, delay=0.1)
        client = web_client(slack.base_url)
        client.timeout = 0.05  # type: ignore[assignment]
        with pytest.raises(TimeoutError):
            client.chat_postMessage(channel="C1", text="Due", blocks=[{"type": "divider", "block_id": "tracker:n1"}])
        control.wait_until_settled()
        assert control.count_by_marker() == {"n1": 1}


def test_a_mistake_in_a_test_is_told() -> None:
    with SlackDouble() as slack:
        control = SlackControl(slack.base_url)
        with pytest.raises(ControlError, match="acccept"):
            control.push("acccept_reset")
        with pytest.raises(ControlError, match="lag_minutes"):
            control.change_settings(lag_minutes=1)
        with pytest.raises(ControlError, match="is_archive"):
            control.put_channel("C1", is_archive=True)


def test_nothing_is_left_running() -> None:
    before = threading.active_count()
    with SlackDouble() as slack:
        assert web_client(slack.base_url).auth_test()["ok"]
    assert threading.active_count() == before
    with SlackDouble(port=slack.port) as again:
        assert again.port == slack.port


def test_a_judge_that_broke_down_fails_the_test() -> None:
    def stopped() -> float:
        raise RuntimeError("The clock stopped.")

    def judge() -> None:
        with SlackDouble(clock=stopped) as slack:
            web_client(slack.base_url).auth_test()

    def judge_alone() -> None:
        with SlackDouble(clock=stopped) as slack, pytest.raises(RemoteDisconnected):
            web_client(slack.base_url).auth_test()

    with pytest.raises(RemoteDisconnected):
        judge()
    with pytest.raises(RuntimeError, match="The clock stopped"):
        judge_alone()


def test_the_page_shows_headline_fields_and_buttons_and_escapes_what_people_wrote() -> None:
    with SlackDouble() as slack:
        web_client(slack.base_url).chat_postMessage(
            channel="C1",
            text="fallback",
            blocks=[
                {"type": "header", "text": {"type": "plain_text", "text": "Launch <script>alert(1)</script>"}},
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": "*Acme &lt;b&gt;* is due"},
                    "fields": [{"type": "mrkdwn", "text": "*Stage*\nUAT"}],
                },
                {
                    "type": "actions",
                    "elements": [
                        {
                            "type": "button",
                            "text": {"type": "plain_text", "text": "Open"},
                            "url": 'https://tracker.example/?a=1&b="',
                        },
                        {"type": "button", "text": {"type": "plain_text", "text": "Bad"}, "url": "javascript:alert(1)"},
                    ],
                },
            ],
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(slack.url) as answer:
            page = answer.read().decode()
        assert "<h3>Launch &lt;script&gt;alert(1)&lt;/script&gt;</h3>" in page
        assert "<strong>Acme &lt;b&gt;</strong> is due" in page
        assert "<strong>Stage</strong><br>UAT" in page
        assert 'href="https://tracker.example/?a=1&amp;b=&quot;">Open</a>' in page
        assert '<span class="button">Bad</span>' in page
        assert "javascript:" not in page
        assert 'http-equiv="refresh"' in page


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*<https://a.example/x_y_z|site_one>*", '<strong><a href="https://a.example/x_y_z">site_one</a></strong>'),
        ("<!channel>", "<strong>[!channel]</strong>"),
        ("&lt;!channel&gt;", "&lt;!channel&gt;"),
        ("&amp;lt;", "&amp;lt;"),
        ("<!date^1700000000^{date_short}|14 Nov>", "14 Nov"),
        ("snake_case_name and 2*3*4", "snake_case_name and 2*3*4"),
        ("one\ntwo", "one<br>two"),
    ],
)
def test_slack_markup_reads_as_it_does_in_slack(text: str, html: str) -> None:
    assert mrkdwn(text) == html
