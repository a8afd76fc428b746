"""Many rows at once, past the ORM: executemany on SQLite, COPY on PostgreSQL, values converted by the tables' own types.

A column that no row names gets the default that its table says, so that a new one with a default needs nothing here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from tracker.store.database import Base, table_of

Row = dict[str, Any]
Convert = Callable[[Any], Any]


def write(engine: Engine, rows: Mapping[type[Base], Sequence[Row]]) -> None:
    """Insert rows, table by table in the order given, in one transaction. All rows of a table name the same columns."""
    raw = engine.raw_connection()
    try:
        connection: Any = raw.driver_connection
        if engine.dialect.name == "sqlite":
            connection.execute("BEGIN IMMEDIATE")
        for model, values in rows.items():
            if values:
                _write_table(engine.dialect, connection, table_of(model), values)
        connection.commit()
    finally:
        raw.close()


def _write_table(dialect: sa.Dialect, connection: Any, table: sa.Table, rows: Sequence[Row]) -> None:
    defaults = _defaults(table)
    names = [*rows[0], *(name for name in defaults if name not in rows[0])]
    converts = [_convert(dialect, table.c[name]) for name in names]
    quoted = ", ".join(f'"{name}"' for name in names)
    values = _values(rows, names, defaults, converts)
    if dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.executemany(f'INSERT INTO "{table.name}" ({quoted}) VALUES ({marks})', values)
        return
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({quoted}) FROM STDIN') as copy:
        for row in values:
            copy.write_row(row)


def _defaults(table: sa.Table) -> Row:
    """What columns hold where nothing is said, by the program's own word; the database's own it fills in itself."""
    return {each.name: each.default.arg for each in table.columns if isinstance(each.default, ScalarElementColumnDefault)}


def _convert(dialect: sa.Dialect, column: sa.Column[Any]) -> Convert:
    return column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _values(rows: Sequence[Row], names: Sequence[str], defaults: Row, converts: Sequence[Convert]) -> Iterable[list[Any]]:
    given = len(rows[0])
    rest = [convert(defaults[name]) for name, convert in zip(names[given:], converts[given:], strict=True)]
    pairs = list(zip(names[:given], converts[:given], strict=True))
    for row in rows:
        yield [convert(row[name]) for name, convert in pairs] + rest
