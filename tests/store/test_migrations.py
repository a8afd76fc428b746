"""Migrations: one line of them, each up and down with data, and at its end exactly what the models say."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask

from tests.conftest import ENGINES, settings_for
from tests.migrations_check import differences
from tests.postgres import PostgresServer
from tracker import layout
from tracker.app import create_app
from tracker.settings import Settings
from tracker.store import schema
from tracker.store.database import db
from tracker.store.identity import new_id

SCRIPTS = layout.folder("migrations")
REVISIONS = schema.revisions(SCRIPTS)
TIME = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
CHANGE_REQUEST = new_id()
CUSTOMER, PERSON, ENGAGEMENT, SITE, BLOCK, POOL, ALLOWANCE, ENTRY, PS_ENTRY, DEADLINE, NOTICE = (new_id() for _ in range(11))
FREEZE, ROUND = new_id(), new_id()
PATH = new_id()
COLLEAGUE = new_id()

# Rows in plain values, by the revision that makes room for them. Columns are named, so that later ones may be added.
ROWS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "0001": [
        ("audit_chain", {"chain": "installation", "seq": 1, "hash": "h"}),
        (
            "audit_entry",
            {
                "id": new_id(), "chain": "installation", "seq": 1, "at": TIME, "actor_id": None, "actor_name": "Ann",
                "action": "a", "subject_type": "t", "subject_id": None, "payload": '{"a": 1}', "salt": "s",
                "payload_hash": "p", "previous_hash": "0", "hash": "h",
            },
        ),
        ("request_key", {"scope": "s", "key": "k", "fingerprint": "f", "response": '{"status": 201}', "created_at": TIME}),
        ("setting", {"name": "n", "value": "1"}),
        ("heartbeat", {"job": "plan", "ran_at": TIME, "node": "n"}),
    ],
    "0002": [
        ("customer", {"id": CUSTOMER, "name": "Köln 🚀", "name_key": "köln 🚀", "country": "DE", "version": 1}),
        (
            "person",
            {
                "id": PERSON, "email": "ann@example.com", "name": "Ann", "role": "admin", "customer_id": None,
                "password_hash": None, "slack_user_id": None, "time_zone": "UTC", "theme": "system", "created_at": TIME,
                "deactivated_at": None, "last_signed_in_at": None, "version": 1,
            },
        ),
        (
            "person",
            {
                "id": COLLEAGUE, "email": "ben@example.com", "name": "BÉN", "role": "engineer",
                "customer_id": None, "password_hash": None, "slack_user_id": None, "time_zone": "UTC", "theme": "system",
                "created_at": TIME, "deactivated_at": None, "last_signed_in_at": None, "version": 1,
            },
        ),
    ],
    "0003": [
        (
            "engagement",
            {
                "id": ENGAGEMENT, "customer_id": CUSTOMER, "name": "M", "type": "managed", "time_zone": "UTC",
                "slack_channel": "C1", "internal_slack_channel": None, "manager_id": PERSON, "account_rep": None,
                "status": "active", "requirements_version": 1, "created_at": TIME, "version": 1,
            },
        ),
        (
            "site",
            {
                "id": SITE, "engagement_id": ENGAGEMENT, "name": "Shop", "url": "https://a.example", "url_key": "a.example",
                "cms": "wordpress", "cms_variant": None, "cms_version": None, "plan": None, "package": "standard",
                "premium_option": None, "upstream_choice": None, "network": True, "multisite_decision": None, "facts": "{}",
                "stage": "listed", "listed_in_version": 1, "created_at": TIME, "version": 1,
            },
        ),
    ],
    "0004": [
        (
            "ps_block",
            {
                "id": BLOCK, "engagement_id": ENGAGEMENT, "limit_minutes": 240, "booked": 60, "approved": 0, "reference": "Q",
                "purchased_on": DAY, "created_at": TIME, "version": 1,
            },
        ),
        (
            "budget",
            {
                "id": POOL, "engagement_id": ENGAGEMENT, "site_id": None, "kind": "ps", "limit_minutes": 240, "booked": 60,
                "approved": 0,
            },
        ),
        (
            "budget",
            {
                "id": ALLOWANCE, "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "known_incompatibility",
                "limit_minutes": 300, "booked": 60, "approved": 60,
            },
        ),
        *(
            (
                "time_entry",
                {
                    "id": entry, "engagement_id": ENGAGEMENT, "site_id": SITE, "person_id": PERSON, "worked_on": DAY,
                    "minutes": 60, "kind": kind, "activity": "research", "known_issue_id": None, "ps_kind": "custom-upstream",
                    "note": "", "state": state, "split_from_id": None, "reverses_id": None, "created_at": TIME,
                    "decided_by": None, "decided_at": None, "decision_reason": None,
                },
            )
            for entry, kind, state in ((ENTRY, "known_incompatibility", "approved"), (PS_ENTRY, "ps", "draft"))
        ),
        (
            "posting",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "entry_id": ENTRY, "site_id": SITE, "budget_id": ALLOWANCE,
                "block_id": None, "minutes": 60, "approved_minutes": 60, "at": TIME,
            },
        ),
        (
            "posting",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "entry_id": PS_ENTRY, "site_id": None, "budget_id": POOL,
                "block_id": BLOCK, "minutes": 60, "approved_minutes": 0, "at": TIME,
            },
        ),
    ],
    "0005": [
        (
            "deadline",
            {
                "id": DEADLINE, "engagement_id": ENGAGEMENT, "site_id": None, "kind": "kickoff", "title": "Kick-off",
                "due_on": DAY, "due_at": None, "opens_on": None, "day": DAY, "source": "manual", "anchor": None,
                "offset_days": None, "reason": None, "owner_id": None, "done_at": None, "done_by": None,
                "withdrawn_at": None, "replan_at": None, "created_at": TIME, "version": 1,
            },
        ),
        (
            "notice",
            {
                "id": NOTICE, "engagement_id": ENGAGEMENT, "site_id": None, "deadline_id": DEADLINE, "key": "k", "kind": "k.1d",
                "audience": "customer", "channel": "C1", "headline": "h", "text": "t", "facts": "[]", "path": "/",
                "mention": None, "due_at": TIME, "useless_after": TIME, "state": "planned", "reason": None, "next_at": TIME,
                "fence": 0, "lease_until": None, "lease_owner": None, "attempts": 0, "first_attempt_at": None,
                "last_attempt_at": None, "absent_seen": 0, "repeats": 0, "body": None, "slack_ts": None, "last_error": None,
                "settled_at": None, "created_at": TIME,
            },
        ),
        ("delivery_attempt", {"id": new_id(), "notice_id": NOTICE, "fence": 1, "at": TIME, "outcome": "sent", "detail": None}),
    ],
    "0007": [
        (
            "scope_item",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "item": "email-external", "title": "Mail",
                "category": "email", "decision": "undecided", "clause": "c", "source": "s", "route": None, "reason": "r",
                "by_rule": True, "decided_by": None, "decided_at": TIME, "proposed_decision": None, "proposed_reason": None,
                "proposed_by": None, "due_before": "uat", "work_state": "planned", "work_reason": None, "evidence": "",
                "created_at": TIME, "version": 1,
            },
        ),
        (
            "question",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "text": "Mail?", "fact": "sends_email",
                "side": "customer", "owner_id": PERSON, "due_on": DAY, "state": "open", "asked_by": None, "asked_at": TIME,
                "answer": None, "answered_by": None, "answered_at": None, "version": 1,
            },
        ),
        (
            "risk",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": None, "title": "DNS", "severity": "warns",
                "mitigation": "m", "audience": "internal", "owner_id": PERSON, "due_on": DAY, "state": "open",
                "outcome": None, "raised_by": PERSON, "raised_at": TIME, "closed_at": None, "version": 1,
            },
        ),
    ],
    "0008": [
        (
            "duty",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "uat", "title": "Test", "owner_id": PERSON,
                "deadline_id": DEADLINE, "state": "done", "evidence": "Signed", "done_at": TIME, "done_by": PERSON,
                "waived_reason": None, "created_at": TIME, "version": 1,
            },
        ),
        (
            "freeze",
            {
                "id": FREEZE, "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "code", "deadline_id": DEADLINE,
                "ends_at": None, "answer": "freeze", "answered_by": PERSON, "answered_at": TIME, "ended_at": None,
                "created_at": TIME, "version": 1,
            },
        ),
        (
            "freeze_override",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "freeze_id": FREEZE, "what": "w", "reason": "r", "until": None,
                "by": PERSON, "at": TIME,
            },
        ),
        (
            "uat_round",
            {
                "id": ROUND, "engagement_id": ENGAGEMENT, "site_id": SITE, "number": 1, "state": "open",
                "testers": '[{"name": "Ann"}]', "opened_at": TIME, "closed_at": None, "closed_by": None, "reason": None,
                "version": 1,
            },
        ),
        (
            "defect",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "round_id": ROUND, "title": "t", "details": "",
                "classification": "pre_existing", "state": "open", "source_checked": "s", "reported_by": PERSON,
                "reported_at": TIME, "version": 1,
            },
        ),
    ],
    "0009": [
        (
            "site_path",
            {
                "id": PATH, "engagement_id": ENGAGEMENT, "site_id": SITE, "runbook": "wordpress-guided-2017",
                "catalogue_version": 1, "reason": "An old ticket", "chosen_by": PERSON, "chosen_at": TIME, "state": "failed",
                "ended_at": TIME, "fault": "cdn-blocks-post", "failure": "POST not allowed", "version": 2,
            },
        ),
        (
            "path_step",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "path_id": PATH, "site_id": SITE, "position": 1, "step": "account",
                "inputs": '{"account_email": "ann@example.com"}', "confirmed": '["account.1"]', "evidence": "Ann’s account",
                "finished_by": PERSON, "finished_at": TIME, "on_behalf": True, "skipped_reason": None, "version": 2,
            },
        ),
        (
            "target_site",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "name": "acme-shop", "taken_at": TIME,
                "released_at": None,
            },
        ),
        (
            "helped_migration",
            {
                "id": new_id(), "customer_id": CUSTOMER, "number": 5, "engagement_id": ENGAGEMENT, "site_path_id": PATH,
                "helped_at": TIME, "helped_by": PERSON, "note": "It timed out",
            },
        ),
    ],
    "0011": [
        (
            "inventory_item",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "plugin", "slug": "Akismet",
                "slug_key": "akismet", "name": "Akismet", "installed_version": "5", "status": "active", "source": "csv",
                "first_seen_at": TIME, "changed_at": TIME, "removed_at": None, "verdict": None, "verdict_by": None,
                "verdict_at": None, "verdict_note": "", "estimate_minutes": None, "estimate_by": None, "version": 1,
            },
        ),
        (
            "inventory_import",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "source": "csv", "file_name": "a.csv",
                "digest": "d", "complete": False, "accepted": '{"added": 1}', "rejected": "[]", "imported_by": PERSON,
                "imported_at": TIME,
            },
        ),
        (
            "upload",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": None, "purpose": "sites", "file_name": None,
                "content": "{}", "sent_by": PERSON, "sent_at": TIME, "expires_at": TIME,
            },
        ),
    ],
    "0012": [
        (
            "comment",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": SITE, "audience": "internal", "text": "Ah 🚀",
                "author_id": PERSON, "at": TIME, "withdrawn_at": None,
            },
        ),
        (
            "engagement_link",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "site_id": None, "kind": "test_script", "title": "T",
                "url": "https://a.example/t", "audience": "customer", "added_by": PERSON, "added_at": TIME, "removed_at": None,
                "version": 1,
            },
        ),
        (
            "kickoff_record",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "held_on": DAY, "notes": "n", "internal_notes": "",
                "attendees": "[]", "recorded_by": PERSON, "recorded_at": TIME, "version": 1,
            },
        ),
        (
            "weekly_update",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "week_of": DAY, "text": "u", "author_id": PERSON,
                "state": "posted", "created_at": TIME, "posted_by": PERSON, "posted_at": TIME, "version": 2,
            },
        ),
    ],
    "0013": [
        (
            "cover",
            {
                "id": new_id(), "person_id": PERSON, "cover_id": COLLEAGUE, "from_on": DAY, "until_on": DAY, "starts_at": TIME,
                "ends_at": datetime(2026, 3, 3, 12, tzinfo=UTC), "note": "", "made_by": None, "made_at": TIME, "ended_at": None,
            },
        ),
    ],
    "0014": [
        (
            "hours_lock",
            {"id": new_id(), "engagement_id": ENGAGEMENT, "through": DAY, "reason": "billed", "by": PERSON, "at": TIME},
        ),
        (
            "timer",
            {
                "person_id": PERSON, "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "ps", "activity": None,
                "known_issue_id": None, "ps_kind": "custom-upstream", "note": "n", "started_at": TIME, "version": 1,
            },
        ),
        (
            "unplaced_time",
            {
                "id": new_id(), "person_id": PERSON, "engagement_id": ENGAGEMENT, "site_id": SITE, "kind": "ps",
                "activity": None, "known_issue_id": None, "ps_kind": "custom-upstream", "note": "n", "started_at": TIME,
                "stopped_at": TIME, "worked_on": DAY, "minutes": 60, "refused": "0 min left", "placed_id": None,
                "settled_at": None, "settled_by": None, "discard_reason": None,
            },
        ),
        (
            "hours_upload",
            {
                "id": new_id(), "file_name": "march.csv", "content": "{}", "sent_by": PERSON, "sent_at": TIME,
                "expires_at": TIME, "imported_at": None,
            },
        ),
    ],
    "0015": [
        (
            "message_edit",
            {
                "notice_id": NOTICE, "wanted": 2, "done": 1, "next_at": TIME, "lease_until": None, "attempts": 1,
                "last_error": None,
            },
        ),
        (
            "slack_thread",
            {"id": new_id(), "engagement_id": ENGAGEMENT, "channel": "C1", "stage": "uat", "notice_id": NOTICE},
        ),
        (
            "channel",
            {
                "channel": "C1", "name": "m", "is_private": True, "is_external": True, "is_archived": False,
                "is_member": True, "problem": None, "checked_at": TIME,
            },
        ),
        ("channel_member", {"channel": "C1", "slack_user_id": "U1", "seen_at": TIME}),
        (
            "account_link",
            {
                "id": new_id(), "token_hash": "t", "slack_user_id": "U2", "slack_team_id": "T2", "created_at": TIME,
                "expires_at": TIME, "used_at": None, "person_id": None,
            },
        ),
        (
            "worker",
            {"id": new_id(), "node": "n", "started_at": TIME, "beat_at": TIME, "stopped_at": None, "versions": "{}"},
        ),
        (
            "day_off",
            {
                "id": new_id(), "customer_id": CUSTOMER, "day": DAY, "name": "Rosenmontag", "source": "ics",
                "created_by": PERSON, "created_at": TIME,
            },
        ),
        (
            "engagement_preference",
            {
                "engagement_id": ENGAGEMENT, "ladders": "{}", "weekly_digest": True, "daily_digest": True, "digest_hour": 9,
                "quiet_from": None, "quiet_until": None, "working_days": None, "version": 1,
            },
        ),
        (
            "person_preference",
            {
                "person_id": PERSON, "mail": "never", "digest_hour": None, "quiet_from": None, "quiet_until": None,
                "working_days": "[0, 1]", "version": 1,
            },
        ),
        ("team_digest", {"channel": "C1", "next_at": TIME}),
    ],
    "0010": [
        (
            "change_request",
            {
                "id": CHANGE_REQUEST, "engagement_id": ENGAGEMENT, "number": 1, "title": "Four hours more", "reason": "",
                "changes": '[{"kind": "ps_hours", "minutes": 240, "reference": "Q-1"}]', "estimate_minutes": 240, "state": "open",
                "raised_by": PERSON, "raised_at": TIME, "team_approved_by": None, "team_approved_at": None,
                "customer_approved_by": None, "customer_approved_at": None, "customer_foresaw": None, "decided_by": None,
                "decided_at": None, "decision_reason": None, "applied_at": None, "told": None,
                "requirements_version_before": None, "requirements_version_after": None, "version": 1,
            },
        ),
        (
            "change_request_step",
            {
                "id": new_id(), "engagement_id": ENGAGEMENT, "request_id": CHANGE_REQUEST, "at": TIME, "by": PERSON,
                "what": "raised", "note": "",
            },
        ),
    ],
}  # fmt: skip


@pytest.fixture(params=ENGINES)
def blank(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Flask]:
    """An application on a database in which there is nothing yet."""
    if request.param == "sqlite":
        app = create_app(settings_for(tmp_path))
        drop = None
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"blank_{new_id().hex}"
        server.create_database(name)
        app, drop = create_app(settings_for(tmp_path, server.url(name))), (server, name)
    with app.app_context():
        yield app
        db.engine.dispose()
    if drop:
        drop[0].drop_database(drop[1])


def reflected(connection: sa.Connection) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return {name: table for name, table in metadata.tables.items() if name != "alembic_version"}


def plain(value: Any) -> Any:
    """A value as the engine's own column takes it: SQLite keeps ids as 32 digits and moments without a zone."""
    if db.engine.dialect.name == "sqlite":
        if isinstance(value, UUID):
            return value.hex
        if isinstance(value, datetime):
            return value.replace(tzinfo=None)
    return value


