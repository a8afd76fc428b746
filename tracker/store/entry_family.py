"""Entries that belong together: the parts of a split, an entry and its reversal, what was moved and what it became."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement, visible
from tracker.store.time_entry import TimeEntry


@dataclass(frozen=True)
class Kin:
    """What became of one entry: its reversal, the entry it was moved to, and the parts that were split off, in order."""

    reversed_by: UUID | None
    moved_to: UUID | None
    parts: list[UUID]


def kin_of(session: AnySession, entry_ids: Collection[UUID]) -> dict[UUID, Kin]:
    """What became of several entries, in one statement."""
    query = sa.select(TimeEntry.id, TimeEntry.split_from_id, TimeEntry.reverses_id, TimeEntry.moved_from_id)
    rows = session.execute(query.where(_springs_from(entry_ids)).order_by(TimeEntry.id)).all()
    reversed_by = {row.reverses_id: row.id for row in rows}
    moved_to = {row.moved_from_id: row.id for row in rows}
    return {
        each: Kin(reversed_by.get(each), moved_to.get(each), [row.id for row in rows if row.split_from_id == each])
        for each in entry_ids
    }


def _springs_from(ids: Collection[UUID]) -> sa.ColumnElement[bool]:
    return sa.or_(TimeEntry.split_from_id.in_(ids), TimeEntry.reverses_id.in_(ids), TimeEntry.moved_from_id.in_(ids))


def family(session: AnySession, entry: TimeEntry) -> list[TimeEntry]:
    """Everything that an entry came from and what came of it, itself included, in order: splits, reversals, moves."""
    ids = {entry.id}
    # Twice: a move that was split, seen from what was moved, has its parts two steps away.
    for _step in range(2):
        found = _around(session, entry.engagement_id, ids)
        ids |= {row.id for row in found}
        ids |= {each for row in found for each in (row.split_from_id, row.reverses_id, row.moved_from_id) if each}
    return _around(session, entry.engagement_id, ids)


def _around(session: AnySession, engagement_id: UUID, ids: Collection[UUID]) -> list[TimeEntry]:
    query = sa.select(TimeEntry).where(sa.or_(TimeEntry.id.in_(ids), _springs_from(ids)))
    return list(session.scalars(query.where(TimeEntry.engagement_id == engagement_id).order_by(TimeEntry.id)))


@dataclass(frozen=True)
class Mine:
    """One page of somebody's entries, those that belong together side by side, and where the next one begins."""

    rows: list[TimeEntry]
    next: UUID | None


def mine(session: AnySession, actor: Actor, *, before: UUID | None, limit: int) -> Mine:
    """Somebody's own entries, the newest first; a reversal, what a move led to and the parts of a split under their first.

    `limit` counts such families. In two statements.
    """
    first = sa.func.coalesce(TimeEntry.split_from_id, TimeEntry.reverses_id, TimeEntry.moved_from_id, TimeEntry.id)
    seen = sa.select(TimeEntry).join(Engagement, Engagement.id == TimeEntry.engagement_id).where(visible(actor))
    own = seen.where(TimeEntry.person_id == actor.person_id)
    firsts = own.where(first < before) if before is not None else own
    keys = list(session.scalars(firsts.with_only_columns(first).distinct().order_by(first.desc()).limit(limit + 1)))
    rows = session.scalars(own.where(first.in_(keys[:limit])).order_by(first.desc(), TimeEntry.id))
    return Mine(list(rows), keys[limit - 1] if len(keys) > limit else None)
