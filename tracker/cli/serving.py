"""Serve, deliver, migrate; and the demo."""

import json
import logging.config
import os
import signal
import threading
from functools import partial
from pathlib import Path

import click

from tracker import layout
from tracker.cli.base import as_json, cli, fail, open_app, worker_of
from tracker.clock import utc_now
from tracker.edge.work import work
from tracker.jobs import backup as backups
from tracker.jobs import runner
from tracker.logs import logging_config
from tracker.services import sign_in as sign_in_service
from tracker.services.roads import open_roads
from tracker.settings import Settings
from tracker.slack.inbound import socket_mode
from tracker.store import schema
from tracker.store.database import db


@cli.command()
@click.option("--host", default=lambda: os.environ.get("HOST", "127.0.0.1"), show_default="127.0.0.1")
@click.option("--port", type=click.IntRange(1, 65535), default=lambda: os.environ.get("PORT", "8000"), show_default="8000")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(1, 64), default=8, show_default=True)
def serve(host: str, port: int, workers: int, threads: int) -> None:
    """Serve pages and API; with one worker, deliver reminders as well. Migrates the database first."""
    from tracker.serve import Server

    os.environ["PORT"] = str(port)
    app = open_app(need_schema=False)
    settings: Settings = app.config["SETTINGS"]
    with app.app_context():
        migrate_database(settings)
        with work():
            link = sign_in_service.offer_first_admin(db.session, now=utc_now())
            open_roads(db.session, mail=settings.smtp_url is not None, now=utc_now())
        db.session.remove()
        db.engine.dispose()
    click.echo(f"Serving on {settings.base_url}")
    if link is not None:
        click.echo(f"Create the first administrator: {settings.base_url}/first-admin/{link}")
    if workers > 1:
        click.echo("With several workers nothing is delivered from here. Run beside it: tracker worker")
    Server(app, worker_of(app), host=host, port=port, workers=workers, threads=threads).run()


@cli.command()
def worker() -> None:
    """Plan and deliver reminders until stopped. Any number of workers may run."""
    logging.config.dictConfig(logging_config())
    app = open_app()
    with app.app_context():
        with work():
            open_roads(db.session, mail=app.config["SETTINGS"].smtp_url is not None, now=utc_now())
        db.session.remove()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    scheduler = runner.start(app, worker_of(app))
    listener = socket_mode.start(app)
    stopped.wait()
    if listener is not None:
        listener.close()
    scheduler.shutdown(wait=True)


@cli.command()
@click.option("--no-backup", is_flag=True, help="Make none: you have a backup of your own.")
@as_json
def migrate(no_backup: bool, json_: bool) -> None:
    """Bring the database to the newest revision; a backup is made first."""
    app = open_app(need_schema=False)
    with app.app_context():
        saved = migrate_database(app.config["SETTINGS"], back_up=not no_backup)
        revision = schema.current(db.engine)
        db.engine.dispose()
    if json_:
        click.echo(json.dumps({"revision": revision, "backup": str(saved) if saved else None}))
    else:
        click.echo(f"At revision {revision}." + (f" Backup: {saved}" if saved else ""))


def migrate_database(settings: Settings, *, back_up: bool = True) -> Path | None:
    """Upgrade where needed; return the backup that was made before, None for an empty or current database."""
    scripts = layout.folder("migrations")
    standing = schema.current(db.engine)
    if standing == schema.head(scripts):
        return None
    if standing is not None and standing not in schema.revisions(scripts):
        fail(f"the database is at revision {standing}, which this version does not know. Use the version that made it.")
    saved = None
    if standing is not None and back_up:
        saved = settings.instance / f"before-{schema.head(scripts)}-{utc_now():%Y%m%dT%H%M%SZ}.backup"
        backups.back_up(settings.database_url, saved)
    schema.upgrade(db.engine, scripts)
    return saved


@cli.command()
@click.option("--slack", is_flag=True, help="Also serve a channel page, on which the reminders arrive.")
@click.option("--host", default=lambda: os.environ.get("HOST", "127.0.0.1"), show_default="127.0.0.1")
@click.option("--port", type=click.IntRange(1, 65535), default=lambda: os.environ.get("PORT", "8000"), show_default="8000")
@click.option("--slack-port", type=click.IntRange(1, 65535), default=8910, show_default=True, help="Where the channel page is.")
@as_json
def demo(slack: bool, host: str, port: int, slack_port: int, json_: bool) -> None:
    """Serve a demo: three believable engagements in different stages, as of today.

    It has a database of its own under `demo` in the instance folder, made anew every time. It is never the one that
    `tracker serve` uses, and no workspace is told anything. It prints where to look and as whom to sign in, with --json as
    one line. Stop it with Ctrl-C.
    """
    from tracker.demo import cast
    from tracker.demo.channel import NoDouble
    from tracker.demo.port import PortTaken, check_free
    from tracker.demo.run import laid
    from tracker.serve import Server

    try:
        check_free(host, port, "--port")
        say = partial(click.echo, err=True)
        with laid(os.environ | {"PORT": str(port)}, slack_port=slack_port if slack else None, say=say) as shown:
            if json_:
                people = {spec.email: spec.role for spec in cast.CAST}
                said = {"address": shown.address, "channel_page": shown.channel_page, "password": cast.PASSWORD, "people": people}
                click.echo(json.dumps(said))
            else:
                click.echo(demo_words(shown.address, shown.channel_page))
            Server(shown.app, worker_of(shown.app), host=host, port=port, workers=1, threads=8).run()
    except (NoDouble, PortTaken) as error:
        fail(str(error))


def demo_words(address: str, channel_page: str | None) -> str:
    """Where to look, and as whom."""
    from tracker.demo import cast

    widest = max(len(spec.email) for spec in cast.CAST)
    rows = [f"  {spec.email:<{widest}}  {spec.name}, {spec.role.replace('_', ' ')}" for spec in cast.CAST]
    lines = [f"The demo is at {address}. Sign in as one of these, with the password: {cast.PASSWORD}", *rows]
    if channel_page is not None:
        lines.append(f"What the channels are told arrives at {channel_page}")
    return "\n".join([*lines, "Stop it with Ctrl-C. It is made anew each time."])
