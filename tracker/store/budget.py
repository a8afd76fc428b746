"""Hour budgets as kept counters, the PS blocks behind the pool, and the postings that moved them.

Every counter is moved by an UPDATE that carries its own condition, so that no two bookings can both take the last
minute, and a CHECK stands behind it. A posting is never changed: its sum is what `tracker verify` compares with.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from tracker.domain.budget import DRAW_ORDER, Balance, BudgetKind
from tracker.domain.ps_block import Term
from tracker.store.database import AnySession, Base, Keyed, Versioned, changed_one, table_of
from tracker.store.identity import new_id

COUNTERS = "0 <= approved AND approved <= booked AND booked <= limit_minutes"


class Budget(Keyed, Base):
    """One ledger: a site's allowance or Premium extra, or the engagement's PS pool. Whole minutes."""

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.UniqueConstraint("site_id", "id"),
        sa.UniqueConstraint("site_id", "kind"),
        sa.Index(
            "uq_budget_pool",
            "engagement_id",
            unique=True,
            sqlite_where=sa.text("kind = 'ps'"),
            postgresql_where=sa.text("kind = 'ps'"),
        ),
        sa.ForeignKeyConstraint(["engagement_id", "site_id"], ["site.engagement_id", "site.id"]),
        sa.CheckConstraint("kind IN ('known_incompatibility', 'premium_extra', 'ps')", name="kind_known"),
        sa.CheckConstraint("(kind = 'ps') = (site_id IS NULL)", name="pool_of_engagement"),
        sa.CheckConstraint(COUNTERS, name="within_limit"),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    site_id: Mapped[UUID | None]
    kind: Mapped[str]
    limit_minutes: Mapped[int]
    booked: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)

    @property
    def balance(self) -> Balance:
        return Balance(BudgetKind(self.kind), self.limit_minutes, self.approved, self.booked - self.approved)


class PsBlock(Versioned, Base):
    """PS hours bought at one time. Drawn oldest first; what it paid for stays pinned to it.

    What is left when it ends lapses, unless it carries over. One that was entered by mistake is voided, never deleted.
    """

    __table_args__ = (
        sa.UniqueConstraint("engagement_id", "id"),
        sa.CheckConstraint("limit_minutes >= 240", name="four_hours"),
        sa.CheckConstraint(
            "0 <= approved AND approved <= booked AND 0 <= lapsed_minutes AND booked + lapsed_minutes <= limit_minutes",
            name="within_limit",
        ),
        sa.CheckConstraint("voided_at IS NULL OR booked = 0", name="void_is_empty"),
        sa.CheckConstraint("(voided_at IS NULL) = (void_reason IS NULL)", name="void_is_explained"),
        sa.Index(
            "ix_ps_block_turn",
            "turn_at",
            sqlite_where=sa.text("turn_at IS NOT NULL"),
            postgresql_where=sa.text("turn_at IS NOT NULL"),
        ),
    )
    engagement_id: Mapped[UUID] = mapped_column(sa.ForeignKey("engagement.id"))
    limit_minutes: Mapped[int]
    booked: Mapped[int] = mapped_column(default=0)
    approved: Mapped[int] = mapped_column(default=0)
    reference: Mapped[str]
    purchased_on: Mapped[date]
    created_at: Mapped[datetime]
    # The last day on which it can be drawn; what is left then lapses unless it carries over.
    expires_on: Mapped[date | None]
    carries_over: Mapped[bool] = mapped_column(default=False)
    lapsed_minutes: Mapped[int] = mapped_column(default=0)
    lapsed_at: Mapped[datetime | None]
    # The next moment at which it has to be looked at: a warning is due, or its end.
    turn_at: Mapped[datetime | None]
    voided_at: Mapped[datetime | None]
    voided_by: Mapped[UUID | None] = mapped_column(sa.ForeignKey("person.id"))
    void_reason: Mapped[str | None]

    @property
    def left(self) -> int:
        """What can still be drawn, in minutes."""
        return 0 if self.voided_at else self.limit_minutes - self.booked - self.lapsed_minutes

    @property
    def term(self) -> Term:
        return Term(self.expires_on, self.carries_over)


class Posting(Keyed, Base):
    """What one step of one time entry moved on one budget: booked and approved minutes, either way."""

    __table_args__ = (
        sa.ForeignKeyConstraint(["engagement_id", "entry_id"], ["time_entry.engagement_id", "time_entry.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "budget_id"], ["budget.engagement_id", "budget.id"]),
        sa.ForeignKeyConstraint(["engagement_id", "block_id"], ["ps_block.engagement_id", "ps_block.id"]),
        # A site's budget pays for that site only: both keys below name the same site.
        sa.ForeignKeyConstraint(["site_id", "entry_id"], ["time_entry.site_id", "time_entry.id"]),
        sa.ForeignKeyConstraint(["site_id", "budget_id"], ["budget.site_id", "budget.id"]),
        sa.CheckConstraint("(block_id IS NULL) = (site_id IS NOT NULL)", name="site_or_block"),
        sa.CheckConstraint("minutes <> 0 OR approved_minutes <> 0", name="moves_something"),
        sa.Index("ix_posting_entry", "entry_id"),
        sa.Index("ix_posting_budget", "budget_id", "id"),
    )
    engagement_id: Mapped[UUID]
    entry_id: Mapped[UUID]
    site_id: Mapped[UUID | None]
    budget_id: Mapped[UUID]
    block_id: Mapped[UUID | None]
    minutes: Mapped[int]
    approved_minutes: Mapped[int]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Draw:
    """Minutes taken from a budget, and from which block of the pool."""

    budget_id: UUID
    kind: BudgetKind
    site_id: UUID | None
    block_id: UUID | None
    minutes: int
    approved: int = 0


def of_site(session: AnySession, engagement_id: UUID, site_id: UUID) -> dict[BudgetKind, Budget]:
    """What may pay for work on a site: its own budgets and the engagement's pool, in draw order."""
    query = sa.select(Budget).where(
        Budget.engagement_id == engagement_id, sa.or_(Budget.site_id == site_id, Budget.site_id.is_(None))
    )
    found = {BudgetKind(budget.kind): budget for budget in session.scalars(query)}
    return {kind: found[kind] for kind in DRAW_ORDER if kind in found}


