"""Engagements with agreement, members, sites and agreed requirements."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "engagement",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("slack_channel", sa.String(), nullable=True),
        sa.Column("internal_slack_channel", sa.String(), nullable=True),
        sa.Column("manager_id", sa.Uuid(), nullable=False),
        sa.Column("account_rep", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("requirements_version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("status IN ('active', 'on_hold', 'cancelled')", name=op.f("ck_engagement_status_known")),
        sa.CheckConstraint("type IN ('managed', 'self_service')", name=op.f("ck_engagement_type_known")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_engagement_customer_id")),
        sa.ForeignKeyConstraint(["manager_id"], ["person.id"], name=op.f("fk_engagement_manager_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagement")),
    )
    op.create_index(op.f("ix_engagement_customer_id"), "engagement", ["customer_id"], unique=False)
    op.create_index(op.f("ix_engagement_manager_id"), "engagement", ["manager_id"], unique=False)
    op.create_table(
        "agreement",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=False),
        sa.Column("uat_business_days", sa.Integer(), nullable=False),
        sa.Column("cutover_business_days", sa.Integer(), nullable=False),
        sa.Column("hypercare_business_days", sa.Integer(), nullable=False),
        sa.Column("uat_silence", sa.String(), nullable=False),
        sa.Column("catalogue_version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("uat_silence IN ('hold', 'proceed')", name=op.f("ck_agreement_uat_silence_known")),
        sa.CheckConstraint(
            "uat_business_days > 0 AND cutover_business_days > 0 AND hypercare_business_days > 0",
            name=op.f("ck_agreement_windows_positive"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_agreement_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("engagement_id", name=op.f("uq_agreement_engagement_id")),
    )
    op.create_table(
        "api_token",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.String(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("scope IN ('read', 'write', 'admin')", name=op.f("ck_api_token_scope_known")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_api_token_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_api_token_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_person_id"), "api_token", ["person_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_member_engagement_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_member_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
    )
    op.create_index("ix_member_person", "member", ["person_id", "engagement_id"], unique=False)
    op.create_index(
        "uq_member_active",
        "member",
        ["engagement_id", "person_id"],
        unique=True,
        sqlite_where=sa.text("left_at IS NULL"),
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "project_requirements",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["agreed_by"], ["person.id"], name=op.f("fk_project_requirements_agreed_by")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_project_requirements_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_requirements")),
        sa.UniqueConstraint("engagement_id", "version", name=op.f("uq_project_requirements_engagement_id_version")),
    )
    op.create_table(
        "site",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("url_key", sa.String(), nullable=False),
        sa.Column("cms", sa.String(), nullable=False),
        sa.Column("cms_variant", sa.String(), nullable=True),
        sa.Column("cms_version", sa.String(), nullable=True),
        sa.Column("plan", sa.String(), nullable=True),
        sa.Column("package", sa.String(), nullable=False),
        sa.Column("premium_option", sa.String(), nullable=True),
        sa.Column("upstream_choice", sa.String(), nullable=True),
        sa.Column("network", sa.Boolean(), nullable=True),
        sa.Column("multisite_decision", sa.String(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("listed_in_version", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(package = 'premium') = (premium_option IS NOT NULL)", name=op.f("ck_site_one_premium_option")),
        sa.CheckConstraint("cms IN ('wordpress', 'drupal')", name=op.f("ck_site_cms_known")),
        sa.CheckConstraint("package IN ('standard', 'premium')", name=op.f("ck_site_package_known")),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_site_engagement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_site_engagement_id_id")),
    )
    op.create_index(
        "uq_site_address",
        "site",
        ["engagement_id", "url_key"],
        unique=True,
        sqlite_where=sa.text("stage <> 'withdrawn'"),
        postgresql_where=sa.text("stage <> 'withdrawn'"),
    )
    op.create_table(
        "signature",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("signed_by", sa.Uuid(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_signature_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_signature_engagement_id")),
        sa.ForeignKeyConstraint(["signed_by"], ["person.id"], name=op.f("fk_signature_signed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signature")),
        sa.UniqueConstraint("engagement_id", "subject", "hash", name=op.f("uq_signature_engagement_id_subject_hash")),
    )


def downgrade() -> None:
    op.drop_table("signature")
    op.drop_table("site")
    op.drop_table("project_requirements")
    op.drop_table("member")
    op.drop_table("api_token")
    op.drop_table("agreement")
    op.drop_table("engagement")
