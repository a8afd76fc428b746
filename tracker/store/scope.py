"""Scope items of sites and engagements, and the questions and risks around them."""

from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from tracker.domain.scope import Decision, WorkState
from tracker.store.database import Base, Versioned, folded

DECISIONS = ", ".join(f"'{each}'" for each in Decision)
WORK_STATES = ", ".join(f"'{each}'" for each in WorkState)
SIDES = "'customer', 'team'"
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
    evidence: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]


class Question(Versioned, Base):
    """Something that has to be answered: by whom, by when, and what was said."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint(f"side IN ({SIDES})", name="side_known"),
        sa.CheckConstraint("state IN ('open', 'answered', 'withdrawn')", name="state_known"),
        sa.CheckConstraint("(state = 'answered') = (answered_at IS NOT NULL)", name="answered_when"),
        sa.Index("uq_question_open_fact", "site_id", "fact", unique=True,
                 sqlite_where=sa.text("fact IS NOT NULL AND state = 'open'"),
                 postgresql_where=sa.text("fact IS NOT NULL AND state = 'open'")),
        sa.Index("ix_question_engagement", "engagement_id", "state", "due_on"),
    )  # fmt: skip
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    text: Mapped[str]
    text_key: Mapped[str] = folded("text")
    # The fact of the site that the answer becomes, where it does.
    fact: Mapped[str | None]
    side: Mapped[str]
    owner_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    due_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(default="open")
    asked_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    answer: Mapped[str | None]
    answered_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]

    @validates("text")
    def _fold(self, _column: str, text: str) -> str:
        self.text_key = text.casefold()
        return text


class Risk(Versioned, Base):
    """Something that may move a date or cost hours, and who is on it."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("severity IN ('blocks', 'warns', 'note')", name="severity_known"),
        sa.CheckConstraint("audience IN ('customer', 'internal')", name="audience_known"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state_known"),
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
