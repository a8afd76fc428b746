"""Console commands. Each prints what a person needs, or JSON; a fault is one clear line and an exit code above 0."""

import json
import logging.config
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import IO, Any, NoReturn
from uuid import UUID

import click
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from tracker import layout
from tracker.app import MAX_BODY, create_app, is_migrated
from tracker.catalog import loader
from tracker.catalog.loader import CatalogueFault
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.catalogue_search import Difference, differences
from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR
from tracker.domain.errors import TrackerError
from tracker.domain.notice import NoticeState
from tracker.edge.fault import say_database_fault
from tracker.edge.work import work
from tracker.intake.inventory.registry import FORMATS, read_inventory
from tracker.jobs import backup as backups
from tracker.jobs import runner, step
from tracker.jobs.backup import BackupFault
from tracker.jobs.step import Delivery
from tracker.logs import logging_config
from tracker.services import delivery
from tracker.services import inventory as inventory_service
from tracker.services import person as person_service
from tracker.services import sign_in as sign_in_service
from tracker.services import token as token_service
from tracker.services.person import PersonSpec
from tracker.settings import BadSetting, Settings, read_settings
from tracker.slack.blocks import render
from tracker.store import audit, budget, outbox, schema
from tracker.store import person as people
from tracker.store import time_entry as entries
from tracker.store.database import db

PACED_PATIENCE = timedelta(seconds=5)
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
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    scheduler = runner.start(app, worker_of(app))
    stopped.wait()
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


@cli.group()
def person() -> None:
    """People who sign in."""


@person.command("add")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.option("--role", required=True, help="admin, engagement_manager, engineer, customer_approver or customer_viewer")
@click.option("--customer", help="The customer's name, for customer roles.")
@as_json
@in_app
def person_add(email: str, name: str, role: str, customer: str | None, json_: bool) -> None:
    """Make a person and print a one-time sign-in link on the last line."""
    now = utc_now()
    with work():
        added = person_service.add_person(db.session, SYSTEM, PersonSpec(email, name, role, customer), now=now)
        secret = sign_in_service.make_link(db.session, SYSTEM, added.id, now=now)
    link = f"{read_settings().base_url}/sign-in/{secret}"
    if json_:
        click.echo(json.dumps({"id": str(added.id), "link": link}))
    else:
        click.echo(f"{added.name} <{added.email}> may sign in once within three days with:")
        click.echo(link)


@cli.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.option("--email", required=True, help="Whom the token acts as.")
@click.option("--scope", required=True, type=click.Choice(["read", "write", "admin"]))
@click.option("--engagement", type=click.UUID, help="Only this engagement.")
@as_json
@in_app
def token_create(email: str, scope: str, engagement: Any, json_: bool) -> None:
    """Make a token and print it on the last line. It is shown once."""
    found = people.by_email(db.session, email)
    if found is None:
        fail(f"there is nobody with the e-mail address {email}")
    with work():
        secret = token_service.create_token(db.session, SYSTEM, found.id, scope, engagement_id=engagement, now=utc_now())
    click.echo(json.dumps({"token": secret}) if json_ else secret)


@cli.group()
def inventory() -> None:
    """What is installed on the sites."""


