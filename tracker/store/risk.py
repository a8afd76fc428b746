"""Risks of an engagement. Internal ones exist for the team only: every query takes the actor and leaves them out for others."""

from datetime import date, datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, visible

SEVERITIES = ("blocks", "warns", "note")
AUDIENCES = ("customer", "internal")
STATES = ("open", "closed")


class Risk(Versioned, Base):
    """Something that may move a date or cost hours, and who is on it."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("severity IN ('blocks', 'warns', 'note')", name="severity_known"),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_known"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state_known"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_when"),
        sa.Index("ix_risk_engagement", "engagement_id", "state", "due_on"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    title: Mapped[str]
    severity: Mapped[str]
    mitigation: Mapped[str]
    audience: Mapped[str]
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(default="open")
    outcome: Mapped[str | None]
    raised_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    raised_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


def known_to(actor: Actor) -> sa.ColumnElement[bool]:
    """The risks an actor may know of, the engagement apart: customers never know of internal ones."""
    return sa.true() if actor.is_staff else Risk.audience == "customer"


def get(session: AnySession, actor: Actor, risk_id: UUID) -> tuple[Risk, Engagement]:
    """A risk and its engagement. Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(Risk, Engagement).join(Engagement, Engagement.id == Risk.engagement_id)
    found = session.execute(query.where(Risk.id == risk_id, visible(actor), known_to(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


SEVERITY_ORDER = sa.case({"blocks": 0, "warns": 1}, value=Risk.severity, else_=2)


@cache
def _open(*, is_staff: bool, of_site: bool) -> sa.Select[Risk]:
    query = sa.select(Risk).where(Risk.engagement_id == sa.bindparam("engagement"), Risk.state == "open")
    if not is_staff:
        query = query.where(Risk.audience == "customer")
    if of_site:
        query = query.where(Risk.site_id == sa.bindparam("site"))
    return query.order_by(SEVERITY_ORDER, Risk.due_on.is_(None), Risk.due_on, Risk.id)


def open_of(session: AnySession, engagement_id: UUID, actor: Actor, *, site_id: UUID | None = None) -> list[Risk]:
    """The open risks of an engagement, or of one of its sites, that an actor may know of; the gravest first."""
    query = _open(is_staff=actor.is_staff, of_site=site_id is not None)
    return list(session.scalars(query, {"engagement": engagement_id, "site": site_id}))


def closed_of(session: AnySession, engagement_id: UUID, actor: Actor, *, limit: int) -> list[Risk]:
    """The risks of an engagement that were closed last, as far as an actor may know of them."""
    query = sa.select(Risk).where(Risk.engagement_id == engagement_id, Risk.state == "closed", known_to(actor))
    return list(session.scalars(query.order_by(Risk.closed_at.desc(), Risk.id.desc()).limit(limit)))


def page(session: AnySession, engagement_id: UUID, actor: Actor, *, after: UUID | None, limit: int) -> list[Risk]:
    """Some risks of an engagement that an actor may know of, in the order in which they were raised."""
    query = sa.select(Risk).where(Risk.engagement_id == engagement_id, known_to(actor))
    return list(session.scalars((query.where(Risk.id > after) if after else query).order_by(Risk.id).limit(limit)))
