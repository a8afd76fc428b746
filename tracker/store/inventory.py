"""What is installed on each site: the items of its inventory, and every import that made them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.inventory import STATUSES, ItemKind, Key, Known, Verdict
from tracker.store.database import AnySession, Base, Keyed, Versioned
from tracker.store.engagement import Engagement, visible
from tracker.store.site import Site

KINDS = ", ".join(f"'{each}'" for each in ItemKind)
VERDICTS = ", ".join(f"'{each}'" for each in Verdict)
KNOWN_STATUSES = ", ".join(f"'{each}'" for each in STATUSES)


class InventoryItem(Versioned, Base):
    """One extension of one site. What a complete list no longer names is marked removed, and never deleted."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.UniqueConstraint("site_id", "kind", "slug_key"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="kind_known"),
        sa.CheckConstraint(f"status IN ({KNOWN_STATUSES})", name="status_known"),
        sa.CheckConstraint(f"verdict IN ({VERDICTS})", name="verdict_known"),
        sa.CheckConstraint("(verdict IS NULL) = (verdict_at IS NULL)", name="verdict_dated"),
        sa.CheckConstraint("estimate_minutes >= 0", name="estimate_not_negative"),
        sa.Index("ix_inventory_item_engagement", "engagement_id", "site_id"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    kind: Mapped[str]
    slug: Mapped[str]
    slug_key: Mapped[str]
    name: Mapped[str]
    # As the last import said; that is no version of the row, which is `version`.
    installed_version: Mapped[str | None]
    status: Mapped[str | None]
    source: Mapped[str]
    first_seen_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    # What an engineer said; without it the catalogue decides.
    verdict: Mapped[str | None]
    verdict_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    verdict_at: Mapped[datetime | None]
    verdict_note: Mapped[str] = mapped_column(default="")
    estimate_minutes: Mapped[int | None]
    estimate_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))

    @property
    def known(self) -> Known:
        return Known(self.slug, self.name, self.installed_version, self.status, self.removed_at is not None)


class InventoryImport(Keyed, Base):
    """One file that was imported. Never changed."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.Index("ix_inventory_import_site", "site_id", "id"),
        sa.Index("ix_inventory_import_engagement", "engagement_id", "site_id"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID]
    source: Mapped[str]
    file_name: Mapped[str | None]
    # SHA-256 of the file itself, which is not kept.
    digest: Mapped[str]
    complete: Mapped[bool]
    # How many items it added, updated, left unchanged and removed.
    accepted: Mapped[dict[str, Any]]
    rejected: Mapped[list[Any]]
    # None: a command on the server.
    imported_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    imported_at: Mapped[datetime]


def get(session: AnySession, actor: Actor, item_id: UUID) -> InventoryItem:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(InventoryItem).join(Engagement, Engagement.id == InventoryItem.engagement_id)
    found = session.scalar(query.where(InventoryItem.id == item_id, visible(actor)))
    if found is None:
        raise NotFound
    return found


def of_site(session: AnySession, site_id: UUID) -> list[InventoryItem]:
    """Everything that was ever seen on a site, by name."""
    query = sa.select(InventoryItem).where(InventoryItem.site_id == site_id)
    return list(session.scalars(query.order_by(sa.func.lower(InventoryItem.name), InventoryItem.id)))


def by_key(session: AnySession, site_id: UUID) -> dict[Key, InventoryItem]:
    """The same by kind and slug, for comparing with a file."""
    return {(item.kind, item.slug_key): item for item in of_site(session, site_id)}


def page(session: AnySession, site_id: UUID, *, after: UUID | None, limit: int) -> list[InventoryItem]:
    """The items of a site in the order they were first seen, those after a given one."""
    query = sa.select(InventoryItem).where(InventoryItem.site_id == site_id).order_by(InventoryItem.id).limit(limit)
    return list(session.scalars(query.where(InventoryItem.id > after) if after else query))


def imports(session: AnySession, site_id: UUID, *, before: UUID | None = None, limit: int = 1) -> list[InventoryImport]:
    """The imports of a site, the newest first, those before a given one."""
    query = sa.select(InventoryImport).where(InventoryImport.site_id == site_id)
    query = query.order_by(InventoryImport.id.desc()).limit(limit)
    return list(session.scalars(query.where(InventoryImport.id < before) if before else query))


def last_import(session: AnySession, site_id: UUID) -> InventoryImport | None:
    """The newest import of a site."""
    return next(iter(imports(session, site_id)), None)


def counts_of_sites(
    session: AnySession, engagement_id: UUID, listed: Mapping[str, frozenset[str]]
) -> dict[UUID, tuple[int, int]]:
    """For each site with an inventory: how many items it has, and on how many nobody knows a verdict. One statement.

    `listed` are the slugs of which the catalogue knows something, by system.
    """
    by_catalogue = sa.or_(
        *(sa.and_(Site.cms == cms, InventoryItem.slug_key.in_(sorted(slugs))) for cms, slugs in listed.items()), sa.false()
    )
    unknown = sa.or_(
        InventoryItem.verdict == Verdict.UNKNOWN,
        sa.and_(InventoryItem.verdict.is_(None), sa.or_(sa.not_(by_catalogue), InventoryItem.kind == ItemKind.CORE)),
    )
    query = (
        sa.select(InventoryItem.site_id, sa.func.count(), sa.func.sum(sa.case((unknown, 1), else_=0)))
        .join(Site, Site.id == InventoryItem.site_id)
        .where(InventoryItem.engagement_id == engagement_id, InventoryItem.removed_at.is_(None))
        .group_by(InventoryItem.site_id)
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}
