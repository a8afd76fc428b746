"""What every command shares: an application, a fault as one line, JSON where asked."""

import sys
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any, NoReturn

import click
from flask import Flask

from tracker.app import create_app, is_migrated
from tracker.domain.notice import Road
from tracker.edge import letter
from tracker.edge.mail_sender import MailSender
from tracker.jobs import step
from tracker.jobs.step import Delivery
from tracker.settings import Settings, read_settings
from tracker.slack import blocks
from tracker.store.database import db
from tracker.store.notice import OutboxNotice

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
    mail = MailSender(settings.smtp_url, base_url=settings.base_url) if settings.smtp_url else None
    written = partial(_render, base_url=settings.base_url)
    return Delivery(app.extensions["sender"], written, step.timing_of(settings), mail=mail)


def _render(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """A notice as the road that it goes wants it."""
    return (letter.render if notice.road == Road.MAIL else blocks.render)(notice, base_url=base_url)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Track managed migrations: scope, hours, freezes, dates, and reminders told once."""
