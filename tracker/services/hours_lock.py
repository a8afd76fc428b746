"""Close the hours of an engagement up to a day, and open them again. Closed days take no entry and change none."""

from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import FieldError, Guard, Invalid
from tracker.domain.time_entry import EARLIEST_YEAR, REASON_LENGTH, read_remark
from tracker.domain.workday import Calendar
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import time_entry as entries
from tracker.store import timer as timers
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.hours_lock import HoursLock


def close_hours(
    session: AnySession, actor: Actor, engagement_id: UUID, through: date, reason: str = "", *, now: datetime
) -> HoursLock:
    """Close the hours through a day. Raises NotFound, NotAllowed, Invalid, and Guard while an entry up to it is undecided
    or time waits for a place (rule `undecided_hours`).

    Held against bookings, so that none slips in that was begun before.
    """
    engagement = _take(session, actor, engagement_id)
    errors = []
    today = Calendar(engagement.time_zone, frozenset()).local_date(now)
    if through.year < EARLIEST_YEAR or through > today:
        errors.append(FieldError("through", f"Choose a day up to today, {today.isoformat()}."))
    elif engagement.hours_locked_through is not None and through <= engagement.hours_locked_through:
        message = f"The hours are closed through {engagement.hours_locked_through.isoformat()} already."
        errors.append(FieldError("through", message))
    if errors:
        raise Invalid(errors)
    undecided = entries.undecided(session, engagement_id, through)
    if undecided:
        said = " and ".join(f"{count} {state}" for state, count in sorted(undecided.items()))
        message = f"Not everything up to {through.isoformat()} is decided on: {said}. Approve, reject or reverse it first."
        raise Guard(message, rule="undecided_hours", missing=sorted(undecided))
    if unplaced := timers.count_unplaced(session, engagement_id, through):
        pieces = "a piece of time waits" if unplaced == 1 else f"{unplaced} pieces of time wait"
        message = f"Up to {through.isoformat()} {pieces} for a place. Place or discard it on the engagement's page."
        raise Guard(message, rule="undecided_hours", missing=["unplaced"])
    return _keep(session, actor, engagement, through, reason, "hours.closed", now)


def open_hours(
    session: AnySession, actor: Actor, engagement_id: UUID, through: date | None, reason: str, *, now: datetime
) -> HoursLock:
    """Open the hours after a day again, or all of them. Raises NotFound, NotAllowed, Invalid without a reason."""
    engagement = _take(session, actor, engagement_id)
    closed = engagement.hours_locked_through
    if closed is None:
        raise Invalid.at("through", "No hours of this engagement are closed.")
    if through is not None and through >= closed:
        raise Invalid.at("through", f"The hours are closed through {closed.isoformat()}: choose an earlier day, or none.")
    if not reason.strip():
        raise Invalid.at("reason", "Say why: the hours were closed for a reason.")
    return _keep(session, actor, engagement, through, reason, "hours.opened", now)


def _take(session: AnySession, actor: Actor, engagement_id: UUID) -> Engagement:
    engagements.get(session, actor, engagement_id)
    actor.must(Permission.APPROVE_TIME)
    engagements.lock(session, engagement_id)
    return session.get_one(Engagement, engagement_id, populate_existing=True)


def _keep(
    session: AnySession, actor: Actor, engagement: Engagement, through: date | None, reason: str, action: str, now: datetime
) -> HoursLock:
    said = read_remark("reason", reason, REASON_LENGTH)
    engagement.hours_locked_through = through
    kept = HoursLock(engagement_id=engagement.id, through=through, reason=said, by=actor.person_id, at=now)
    session.add(kept)
    session.flush()
    audit.record(session, actor, engagement.id, action, ("hours_lock", kept.id), {"through": through, "reason": said})
    return kept
