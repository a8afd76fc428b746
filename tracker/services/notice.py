"""What people do to a message that they were told: acknowledge it, or put it off."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import KINDS, Dates, DeadlineKind
from tracker.domain.errors import Guard, NotFound
from tracker.domain.notice import TEAM_ONLY, Audience, Notice
from tracker.domain.snooze import Snooze, possible
from tracker.domain.workday import Calendar
from tracker.services.planning import channel_of, say_due, take
from tracker.store import audit, message_edit, outbox
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice

ANEW = "Snoozed anew, until another time."
# What no date bounds is worth telling for so long after the time it was put off to.
STILL_USEFUL = timedelta(days=2)


@dataclass(frozen=True)
class Acknowledged:
    """Who saw a message first, and whether that was just now."""

    notice: OutboxNotice
    by: str
    at: datetime
    time_zone: str
    is_new: bool


@dataclass(frozen=True)
class Snoozed:
    """Until when a message was put off, on whose clock."""

    notice: OutboxNotice
    until: datetime
    time_zone: str


def told(session: AnySession, actor: Actor, notice_id: UUID) -> tuple[OutboxNotice, Engagement]:
    """A notice that somebody may have read in a channel, and its engagement. Raises NotFound.

    What the team says among itself is none of the customer's, whoever forwards them the message.
    """
    notice = notices.get(session, actor, notice_id)
    engagement = engagements.get(session, actor, notice.engagement_id)
    apart = notice.audience == Audience.INTERNAL and notice.channel != engagement.slack_channel
    if not actor.is_staff and (apart or notice.kind in TEAM_ONLY):
        raise NotFound
    return notice, engagement


def acknowledge(session: AnySession, actor: Actor, notice_id: UUID, *, now: datetime) -> Acknowledged:
    """Write down who saw a message first; a second time changes nothing. Raises NotFound, NotAllowed."""
    notice, engagement = told(session, actor, notice_id)
    actor.must(Permission.ANSWER)
    assert actor.person_id is not None
    is_new = notices.acknowledge(session, notice.id, actor.person_id, now)
    session.refresh(notice)
    assert notice.acknowledged_by is not None
    assert notice.acknowledged_at is not None
    if is_new:
        message_edit.want(session, notice.id, now)
        audit.record(session, actor, notice.engagement_id, "notice.acknowledged", ("notice", notice.id), {"kind": notice.kind})
    by = people.people_named(session, {notice.acknowledged_by})[notice.acknowledged_by]
    return Acknowledged(notice, by, notice.acknowledged_at, engagement.time_zone, is_new)


def snooze(session: AnySession, actor: Actor, notice_id: UUID, choice: Snooze, *, now: datetime) -> Snoozed:
    """Tell a message again later, as a notice of its own, in the same words. The last snooze of a message counts.

    Raises NotFound, NotAllowed, and Guard with what is possible where the date would come first, or is done.
    """
    notice, engagement = told(session, actor, notice_id)
    actor.must(Permission.ANSWER)
    take(session, engagement)
    calendar = Calendar(engagement.time_zone)
    limit = _limit(session, notice, engagement, now)
    until = choice.until(now, calendar)
    if limit is not None and until >= limit:
        raise _too_long(engagement, choice, limit, now)
    again = _again(notice, until, limit)
    assert again.origin_id is not None
    outbox.call_off_snoozes(session, again.origin_id, again.key, ANEW, now)
    channel = channel_of(engagement, notice.kind, notice.audience, now_in=notice.channel)
    outbox.plan(session, engagement.id, [again], {notice.audience: channel}, now)
    message_edit.want(session, notice.id, now)
    said = {"kind": notice.kind, "until": until}
    audit.record(session, actor, notice.engagement_id, "notice.snoozed", ("notice", notice.id), said)
    return Snoozed(notice, until, engagement.time_zone)


def _again(notice: OutboxNotice, until: datetime, limit: datetime | None) -> Notice:
    origin_id = notice.origin_id or notice.id
    return Notice(
        key=f"snooze:{origin_id}:{until.isoformat()}",
        kind=notice.kind,
        audience=Audience(notice.audience),
        headline=notice.headline,
        text=notice.text,
        facts=tuple((str(name), str(value)) for name, value in notice.facts),
        path=notice.path,
        due_at=until,
        useless_after=limit or until + STILL_USEFUL,
        site_id=notice.site_id,
        deadline_id=notice.deadline_id,
        mention=notice.mention,
        origin_id=origin_id,
    )


def _limit(session: AnySession, notice: OutboxNotice, engagement: Engagement, now: datetime) -> datetime | None:
    """The moment before which a snooze has to end; None where no date bounds it. Raises Guard for a date that is done."""
    if notice.deadline_id is None:
        return None
    deadline = session.get_one(Deadline, notice.deadline_id, populate_existing=True)
    if deadline.done_at is not None or deadline.withdrawn_at is not None or engagement.status != "active":
        raise Guard("This is done or called off: nobody is reminded of it any more.", rule="snooze")
    kind, calendar = KINDS[DeadlineKind(deadline.kind)], Calendar(engagement.time_zone)
    begins = deadline.dates.starts_at(calendar)
    if kind.runs and begins <= now:
        return None  # It is on until the launch, and has no date any more that could be missed.
    return begins if kind.starts or kind.runs else deadline.dates.ends_at(calendar)


def _too_long(engagement: Engagement, choice: Snooze, limit: datetime, now: datetime) -> Guard:
    calendar = Calendar(engagement.time_zone)
    when = say_due(Dates(due_at=limit), calendar, engagement.time_zone)
    instead = [f"“{each.label}”" for each in possible(now, calendar, limit)]
    if limit <= now:
        message = f"This was due by {when}, so it cannot be put off. Acknowledge it, or mark it done."
    elif not instead:
        message = f"This is due by {when}: too soon to put it off."
    else:
        message = f"“{choice.label}” is after {when}, when this is due. Possible: {' or '.join(instead)}."
    return Guard(message, rule="snooze")