def of_sites(session: AnySession, sites: Collection[tuple[UUID, UUID]]) -> dict[UUID, list[Budget]]:
    """What may pay for work on each of several sites, given as (engagement, site), in draw order and one statement."""
    query = sa.select(Budget).where(
        Budget.engagement_id.in_({engagement_id for engagement_id, _site_id in sites}),
        sa.or_(Budget.site_id.is_(None), Budget.site_id.in_([site_id for _engagement_id, site_id in sites])),
    )
    payers: dict[UUID, list[Budget]] = {}
    # Counters are moved by statements of their own: what the session still holds of them may be old.
    found = session.scalars(query, execution_options={"populate_existing": True})
    for budget in sorted(found, key=lambda budget: DRAW_ORDER.index(BudgetKind(budget.kind))):
        payers.setdefault(budget.site_id or budget.engagement_id, []).append(budget)
    return {site_id: [*payers.get(site_id, []), *payers.get(engagement_id, [])] for engagement_id, site_id in sites}


# The place of a budget in the draw order, in which rows are taken everywhere.
_RANK = sa.case({kind.value: place for place, kind in enumerate(DRAW_ORDER)}, value=Budget.kind)
_OF_ENGAGEMENT = (
    sa.select(Budget)
    .where(Budget.engagement_id == sa.bindparam("engagement"))
    .order_by(Budget.site_id.is_(None), Budget.site_id, _RANK)
)
_BLOCKS = sa.select(PsBlock).where(PsBlock.engagement_id == sa.bindparam("engagement")).order_by(PsBlock.purchased_on, PsBlock.id)


