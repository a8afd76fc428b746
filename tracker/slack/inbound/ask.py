"""Who asks something through Slack, where, and when."""

from dataclasses import dataclass
from datetime import datetime

from tracker.domain.access import Actor
from tracker.domain.errors import NotAllowed
from tracker.slack.inbound.payload import Payload, part, text
from tracker.store import person as people
from tracker.store.database import AnySession

DEACTIVATED = "Your account here was deactivated. Ask your engagement manager if that is wrong."


@dataclass(frozen=True)
class Account:
    """A Slack account. Somebody of another company has a team of their own."""

    user_id: str
    team_id: str | None


class Stranger(Exception):
    """Nobody has said yet whose account that is."""

    def __init__(self, account: Account) -> None:
        super().__init__("nobody has claimed this Slack account")
        self.account = account


@dataclass(frozen=True)
class Ask:
    """One request, with who makes it. `key` names it: the same again is the same request."""

    account: Account
    actor: Actor
    channel: str | None
    trigger_id: str | None
    key: str
    base_url: str
    now: datetime

    def page(self, path: str) -> str:
        """The address of one of our pages."""
        return f"{self.base_url}{path}"


@dataclass(frozen=True)
class Pressed:
    """What somebody pressed or chose: its value, and the payload around it."""

    action_id: str
    value: str
    payload: Payload


@dataclass(frozen=True)
class Sent:
    """A form as it was sent: the values of its fields by name, and what it was opened with."""

    values: Payload
    metadata: str

    def typed(self, name: str) -> str | None:
        """What was written into a field; None where nothing was."""
        return text(self.values, name, name, "value")

    def chosen(self, name: str) -> str | None:
        """What was chosen of a list, or of radio buttons."""
        return text(self.values, name, name, "selected_option", "value")

    def is_ticked(self, name: str) -> bool:
        return bool(part(self.values, name, name).get("selected_options"))


def actor_of(session: AnySession, account: Account, now: datetime) -> Actor:
    """Who somebody is here. Never by name: the account was linked once. Raises Stranger, NotAllowed for who has left."""
    person = people.by_slack_user(session, account.user_id)
    if person is None or (person.slack_team_id and account.team_id and person.slack_team_id != account.team_id):
        raise Stranger(account)
    if person.deactivated_at is not None:
        raise NotAllowed(DEACTIVATED)
    return people.actor_of(session, person, now=now)
