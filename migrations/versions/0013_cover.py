"""Who covers for whom, and what the portfolio is ordered by and searched in."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Texts that are searched and ordered by, casefolded; and the column that keeps them so.
FOLDED = (("engagement", "name", "name_key"), ("site", "name", "name_key"), ("person", "name", "name_key"),
          ("question", "text", "text_key"))  # fmt: skip
# The earliest open date that counts. What is on hold or withdrawn has none, a launched site no code freeze.
NEXT = """
UPDATE engagement SET next_on = COALESCE((
  SELECT MIN(deadline.day) FROM deadline LEFT JOIN site ON site.id = deadline.site_id
  WHERE deadline.engagement_id = engagement.id AND deadline.withdrawn_at IS NULL AND deadline.done_at IS NULL
    AND (site.id IS NULL OR site.stage <> 'withdrawn')
    AND (deadline.kind <> 'code_freeze' OR site.stage NOT IN ('launched', 'hypercare', 'closed'))
), next_on) WHERE status = 'active'
"""


def upgrade() -> None:
    op.create_table(
        "cover",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("cover_id", sa.Uuid(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("from_on <= until_on", name=op.f("ck_cover_days_in_order")),
        sa.CheckConstraint("person_id <> cover_id", name=op.f("ck_cover_somebody_else")),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_cover_moments_in_order")),
        sa.ForeignKeyConstraint(["cover_id"], ["person.id"], name=op.f("fk_cover_cover_id")),
        sa.ForeignKeyConstraint(["made_by"], ["person.id"], name=op.f("fk_cover_made_by")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_cover_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover")),
    )
    op.create_index("ix_cover_cover", "cover", ["cover_id", "ends_at"], unique=False)
    op.create_index("ix_cover_person", "cover", ["person_id", "ends_at"], unique=False)

    for table, text, key in FOLDED:
        op.add_column(table, sa.Column(key, sa.String(), nullable=False, server_default=""))
        _fold(table, text, key)
    op.add_column("engagement", sa.Column("next_on", sa.Date(), nullable=False, server_default="9999-12-31"))
    op.execute(NEXT)

    op.drop_index("ix_engagement_customer_id", table_name="engagement")
    op.drop_index("ix_engagement_manager_id", table_name="engagement")
    op.create_index("ix_engagement_customer", "engagement", ["customer_id", "id"], unique=False)
    op.create_index("ix_engagement_customer_next", "engagement", ["customer_id", "next_on", "id"], unique=False)
    op.create_index("ix_engagement_manager_next", "engagement", ["manager_id", "next_on", "id"], unique=False)
    op.create_index("ix_engagement_name", "engagement", ["name_key", "id"], unique=False)
    op.create_index("ix_engagement_next", "engagement", ["next_on", "id"], unique=False)

    is_open = sa.text("withdrawn_at IS NULL AND done_at IS NULL")
    op.create_index("ix_deadline_open", "deadline", ["day", "id"], unique=False, sqlite_where=is_open, postgresql_where=is_open)


def _fold(table: str, text: str, key: str) -> None:
    """Casefolding is Python's: neither engine does it for every script."""
    rows = sa.table(table, sa.column("id", sa.Uuid()), sa.column(text, sa.String()), sa.column(key, sa.String()))
    connection = op.get_bind()
    for row in connection.execute(sa.select(rows.c.id, rows.c[text])).all():
        connection.execute(sa.update(rows).where(rows.c.id == row.id).values({key: row[1].casefold()}))


def downgrade() -> None:
    op.drop_index("ix_deadline_open", table_name="deadline")
    for name in ("next", "name", "manager_next", "customer_next", "customer"):
        op.drop_index(f"ix_engagement_{name}", table_name="engagement")
    op.create_index("ix_engagement_manager_id", "engagement", ["manager_id"], unique=False)
    op.create_index("ix_engagement_customer_id", "engagement", ["customer_id"], unique=False)

    op.drop_column("engagement", "next_on")
    for table, _text, key in reversed(FOLDED):
        op.drop_column(table, key)

    op.drop_index("ix_cover_person", table_name="cover")
    op.drop_index("ix_cover_cover", table_name="cover")
    op.drop_table("cover")
