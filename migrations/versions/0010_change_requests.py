"""Change requests and their history, which is append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

APPROVALS = (
    "(state <> 'open' OR (team_approved_at IS NULL AND customer_approved_at IS NULL))"
    " AND (state <> 'approved_by_team' OR (team_approved_at IS NOT NULL AND customer_approved_at IS NULL))"
    " AND (state <> 'approved_by_customer' OR (customer_approved_at IS NOT NULL AND team_approved_at IS NULL))"
    " AND (state <> 'applied' OR (team_approved_at IS NOT NULL AND customer_approved_at IS NOT NULL))"
)


def upgrade() -> None:
    op.create_table(
        "change_request",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("estimate_minutes", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("raised_by", sa.Uuid(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("team_approved_by", sa.Uuid(), nullable=True),
        sa.Column("team_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_approved_by", sa.Uuid(), nullable=True),
        sa.Column("customer_approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_foresaw", sa.JSON(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.JSON(), nullable=True),
        sa.Column("requirements_version_before", sa.Integer(), nullable=True),
        sa.Column("requirements_version_after", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            APPROVALS,
            name=op.f("ck_change_request_approvals_fit_state"),
        ),
        sa.CheckConstraint("(state = 'applied') = (applied_at IS NOT NULL)", name=op.f("ck_change_request_applied_when")),
        sa.CheckConstraint(
            "(state IN ('rejected', 'withdrawn')) = (decided_at IS NOT NULL)", name=op.f("ck_change_request_decided_when")
        ),
        sa.CheckConstraint("state <> 'rejected' OR decision_reason IS NOT NULL", name=op.f("ck_change_request_rejected_why")),
        sa.CheckConstraint(
            "state IN ('open', 'approved_by_customer', 'approved_by_team', 'applied', 'rejected', 'withdrawn')",
            name=op.f("ck_change_request_state_known"),
        ),
        sa.CheckConstraint(
            "(customer_approved_by IS NULL) = (customer_approved_at IS NULL)",
            name=op.f("ck_change_request_customer_approved_when"),
        ),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name=op.f("ck_change_request_decided_by_somebody")),
        sa.CheckConstraint(
            "(team_approved_by IS NULL) = (team_approved_at IS NULL)", name=op.f("ck_change_request_team_approved_when")
        ),
        sa.CheckConstraint(
            "customer_approved_at IS NULL OR estimate_minutes IS NOT NULL", name=op.f("ck_change_request_cost_known")
        ),
        sa.CheckConstraint("estimate_minutes >= 0", name=op.f("ck_change_request_estimate_whole")),
        sa.CheckConstraint("number > 0", name=op.f("ck_change_request_number_positive")),
        sa.ForeignKeyConstraint(["customer_approved_by"], ["person.id"], name=op.f("fk_change_request_customer_approved_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["person.id"], name=op.f("fk_change_request_decided_by")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_change_request_engagement_id")),
        sa.ForeignKeyConstraint(["raised_by"], ["person.id"], name=op.f("fk_change_request_raised_by")),
        sa.ForeignKeyConstraint(["team_approved_by"], ["person.id"], name=op.f("fk_change_request_team_approved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_request")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_change_request_engagement_id_id")),
        sa.UniqueConstraint("engagement_id", "number", name=op.f("uq_change_request_engagement_id_number")),
    )
    op.create_index("ix_change_request_undecided", "change_request", ["engagement_id", "state"], unique=False)

    op.create_table(
        "change_request_step",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["person.id"], name=op.f("fk_change_request_step_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "request_id"],
            ["change_request.engagement_id", "change_request.id"],
            name=op.f("fk_change_request_step_engagement_id_request_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_change_request_step")),
    )
    op.create_index("ix_change_request_step_request", "change_request_step", ["request_id", "id"], unique=False)
    for event in ("delete", "update"):
        op.execute(
            f"CREATE TRIGGER change_request_step_no_{event} BEFORE {event.upper()} ON change_request_step "
            + (
                "BEGIN SELECT RAISE(ABORT, 'change_request_step is append-only'); END"
                if op.get_bind().dialect.name == "sqlite"
                else "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        )


def downgrade() -> None:
    # Its triggers go with the table.
    op.drop_index("ix_change_request_step_request", table_name="change_request_step")
    op.drop_table("change_request_step")
    op.drop_index("ix_change_request_undecided", table_name="change_request")

    op.drop_table("change_request")
