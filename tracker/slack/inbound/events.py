"""The news that Slack sends, by its type. A handler runs in the unit that notes the event, so that each counts once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tracker.services import channel_care
from tracker.slack.inbound import home
from tracker.slack.inbound.ask import Account
from tracker.slack.inbound.payload import Payload, id_of, part
from tracker.slack.inbound.reply import NOTHING, PublishView, Reply
from tracker.store import pacing
from tracker.store.database import AnySession


@dataclass(frozen=True)
class Event:
    """One piece of news: its body (Slack's `event`), whose workspace it is of, and when it is taken up.

    `link_for` makes the address under which somebody says whose a Slack account is.
    """

    body: Payload
    team_id: str | None
    base_url: str
    breaker: float
    now: datetime
    link_for: Callable[[Account], str]


Handler = Callable[[AnySession, Event], Reply]


def app_home_opened(session: AnySession, event: Event) -> Reply:
    """Somebody looks at our page in Slack: put it up as it is now."""
    user_id = id_of(event.body, "user")
    if user_id is None or event.body.get("tab", "home") != "home":
        return NOTHING
    view = home.of_account(session, user_id, base_url=event.base_url, now=event.now)
    if view is None:
        view = home.welcome(event.link_for(Account(user_id, event.team_id)))
    return Reply({}, PublishView(user_id, view))


def tokens_revoked(session: AnySession, event: Event) -> Reply:
    """The bot's token was taken back: send nothing for a while, and say why. Tokens of people are no matter of ours."""
    if part(event.body, "tokens").get("bot"):
        pacing.hold(session, pacing.WORKSPACE, _end_of_hold(event), "token_revoked")
    return NOTHING


def app_uninstalled(session: AnySession, event: Event) -> Reply:
    """The app was removed from the workspace."""
    pacing.hold(session, pacing.WORKSPACE, _end_of_hold(event), "app_uninstalled")
    return NOTHING


def _end_of_hold(event: Event) -> datetime:
    return event.now + timedelta(seconds=event.breaker)


def _of_channels(take_in: Callable[[AnySession, Payload, datetime], None]) -> Handler:
    """News of a channel: who is in it, what it is called, whether it takes messages."""

    def handle(session: AnySession, event: Event) -> Reply:
        take_in(session, event.body, event.now)
        return NOTHING

    return handle


EVENTS: Mapping[str, Handler] = {
    **{kind: _of_channels(take_in) for kind, take_in in channel_care.EVENTS.items()},
    "app_home_opened": app_home_opened,
    "tokens_revoked": tokens_revoked,
    "app_uninstalled": app_uninstalled,
}
