"""The load generator sees every wrong answer, and the table says so."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import requests
from bench.goals import Goal
from bench.load import Client, Outcome, Target, ask, drive
from bench.table import Line, rate, ratios, row

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
REFUSED = b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
REQUEST = requests.get("/")


@contextmanager
def server(*connections: list[bytes]) -> Iterator[int]:
    """Takes one connection after the other and gives to each its answers, then closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for answers in connections:
                connection, _ = listening.accept()
                with connection:
                    for answer in answers:
                        connection.recv(1 << 16)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listening.getsockname()[1])
        thread.join()


def driven(port: int, most: int) -> Outcome:
    client = Client(Target(port, [REQUEST]), seed=1)
    outcome = drive(client, "200", seconds=60, most=most)
    client.close()
    return outcome


def test_a_wrong_status_is_counted_and_has_no_time() -> None:
    with server([OK, REFUSED, OK]) as port:
        outcome = driven(port, 3)
    assert outcome.bad == Counter({"409": 1})
    assert len(outcome.milliseconds) == 2


def test_a_connection_that_breaks_is_a_wrong_answer_and_is_opened_anew() -> None:
    with server([OK], [OK]) as port:
        outcome = driven(port, 3)
    assert outcome.bad == Counter({"ConnectionResetError": 1})
    assert len(outcome.milliseconds) == 2


def test_a_connection_that_the_server_closes_in_order_is_none() -> None:
    with server([LAST], [OK]) as port:
        outcome = driven(port, 2)
    assert not outcome.bad


@pytest.mark.parametrize("answer", [OK, CHUNKED])
def test_a_body_is_read_to_its_end(answer: bytes) -> None:
    with server([answer]) as port:
        status, body = ask(port, REQUEST)
    assert status == "200"
    assert "hello" in body


def test_percentiles_are_of_the_right_answers() -> None:
    outcome = Outcome(2.0, [float(each) for each in range(1, 101)])
    assert (outcome.percentile(0.5), outcome.percentile(0.99), outcome.per_second) == (51.0, 100.0, 50.0)
    assert Outcome(1.0).percentile(0.5) == 0.0


def test_ratios_are_taken_within_a_round() -> None:
    fast, slow = Outcome(1.0, [1.0] * 4), Outcome(1.0, [1.0] * 2)
    assert ratios([slow, fast], [slow, slow], rate) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("goal", "value", "said"),
    [
        pytest.param(Goal(0.30, 0.45, at_least=True), 0.45, "aim", id="a rate on the mark has reached it"),
        pytest.param(Goal(0.30, 0.45, at_least=True), 0.31, "meets must", id="a rate between the marks"),
        pytest.param(Goal(0.30, 0.45, at_least=True), 0.29, "misses", id="a rate below both"),
        pytest.param(Goal(4, 2.5), 2.5, "aim", id="a time on the mark has reached it"),
        pytest.param(Goal(4, 2.5), 4.1, "misses", id="a time above both"),
    ],
)
def test_a_figure_is_judged_by_its_marks(goal: Goal, value: float, said: str) -> None:
    assert goal.verdict(value) == said


def test_wrong_answers_are_said_whatever_the_figure() -> None:
    line = Line("entries", "sqlite", 8, "100", "-", "-", [0.9], Goal(0.3, 0.45, at_least=True), bad=Counter({"500": 2}))
    assert "WRONG ANSWERS: {'500': 2}" in row(line)
