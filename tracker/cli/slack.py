"""The connection to Slack."""

import json

import click

from tracker.app import create_app
from tracker.cli.base import as_json, cli, fail
from tracker.settings import read_settings


@cli.group()
def slack() -> None:
    """The connection to Slack."""


@slack.command("check")
@as_json
def slack_check(json_: bool) -> None:
    """Say in plain words whether the connection works."""
    app = create_app(read_settings())
    sender = app.extensions["sender"]
    if sender is None:
        fail("Slack is not connected: set SLACK_BOT_TOKEN")
    found = sender.test()
    if json_:
        click.echo(
            json.dumps({"ok": found.ok, "team": found.team, "missing_scopes": found.missing_scopes, "problem": found.problem})
        )
    elif found.ok:
        missing = f" Missing scopes: {', '.join(found.missing_scopes)}." if found.missing_scopes else ""
        click.echo(f"Connected to {found.team} as {found.bot}.{missing}")
    if not found.ok:
        fail(found.problem or "Slack does not answer")
