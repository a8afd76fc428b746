"""Check, back up, restore."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import click

from tracker.cli.base import as_json, cli, in_app, open_app
from tracker.cli.serving import migrate_database
from tracker.clock import utc_now
from tracker.edge.work import work
from tracker.jobs import backup as backups
from tracker.jobs import step
from tracker.services import delivery
from tracker.settings import read_settings
from tracker.store import audit, budget, outbox, ps_block
from tracker.store import time_entry as entries
from tracker.store.database import db


@cli.command()
@as_json
@in_app
def verify(json_: bool) -> None:
    """Check ledger, audit chains and outbox against each other. Exit code 1 on a fault."""
    now = utc_now()
    faults = [
        *budget.counter_faults(db.session),
        *ps_block.block_faults(db.session),
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
