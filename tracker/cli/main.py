"""The one command, with all others under it."""

import sys

import click
from sqlalchemy.exc import SQLAlchemyError

from tracker.catalog.loader import CatalogueFault
from tracker.cli import catalog, inventory, person, reminder, serving, slack, upkeep
from tracker.cli.base import cli, fail
from tracker.domain.errors import TrackerError
from tracker.edge.fault import say_database_fault
from tracker.jobs.backup import BackupFault
from tracker.settings import BadSetting

__all__ = ["cli", "main"]

# To import one is to put its commands under `cli`.
COMMANDS = (serving, person, inventory, reminder, upkeep, catalog, slack)


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
