"""The HTTP side of the stand-in: it answers, lies about it, answers late, or hangs up.

One thread runs one event loop, which makes the log a single sequence and lets hundreds of connections hang
without a thread each. A process that forks while this runs in it would share its sockets, and a shared socket
is not reset when one side closes it: fork first, or run this in a process of its own (`python -m tests.slack_double`).
"""

import asyncio
import contextlib
import json
import socket
import struct
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from tests.slack_double import control
from tests.slack_double.answers import JsonObject, Refusal, rate_limited
from tests.slack_double.faults import SCHEDULED_KINDS, Fault, FaultKind, FaultPlan, FaultSchedule
from tests.slack_double.methods import Call, prepare
from tests.slack_double.page import page
from tests.slack_double.workspace import (
    SECOND,
    TOKEN,
    Channel,
    Clock,
    Effect,
    Pending,
    RequestRecord,
    Settings,
    Token,
    TokenState,
    Violation,
    ViolationKind,
    Workspace,
    markers_of,
)

API = "/api/"
CONTROL = "/_control/"
ANSWERS = "/actions/"
MAX_HEAD = 64 * 1024
MAX_BODY = 4 * 1024 * 1024
BACKLOG = 512
DRIP_PIECES = 10
JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
HTML_ERROR = b"<!doctype html><html><head><title>Slack</title></head><body><h1>Something went wrong</h1></body></html>"


@dataclass(frozen=True)
class Head:
    """A request up to its body."""

    method: str
    path: str
    query: str
    headers: dict[str, str]

    @property
    def api_method(self) -> str:
        return self.path.removeprefix(API)

    @property
    def length(self) -> int:
        value = self.headers.get("content-length", "0")
        return min(int(value), MAX_BODY) if value.isdigit() else 0


@dataclass(frozen=True)
class Answer:
    status: int
    content_type: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, body: JsonObject, *, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> "Answer":
        return cls(status, JSON_TYPE, json.dumps(body).encode(), tuple(headers))

    def head(self) -> bytes:
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.content_type}",
            f"Content-Length: {len(self.body)}",
            "Connection: close",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass(frozen=True)
class Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> Head:
        raw = await self.reader.readuntil(b"\r\n\r\n")
        first, *rest = raw.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        fields = (line.partition(":") for line in rest)
        url = urlsplit(target)
        return Head(method, url.path, url.query, {name.strip().lower(): value.strip() for name, _, value in fields})

    async def body(self, head: Head) -> bytes:
        return await self.reader.readexactly(head.length)

    async def send(self, answer: Answer) -> None:
        self.writer.write(answer.head() + answer.body)
        await self.writer.drain()

    async def send_half(self, answer: Answer) -> None:
        self.writer.write(answer.head() + answer.body[: len(answer.body) // 2])
        await self.writer.drain()

    async def drip(self, answer: Answer, delay: float) -> None:
        size = max(1, len(answer.body) // DRIP_PIECES)
        self.writer.write(answer.head())
        for start in range(0, len(answer.body), size):
            await asyncio.sleep(delay)
            self.writer.write(answer.body[start : start + size])
            await self.writer.drain()

    async def until_client_leaves(self) -> None:
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(MAX_HEAD):
                pass

    async def close(self) -> None:
        self.writer.close()
        await self.writer.wait_closed()

    def reset(self) -> None:
        """Close with RST: a lingering time of zero drops the connection instead of ending it."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class SlackDouble:
    """A stand-in Slack on 127.0.0.1, to be used in a `with` block.

    `base_url` ends with `/api/`, as `slack_sdk.WebClient` wants it; `url` is the page for people. Seconds
    throughout. The clock decides timestamps, pacing, lag and late acceptance; only drips and hanging
    connections take real time.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        fault_rate: float = 0.0,
        fault_kinds: Sequence[FaultKind] = SCHEDULED_KINDS,
        fault_methods: Collection[str] | None = None,
        fault_delay: float = 0.2,
        retry_after: int = 1,
        retry_after_most: int = 0,
        fault_rates: Mapping[str, float] | None = None,
        pace_seconds: float = 1.0,
        lag_seconds: float = 0.0,
        page_default: int = 100,
        page_max: int = 999,
        reads_per_minute: int | None = None,
        channels: Iterable[str | Channel] = ("C1",),
        tokens: Mapping[str, Token] | None = None,
        clock: Clock = time.time,
        port: int = 0,
    ) -> None:
        settings = Settings(pace_seconds, lag_seconds, page_default, page_max, reads_per_minute)
        known = [Channel(channel) if isinstance(channel, str) else channel for channel in channels]
        self.workspace = Workspace(settings=settings, channels=known, tokens=tokens, clock=clock)
        schedule = FaultSchedule(seed, fault_rate, fault_kinds, fault_methods, fault_delay, retry_after, retry_after_most)
        self.faults = FaultPlan(replace(schedule, rates=dict(fault_rates or {})))
        self.token = next(iter(self.workspace.tokens), TOKEN)
        self.port = port
        self._thread: Thread | None = None
        self._failures: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
        # A judge that broke down must not let a test pass; but a test that failed already tells more.
        if self._failures and error is None:
            raise self._failures[0]

    def start(self) -> None:
        """Listen; from here on the port is known and a connection is answered."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=BACKLOG)
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        # A test that forgets to stop it must not keep the interpreter from ending.
        self._thread = Thread(target=self._run, args=(listener,), name="slack-double", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hang up on everybody and wait until every socket is closed."""
        if self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()
        self._loop.close()
        self._thread = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}{API}"

    @property
    def pacing_violations(self) -> int:
        return len(self.violations(ViolationKind.PACE))

    def count_by_marker(self) -> dict[str, int]:
        return self.workspace.count_by_marker()

    def messages(self, channel: str) -> list[JsonObject]:
        return self.workspace.messages(channel)

    def log(self, method: str | None = None) -> list[RequestRecord]:
        return self.workspace.log(method)

    def violations(self, kind: ViolationKind | None = None) -> list[Violation]:
        return self.workspace.violations(kind)

    def push(
        self,
        fault: Fault | FaultKind,
        *,
        method: str | None = None,
        channel: str | None = None,
        times: int = 1,
    ) -> None:
        """Let the next `times` requests that match meet this fault, before whatever the schedule holds."""
        self.faults.push(Fault(fault) if isinstance(fault, FaultKind) else fault, method=method, channel=channel, times=times)

    def _run(self, listener: socket.socket) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(listener))
        finally:
            asyncio.set_event_loop(None)

    async def _serve(self, listener: socket.socket) -> None:
        server = await asyncio.start_server(self._connected, sock=listener, limit=MAX_HEAD, backlog=BACKLOG)
        await self._stopping.wait()
        server.close()
        # A connection accepted a moment ago may only now become a conversation, hence the loop.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._converse(Connection(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self._failures.append(failure)

    async def _converse(self, connection: Connection) -> None:
        try:
            # Clients leave, also in the middle of a word: that is the client's affair and no failure of ours.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._answer(connection)
                await connection.close()
        finally:
            # Does nothing to a connection that was closed above, and drops one whose client left or never will.
            connection.writer.transport.abort()
            with contextlib.suppress(ConnectionError):
                await connection.writer.wait_closed()

    async def _answer(self, connection: Connection) -> None:
        head = await connection.head()
        if head.path.startswith(API):
            await self._answer_api(connection, head)
        elif head.path.startswith(CONTROL):
            body = await connection.body(head)
            status, answer = control.answer(self.workspace, self.faults, head.method, head.path.removeprefix(CONTROL), body)
            await connection.send(Answer.of(answer, status=status))
        elif head.path.startswith(ANSWERS):
            said = json.loads(await connection.body(head))
            self.workspace.forms.answers.append((head.path.removeprefix(ANSWERS), said))
            await connection.send(Answer.of({"ok": True}))
        elif head.path == "/":
            policy = ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
            await connection.send(Answer(200, HTML_TYPE, page(self.workspace).encode(), (policy,)))
        else:
            await connection.send(Answer(404, HTML_TYPE, b"<!doctype html><title>Not found</title><p>Not found.</p>"))

    async def _answer_api(self, connection: Connection, head: Head) -> None:
        number = self.faults.next_number()
        record = RequestRecord(number, self.workspace.now() / SECOND, head.api_method)
        self.workspace.record(record)
        if self.faults.pushed == 0:
            fault = self.faults.schedule.fault(number, head.api_method)
            if fault.kind is FaultKind.RESET_BEFORE:
                record.fault = fault.kind.value
                connection.reset()
                return
        body = await connection.body(head)
        await self._befall(connection, _Exchange(self.workspace, self.faults, head, body, record))

    async def _befall(self, connection: Connection, exchange: "_Exchange") -> None:
        fault = exchange.fault
        match fault.kind:
            case FaultKind.OK:
                await connection.send(exchange.accept())
            case FaultKind.RESET_BEFORE:
                connection.reset()
            case FaultKind.HANG_BEFORE:
                await connection.until_client_leaves()
            case FaultKind.ERROR_BEFORE:
                await connection.send(exchange.told("service_unavailable", status=fault.status))
            case FaultKind.HTML_BEFORE:
                await connection.send(exchange.told_html(fault.status))
            case FaultKind.RATE_LIMITED:
                await connection.send(exchange.hold())
            case FaultKind.INTERNAL_ERROR:
                await connection.send(exchange.told("internal_error"))
            case FaultKind.API_ERROR:
                await connection.send(exchange.told(fault.error))
            case FaultKind.ACCEPT_RESET:
                exchange.accept_silently()
                connection.reset()
            case FaultKind.ACCEPT_CLOSE:
                exchange.accept_silently()
            case FaultKind.ACCEPT_HANG:
                exchange.accept_silently()
                await connection.until_client_leaves()
            case FaultKind.ACCEPT_LATE:
                exchange.accept_later(after_hangup=False)
                await connection.until_client_leaves()
            case FaultKind.ACCEPT_LATE_AFTER_HANGUP:
                exchange.accept_later(after_hangup=True)
                await connection.until_client_leaves()
                exchange.client_left()
            case FaultKind.ACCEPT_ERROR:
                exchange.accept_silently()
                await connection.send(exchange.told("internal_error", status=fault.status))
            case FaultKind.ACCEPT_FATAL_ERROR:
                exchange.accept_silently()
                await connection.send(exchange.told("fatal_error"))
            case FaultKind.ACCEPT_TRUNCATED:
                await connection.send_half(exchange.accept())
            case FaultKind.ACCEPT_HTML:
                exchange.accept_silently()
                await connection.send(exchange.told_html(200))
            case FaultKind.ACCEPT_DRIP:
                await connection.drip(exchange.accept(), fault.delay)
            case FaultKind.CHANNEL_ARCHIVED:
                exchange.archive()
                await connection.send(exchange.accept())
            case FaultKind.TOKEN_REVOKED:
                exchange.revoke()
                await connection.send(exchange.accept())
            case FaultKind.ACCEPT_ARCHIVED:
                exchange.accept_silently()
                exchange.archive()
                connection.reset()
            case FaultKind.ACCEPT_DELETED:
                exchange.accept_silently()
                exchange.delete()
                connection.reset()