def of_engagement(session: AnySession, engagement_id: UUID) -> list[Budget]:
    """All budgets of an engagement, those of sites first, in draw order within a site."""
    return list(session.scalars(_OF_ENGAGEMENT, {"engagement": engagement_id}))


_OF_ENGAGEMENTS = sa.select(Budget).where(Budget.engagement_id.in_(sa.bindparam("ids", expanding=True)))


def of_engagements(session: AnySession, ids: Sequence[UUID]) -> dict[UUID, list[Budget]]:
    """The budgets of several engagements, in one statement."""
    grouped: dict[UUID, list[Budget]] = {each: [] for each in ids}
    for budget in session.scalars(_OF_ENGAGEMENTS, {"ids": list(ids)}):
        grouped[budget.engagement_id].append(budget)
    return grouped


def blocks_of(session: AnySession, engagement_id: UUID) -> list[PsBlock]:
    """The PS blocks of an engagement, in the order in which they are drawn: oldest first."""
    return list(session.scalars(_BLOCKS, {"engagement": engagement_id}))


def blocks_of_several(session: AnySession, engagement_ids: Collection[UUID]) -> list[PsBlock]:
    """The PS blocks of several engagements, in one statement."""
    return list(session.scalars(sa.select(PsBlock).where(PsBlock.engagement_id.in_(engagement_ids))))


def hold_pool(session: AnySession, engagement_id: UUID) -> UUID:
    """Take the row of an engagement's PS pool for this unit: it serialises everything that happens to its blocks."""
    pool = sa.select(Budget.id).where(Budget.engagement_id == engagement_id, Budget.kind == BudgetKind.PS)
    return session.execute(pool.with_for_update(key_share=True)).scalar_one()


def hold(session: AnySession, budget: Budget) -> int:
    """Take a budget's row for this unit and return what is left now. Callers go in draw order, so none wait crosswise."""
    query = sa.select(Budget.limit_minutes - Budget.booked).where(Budget.id == budget.id).with_for_update(key_share=True)
    return int(session.execute(query).scalar_one())


def hold_all(session: AnySession, sites: Collection[tuple[UUID, UUID]]) -> None:
    """Take the rows of all that may pay for work on some sites, given as (engagement, site): sites first, pools last."""
    query = sa.select(Budget.id).where(
        Budget.engagement_id.in_({engagement_id for engagement_id, _site_id in sites}),
        sa.or_(Budget.site_id.is_(None), Budget.site_id.in_({site_id for _engagement_id, site_id in sites})),
    )
    session.execute(query.order_by(_RANK, Budget.id).with_for_update(key_share=True)).all()


@dataclass(frozen=True)
class Taken:
    """Minutes that fitted: what paid for them, and how full that budget was before and is now."""

    draws: list[Draw]
    limit: int
    after: int

    @property
    def before(self) -> int:
        return self.after - sum(draw.minutes for draw in self.draws)


def _take_if_it_fits(mine: sa.ColumnElement[bool]) -> sa.Update:
    minutes = sa.bindparam("minutes", type_=sa.Integer)
    table = table_of(Budget)
    return (
        sa.update(table)
        .where(mine, table.c.kind == sa.bindparam("which"), table.c.booked + minutes <= table.c.limit_minutes)
        .values(booked=table.c.booked + minutes)
        .returning(table.c.id, table.c.limit_minutes, table.c.booked)
    )


_TAKE_OF_SITE = _take_if_it_fits(table_of(Budget).c.site_id == sa.bindparam("of"))
_TAKE_OF_POOL = _take_if_it_fits(table_of(Budget).c.engagement_id == sa.bindparam("of"))


