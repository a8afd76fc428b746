"""Console commands as a person at a terminal sees them: one clear line, the right exit code, JSON where asked."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import settings_for
from tests.factories import NOW, actor, make_agreed_site, make_engagement, make_person, make_site, some_work
from tests.postgres import PostgresServer
from tests.server import environment
from tracker import layout
from tracker.app import create_app
from tracker.services.time_entry import book
from tracker.settings import Settings
from tracker.store import schema
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

Done = subprocess.CompletedProcess[str]
REVISIONS = schema.revisions(layout.folder("migrations"))
Tracker = Callable[..., Done]


@pytest.fixture
def tracker(settings: Settings, request: pytest.FixtureRequest) -> Tracker:
    """Run a command on the test's database."""

    def run(*words: str, **over: str) -> Done:
        environ = environment(settings.instance, DATABASE_URL=settings.database_url)
        if not settings.on_sqlite:
            server: PostgresServer = request.getfixturevalue("postgres")
            environ["PATH"] = f"{server.bin_dir}:{environ['PATH']}"
        command = [sys.executable, "-m", "tracker", *words]
        return subprocess.run(command, env=environ | over, capture_output=True, text=True, timeout=60, check=False)

    return run


def test_a_person_is_added_and_let_in_by_the_link_on_the_last_line(app: Flask, tracker: Tracker) -> None:
    done = tracker("person", "add", "--email", "Ann@Example.com", "--name", "Ann", "--role", "engineer")
    assert done.returncode == 0, done.stderr
    link = done.stdout.splitlines()[-1]
    assert link.startswith("http://127.0.0.1:8000/sign-in/")
    again = tracker("person", "add", "--email", "ann@example.com", "--name", "Ann", "--role", "engineer")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == "tracker: Somebody with this e-mail address is here already.\n"
    token = tracker("token", "create", "--email", "ann@example.com", "--scope", "read").stdout
    assert token.startswith("trk_")
    assert len(token.splitlines()) == 1
    assert app.test_client().get("/api/v1/engagements", headers={"Authorization": f"Bearer {token.strip()}"}).status_code == 200
    unknown = tracker("token", "create", "--email", "bob@example.com", "--scope", "read")
    assert (unknown.returncode, unknown.stderr) == (1, "tracker: there is nobody with the e-mail address bob@example.com\n")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL: mysql is not supported. Use SQLite or PostgreSQL."),
        ("BASE_URL", "tracker.example.com", "BASE_URL: not a web address: tracker.example.com"),
        ("SLACK_BOT_TOKEN", "xoxp-1", "SLACK_BOT_TOKEN: such a token begins with xoxb-"),
        ("TRACKER_LEASE", "soon", "TRACKER_LEASE: not a number of seconds"),
        (
            "TRACKER_LEASE",
            "15",
            "TRACKER_LEASE: must be more than twice TRACKER_SLACK_TIMEOUT, or a slow answer looks like a lost worker",
        ),
        (
            "SMTP_URL",
            "mail.example.com",
            "SMTP_URL: write it like smtp://user:password@mail.example.com:587?from=tracker@example.com",
        ),
    ],
)
def test_a_bad_setting_is_one_line(tmp_path: Path, name: str, value: str, line: str) -> None:
    command = [sys.executable, "-m", "tracker", "verify"]
    done = subprocess.run(command, env=environment(tmp_path, **{name: value}), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"tracker: {line}\n")


def test_a_database_that_is_not_migrated_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracker", "verify"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "tracker: the database is not at the newest revision. Run: tracker migrate\n"


def test_backup_restore_verify_brings_back_what_was_there(app: Flask, tracker: Tracker, tmp_path: Path) -> None:
    site, ann, admin = make_agreed_site(), make_person("engineer"), make_person("admin")
    saved = tmp_path / "saved.backup"
    with transaction(db.session, now=NOW):
        book(db.session, actor(admin), some_work(site, 100), now=NOW)
    done = tracker("backup", str(saved), "--json")
    assert (done.returncode, json.loads(done.stdout)["bytes"] > 0) == (0, True), done.stderr
    taken = tracker("backup", str(saved))
    assert (taken.returncode, taken.stderr) == (
        1,
        f"tracker: {saved} is there already. Name a new file; a backup overwrites nothing.\n",
    )

    with transaction(db.session, now=NOW):
        book(db.session, actor(admin), some_work(site, 50), now=NOW)
    db.session.remove()
    db.engine.dispose()
    restored = tracker("restore", str(saved), "--json")
    assert (restored.returncode, json.loads(restored.stdout)["to_look_up"]) == (0, 0), restored.stderr
    assert json.loads(tracker("verify", "--json").stdout) == {"ok": True, "faults": []}
    assert [entry.minutes for entry in db.session.scalars(sa.select(TimeEntry))] == [100]
    assert db.session.get(Person, ann.id) is not None


def test_a_file_that_is_no_backup_changes_nothing(app: Flask, tracker: Tracker, tmp_path: Path) -> None:
    make_person("admin")
    junk = tmp_path / "junk"
    junk.write_bytes(b"SQLite format 3\0 and then nothing")
    refused = tracker("restore", str(junk))
    assert refused.returncode == 1
    assert refused.stderr.startswith("tracker: ")
    assert len(refused.stderr.splitlines()) == 1
    db.session.remove()
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


def test_postgresql_tools_that_are_missing_are_named(settings: Settings, tracker: Tracker, tmp_path: Path) -> None:
    if settings.on_sqlite:
        settings = settings_for(tmp_path / "other", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    done = tracker("backup", str(tmp_path / "x"), DATABASE_URL=settings.database_url, PATH="/nowhere")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "tracker: pg_dump was not found. It comes with PostgreSQL's client tools; install them, or put them on the PATH.\n"
    )


def test_verify_finds_a_counter_that_was_tampered_with(app: Flask, tracker: Tracker) -> None:
    site = make_agreed_site()
    with db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE budget SET booked = 7 WHERE kind = 'known_incompatibility'"))
    done = tracker("verify", "--json")
    assert done.returncode == 1
    (fault,) = json.loads(done.stdout)["faults"]
    assert "counts 7/0 minutes booked/approved, its postings add up to 0/0" in fault
    assert site.id is not None


def take_back_a_step(settings: Settings) -> None:
    """Bring a database to the revision before the newest."""
    older = create_app(settings)
    with older.app_context():
        schema.downgrade(db.engine, layout.folder("migrations"), REVISIONS[-2])
        db.engine.dispose()


def test_migrate_backs_up_first(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "tracker.sqlite")
    command = [sys.executable, "-m", "tracker", "migrate", "--json"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["backup"] is None, "at the newest revision there is nothing to save from"
    take_back_a_step(settings_for(tmp_path))
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    assert said["revision"] == REVISIONS[-1]
    assert Path(said["backup"]).stat().st_size > 0


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_slack_check_speaks_plainly(settings: Settings, tracker: Tracker) -> None:
    assert tracker("slack", "check").stderr == "tracker: Slack is not connected: set SLACK_BOT_TOKEN\n"
    closed = tracker("slack", "check", SLACK_BOT_TOKEN="xoxb-1", SLACK_API_URL="http://127.0.0.1:1/api/")
    assert closed.returncode == 1
    assert closed.stderr.startswith("tracker: Slack cannot be reached")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("moment", ["9999-12-31T00:00:00Z", "0001-01-01T00:00:00+14:00"])
def test_an_absurd_moment_is_one_line(tracker: Tracker, app: Flask, moment: str) -> None:
    done = tracker("remind", "--now", moment)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"tracker: --now: the year {moment[:4]} is not plausible\n"


def test_migrate_without_a_backup_of_ours_makes_none(settings: Settings, tracker: Tracker) -> None:
    take_back_a_step(settings)
    refused = tracker("migrate", PATH="/nowhere")
    assert refused.returncode == (0 if settings.on_sqlite else 1)
    done = tracker("migrate", "--no-backup", "--json", PATH="/nowhere")
    assert json.loads(done.stdout) == {"revision": REVISIONS[-1], "backup": None}


def test_the_catalogue_has_one_version_and_says_so(tmp_path: Path) -> None:
    """No database is needed to compare versions."""
    for words, line in (
        (("catalog", "diff"), "There is one version, 1: nothing to compare.\n"),
        (("catalog", "diff", "--json"), '{"from": null, "to": 1, "parts": {}}\n'),
        (("catalog", "diff", "--from", "1"), "Versions 1 and 1 say the same.\n"),
    ):
        command = [sys.executable, "-m", "tracker", *words]
        done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, line, "")
    command = [sys.executable, "-m", "tracker", "catalog", "diff", "--to", "7"]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "tracker: there is no catalogue 7. There is: 1\n")


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_an_inventory_is_tried_then_imported_and_a_bad_one_is_one_line(app: Flask, tracker: Tracker, tmp_path: Path) -> None:
    site, file = make_site(make_engagement()), tmp_path / "list.csv"
    db.session.remove()
    file.write_text("slug,version\nakismet,5\n=x,1\n")
    command = ("inventory", "import", str(site.id), str(file))
    tried = json.loads(tracker(*command, "--dry-run", "--json").stdout)
    assert tried["accepted"] == [{"row": 2, "slug": "akismet", "change": "added"}]
    assert [(each["row"], each["column"], each["value"]) for each in tried["rejected"]] == [(3, "slug", "=x")]
    done = tracker(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "list.csv (csv): 1 added."
    assert tracker(*command).stdout.splitlines()[-1] == "list.csv (csv): 1 unchanged."
    file.write_text("<html>")
    page = tracker(*command)
    assert page.returncode == 1
    assert page.stderr.startswith("tracker: This is a web page")
    assert len(page.stderr.splitlines()) == 1
