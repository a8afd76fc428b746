"""What a customer has to know of besides dates and hours: questions to them, what they signed, what they get."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.store.database import AnySession
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.requirements import Signature
from tracker.store.scope import ScopeItem


def questions(session: AnySession, engagement_id: UUID) -> list[Question]:
    """Open questions that the customer has to answer, the most urgent first; those without a date last."""
    query = sa.select(Question).where(
        Question.engagement_id == engagement_id, Question.state == "open", Question.side == "customer"
    )
    return list(session.scalars(query.order_by(Question.due_on.is_(None), Question.due_on, Question.id)))


def signatures(session: AnySession, engagement_id: UUID) -> list[tuple[Signature, str]]:
    """Every signature that was given, with who gave it, in order."""
    query = sa.select(Signature, Person.name).join(Person, Person.id == Signature.signed_by)
    rows = session.execute(query.where(Signature.engagement_id == engagement_id).order_by(Signature.signed_at, Signature.id))
    return [(row[0], row[1]) for row in rows]


def scope(session: AnySession, engagement_id: UUID) -> list[ScopeItem]:
    """What is decided about everything that an engagement and its sites may get, in the order of the titles."""
    query = sa.select(ScopeItem).where(ScopeItem.engagement_id == engagement_id, ScopeItem.decision != "not_applicable")
    return list(session.scalars(query.order_by(ScopeItem.site_id, ScopeItem.title, ScopeItem.id)))


def decided_since(session: AnySession, engagement_id: UUID, since: datetime) -> list[ScopeItem]:
    """What people, and not the rules alone, decided from a moment on."""
    query = sa.select(ScopeItem).where(
        ScopeItem.engagement_id == engagement_id, ScopeItem.by_rule.is_(False), ScopeItem.decided_at >= since
    )
    return list(session.scalars(query.order_by(ScopeItem.decided_at, ScopeItem.id)))
