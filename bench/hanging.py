"""What time entries wait for while Slack does not answer, beside what they wait for while it does: nothing, in either case."""

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from bench import goals, load, requests, servers, table
from bench.databases import Pair
from bench.load import Outcome, Target
from bench.rounds import Pace
from bench.stage import Act
from bench.start import THREADS
from bench.table import Line
from tests.slack_double.client import SlackControl, slack_process
from tests.slack_double.faults import FaultKind
from tests.slack_double.workspace import TOKEN
from tracker.clock import utc_now
from tracker.domain.notice import Audience, Notice
from tracker.store import outbox
from tracker.store.database import db
from tracker.store.transaction import transaction

CLIENTS = 8
CHANNELS, NOTICES = 30, 100  # so many channels have so many due notices each: there is something to send all the time
PATIENCE_SECONDS, POLL_SECONDS = 60.0, 0.05
# A beat each second, and a try that is given up after two, so that a round sees several of both.
QUICK = {"TRACKER_TICK": "1", "TRACKER_SLACK_TIMEOUT": "2", "TRACKER_QUIET": "2", "TRACKER_BETWEEN_LOOKS": "1"}


def hanging_lines(act: Act, pace: Pace) -> Iterator[Line]:
    """Load a server that delivers in the same process, in turn while Slack answers and while it hangs."""
    channels = plan_notices(act.pair)
    answering: list[Outcome] = []
    hanging: list[Outcome] = []
    options = [word for channel in channels for word in ("--channel", channel)]
    with slack_process(*options) as slack:
        environ = {"SLACK_BOT_TOKEN": TOKEN, "SLACK_API_URL": slack.base_url, **QUICK}
        with servers.tracker_server(act.pair.settings, workers=1, threads=THREADS, environ=environ) as server:
            target = Target(server.port, requests.entries(act.pair), 201)
            for number in range(pace.rounds):
                let_answer(slack)
                answering.append(load.run(target, clients=CLIENTS, seconds=pace.seconds, seed=number))
                let_hang(slack)
                hanging.append(load.run(target, clients=CLIENTS, seconds=pace.seconds, seed=number))
    yield Line(
        what="entry p99 while Slack hangs : while it answers",
        engine=act.pair.engine,
        clients=CLIENTS,
        size=str(act.pair.shape.engagements),
        ours=table.say_p99(hanging),
        other=f"{table.say_p99(answering)} answering",
        values=table.ratios(hanging, answering, table.p99),
        goal=goals.HANGING_P99,
        bad=table.wrong(hanging, answering),
    )


def plan_notices(pair: Pair) -> list[str]:
    """Put due notices into the outbox; return the channels that they are for."""
    app, now, channels = pair.app(), utc_now(), []
    with app.app_context():
        with transaction(db.session, now=now):
            for number, place in enumerate(pair.world.places[:CHANNELS]):
                channels.append(f"C{number:05}")
                notices = [_notice(number, each, now) for each in range(NOTICES)]
                outbox.plan(db.session, place.engagement_id, notices, {Audience.CUSTOMER: channels[-1]}, now)
        db.session.remove()
        db.engine.dispose()
    return channels


def _notice(engagement: int, number: int, now: datetime) -> Notice:
    return Notice(
        key=f"bench:{engagement}:{number}",
        kind="bench",
        audience=Audience.CUSTOMER,
        headline=f"Notice {number}",
        text="It is told once.",
        facts=(("Number", str(number)),),
        path="/",
        due_at=now - timedelta(minutes=1),
        useless_after=now + timedelta(days=1),
    )


def let_answer(slack: SlackControl) -> None:
    """Return once Slack has taken a message again."""
    _change(slack, 0.0, lambda: int(slack.state()["log"]["accepted"]))


def let_hang(slack: SlackControl) -> None:
    """Return once somebody waits for Slack in vain."""
    _change(slack, 1.0, lambda: int(slack.state()["log"]["by_fault"].get(FaultKind.HANG_BEFORE, 0)))


def _change(slack: SlackControl, rate: float, count: Callable[[], int]) -> None:
    slack.change_schedule(rate=rate, kinds=[FaultKind.HANG_BEFORE])
    before, deadline = count(), time.monotonic() + PATIENCE_SECONDS
    while count() == before:
        if time.monotonic() > deadline:
            raise RuntimeError("nothing was sent to Slack: there is no delivery to measure beside")
        time.sleep(POLL_SECONDS)
