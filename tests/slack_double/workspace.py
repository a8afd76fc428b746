"""The state of the stand-in workspace, and the judge: what was stored, how often, and who broke the pace.

Nothing here speaks HTTP or waits. Time comes from the injected clock and is kept in whole microseconds, the
unit of a Slack `ts`, because sums of floats would make pacing a matter of luck.
"""

import copy
import time
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from threading import RLock
from typing import Any

from tests.slack_double.answers import JsonObject, rate_limited
from tests.slack_double.forms import Forms

TEAM_ID = "T0DOUBLE"
TEAM = "Slack double"
BOT_USER_ID = "U0TRACKER"
BOT_USER = "tracker"
BOT_ID = "B0TRACKER"
APP_ID = "A0TRACKER"

TOKEN = "xoxb-double"
ALL_SCOPES = frozenset(
    {
        "chat:write", "commands", "channels:history", "groups:history", "channels:read", "groups:read", "channels:join",
        "channels:manage", "groups:write",
    }
)  # fmt: skip

NOTICE_EVENT = "tracker_notice"
NOTICE_BLOCK_PREFIX = "tracker:"

SECOND = 1_000_000
MINUTE = 60 * SECOND

Clock = Callable[[], float]
Effect = Callable[[int], JsonObject]
"""What an accepted request does: given the time of acceptance in microseconds, it returns Slack's answer."""


class TokenState(StrEnum):
    VALID = "valid"
    REVOKED = "token_revoked"
    INACTIVE = "account_inactive"


@dataclass(frozen=True)
class Token:
    scopes: frozenset[str] = ALL_SCOPES
    state: TokenState = TokenState.VALID


@dataclass
class Settings:
    """How strict and how slow this Slack is. Seconds; sizes are numbers of messages.

    `pace_seconds` is measured between arrivals at the server. A client that spaces the starts of its requests
    by exactly this much is at the mercy of the network, here as with Slack. `reads_per_minute` (None: no limit)
    is per reading method; the regime for apps distributed outside the Marketplace is 1, with pages of 15.
    """

    pace_seconds: float = 1.0
    lag_seconds: float = 0.0
    page_default: int = 100
    page_max: int = 999
    reads_per_minute: int | None = None


@dataclass
class Message:
    channel: str
    at: int
    user: str
    text: str
    blocks: list[JsonObject] = field(default_factory=list)
    attachments: list[JsonObject] = field(default_factory=list)
    metadata: JsonObject | None = None
    thread_ts: str | None = None
    broadcast: bool = False
    edited_at: int | None = None
    stored_at: int = 0  # the lag counts from here: a ts may run ahead of a clock that stands still
    reply_count: int = 0
    latest_reply: str | None = None
    markers: frozenset[str] = frozenset()

    @property
    def ts(self) -> str:
        return ts_of(self.at)

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def in_history(self) -> bool:
        return not self.is_reply or self.broadcast

    def as_json(self, *, with_metadata: bool) -> JsonObject:
        """The message as Slack shows it. Without asking for metadata a reader learns its type and no more."""
        shown: JsonObject = {"type": "message", "user": self.user, "team": TEAM_ID, "ts": self.ts, "text": self.text}
        if self.user == BOT_USER_ID:
            shown |= {"bot_id": BOT_ID, "app_id": APP_ID}
        if self.blocks:
            shown["blocks"] = copy.deepcopy(self.blocks)
        if self.attachments:
            shown["attachments"] = copy.deepcopy(self.attachments)
        if self.metadata is not None:
            shown["metadata"] = copy.deepcopy(self.metadata) if with_metadata else {"event_type": self.metadata["event_type"]}
        if self.thread_ts is not None:
            shown["thread_ts"] = self.thread_ts
        if self.reply_count:
            shown |= {"reply_count": self.reply_count, "latest_reply": self.latest_reply}
        if self.broadcast:
            shown["subtype"] = "thread_broadcast"
        if self.edited_at is not None:
            shown["edited"] = {"user": self.user, "ts": ts_of(self.edited_at)}
        return shown


