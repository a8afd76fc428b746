"""Each misfortune as the real client meets it: what the client is told, and what Slack has."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead, RemoteDisconnected
from itertools import pairwise
from threading import Thread
from typing import Any
from urllib.error import URLError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack_double.faults import OK, SCHEDULED_KINDS, Fault, FaultKind, FaultPlan, FaultSchedule
from tests.slack_double.sdk import web_client
from tests.slack_double.server import SlackDouble

SHORT = 0.5  # the SDK takes whole seconds only as a type hint; the socket is content with less


def post(client: WebClient, notice: str = "n1", channel: str = "C1") -> Any:
    return client.chat_postMessage(
        channel=channel,
        text="UAT sign-off is due",
        metadata={"event_type": "tracker_notice", "event_payload": {"id": notice}},
        blocks=[{"type": "divider", "block_id": f"tracker:{notice}"}],
    )


def impatient(slack: SlackDouble) -> WebClient:
    client = web_client(slack.base_url)
    client.timeout = SHORT  # type: ignore[assignment]
    return client


@pytest.mark.parametrize(
    ("kind", "errors", "stored"),
    [
        pytest.param(FaultKind.RESET_BEFORE, (ConnectionResetError, URLError), 0, id="reset before reading"),
        pytest.param(FaultKind.HANG_BEFORE, TimeoutError, 0, id="silence and nothing stored"),
        pytest.param(FaultKind.ACCEPT_RESET, ConnectionResetError, 1, id="stored, then reset"),
        pytest.param(FaultKind.ACCEPT_CLOSE, RemoteDisconnected, 1, id="stored, then hung up"),
        pytest.param(FaultKind.ACCEPT_HANG, TimeoutError, 1, id="stored, then silence"),
        pytest.param(FaultKind.ACCEPT_TRUNCATED, IncompleteRead, 1, id="stored, then half an answer"),
    ],
)
def test_a_broken_wire_says_nothing_about_whether_the_message_is_there(
    kind: FaultKind, errors: type[Exception] | tuple[type[Exception], ...], stored: int
) -> None:
    with SlackDouble() as slack:
        slack.push(kind)
        with pytest.raises(errors):
            post(impatient(slack))
        eventually(lambda: [record.accepted for record in slack.log()] == [bool(stored)])
        assert slack.count_by_marker().get("n1", 0) == stored
        (record,) = slack.log()
        assert (record.method, record.fault) == ("chat.postMessage", kind.value)


@pytest.mark.parametrize(
    ("fault", "status", "stored"),
    [
        pytest.param(Fault(FaultKind.ERROR_BEFORE, status=500), 500, 0, id="500 before"),
        pytest.param(Fault(FaultKind.ERROR_BEFORE, status=503), 503, 0, id="503 before"),
        pytest.param(Fault(FaultKind.HTML_BEFORE, status=500), 500, 0, id="500 page before"),
        pytest.param(Fault(FaultKind.RATE_LIMITED, retry_after=7), 429, 0, id="429"),
        pytest.param(Fault(FaultKind.INTERNAL_ERROR), 200, 0, id="internal_error"),
        pytest.param(Fault(FaultKind.API_ERROR, error="restricted_action"), 200, 0, id="an error of choice"),
        pytest.param(Fault(FaultKind.ACCEPT_ERROR, status=500), 500, 1, id="stored, then 500"),
        pytest.param(Fault(FaultKind.ACCEPT_ERROR, status=503), 503, 1, id="stored, then 503"),
        pytest.param(Fault(FaultKind.ACCEPT_FATAL_ERROR), 200, 1, id="stored, then fatal_error"),
        pytest.param(Fault(FaultKind.ACCEPT_HTML), 200, 1, id="stored, then a page"),
    ],
)
def test_an_error_answer_may_lie_too(fault: Fault, status: int, stored: int) -> None:
    with SlackDouble() as slack:
        slack.push(fault)
        with pytest.raises(SlackApiError) as failure:
            post(web_client(slack.base_url))
        assert failure.value.response.status_code == status
        assert slack.count_by_marker().get("n1", 0) == stored
        assert slack.log()[0].status == status


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.INTERNAL_ERROR), "internal_error"),
        (Fault(FaultKind.API_ERROR, error="restricted_action"), "restricted_action"),
        (Fault(FaultKind.ACCEPT_FATAL_ERROR), "fatal_error"),
        (Fault(FaultKind.RATE_LIMITED), "ratelimited"),
    ],
)
def test_an_error_has_the_name_slack_gives_it(fault: Fault, error: str) -> None:
    with SlackDouble() as slack:
        slack.push(fault)
        with pytest.raises(SlackApiError) as failure:
            post(web_client(slack.base_url))
        assert failure.value.response["error"] == error


def test_a_429_says_when_to_come_back_and_coming_sooner_is_noted() -> None:
    now = [1_700_000_000.0]
    with SlackDouble(clock=lambda: now[0], channels=["C1", "C2"]) as slack:
        client = web_client(slack.base_url)
        slack.push(Fault(FaultKind.RATE_LIMITED, retry_after=7), channel="C1")
        with pytest.raises(SlackApiError) as failure:
            post(client)
        assert failure.value.response.headers["Retry-After"] == "7"
        now[0] += 6
        with pytest.raises(SlackApiError):
            post(client)
        post(client, "n2", channel="C2")
        now[0] += 1
        post(client)
        (violation,) = slack.violations()
        assert (violation.kind, violation.channel, violation.early_by) == ("early_retry", "C1", 1.0)
        assert slack.pacing_violations == 0


def test_a_message_may_arrive_while_the_client_still_waits() -> None:
    now = [1_700_000_000.0]
    with SlackDouble(clock=lambda: now[0]) as slack:
        slack.push(Fault(FaultKind.ACCEPT_LATE, delay=5.0))
        with pytest.raises(TimeoutError):
            post(impatient(slack))
        eventually(lambda: slack.workspace.pending() == 1)
        now[0] += 4.9
        assert slack.count_by_marker() == {}
        assert slack.workspace.pending() == 1
        now[0] += 60
        assert slack.count_by_marker() == {"n1": 1}
        assert slack.workspace.pending() == 0
        assert slack.messages("C1")[0]["ts"] == "1700000005.000000"
        assert slack.log()[0].accepted


def test_a_message_may_arrive_after_the_client_gave_up() -> None:
    now = [1_700_000_000.0]
    with SlackDouble(clock=lambda: now[0]) as slack:
        slack.push(Fault(FaultKind.ACCEPT_LATE_AFTER_HANGUP, delay=5.0))
        with pytest.raises(TimeoutError):
            post(impatient(slack))
        eventually(lambda: slack.workspace.pending() == 1)
        assert slack.count_by_marker() == {}

        def is_counted_later() -> bool:
            now[0] += 5  # the five seconds begin when the double notices that the client has left
            return slack.count_by_marker() == {"n1": 1}

        eventually(is_counted_later)


def test_what_would_be_refused_is_not_accepted_late_either() -> None:
    with SlackDouble() as slack:
        slack.push(Fault(FaultKind.ACCEPT_LATE_AFTER_HANGUP, delay=0.0), channel="C9")
        with pytest.raises(TimeoutError):
            post(impatient(slack), channel="C9")
        assert slack.workspace.pending() == 0
        assert slack.count_by_marker() == {}


def test_a_dripped_answer_outlasts_the_timeout_because_that_is_per_read() -> None:
    with SlackDouble() as slack:
        slack.push(Fault(FaultKind.ACCEPT_DRIP, delay=0.1))
        began = time.monotonic()
        assert post(impatient(slack))["ok"]
        assert time.monotonic() - began > SHORT


def test_the_sdks_own_retries_tell_twice() -> None:
    """The negative control: the judge convicts the client that we do not use."""
    with SlackDouble(pace_seconds=0) as slack:
        client = WebClient(token=slack.token, base_url=slack.base_url)
        client.proxy = None
        slack.push(FaultKind.ACCEPT_RESET)
        post(client)
        assert slack.count_by_marker() == {"n1": 2}


@pytest.mark.parametrize("method", ["auth.test", "conversations.history", "chat.update"])
def test_every_method_can_fail(method: str) -> None:
    with SlackDouble() as slack:
        client = web_client(slack.base_url)
        ts = post(client)["ts"]
        slack.push(FaultKind.ACCEPT_RESET, method=method)
        with pytest.raises(ConnectionResetError):
            client.api_call(method, params={"channel": "C1", "ts": ts, "text": "Changed"})
        eventually(lambda: slack.log(method)[0].accepted)


def test_a_pushed_fault_waits_for_its_method_and_channel_and_then_is_spent() -> None:
    with SlackDouble(channels=["C1", "C2"], pace_seconds=0) as slack:
        client = web_client(slack.base_url)
        slack.push(FaultKind.ACCEPT_FATAL_ERROR, method="chat.postMessage", channel="C2", times=2)
        post(client, "n1", "C1")
        client.conversations_info(channel="C2")
        for _ in range(2):
            with pytest.raises(SlackApiError):
                post(client, "n2", "C2")
        post(client, "n3", "C2")
        assert [record.fault for record in slack.log()] == ["ok", "ok", *["accept_fatal_error"] * 2, "ok"]


def test_a_hanging_client_does_not_keep_the_double_from_stopping() -> None:
    with SlackDouble() as slack:
        slack.push(FaultKind.ACCEPT_HANG)
        hanging = web_client(slack.base_url)
        seen: list[BaseException] = []

        def wait() -> None:
            try:
                post(hanging)
            except (OSError, RemoteDisconnected) as gone:
                seen.append(gone)

        thread = Thread(target=wait)
        thread.start()
        eventually(lambda: bool(slack.log()))
    thread.join(1)
    assert not thread.is_alive()
    assert seen


def test_a_seed_decides_which_requests_fail_and_how() -> None:
    schedule = FaultSchedule(seed=7, rate=0.5)
    faults = [schedule.fault(number, "chat.postMessage") for number in range(1, 400)]
    assert faults == [FaultSchedule(seed=7, rate=0.5).fault(number, "any") for number in range(1, 400)]
    assert faults != [FaultSchedule(seed=8, rate=0.5).fault(number, "any") for number in range(1, 400)]
    assert {fault.kind for fault in faults} == {FaultKind.OK, *SCHEDULED_KINDS}
    assert {fault.status for fault in faults if fault.kind is FaultKind.ACCEPT_ERROR} == {500, 503}
    assert 150 < sum(fault.kind is not FaultKind.OK for fault in faults) < 250


def test_a_pushed_fault_leaves_the_schedule_of_other_requests_alone() -> None:
    schedule = FaultSchedule(seed=7, rate=0.5)
    plan = FaultPlan(schedule)
    plan.push(OK)
    taken = [plan.take(plan.next_number(), "chat.postMessage", "C1") for _ in range(20)]
    assert taken == [OK, *(schedule.fault(number, "chat.postMessage") for number in range(2, 21))]


def test_a_schedule_may_be_limited_to_methods_and_kinds() -> None:
    schedule = FaultSchedule(rate=1.0, kinds=(FaultKind.ACCEPT_RESET,), methods={"chat.postMessage"})
    assert schedule.fault(1, "chat.postMessage").kind is FaultKind.ACCEPT_RESET
    assert schedule.fault(1, "auth.test") == OK


def test_a_method_may_fail_more_often_than_the_others_and_a_429_asks_for_any_number_of_seconds() -> None:
    schedule = FaultSchedule(kinds=(FaultKind.RATE_LIMITED,), rates={"chat.update": 1.0}, retry_after=2, retry_after_most=4)
    assert schedule.fault(1, "chat.postMessage") == OK
    assert {schedule.fault(number, "chat.update").retry_after for number in range(50)} == {2, 3, 4}


def test_what_people_do_meanwhile_stays_done() -> None:
    with SlackDouble(pace_seconds=0, channels=["C1", "C2", "C3"]) as slack:
        client = web_client(slack.base_url)
        slack.push(FaultKind.CHANNEL_ARCHIVED, channel="C1")
        slack.push(FaultKind.ACCEPT_ARCHIVED, channel="C2")
        slack.push(FaultKind.ACCEPT_DELETED, channel="C3")
        for _ in range(2):
            with pytest.raises(SlackApiError, match="is_archived"):
                post(client, "n1", "C1")
        with pytest.raises(ConnectionResetError):
            post(client, "n2", "C2")
        assert len(client.conversations_history(channel="C2")["messages"]) == 1
        with pytest.raises(ConnectionResetError):
            post(client, "n3", "C3")
        assert client.conversations_history(channel="C3")["messages"] == []
        assert slack.count_by_marker() == {"n2": 1, "n3": 1}
        slack.push(FaultKind.TOKEN_REVOKED)
        for _ in range(2):
            with pytest.raises(SlackApiError, match="token_revoked"):
                post(client, "n4", "C3")


def test_the_same_seed_gives_the_same_storm_over_the_wire() -> None:
    def storm(seed: int) -> list[tuple[str, bool]]:
        quick = [kind for kind in SCHEDULED_KINDS if "hang" not in kind and "late" not in kind]
        with SlackDouble(seed=seed, fault_rate=0.5, fault_kinds=quick, fault_delay=0.001, retry_after=0, pace_seconds=0) as slack:
            client = web_client(slack.base_url)
            for number in range(30):
                try:
                    post(client, f"n{number}")
                except (OSError, IncompleteRead, SlackApiError):
                    continue
            assert set(slack.count_by_marker().values()) == {1}
            return [(record.fault, record.accepted) for record in slack.log()]

    assert storm(3) == storm(3)
    assert storm(3) != storm(4)


def test_many_clients_at_once_are_counted_one_by_one() -> None:
    with SlackDouble(pace_seconds=0) as slack:

        def work(worker: int) -> None:
            client = web_client(slack.base_url)
            for number in range(10):
                post(client, f"n{worker}-{number}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        counts = slack.count_by_marker()
        assert len(counts) == 80
        assert set(counts.values()) == {1}
        stamps = [message["ts"] for message in slack.messages("C1")]
        assert all(earlier < later for earlier, later in pairwise(stamps))
        assert sorted(record.number for record in slack.log()) == list(range(1, 81))


def eventually(condition: Callable[[], bool], seconds: float = 2.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
