"""The Web API methods: each checks a request as Slack would and returns what accepting it does.

Checking and doing are apart because a hostile Slack may do it later than it was asked, or say nothing about it.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from tests.slack_double.answers import JsonObject, Refusal
from tests.slack_double.limits import check_content
from tests.slack_double.workspace import (
    BOT_ID,
    BOT_USER,
    BOT_USER_ID,
    SECOND,
    TEAM,
    TEAM_ID,
    Channel,
    Effect,
    Message,
    Token,
    TokenState,
    Workspace,
)

T = TypeVar("T")

MAX_ATTACHMENTS = 100
MAX_NAME = 80
NAME = re.compile(r"[a-z0-9_-]+")
END_OF_TIME = 10**18


@dataclass(frozen=True)
class Call:
    """One request to the Web API. `arrived` is microseconds; arguments are text (a form) or JSON values."""

    method: str
    args: JsonObject
    token: str | None
    arrived: int

    @property
    def channel(self) -> str | None:
        value = self.args.get("channel")
        return value if isinstance(value, str) else None

    def text(self, name: str) -> str:
        value = self.args.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"1", "true"}

    def parsed(self, name: str, error: str) -> Any:
        """A structured argument: JSON itself, or JSON written into a form field or into a JSON string."""
        value = self.args.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except json.JSONDecodeError as cause:
            raise Refusal(error) from cause

    def objects(self, name: str, error: str) -> list[JsonObject] | None:
        value = self.parsed(name, error)
        if value is None or (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            return value
        raise Refusal(error)

    def object(self, name: str, error: str) -> JsonObject | None:
        value = self.parsed(name, error)
        if value is None or isinstance(value, dict):
            return value
        raise Refusal(error)


def prepare(workspace: Workspace, call: Call) -> Effect:
    """Check a call; return what accepting it does. Raises Refusal. Call it with the workspace's lock held."""
    method = METHODS.get(call.method)
    if method is None:
        raise Refusal("unknown_method", req_method=call.method)
    token = authenticate(workspace, call.token)
    workspace.check_hold(call.method, call.channel, call.arrived)
    return method(workspace, call, token)


def authenticate(workspace: Workspace, value: str | None) -> Token:
    if not value:
        raise Refusal("not_authed")
    token = workspace.tokens.get(value)
    if token is None:
        raise Refusal("invalid_auth")
    if token.state is not TokenState.VALID:
        raise Refusal(token.state.value)
    return token


def _require(token: Token, scope: str) -> None:
    if scope not in token.scopes:
        raise Refusal("missing_scope", needed=scope, provided=",".join(sorted(token.scopes)))


def _channel(workspace: Workspace, call: Call, token: Token, *, public: str, private: str) -> Channel:
    """Find the channel a call names and check the scope for its kind; a stranger's private channel is not there."""
    channel = workspace.channels.get(call.channel or "")
    _require(token, private if channel is not None and channel.is_private else public)
    if channel is None or (channel.is_private and not channel.is_member):
        raise Refusal("channel_not_found")
    return channel


def _auth_test(workspace: Workspace, call: Call, token: Token) -> Effect:
    return lambda _: {
        "ok": True,
        "url": "https://slack-double.example/",
        "team": TEAM,
        "team_id": TEAM_ID,
        "user": BOT_USER,
        "user_id": BOT_USER_ID,
        "bot_id": BOT_ID,
        "is_enterprise_install": False,
    }


