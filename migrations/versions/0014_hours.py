"""Hours: drafts that may be mended, months that are closed, blocks that end, a timer, and time that waits for a place."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COUNTERS = "0 <= approved AND approved <= booked AND booked <= limit_minutes"
COUNTERS_WITH_LAPSED = "0 <= approved AND approved <= booked AND 0 <= lapsed_minutes AND booked + lapsed_minutes <= limit_minutes"
# What never changes of an entry, and what does while it is a draft only.
ALWAYS = (
    "id", "engagement_id", "site_id", "person_id", "kind", "split_from_id", "reverses_id", "moved_from_id", "import_key",
    "created_at",
)  # fmt: skip
ONCE_SUBMITTED = ("worked_on", "minutes", "activity", "known_issue_id", "ps_kind", "note")
BEFORE = ("id", "engagement_id", "site_id", "person_id", "worked_on", "minutes", "kind", "activity", "known_issue_id",
          "ps_kind", "note", "split_from_id", "reverses_id", "created_at")  # fmt: skip
# Requirements in force without the customer's name, and since when.
UNSIGNED = """
UPDATE engagement SET unsigned_since = (
  SELECT r.agreed_at FROM project_requirements r
  WHERE r.engagement_id = engagement.id AND r.version = engagement.requirements_version AND NOT EXISTS (
    SELECT 1 FROM signature s WHERE s.engagement_id = r.engagement_id AND s.subject = 'requirements' AND s.hash = r.hash
  )
)
"""


def upgrade() -> None:
    _add_columns()
    _add_tables()
    op.drop_index("ix_time_entry_person", table_name="time_entry")
    op.create_index("ix_time_entry_person", "time_entry", ["person_id", "worked_on", "state", "minutes"], unique=False)
    op.create_index("ix_time_entry_day", "time_entry", ["worked_on", "engagement_id", "state", "minutes"], unique=False)
    _drop_trigger("time_entry", "time_entry_no_update")
    _guard_entries(ALWAYS, ONCE_SUBMITTED)
    _guard_closed_days()
    _guard_append_only("hours_lock")


def _add_columns() -> None:
    op.add_column("engagement", sa.Column("hours_locked_through", sa.Date(), nullable=True))
    op.add_column("engagement", sa.Column("unsigned_since", sa.DateTime(timezone=True), nullable=True))
    op.execute(UNSIGNED)
    unsigned = sa.text("unsigned_since IS NOT NULL")
    op.create_index(
        "ix_engagement_unsigned",
        "engagement",
        ["unsigned_since", "id"],
        unique=False,
        sqlite_where=unsigned,
        postgresql_where=unsigned,
    )
    task = sa.text("withdrawn_at IS NULL AND done_at IS NULL AND kind NOT IN ('code_freeze', 'content_freeze')")
    op.create_index("ix_deadline_task", "deadline", ["day", "id"], unique=False, sqlite_where=task, postgresql_where=task)
    op.add_column("agreement", sa.Column("ps_valid_days", sa.Integer(), nullable=True))
    op.add_column("agreement", sa.Column("ps_carry_over", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("time_entry", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("time_entry", sa.Column("moved_from_id", sa.Uuid(), nullable=True))
    op.add_column("time_entry", sa.Column("import_key", sa.String(), nullable=True))
    op.create_index("uq_time_entry_moved_from", "time_entry", ["moved_from_id"], unique=True)
    op.create_index("uq_time_entry_import_key", "time_entry", ["import_key"], unique=True)
    split = sa.text("split_from_id IS NOT NULL")
    op.create_index(
        "ix_time_entry_split", "time_entry", ["split_from_id"], unique=False, sqlite_where=split, postgresql_where=split
    )
    with op.batch_alter_table("ps_block") as table:
        table.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("carries_over", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("lapsed_minutes", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("lapsed_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("turn_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("voided_by", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("void_reason", sa.String(), nullable=True))
        table.create_foreign_key(op.f("fk_ps_block_voided_by"), "person", ["voided_by"], ["id"])
        table.drop_constraint(op.f("ck_ps_block_within_limit"), type_="check")
        table.create_check_constraint(op.f("ck_ps_block_within_limit"), COUNTERS_WITH_LAPSED)
        table.create_check_constraint(op.f("ck_ps_block_void_is_empty"), "voided_at IS NULL OR booked = 0")
        table.create_check_constraint(op.f("ck_ps_block_void_is_explained"), "(voided_at IS NULL) = (void_reason IS NULL)")
    waits = sa.text("turn_at IS NOT NULL")
    op.create_index("ix_ps_block_turn", "ps_block", ["turn_at"], unique=False, sqlite_where=waits, postgresql_where=waits)


def _work() -> list[sa.Column[Any]]:
    """What a timer and time without a place say of the work, as an entry does."""
    return [
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("activity", sa.String(), nullable=True),
        sa.Column("known_issue_id", sa.String(), nullable=True),
        sa.Column("ps_kind", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
    ]


def _add_tables() -> None:
    op.create_table(
        "hours_lock",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("through", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_hours_lock_by")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_hours_lock_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_lock")),
    )
    op.create_index("ix_hours_lock_engagement", "hours_lock", ["engagement_id", "id"], unique=False)
    op.create_table(
        "timer",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        *_work(),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_timer_person_id")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_timer_engagement_id")
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_timer")),
    )
    op.create_table(
        "unplaced_time",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        *_work(),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("refused", sa.String(), nullable=False),
        sa.Column("placed_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.Uuid(), nullable=True),
        sa.Column("discard_reason", sa.String(), nullable=True),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_unplaced_time_minutes_positive")),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (placed_id IS NULL AND discard_reason IS NULL)", name=op.f("ck_unplaced_time_settled_once")
        ),
        sa.CheckConstraint("placed_id IS NULL OR discard_reason IS NULL", name=op.f("ck_unplaced_time_placed_or_discarded")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_unplaced_time_person_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["person.id"], name=op.f("fk_unplaced_time_settled_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_unplaced_time_engagement_id")
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "placed_id"],
            ["time_entry.engagement_id", "time_entry.id"],
            name=op.f("fk_unplaced_time_engagement_id_placed_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unplaced_time")),
    )
    op.create_table(
        "hours_upload",
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_hours_upload_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_upload")),
    )
    op.create_index(op.f("ix_hours_upload_expires_at"), "hours_upload", ["expires_at"], unique=False)
    waiting = sa.text("settled_at IS NULL")
    op.create_index(
        "ix_unplaced_time_waiting",
        "unplaced_time",
        ["person_id", "id"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )


def _guard_entries(always: tuple[str, ...], once_submitted: tuple[str, ...]) -> None:
    """What was worked never changes; where `once_submitted` names columns, those may until the entry is handed in."""
    sqlite = op.get_bind().dialect.name == "sqlite"
    differs = "NEW.{0} IS NOT OLD.{0}" if sqlite else "NEW.{0} IS DISTINCT FROM OLD.{0}"
    changed = " OR ".join(differs.format(column) for column in always)
    if once_submitted:
        late = " OR ".join(differs.format(column) for column in once_submitted)
        changed += f" OR (NOT (OLD.state = 'draft' AND NEW.state = 'draft') AND ({late}))"
    if sqlite:
        op.execute(
            f"CREATE TRIGGER time_entry_no_update BEFORE UPDATE ON time_entry WHEN {changed} "
            "BEGIN SELECT RAISE(ABORT, 'time_entry is append-only'); END"
        )
        return
    op.execute(
        f"CREATE TRIGGER time_entry_no_update BEFORE UPDATE ON time_entry FOR EACH ROW WHEN ({changed}) "
        "EXECUTE FUNCTION refuse_change()"
    )


def _guard_closed_days() -> None:
    """No entry appears or changes on a day that is closed, whatever door it comes through."""
    if op.get_bind().dialect.name == "sqlite":
        day = "SELECT 1 FROM engagement WHERE id = NEW.engagement_id AND hours_locked_through >= {day}"
        for word, days in (("insert", ("NEW.worked_on",)), ("update", ("NEW.worked_on", "OLD.worked_on"))):
            closed = " OR ".join(f"EXISTS ({day.format(day=each)})" for each in days)
            op.execute(
                f"CREATE TRIGGER time_entry_closed_{word} BEFORE {word.upper()} ON time_entry WHEN {closed} "
                "BEGIN SELECT RAISE(ABORT, 'the hours of that day are closed'); END"
            )
        return
    op.execute(
        """CREATE FUNCTION refuse_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF EXISTS (SELECT 1 FROM engagement WHERE id = NEW.engagement_id AND (hours_locked_through >= NEW.worked_on
            OR (TG_OP = 'UPDATE' AND hours_locked_through >= OLD.worked_on)))
        THEN RAISE EXCEPTION 'the hours of that day are closed' USING ERRCODE = 'check_violation'; END IF;
        RETURN NEW; END $$"""
    )
    for word in ("insert", "update"):
        op.execute(
            f"CREATE TRIGGER time_entry_closed_{word} BEFORE {word.upper()} ON time_entry "
            "FOR EACH ROW EXECUTE FUNCTION refuse_closed_day()"
        )


def _guard_append_only(table: str) -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for word in ("delete", "update"):
        refuse = (
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            if sqlite
            else "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"CREATE TRIGGER {table}_no_{word} BEFORE {word.upper()} ON {table} {refuse}")


def _drop_trigger(table: str, trigger: str) -> None:
    suffix = "" if op.get_bind().dialect.name == "sqlite" else f" ON {table}"
    op.execute(f"DROP TRIGGER {trigger}{suffix}")


def downgrade() -> None:
    for word in ("insert", "update"):
        _drop_trigger("time_entry", f"time_entry_closed_{word}")
        _drop_trigger("hours_lock", f"hours_lock_no_{'delete' if word == 'insert' else word}")
    _drop_trigger("time_entry", "time_entry_no_update")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_closed_day()")
    for name in ("hours_upload", "unplaced_time", "timer", "hours_lock"):
        op.drop_table(name)
    op.drop_index("ix_ps_block_turn", table_name="ps_block")
    with op.batch_alter_table("ps_block") as table:
        for check in ("void_is_explained", "void_is_empty", "within_limit"):
            table.drop_constraint(op.f(f"ck_ps_block_{check}"), type_="check")
        table.drop_constraint(op.f("fk_ps_block_voided_by"), type_="foreignkey")
        for column in (
            "void_reason",
            "voided_by",
            "voided_at",
            "turn_at",
            "lapsed_at",
            "lapsed_minutes",
            "carries_over",
            "expires_on",
        ):
            table.drop_column(column)
        table.create_check_constraint(op.f("ck_ps_block_within_limit"), COUNTERS)
    op.drop_index("ix_deadline_task", table_name="deadline")
    op.drop_index("ix_engagement_unsigned", table_name="engagement")
    for index in (
        "uq_time_entry_moved_from",
        "uq_time_entry_import_key",
        "ix_time_entry_split",
        "ix_time_entry_day",
        "ix_time_entry_person",
    ):
        op.drop_index(index, table_name="time_entry")
    op.create_index("ix_time_entry_person", "time_entry", ["person_id", "worked_on", "id"], unique=False)
    for name, columns in (
        ("time_entry", ("version", "moved_from_id", "import_key")),
        ("agreement", ("ps_valid_days", "ps_carry_over")),
        ("engagement", ("hours_locked_through", "unsigned_since")),
    ):
        for column in columns:
            op.drop_column(name, column)
    _guard_entries(BEFORE, ())
