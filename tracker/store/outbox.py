"""The outbox: what is to be told, and how far it has got. Each step is an UPDATE on the state it comes from.

A tick reads partial indexes only: its work grows with what is due, not with what is stored.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from tracker.domain.notice import CANCELLABLE, DAILY_DIGEST, TEAM_ONLY, Notice, NoticeState, Road
from tracker.store import pacing
from tracker.store.database import AnySession, changed_one, dialect_insert, table_of
from tracker.store.notice import DeliveryAttempt, OutboxNotice, table
from tracker.store.pacing import WORKSPACE, SlackChannel, take_slot
from tracker.store.thread import SlackThread

NOTICES = UUID("7d0c6f0e-3a52-4d0b-9a57-1f6a3e0c2b11")
_content = ("channel", "headline", "text", "facts", "path", "mention", "due_at", "useless_after", "next_at")


def id_of(key: str) -> UUID:
    """The id of the notice of a key: one planned once more after a restore carries the marker that Slack knows."""
    return uuid5(NOTICES, key)


def plan(
    session: AnySession,
    engagement_id: UUID,
    notices: Sequence[Notice],
    channels: Mapping[str, str | None],
    now: datetime,
) -> None:
    """Put notices into the outbox, once per key.

    A notice that waits for its time is refreshed, one that was called off for the same occasion is revived (it was not
    sent, or it was never called off); one that is ready, on the wire or settled otherwise stays as it is.
    """
    if not notices:
        return
    rows = [
        {
            "id": id_of(notice.key),
            "engagement_id": engagement_id,
            "site_id": notice.site_id,
            "deadline_id": notice.deadline_id,
            "origin_id": notice.origin_id,
            "key": notice.key,
            "kind": notice.kind,
            "audience": notice.audience,
            "road": notice.road,
            "channel": channels[notice.audience] if notice.to is None else notice.to.address,
            "person_id": notice.to.person_id if notice.to else None,
            "headline": notice.headline,
            "text": notice.text,
            "facts": [list(fact) for fact in notice.facts],
            "path": notice.path,
            "mention": notice.mention,
            "due_at": notice.due_at,
            "useless_after": notice.useless_after,
            "state": NoticeState.PLANNED,
            "next_at": notice.due_at,
            "fence": 0,
            "attempts": 0,
            "absent_seen": 0,
            "repeats": 0,
            "created_at": now,
        }
        for notice in notices
    ]
    statement = dialect_insert(session, table)
    changed = {name: statement.excluded[name] for name in _content} | {
        "state": NoticeState.PLANNED,
        "reason": None,
        "settled_at": None,
        "body": None,
        "thread_ts": None,
        "broadcast": False,
    }
    revivable = sa.or_(table.c.state == NoticeState.PLANNED, table.c.state == NoticeState.CANCELLED)
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed, where=revivable), rows)


def _is(state: NoticeState) -> sa.ColumnElement[bool]:
    """The state written out in the statement: a plan made for any state at all cannot use an index made for one."""
    return table.c.state == sa.bindparam(None, state, literal_execute=True)


def _locked(
    session: AnySession,
    *where: sa.ColumnElement[bool],
    skip: bool = False,
    limit: int | None = None,
    first: sa.ColumnElement[Any] | None = None,
) -> list[UUID]:
    """Take rows in one order, so that two units that change several never wait for each other crosswise.

    With a limit the order is that of an index (`first`, then the id): the first few by id alone would be looked for among all.
    """
    order = (table.c.id,) if first is None else (first, table.c.id)
    query = sa.select(table.c.id).where(*where).order_by(*order).with_for_update(skip_locked=skip)
    return list(session.scalars(query.limit(limit) if limit else query))


def _change(session: AnySession, ids: Sequence[UUID], **values: Any) -> int:
    if ids:
        session.execute(sa.update(table).where(table.c.id.in_(ids)).values(**values))
    return len(ids)


def cancel_others(session: AnySession, deadline_ids: Sequence[UUID], keep: Iterable[str], reason: str, now: datetime) -> None:
    """Call off what deadlines had planned and that is no longer true: everything waiting whose key is not kept.

    What somebody snoozed is kept with the notice it was first told as. What has become useless was not called off by
    anybody: it expires, and says so.
    """
    in_time = sa.or_(table.c.state == NoticeState.PARKED, table.c.useless_after > now)
    first = table.alias("first")
    true_still = sa.select(first.c.id).where(first.c.deadline_id.in_(deadline_ids), first.c.key.in_(kept := list(keep)))
    untrue = sa.case(
        (table.c.origin_id.is_(None), table.c.key.not_in(kept)),
        else_=table.c.origin_id.not_in(true_still),
    )
    waiting = (table.c.deadline_id.in_(deadline_ids), table.c.state.in_(CANCELLABLE), untrue)
    _change(session, _locked(session, *waiting, in_time), state=NoticeState.CANCELLED, reason=reason, settled_at=now)


def call_off_snoozes(session: AnySession, origin_id: UUID, but: str, reason: str, now: datetime) -> None:
    """Call off what waits because a notice was snoozed before, but for the one of a key."""
    mine = (table.c.origin_id == origin_id, table.c.key != but, table.c.state.in_(CANCELLABLE))
    _change(session, _locked(session, *mine), state=NoticeState.CANCELLED, reason=reason, settled_at=now)


def call_off(session: AnySession, notice_id: UUID, reason: str, now: datetime) -> None:
    """Call off one notice, if it waits."""
    mine = _locked(session, table.c.id == notice_id, table.c.state.in_(CANCELLABLE))
    _change(session, mine, state=NoticeState.CANCELLED, reason=reason, settled_at=now)


def redirect(
    session: AnySession,
    engagement_id: UUID,
    audience: str,
    channel: str | None,
    *,
    team_only: bool = False,
    only: UUID | None = None,
) -> None:
    """Send what waits for another channel (or one notice of it) to this one; what was parked there is ready again.

    `team_only` speaks of the kinds that no channel of the customer may get, and of no other. A daily digest is of its
    channel and of every engagement in it: it goes nowhere else.
    """
    kinds = table.c.kind.in_(TEAM_ONLY - {DAILY_DIGEST}) if team_only else table.c.kind.not_in(TEAM_ONLY)
    mine = sa.and_(table.c.engagement_id == engagement_id, table.c.audience == audience, kinds, table.c.road == Road.SLACK)
    one = table.c.id == only if only else sa.true()
    waiting = _locked(session, mine, table.c.state.in_(CANCELLABLE), table.c.channel.is_distinct_from(channel), one)
    parked = table.c.state == NoticeState.PARKED
    # The message was rendered for the old channel, and placed there; both are done anew at its next claim.
    _change(
        session,
        waiting,
        channel=channel,
        body=None,
        thread_ts=None,
        broadcast=False,
        reason=None,
        state=sa.case((parked, NoticeState.READY), else_=table.c.state),
    )


def due(session: AnySession, until: datetime) -> list[OutboxNotice]:
    """Planned notices that are due by a moment, in order."""
    query = sa.select(OutboxNotice).where(_is(NoticeState.PLANNED), table.c.due_at <= until)
    return list(session.scalars(query.order_by(table.c.due_at, table.c.id)))


# So many rows are changed in one unit of a tick at most: writers who wait for it do not wait long (docs/benchmarks.md, tick).
AT_ONCE = 100


def release(session: AnySession, now: datetime, *, ready_at: datetime, limit: int = AT_ONCE) -> list[OutboxNotice]:
    """Planned to ready for what is due and still useful, at most so many at once; return those in order.

    `now` may be a moment that somebody plays through; `ready_at` is the real one, from which a worker may take it. What
    was due first is sent first.
    """
    where = (_is(NoticeState.PLANNED), table.c.due_at <= now, table.c.useless_after > now)
    ids = _locked(session, *where, skip=True, limit=limit, first=table.c.due_at)
    in_turn = sa.case((table.c.due_at < ready_at, table.c.due_at), else_=ready_at)
    _change(session, ids, state=NoticeState.READY, next_at=in_turn)
    query = sa.select(OutboxNotice).where(table.c.id.in_(ids)).order_by(table.c.due_at, table.c.id)
    return list(session.scalars(query, execution_options={"populate_existing": True}))


def expire(session: AnySession, now: datetime, *, limit: int = AT_ONCE) -> int:
    """Settle, visibly, what waits and has become useless, so many at once. What Slack may have is looked up instead."""
    late: list[UUID] = []
    for state, since in ((NoticeState.PLANNED, table.c.due_at), (NoticeState.READY, table.c.next_at)):
        where = (_is(state), since <= now, table.c.useless_after <= now)
        late += _locked(session, *where, skip=True, limit=limit, first=since)
    return _change(
        session, late, state=NoticeState.EXPIRED, reason="Its time had passed before it could be sent.", settled_at=now
    )


def sweep(session: AnySession, now: datetime, first_look: timedelta) -> int:
    """Leases that ran out: nobody knows whether the message went out, so they are looked up, never just sent again."""
    lost = _locked(session, _is(NoticeState.SENDING), table.c.lease_until < now, skip=True)
    for notice_id in lost:
        log(session, notice_id, None, "lease ran out", "the worker did not come back", now)
    return _change(
        session,
        lost,
        state=NoticeState.UNKNOWN,
        lease_until=None,
        lease_owner=None,
        next_at=now + first_look,
        absent_seen=0,
        last_error="the worker did not come back",
        reason="Whether it was sent is being looked up.",
    )


def explain_waiting(session: AnySession, condition: sa.ColumnElement[bool], reason: str | None) -> None:
    """Say at ready notices why they wait."""
    _change(
        session,
        _locked(session, _is(NoticeState.READY), condition, table.c.reason.is_distinct_from(reason), skip=True),
        reason=reason,
    )


class SlotTaken(Exception):
    """Another worker took the channel's slot in the same moment. End the unit and claim anew: there may be others."""