def fill(revision: str) -> None:
    """Insert the rows of a revision, in plain SQL."""
    types: dict[type, sa.types.TypeEngine[Any]] = {datetime: sa.DateTime(timezone=True), date: sa.Date()}
    with db.engine.begin() as connection:
        for table, row in ROWS.get(revision, []):
            names = ", ".join(f'"{name}"' for name in row)
            json_columns = {
                "accepted",
                "attendees",
                "body",
                "changes",
                "confirmed",
                "content",
                "customer_foresaw",
                "facts",
                "inputs",
                "ladders",
                "payload",
                "rejected",
                "response",
                "testers",
                "told",
                "value",
                "versions",
                "working_days",
            }
            cast = "CAST(:{0} AS JSON)" if db.engine.dialect.name == "postgresql" else ":{0}"
            values = ", ".join((cast if name in json_columns else ":{0}").format(name) for name in row)
            typed = [sa.bindparam(name, type_=types[type(value)]) for name, value in row.items() if type(value) in types]
            statement = sa.text(f'INSERT INTO "{table}" ({names}) VALUES ({values})').bindparams(*typed)
            connection.execute(statement, {name: plain(value) for name, value in row.items()})


Row = dict[str, str | None]


def contents() -> dict[str, list[Row]]:
    """Every row of every table, column by column, as text."""
    with db.engine.connect() as connection:
        found = {}
        for name, table in reflected(connection).items():
            # As text: what the engine holds, and not what a type makes of it.
            columns = [sa.cast(sa.literal_column(f'"{column.name}"'), sa.String) for column in table.columns]
            names = [column.name for column in table.columns]
            rows = connection.execute(sa.select(*columns).select_from(table)).all()
            found[name] = in_order([dict(zip(names, row, strict=True)) for row in rows])
        return found


