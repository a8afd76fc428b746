"""Questions around an engagement: asked of whom, due when, and what was answered."""

from collections.abc import Collection
from datetime import date, datetime
from functools import cache
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, validates

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.database import AnySession, Base, Versioned, folded
from tracker.store.engagement import Engagement, visible

SIDES = ("customer", "team")
STATES = ("open", "answered", "withdrawn")


class Question(Versioned, Base):
    """Something that has to be answered: by whom, by when, and what was said."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("side IN ('customer', 'team')", name="side_known"),
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


def get(session: AnySession, actor: Actor, question_id: UUID) -> tuple[Question, Engagement]:
    """A question and its engagement. Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(Question, Engagement).join(Engagement, Engagement.id == Question.engagement_id)
    found = session.execute(query.where(Question.id == question_id, visible(actor))).first()
    if found is None:
        raise NotFound
    return found[0], found[1]


@cache
def _open(*, of_site: bool, of_side: bool) -> sa.Select[Question]:
    query = sa.select(Question).where(Question.engagement_id == sa.bindparam("engagement"), Question.state == "open")
    if of_site:
        query = query.where(Question.site_id == sa.bindparam("site"))
    if of_side:
        query = query.where(Question.side == sa.bindparam("side"))
    return query.order_by(Question.due_on.is_(None), Question.due_on, Question.id)


def open_of(session: AnySession, engagement_id: UUID, *, site_id: UUID | None = None, side: str | None = None) -> list[Question]:
    """The open questions of an engagement, or of one of its sites, the most urgent first; perhaps of one side only."""
    query = _open(of_site=site_id is not None, of_side=side is not None)
    return list(session.scalars(query, {"engagement": engagement_id, "site": site_id, "side": side}))


def settled_of(session: AnySession, engagement_id: UUID, *, limit: int) -> list[Question]:
    """The questions of an engagement that were answered or withdrawn last."""
    query = sa.select(Question).where(Question.engagement_id == engagement_id, Question.state != "open")
    return list(session.scalars(query.order_by(Question.answered_at.desc().nulls_last(), Question.id.desc()).limit(limit)))


def page(session: AnySession, engagement_id: UUID, *, states: Collection[str], after: UUID | None, limit: int) -> list[Question]:
    """Some questions of an engagement in certain states, in the order in which they were asked."""
    query = sa.select(Question).where(Question.engagement_id == engagement_id, Question.state.in_(states))
    return list(session.scalars((query.where(Question.id > after) if after else query).order_by(Question.id).limit(limit)))


def asked_facts(session: AnySession, site_ids: Collection[UUID]) -> dict[UUID, dict[str, Question]]:
    """The open questions about facts of some sites, by site and fact, as they stand now."""
    query = sa.select(Question).where(Question.site_id.in_(site_ids), Question.fact.is_not(None), Question.state == "open")
    found: dict[UUID, dict[str, Question]] = {site_id: {} for site_id in site_ids}
    for question in session.scalars(query, execution_options={"populate_existing": True}):
        assert question.site_id is not None
        assert question.fact is not None
        found[question.site_id][question.fact] = question
    return found