@dataclass
class Channel:
    """A channel and the bot's standing in it. Slack knows it by id; its name may change."""

    id: str
    name: str = ""
    is_member: bool = True
    is_archived: bool = False
    is_private: bool = False
    is_ext_shared: bool = False
    creator: str = "U0SOMEONE"
    # People in it, besides the bot.
    members: set[str] = field(default_factory=set)
    previous_names: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    accepted_at: int | None = None  # when the last accepted post arrived: the pace is measured from here

    def __post_init__(self) -> None:
        self.name = self.name or self.id.lower()

    def as_json(self) -> JsonObject:
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "previous_names": list(self.previous_names),
            "is_channel": not self.is_private,
            "is_group": self.is_private,
            "is_private": self.is_private,
            "is_member": self.is_member,
            "is_archived": self.is_archived,
            "is_ext_shared": self.is_ext_shared,
            "is_shared": self.is_ext_shared,
            "creator": self.creator,
            "context_team_id": TEAM_ID,
        }

    def message(self, ts: str) -> Message | None:
        index = bisect_left(self.messages, _microseconds_of(ts), key=lambda message: message.at)
        found = self.messages[index : index + 1]
        return found[0] if found and found[0].ts == ts else None


@dataclass
class RequestRecord:
    """One line of the authoritative log. `status` and `error` are what the client was told, if anything."""

    number: int
    at: float
    method: str
    channel: str | None = None
    markers: tuple[str, ...] = ()
    fault: str = "ok"
    accepted: bool = False
    ts: str | None = None
    status: int | None = None
    error: str | None = None

    def as_json(self) -> JsonObject:
        return asdict(self)


class ViolationKind(StrEnum):
    PACE = "pace"
    EARLY_RETRY = "early_retry"
    READ_RATE = "read_rate"


@dataclass(frozen=True)
class Violation:
    """A request that came sooner than it may. `early_by` is seconds."""

    kind: ViolationKind
    at: float
    method: str
    channel: str | None
    early_by: float

    def as_json(self) -> JsonObject:
        return asdict(self)


@dataclass
class Pending:
    """A request that Slack will accept later: at `due`, or some time after the client hangs up (due is None)."""

    effect: Effect
    record: RequestRecord
    due: int | None


