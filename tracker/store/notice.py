"""Notices as people look at them: what was told, what will be, and the log of each."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.notice import DAILY_DIGEST, GIVEN_UP, SETTLED, STUCK, STUCK_STATES, NoticeState
from tracker.store.database import AnySession, Base, Keyed, changed_one, table_of
from tracker.store.engagement import Engagement, visible

STATES = ", ".join(f"'{state}'" for state in NoticeState)


def _partial(name: str, column: str, state: str) -> sa.Index:
    where = sa.text(f"state = '{state}'")
    return sa.Index(name, column, "id", sqlite_where=where, postgresql_where=where)


class OutboxNotice(Keyed, Base):
    """One notice on its way."""

    __tablename__ = "notice"
    __table_args__ = (
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_known"),
        sa.CheckConstraint("road IN ('slack', 'mail')", name="road_known"),
        sa.CheckConstraint("road = 'slack' OR person_id IS NOT NULL", name="mail_is_somebodys"),
        sa.CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease_while_sending"),
        sa.CheckConstraint("state <> 'sent' OR slack_ts IS NOT NULL", name="sent_has_timestamp"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "deadline_id"], ["deadline.engagement_id", "deadline.id"]),
        _partial("ix_notice_planned", "due_at", "planned"),
        _partial("ix_notice_ready", "next_at", "ready"),
        _partial("ix_notice_sending", "lease_until", "sending"),
        _partial("ix_notice_unknown", "next_at", "unknown"),
        sa.Index("ix_notice_engagement", "engagement_id", "due_at"),
        sa.Index("ix_notice_deadline", "deadline_id"),
        sa.Index("ix_notice_state", "state", "due_at"),
        sa.Index(
            "ix_notice_origin",
            "origin_id",
            sqlite_where=sa.text("origin_id IS NOT NULL"),
            postgresql_where=sa.text("origin_id IS NOT NULL"),
        ),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    deadline_id: Mapped[UUID | None]
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    audience: Mapped[str]
    # The way it goes: `channel` is a channel of Slack's, or the address that mail goes to, which is `person_id`'s.
    road: Mapped[str] = mapped_column(default="slack")
    channel: Mapped[str | None]
    person_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    # What a snoozed notice was first told as.
    origin_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("notice.id"))
    # The message under which it stands, decided with its body; a reply that the channel is shown as well.
    thread_ts: Mapped[str | None]
    broadcast: Mapped[bool] = mapped_column(default=False)
    # Said in plain text, because Slack refused its blocks.
    plain: Mapped[bool] = mapped_column(default=False)
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    headline: Mapped[str]
    text: Mapped[str]
    facts: Mapped[list[Any]]
    path: Mapped[str]
    mention: Mapped[str | None]
    due_at: Mapped[datetime]
    useless_after: Mapped[datetime]
    state: Mapped[str]
    reason: Mapped[str | None]
    next_at: Mapped[datetime]
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    first_attempt_at: Mapped[datetime | None]
    last_attempt_at: Mapped[datetime | None]
    absent_seen: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    # NULL, never the JSON word null: a body is frozen where there is none yet.
    body: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    slack_ts: Mapped[str | None]
    last_error: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class DeliveryAttempt(Keyed, Base):
    """One try to send, or one look into the channel: what came of it. Never changed."""

    notice_id: Mapped[UUID] = mapped_column(sa.ForeignKey("notice.id"), index=True)
    fence: Mapped[int | None]
    at: Mapped[datetime]
    outcome: Mapped[str]
    detail: Mapped[str | None]


table = table_of(OutboxNotice)


def get(session: AnySession, actor: Actor, notice_id: UUID) -> OutboxNotice:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(OutboxNotice).join(Engagement, Engagement.id == OutboxNotice.engagement_id)
    found = session.scalar(query.where(OutboxNotice.id == notice_id, shown(actor)))
    if found is None:
        raise NotFound
    return found


def acknowledge(session: AnySession, notice_id: UUID, person_id: UUID, now: datetime) -> bool:
    """Write down who saw a notice first; False where somebody did before."""
    first = sa.update(OutboxNotice).where(OutboxNotice.id == notice_id, OutboxNotice.acknowledged_at.is_(None))
    return changed_one(session, first.values(acknowledged_at=now, acknowledged_by=person_id))


def attempts_of(session: AnySession, notice_id: UUID) -> list[DeliveryAttempt]:
    """A notice's delivery log, oldest first."""
    query = sa.select(DeliveryAttempt).where(DeliveryAttempt.notice_id == notice_id)
    return list(session.scalars(query.order_by(DeliveryAttempt.id).limit(200)))


