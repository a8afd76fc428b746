"""Comments, links, kick-off notes and weekly updates."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kickoff_record",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("held_on", sa.Date(), nullable=True),
        sa.Column("notes", sa.String(), nullable=False),
        sa.Column("internal_notes", sa.String(), nullable=False),
        sa.Column("attendees", sa.JSON(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_kickoff_record_engagement_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["person.id"], name=op.f("fk_kickoff_record_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kickoff_record")),
        sa.UniqueConstraint("engagement_id", name=op.f("uq_kickoff_record_engagement_id")),
    )
    op.create_table(
        "weekly_update",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("week_of", sa.Date(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posted_by", sa.Uuid(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(state = 'posted') = (posted_at IS NOT NULL)", name=op.f("ck_weekly_update_posted_when")),
        sa.CheckConstraint("state IN ('draft', 'posted')", name=op.f("ck_weekly_update_state_known")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_weekly_update_says_something")),
        sa.CheckConstraint("(posted_at IS NULL) = (posted_by IS NULL)", name=op.f("ck_weekly_update_posted_by_whom")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_weekly_update_author_id")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_weekly_update_engagement_id")),
        sa.ForeignKeyConstraint(["posted_by"], ["person.id"], name=op.f("fk_weekly_update_posted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weekly_update")),
        sa.UniqueConstraint("engagement_id", "week_of", name=op.f("uq_weekly_update_engagement_id_week_of")),
    )
    op.create_table(
        "comment",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name=op.f("ck_comment_audience_known")),
        sa.CheckConstraint("text <> ''", name=op.f("ck_comment_says_something")),
        sa.ForeignKeyConstraint(["author_id"], ["person.id"], name=op.f("fk_comment_author_id")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_comment_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_comment_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comment")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_comment_engagement_id_id")),
    )
    op.create_table(
        "engagement_link",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name=op.f("ck_engagement_link_audience_known")),
        sa.CheckConstraint(
            "kind IN ('agreement', 'test_script', 'document', 'other')", name=op.f("ck_engagement_link_kind_known")
        ),
        sa.CheckConstraint("title <> ''", name=op.f("ck_engagement_link_titled")),
        sa.ForeignKeyConstraint(["added_by"], ["person.id"], name=op.f("fk_engagement_link_added_by")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_engagement_link_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_engagement_link_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement_link")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_engagement_link_engagement_id_id")),
    )


def downgrade() -> None:
    op.drop_table("engagement_link")
    op.drop_table("comment")
    op.drop_table("weekly_update")
    op.drop_table("kickoff_record")