ALL_ROADS = frozenset(Road)
# What holds up everything that goes a road, by the row that says so.
_holds_road = sa.case((table.c.road == Road.MAIL, pacing.MAIL), else_=WORKSPACE)


def claim(
    session: AnySession,
    now: datetime,
    lease: timedelta,
    pace: timedelta,
    owner: str,
    *,
    roads: Collection[str] = ALL_ROADS,
) -> OutboxNotice | None:
    """Take the oldest notice that may be sent now: not for a channel that is held, not on a road that is, or is not there.

    The claim raises the fence, sets the lease and takes the channel's next slot. It must be committed durably before
    anything goes on the wire. Raises SlotTaken.
    """
    held = sa.exists().where(SlackChannel.channel.in_((table.c.channel, _holds_road)), SlackChannel.held_until > now)
    candidate = (
        sa.select(table.c.id, table.c.channel)
        .where(_is(NoticeState.READY), table.c.next_at <= now, table.c.channel.is_not(None), ~held)
        .where(table.c.useless_after > now, table.c.road.in_(sorted(roads)))
        .order_by(table.c.next_at, table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=table)
    )
    found = session.execute(candidate).first()
    if found is None:
        return None
    if not take_slot(session, found.channel, now, pace):
        raise SlotTaken
    claimed = (
        sa.update(OutboxNotice)
        .where(OutboxNotice.id == found.id, OutboxNotice.state == NoticeState.READY)
        .values(
            state=NoticeState.SENDING,
            fence=OutboxNotice.fence + 1,
            attempts=OutboxNotice.attempts + 1,
            lease_until=now + lease,
            lease_owner=owner,
            first_attempt_at=sa.func.coalesce(OutboxNotice.first_attempt_at, now),
            last_attempt_at=now,
            reason=None,
        )
        .returning(OutboxNotice)
    )
    return session.scalar(claimed, execution_options={"synchronize_session": False, "populate_existing": True})


