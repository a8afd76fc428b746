"""Rounds of UAT and the defects that were reported in them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.uat import DefectClass, DefectState, RoundState
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, visible
from tracker.store.person import Person
from tracker.store.site import Site

ROUND_STATES = ", ".join(f"'{each}'" for each in RoundState)
CLASSES = ", ".join(f"'{each}'" for each in DefectClass)
DEFECT_STATES = ", ".join(f"'{each}'" for each in DefectState)
OPEN = sa.text("state = 'open'")


class UatRound(Versioned, Base):
    """One go at the acceptance test of a site: who tests, and how it ended."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.UniqueConstraint("site_id", "number"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint(f"state IN ({ROUND_STATES})", name="state_known"),
        sa.CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed_when"),
        sa.CheckConstraint("state <> 'signed' OR closed_by IS NOT NULL", name="signed_by_somebody"),
        sa.Index("uq_uat_round_open", "site_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        sa.Index("ix_uat_round_engagement", "engagement_id", "state"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="open")
    # Each a name, perhaps with an e-mail address: people of the customer who need no account here.
    testers: Mapped[list[Any]] = mapped_column(default=list)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    reason: Mapped[str | None]


class Defect(Versioned, Base):
    """Something that a tester found wrong, whose it is, and how far the work on it is."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "round_id"], ["uat_round.engagement_id", "uat_round.id"]),
        sa.CheckConstraint(f"classification IN ({CLASSES})", name="classification_known"),
        sa.CheckConstraint(f"state IN ({DEFECT_STATES})", name="state_known"),
        sa.CheckConstraint("classification <> 'pre_existing' OR source_checked <> ''", name="seen_on_the_source"),
        sa.Index("ix_defect_site", "site_id", "state"),
        sa.Index("ix_defect_engagement", "engagement_id", "state"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    round_id: Mapped[UUID]
    title: Mapped[str]
    details: Mapped[str] = mapped_column(default="")
    classification: Mapped[str] = mapped_column(default="unclassified")
    state: Mapped[str] = mapped_column(default="open")
    # How the fault was seen on the source as well; what was there before is not the migration's (BR-29).
    source_checked: Mapped[str] = mapped_column(default="")
    reported_by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    reported_at: Mapped[datetime]


@dataclass(frozen=True)
class RoundRow:
    """A round with its site and who closed it."""

    round: UatRound
    site: Site
    engagement: Engagement
    closer: str | None


@dataclass(frozen=True)
class DefectRow:
    """A defect with its round and who reported it."""

    defect: Defect
    round: UatRound
    site: Site
    reporter: str


def _round_query(*where: sa.ColumnElement[bool]) -> sa.Select[UatRound, Site, Engagement, str]:
    return (
        sa.select(UatRound, Site, Engagement, Person.name)
        .join(Site, Site.id == UatRound.site_id)
        .join(Engagement, Engagement.id == UatRound.engagement_id)
        .outerjoin(Person, Person.id == UatRound.closed_by)
        .where(*where)
        .order_by(UatRound.site_id, UatRound.number.desc())
    )


_OPEN_ROUNDS = _round_query(UatRound.engagement_id == sa.bindparam("engagement"), UatRound.state == "open")


def _rounds(session: AnySession, *where: sa.ColumnElement[bool]) -> list[RoundRow]:
    return [RoundRow(*row) for row in session.execute(_round_query(*where))]


def get_round(session: AnySession, actor: Actor, round_id: UUID) -> RoundRow:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    found = _rounds(session, UatRound.id == round_id, visible(actor))
    if not found:
        raise NotFound
    return found[0]


def rounds_of_site(session: AnySession, site_id: UUID) -> list[RoundRow]:
    """The rounds of a site, the latest first."""
    return _rounds(session, UatRound.site_id == site_id)


def open_rounds_of_engagement(session: AnySession, engagement_id: UUID) -> list[RoundRow]:
    """The rounds that are open in an engagement."""
    return [RoundRow(*row) for row in session.execute(_OPEN_ROUNDS, {"engagement": engagement_id})]


def latest_round(session: AnySession, site_id: UUID) -> UatRound | None:
    """The last round of a site, open or not."""
    return session.scalar(sa.select(UatRound).where(UatRound.site_id == site_id).order_by(UatRound.number.desc()).limit(1))


def _defects(session: AnySession, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[DefectRow]:
    reporter = aliased(Person)
    query = (
        sa.select(Defect, UatRound, Site, reporter.name)
        .join(UatRound, UatRound.id == Defect.round_id)
        .join(Site, Site.id == Defect.site_id)
        .join(Engagement, Engagement.id == Defect.engagement_id)
        .join(reporter, reporter.id == Defect.reported_by)
        .where(*where)
        .order_by(Defect.id)
        .limit(limit)
    )
    return [DefectRow(*row) for row in session.execute(query)]


def get_defect(session: AnySession, actor: Actor, defect_id: UUID) -> DefectRow:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    found = _defects(session, Defect.id == defect_id, visible(actor))
    if not found:
        raise NotFound
    return found[0]


def defects_of_site(
    session: AnySession, site_id: UUID, *, state: str | None = None, after: UUID | None = None, limit: int | None = None
) -> list[DefectRow]:
    """The defects of a site in the order they were reported, perhaps only those in one state."""
    where = [Defect.site_id == site_id]
    if state is not None:
        where.append(Defect.state == state)
    if after is not None:
        where.append(Defect.id > after)
    return _defects(session, *where, limit=limit)
