"""The sites of an engagement."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.site import CMS, PACKAGES
from tracker.store.database import AnySession, Base, Versioned, folded
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement, visible


def _names(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)


class Site(Versioned, Base):
    """One source site that moves to one target."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.Index(
            "uq_site_address", "engagement_id", "url_key", unique=True, sqlite_where=sa.text("stage <> 'withdrawn'"),
            postgresql_where=sa.text("stage <> 'withdrawn'"),
        ),
        sa.CheckConstraint(f"cms IN ({_names(CMS)})", name="cms_known"),
        sa.CheckConstraint(f"package IN ({_names(PACKAGES)})", name="package_known"),
        sa.CheckConstraint("(package = 'premium') = (premium_option IS NOT NULL)", name="one_premium_option"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    name: Mapped[str]
    name_key: Mapped[str] = folded("name")
    url: Mapped[str]
    url_key: Mapped[str]
    cms: Mapped[str]
    cms_variant: Mapped[str | None]
    cms_version: Mapped[str | None]
    plan: Mapped[str | None]
    package: Mapped[str]
    premium_option: Mapped[str | None]
    upstream_choice: Mapped[str | None]
    network: Mapped[bool | None]
    multisite_decision: Mapped[str | None]
    facts: Mapped[dict[str, Any]]
    # For each fact that was said: by whom or what, and when.
    fact_sources: Mapped[dict[str, Any]] = mapped_column(default=dict)
    stage: Mapped[str] = mapped_column(default="listed")
    # The requirements version that first listed it; nothing is worked on before (BR-01).
    listed_in_version: Mapped[int | None]
    created_at: Mapped[datetime]

    @validates("name")
    def _fold(self, _column: str, name: str) -> str:
        self.name_key = name.casefold()
        return name


def get(session: AnySession, actor: Actor, site_id: UUID) -> Site:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    return get_with_engagement(session, actor, site_id)[0]


def get_with_engagement(session: AnySession, actor: Actor, site_id: UUID) -> tuple[Site, Engagement]:
    """A site and its engagement, in one statement. Raises NotFound."""
    query = sa.select(Site, Engagement).join(Engagement, Engagement.id == Site.engagement_id)
    found = session.execute(query.where(Site.id == site_id, visible(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


_OF_ENGAGEMENT = (
    sa.select(Site).where(Site.engagement_id == sa.bindparam("engagement")).order_by(Site.stage == "withdrawn", Site.id)
)


def of_engagement(session: AnySession, engagement_id: UUID) -> list[Site]:
    """The sites of an engagement in the order they were added, withdrawn ones last."""
    return list(session.scalars(_OF_ENGAGEMENT, {"engagement": engagement_id}))


def at_addresses(session: AnySession, engagement_id: UUID, keys: Collection[str]) -> dict[str, Site]:
    """The listed sites at some addresses, by the address's key; a withdrawn site has freed its own."""
    query = sa.select(Site).where(Site.engagement_id == engagement_id, Site.url_key.in_(keys), Site.stage != "withdrawn")
    return {site.url_key: site for site in session.scalars(query)}


def page(session: AnySession, engagement_id: UUID, *, after: UUID | None, limit: int) -> list[Site]:
    """The sites of an engagement in the order they were added, those after a given one."""
    query = sa.select(Site).where(Site.engagement_id == engagement_id).order_by(Site.id).limit(limit)
    return list(session.scalars(query.where(Site.id > after) if after else query))


def workable_of(session: AnySession, actor: Actor, *, limit: int = 500) -> list[tuple[Site, Engagement]]:
    """The sites an actor may log work on, by engagement and name."""
    query = (
        sa.select(Site, Engagement)
        .join(Engagement, Engagement.id == Site.engagement_id)
        .where(
            visible(actor),
            Site.listed_in_version.is_not(None),
            Site.stage.not_in(("closed", "withdrawn")),
            Engagement.status == "active",
        )
        .order_by(Engagement.name, Site.name)
        .limit(limit)
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def named(
    session: AnySession, actor: Actor, *, ids: Collection[UUID], url_keys: Collection[str], name_keys: Collection[str]
) -> list[tuple[Site, Engagement]]:
    """Every site an actor may know of that has one of some ids, addresses or names, in one statement."""
    query = sa.select(Site, Engagement).join(Engagement, Engagement.id == Site.engagement_id)
    asked = sa.or_(Site.id.in_(ids), Site.url_key.in_(url_keys), Site.name_key.in_(name_keys))
    return [(row[0], row[1]) for row in session.execute(query.where(visible(actor), asked).order_by(Site.id))]


def inventory_received(session: AnySession, engagement_id: UUID) -> bool:
    """Whether the customer's inventory is in: its date is marked done."""
    query = sa.select(Deadline.id).where(
        Deadline.engagement_id == engagement_id,
        Deadline.kind == "inventory",
        Deadline.withdrawn_at.is_(None),
        Deadline.done_at.is_not(None),
    )
    return session.scalar(query.limit(1)) is not None


def names_in(session: AnySession, engagement_id: UUID) -> dict[UUID, str]:
    """The names of an engagement's sites by id, in the order they were added; of an engagement loaded for the actor."""
    rows = session.execute(sa.select(Site.id, Site.name).where(Site.engagement_id == engagement_id).order_by(Site.id))
    return {row.id: row.name for row in rows}


def names_of(session: AnySession, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by id, in one statement; of things that were loaded for the actor."""
    rows = session.execute(sa.select(Site.id, Site.name).where(Site.id.in_(ids)))
    return {row.id: row.name for row in rows}
