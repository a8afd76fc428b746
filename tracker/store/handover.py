"""What somebody has in hand, engagement by engagement, and its passing to somebody else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Customer, Engagement, Member, visible
from tracker.store.question import Question
from tracker.store.risk import Risk


@dataclass(frozen=True)
class Owned:
    """Open things that have an owner: what they are called, their table, and which of them are open."""

    name: str
    table: type[Any]
    is_open: Sequence[sa.ColumnElement[bool]]


OWNED: Sequence[Owned] = (
    Owned("dates", Deadline, (Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None))),
    Owned("questions", Question, (Question.state == "open",)),
    Owned("risks", Risk, (Risk.state == "open",)),
)


@dataclass(frozen=True)
class InHand:
    """One engagement of somebody's, how they are on it, and how many open things of each kind they own there."""

    engagement: Engagement
    customer_name: str
    leads: bool
    assigned: bool
    owned: Mapping[str, int]


def in_hand(session: AnySession, actor: Actor, person_id: UUID, *, limit: int = 500) -> list[InHand]:
    """The engagements that somebody leads or is assigned to and that are not cancelled, by name. Two statements."""
    assigned = sa.exists().where(Member.engagement_id == Engagement.id, Member.person_id == person_id, Member.left_at.is_(None))
    query = (
        sa.select(Engagement, Customer.name, Engagement.manager_id == person_id, assigned)
        .join(Customer, Customer.id == Engagement.customer_id)
        .where(visible(actor), Engagement.status != "cancelled", sa.or_(Engagement.manager_id == person_id, assigned))
        .order_by(Engagement.name_key, Engagement.id)
        .limit(limit)
    )
    rows = session.execute(query).all()
    counts = _owned(session, person_id, [row[0].id for row in rows])
    return [InHand(row[0], row[1], bool(row[2]), bool(row[3]), counts[row[0].id]) for row in rows]


def _owned(session: AnySession, person_id: UUID, ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    queries = [
        sa.select(sa.literal(each.name).label("name"), each.table.engagement_id, sa.func.count().label("number"))
        .where(each.table.owner_id == person_id, each.table.engagement_id.in_(ids), *each.is_open)
        .group_by(each.table.engagement_id)
        for each in OWNED
    ]
    found: dict[UUID, dict[str, int]] = {each: {} for each in ids}
    for row in session.execute(sa.union_all(*queries)):
        found[row.engagement_id][row.name] = row.number
    return found


def pass_on(session: AnySession, engagement_id: UUID, from_id: UUID, to_id: UUID) -> dict[str, int]:
    """Give the open things of one person in an engagement to another; returns how many of each kind there were."""
    counts = {}
    for each in OWNED:
        table = each.table
        update = sa.update(table).where(table.engagement_id == engagement_id, table.owner_id == from_id, *each.is_open)
        update = update.values(owner_id=to_id, version=table.version + 1).execution_options(synchronize_session=False)
        result = session.execute(update)
        assert isinstance(result, sa.CursorResult)
        counts[each.name] = result.rowcount
    return counts