def next_slot(session: AnySession, now: datetime, *, roads: Collection[str] = ALL_ROADS) -> datetime | None:
    """When the first ready notice that only waits for its channel or its time may be sent. A road that is held has none."""
    open_roads = sorted(set(roads) - set(pacing.breakers(session, now)))
    moment = sa.case((SlackChannel.held_until > table.c.next_at, SlackChannel.held_until), else_=table.c.next_at)
    query = (
        sa.select(sa.func.min(sa.func.coalesce(moment, table.c.next_at)))
        .select_from(table.outerjoin(table_of(SlackChannel), SlackChannel.channel == table.c.channel))
        .where(_is(NoticeState.READY), table.c.channel.is_not(None), table.c.road.in_(open_roads))
    )
    return session.scalar(query) if open_roads else None


def freeze_body(session: AnySession, notice_id: UUID, body: Mapping[str, Any]) -> None:
    """Keep the message as it is rendered at its first claim: every later try says exactly the same."""
    session.execute(sa.update(table).where(table.c.id == notice_id, table.c.body.is_(None)).values(body=dict(body)))


def settle(session: AnySession, notice_id: UUID, fence: int, state: NoticeState, **values: Any) -> bool:
    """Leave `sending` under one's own fence. False where somebody else owns the notice by now."""
    mine = sa.update(table).where(table.c.id == notice_id, table.c.state == NoticeState.SENDING, table.c.fence == fence)
    return changed_one(session, mine.values(state=state, lease_until=None, lease_owner=None, **values))


def doubtful(session: AnySession, now: datetime, *, limit: int) -> dict[str, list[OutboxNotice]]:
    """Notices in doubt whose channel is due for a look, by channel."""
    query = sa.select(OutboxNotice).where(_is(NoticeState.UNKNOWN), table.c.next_at <= now)
    by_channel: dict[str, list[OutboxNotice]] = {}
    for notice in session.scalars(query.order_by(table.c.next_at, table.c.id).limit(limit)):
        by_channel.setdefault(notice.channel or "", []).append(notice)
    return by_channel


