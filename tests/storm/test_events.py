"""What people do in Slack while messages are on their way, and a Slack that lets itself be read a little only."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from tests.factories import make_engagement
from tests.slack_double.faults import FaultKind
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import TOKEN, Token
from tests.storm.outbox import due_notice
from tracker.clock import utc_now
from tracker.domain.notice import SETTLED, Audience
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.services.delivery import Timing
from tracker.slack.blocks import render
from tracker.slack.sender import SlackSender
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CHANNELS = ("C0", "C1", "C2", "C3")
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that moves only when told to: ours and Slack's."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def due(count: int) -> dict[UUID, str]:
    """Notices that are ready, and the channels that take turns with them."""
    engagements, now = [make_engagement(slack_channel=channel) for channel in CHANNELS], utc_now()
    with transaction(db.session, now=now):
        for number in range(count):
            engagement = engagements[number % len(CHANNELS)]
            outbox.plan(db.session, engagement.id, [due_notice(number, now)], {Audience.CUSTOMER: engagement.slack_channel}, now)
    return {each.id: str(each.channel) for each in step.plan(now)}


def states() -> dict[UUID, str]:
    db.session.rollback()
    return {row.id: row.state for row in db.session.execute(sa.select(OutboxNotice.id, OutboxNotice.state))}


def live(clock: time_machine.Traveller, slack: SlackDouble, *, minutes: int, step_seconds: int = 10) -> None:
    """One worker goes on for a while."""
    sender = SlackSender(slack.token, slack.base_url, timeout=10, proxy=None)
    worker = Delivery(sender, partial(render, base_url="http://localhost"), Timing(), "test")
    for _ in range(minutes * 60 // step_seconds):
        step.deliver_all(worker)
        if all(state in (*SETTLED, "parked") for state in states().values()):
            return
        clock.shift(step_seconds)


def test_an_archived_channel_a_revoked_token_and_a_deleted_message_lose_nothing(
    app: Flask, clock: time_machine.Traveller
) -> None:
    ids = {channel: notice_id for notice_id, channel in due(4).items()}
    with SlackDouble(channels=CHANNELS, clock=lambda: utc_now().timestamp()) as slack:
        slack.push(FaultKind.CHANNEL_ARCHIVED, channel="C0")  # before Slack took it
        slack.push(FaultKind.ACCEPT_ARCHIVED, channel="C1")  # right after
        slack.push(FaultKind.ACCEPT_DELETED, channel="C2")
        slack.push(FaultKind.TOKEN_REVOKED, channel="C3")
        live(clock, slack, minutes=1)
        assert states()[ids["C3"]] == "ready", "everything waits for a token"
        slack.workspace.put_token(TOKEN, Token())
        live(clock, slack, minutes=30)
        assert {channel: states()[notice_id] for channel, notice_id in ids.items()} == {
            "C0": "parked",
            "C1": "sent",
            "C2": "sent",
            "C3": "sent",
        }
        told = {channel: len(slack.messages(channel)) for channel in CHANNELS}
        assert told == {"C0": 0, "C1": 1, "C2": 1, "C3": 1}, "what somebody deleted is told anew, and stands there once"


@pytest.mark.parametrize(
    ("reads_per_minute", "may_repeat"),
    [
        pytest.param(None, False, id="a few at a time"),
        pytest.param(1, True, id="a few at a time, once a minute"),
    ],
)
def test_a_slack_that_shows_late_and_a_few_messages_at_a_time_doubles_nothing_unmarked(
    app: Flask, clock: time_machine.Traveller, reads_per_minute: int | None, may_repeat: bool
) -> None:
    ids = due(40)
    with SlackDouble(
        channels=CHANNELS,
        clock=lambda: utc_now().timestamp(),
        pace_seconds=0.5,
        lag_seconds=40,
        page_default=15,
        page_max=15,
        reads_per_minute=reads_per_minute,
    ) as slack:
        for channel in CHANNELS:
            for _ in range(20):
                slack.workspace.say(channel, "Somebody else has something to say.")
            slack.push(FaultKind.ACCEPT_ERROR, method="chat.postMessage", channel=channel, times=6)
            slack.push(FaultKind.ERROR_BEFORE, method="chat.postMessage", channel=channel, times=4)
        live(clock, slack, minutes=60)
        assert set(states().values()) == {"sent"}
        told = slack.count_by_marker()
        marked = set(db.session.scalars(sa.select(OutboxNotice.id).where(OutboxNotice.repeats > 0)))
        assert set(told) == {str(each) for each in ids}
        assert {each for each in told if told[each] > 1} <= {str(each) for each in marked}
        assert may_repeat or not marked
