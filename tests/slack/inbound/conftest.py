"""An application that Slack may call, a double that it calls back, and people with Slack accounts."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from tests.slack_double.inbound import SECRET, SlackUser, in_process
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import TOKEN
from tracker.settings import Settings
from tracker.store.person import Person

People = Callable[..., SlackUser]


@pytest.fixture
def slack() -> Iterator[SlackDouble]:
    with SlackDouble() as double:
        yield double


@pytest.fixture
def settings(settings: Settings, slack: SlackDouble) -> Settings:
    """The same database, with Slack connected."""
    return replace(settings, slack_bot_token=TOKEN, slack_signing_secret=SECRET, slack_api_url=slack.base_url)


@pytest.fixture
def as_user(client: FlaskClient, slack: SlackDouble) -> People:
    """Somebody at work in Slack: a person of ours by their account, or an account by its id."""

    def make(who: Person | str, channel: str = "C1", **over: str) -> SlackUser:
        user_id = who if isinstance(who, str) else who.slack_user_id
        assert user_id is not None
        return SlackUser(in_process(client), user_id, channel, answers_to=slack.url, **over)

    return make
