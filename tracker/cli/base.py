"""What every command shares: an application, a fault as one line, JSON where asked."""

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, NoReturn

import click
from flask import Flask

from tracker.app import create_app, is_migrated
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.settings import Settings, read_settings
from tracker.slack.blocks import render
from tracker.store.database import db

as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


def fail(message: str, code: int = 1) -> NoReturn:
    """One line on standard error, and out."""
    click.echo(f"tracker: {message}", err=True)
    sys.exit(code)


def open_app(*, need_schema: bool = True) -> Flask:
    """An application on the database that the environment names; it must be migrated unless said otherwise."""
    app = create_app(read_settings())
    if need_schema:
        with app.app_context():
            if not is_migrated():
                fail("the database is not at the newest revision. Run: tracker migrate")
    return app


def in_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside an application, on a migrated database."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        app = open_app()
        with app.app_context():
            try:
                return command(*args, **kwargs)
            finally:
                db.session.remove()
                db.engine.dispose()

    return run


def worker_of(app: Flask) -> Delivery:
    """The delivering worker that an application's settings describe."""
    settings: Settings = app.config["SETTINGS"]
    return Delivery(app.extensions["sender"], partial(render, base_url=settings.base_url), step.timing_of(settings))


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Track managed migrations: scope, hours, freezes, dates, and reminders told once."""