def resolve(session: AnySession, notice: OutboxNotice, state: NoticeState, **values: Any) -> bool:
    """Leave `unknown`, or look again later. False where somebody else resolved it, or it was tried again meanwhile."""
    mine = sa.update(table).where(
        table.c.id == notice.id,
        table.c.state == NoticeState.UNKNOWN,
        table.c.fence == notice.fence,
        table.c.absent_seen == notice.absent_seen,
        table.c.next_at == notice.next_at,
    )
    return changed_one(session, mine.values(state=state, **values))


def log(session: AnySession, notice_id: UUID, fence: int | None, outcome: str, detail: str | None, now: datetime) -> None:
    """Write one line of a notice's delivery log."""
    session.add(DeliveryAttempt(notice_id=notice_id, fence=fence, at=now, outcome=outcome, detail=detail))


def last_outcomes_since(session: AnySession, notice: OutboxNotice, outcome: str) -> datetime | None:
    """Since when every look for this try has come to the same; None where the last one came to something else."""
    query = sa.select(DeliveryAttempt.outcome, DeliveryAttempt.at).where(
        DeliveryAttempt.notice_id == notice.id, DeliveryAttempt.fence == notice.fence
    )
    since = None
    for row in session.execute(query.order_by(DeliveryAttempt.at.desc(), DeliveryAttempt.id.desc())):
        if row.outcome != outcome:
            break
        since = row.at
    return since


def outbox_faults(session: AnySession, now: datetime, patience: timedelta) -> list[str]:
    """Notices that stand where no worker would ever take them further."""
    stuck = sa.select(table.c.id, table.c.lease_until).where(
        table.c.state == NoticeState.SENDING, table.c.lease_until < now - patience
    )
    faults = [
        f"notice {row.id}: its lease ran out at {row.lease_until.isoformat()} and nobody swept it"
        for row in session.execute(stuck)
    ]
    # What a look after a restore has found was sent before; its words are in the channel only.
    bodyless = sa.select(table.c.id).where(table.c.state == NoticeState.SENT, table.c.body.is_(None), table.c.attempts > 0)
    return faults + [f"notice {notice_id}: sent, but what was said was not kept" for notice_id in session.scalars(bodyless)]


def doubt_overdue(session: AnySession, now: datetime, due_before: datetime, reason: str) -> int:
    """Put into doubt what came due before a moment and was, as far as this database knows, never tried."""
    waiting = sa.or_(
        sa.and_(_is(NoticeState.PLANNED), table.c.due_at <= due_before),
        sa.and_(_is(NoticeState.READY), table.c.next_at <= now, table.c.due_at <= due_before),
    )
    untried = (table.c.attempts == 0, table.c.first_attempt_at.is_(None), table.c.useless_after > now)
    ids = _locked(session, waiting, *untried, table.c.road == "slack", table.c.channel.is_not(None), skip=True)
    return _change(
        session,
        ids,
        state=NoticeState.UNKNOWN,
        absent_seen=0,
        next_at=now,
        first_attempt_at=table.c.due_at,
        reason=reason,
    )


def threads_around(session: AnySession, notices: Sequence[OutboxNotice]) -> list[str]:
    """The threads in which notices may stand: their own, or, of those never tried here, those of their engagement."""
    own = [notice.thread_ts for notice in notices if notice.thread_ts]
    untried = [notice for notice in notices if notice.attempts == 0]
    if not untried:
        return sorted(set(own))
    parents = sa.select(table.c.slack_ts).join(SlackThread, SlackThread.notice_id == table.c.id)
    here = (SlackThread.engagement_id.in_({each.engagement_id for each in untried}), SlackThread.channel == untried[0].channel)
    known = session.scalars(parents.where(*here, table.c.slack_ts.is_not(None)))
    return sorted({*own, *(each for each in known if each)})


def doubt_all_due(session: AnySession, now: datetime) -> int:
    """Put everything due that has a channel into doubt: after a restore Slack may know more than the database."""
    waiting = table.c.state.in_((NoticeState.PLANNED, NoticeState.READY, NoticeState.SENDING))
    ids = _locked(session, waiting, table.c.due_at <= now, table.c.channel.is_not(None))
    return _change(
        session,
        ids,
        state=NoticeState.UNKNOWN,
        lease_until=None,
        lease_owner=None,
        absent_seen=0,
        next_at=now,
        first_attempt_at=sa.func.coalesce(table.c.first_attempt_at, table.c.due_at),
        reason="A backup was restored; whether it was sent is being looked up.",
    )
