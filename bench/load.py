"""The load: forked clients on kept connections, one request after the other, each timed from sending to the last byte."""

import multiprocessing
import random
import socket
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

CHUNK = 1 << 18  # bytes
PATIENCE_SECONDS = 60.0
MOST_BAD = 100  # wrong answers to one client, after which it has seen enough
WARM_UP = 3  # requests of each client that are not counted: connections are opened and statements prepared by them
_forking = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class Target:
    """Where to send which requests; any of them, in any order. `status` is the only right answer."""

    port: int
    requests: Sequence[bytes]
    status: int = 200


@dataclass
class Outcome:
    """What came of a load: milliseconds of each right answer in ascending order, and how often which status was wrong."""

    seconds: float
    milliseconds: list[float] = field(default_factory=list)
    bad: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.milliseconds) / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """The time in milliseconds within which a share of the answers came; 0 without any."""
        if not self.milliseconds:
            return 0.0
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


class Client:
    """One kept connection, opened anew where the server closes it."""

    def __init__(self, target: Target, seed: int) -> None:
        self._target = target
        self._chance = random.Random(seed)  # noqa: S311 -- to be run again, not to be secret
        self._connection: socket.socket | None = None

    def send_any(self) -> str:
        """Send one of the requests and return the status, or why there is none."""
        try:
            return self.exchange(self._chance.choice(self._target.requests))[0]
        except OSError as error:
            self.close()
            return type(error).__name__

    def exchange(self, request: bytes) -> tuple[str, list[bytes]]:
        """Send one request and return the status and the pieces of the body. Raises OSError where the connection fails."""
        connection = self._connection = self._connection or _connect(self._target.port)
        connection.sendall(request)
        data = _more(connection)
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += _more(connection)
        head = data[:end].lower()
        body = _read_rest(connection, head, data[end + 4 :])
        if b"connection: close" in head:
            self.close()
        return data[9:12].decode(), body

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(CHUNK)
    if not data:
        raise ConnectionResetError
    return data


def _read_rest(connection: socket.socket, head: bytes, body: bytes) -> list[bytes]:
    """Read the body to its end. A streamed one ends with an empty chunk, which no page of ours holds by itself."""
    pieces, (_, found, rest) = [body], head.partition(b"content-length:")
    if found:
        missing = int(rest.partition(b"\r\n")[0]) - len(body)
        while missing > 0:
            pieces.append(_more(connection))
            missing -= len(pieces[-1])
        return pieces
    tail = body[-5:]
    while tail != b"0\r\n\r\n":
        pieces.append(_more(connection))
        tail = (tail + pieces[-1])[-5:]
    return pieces


def ask(port: int, request: bytes) -> tuple[str, str]:
    """One request by itself; its status and its body."""
    client = Client(Target(port, [request]), 1)
    status, pieces = client.exchange(request)
    client.close()
    return status, b"".join(pieces).decode()


def run(target: Target, *, clients: int, seconds: float, seed: int = 1, most: int | None = None) -> Outcome:
    """Let some clients send for some seconds, or `most` requests each: in processes of their own, from one moment on."""
    barrier = _forking.Barrier(clients)
    pipes, processes = [], []
    for number in range(clients):
        receiving, sending = _forking.Pipe(duplex=False)
        client = Client(target, seed * 1000 + number)
        process = _forking.Process(target=_child, args=(client, str(target.status), seconds, most, barrier, sending), daemon=True)
        process.start()
        sending.close()
        pipes.append(receiving)
        processes.append(process)
    parts: list[Outcome] = [pipe.recv() for pipe in pipes]
    for process in processes:
        process.join()
    bad = sum((part.bad for part in parts), Counter[str]())
    return Outcome(max(part.seconds for part in parts), sorted(each for part in parts for each in part.milliseconds), bad)


def _child(client: Client, status: str, seconds: float, most: int | None, barrier: Barrier, sending: Connection) -> None:
    for _ in range(WARM_UP):
        client.send_any()
    barrier.wait()
    sending.send(drive(client, status, seconds=seconds, most=most))


def drive(client: Client, status: str, *, seconds: float, most: int | None = None) -> Outcome:
    """Send until the time is over, `most` requests were sent, or nothing but wrong answers can be expected."""
    outcome, began = Outcome(0.0), time.perf_counter()
    before, sent = began, 0
    while before - began < seconds and sent != most and outcome.bad.total() < MOST_BAD:
        answer = client.send_any()
        after = time.perf_counter()
        if answer == status:
            outcome.milliseconds.append((after - before) * 1000)
        else:
            outcome.bad[answer] += 1
        before, sent = after, sent + 1
    outcome.seconds = before - began
    outcome.milliseconds.sort()
    return outcome
