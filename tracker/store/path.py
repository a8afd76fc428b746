"""Guided paths of sites: which one was chosen, how far each step is, and where the customer was helped."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Keyed, Versioned, insert_or_ignore, table_of
from tracker.store.engagement import Engagement, visible
from tracker.store.identity import new_id
from tracker.store.site import Site

ACTIVE, TAKEN = sa.text("state = 'active'"), sa.text("released_at IS NULL")
MOST_HELPED = 5


class SitePath(Versioned, Base):
    """One guided path that a site walks or walked. Of the same path only one is active at a time."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("state IN ('active', 'complete', 'failed', 'replaced')", name="state_known"),
        sa.CheckConstraint("(state = 'active') = (ended_at IS NULL)", name="ended_when"),
        sa.Index("uq_site_path_active", "site_id", "runbook", unique=True, sqlite_where=ACTIVE, postgresql_where=ACTIVE),
        sa.Index("ix_site_path_engagement", "engagement_id", "site_id"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    # The runbook of the catalogue, and the version of the catalogue whose steps it has.
    runbook: Mapped[str]
    catalogue_version: Mapped[int]
    reason: Mapped[str]
    chosen_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    chosen_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(default="active")
    ended_at: Mapped[datetime | None]
    # Of a run that failed: what the importer said, and which known fault that is.
    fault: Mapped[str | None]
    failure: Mapped[str | None]


class PathStep(Versioned, Base):
    """One step of a path. Finished is done or, with a reason, skipped."""

    __table_args__ = (
        sa.UniqueConstraint("path_id", "step"),
        sa.ForeignKeyConstraint(["engagement_id", "path_id"], ["site_path.engagement_id", "site_path.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("(finished_at IS NULL) = (finished_by IS NULL)", name="finished_by_somebody"),
        sa.CheckConstraint("skipped_reason IS NULL OR finished_at IS NOT NULL", name="skipped_is_finished"),
        sa.Index("ix_path_step_engagement", "engagement_id", "path_id", "position"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    path_id: Mapped[UUID]
    site_id: Mapped[UUID]
    position: Mapped[int]
    step: Mapped[str]
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    confirmed: Mapped[list[Any]] = mapped_column(default=list)
    evidence: Mapped[str] = mapped_column(default="")
    finished_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    finished_at: Mapped[datetime | None]
    # Somebody of the team did what was the customer's to do.
    on_behalf: Mapped[bool] = mapped_column(default=False)
    skipped_reason: Mapped[str | None]


class TargetSite(Keyed, Base):
    """A name that a site has taken on the platform, until it gives it back. One name stands for one site."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.Index("uq_target_site_name", "name", unique=True, sqlite_where=TAKEN, postgresql_where=TAKEN),
        sa.Index("ix_target_site_site", "site_id"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    name: Mapped[str]
    taken_at: Mapped[datetime]
    released_at: Mapped[datetime | None]


class HelpedMigration(Keyed, Base):
    """One of the migrations in which the team helped with the plugin of 2017: five for each customer."""

    __table_args__ = (
        sa.UniqueConstraint("customer_id", "number"),
        sa.UniqueConstraint("site_path_id"),
        sa.CheckConstraint(f"number BETWEEN 1 AND {MOST_HELPED}", name="number_within_cap"),
        sa.ForeignKeyConstraint(["engagement_id", "site_path_id"], ["site_path.engagement_id", "site_path.id"]),
    )
    customer_id: Mapped[UUID] = mapped_column(sa.ForeignKey("customer.id"))
    number: Mapped[int]
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_path_id: Mapped[UUID]
    helped_at: Mapped[datetime]
    helped_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    note: Mapped[str]


@dataclass(frozen=True)
class Progress:
    """How far one active or complete path of a site is."""

    runbook: str
    done: int
    total: int


def get(session: AnySession, actor: Actor, path_id: UUID) -> tuple[SitePath, Site, Engagement]:
    """A path with its site and engagement. Raises NotFound for one that is not there or not the actor's to know of."""
    query = (
        sa.select(SitePath, Site, Engagement)
        .join(Site, Site.id == SitePath.site_id)
        .join(Engagement, Engagement.id == SitePath.engagement_id)
    )
    found = session.execute(query.where(SitePath.id == path_id, visible(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1], found[2]


def get_step(session: AnySession, actor: Actor, step_id: UUID) -> PathStep:
    """One step. Raises NotFound."""
    query = sa.select(PathStep).join(Engagement, Engagement.id == PathStep.engagement_id)
    found = session.scalar(query.where(PathStep.id == step_id, visible(actor)))
    if found is None:
        raise NotFound
    return found


def of_site(session: AnySession, site_id: UUID) -> list[SitePath]:
    """The paths of a site, active ones first, then the latest."""
    query = sa.select(SitePath).where(SitePath.site_id == site_id)
    return list(session.scalars(query.order_by(SitePath.state != "active", SitePath.id.desc())))


def steps_of(session: AnySession, path_ids: Collection[UUID], *, anew: bool = False) -> dict[UUID, list[PathStep]]:
    """The steps of some paths in their order, in one statement; `anew` reads also those again that were read before."""
    query = sa.select(PathStep).where(PathStep.path_id.in_(path_ids)).order_by(PathStep.path_id, PathStep.position)
    found: dict[UUID, list[PathStep]] = {path_id: [] for path_id in path_ids}
    for step in session.scalars(query, execution_options={"populate_existing": anew}):
        found[step.path_id].append(step)
    return found


def progress_of_sites(session: AnySession, engagement_id: UUID) -> dict[UUID, list[Progress]]:
    """For each site with a path, how far its active and complete paths are, in one statement. Skipped steps count as done."""
    query = (
        sa.select(SitePath.site_id, SitePath.runbook, sa.func.count(PathStep.finished_at), sa.func.count(PathStep.id))
        .join(PathStep, PathStep.path_id == SitePath.id)
        .where(SitePath.engagement_id == engagement_id, SitePath.state.in_(("active", "complete")))
        .group_by(SitePath.id, SitePath.site_id, SitePath.runbook)
        .order_by(SitePath.id)
    )
    found: dict[UUID, list[Progress]] = {}
    for site_id, runbook, done, total in session.execute(query):
        found.setdefault(site_id, []).append(Progress(runbook, done, total))
    return found


def take_name(session: AnySession, site: Site, name: str, now: datetime) -> bool:
    """Take the name of a target for a site; False where another site has it. Several who want it at once get one winner."""
    table = table_of(TargetSite)
    row = {
        "id": new_id(),
        "engagement_id": site.engagement_id,
        "site_id": site.id,
        "name": name,
        "taken_at": now,
        "released_at": None,
    }
    session.execute(insert_or_ignore(session, table).values(row))
    query = sa.select(TargetSite.site_id).where(TargetSite.name == name, TargetSite.released_at.is_(None))
    return session.scalar(query) == site.id


def release_names(session: AnySession, site_id: UUID, kept: Collection[str], now: datetime) -> None:
    """Give back the names that a site no longer uses."""
    unused = (TargetSite.site_id == site_id, TargetSite.released_at.is_(None), TargetSite.name.not_in(kept))
    session.execute(sa.update(TargetSite).where(*unused).values(released_at=now))


def helped_of(session: AnySession, customer_id: UUID) -> list[HelpedMigration]:
    """The migrations in which a customer was helped, in their order."""
    query = sa.select(HelpedMigration).where(HelpedMigration.customer_id == customer_id)
    return list(session.scalars(query.order_by(HelpedMigration.number)))


def walked_by_engagement(session: AnySession, engagement_ids: Collection[UUID]) -> dict[UUID, list[str]]:
    """For each self-service engagement how each site of it stands: none, active or complete. One statement."""
    active = sa.func.max(sa.case((SitePath.state == "active", 1), else_=0))
    complete = sa.func.max(sa.case((SitePath.state == "complete", 1), else_=0))
    query = (
        sa.select(Site.engagement_id, active, complete)
        .join(Engagement, Engagement.id == Site.engagement_id)
        .outerjoin(SitePath, SitePath.site_id == Site.id)
        .where(Site.engagement_id.in_(engagement_ids), Engagement.type == "self_service", Site.stage != "withdrawn")
        .group_by(Site.engagement_id, Site.id)
    )
    found: dict[UUID, list[str]] = {}
    for engagement_id, is_active, is_complete in session.execute(query):
        state = "active" if is_active else "complete" if is_complete else "none"
        found.setdefault(engagement_id, []).append(state)
    return found
