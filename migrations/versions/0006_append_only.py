"""Triggers that keep what was written: append-only tables, and work that changes by reversal only."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

APPEND_ONLY = ("posting", "project_requirements", "signature", "delivery_attempt")
# What never changes of a row whose other columns may: a payload can be erased, an entry decided on.
FIXED = {
    "audit_entry": (
        "id", "chain", "seq", "at", "actor_id", "actor_name", "action", "subject_type", "subject_id",
        "payload_hash", "previous_hash", "hash",
    ),
    "time_entry": (
        "id", "engagement_id", "site_id", "person_id", "worked_on", "minutes", "kind", "activity", "known_issue_id",
        "ps_kind", "note", "split_from_id", "reverses_id", "created_at",
    ),
}  # fmt: skip


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _guard_sqlite()
    else:
        _guard_postgresql()


def _guard_sqlite() -> None:
    for table in (*APPEND_ONLY, *FIXED):
        op.execute(
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    for table, columns in FIXED.items():
        changed = " OR ".join(f"NEW.{column} IS NOT OLD.{column}" for column in columns)
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN {changed} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )
    op.execute(
        "CREATE TRIGGER audit_entry_erase_only BEFORE UPDATE ON audit_entry "
        "WHEN NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL "
        "BEGIN SELECT RAISE(ABORT, 'audit_entry is append-only'); END"
    )


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in (*APPEND_ONLY, *FIXED):
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    for table in APPEND_ONLY:
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    for table, columns in FIXED.items():
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
        op.execute(
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW WHEN ({changed}) "
            "EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER audit_entry_erase_only BEFORE UPDATE ON audit_entry FOR EACH ROW "
        "WHEN (NEW.payload IS NOT NULL OR NEW.salt IS NOT NULL) EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    suffix = "" if op.get_bind().dialect.name == "sqlite" else " ON {table}"
    triggers = [(table, f"{table}_{word}") for table in (*APPEND_ONLY, *FIXED) for word in ("no_delete", "no_update")]
    for table, trigger in [*triggers, ("audit_entry", "audit_entry_erase_only")]:
        op.execute(f"DROP TRIGGER {trigger}{suffix.format(table=table)}")
    if suffix:
        op.execute("DROP FUNCTION refuse_change()")
