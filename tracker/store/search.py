"""Looking for words in what an actor may know of: one statement for each kind of thing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import STAFF, Actor
from tracker.store.database import AnySession
from tracker.store.engagement import Customer, Engagement, ids_on_it, visible
from tracker.store.person import Person
from tracker.store.question import Question
from tracker.store.site import Site


@dataclass(frozen=True)
class Hit:
    """Something found: its name, what it belongs to, and the engagement in which it stands, if any."""

    id: UUID
    title: str
    about: str
    engagement_id: UUID | None = None


def _each(words: Sequence[str], *columns: Any) -> sa.ColumnElement[bool]:
    """Every word stands in one of the columns, which hold casefolded text. A % or _ that is typed stands for itself."""
    return sa.and_(*(sa.or_(*(column.contains(word, autoescape=True) for column in columns)) for word in words))


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    """What is visible; for those who see little of much, read along the list of it."""
    few = actor.is_staff and not actor.sees_all
    return sa.and_(visible(actor), Engagement.id.in_(ids_on_it(actor))) if few else visible(actor)


def _hits(session: AnySession, query: sa.Select[*tuple[Any, ...]]) -> list[Hit]:
    return [Hit(*row) for row in session.execute(query)]


def engagements(session: AnySession, actor: Actor, words: Sequence[str], *, limit: int) -> list[Hit]:
    """Engagements by their name or their customer's, by name."""
    query = sa.select(Engagement.id, Engagement.name, Customer.name, Engagement.id)
    query = query.join(Customer, Customer.id == Engagement.customer_id)
    query = query.where(_mine(actor), _each(words, Engagement.name_key, Customer.name_key))
    return _hits(session, query.order_by(Engagement.name_key, Engagement.id).limit(limit))


def sites(session: AnySession, actor: Actor, words: Sequence[str], *, limit: int) -> list[Hit]:
    """Sites by name or address, by name."""
    query = sa.select(Site.id, Site.name, Site.url + sa.literal(" · ") + Engagement.name, Engagement.id)
    query = query.join(Engagement, Engagement.id == Site.engagement_id)
    query = query.where(_mine(actor), _each(words, Site.name_key, Site.url_key))
    return _hits(session, query.order_by(Site.name_key, Site.id).limit(limit))


def customers(session: AnySession, actor: Actor, words: Sequence[str], *, limit: int) -> list[Hit]:
    """Customers by name."""
    query = sa.select(Customer.id, Customer.name, sa.literal("")).where(_each(words, Customer.name_key))
    return _hits(session, query.where(_known(actor)).order_by(Customer.name_key).limit(limit))


def _known(actor: Actor) -> sa.ColumnElement[bool]:
    """The customers an actor may know of."""
    if actor.sees_all and actor.only_engagement_id is None:
        return sa.true()
    return sa.exists().where(Engagement.customer_id == Customer.id, visible(actor))


def people(session: AnySession, actor: Actor, words: Sequence[str], *, limit: int) -> list[Hit]:
    """Active people by name or e-mail address: the staff, and those of customers the actor knows of. For the staff only."""
    if not actor.is_staff:
        return []
    query = sa.select(Person.id, Person.name, sa.func.coalesce(Customer.name, sa.literal("")))
    query = query.outerjoin(Customer, Customer.id == Person.customer_id)
    known = sa.or_(Person.role.in_(sorted(STAFF)), sa.and_(Customer.id.is_not(None), _known(actor)))
    query = query.where(known, Person.deactivated_at.is_(None), _each(words, Person.name_key, Person.email))
    return _hits(session, query.order_by(Person.name_key, Person.id).limit(limit))


def questions(session: AnySession, actor: Actor, words: Sequence[str], *, limit: int) -> list[Hit]:
    """Questions by their text, the open ones first."""
    query = sa.select(Question.id, Question.text, Engagement.name, Engagement.id)
    query = query.join(Engagement, Engagement.id == Question.engagement_id)
    query = query.where(_mine(actor), Question.state != "withdrawn", _each(words, Question.text_key))
    return _hits(session, query.order_by(Question.state.desc(), Question.id.desc()).limit(limit))
