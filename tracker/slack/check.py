"""Whether the connection to Slack is as it should be, in plain words: token, scopes, what Slack may ask of us, each channel."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from tracker.domain.channel import ChannelSeen, Fault, problem_of
from tracker.settings import Settings
from tracker.slack.manifest import SCOPES, Feature
from tracker.slack.sender import Connection

UNSIGNED = (
    "Commands and buttons in Slack are refused: set SLACK_SIGNING_SECRET (app settings, Basic Information), "
    "or SLACK_APP_TOKEN for Socket Mode."
)
NOT_PUBLIC = "BASE_URL is {address}, where Slack cannot reach it: commands and buttons need an https address, or Socket Mode."
OF_A_PERSON = "SLACK_BOT_TOKEN belongs to a person, not to a bot. Copy the “Bot User OAuth Token”, which begins with xoxb-."


@dataclass(frozen=True)
class ChannelFound:
    """One channel that is in use, as Slack shows it now."""

    channel: str
    name: str | None
    is_external: bool | None
    problem: str | None


@dataclass(frozen=True)
class Report:
    """What a check has found: faults keep notices from going out, warnings keep something else from working."""

    connection: Connection
    faults: Sequence[str]
    warnings: Sequence[str]
    channels: Sequence[ChannelFound]

    @property
    def ok(self) -> bool:
        return not self.faults

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "team": self.connection.team,
            "bot": self.connection.bot,
            "missing_scopes": list(self.connection.missing_scopes),
            "problem": self.faults[0] if self.faults else None,
            "faults": list(self.faults),
            "warnings": list(self.warnings),
            "channels": [asdict(each) for each in self.channels],
        }


class Looks(Protocol):
    """Who asks Slack about channels."""

    def look(self, channel: str) -> ChannelSeen | Fault:
        """How a channel is now."""


def check(settings: Settings, connection: Connection, looks: Looks, channels: Iterable[str]) -> Report:
    """Go through everything that has to be right. Where Slack itself does not answer, only that is said."""
    if not connection.ok:
        return Report(connection, [connection.problem or "Slack does not answer."], [], [])
    found, faults = list[ChannelFound](), list(_faults_of_scopes(connection))
    if not connection.is_bot:
        faults.append(OF_A_PERSON)
    warnings = [*_warnings_of_scopes(connection), *_warnings_of_settings(settings)]
    for channel in channels:
        seen = looks.look(channel)
        if isinstance(seen, Fault):
            faults.append(f"Channel {channel}: {seen.message}")
            break
        problem = problem_of(seen)
        found.append(ChannelFound(channel, seen.name, None if problem else seen.is_external, problem))
        if problem is not None:
            faults.append(f"Channel {_called(seen)}: {problem}")
        elif seen.is_external:
            warnings.append(f"Channel {_called(seen)}: people of another company read it.")
    return Report(connection, faults, warnings, found)


def _called(seen: ChannelSeen) -> str:
    return f"#{seen.name}" if seen.name else seen.channel


def _faults_of_scopes(connection: Connection) -> Iterator[str]:
    for scope in SCOPES:
        if scope.is_needed and scope.name in connection.missing_scopes:
            yield f"The scope {scope.name} is missing: the app {scope.why}. Add it, then install the app again."


def _warnings_of_scopes(connection: Connection) -> Iterator[str]:
    for feature in Feature:
        missing = [
            scope.name
            for scope in SCOPES
            if scope.feature is feature and not scope.is_needed and scope.name in connection.missing_scopes
        ]
        if missing:
            yield f"{feature} does not work: add {' and '.join(missing)}, then install the app again."


def _warnings_of_settings(settings: Settings) -> Iterator[str]:
    if settings.slack_app_token is not None:
        return
    if settings.slack_signing_secret is None:
        yield UNSIGNED
    elif not settings.secure:
        yield NOT_PUBLIC.format(address=settings.base_url)