def in_order(rows: list[Row]) -> list[Row]:
    """Rows in an order that their columns' own does not change."""
    return sorted(rows, key=lambda row: repr(sorted(row.items())))


def surviving(rows: list[Row], left: list[Row]) -> list[Row]:
    """The rows with those columns only that are left."""
    kept = set(left[0]) if left else set()
    return in_order([{name: value for name, value in row.items() if name in kept} for row in rows])


def test_there_is_one_line_of_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    scripts = ScriptDirectory.from_config(config)
    assert len(scripts.get_heads()) == 1
    assert [f"{number:04}" for number in range(1, len(REVISIONS) + 1)] == REVISIONS
    assert [script.revision for script in reversed(list(scripts.walk_revisions()))] == REVISIONS


def test_every_migration_goes_up_and_down_and_up_again_with_data(blank: Flask) -> None:
    before: dict[str, dict[str, list[Row]]] = {}
    for revision in REVISIONS:
        schema.upgrade(db.engine, SCRIPTS, revision)
        fill(revision)
        before[revision] = contents()
    assert sum(len(rows) for rows in before[REVISIONS[-1]].values()) == sum(len(rows) for rows in ROWS.values())
    for newer, older in zip(reversed(REVISIONS), [*reversed(REVISIONS[:-1]), None], strict=True):
        schema.downgrade(db.engine, SCRIPTS, older or "base")
        now = contents()
        assert now == {table: surviving(before[newer][table], rows) for table, rows in now.items()}, (
            f"what survives {newer} is unchanged"
        )
        assert set(now) == (set(before[older]) if older else set())
        assert schema.current(db.engine) == older
    schema.upgrade(db.engine, SCRIPTS)
    assert {name: rows for name, rows in contents().items() if rows} == {}
    assert schema.current(db.engine) == schema.head(SCRIPTS)


def test_each_step_alone_can_be_taken_back_and_repeated_with_data(blank: Flask) -> None:
    previous = "base"
    for revision in REVISIONS:
        schema.upgrade(db.engine, SCRIPTS, revision)
        at_first = contents()
        schema.downgrade(db.engine, SCRIPTS, previous)
        schema.upgrade(db.engine, SCRIPTS, revision)
        assert contents() == at_first
        fill(revision)
        previous = revision


def test_the_migrations_make_what_the_models_say(settings: Settings, app: Flask) -> None:
    assert differences(db.engine) == []


def test_a_difference_is_found(app: Flask) -> None:
    with db.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE setting ADD COLUMN colour VARCHAR"))
    assert differences(db.engine) == ["remove_column: setting.colour"]
