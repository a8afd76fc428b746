"""Scope items of sites and engagements, with their decisions and the work on them."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.domain.scope import Decision, WorkState, holds_up_uat
from tracker.store.database import AnySession, Base, Versioned
from tracker.store.engagement import Engagement, visible

DECISIONS = ", ".join(f"'{each}'" for each in Decision)
WORK_STATES = ", ".join(f"'{each}'" for each in WorkState)
OF_SITE, OF_ENGAGEMENT = sa.text("site_id IS NOT NULL"), sa.text("site_id IS NULL")


class ScopeItem(Versioned, Base):
    """One decision about one thing of the catalogue, or about a thing of one's own, for a site or the whole engagement."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint(f"decision IN ({DECISIONS})", name="decision_known"),
        sa.CheckConstraint(f"proposed_decision IN ({DECISIONS})", name="proposal_known"),
        sa.CheckConstraint(f"work_state IN ({WORK_STATES})", name="work_state_known"),
        sa.Index("uq_scope_item_of_site", "site_id", "item", unique=True, sqlite_where=OF_SITE, postgresql_where=OF_SITE),
        sa.Index("uq_scope_item_of_engagement", "engagement_id", "item", unique=True,
                 sqlite_where=OF_ENGAGEMENT, postgresql_where=OF_ENGAGEMENT),
        sa.Index("ix_scope_item_engagement", "engagement_id", "site_id"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    # The id in the pinned catalogue; for a thing of one's own a slug of its title.
    item: Mapped[str]
    title: Mapped[str]
    category: Mapped[str]
    decision: Mapped[str]
    clause: Mapped[str]
    source: Mapped[str]
    route: Mapped[str | None]
    reason: Mapped[str]
    # Decided by the rules as long as nobody decided by hand: only then does a new fact decide anew.
    by_rule: Mapped[bool] = mapped_column(default=True)
    decided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    decided_at: Mapped[datetime]
    # What an engineer would decide, until a manager takes it up.
    proposed_decision: Mapped[str | None]
    proposed_reason: Mapped[str | None]
    proposed_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    due_before: Mapped[str] = mapped_column(default="uat")
    work_state: Mapped[str] = mapped_column(default="planned")
    # Why it is waived or not needed.
    work_reason: Mapped[str | None]
    evidence: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


def get(session: AnySession, actor: Actor, item_id: UUID) -> tuple[ScopeItem, Engagement]:
    """An item and its engagement. Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(ScopeItem, Engagement).join(Engagement, Engagement.id == ScopeItem.engagement_id)
    found = session.execute(query.where(ScopeItem.id == item_id, visible(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


def of_site(session: AnySession, site_id: UUID) -> list[ScopeItem]:
    """The items of one site, in the order in which they were made."""
    return list(session.scalars(sa.select(ScopeItem).where(ScopeItem.site_id == site_id).order_by(ScopeItem.id)))


def of_sites(session: AnySession, site_ids: Collection[UUID]) -> dict[UUID, dict[str, ScopeItem]]:
    """The items of some sites, by site and name, as they stand now: read again also where they were read before."""
    found: dict[UUID, dict[str, ScopeItem]] = {site_id: {} for site_id in site_ids}
    query = sa.select(ScopeItem).where(ScopeItem.site_id.in_(site_ids))
    for item in session.scalars(query, execution_options={"populate_existing": True}):
        assert item.site_id is not None
        found[item.site_id][item.item] = item
    return found


def of_engagement(session: AnySession, engagement_id: UUID, *, anew: bool = False) -> list[ScopeItem]:
    """The items of the engagement as a whole, which belong to no site; `anew` reads those again that were read before."""
    query = sa.select(ScopeItem).where(ScopeItem.engagement_id == engagement_id, ScopeItem.site_id.is_(None))
    return list(session.scalars(query.order_by(ScopeItem.id), execution_options={"populate_existing": anew}))


def around_site(session: AnySession, engagement_id: UUID, site_id: UUID) -> list[ScopeItem]:
    """The items of one site, then those of its engagement as a whole."""
    query = sa.select(ScopeItem).where(
        ScopeItem.engagement_id == engagement_id, sa.or_(ScopeItem.site_id == site_id, ScopeItem.site_id.is_(None))
    )
    return list(session.scalars(query.order_by(ScopeItem.site_id.is_(None), ScopeItem.id)))


def counts_of_sites(session: AnySession, engagement_id: UUID) -> dict[UUID, dict[str, int]]:
    """For each site of an engagement, how many items have which decision; in one statement."""
    query = (
        sa.select(ScopeItem.site_id, ScopeItem.decision, sa.func.count())
        .where(ScopeItem.engagement_id == engagement_id, ScopeItem.site_id.is_not(None))
        .group_by(ScopeItem.site_id, ScopeItem.decision)
    )
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    for site_id, decision, number in session.execute(query):
        assert site_id is not None
        found[site_id][decision] = number
    return dict(found)


def holding_up_uat(session: AnySession, site_id: UUID) -> list[ScopeItem]:
    """What the acceptance test of a site has to wait for (BR-16, BR-31)."""
    return [item for item in of_site(session, site_id) if holds_up_uat(item)]


def slugs_of(session: AnySession, engagement_id: UUID, site_id: UUID | None) -> Collection[str]:
    """The names under which things stand in the scope of a site, or of the engagement as a whole."""
    query = sa.select(ScopeItem.item).where(ScopeItem.engagement_id == engagement_id)
    return set(session.scalars(query.where(ScopeItem.site_id == site_id if site_id else ScopeItem.site_id.is_(None))))
