"""PS blocks one by one: which has to be looked at next, what lapses, what is given back, what is voided.

The pool's row is always taken first, then its blocks: it serialises everything that happens to them.
"""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.errors import NotFound
from tracker.store.budget import Budget, Posting, PsBlock, hold_pool
from tracker.store.database import AnySession, table_of
from tracker.store.engagement import Engagement, visible

ANEW = {"populate_existing": True}


def get(session: AnySession, actor: Actor, block_id: UUID) -> PsBlock:
    """Raises NotFound for one that is not there or not the actor's to know of."""
    query = sa.select(PsBlock).join(Engagement, Engagement.id == PsBlock.engagement_id)
    found = session.scalar(query.where(PsBlock.id == block_id, visible(actor)))
    if found is None:
        raise NotFound
    return found


def held(session: AnySession, block: PsBlock) -> UUID:
    """Take a block for this unit, its pool first, and read it anew; returns the pool's id."""
    pool_id = hold_pool(session, block.engagement_id)
    session.refresh(block, with_for_update={"key_share": True})
    return pool_id


def next_turn(session: AnySession) -> tuple[UUID, datetime] | None:
    """The engagement whose block has to be looked at first, and when; one step in a partial index."""
    query = sa.select(PsBlock.engagement_id, PsBlock.turn_at).where(PsBlock.turn_at.is_not(None))
    row = session.execute(query.order_by(PsBlock.turn_at).limit(1)).first()
    return None if row is None or row.turn_at is None else (row.engagement_id, row.turn_at)


def due(session: AnySession, engagement_id: UUID, now: datetime) -> list[PsBlock]:
    """The blocks of an engagement that have to be looked at by now, taken for this unit. The pool is held."""
    mine = (PsBlock.engagement_id == engagement_id, PsBlock.turn_at <= now)
    return list(
        session.scalars(
            sa.select(PsBlock).where(*mine).order_by(PsBlock.id).with_for_update(key_share=True), execution_options=ANEW
        )
    )


def with_an_end(session: AnySession, engagement_id: UUID) -> list[PsBlock]:
    """The blocks of an engagement that are still to end, taken for this unit. The pool is held."""
    mine = (PsBlock.engagement_id == engagement_id, PsBlock.turn_at.is_not(None))
    return list(
        session.scalars(
            sa.select(PsBlock).where(*mine).order_by(PsBlock.id).with_for_update(key_share=True), execution_options=ANEW
        )
    )


_OVER = (
    PsBlock.engagement_id == sa.bindparam("engagement"),
    PsBlock.expires_on < sa.bindparam("today", type_=sa.Date()),
    PsBlock.lapsed_at.is_(None),
    PsBlock.voided_at.is_(None),
)
_ENDED = sa.select(PsBlock).where(*_OVER).order_by(PsBlock.id).with_for_update(key_share=True)
# Asked at every booking on PS hours, and answered with nothing but for a day in a block's life.
_ANY_ENDED = sa.select(table_of(PsBlock).c.id).where(*_OVER).limit(1)


def lapse_ended(session: AnySession, engagement_id: UUID, today: date, now: datetime) -> list[tuple[PsBlock, int]]:
    """Take what is left in blocks that have ended out of the pool; return each with the minutes that lapsed.

    `today` is the day in the engagement's zone. What was used stays used. A block that carries over keeps its minutes.
    """
    mine = {"engagement": engagement_id, "today": today}
    if session.execute(_ANY_ENDED, mine).first() is None:
        return []
    pool_id = hold_pool(session, engagement_id)
    lapsed = [(block, _end(block, now)) for block in session.scalars(_ENDED, mine, execution_options=ANEW)]
    session.flush()
    resize(session, pool_id, -sum(minutes for _block, minutes in lapsed))
    return lapsed


def _end(block: PsBlock, now: datetime) -> int:
    minutes = 0 if block.carries_over else block.left
    block.lapsed_minutes += minutes
    block.lapsed_at, block.turn_at = now, None
    block.version += 1
    return minutes