class _Exchange:
    """One request to the Web API: what Slack makes of it, and what it tells the client."""

    def __init__(self, workspace: Workspace, faults: FaultPlan, head: Head, body: bytes, record: RequestRecord) -> None:
        self._workspace = workspace
        self._head = head
        self._record = record
        self._refusal: Refusal | None = None
        try:
            args = _arguments(head, body)
        except Refusal as refusal:
            args, self._refusal = {}, refusal
        token = head.headers.get("authorization", "").removeprefix("Bearer ").strip() or args.get("token")
        self._call = Call(head.api_method, args, token, workspace.now())
        self._pending: Pending | None = None
        record.channel = self._call.channel
        record.markers = _markers(self._call)
        self.fault = faults.take(record.number, self._call.method, self._call.channel)
        record.fault = self.fault.kind.value

    def accept(self) -> Answer:
        """Do as asked and say so, or refuse."""
        with self._workspace.lock:
            self._workspace.catch_up()
            effect = self._checked()
            if effect is None:
                return self._refused()
            answer = self._workspace.accept(effect, self._record, self._call.arrived)
            self._record.status = 200
            self._record.error = answer.get("error")
        return Answer.of(answer, headers=self._scopes())

    def accept_silently(self) -> None:
        self.accept()
        self._record.status = self._record.error = None

    def accept_later(self, *, after_hangup: bool) -> None:
        with self._workspace.lock:
            self._workspace.catch_up()
            effect = self._checked()
            if effect is not None:
                delay = None if after_hangup else self.fault.delay
                self._pending = self._workspace.defer(effect, self._record, delay)

    def client_left(self) -> None:
        if self._pending is not None:
            self._workspace.client_left(self._pending, self.fault.delay)

    def archive(self) -> None:
        """Somebody archives the channel."""
        if self._call.channel in self._workspace.channels:
            self._workspace.archive(self._call.channel)

    def revoke(self) -> None:
        """Somebody takes the token back."""
        if self._call.token is not None:
            self._workspace.put_token(self._call.token, Token(state=TokenState.REVOKED))

    def delete(self) -> None:
        """Somebody deletes the message that has just come."""
        if self._call.channel is not None and self._record.ts is not None:
            self._workspace.delete(self._call.channel, self._record.ts)

    def told(self, error: str, *, status: int = 200) -> Answer:
        self._record.status, self._record.error = status, error
        return Answer.of({"ok": False, "error": error}, status=status)

    def told_html(self, status: int) -> Answer:
        self._record.status = status
        return Answer(status, HTML_TYPE, HTML_ERROR)

    def hold(self) -> Answer:
        self._workspace.hold(self._call.method, self._call.channel, self.fault.retry_after)
        self._refusal = rate_limited(self.fault.retry_after)
        return self._refused()

    def _checked(self) -> Effect | None:
        if self._refusal is None:
            try:
                return prepare(self._workspace, self._call)
            except Refusal as refusal:
                self._refusal = refusal
        return None

    def _refused(self) -> Answer:
        refusal = self._refusal
        assert refusal is not None
        self._record.status, self._record.error = refusal.status, refusal.error
        headers = list(self._scopes())
        if refusal.retry_after is not None:
            headers.append(("Retry-After", str(refusal.retry_after)))
        return Answer.of(refusal.body(), status=refusal.status, headers=headers)

    def _scopes(self) -> tuple[tuple[str, str], ...]:
        token = self._workspace.tokens.get(self._call.token or "")
        if token is None or token.state is not TokenState.VALID:
            return ()
        return (("x-oauth-scopes", ",".join(sorted(token.scopes))),)


def _arguments(head: Head, body: bytes) -> JsonObject:
    """The arguments of a call: from the address, and from a form or a JSON object in the body."""
    args: JsonObject = dict(parse_qsl(head.query, keep_blank_values=True))
    if not head.headers.get("content-type", "").startswith("application/json"):
        return args | dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    try:
        given = json.loads(body or b"{}")
    except ValueError as cause:
        raise Refusal("invalid_json") from cause
    if not isinstance(given, dict):
        raise Refusal("json_not_object")
    return args | given


def _markers(call: Call) -> tuple[str, ...]:
    """The markers a request carries, whatever becomes of it: the log counts attempts as well as messages."""
    parts: list[object] = []
    for name in ("blocks", "metadata"):
        try:
            parts.append(call.parsed(name, "unreadable"))
        except Refusal:
            parts.append(None)
    return tuple(sorted(markers_of(*parts)))
