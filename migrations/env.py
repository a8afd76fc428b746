"""Runs migrations on the connection of whoever called. On SQLite tables are rebuilt, so foreign keys are off meanwhile."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from tracker.store import model
from tracker.store.database import UtcDateTime


def plain_type(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """A migration names no type of the application: it must read the same in ten years."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Run what was asked for."""
    connection: sa.Connection = context.config.attributes["connection"]
    sqlite = connection.dialect.name == "sqlite"
    raw: Any = connection.connection.dbapi_connection
    if sqlite:
        # Dropping a table that is being rebuilt would otherwise reach into the tables that refer to it.
        raw.execute("PRAGMA foreign_keys=OFF")
    try:
        context.configure(
            connection=connection,
            target_metadata=model.metadata,
            render_as_batch=sqlite,
            transactional_ddl=True,
            transaction_per_migration=True,
            compare_type=True,
            render_item=plain_type,
        )
        with context.begin_transaction():
            context.run_migrations()
        if sqlite and raw.execute("PRAGMA foreign_key_check").fetchone():
            raise RuntimeError("the migration left references that lead nowhere")
    finally:
        if sqlite:
            raw.execute("PRAGMA foreign_keys=ON")


run()
