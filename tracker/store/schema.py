"""The schema by its migrations: where a database stands, and how it gets to the newest revision or back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from tracker.store.database import BUSY_MILLISECONDS, WRITING


def _config(scripts: Path, connection: sa.Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head(scripts: Path) -> str:
    """The newest revision there is."""
    found = ScriptDirectory.from_config(_config(scripts)).get_current_head()
    assert found is not None
    return found


def current(engine: Engine) -> str | None:
    """The revision a database stands at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def revisions(scripts: Path) -> list[str]:
    """All revisions, oldest first."""
    return [script.revision for script in reversed(list(ScriptDirectory.from_config(_config(scripts)).walk_revisions()))]


@contextmanager
def _writing(engine: Engine) -> Iterator[sa.Connection]:
    token = WRITING.set(BUSY_MILLISECONDS)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        WRITING.reset(token)


def upgrade(engine: Engine, scripts: Path, revision: str = "head") -> None:
    """Bring a database to a later revision, in one transaction a migration."""
    with _writing(engine) as connection:
        command.upgrade(_config(scripts, connection), revision)


def downgrade(engine: Engine, scripts: Path, revision: str) -> None:
    """Bring a database back to an earlier revision."""
    with _writing(engine) as connection:
        command.downgrade(_config(scripts, connection), revision)


def engine_name(engine: Engine) -> str:
    """The database engine and its version, as people call it."""
    version = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return f"{'SQLite' if engine.dialect.name == 'sqlite' else 'PostgreSQL'} {version}".strip()
