"""Compare the models with what the migrations make. Run by `make check` as `python -m tests.migrations_check`."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

from tests.conftest import migrated, settings_for
from tracker.app import create_app
from tracker.store.database import db
from tracker.store.model import metadata


def differences(engine: Engine) -> list[str]:
    """What a migration would still have to do to a database at head, a line each."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [_say(change) for change in compare_metadata(context, metadata)]


def _say(change: Any) -> str:
    """Alembic's words: what is to be done, and to what. A change of a column comes as a list of such."""
    first = change[0] if isinstance(change, list) else change
    names = [getattr(part, "name", part) for part in first[1:] if part is not None and not isinstance(part, dict | bool)]
    return f"{first[0]}: {'.'.join(str(name) for name in names)}"


def main() -> None:
    """Exit 1 with a line for each difference."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_for(Path(folder))
        migrated(settings)
        with create_app(settings).app_context():
            found = differences(db.engine)
            db.engine.dispose()
    for line in found:
        sys.stderr.write(f"models and migrations differ: {line}\n")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
