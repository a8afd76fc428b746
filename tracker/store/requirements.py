"""Agreed project requirements, version by version, and the signatures under what was shown."""

import hashlib
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.store.audit import canonical
from tracker.store.database import AnySession, Base, Keyed
from tracker.store.engagement import Engagement, Sight, who


class ProjectRequirements(Keyed, Base):
    """One agreed version: the document as it was shown, and its hash. Never changed."""

    __table_args__ = (sa.UniqueConstraint("engagement_id", "version"),)
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    version: Mapped[int]
    document: Mapped[dict[str, Any]]
    hash: Mapped[str]
    agreed_at: Mapped[datetime]
    agreed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))


class Signature(Keyed, Base):
    """A customer approver's name under one hash. Only the customer signs (BR-49)."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "subject", "hash"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    subject: Mapped[str]
    hash: Mapped[str]
    signed_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    signed_at: Mapped[datetime]


def document_digest(document: dict[str, Any]) -> str:
    """The hash that is signed, over the canonical form of what was shown."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


_LATEST = (
    sa.select(ProjectRequirements)
    .where(ProjectRequirements.engagement_id == sa.bindparam("engagement"))
    .order_by(ProjectRequirements.version.desc())
    .limit(1)
)
_SIGNATURE = sa.select(Signature).where(
    Signature.engagement_id == sa.bindparam("engagement"),
    Signature.subject == sa.bindparam("subject"),
    Signature.hash == sa.bindparam("hash"),
)


def latest(session: AnySession, engagement_id: UUID) -> ProjectRequirements | None:
    """The version in force."""
    return session.scalar(_LATEST, {"engagement": engagement_id})


def signature(session: AnySession, engagement_id: UUID, subject: str, digest: str) -> Signature | None:
    return session.scalar(_SIGNATURE, {"engagement": engagement_id, "subject": subject, "hash": digest})


def signed_subjects(session: AnySession, engagement_id: UUID, site_id: UUID | None) -> set[str]:
    """What has been signed for a site, or for the engagement as a whole."""
    query = sa.select(Signature.subject).where(Signature.engagement_id == engagement_id)
    return set(session.scalars(query.where(sa.or_(Signature.site_id.is_(None), Signature.site_id == site_id))))


@cache
def _unsigned(sight: Sight) -> sa.Select[Engagement]:
    waiting = Engagement.unsigned_since.is_not(None)
    query = sa.select(Engagement).where(sight.condition(), Engagement.status == "active", waiting)
    return query.order_by(Engagement.unsigned_since, Engagement.id).limit(sa.bindparam("most", type_=sa.Integer))


def unsigned(session: AnySession, actor: Actor, *, limit: int) -> list[Engagement]:
    """Running engagements that an actor may see whose requirements are agreed and not signed, the oldest first."""
    return list(session.scalars(_unsigned(Sight.of(actor)), who(actor) | {"most": limit}))
