"""Inventories of sites and what was imported."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = "inventory_import"


def upgrade() -> None:
    op.create_table(
        "inventory_import",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("accepted", sa.JSON(), nullable=False),
        sa.Column("rejected", sa.JSON(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"],
            ["site.engagement_id", "site.id"],
            name=op.f("fk_inventory_import_engagement_id_site_id"),
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_inventory_import_engagement_id")),
        sa.ForeignKeyConstraint(["imported_by"], ["person.id"], name=op.f("fk_inventory_import_imported_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_import")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_inventory_import_engagement_id_id")),
    )
    op.create_index("ix_inventory_import_engagement", "inventory_import", ["engagement_id", "site_id"], unique=False)
    op.create_index("ix_inventory_import_site", "inventory_import", ["site_id", "id"], unique=False)

    op.create_table(
        "inventory_item",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("slug_key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("installed_version", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("verdict_by", sa.Uuid(), nullable=True),
        sa.Column("verdict_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict_note", sa.String(), nullable=False),
        sa.Column("estimate_minutes", sa.Integer(), nullable=True),
        sa.Column("estimate_by", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('plugin', 'theme', 'module', 'core')", name=op.f("ck_inventory_item_kind_known")),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'network_active', 'must_use', 'dropin')",
            name=op.f("ck_inventory_item_status_known"),
        ),
        sa.CheckConstraint(
            "verdict IN ('works', 'configure', 'replace', 'disable', 'no_solution', 'unknown')",
            name=op.f("ck_inventory_item_verdict_known"),
        ),
        sa.CheckConstraint("(verdict IS NULL) = (verdict_at IS NULL)", name=op.f("ck_inventory_item_verdict_dated")),
        sa.CheckConstraint("estimate_minutes >= 0", name=op.f("ck_inventory_item_estimate_not_negative")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_inventory_item_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_inventory_item_engagement_id")),
        sa.ForeignKeyConstraint(["estimate_by"], ["person.id"], name=op.f("fk_inventory_item_estimate_by")),
        sa.ForeignKeyConstraint(["verdict_by"], ["person.id"], name=op.f("fk_inventory_item_verdict_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_item")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_inventory_item_engagement_id_id")),
        sa.UniqueConstraint("site_id", "kind", "slug_key", name=op.f("uq_inventory_item_site_id_kind_slug_key")),
    )
    op.create_index("ix_inventory_item_engagement", "inventory_item", ["engagement_id", "site_id"], unique=False)

    op.create_table(
        "upload",
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sent_by", sa.Uuid(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(purpose = 'inventory') = (site_id IS NOT NULL)", name=op.f("ck_upload_inventory_of_site")),
        sa.CheckConstraint("purpose IN ('inventory', 'sites')", name=op.f("ck_upload_purpose_known")),
        sa.ForeignKeyConstraint(
            ["engagement_id", "site_id"], ["site.engagement_id", "site.id"], name=op.f("fk_upload_engagement_id_site_id")
        ),
        sa.ForeignKeyConstraint(["engagement_id"], ["engagement.id"], name=op.f("fk_upload_engagement_id")),
        sa.ForeignKeyConstraint(["sent_by"], ["person.id"], name=op.f("fk_upload_sent_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload")),
        sa.UniqueConstraint("engagement_id", "id", name=op.f("uq_upload_engagement_id_id")),
    )
    op.create_index(op.f("ix_upload_expires_at"), "upload", ["expires_at"], unique=False)
    for word in ("delete", "update"):
        op.execute(_trigger(word))


def _trigger(word: str) -> str:
    begin = f"CREATE TRIGGER {APPEND_ONLY}_no_{word} BEFORE {word.upper()} ON {APPEND_ONLY}"
    if op.get_bind().dialect.name == "sqlite":
        return f"{begin} BEGIN SELECT RAISE(ABORT, '{APPEND_ONLY} is append-only'); END"
    return f"{begin} FOR EACH ROW EXECUTE FUNCTION refuse_change()"


def downgrade() -> None:
    on_table = "" if op.get_bind().dialect.name == "sqlite" else f" ON {APPEND_ONLY}"
    for word in ("delete", "update"):
        op.execute(f"DROP TRIGGER {APPEND_ONLY}_no_{word}{on_table}")
    op.drop_index(op.f("ix_upload_expires_at"), table_name="upload")
    op.drop_table("upload")
    op.drop_index("ix_inventory_item_engagement", table_name="inventory_item")
    op.drop_table("inventory_item")
    op.drop_index("ix_inventory_import_site", table_name="inventory_import")
    op.drop_index("ix_inventory_import_engagement", table_name="inventory_import")
    op.drop_table("inventory_import")