def take(session: AnySession, kind: BudgetKind, engagement_id: UUID, site_id: UUID, minutes: int) -> Taken | None:
    """Book minutes on what a site has of a kind if they fit, by one conditional UPDATE; None where they do not.

    On the PS pool the row just taken serialises what follows: the blocks are drawn oldest first, each by its own
    conditional UPDATE, and one entry may cross blocks.
    """
    pooled = kind is BudgetKind.PS
    asked = {"of": engagement_id if pooled else site_id, "which": kind.value, "minutes": minutes}
    row = session.execute(_TAKE_OF_POOL if pooled else _TAKE_OF_SITE, asked).first()
    if row is None:
        return None
    of_site = [Draw(row.id, kind, site_id, None, minutes)]
    draws = _take_blocks(session, row.id, engagement_id, minutes) if pooled else of_site
    return Taken(draws, row.limit_minutes, row.booked)


_block = table_of(PsBlock)
_ROOM_OF_BLOCK = _block.c.limit_minutes - _block.c.booked - _block.c.lapsed_minutes
_BLOCKS_WITH_ROOM = (
    sa.select(_block.c.id, _ROOM_OF_BLOCK)
    .where(_block.c.engagement_id == sa.bindparam("engagement"), _ROOM_OF_BLOCK > 0, _block.c.voided_at.is_(None))
    .order_by(_block.c.purchased_on, _block.c.id)
    .with_for_update(key_share=True)
)
_DRAW_ON_BLOCK = (
    sa.update(_block)
    .where(_block.c.id == sa.bindparam("block"))
    .values(booked=_block.c.booked + sa.bindparam("share", type_=sa.Integer))
)


def _take_blocks(session: AnySession, pool_id: UUID, engagement_id: UUID, minutes: int) -> list[Draw]:
    draws: list[Draw] = []
    for block_id, left in session.execute(_BLOCKS_WITH_ROOM, {"engagement": engagement_id}).all():
        share = min(left, minutes)
        session.execute(_DRAW_ON_BLOCK, {"block": block_id, "share": share})
        draws.append(Draw(pool_id, BudgetKind.PS, None, block_id, share))
        minutes -= share
        if minutes == 0:
            return draws
    raise RuntimeError(f"the pool of engagement {engagement_id} holds more than its blocks")


def give_back(draws: Sequence[Draw], minutes: int) -> list[Draw]:
    """The draws that return so many minutes of what was drawn, the last drawn first."""
    back: list[Draw] = []
    for draw in reversed(draws):
        share = min(draw.minutes, minutes)
        if share > 0:
            back.append(replace(draw, minutes=-share, approved=0))
            minutes -= share
    return back


def move(session: AnySession, draws: Iterable[Draw]) -> None:
    """Apply signed draws to their counters: approvals, rejections and reversals. The pool comes before its blocks.

    In the order of drawing, so that two units that decide on several entries, or one that splits, never wait crosswise.
    What comes back to a block that has ended lapses at once, and leaves the pool with it.
    """
    for draw in sorted(draws, key=lambda draw: (DRAW_ORDER.index(draw.kind), str(draw.budget_id), str(draw.block_id))):
        booked, approved = Budget.booked + draw.minutes, Budget.approved + draw.approved
        session.execute(sa.update(Budget).where(Budget.id == draw.budget_id).values(booked=booked, approved=approved))
        if draw.block_id is None:
            continue
        booked, approved = PsBlock.booked + draw.minutes, PsBlock.approved + draw.approved
        session.execute(sa.update(PsBlock).where(PsBlock.id == draw.block_id).values(booked=booked, approved=approved))
        if draw.minutes < 0:
            _lapse_again(session, draw)


def _lapse_again(session: AnySession, draw: Draw) -> None:
    ended = sa.update(PsBlock).where(PsBlock.id == draw.block_id, PsBlock.lapsed_at.is_not(None), ~PsBlock.carries_over)
    if changed_one(session, ended.values(lapsed_minutes=PsBlock.lapsed_minutes - draw.minutes)):
        pool = sa.update(Budget).where(Budget.id == draw.budget_id)
        session.execute(pool.values(limit_minutes=Budget.limit_minutes + draw.minutes))


