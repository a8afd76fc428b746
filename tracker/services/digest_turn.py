"""Notes when an engagement's weekly digest is next to be written, and the team's daily one. No edge calls it."""

from collections.abc import Iterable
from datetime import date, datetime

from tracker.domain.deadline import DeadlineKind
from tracker.domain.digest import first_daily, first_weekly
from tracker.domain.workday import Calendar
from tracker.store import digest as digests
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.preference import EngagementPreference


def plan_digests(
    session: AnySession, engagement: Engagement, dated: Iterable[Deadline], calendar: Calendar, now: datetime
) -> None:
    """Bring both moments in line with the engagement as it is: it runs, its kick-off has passed, there is a channel to tell.

    A weekly digest whose moment has come stays due: whoever writes it looks whether there is still something to say.
    """
    wish = session.get(EngagementPreference, engagement.id)
    runs, hour = engagement.status == "active", wish.digest_hour if wish else None
    kickoff = next((each.day for each in dated if each.kind == DeadlineKind.KICKOFF), None)
    weekly = runs and kickoff is not None and engagement.slack_channel is not None and (wish is None or wish.weekly_digest)
    if not weekly:
        engagement.digest_at = None
    elif engagement.digest_at is None or engagement.digest_at > now:
        engagement.digest_at = first_weekly(kickoff or date.max, calendar, hour, now)
    own = engagement.internal_slack_channel
    if runs and own is not None and own != engagement.slack_channel and (wish is None or wish.daily_digest):
        digests.begin_daily(session, own, first_daily(calendar, hour, now))
