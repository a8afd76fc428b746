"""Change requests and their history: who raised, estimated, approved and applied what."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor, Permission
from tracker.domain.change_request import UNDECIDED_STATES, RequestState
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed, Versioned
from tracker.store.engagement import Engagement, visible

STATES = ", ".join(f"'{each}'" for each in RequestState)
# Which approvals belong to which state; what was given before an end is kept as it was.
APPROVALS = (
    "(state <> 'open' OR (team_approved_at IS NULL AND customer_approved_at IS NULL))"
    " AND (state <> 'approved_by_team' OR (team_approved_at IS NOT NULL AND customer_approved_at IS NULL))"
    " AND (state <> 'approved_by_customer' OR (customer_approved_at IS NOT NULL AND team_approved_at IS NULL))"
    " AND (state <> 'applied' OR (team_approved_at IS NOT NULL AND customer_approved_at IS NOT NULL))"
)


class ChangeRequest(Versioned, Base):
    """Something that is to change about what was agreed. Applied whole, when both sides have approved it."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.UniqueConstraint("engagement_id", "number"),
        sa.CheckConstraint(f"state IN ({STATES})", name="state_known"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("estimate_minutes >= 0", name="estimate_whole"),
        sa.CheckConstraint("(team_approved_by IS NULL) = (team_approved_at IS NULL)", name="team_approved_when"),
        sa.CheckConstraint("(customer_approved_by IS NULL) = (customer_approved_at IS NULL)", name="customer_approved_when"),
        sa.CheckConstraint(APPROVALS, name="approvals_fit_state"),
        sa.CheckConstraint("customer_approved_at IS NULL OR estimate_minutes IS NOT NULL", name="cost_known"),
        sa.CheckConstraint("(state = 'applied') = (applied_at IS NOT NULL)", name="applied_when"),
        sa.CheckConstraint("(state IN ('rejected', 'withdrawn')) = (decided_at IS NOT NULL)", name="decided_when"),
        sa.CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided_by_somebody"),
        sa.CheckConstraint("state <> 'rejected' OR decision_reason IS NOT NULL", name="rejected_why"),
        sa.Index("ix_change_request_undecided", "engagement_id", "state"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    # Counted within the engagement, so that people can speak of "change request 3".
    number: Mapped[int]
    title: Mapped[str]
    reason: Mapped[str]
    changes: Mapped[list[Any]]
    estimate_minutes: Mapped[int | None]
    state: Mapped[str] = mapped_column(default="open")
    raised_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    raised_at: Mapped[datetime]
    team_approved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    team_approved_at: Mapped[datetime | None]
    customer_approved_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    customer_approved_at: Mapped[datetime | None]
    # The sites as the customer was shown that the requirements would list them: what their approval signs.
    customer_foresaw: Mapped[list[Any] | None]
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    applied_at: Mapped[datetime | None]
    # What was done, in the words both sides read, with what was before.
    told: Mapped[list[Any] | None]
    requirements_version_before: Mapped[int | None]
    requirements_version_after: Mapped[int | None]


class ChangeRequestStep(Keyed, Base):
    """One thing that somebody did about a change request. Never changed; both sides read it."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "request_id"], ["change_request.engagement_id", "change_request.id"]),
        sa.Index("ix_change_request_step_request", "request_id", "id"),
    )
    engagement_id: Mapped[UUID]
    request_id: Mapped[UUID]
    at: Mapped[datetime]
    by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    what: Mapped[str]
    note: Mapped[str]


def get(session: AnySession, actor: Actor, request_id: UUID) -> ChangeRequest:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    return get_with_engagement(session, actor, request_id)[0]


def get_with_engagement(session: AnySession, actor: Actor, request_id: UUID) -> tuple[ChangeRequest, Engagement]:
    """A change request and its engagement, in one statement. Raises NotFound."""
    query = sa.select(ChangeRequest, Engagement).join(Engagement, Engagement.id == ChangeRequest.engagement_id)
    found = session.execute(query.where(ChangeRequest.id == request_id, visible(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


def page(
    session: AnySession, engagement_id: UUID, *, states: Collection[str] = (), before: int | None = None, limit: int
) -> list[ChangeRequest]:
    """Change requests of an engagement, the newest first, those below a given number."""
    query = sa.select(ChangeRequest).where(ChangeRequest.engagement_id == engagement_id)
    if states:
        query = query.where(ChangeRequest.state.in_(states))
    if before is not None:
        query = query.where(ChangeRequest.number < before)
    return list(session.scalars(query.order_by(ChangeRequest.number.desc()).limit(limit)))


def count_by_state(session: AnySession, engagement_id: UUID) -> dict[str, int]:
    """How many there are in each state."""
    query = sa.select(ChangeRequest.state, sa.func.count()).where(ChangeRequest.engagement_id == engagement_id)
    return {row[0]: row[1] for row in session.execute(query.group_by(ChangeRequest.state))}


def next_number(session: AnySession, engagement_id: UUID) -> int:
    """The number of the next one. The caller holds the engagement."""
    highest = sa.select(sa.func.max(ChangeRequest.number)).where(ChangeRequest.engagement_id == engagement_id)
    return int(session.scalar(highest) or 0) + 1


_OPEN = (
    sa.select(ChangeRequest)
    .where(ChangeRequest.engagement_id == sa.bindparam("engagement"), ChangeRequest.state.in_(UNDECIDED_STATES))
    .order_by(ChangeRequest.number)
)


def open_of_engagement(session: AnySession, engagement_id: UUID) -> list[ChangeRequest]:
    """Everything of an engagement that is not decided, the oldest first."""
    return list(session.scalars(_OPEN, {"engagement": engagement_id}))


def waiting_on_customer(session: AnySession, actor: Actor, *, limit: int) -> list[tuple[ChangeRequest, Engagement]]:
    """Requests the actor may see that the team has approved and the customer has not, the oldest first."""
    actor.must(Permission.SEE_ENGAGEMENTS)
    query = (
        sa.select(ChangeRequest, Engagement)
        .join(Engagement, Engagement.id == ChangeRequest.engagement_id)
        .where(ChangeRequest.state == RequestState.APPROVED_BY_TEAM, Engagement.status == "active", visible(actor))
        .order_by(ChangeRequest.team_approved_at, ChangeRequest.id)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def steps_of(session: AnySession, request_id: UUID) -> list[ChangeRequestStep]:
    """The history of one change request, in order."""
    query = sa.select(ChangeRequestStep).where(ChangeRequestStep.request_id == request_id)
    return list(session.scalars(query.order_by(ChangeRequestStep.id)))
