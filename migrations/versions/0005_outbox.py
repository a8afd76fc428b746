"""Deadlines, and the outbox of what is told about them."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "slack_channel",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_slack_channel")),
    )
    op.create_table(
        "deadline",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("anchor", sa.String(), nullable=True),
        sa.Column("offset_days", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.Uuid(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("replan_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(source = 'computed') = (anchor IS NOT NULL)", name=op.f("ck_deadline_computed_from_anchor")),
        sa.CheckConstraint("source IN ('computed', 'manual')", name=op.f("ck_deadline_source_known")),
        sa.CheckConstraint("(due_on IS NULL) <> (due_at IS NULL)", name=op.f("ck_deadline_day_or_instant")),
        sa.ForeignKeyConstraint(["done_by"], ["person.id"], name=op.f("fk_deadline_done_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_deadline_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_deadline_engagement_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_deadline_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_deadline_engagement_id_id")),
    )
    op.create_index("ix_deadline_engagement", "deadline", ["engagement_id", "day"], unique=False)
    op.create_index(
        "ix_deadline_replan",
        "deadline",
        ["replan_at"],
        unique=False,
        sqlite_where=sa.text("replan_at IS NOT NULL"),
        postgresql_where=sa.text("replan_at IS NOT NULL"),
    )
    op.create_index(
        "uq_deadline_of_engagement",
        "deadline",
        ["engagement_id", "kind"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL AND kind <> 'custom' AND site_id IS NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL AND kind <> 'custom' AND site_id IS NULL"),
    )
    op.create_index(
        "uq_deadline_of_site",
        "deadline",
        ["site_id", "kind"],
        unique=True,
        sqlite_where=sa.text("withdrawn_at IS NULL AND kind <> 'custom' AND site_id IS NOT NULL"),
        postgresql_where=sa.text("withdrawn_at IS NULL AND kind <> 'custom' AND site_id IS NOT NULL"),
    )
    op.create_table(
        "notice",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("deadline_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=True),
        sa.Column("headline", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("mention", sa.String(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("useless_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_owner", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("absent_seen", sa.Integer(), nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=True),
        sa.Column("slack_ts", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name=op.f("ck_notice_lease_while_sending")),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name=op.f("ck_notice_audience_known")),
        sa.CheckConstraint("state <> 'sent' OR slack_ts IS NOT NULL", name=op.f("ck_notice_sent_has_timestamp")),
        sa.CheckConstraint(
            "state IN ('planned', 'ready', 'sending', 'sent', 'unknown', 'parked', 'dead', 'expired', 'cancelled')",
            name=op.f("ck_notice_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "deadline_id"],
            ["deadline.engagement_id", "deadline.id"],
            name=op.f("fk_notice_engagement_id_deadline_id"),
        ),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_notice_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_notice_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("key", name=op.f("uq_notice_key")),
    )
    op.create_index("ix_notice_deadline", "notice", ["deadline_id"], unique=False)
    op.create_index("ix_notice_engagement", "notice", ["engagement_id", "due_at"], unique=False)
    op.create_index(
        "ix_notice_planned",
        "notice",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index(
        "ix_notice_ready",
        "notice",
        ["next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'ready'"),
        postgresql_where=sa.text("state = 'ready'"),
    )
    op.create_index(
        "ix_notice_sending",
        "notice",
        ["lease_until", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("ix_notice_state", "notice", ["state", "due_at"], unique=False)
    op.create_index(
        "ix_notice_unknown",
        "notice",
        ["next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'unknown'"),
        postgresql_where=sa.text("state = 'unknown'"),
    )
    op.create_table(
        "delivery_attempt",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_delivery_attempt_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_attempt")),
    )
    op.create_index(op.f("ix_delivery_attempt_notice_id"), "delivery_attempt", ["notice_id"], unique=False)


def downgrade() -> None:
    op.drop_table("delivery_attempt")
    op.drop_table("notice")
    op.drop_table("deadline")
    op.drop_table("slack_channel")
