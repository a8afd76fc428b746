"""Duties of the customer, freezes with their answers, rounds of UAT with their defects."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uat_round",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("testers", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name=op.f("ck_uat_round_closed_when")),
        sa.CheckConstraint("state <> 'signed' OR closed_by IS NOT NULL", name=op.f("ck_uat_round_signed_by_somebody")),
        sa.CheckConstraint("state IN ('open', 'signed', 'rejected', 'lapsed')", name=op.f("ck_uat_round_state_known")),
        sa.CheckConstraint("number > 0", name=op.f("ck_uat_round_number_positive")),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_uat_round_closed_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_uat_round_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_uat_round_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uat_round")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_uat_round_engagement_id_id")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_uat_round_site_id_number")),
    )
    op.create_index("ix_uat_round_engagement", "uat_round", ["engagement_id", "state"], unique=False)
    op.create_index(
        "uq_uat_round_open",
        "uat_round",
        ["site_id"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )

    op.create_table(
        "defect",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("round_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("classification", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("source_checked", sa.String(), nullable=False),
        sa.Column("reported_by", sa.Uuid(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("classification <> 'pre_existing' OR source_checked <> ''", name=op.f("ck_defect_seen_on_the_source")),
        sa.CheckConstraint(
            "classification IN ('unclassified', 'migration_defect', 'pre_existing', 'known_incompatibility', 'out_of_scope')",
            name=op.f("ck_defect_classification_known"),
        ),
        sa.CheckConstraint("state IN ('open', 'fixing', 'fixed', 'confirmed', 'declined')", name=op.f("ck_defect_state_known")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "round_id"],
            ["uat_round.engagement_id", "uat_round.id"],
            name=op.f("fk_defect_engagement_id_round_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_defect_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_defect_engagement_id")),
        sa.ForeignKeyConstraint(["reported_by"], ["person.id"], name=op.f("fk_defect_reported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_defect")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_defect_engagement_id_id")),
    )
    op.create_index("ix_defect_engagement", "defect", ["engagement_id", "state"], unique=False)
    op.create_index("ix_defect_site", "defect", ["site_id", "state"], unique=False)

    op.create_table(
        "duty",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("deadline_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("waived_reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_duty_done_when")),
        sa.CheckConstraint("(state = 'waived') = (waived_reason IS NOT NULL)", name=op.f("ck_duty_waived_why")),
        sa.CheckConstraint("state IN ('open', 'done', 'waived')", name=op.f("ck_duty_state_known")),
        sa.ForeignKeyConstraint(["done_by"], ["person.id"], name=op.f("fk_duty_done_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "deadline_id"],
            ["deadline.engagement_id", "deadline.id"],
            name=op.f("fk_duty_engagement_id_deadline_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_duty_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_duty_engagement_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_duty_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_duty_engagement_id_id")),
    )
    op.create_index("ix_duty_deadline", "duty", ["deadline_id"], unique=False)
    op.create_index("ix_duty_engagement", "duty", ["engagement_id", "state"], unique=False)
    op.create_index(
        "uq_duty_of_engagement",
        "duty",
        ["engagement_id", "kind"],
        unique=True,
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.create_index(
        "uq_duty_of_site",
        "duty",
        ["site_id", "kind"],
        unique=True,
        sqlite_where=sa.text("site_id IS NOT NULL"),
        postgresql_where=sa.text("site_id IS NOT NULL"),
    )

    op.create_table(
        "freeze",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("deadline_id", sa.Uuid(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("answer IN ('freeze', 'accept_responsibility')", name=op.f("ck_freeze_answer_known")),
        sa.CheckConstraint("kind IN ('code', 'content')", name=op.f("ck_freeze_kind_known")),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name=op.f("ck_freeze_answered_when")),
        sa.CheckConstraint("(answer IS NULL) = (answered_by IS NULL)", name=op.f("ck_freeze_answered_by_whom")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_freeze_answered_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "deadline_id"],
            ["deadline.engagement_id", "deadline.id"],
            name=op.f("fk_freeze_engagement_id_deadline_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_freeze_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_freeze_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_freeze_engagement_id_id")),
    )
    op.create_index("ix_freeze_engagement", "freeze", ["engagement_id"], unique=False)
    op.create_index(
        "uq_freeze_open",
        "freeze",
        ["site_id", "kind"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "freeze_override",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("freeze_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_freeze_override_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "freeze_id"],
            ["freeze.engagement_id", "freeze.id"],
            name=op.f("fk_freeze_override_engagement_id_freeze_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_freeze_override_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_freeze_override")),
    )
    op.create_index("ix_freeze_override_freeze", "freeze_override", ["freeze_id", "at"], unique=False)
    for word in ("update", "delete"):
        if op.get_bind().dialect.name == "sqlite":
            then = "BEGIN SELECT RAISE(ABORT, 'freeze_override is append-only'); END"
        else:
            then = "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        op.execute(f"CREATE TRIGGER freeze_override_no_{word} BEFORE {word.upper()} ON freeze_override {then}")


def downgrade() -> None:
    # Its triggers go with the table.
    op.drop_index("ix_freeze_override_freeze", table_name="freeze_override")
    op.drop_table("freeze_override")
    op.drop_index(
        "uq_freeze_open",
        table_name="freeze",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index("ix_freeze_engagement", table_name="freeze")
    op.drop_table("freeze")
    op.drop_index(
        "uq_duty_of_site",
        table_name="duty",
        sqlite_where=sa.text("site_id IS NOT NULL"),
        postgresql_where=sa.text("site_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_duty_of_engagement",
        table_name="duty",
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.drop_index("ix_duty_engagement", table_name="duty")
    op.drop_index("ix_duty_deadline", table_name="duty")
    op.drop_table("duty")
    op.drop_index("ix_defect_site", table_name="defect")
    op.drop_index("ix_defect_engagement", table_name="defect")
    op.drop_table("defect")
    op.drop_index(
        "uq_uat_round_open",
        table_name="uat_round",
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.drop_index("ix_uat_round_engagement", table_name="uat_round")
    op.drop_table("uat_round")
