"""Plan and send what is due."""

import json
import time
from datetime import UTC, datetime, timedelta

import click

from tracker.cli.base import as_json, cli, fail, in_app, worker_of
from tracker.clock import utc_now
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR
from tracker.domain.dry_run import why_not
from tracker.domain.notice import NoticeState
from tracker.edge.roads import roads_connected
from tracker.jobs import step

PACED_PATIENCE = timedelta(seconds=5)


@cli.command()
@click.option("--now", "moment", help="The moment to act at, as ISO 8601 with offset. Default: now.")
@click.option("--dry-run", is_flag=True, help="Show what would be told; change nothing.")
@click.option("--days", type=click.IntRange(0, 366), default=0, help="Also show what is planned for so many days.")
@as_json
@in_app
def remind(moment: str | None, dry_run: bool, days: int, json_: bool) -> None:
    """Plan reminders and release those that are due: planned to ready."""
    now = read_moment(moment)
    until = now + timedelta(days=days)
    notices = step.rehearse(now, until) if dry_run else step.plan(now)
    if days and not dry_run:
        notices += step.coming(now, until)
    roads = roads_connected()
    reasons = {
        each.id: why_not(state=each.state, reason=each.reason, channel=each.channel, road=each.road, status="active", roads=roads)
        for each in notices
    }
    rows = [
        {
            "key": each.key,
            "kind": each.kind,
            "channel": each.channel,
            "due_at": each.due_at.isoformat(),
            "why_not": reasons[each.id],
        }
        for each in notices
    ]
    if json_:
        click.echo(json.dumps(rows))
        return
    for notice in notices:
        click.echo(f"{notice.due_at:%Y-%m-%d %H:%M}Z  {notice.channel or 'no channel'}  {notice.headline}")
        if dry_run and reasons[notice.id]:
            click.echo(f"    Not told: {reasons[notice.id]}")
    if not notices:
        click.echo("Nothing is due.")


def read_moment(text: str | None) -> datetime:
    """A moment with its offset; without one it is UTC."""
    if text is None:
        return utc_now()
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        fail(f"--now: {text} is not a moment. Write it like 2026-11-20T09:00:00+01:00")
    if not EARLIEST_YEAR <= read.year <= LATEST_YEAR:
        fail(f"--now: the year {read.year:04d} is not plausible")
    return read if read.tzinfo else read.replace(tzinfo=UTC)


@cli.command()
@click.option("--once", is_flag=True, help="Send what is ready, then stop.")
@as_json
@in_app
def deliver(once: bool, json_: bool) -> None:
    """Send what is ready, each notice once: to Slack, and by mail where SMTP_URL is set."""
    from flask import current_app

    worker = worker_of(current_app._get_current_object())  # type: ignore[attr-defined]
    sent = step.deliver_all(worker)
    while worker.ways:
        moment = step.next_moment(worker.ways.keys())
        if moment is None or (once and moment > utc_now() + PACED_PATIENCE):
            break
        time.sleep(max(0.01, (moment - utc_now()).total_seconds()))
        sent += step.deliver_all(worker)
    counts = {state.value: sent[state] for state in (NoticeState.SENT, NoticeState.UNKNOWN, NoticeState.PARKED, NoticeState.DEAD)}
    if json_:
        click.echo(json.dumps(counts))
        return
    if worker.sender is None:
        click.echo("Slack is not connected: set SLACK_BOT_TOKEN. What is ready waits.")
    click.echo(", ".join(f"{count} {state}" for state, count in counts.items()))
