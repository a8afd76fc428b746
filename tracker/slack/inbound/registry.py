"""Every command, button and form, one line each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tracker.slack.inbound import engagement, freeze, log, log_form, notice, uat
from tracker.slack.inbound.ask import Ask, Pressed, Sent
from tracker.slack.inbound.reply import Reply
from tracker.store.database import AnySession

Said = TypeVar("Said")


@dataclass(frozen=True)
class Handler(Generic[Said]):
    """What answers something. What only reads is answered without holding up those who write."""

    run: Callable[[AnySession, Ask, Said], Reply]
    writes: bool


COMMANDS: Mapping[str, Handler[str]] = {
    "/engagement": Handler(engagement.run, writes=False),
    "/log": Handler(log.run, writes=True),
    "/uat": Handler(uat.run, writes=False),
    "/freeze": Handler(freeze.run, writes=False),
}
# By the action's id, or by what it begins with where several stand side by side and are numbered.
ACTIONS: Mapping[str, Handler[Pressed]] = {
    notice.ACK: Handler(notice.acknowledge, writes=True),
    notice.SNOOZE: Handler(notice.snooze, writes=True),
    notice.DONE: Handler(notice.done, writes=True),
    notice.LOG: Handler(notice.log, writes=False),
    engagement.CHOOSE: Handler(engagement.chosen, writes=False),
    log.BOOK: Handler(log.pressed, writes=True),
    uat.SIGN: Handler(uat.pressed, writes=False),
    freeze.ANSWER: Handler(freeze.pressed, writes=False),
}
VIEWS: Mapping[str, Handler[Sent]] = {
    log_form.VIEW: Handler(log_form.sent, writes=True),
    uat.VIEW: Handler(uat.sent, writes=True),
    freeze.VIEW: Handler(freeze.sent, writes=True),
}


def is_link(action_id: str) -> bool:
    """Whether a button has led to a page already: Slack tells us all the same, and nothing is to be said about it."""
    return action_id == notice.OPEN or action_id.startswith(f"{notice.OPEN}.")


def action_of(action_id: str) -> Handler[Pressed] | None:
    """What answers a button: `tracker.choose.2` is the third of those that begin with `tracker.choose`."""
    name, _, number = action_id.rpartition(".")
    return ACTIONS.get(action_id) or (ACTIONS.get(name) if number else None)
