"""An engagement's open dates as lines to read."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.site import LAUNCHED_STAGES
from tracker.domain.workday import Calendar
from tracker.services.planning import say_due
from tracker.slack.blocks import escape
from tracker.store import deadline as deadlines
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement

NEXT_SHOWN = 5


def open_dates(session: AnySession, engagement: Engagement, now: datetime) -> list[tuple[Deadline, str | None]]:
    """What is still to come or late, in order, each with the name of its site; what only goes on is left out."""
    calendar = Calendar(engagement.time_zone)
    listed = {site.id: site for site in sites.of_engagement(session, engagement.id)}
    found: list[tuple[Deadline, str | None]] = []
    for each in deadlines.of_engagement(session, engagement.id):
        site = listed.get(each.site_id) if each.site_id else None
        runs = KINDS[DeadlineKind(each.kind)].runs
        is_on = runs and each.dates.starts_at(calendar) <= now
        is_gone = site is not None and (site.stage == "withdrawn" or (runs and site.stage in LAUNCHED_STAGES))
        if each.done_at is None and not is_on and not is_gone:
            found.append((each, site.name if site else None))
    return found


def lines(
    dated: Sequence[tuple[Deadline, str | None]], time_zone: str, now: datetime, *, most: int = NEXT_SHOWN
) -> Iterator[str]:
    """Each date in a line: when, what, where, whose it is."""
    calendar = Calendar(time_zone)
    for deadline, site_name in dated[:most]:
        kind = KINDS[DeadlineKind(deadline.kind)]
        late = "overdue since " if deadline.dates.ends_at(calendar) <= now else ""
        when = f"{late}{say_due(deadline.dates, calendar, time_zone)}"
        where = f" · {escape(site_name)}" if site_name else ""
        yield f"• *{escape(deadline.title)}*{where}: {escape(when)} ({kind.owner})"
    if len(dated) > most:
        yield f"… and {len(dated) - most} more."
