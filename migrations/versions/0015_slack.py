"""Slack as a place to work in: threads, edits, channels as they are, accounts, preferences, days off, and who delivers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# A Slack account is one person's: where several claim it, the one who was there first keeps it.
ONE_PERSON = """
UPDATE person SET slack_user_id = NULL WHERE slack_user_id IS NOT NULL AND EXISTS (
  SELECT 1 FROM person AS earlier WHERE earlier.slack_user_id = person.slack_user_id AND earlier.id < person.id
)
"""


def upgrade() -> None:
    _notice()
    _engagement_and_person()
    _slack()
    _time()


def _notice() -> None:
    with op.batch_alter_table("notice") as table:
        table.add_column(sa.Column("road", sa.String(), nullable=False, server_default="slack"))
        table.add_column(sa.Column("person_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("origin_id", sa.Uuid(), nullable=True))
        table.add_column(sa.Column("thread_ts", sa.String(), nullable=True))
        table.add_column(sa.Column("broadcast", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("plain", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True))
        table.add_column(sa.Column("acknowledged_by", sa.Uuid(), nullable=True))
        table.create_foreign_key(op.f("fk_notice_person_id"), "person", ["person_id"], ["id"])
        table.create_foreign_key(op.f("fk_notice_origin_id"), "notice", ["origin_id"], ["id"])
        table.create_foreign_key(op.f("fk_notice_acknowledged_by"), "person", ["acknowledged_by"], ["id"])
        table.create_check_constraint(op.f("ck_notice_road_known"), "road IN ('slack', 'mail')")
        table.create_check_constraint(op.f("ck_notice_mail_is_somebodys"), "road = 'slack' OR person_id IS NOT NULL")
    origin = sa.text("origin_id IS NOT NULL")
    op.create_index("ix_notice_origin", "notice", ["origin_id"], unique=False, sqlite_where=origin, postgresql_where=origin)
    op.create_table(
        "message_edit",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("0 <= done AND done <= wanted", name=op.f("ck_message_edit_done_within_wanted")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_message_edit_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_message_edit")),
    )
    stale = sa.text("wanted > done")
    op.create_index("ix_message_edit_due", "message_edit", ["next_at"], unique=False, sqlite_where=stale, postgresql_where=stale)
    op.create_table(
        "slack_thread",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_slack_thread_engagement_id")),
        sa.ForeignKeyConstraint(["notice_id"], ["notice.id"], name=op.f("fk_slack_thread_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slack_thread")),
        sa.UniqueConstraint("engagement_id", "channel", "stage", name=op.f("uq_slack_thread_engagement_id_channel_stage")),
    )


def _engagement_and_person() -> None:
    op.add_column("engagement", sa.Column("digest_at", sa.DateTime(timezone=True), nullable=True))
    due = sa.text("digest_at IS NOT NULL")
    op.create_index("ix_engagement_digest", "engagement", ["digest_at"], unique=False, sqlite_where=due, postgresql_where=due)
    for column in ("slack_channel", "internal_slack_channel"):
        given = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_engagement_{column}", "engagement", [column], unique=False, sqlite_where=given, postgresql_where=given
        )
    op.add_column("person", sa.Column("slack_team_id", sa.String(), nullable=True))
    op.execute(ONE_PERSON)
    op.create_index("uq_person_slack_user_id", "person", ["slack_user_id"], unique=True)


def _slack() -> None:
    op.create_table(
        "channel",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("is_external", sa.Boolean(), nullable=False),
        sa.Column("is_archived", sa.Boolean(), nullable=False),
        sa.Column("is_member", sa.Boolean(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_channel")),
    )
    op.create_table(
        "channel_member",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("slack_user_id", sa.String(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", "slack_user_id", name=op.f("pk_channel_member")),
    )
    op.create_table(
        "account_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("slack_user_id", sa.String(), nullable=False),
        sa.Column("slack_team_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_account_link_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_link_token_hash")),
    )
    op.create_table(
        "worker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_index(op.f("ix_worker_beat_at"), "worker", ["beat_at"], unique=False)


def _time() -> None:
    op.create_table(
        "day_off",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("source IN ('page', 'ics')", name=op.f("ck_day_off_source_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_day_off_customer_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_day_off_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_off")),
        sa.UniqueConstraint("customer_id", "day", name=op.f("uq_day_off_customer_id_day")),
    )
    op.create_table(
        "engagement_preference",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("ladders", sa.JSON(), nullable=False),
        sa.Column("weekly_digest", sa.Boolean(), nullable=False),
        sa.Column("daily_digest", sa.Boolean(), nullable=False),
        *_hours(),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_engagement_preference_engagement_id")),
        sa.PrimaryKeyConstraint("engagement_id", name=op.f("pk_engagement_preference")),
    )
    op.create_table(
        "person_preference",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("mail", sa.String(), nullable=False),
        *_hours(),
        sa.CheckConstraint("mail IN ('without_slack', 'never', 'always')", name=op.f("ck_person_preference_mail_known")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_person_preference_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_preference")),
    )
    op.create_table(
        "team_digest",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("channel", name=op.f("pk_team_digest")),
    )
    op.create_index(op.f("ix_team_digest_next_at"), "team_digest", ["next_at"], unique=False)


def _hours() -> list[sa.Column[Any]]:
    """When somebody may be told things: not in quiet hours, on working days only, a digest at its hour."""
    return [
        sa.Column("digest_hour", sa.Integer(), nullable=True),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("working_days", sa.JSON(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
    ]


def downgrade() -> None:
    for name in (
        "team_digest", "person_preference", "engagement_preference", "day_off", "worker", "account_link", "channel_member",
        "channel", "slack_thread", "message_edit",
    ):  # fmt: skip
        op.drop_table(name)
    op.drop_index("uq_person_slack_user_id", table_name="person")
    op.drop_column("person", "slack_team_id")
    for name in ("ix_engagement_internal_slack_channel", "ix_engagement_slack_channel", "ix_engagement_digest"):
        op.drop_index(name, table_name="engagement")
    op.drop_column("engagement", "digest_at")
    op.execute("UPDATE notice SET origin_id = NULL")
    op.drop_index("ix_notice_origin", table_name="notice")
    with op.batch_alter_table("notice") as table:
        for check in ("mail_is_somebodys", "road_known"):
            table.drop_constraint(op.f(f"ck_notice_{check}"), type_="check")
        for key in ("acknowledged_by", "origin_id", "person_id"):
            table.drop_constraint(op.f(f"fk_notice_{key}"), type_="foreignkey")
        for column in (
            "acknowledged_by", "acknowledged_at", "plain", "broadcast", "thread_ts", "origin_id", "person_id", "road",
        ):  # fmt: skip
            table.drop_column(column)