def snoozes_of(session: AnySession, notice_id: UUID) -> list[OutboxNotice]:
    """What a notice was put off to, the latest first."""
    query = sa.select(OutboxNotice).where(table.c.origin_id == notice_id).order_by(table.c.due_at.desc(), table.c.id.desc())
    return list(session.scalars(query.limit(20)))


def shown(actor: Actor) -> sa.ColumnElement[bool]:
    """The notices an actor may know of. A daily digest speaks of all engagements in its channel: who sees all sees it."""
    if actor.sees_all and actor.only_engagement_id is None:
        return visible(actor)
    return sa.and_(visible(actor), table.c.kind != DAILY_DIGEST)


_STUCK = sa.and_(
    table.c.state.in_(STUCK_STATES),
    sa.or_(table.c.state != NoticeState.DEAD, sa.not_(sa.func.coalesce(table.c.reason, "").startswith(GIVEN_UP))),
)


def page(
    session: AnySession,
    actor: Actor,
    *,
    engagement_id: UUID | None = None,
    state: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 50,
) -> list[tuple[OutboxNotice, str]]:
    """Notices and their engagements' names by due date, the latest first, narrowed as asked."""
    query = (
        sa.select(OutboxNotice, Engagement.name).join(Engagement, Engagement.id == OutboxNotice.engagement_id).where(shown(actor))
    )
    if engagement_id is not None:
        query = query.where(table.c.engagement_id == engagement_id)
    if state is not None:
        query = query.where(_STUCK if state == STUCK else table.c.state == state)
    if after is not None:
        query = query.where(sa.tuple_(table.c.due_at, table.c.id) < sa.tuple_(*after))
    rows = session.execute(query.order_by(table.c.due_at.desc(), table.c.id.desc()).limit(limit))
    return [(row[0], row[1]) for row in rows]


def count_by_state(session: AnySession, actor: Actor) -> dict[str, int]:
    """How many notices an actor may see stand in each state."""
    query = sa.select(table.c.state, sa.func.count()).join(Engagement, Engagement.id == table.c.engagement_id)
    return {row[0]: row[1] for row in session.execute(query.where(shown(actor)).group_by(table.c.state))}


def count_stuck(session: AnySession, actor: Actor) -> int:
    """How many notices an actor may see wait for somebody, or for a look."""
    query = sa.select(sa.func.count()).select_from(table.join(table_of(Engagement), Engagement.id == table.c.engagement_id))
    return int(session.execute(query.where(shown(actor), _STUCK)).scalar_one())


_COMING = (
    sa.select(OutboxNotice)
    .where(
        table.c.engagement_id == sa.bindparam("engagement"),
        table.c.kind != DAILY_DIGEST,
        table.c.state.in_([state for state in NoticeState if state not in SETTLED]),
    )
    .order_by(table.c.due_at, table.c.id)
    .limit(sa.bindparam("most", type_=sa.Integer))
)


def coming(session: AnySession, engagement_id: UUID, *, limit: int) -> list[OutboxNotice]:
    """What an engagement's channels are to be told next, the earliest first; what is stuck stands among it."""
    return list(session.scalars(_COMING, {"engagement": engagement_id, "most": limit}))


def of_dates(session: AnySession, engagement_id: UUID) -> list[OutboxNotice]:
    """Every notice that one of an engagement's dates asked for, whatever became of it, read anew."""
    query = sa.select(OutboxNotice).where(OutboxNotice.engagement_id == engagement_id, OutboxNotice.deadline_id.is_not(None))
    return list(session.scalars(query.order_by(OutboxNotice.due_at, OutboxNotice.id).execution_options(populate_existing=True)))


def between(
    session: AnySession, actor: Actor, first: datetime, last: datetime, *, engagement_id: UUID | None = None, limit: int
) -> list[tuple[OutboxNotice, Engagement]]:
    """What is due from one moment to another in what the actor sees, with its engagement, the earliest first."""
    query = sa.select(OutboxNotice, Engagement).join(Engagement, Engagement.id == OutboxNotice.engagement_id)
    query = query.where(visible(actor), OutboxNotice.due_at >= first, OutboxNotice.due_at <= last)
    if engagement_id is not None:
        query = query.where(OutboxNotice.engagement_id == engagement_id)
    rows = session.execute(query.order_by(OutboxNotice.due_at, OutboxNotice.id).limit(limit)).all()
    return [(notice, engagement) for notice, engagement in rows]