@inventory.command("import")
@click.argument("site_id", type=click.UUID)
@click.argument("file", type=click.File("rb"))
@click.option("--source", type=click.Choice(list(FORMATS)), help="The format. Default: as the file is recognised.")
@click.option(
    "--complete/--partial", default=None, help="Whether what it does not name has been removed. Default: as the format is."
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@as_json
@in_app
def inventory_import(
    site_id: UUID, file: IO[bytes], source: str | None, complete: bool | None, dry_run: bool, json_: bool
) -> None:
    """Import a list of extensions into a site; - reads standard input. Bad rows are told and left out."""
    data = file.read(MAX_BODY + 1)
    if len(data) > MAX_BODY:
        fail(f"{file.name} is larger than {MAX_BODY // 1024**2} MB, which no such list is")
    read, name = read_inventory(data, source), Path(file.name).name
    if dry_run:
        trial = inventory_service.try_file(db.session, SYSTEM, site_id, read, complete=complete)
    else:
        with work():
            trial = inventory_service.import_file(db.session, SYSTEM, site_id, read, now=utc_now(), complete=complete, name=name)
    if json_:
        rows = [{"row": row.row, "slug": row.slug, "change": change} for row, change in trial.difference.accepted]
        rejected = [each.told() for each in trial.rejected]
        said = {"source": trial.source, "dry_run": dry_run, "complete": trial.complete, "removed": list(trial.removed_slugs)}
        click.echo(json.dumps(said | {"accepted": rows, "rejected": rejected}))
        return
    for each in trial.rejected:
        click.echo(f"Row {each.row}, {each.column or 'whole row'}: {each.value!r}: {each.reason}")
    counts = ", ".join(f"{count} {change}" for change, count in trial.counts.items() if count)
    click.echo(f"{name} ({trial.source}): {counts or 'nothing'}{', only tried' if dry_run else ''}.")


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
    rows = [{"key": each.key, "kind": each.kind, "channel": each.channel, "due_at": each.due_at.isoformat()} for each in notices]
    if json_:
        click.echo(json.dumps(rows))
        return
    for notice in notices:
        click.echo(f"{notice.due_at:%Y-%m-%d %H:%M}Z  {notice.channel or 'no channel'}  {notice.headline}")
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
    """Send what is ready to Slack, each notice once."""
    from flask import current_app

    worker = worker_of(current_app._get_current_object())  # type: ignore[attr-defined]
    sent = step.deliver_all(worker)
    while worker.sender is not None:
        moment = step.next_moment()
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


@cli.command()
@as_json
@in_app
def verify(json_: bool) -> None:
    """Check ledger, audit chains and outbox against each other. Exit code 1 on a fault."""
    now = utc_now()
    faults = [
        *budget.counter_faults(db.session),
        *entries.entry_faults(db.session),
        *audit.chain_faults(db.session),
        *outbox.outbox_faults(db.session, now, timedelta(hours=1)),
    ]
    if json_:
        click.echo(json.dumps({"ok": not faults, "faults": faults}))
    else:
        click.echo("\n".join(faults) or "Ledger, audit chains and outbox are sound.")
    if faults:
        sys.exit(1)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def backup(file: Path, json_: bool) -> None:
    """Write a consistent copy of the database while others go on working."""
    backups.back_up(read_settings().database_url, file)
    click.echo(json.dumps({"file": str(file), "bytes": file.stat().st_size}) if json_ else f"Wrote {file}.")


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def restore(file: Path, json_: bool) -> None:
    """Put a backup in place of the database. Stop the program first.

    What came due since the backup is looked up in Slack before it is sent, so that nobody is told twice.
    """
    settings = read_settings()
    backups.restore(settings.database_url, file)
    app = open_app(need_schema=False)
    with app.app_context():
        migrate_database(settings)
        step.plan_further(utc_now())
        with work():
            doubted = delivery.retake_after_restore(db.session, now=utc_now())
        db.session.remove()
        db.engine.dispose()
    said = {"file": str(file), "to_look_up": doubted}
    click.echo(json.dumps(said) if json_ else f"Restored {file}. {doubted} notices are looked up before they are sent.")


@cli.group()
def catalog() -> None:
    """The catalogue: what is sold, known issues, guided paths."""


@catalog.command("diff")
@click.option("--from", "before", type=int, help="The earlier version. Default: the one before the later.")
@click.option("--to", "after", type=int, help="The later version. Default: the newest.")
@as_json
def catalog_diff(before: int | None, after: int | None, json_: bool) -> None:
    """Say what differs between two versions. An engagement keeps the version of its agreement until somebody changes that."""
    loader.check_all()
    known = loader.versions()
    after = known[-1] if after is None else after
    earlier = [version for version in known if version < after]
    before = before if before is not None else earlier[-1] if earlier else None
    for version in (before, after):
        if version is not None and version not in known:
            fail(f"there is no catalogue {version}. There is: {', '.join(map(str, known))}")
    found = differences(loader.catalogue(before), loader.catalogue(after)) if before is not None else {}
    if json_:
        parts = {part: asdict(difference) for part, difference in found.items()}
        click.echo(json.dumps({"from": before, "to": after, "parts": parts}))
    elif before is None:
        click.echo(f"There is one version, {after}: nothing to compare.")
    else:
        click.echo(f"From {before} to {after}:" if found else f"Versions {before} and {after} say the same.")
        _say_differences(found)


def _say_differences(found: Mapping[str, Difference]) -> None:
    for part, difference in found.items():
        for word, ids in asdict(difference).items():
            for each in ids:
                click.echo(f"  {part.replace('_', ' ')}, {word}: {each}")


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


def main() -> None:
    """Run a command; every fault that we know is one line."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except (BadSetting, CatalogueFault) as error:
        fail(str(error), 2)
    except (TrackerError, BackupFault) as error:
        fail(str(error))
    except SQLAlchemyError as error:
        fail(say_database_fault(error))


if __name__ == "__main__":
    main()
