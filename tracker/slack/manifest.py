"""The app as Slack has to know it: scopes with their reasons, commands, news, addresses. `tracker slack manifest` prints it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tracker.domain.channel import BOT_NAME
from tracker.services.channel_care import EVENTS as CHANNEL_EVENTS


class Feature(StrEnum):
    """What a scope is for, in words for a person."""

    POSTING = "Posting notices"
    LOOKING_UP = "Looking up whether a message arrived, so that nothing is told twice"
    COMMANDS = "Commands, buttons and forms in Slack"
    CARE = "Seeing how channels are and who is in them"
    MAKING = "Creating channels and inviting people"


@dataclass(frozen=True)
class Scope:
    """One thing that the app may do, and why. Without a needed one notices do not go out as they should."""

    name: str
    feature: Feature
    why: str
    is_needed: bool = False


SCOPES: Sequence[Scope] = (
    Scope(
        "chat:write",
        Feature.POSTING,
        "posts notices into channels that the bot is in, and brings them up to date",
        is_needed=True,
    ),
    Scope("channels:history", Feature.LOOKING_UP, "reads a public channel back where an answer was lost", is_needed=True),
    Scope("groups:history", Feature.LOOKING_UP, "the same in private channels", is_needed=True),
    Scope("commands", Feature.COMMANDS, "/engagement, /log, /uat and /freeze"),
    Scope("channels:read", Feature.CARE, "name, members and state of public channels, and news of them"),
    Scope("groups:read", Feature.CARE, "the same of private channels that the bot is in"),
    Scope("channels:manage", Feature.MAKING, "creates public channels and invites people to them"),
    Scope("groups:write", Feature.MAKING, "the same for private channels"),
)
SCOPE_NAMES = tuple(scope.name for scope in SCOPES)
COMMANDS = (
    ("/engagement", "How it stands: status, next dates, hours left", "[status | next | hours | help]"),
    ("/log", "Log time on a site", "1h30 shop.example.com fixed redirect loop"),
    ("/uat", "Acceptance tests: where they stand, and signing", "[site]"),
    ("/freeze", "Freezes: what is frozen, and answering", "[site]"),
)
EVENTS = ("app_home_opened", "app_uninstalled", "tokens_revoked", *sorted(CHANNEL_EVENTS))


def manifest(base_url: str, *, socket_mode: bool) -> dict[str, Any]:
    """The manifest for an installation at an address. In Socket Mode Slack is called, and no address of ours is in it."""

    def at(path: str, name: str) -> dict[str, str]:
        return {} if socket_mode else {name: f"{base_url}{path}"}

    return {
        "display_information": {
            "name": BOT_NAME.capitalize(),
            "description": "Dates, freezes and hours of migrations, told once and in time.",
            "background_color": "#1f3a5f",
        },
        "features": {
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": False, "messages_tab_read_only_enabled": True},
            "bot_user": {"display_name": BOT_NAME, "always_online": True},
            "slash_commands": [
                {
                    "command": command,
                    **at("/slack/commands", "url"),
                    "description": said,
                    "usage_hint": hint,
                    "should_escape": False,
                }
                for command, said, hint in COMMANDS
            ],
        },
        "oauth_config": {"scopes": {"bot": [scope.name for scope in SCOPES]}},
        "settings": {
            "event_subscriptions": {**at("/slack/events", "request_url"), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **at("/slack/interactions", "request_url")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }
