"""The connection to Slack."""

import json
from collections.abc import Sequence

import click
from flask import Flask

from tracker.app import create_app, is_migrated
from tracker.cli.base import as_json, cli, fail
from tracker.settings import read_settings
from tracker.slack.check import Report, check
from tracker.slack.manifest import manifest
from tracker.store import channel as channels
from tracker.store.database import db


@cli.group()
def slack() -> None:
    """The connection to Slack."""


@slack.command("check")
@as_json
def slack_check(json_: bool) -> None:
    """Say in plain words what is wrong with token, scopes and channels. Exit code 1 on a fault."""
    settings = read_settings()
    app = create_app(settings)
    sender = app.extensions["sender"]
    if sender is None:
        fail("Slack is not connected: set SLACK_BOT_TOKEN")
    report = check(settings, sender.test(), app.extensions["channels"], _in_use(app))
    if json_:
        click.echo(json.dumps(report.as_json()))
    elif report.connection.ok:
        _say(report)
    if not report.ok:
        first, *others = report.faults
        for fault in others:
            click.echo(f"tracker: {fault}", err=True)
        fail(first)


def _in_use(app: Flask) -> Sequence[str]:
    """The channels of running engagements; none where there is no database yet."""
    with app.app_context():
        found = channels.in_use(db.session) if is_migrated() else []
        db.session.remove()
        db.engine.dispose()
    return found


def _say(report: Report) -> None:
    click.echo(f"Connected to {report.connection.team} as {report.connection.bot}.")
    for warning in report.warnings:
        click.echo(f"Look at this: {warning}")
    fine = sum(each.problem is None for each in report.channels)
    click.echo(f"Channels in use: {len(report.channels)}, of which {fine} take messages.")


@slack.command("manifest")
@click.option("--socket-mode/--http", default=None, help="Default: Socket Mode where SLACK_APP_TOKEN is set.")
def slack_manifest(socket_mode: bool | None) -> None:
    """Print the manifest to make the app from (api.slack.com/apps, From a manifest), as JSON."""
    settings = read_settings()
    wanted = settings.slack_app_token is not None if socket_mode is None else socket_mode
    click.echo(json.dumps(manifest(settings.base_url, socket_mode=wanted), indent=2))
