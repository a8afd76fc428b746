"""The schema by its migrations: where a database stands, and how it gets to the newest revision or back.

Alembic is loaded when something is to be migrated and not before: it is a tenth of what a start takes, and where a database
stands is asked at each start and by each look at `/readyz`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from tracker.store.database import BUSY_MILLISECONDS, WRITING

if TYPE_CHECKING:
    from alembic.config import Config

VERSIONS = sa.table("alembic_version", sa.column("version_num", sa.String))


def head(scripts: Path) -> str:
    """The newest revision there is."""
    return revisions(scripts)[-1]


def current(engine: Engine) -> str | None:
    """The revision a database stands at; None for an empty one."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(VERSIONS.name):
            return None
        return connection.scalar(sa.select(VERSIONS.c.version_num))


def revisions(scripts: Path) -> list[str]:
    """All revisions, oldest first: a file's name begins with the one it makes, and they are numbered in one line."""
    return sorted(path.name.partition("_")[0] for path in (scripts / "versions").glob("[0-9]*_*.py"))


@contextmanager
def _writing(engine: Engine) -> Iterator[sa.Connection]:
    token = WRITING.set(BUSY_MILLISECONDS)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        WRITING.reset(token)


def _config(scripts: Path, connection: sa.Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine, scripts: Path, revision: str = "head") -> None:
    """Bring a database to a later revision, in one transaction a migration."""
    from alembic import command

    with _writing(engine) as connection:
        command.upgrade(_config(scripts, connection), revision)


def downgrade(engine: Engine, scripts: Path, revision: str) -> None:
    """Bring a database back to an earlier revision."""
    from alembic import command

    with _writing(engine) as connection:
        command.downgrade(_config(scripts, connection), revision)


def engine_name(engine: Engine) -> str:
    """The database engine and its version, as people call it."""
    version = ".".join(str(part) for part in engine.dialect.server_version_info or ())
    return f"{'SQLite' if engine.dialect.name == 'sqlite' else 'PostgreSQL'} {version}".strip()
