"""Guided paths of sites, step by step."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_path",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("runbook", sa.String(), nullable=False),
        sa.Column("catalogue_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("chosen_by", sa.Uuid(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'active') = (ended_at IS NULL)", name=op.f("ck_site_path_ended_when")),
        sa.CheckConstraint("state IN ('active', 'complete', 'failed', 'replaced')", name=op.f("ck_site_path_state_known")),
        sa.ForeignKeyConstraint(["chosen_by"], ["person.id"], name=op.f("fk_site_path_chosen_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_site_path_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_site_path_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site_path")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_site_path_engagement_id_id")),
    )
    op.create_index("ix_site_path_engagement", "site_path", ["engagement_id", "site_id"], unique=False)
    op.create_index(
        "uq_site_path_active",
        "site_path",
        ["site_id", "runbook"],
        unique=True,
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )

    op.create_table(
        "target_site",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_target_site_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_target_site_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target_site")),
    )
    op.create_index("ix_target_site_site", "target_site", ["site_id"], unique=False)
    op.create_index(
        "uq_target_site_name",
        "target_site",
        ["name"],
        unique=True,
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )

    op.create_table(
        "helped_migration",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_path_id", sa.Uuid(), nullable=False),
        sa.Column("helped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("helped_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("number BETWEEN 1 AND 5", name=op.f("ck_helped_migration_number_within_cap")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_helped_migration_customer_id")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_path_id"],
            ["site_path.engagement_id", "site_path.id"],
            name=op.f("fk_helped_migration_engagement_id_site_path_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_helped_migration_engagement_id")),
        sa.ForeignKeyConstraint(["helped_by"], ["person.id"], name=op.f("fk_helped_migration_helped_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_helped_migration")),
        sa.UniqueConstraint("customer_id", "number", name=op.f("uq_helped_migration_customer_id_number")),
        sa.UniqueConstraint("site_path_id", name=op.f("uq_helped_migration_site_path_id")),
    )
    op.create_table(
        "path_step",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("path_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("confirmed", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("finished_by", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("on_behalf", sa.Boolean(), nullable=False),
        sa.Column("skipped_reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(finished_at IS NULL) = (finished_by IS NULL)", name=op.f("ck_path_step_finished_by_somebody")),
        sa.CheckConstraint("skipped_reason IS NULL OR finished_at IS NOT NULL", name=op.f("ck_path_step_skipped_is_finished")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "path_id"],
            ["site_path.engagement_id", "site_path.id"],
            name=op.f("fk_path_step_engagement_id_path_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_path_step_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_path_step_engagement_id")),
        sa.ForeignKeyConstraint(["finished_by"], ["person.id"], name=op.f("fk_path_step_finished_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_path_step")),
        sa.UniqueConstraint("path_id", "step", name=op.f("uq_path_step_path_id_step")),
    )
    op.create_index("ix_path_step_engagement", "path_step", ["engagement_id", "path_id", "position"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_path_step_engagement", table_name="path_step")

    op.drop_table("path_step")
    op.drop_table("helped_migration")
    op.drop_index(
        "uq_target_site_name",
        table_name="target_site",
        sqlite_where=sa.text("released_at IS NULL"),
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_index("ix_target_site_site", table_name="target_site")

    op.drop_table("target_site")
    op.drop_index(
        "uq_site_path_active",
        table_name="site_path",
        sqlite_where=sa.text("state = 'active'"),
        postgresql_where=sa.text("state = 'active'"),
    )
    op.drop_index("ix_site_path_engagement", table_name="site_path")

    op.drop_table("site_path")