class Workspace:
    """Channels, messages, tokens and the log; safe to use from several threads."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        channels: Iterable[Channel] = (),
        tokens: Mapping[str, Token] | None = None,
        clock: Clock = time.time,
    ) -> None:
        self.lock = RLock()
        self._clock = clock
        self._first_settings = replace(settings or Settings())
        self._first_channels = [copy.deepcopy(channel) for channel in channels]
        self._first_tokens = dict(tokens) if tokens is not None else {TOKEN: Token()}
        self.reset()

    def reset(self) -> None:
        """Return to the workspace this began as: no messages, no log, the first channels, tokens and settings."""
        with self.lock:
            self.settings = replace(self._first_settings)
            self.channels = {channel.id: copy.deepcopy(channel) for channel in self._first_channels}
            self.tokens = dict(self._first_tokens)
            # Accounts that nobody can invite.
            self.strangers: set[str] = set()
            self._log: list[RequestRecord] = []
            self._violations: list[Violation] = []
            self._counts: Counter[str] = Counter()
            self._pending: list[Pending] = []
            self._holds: dict[tuple[str, str | None], int] = {}
            self._reads: dict[str, deque[int]] = {}
            self._block_number = 0
            self.forms = Forms()

    # The judge

    def count_by_marker(self) -> dict[str, int]:
        """Return how many stored messages carry each notice's marker, in metadata or in the first block's id."""
        with self.lock:
            self.catch_up()
            return dict(self._counts)

    def messages(self, channel: str) -> list[JsonObject]:
        """Return every stored message, replies included, oldest first, with metadata and regardless of lag."""
        with self.lock:
            self.catch_up()
            return [message.as_json(with_metadata=True) for message in self.channels[channel].messages]

    def all_messages(self) -> dict[str, list[JsonObject]]:
        with self.lock:
            return {channel: self.messages(channel) for channel in self.channels}

    def log(self, method: str | None = None) -> list[RequestRecord]:
        with self.lock:
            self.catch_up()
            return [replace(record) for record in self._log if method in {None, record.method}]

    def violations(self, kind: ViolationKind | None = None) -> list[Violation]:
        with self.lock:
            return [violation for violation in self._violations if kind in {None, violation.kind}]

    def pending(self) -> int:
        """How many requests will still be accepted late. Judge a storm only when this is zero."""
        with self.lock:
            self.catch_up()
            return len(self._pending)

    # The world outside: what people do in Slack

    def put_channel(self, channel: Channel) -> None:
        """Add a channel, or change its standing (archive, rename, leave); the messages in it stay."""
        with self.lock:
            known = self.channels.get(channel.id)
            if known is None:
                self.channels[channel.id] = channel
                return
            if known.name != channel.name:
                known.previous_names.append(known.name)
            known.name = channel.name
            known.is_member = channel.is_member
            known.is_archived = channel.is_archived
            known.is_private = channel.is_private
            known.is_ext_shared = channel.is_ext_shared
            known.members = channel.members

    def change_id(self, old: str, new: str) -> None:
        """Give a channel another id, as sharing it with another company does; the old one is nothing any more."""
        with self.lock:
            moved = self.channels.pop(old)
            moved.id = new
            for message in moved.messages:
                message.channel = new
            self.channels[new] = moved

    def remove_channel(self, channel: str) -> None:
        with self.lock:
            del self.channels[channel]

    def put_token(self, value: str, token: Token) -> None:
        with self.lock:
            self.tokens[value] = token

    def say(self, channel: str, text: str, *, user: str = "U0SOMEONE", thread_ts: str | None = None) -> str:
        """Let a person write something, unhindered by the limits on apps; returns its ts."""
        with self.lock:
            self.catch_up()
            message = Message(channel, self.now(), user, text, thread_ts=thread_ts)
            self.store(message)
            return message.ts

    def archive(self, channel: str) -> None:
        """Close a channel; what is in it can still be read."""
        with self.lock:
            self.channels[channel].is_archived = True

    def delete(self, channel: str, ts: str) -> None:
        """Take a message away, as whoever may does; it stays counted: it was told."""
        with self.lock:
            self.catch_up()
            known = self.channels[channel]
            known.messages = [message for message in known.messages if message.ts != ts]

    # For the Web API methods; each is called with the lock held

    def now(self) -> int:
        return round(self._clock() * SECOND)

    def store(self, message: Message) -> None:
        channel = self.channels[message.channel]
        message.stored_at = message.at
        if channel.messages:
            message.at = max(message.at, channel.messages[-1].at + 1)
        for block in message.blocks:
            if "block_id" not in block:
                self._block_number += 1
                block["block_id"] = f"b{self._block_number}"
        channel.messages.append(message)
        self.mark(message)
        parent = channel.message(message.thread_ts) if message.is_reply and message.thread_ts else None
        if parent is not None:
            parent.thread_ts = parent.ts
            parent.reply_count += 1
            parent.latest_reply = message.ts

    def mark(self, message: Message) -> None:
        """Count the markers a message carries. An edit adds markers and never takes one back: it was told."""
        found = markers_of(message.blocks, message.metadata)
        self._counts.update(found - message.markers)
        message.markers |= found

    def check_pace(self, channel: Channel, arrived: int) -> None:
        """Allow one post per channel and interval; a refused post does not move the interval."""
        if channel.accepted_at is None:
            return
        early_by = channel.accepted_at + round(self.settings.pace_seconds * SECOND) - arrived
        if early_by > 0:
            self._note(ViolationKind.PACE, arrived, "chat.postMessage", channel.id, early_by)
            raise rate_limited(_whole_seconds(early_by))

    def check_read_rate(self, method: str, arrived: int) -> None:
        """Allow so many reads within any sixty seconds; refused reads do not count."""
        limit = self.settings.reads_per_minute
        if limit is None:
            return
        recent = self._reads.setdefault(method, deque())
        while recent and recent[0] <= arrived - MINUTE:
            recent.popleft()
        if len(recent) >= limit:
            early_by = recent[-limit] + MINUTE - arrived
            self._note(ViolationKind.READ_RATE, arrived, method, None, early_by)
            raise rate_limited(_whole_seconds(early_by))
        recent.append(arrived)

    def check_hold(self, method: str, channel: str | None, arrived: int) -> None:
        """Refuse whoever was told when to come back and came sooner."""
        early_by = self._holds.get((method, channel), arrived) - arrived
        if early_by > 0:
            self._note(ViolationKind.EARLY_RETRY, arrived, method, channel, early_by)
            raise rate_limited(_whole_seconds(early_by))

    # For the server

    def hold(self, method: str, channel: str | None, retry_after: int) -> None:
        with self.lock:
            self._holds[(method, channel)] = self.now() + retry_after * SECOND

    def record(self, record: RequestRecord) -> None:
        with self.lock:
            self._log.append(record)

    def accept(self, effect: Effect, record: RequestRecord, at: int) -> JsonObject:
        with self.lock:
            answer = effect(at)
            record.accepted = True
            ts = answer.get("ts")
            record.ts = ts if isinstance(ts, str) else None
            return answer

    def defer(self, effect: Effect, record: RequestRecord, delay: float | None) -> Pending:
        """Accept in `delay` seconds, or (None) only after `client_left` has been told."""
        with self.lock:
            pending = Pending(effect, record, None if delay is None else self.now() + round(delay * SECOND))
            self._pending.append(pending)
            return pending

    def client_left(self, pending: Pending, delay: float) -> None:
        with self.lock:
            pending.due = self.now() + round(delay * SECOND)

    def catch_up(self) -> None:
        """Accept what has become due. Done before every look at the state, so that no timer has to run."""
        now = self.now()
        due = [(pending.due, pending) for pending in self._pending if pending.due is not None and pending.due <= now]
        for at, pending in sorted(due, key=lambda entry: entry[0]):
            self._pending.remove(pending)
            self.accept(pending.effect, pending.record, at)

    def _note(self, kind: ViolationKind, at: int, method: str, channel: str | None, early_by: int) -> None:
        self._violations.append(Violation(kind, at / SECOND, method, channel, early_by / SECOND))


def ts_of(at: int) -> str:
    return f"{at // SECOND}.{at % SECOND:06d}"


def _microseconds_of(ts: str) -> int:
    digits = ts.replace(".", "", 1)
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def markers_of(blocks: Any, metadata: Any) -> frozenset[str]:
    """Return the notice ids a message claims to carry: none, one, or two when its two markers disagree.

    Takes anything, because the log wants the markers of malformed requests too. A notice id holds no colon:
    what follows one in the block's id is a revision.
    """
    found: set[str] = set()
    if isinstance(metadata, dict) and metadata.get("event_type") == NOTICE_EVENT:
        payload = metadata.get("event_payload")
        if isinstance(payload, dict) and "id" in payload:
            found.add(str(payload["id"]))
    if isinstance(blocks, list) and blocks and isinstance(blocks[0], dict):
        block_id = blocks[0].get("block_id")
        if isinstance(block_id, str) and block_id.startswith(NOTICE_BLOCK_PREFIX):
            found.add(block_id.removeprefix(NOTICE_BLOCK_PREFIX).partition(":")[0])
    return frozenset(found)


def _whole_seconds(microseconds: int) -> int:
    return -(-microseconds // SECOND)
