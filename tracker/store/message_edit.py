"""Messages that no longer say what is so: each is edited in place until it does. An edit may be repeated freely."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.store.database import AnySession, Base, dialect_insert, table_of


class MessageEdit(Base):
    """How often a sent message was to be brought up to date (`wanted`), and which of these times it last was (`done`)."""

    __table_args__ = (
        sa.CheckConstraint("0 <= done AND done <= wanted", name="done_within_wanted"),
        sa.Index(
            "ix_message_edit_due",
            "next_at",
            sqlite_where=sa.text("wanted > done"),
            postgresql_where=sa.text("wanted > done"),
        ),
    )
    notice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("notice.id"), primary_key=True)
    wanted: Mapped[int]
    done: Mapped[int]
    next_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int]
    last_error: Mapped[str | None]


def want(session: AnySession, notice_id: UUID, now: datetime) -> None:
    """Have a message brought up to date, in the transaction that changes what it should say."""
    table = table_of(MessageEdit)
    row = {"notice_id": notice_id, "wanted": 1, "done": 0, "next_at": now, "lease_until": None, "attempts": 0}
    statement = dialect_insert(session, table).values(row)
    changed = {"wanted": table.c.wanted + 1, "next_at": now, "attempts": 0}
    session.execute(statement.on_conflict_do_update(index_elements=["notice_id"], set_=changed))