_POST = sa.insert(table_of(Posting))


def post(session: AnySession, engagement_id: UUID, entry_id: UUID, draws: Iterable[Draw], now: datetime) -> None:
    """Write down what moved."""
    rows = [
        {
            "id": new_id(),
            "engagement_id": engagement_id,
            "entry_id": entry_id,
            "site_id": draw.site_id,
            "budget_id": draw.budget_id,
            "block_id": draw.block_id,
            "minutes": draw.minutes,
            "approved_minutes": draw.approved,
            "at": now,
        }
        for draw in draws
    ]
    if rows:
        session.execute(_POST, rows)


def drawn_by(session: AnySession, entry_ids: Sequence[UUID]) -> dict[UUID, list[Draw]]:
    """What each entry draws now, its steps added up, by budget and block in the order of drawing."""
    query = sa.select(Posting, Budget.kind).join(Budget, Budget.id == Posting.budget_id).where(Posting.entry_id.in_(entry_ids))
    summed: dict[tuple[UUID, UUID, UUID | None], Draw] = {}
    for posting, kind in session.execute(query.order_by(Posting.id)):
        key = (posting.entry_id, posting.budget_id, posting.block_id)
        before = summed.get(key) or Draw(posting.budget_id, BudgetKind(kind), posting.site_id, posting.block_id, 0)
        summed[key] = replace(
            before, minutes=before.minutes + posting.minutes, approved=before.approved + posting.approved_minutes
        )
    drawn: dict[UUID, list[Draw]] = {each: [] for each in entry_ids}
    for (entry_id, *_rest), draw in summed.items():
        # What a draft gave back whole, it does not draw any more: there is nothing of it to approve or to return.
        if draw.minutes or draw.approved:
            drawn[entry_id].append(draw)
    return drawn


def counter_faults(session: AnySession) -> list[str]:
    """Compare every kept counter with the sum of its postings, and each pool with its blocks."""
    return [
        *_drift(session, Budget, Posting.budget_id, "budget"),
        *_drift(session, PsBlock, Posting.block_id, "PS block"),
        *_pool_drift(session),
    ]


def _drift(
    session: AnySession, counter: type[Budget] | type[PsBlock], key: sa.orm.InstrumentedAttribute[Any], word: str
) -> list[str]:
    booked, approved = sa.func.sum(Posting.minutes).label("booked"), sa.func.sum(Posting.approved_minutes).label("approved")
    sums = sa.select(key.label("id"), booked, approved).where(key.is_not(None)).group_by(key).subquery()
    posted = sa.func.coalesce(sums.c.booked, 0), sa.func.coalesce(sums.c.approved, 0)
    query = (
        sa.select(counter.id, counter.booked, counter.approved, *posted)
        .outerjoin(sums, sums.c.id == counter.id)
        .where(sa.or_(counter.booked != posted[0], counter.approved != posted[1]))
    )
    return [
        f"{word} {row[0]}: counts {row[1]}/{row[2]} minutes booked/approved, its postings add up to {row[3]}/{row[4]}"
        for row in session.execute(query)
    ]


def _pool_drift(session: AnySession) -> list[str]:
    bought = sa.func.sum(PsBlock.limit_minutes - PsBlock.lapsed_minutes).label("bought")
    blocks = sa.select(PsBlock.engagement_id, bought).where(PsBlock.voided_at.is_(None))
    pools = blocks.group_by(PsBlock.engagement_id).subquery()
    total = sa.func.coalesce(pools.c.bought, 0)
    query = sa.select(Budget.id, Budget.limit_minutes, total).outerjoin(pools, pools.c.engagement_id == Budget.engagement_id)
    wrong = session.execute(query.where(Budget.kind == BudgetKind.PS, Budget.limit_minutes != total))
    return [f"PS pool {row[0]}: holds {row[1]} minutes, its blocks {row[2]}" for row in wrong]
