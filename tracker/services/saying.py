"""Says a message that was sent anew, as things are now, for an edit in place. Delivery asks; no edge calls it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tracker.domain.deadline import Dates
from tracker.domain.notice import SETTLED, Marks
from tracker.domain.workday import Calendar
from tracker.services.carding import refresh
from tracker.services.planning import say_due
from tracker.store import notice as notices
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice


def say_now(
    session: AnySession, notice: OutboxNotice, render: Callable[..., Mapping[str, Any]], *, edition: int, now: datetime
) -> Mapping[str, Any]:
    """The body with which a sent message is edited: a card from the facts of now, any other with what was done about it."""
    refresh(session, notice, now=now)
    return render(notice, marks=marks_of(session, notice), edition=edition)


def marks_of(session: AnySession, notice: OutboxNotice) -> Marks:
    """Who acknowledged a notice, until when it is put off, and whether what it speaks of is done."""
    zone = session.get_one(Engagement, notice.engagement_id).time_zone
    date = session.get_one(Deadline, notice.deadline_id) if notice.deadline_id else None
    # A snooze of a snooze counts from what was told first.
    snoozes = [each for each in notices.snoozes_of(session, notice.origin_id or notice.id) if each.id != notice.id]
    names = people.people_named(session, {each for each in (notice.acknowledged_by, date and date.done_by) if each})

    def by(who: object) -> str:
        name = names.get(who)  # type: ignore[call-overload]
        return f" by {name}" if name else ""

    def at(moment: datetime) -> str:
        return say_due(Dates(due_at=moment), Calendar(zone), zone)

    seen, later = notice.acknowledged_at, next((each for each in snoozes if each.state not in SETTLED), None)
    return Marks(
        acknowledged=f"Acknowledged{by(notice.acknowledged_by)}, {at(seen)}" if seen else None,
        snoozed=f"Snoozed until {at(later.due_at)}" if later else None,
        done=f"Done{by(date.done_by)}, {at(date.done_at)}" if date is not None and date.done_at else None,
    )
