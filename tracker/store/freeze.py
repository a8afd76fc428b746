"""Code and content freezes of sites, what the customer answered, and the exceptions that were made."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, aliased, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.freeze import FreezeAnswer, FreezeKind, FreezeState, state_of
from tracker.domain.workday import Calendar
from tracker.store.database import AnySession, Base, Keyed, Versioned
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement, visible
from tracker.store.person import Person
from tracker.store.requirements import Signature
from tracker.store.site import Site

KINDS = ", ".join(f"'{each}'" for each in FreezeKind)
ANSWERS = ", ".join(f"'{each}'" for each in FreezeAnswer)
NOT_ENDED = sa.text("ended_at IS NULL")


class Freeze(Versioned, Base):
    """One freeze of one site. It begins on its deadline; without an end it holds to the launch or the verified cutover."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "deadline_id"], ["deadline.engagement_id", "deadline.id"]),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind_known"),
        sa.CheckConstraint(f"answer IN ({ANSWERS})", name="answer_known"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered_when"),
        sa.CheckConstraint("(answer IS NULL) = (answered_by IS NULL)", name="answered_by_whom"),
        sa.Index("uq_freeze_open", "site_id", "kind", unique=True, sqlite_where=NOT_ENDED, postgresql_where=NOT_ENDED),
        sa.Index("ix_freeze_engagement", "engagement_id"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    kind: Mapped[str]
    deadline_id: Mapped[UUID]
    ends_at: Mapped[datetime | None]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class FreezeOverride(Keyed, Base):
    """An exception from a freeze, with its typed reason. Never changed."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "freeze_id"], ["freeze.engagement_id", "freeze.id"]),
        sa.Index("ix_freeze_override_freeze", "freeze_id", "at"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    freeze_id: Mapped[UUID]
    what: Mapped[str]
    reason: Mapped[str]
    until: Mapped[datetime | None]
    by: Mapped[UUID] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[datetime]


@dataclass(frozen=True)
class FreezeRow:
    """A freeze with what it is shown by, and its exceptions, the latest first."""

    freeze: Freeze
    deadline: Deadline
    engagement: Engagement
    site: Site
    answerer: str | None
    overrides: list[tuple[FreezeOverride, str]] = field(default_factory=list)

    @property
    def starts_at(self) -> datetime:
        """The instant of its date, or nine o'clock on its day."""
        return self.deadline.dates.starts_at(Calendar(self.engagement.time_zone))

    def state(self, now: datetime) -> FreezeState:
        return state_of(self.starts_at, self.freeze.ends_at, self.freeze.ended_at, now)


def _query(*where: sa.ColumnElement[bool], with_overrides: bool = False) -> sa.Select[Any]:
    answerer, maker = aliased(Person), aliased(Person)
    columns: list[object] = [Freeze, Deadline, Engagement, Site, answerer.name]
    query = sa.select(*columns, *((FreezeOverride, maker.name) if with_overrides else ()))  # type: ignore[call-overload]
    query = (
        query.join(Deadline, Deadline.id == Freeze.deadline_id)
        .join(Engagement, Engagement.id == Freeze.engagement_id)
        .join(Site, Site.id == Freeze.site_id)
        .outerjoin(answerer, answerer.id == Freeze.answered_by)
    )
    order: Sequence[object] = (Deadline.day, Freeze.id)
    if with_overrides:
        query = query.outerjoin(FreezeOverride, FreezeOverride.freeze_id == Freeze.id).outerjoin(
            maker, maker.id == FreezeOverride.by
        )
        order = (*order, FreezeOverride.at.desc(), FreezeOverride.id.desc())
    found: sa.Select[Any] = query.where(*where).order_by(*order)
    return found


def _rows(session: AnySession, *where: sa.ColumnElement[bool], with_overrides: bool = False) -> list[FreezeRow]:
    """Freezes in the order of their dates, in one statement."""
    return _read(session.execute(_query(*where, with_overrides=with_overrides)), with_overrides)


def _read(rows: Iterable[Any], with_overrides: bool) -> list[FreezeRow]:
    found: dict[UUID, FreezeRow] = {}
    for row in rows:
        freeze = found.setdefault(row[0].id, FreezeRow(*row[:5]))
        if with_overrides and row[5] is not None:
            freeze.overrides.append((row[5], row[6]))
    return list(found.values())


def get(session: AnySession, actor: Actor, freeze_id: UUID) -> FreezeRow:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    found = _rows(session, Freeze.id == freeze_id, visible(actor), with_overrides=True)
    if not found:
        raise NotFound
    return found[0]


def of_site(session: AnySession, site_id: UUID) -> list[FreezeRow]:
    """All freezes of a site with their exceptions, in order."""
    return _rows(session, Freeze.site_id == site_id, with_overrides=True)


def open_of_site(session: AnySession, site_id: UUID) -> list[FreezeRow]:
    """The freezes of a site that have not ended."""
    return _rows(session, Freeze.site_id == site_id, Freeze.ended_at.is_(None))


_OPEN = _query(Freeze.engagement_id == sa.bindparam("engagement"), Freeze.ended_at.is_(None), Site.stage != "withdrawn")


def open_of_engagement(session: AnySession, engagement_id: UUID) -> list[FreezeRow]:
    """The freezes of an engagement's sites that are on or still to come."""
    return _read(session.execute(_OPEN, {"engagement": engagement_id}), with_overrides=False)


def running_of_engagements(session: AnySession, ids: Collection[UUID], now: datetime) -> list[FreezeRow]:
    """The freezes that hold right now in some engagements, in order."""
    found = _rows(session, Freeze.engagement_id.in_(ids), Freeze.ended_at.is_(None))
    return [row for row in found if row.state(now) is FreezeState.RUNNING]


def all_of(session: AnySession, engagement_id: UUID) -> list[Freeze]:
    """The bare freezes of an engagement, the latest last."""
    return list(session.scalars(sa.select(Freeze).where(Freeze.engagement_id == engagement_id).order_by(Freeze.id)))


def signatures_of(session: AnySession, engagement_id: UUID) -> dict[UUID, Signature]:
    """By site, the last signature under a freeze."""
    query = sa.select(Signature).where(Signature.engagement_id == engagement_id, Signature.subject == "freeze")
    return {each.site_id: each for each in session.scalars(query.order_by(Signature.signed_at)) if each.site_id is not None}


def at_thing(session: AnySession, actor: Actor, site_id: UUID | sa.ScalarSelect[UUID], now: datetime) -> list[FreezeRow]:
    """What holds right now at a site, which may be named by a query, with the exceptions: for the banner."""
    found = _rows(session, Freeze.site_id == site_id, Freeze.ended_at.is_(None), visible(actor), with_overrides=True)
    return [row for row in found if row.state(now) is FreezeState.RUNNING]