def _post_message(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _channel(workspace, call, token, public="chat:write", private="chat:write")
    if channel.is_archived:
        raise Refusal("is_archived")
    if not channel.is_member and "chat:write.public" not in token.scopes:
        raise Refusal("not_in_channel")
    workspace.check_pace(channel, call.arrived)
    message = _content(call, Message(channel.id, call.arrived, BOT_USER_ID, ""))
    message.thread_ts = call.text("thread_ts") or None
    message.broadcast = message.thread_ts is not None and call.flag("reply_broadcast")
    if message.thread_ts is not None:
        _check_parent(channel, message.thread_ts)
    channel.accepted_at = call.arrived

    def effect(at: int) -> JsonObject:
        message.at = at
        workspace.store(message)
        shown = message.as_json(with_metadata=True)
        return {"ok": True, "channel": channel.id, "ts": message.ts, "message": shown}

    return effect


def _check_parent(channel: Channel, thread_ts: str) -> None:
    parent = channel.message(thread_ts)
    if parent is None:
        raise Refusal("thread_not_found")
    if parent.is_reply:
        raise Refusal("cannot_reply_to_message")


def _update(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _channel(workspace, call, token, public="chat:write", private="chat:write")
    if channel.is_archived:
        raise Refusal("is_inactive")
    message = channel.message(call.text("ts"))
    if message is None:
        raise Refusal("message_not_found")
    if message.user != BOT_USER_ID:
        raise Refusal("cant_update_message")
    edited = _content(call, message)

    def effect(at: int) -> JsonObject:
        message.text, message.blocks, message.attachments = edited.text, edited.blocks, edited.attachments
        message.metadata, message.edited_at = edited.metadata, at
        workspace.mark(message)
        shown = message.as_json(with_metadata=True)
        return {"ok": True, "channel": channel.id, "ts": message.ts, "text": message.text, "message": shown}

    return effect


def _content(call: Call, before: Message) -> Message:
    """The message with the content of the call; what a call leaves out stays, and an empty value removes it."""
    text = call.text("text") if call.args.get("text") is not None else before.text
    blocks = _kept(call.objects("blocks", "invalid_blocks_format"), before.blocks)
    attachments = _kept(call.objects("attachments", "invalid_attachments"), before.attachments)
    metadata = _kept(call.object("metadata", "invalid_metadata_format"), before.metadata) or None
    if len(attachments) > MAX_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    check_content(text, blocks, metadata, attachments=bool(attachments))
    return Message(before.channel, before.at, before.user, text, blocks, attachments, metadata)


def _kept(given: T | None, before: T) -> T:
    return before if given is None else given


def _readable_channel(workspace: Workspace, call: Call, token: Token) -> Channel:
    channel = _channel(workspace, call, token, public="channels:history", private="groups:history")
    if not channel.is_member:
        raise Refusal("not_in_channel")
    workspace.check_read_rate(call.method, call.arrived)
    return channel


@dataclass(frozen=True)
class _Window:
    """Which messages a reading call asks for, in microseconds, both ends included."""

    oldest: int
    latest: int
    limit: int

    @classmethod
    def of(cls, workspace: Workspace, call: Call) -> "_Window":
        # Slack leaves the ends out unless told otherwise; shifting them by a microsecond says the same.
        edge = 0 if call.flag("inclusive") else 1
        oldest = _microseconds(call.text("oldest"), "invalid_ts_oldest", default=-1) + edge
        latest = _microseconds(call.text("latest"), "invalid_ts_latest", default=END_OF_TIME) - edge
        return cls(oldest, latest, _limit(workspace, call))

    def holds(self, message: Message) -> bool:
        return self.oldest <= message.at <= self.latest


def _history(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _readable_channel(workspace, call, token)
    window = _Window.of(workspace, call)
    start = _decode_cursor(call, "next_ts", default=END_OF_TIME)

    def effect(at: int) -> JsonObject:
        shown = [m for m in _visible(workspace, channel, at) if m.in_history and window.holds(m) and m.at <= start]
        newest_first = shown[::-1]
        page, rest = newest_first[: window.limit], newest_first[window.limit :]
        return _messages_page(call, page, rest, "next_ts") | {"pin_count": 0}

    return effect


def _replies(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _readable_channel(workspace, call, token)
    window = _Window.of(workspace, call)
    start = _decode_cursor(call, "next_reply", default=0)
    ts = call.text("ts")

    def effect(at: int) -> JsonObject:
        visible = _visible(workspace, channel, at)
        asked = next((message for message in visible if message.ts == ts), None)
        if asked is None:
            # Acceptance never fails, so that what was deferred cannot either: not found is an answer here.
            return Refusal("thread_not_found").body()
        replies = [m for m in visible if m.is_reply and m.thread_ts == ts and window.holds(m) and m.at >= start]
        page, rest = replies[: window.limit], replies[window.limit :]
        # The parent opens every page and is not counted, as otherwise pages of one would never end.
        return _messages_page(call, [asked, *page], rest, "next_reply")

    return effect


def _visible(workspace: Workspace, channel: Channel, at: int) -> list[Message]:
    horizon = at - round(workspace.settings.lag_seconds * SECOND)
    return [message for message in channel.messages if message.stored_at <= horizon]


def _messages_page(call: Call, page: list[Message], rest: list[Message], cursor: str) -> JsonObject:
    with_metadata = call.flag("include_all_metadata")
    answer: JsonObject = {
        "ok": True,
        "messages": [message.as_json(with_metadata=with_metadata) for message in page],
        "has_more": bool(rest),
    }
    # Slack leaves the key out on the last page of messages, and clients have stumbled over that.
    if rest:
        answer["response_metadata"] = {"next_cursor": _encode_cursor(cursor, rest[0].at)}
    return answer


def _info(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _channel(workspace, call, token, public="channels:read", private="groups:read")
    return lambda _: {"ok": True, "channel": channel.as_json()}


def _list(workspace: Workspace, call: Call, token: Token) -> Effect:
    types = {part.strip() for part in (call.text("types") or "public_channel").split(",")}
    if not types <= {"public_channel", "private_channel", "mpim", "im"}:
        raise Refusal("invalid_types")
    if "public_channel" in types:
        _require(token, "channels:read")
    if "private_channel" in types:
        _require(token, "groups:read")
    limit = _limit(workspace, call)
    start = _decode_cursor(call, "next_channel", default=0)

    def listed(channel: Channel) -> bool:
        if channel.is_archived and call.flag("exclude_archived"):
            return False
        return channel.is_member and "private_channel" in types if channel.is_private else "public_channel" in types

    def effect(at: int) -> JsonObject:
        channels = [channel for channel in workspace.channels.values() if listed(channel)]
        end = start + limit
        cursor = _encode_cursor("next_channel", end) if end < len(channels) else ""
        return {
            "ok": True,
            "channels": [channel.as_json() for channel in channels[start:end]],
            "response_metadata": {"next_cursor": cursor},
        }

    return effect


def _join(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = workspace.channels.get(call.channel or "")
    _require(token, "channels:join")
    if channel is None:
        raise Refusal("channel_not_found")
    if channel.is_private:
        raise Refusal("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise Refusal("is_archived")

    def effect(at: int) -> JsonObject:
        warning = {"warning": "already_in_channel"} if channel.is_member else {}
        channel.is_member = True
        return {"ok": True, "channel": channel.as_json()} | warning

    return effect


def _open_view(workspace: Workspace, call: Call, _token: Token) -> Effect:
    view = call.object("view", "invalid_arguments") or {}
    shown = workspace.forms.open(call.text("trigger_id"), view, call.arrived / SECOND)
    return lambda _at: shown


def _update_view(workspace: Workspace, call: Call, _token: Token) -> Effect:
    view = call.object("view", "invalid_arguments") or {}
    shown = workspace.forms.update(call.text("view_id"), view, call.text("hash"))
    return lambda _at: shown


def _publish_view(workspace: Workspace, call: Call, _token: Token) -> Effect:
    shown = workspace.forms.publish(call.text("user_id"), call.object("view", "invalid_arguments") or {})
    return lambda _at: shown


def _members(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _channel(workspace, call, token, public="channels:read", private="groups:read")
    limit = _limit(workspace, call)
    start = _decode_cursor(call, "next_member", default=0)

    def effect(at: int) -> JsonObject:
        there = sorted(channel.members | ({BOT_USER_ID} if channel.is_member else set()))
        cursor = _encode_cursor("next_member", start + limit) if start + limit < len(there) else ""
        return {"ok": True, "members": there[start : start + limit], "response_metadata": {"next_cursor": cursor}}

    return effect


def _create(workspace: Workspace, call: Call, token: Token) -> Effect:
    private, name = call.flag("is_private"), call.text("name")
    _require(token, "groups:write" if private else "channels:manage")
    if not name:
        raise Refusal("invalid_name_required")
    if len(name) > MAX_NAME:
        raise Refusal("invalid_name_maxlength")
    if not NAME.fullmatch(name):
        raise Refusal("invalid_name_specials")
    if any(channel.name == name for channel in workspace.channels.values()):
        raise Refusal("name_taken")

    def effect(at: int) -> JsonObject:
        made = Channel(f"C0MADE{len(workspace.channels) + 1}", name, is_private=private, creator=BOT_USER_ID)
        workspace.put_channel(made)
        return {"ok": True, "channel": made.as_json()}

    return effect


def _invite(workspace: Workspace, call: Call, token: Token) -> Effect:
    channel = _channel(workspace, call, token, public="channels:manage", private="groups:write")
    if channel.is_archived:
        raise Refusal("is_archived")
    if not channel.is_member:
        raise Refusal("not_in_channel")
    users = [user for user in call.text("users").split(",") if user]
    refused = [{"user": user, "ok": False, "error": error} for user in users if (error := _uninvitable(workspace, channel, user))]
    if refused and not (call.flag("force") and len(users) > 1):
        raise Refusal(str(refused[0]["error"]), errors=refused)

    def effect(at: int) -> JsonObject:
        channel.members |= set(users) - {str(each["user"]) for each in refused}
        if refused:
            return Refusal(str(refused[0]["error"]), errors=refused).body()
        return {"ok": True, "channel": channel.as_json()}

    return effect


def _uninvitable(workspace: Workspace, channel: Channel, user: str) -> str | None:
    if user == BOT_USER_ID:
        return "cant_invite_self"
    if user in channel.members:
        return "already_in_channel"
    return None if user not in workspace.strangers else "user_not_found"


METHODS: dict[str, Callable[[Workspace, Call, Token], Effect]] = {
    "auth.test": _auth_test,
    "chat.postMessage": _post_message,
    "chat.update": _update,
    "conversations.history": _history,
    "conversations.replies": _replies,
    "conversations.info": _info,
    "conversations.list": _list,
    "conversations.join": _join,
    "views.open": _open_view,
    "views.publish": _publish_view,
    "views.update": _update_view,
    "conversations.members": _members,
    "conversations.create": _create,
    "conversations.invite": _invite,
}


def _limit(workspace: Workspace, call: Call) -> int:
    text = call.text("limit")
    try:
        limit = int(text) if text else workspace.settings.page_default
    except ValueError as cause:
        raise Refusal("invalid_limit") from cause
    if limit < 1:
        raise Refusal("invalid_limit")
    return min(limit, workspace.settings.page_max)


def _microseconds(text: str, error: str, *, default: int) -> int:
    if not text:
        return default
    try:
        return int(Decimal(text) * SECOND)
    except (InvalidOperation, ValueError, OverflowError) as cause:
        raise Refusal(error) from cause


def _encode_cursor(kind: str, value: int) -> str:
    return base64.b64encode(f"{kind}:{value}".encode()).decode()


def _decode_cursor(call: Call, kind: str, *, default: int) -> int:
    text = call.text("cursor")
    if not text:
        return default
    try:
        name, _, value = base64.b64decode(text, validate=True).decode().partition(":")
        if name == kind:
            return int(value)
    except (binascii.Error, UnicodeDecodeError, ValueError) as cause:
        raise Refusal("invalid_cursor") from cause
    raise Refusal("invalid_cursor")
