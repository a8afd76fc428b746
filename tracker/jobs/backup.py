"""Backup and restore: SQLite's online backup into one file, PostgreSQL by its own tools."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy.engine import URL, make_url

MAGIC = b"SQLite format 3\0"


class BackupFault(Exception):
    """Why a backup or a restore could not be made, in one line."""


def _sqlite_path(url: URL) -> Path:
    assert url.database is not None
    return Path(url.database)


def back_up(database_url: str, target: Path) -> None:
    """Write a whole, consistent copy while others go on working. Raises BackupFault."""
    if target.exists():
        raise BackupFault(f"{target} is there already. Name a new file; a backup overwrites nothing.")
    if not target.parent.is_dir():
        raise BackupFault(f"There is no folder {target.parent}.")
    url = make_url(database_url)
    part = target.with_name(f"{target.name}.part")
    try:
        if url.drivername == "sqlite":
            _copy_sqlite(_sqlite_path(url), part)
        else:
            _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", "--file", str(part)])
        _to_disk(part)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)


def restore(database_url: str, source: Path) -> None:
    """Put a backup in the place of the database. The program must not be running. Raises BackupFault."""
    if not source.is_file():
        raise BackupFault(f"There is no file {source}.")
    url = make_url(database_url)
    with source.open("rb") as file:
        is_sqlite = file.read(len(MAGIC)) == MAGIC
    if url.drivername == "sqlite":
        if not is_sqlite:
            raise BackupFault(f"{source} is not a backup of a SQLite database.")
        _check_sqlite(source)
        _put_sqlite(source, _sqlite_path(url))
    else:
        if is_sqlite:
            raise BackupFault(f"{source} is a backup of a SQLite database; this installation runs on PostgreSQL.")
        _run(
            "pg_restore",
            url,
            [
                "--clean",
                "--if-exists",
                "--no-owner",
                "--no-privileges",
                "--single-transaction",
                "--exit-on-error",
                str(source),
            ],
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise BackupFault(f"There is no database at {source} yet.")
    reading, writing = sqlite3.connect(source), sqlite3.connect(target)
    try:
        reading.backup(writing)
    except sqlite3.Error as error:
        raise BackupFault(f"The backup failed: {error}.") from None
    finally:
        reading.close()
        writing.close()


def _check_sqlite(source: Path) -> None:
    connection = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
    try:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise BackupFault(f"{source} is damaged.")
        connection.execute("SELECT version_num FROM alembic_version")
    except sqlite3.Error as error:
        raise BackupFault(f"{source} is not a backup of this program: {error}.") from None
    finally:
        connection.close()


def _put_sqlite(source: Path, target: Path) -> None:
    """Swap the file in one step; a log left over from the old database must not be replayed into the new one."""
    part = target.with_name(f"{target.name}.restoring")
    shutil.copyfile(source, part)
    _to_disk(part)
    for ending in ("-wal", "-shm"):
        target.with_name(f"{target.name}{ending}").unlink(missing_ok=True)
    part.rename(target)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _run(tool: str, url: URL, arguments: list[str]) -> None:
    found = shutil.which(tool)
    if found is None:
        raise BackupFault(
            f"{tool} was not found. It comes with PostgreSQL's client tools; install them, or put them on the PATH."
        )
    address = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ) | ({"PGPASSWORD": str(url.password)} if url.password else {})
    done = subprocess.run([found, "--dbname", address, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it did not say why"]
        raise BackupFault(f"{tool} failed: {lines[-1]}")
