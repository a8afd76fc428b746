"""What is asked of Slack about channels. One try each; a fault is a value in plain words, never an exception."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slack_sdk.errors import SlackApiError

from tracker.domain.channel import GONE, ChannelSeen, Fault
from tracker.slack.outcome import RATE, WIRE_FAULTS
from tracker.slack.sender import OneTryClient

PAGE = 200
MAX_PAGES = 20
INVITED_AT_ONCE = 100
# Slack answers so where it does not want us to know a channel, or where it is no more.
NOT_SHOWN = ("channel_not_found", "method_not_supported_for_channel_type")
IN_ALREADY = ("already_in_channel", "cant_invite_self")
WORDS: Mapping[str, str] = {
    "name_taken": "There is a channel of that name already. Choose another name, or choose that channel.",
    "invalid_name": "Slack does not take that name.",
    "invalid_name_maxlength": "That name is too long for Slack.",
    "invalid_name_specials": "Slack takes small letters, digits, hyphens and underscores only.",
    "invalid_name_punctuation": "Slack takes small letters, digits, hyphens and underscores only.",
    "restricted_action": "This workspace does not let the app do that. An administrator of the workspace can allow it.",
    "user_is_restricted": "This workspace does not let the app do that. An administrator of the workspace can allow it.",
    "is_archived": "The channel is archived in Slack.",
    "not_in_channel": "The bot is not in that channel.",
    "channel_not_found": GONE,
    "user_not_found": "Slack does not know that account.",
    "cant_invite": "Slack does not let this account be invited, perhaps because it belongs to another company.",
    "invalid_auth": "Slack does not take the bot’s token. Check SLACK_BOT_TOKEN.",
    "not_authed": "Slack does not take the bot’s token. Check SLACK_BOT_TOKEN.",
    "account_inactive": "The app was removed from the workspace. Install it again, then set the new SLACK_BOT_TOKEN.",
    "token_revoked": "The bot’s token was revoked. Install the app again, then set the new SLACK_BOT_TOKEN.",
}


class SlackChannels:
    """Channels through slack-sdk, which repeats nothing by itself."""

    def __init__(self, token: str, api_url: str, *, timeout: float, proxy: str | None) -> None:
        self._client = OneTryClient(token=token, base_url=api_url, timeout=int(timeout) or 1, retry_handlers=[], proxy=proxy)
        self._client.proxy = proxy

    def look(self, channel: str) -> ChannelSeen | Fault:
        """How a channel is now, with who is in it. One that Slack does not show us is an answer, not a fault."""
        found = self._call("conversations.info", channel=channel)
        if isinstance(found, Fault):
            return ChannelSeen(channel, problem=GONE) if found.code in NOT_SHOWN else found
        seen = _seen(found.get("channel"))
        if seen is None:
            return NO_ANSWER
        if not seen.is_member or seen.is_archived:
            return seen
        members = self._members(channel)
        return members if isinstance(members, Fault) else _with(seen, members)

    def joined(self) -> Sequence[ChannelSeen] | Fault:
        """The channels that the bot is in, by name; those that are archived are left out."""
        found: list[ChannelSeen] = []
        asked = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": PAGE}
        for page in self._pages("conversations.list", asked):
            if isinstance(page, Fault):
                return page
            seen = [_seen(each) for each in page.get("channels") or []]
            found += [each for each in seen if each is not None and each.is_member]
        return sorted(found, key=lambda each: (each.name or "", each.channel))

    def create(self, name: str, *, private: bool) -> ChannelSeen | Fault:
        """Make a channel; the bot is in it. One of that name that the bot itself made, perhaps a moment ago, is that one."""
        made = self._call("conversations.create", name=name, is_private=private)
        if isinstance(made, Fault):
            own = self._own(name, private=private) if made.code == "name_taken" else None
            return own or made
        seen = _seen(made.get("channel"))
        return NO_ANSWER if seen is None else seen

    def invite(self, channel: str, user_ids: Sequence[str]) -> Mapping[str, Fault] | Fault:
        """Invite accounts; returns those that were not, with why. Who is there already is no fault."""
        if not user_ids:
            return {}
        asked = {"channel": channel, "users": ",".join(user_ids[:INVITED_AT_ONCE]), "force": True}
        try:
            self._client.api_call("conversations.invite", json=asked)
        except SlackApiError as error:
            data = error.response.data if isinstance(error.response.data, dict) else {}
            refused = {
                str(each.get("user")): str(each.get("error")) for each in data.get("errors") or [] if isinstance(each, dict)
            }
            if not refused and data.get("error") in IN_ALREADY:
                return {}
            if not refused:
                return _fault_of(error)
            return {user: _say(code) for user, code in refused.items() if code not in IN_ALREADY and user in user_ids}
        except WIRE_FAULTS as error:
            return _unreached(error)
        return {}

    def _own(self, name: str, *, private: bool) -> ChannelSeen | None:
        """The channel of a name, where the bot itself made it: the answer to an earlier try was lost."""
        me = self._call("auth.test")
        if isinstance(me, Fault):
            return None
        asked = {"types": "private_channel" if private else "public_channel", "exclude_archived": True, "limit": PAGE}
        for page in self._pages("conversations.list", asked):
            if isinstance(page, Fault):
                return None
            for each in page.get("channels") or []:
                if each.get("name") == name and each.get("creator") == me.get("user_id"):
                    return _seen(each)
        return None

    def _members(self, channel: str) -> frozenset[str] | Fault:
        found: set[str] = set()
        for page in self._pages("conversations.members", {"channel": channel, "limit": PAGE}):
            if isinstance(page, Fault):
                return page
            found.update(str(each) for each in page.get("members") or [])
        return frozenset(found)

    def _pages(self, method: str, asked: Mapping[str, Any]) -> Iterator[Mapping[str, Any] | Fault]:
        cursor = ""
        for _page in range(MAX_PAGES):
            answer = self._call(method, **asked, **({"cursor": cursor} if cursor else {}))
            yield answer
            if isinstance(answer, Fault):
                return
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _call(self, method: str, **asked: Any) -> Mapping[str, Any] | Fault:
        try:
            data = self._client.api_call(method, params=asked).data
        except SlackApiError as error:
            return _fault_of(error)
        except WIRE_FAULTS as error:
            return _unreached(error)
        return data if isinstance(data, dict) else NO_ANSWER


NO_ANSWER = Fault("no_answer", "Slack’s answer cannot be understood. Try again in a moment.")


def _seen(said: Any) -> ChannelSeen | None:
    """A channel as Slack describes it; None for what is no description."""
    if not isinstance(said, dict) or not isinstance(said.get("id"), str):
        return None
    name = said.get("name")
    return ChannelSeen(
        channel=said["id"],
        name=name if isinstance(name, str) else None,
        is_private=bool(said.get("is_private")),
        # Not is_shared: that is also said of channels within one company.
        is_external=bool(said.get("is_ext_shared")),
        is_archived=bool(said.get("is_archived")),
        is_member=bool(said.get("is_member")),
    )


def _with(seen: ChannelSeen, members: frozenset[str]) -> ChannelSeen:
    return ChannelSeen(
        seen.channel, seen.name, seen.is_private, seen.is_external, seen.is_archived, seen.is_member, members, seen.problem
    )


def _fault_of(error: SlackApiError) -> Fault:
    data = error.response.data if isinstance(error.response.data, dict) else {}
    code = str(data.get("error") or "")[:100]
    if getattr(error.response, "status_code", 0) == 429 or code in RATE:
        return Fault("ratelimited", "Slack asks us to wait. Try again in a minute.")
    if code == "missing_scope":
        needed = str(data.get("needed") or "").replace(",", " or ")
        return Fault(
            code, f"The app may not do that: it lacks the scope {needed or 'for it'}. Add it, then install the app again."
        )
    return _say(code) if code else NO_ANSWER


def _say(code: str) -> Fault:
    return Fault(code, WORDS.get(code, f"Slack answers: {code}."))


def _unreached(error: Exception) -> Fault:
    reason = getattr(error, "reason", error)
    return Fault("unreachable", f"Slack cannot be reached ({type(reason).__name__}). Try again in a moment.")