def revive(session: AnySession, pool_id: UUID, block: PsBlock) -> None:
    """Give what has lapsed of a block back to the pool, as if it had not ended yet. Both are held."""
    resize(session, pool_id, block.lapsed_minutes)
    block.lapsed_minutes, block.lapsed_at = 0, None
    session.flush()


def resize(session: AnySession, pool_id: UUID, minutes: int) -> None:
    """Make a pool larger, or smaller by what is negative; the database refuses what is booked already."""
    if minutes:
        larger = sa.update(Budget).where(Budget.id == pool_id).values(limit_minutes=Budget.limit_minutes + minutes)
        session.execute(larger)


def pool_left(session: AnySession, engagement_id: UUID) -> int:
    """What can still be drawn of a pool, in minutes."""
    query = sa.select(Budget.limit_minutes - Budget.booked)
    return int(session.execute(query.where(Budget.engagement_id == engagement_id, Budget.kind == "ps")).scalar_one())


def lapsed_after(session: AnySession, engagement_id: UUID, day: date) -> list[PsBlock]:
    """The blocks that could be drawn on a day and have lapsed since, the latest first."""
    query = sa.select(PsBlock).where(
        PsBlock.engagement_id == engagement_id,
        PsBlock.expires_on >= day,
        PsBlock.purchased_on <= day,
        PsBlock.lapsed_minutes > 0,
    )
    return list(session.scalars(query.order_by(PsBlock.expires_on.desc(), PsBlock.id)))


def block_faults(session: AnySession) -> list[str]:
    """What is wrong with blocks that have an end, have ended or were voided, by their postings."""
    return [*_voided_but_used(session), *_lapsed_beyond(session), *_never_looked_at(session)]


def _postings() -> sa.Subquery:
    total = sa.func.sum(Posting.minutes).label("minutes")
    accepted = sa.func.sum(Posting.approved_minutes).label("approved")
    query = sa.select(Posting.block_id, total, accepted).where(Posting.block_id.is_not(None))
    return query.group_by(Posting.block_id).subquery()


def _voided_but_used(session: AnySession) -> Iterator[str]:
    posted = _postings()
    query = sa.select(PsBlock.id, posted.c.minutes, posted.c.approved).join(posted, posted.c.block_id == PsBlock.id)
    pays = sa.or_(posted.c.minutes != 0, posted.c.approved != 0)
    for row in session.execute(query.where(PsBlock.voided_at.is_not(None), pays)):
        yield f"PS block {row[0]}: is voided, but its postings add up to {row[1]}/{row[2]} minutes booked/approved"


def _lapsed_beyond(session: AnySession) -> Iterator[str]:
    posted = _postings()
    spent = PsBlock.lapsed_minutes + sa.func.coalesce(posted.c.minutes, 0)
    over = sa.and_(PsBlock.lapsed_at.is_not(None), spent > PsBlock.limit_minutes)
    kept = sa.and_(
        PsBlock.lapsed_at.is_not(None), ~PsBlock.carries_over, PsBlock.voided_at.is_(None), spent < PsBlock.limit_minutes
    )
    query = sa.select(PsBlock.id, PsBlock.lapsed_minutes, spent, PsBlock.limit_minutes)
    query = query.outerjoin(posted, posted.c.block_id == PsBlock.id)
    for row in session.execute(query.where(over)):
        yield f"PS block {row[0]}: {row[1]} minutes lapsed, with its postings {row[2]} of {row[3]}"
    for row in session.execute(query.where(kept)):
        yield f"PS block {row[0]}: has ended, but {row[3] - row[2]} of its minutes can still be drawn"


def _never_looked_at(session: AnySession) -> Iterator[str]:
    running = (PsBlock.expires_on.is_not(None), PsBlock.lapsed_at.is_(None), PsBlock.voided_at.is_(None))
    for block_id in session.scalars(sa.select(PsBlock.id).where(*running, PsBlock.turn_at.is_(None))):
        yield f"PS block {block_id}: has a last day, but nothing will look at it"
