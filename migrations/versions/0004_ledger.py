"""The hour ledger: budgets, PS blocks, time entries and their postings."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ps_block",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("limit_minutes", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("purchased_on", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "0 <= approved AND approved <= booked AND booked <= limit_minutes", name=op.f("ck_ps_block_within_limit")
        ),
        sa.CheckConstraint("limit_minutes >= 240", name=op.f("ck_ps_block_four_hours")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_ps_block_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ps_block")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_ps_block_engagement_id_id")),
    )
    op.create_table(
        "budget",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("limit_minutes", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), nullable=False),
        sa.Column("approved", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(kind = 'ps') = (site_id IS NULL)", name=op.f("ck_budget_pool_of_engagement")),
        sa.CheckConstraint("kind IN ('known_incompatibility', 'premium_extra', 'ps')", name=op.f("ck_budget_kind_known")),
        sa.CheckConstraint(
            "0 <= approved AND approved <= booked AND booked <= limit_minutes", name=op.f("ck_budget_within_limit")
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_budget_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_budget_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_budget_engagement_id_id")),
        sa.UniqueConstraint("site_id", "id", name=op.f("uq_budget_site_id_id")),
        sa.UniqueConstraint("site_id", "kind", name=op.f("uq_budget_site_id_kind")),
    )
    op.create_index(
        "uq_budget_pool",
        "budget",
        ["engagement_id"],
        unique=True,
        sqlite_where=sa.text("kind = 'ps'"),
        postgresql_where=sa.text("kind = 'ps'"),
    )
    op.create_table(
        "time_entry",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("activity", sa.String(), nullable=True),
        sa.Column("known_issue_id", sa.String(), nullable=True),
        sa.Column("ps_kind", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("split_from_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind <> 'known_incompatibility' OR activity IN ('research', 'known_solution')",
            name=op.f("ck_time_entry_allowance_activity"),
        ),
        sa.CheckConstraint("kind <> 'ps' OR ps_kind IS NOT NULL", name=op.f("ck_time_entry_ps_kind_named")),
        sa.CheckConstraint(
            "kind IN ('known_incompatibility', 'premium', 'ps', 'included')", name=op.f("ck_time_entry_kind_known")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'approved', 'rejected', 'reversed', 'reversal')",
            name=op.f("ck_time_entry_state_known"),
        ),
        sa.CheckConstraint("(minutes > 0) = (reverses_id IS NULL) AND minutes <> 0", name=op.f("ck_time_entry_minutes_signed")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_time_entry_decided_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "reverses_id"],
            ["time_entry.engagement_id", "time_entry.id"],
            name=op.f("fk_time_entry_engagement_id_reverses_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_time_entry_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_time_entry_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_time_entry_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_entry")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_time_entry_engagement_id_id")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_time_entry_reverses_id")),
        sa.UniqueConstraint("site_id", "id", name=op.f("uq_time_entry_site_id_id")),
    )
    op.create_index("ix_time_entry_engagement", "time_entry", ["engagement_id", "worked_on", "id"], unique=False)
    op.create_index("ix_time_entry_person", "time_entry", ["person_id", "worked_on", "id"], unique=False)
    op.create_index(
        "ix_time_entry_waiting",
        "time_entry",
        ["engagement_id"],
        unique=False,
        sqlite_where=sa.text("state = 'submitted'"),
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "posting",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        sa.Column("block_id", sa.Uuid(), nullable=True),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("approved_minutes", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(block_id IS NULL) = (site_id IS NOT NULL)", name=op.f("ck_posting_site_or_block")),
        sa.CheckConstraint("minutes <> 0 OR approved_minutes <> 0", name=op.f("ck_posting_moves_something")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "block_id"],
            ["ps_block.engagement_id", "ps_block.id"],
            name=op.f("fk_posting_engagement_id_block_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "budget_id"],
            ["budget.engagement_id", "budget.id"],
            name=op.f("fk_posting_engagement_id_budget_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "entry_id"],
            ["time_entry.engagement_id", "time_entry.id"],
            name=op.f("fk_posting_engagement_id_entry_id"),
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "budget_id"], ["budget.site_id", "budget.id"], name=op.f("fk_posting_site_id_budget_id")
        ),
        sa.ForeignKeyConstraint(
            ["site_id", "entry_id"], ["time_entry.site_id", "time_entry.id"], name=op.f("fk_posting_site_id_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index("ix_posting_budget", "posting", ["budget_id", "id"], unique=False)
    op.create_index("ix_posting_entry", "posting", ["entry_id"], unique=False)


def downgrade() -> None:
    op.drop_table("posting")
    op.drop_table("time_entry")
    op.drop_table("budget")
    op.drop_table("ps_block")
