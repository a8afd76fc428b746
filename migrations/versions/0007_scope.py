"""Scope items with their decisions, questions and risks, and where each fact of a site came from."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "question",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("fact", sa.String(), nullable=True),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name=op.f("ck_question_answered_when")),
        sa.CheckConstraint("side IN ('customer', 'team')", name=op.f("ck_question_side_known")),
        sa.CheckConstraint("state IN ('open', 'answered', 'withdrawn')", name=op.f("ck_question_state_known")),
        sa.ForeignKeyConstraint(["answered_by"], ["person.id"], name=op.f("fk_question_answered_by")),
        sa.ForeignKeyConstraint(["asked_by"], ["person.id"], name=op.f("fk_question_asked_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_question_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_question_engagement_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_question_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_question_engagement_id_id")),
    )
    op.create_index("ix_question_engagement", "question", ["engagement_id", "state", "due_on"], unique=False)
    op.create_index(
        "uq_question_open_fact",
        "question",
        ["site_id", "fact"],
        unique=True,
        sqlite_where=sa.text("fact IS NOT NULL AND state = 'open'"),
        postgresql_where=sa.text("fact IS NOT NULL AND state = 'open'"),
    )

    op.create_table(
        "risk",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("mitigation", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("raised_by", sa.Uuid(), nullable=True),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name=op.f("ck_risk_closed_when")),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name=op.f("ck_risk_audience_known")),
        sa.CheckConstraint("severity IN ('blocks', 'warns', 'note')", name=op.f("ck_risk_severity_known")),
        sa.CheckConstraint("state IN ('open', 'closed')", name=op.f("ck_risk_state_known")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_risk_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_risk_engagement_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_risk_owner_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"], name=op.f("fk_risk_raised_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_risk_engagement_id_id")),
    )
    op.create_index("ix_risk_engagement", "risk", ["engagement_id", "state", "due_on"], unique=False)

    op.create_table(
        "scope_item",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("clause", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("route", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by_rule", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_decision", sa.String(), nullable=True),
        sa.Column("proposed_reason", sa.String(), nullable=True),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        sa.Column("due_before", sa.String(), nullable=False),
        sa.Column("work_state", sa.String(), nullable=False),
        sa.Column("work_reason", sa.String(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "decision IN ('included', 'premium', 'ps', 'out_of_scope', 'undecided', 'not_applicable')",
            name=op.f("ck_scope_item_decision_known"),
        ),
        sa.CheckConstraint(
            "proposed_decision IN ('included', 'premium', 'ps', 'out_of_scope', 'undecided', 'not_applicable')",
            name=op.f("ck_scope_item_proposal_known"),
        ),
        sa.CheckConstraint(
            "work_state IN ('planned', 'doing', 'done', 'not_needed', 'waived')", name=op.f("ck_scope_item_work_state_known")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_scope_item_decided_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_scope_item_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_scope_item_engagement_id")),
        sa.ForeignKeyConstraint(["proposed_by"], ["person.id"], name=op.f("fk_scope_item_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scope_item")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_scope_item_engagement_id_id")),
    )
    op.create_index("ix_scope_item_engagement", "scope_item", ["engagement_id", "site_id"], unique=False)
    op.create_index(
        "uq_scope_item_of_engagement",
        "scope_item",
        ["engagement_id", "item"],
        unique=True,
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.create_index(
        "uq_scope_item_of_site",
        "scope_item",
        ["site_id", "item"],
        unique=True,
        sqlite_where=sa.text("site_id IS NOT NULL"),
        postgresql_where=sa.text("site_id IS NOT NULL"),
    )

    op.add_column("site", sa.Column("fact_sources", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    op.drop_column("site", "fact_sources")

    op.drop_index(
        "uq_scope_item_of_site",
        table_name="scope_item",
        sqlite_where=sa.text("site_id IS NOT NULL"),
        postgresql_where=sa.text("site_id IS NOT NULL"),
    )
    op.drop_index(
        "uq_scope_item_of_engagement",
        table_name="scope_item",
        sqlite_where=sa.text("site_id IS NULL"),
        postgresql_where=sa.text("site_id IS NULL"),
    )
    op.drop_index("ix_scope_item_engagement", table_name="scope_item")

    op.drop_table("scope_item")
    op.drop_index("ix_risk_engagement", table_name="risk")

    op.drop_table("risk")
    op.drop_index(
        "uq_question_open_fact",
        table_name="question",
        sqlite_where=sa.text("fact IS NOT NULL AND state = 'open'"),
        postgresql_where=sa.text("fact IS NOT NULL AND state = 'open'"),
    )
    op.drop_index("ix_question_engagement", table_name="question")

    op.drop_table("question")
