"""Writes the digests whose moment has come: weekly for both sides of an engagement, daily for a team's own channel.

Each is written with the facts of its moment, and plans the next one. Where there is nothing to say nothing is sent.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from tracker.domain.deadline import KINDS, DeadlineKind
from tracker.domain.digest import first_daily, first_weekly
from tracker.domain.duration import say_minutes
from tracker.domain.notice import DAILY_DIGEST, Audience, Notice
from tracker.domain.notice_kind import WEEKLY_DIGEST
from tracker.domain.outlook import DayOf, daily_words, say_budget, weekly_words
from tracker.domain.portfolio import Alarm
from tracker.domain.workday import Calendar
from tracker.services.outlook import outlook_of
from tracker.services.planning import calendar_of, say_due, take, tell
from tracker.store import alarm, outbox
from tracker.store import deadline as deadlines
from tracker.store import digest as digests
from tracker.store import engagement as engagements
from tracker.store.budget import Budget
from tracker.store.database import AnySession
from tracker.store.digest import OpenDate
from tracker.store.engagement import Engagement
from tracker.store.preference import EngagementPreference

# A digest that could not be sent by the end of its morning is no help any more; the week's may come a day later.
WEEKLY_USEFUL, DAILY_USEFUL = timedelta(days=1), timedelta(hours=6)


def weekly_due(session: AnySession, *, now: datetime) -> int:
    """Write the weekly digest of one engagement whose moment has come; tell how many there were.

    After an outage only the latest week is told, and only while it is useful.
    """
    first = digests.next_weekly(session)
    if first is None or first[1] > now:
        return 0
    engagement = session.get_one(Engagement, first[0])
    take(session, engagement)
    at = engagement.digest_at
    kickoff = deadlines.one(session, engagement.id, None, DeadlineKind.KICKOFF)
    if at is None or at > now:
        return 1
    if kickoff is None or engagement.status != "active":
        engagement.digest_at = None
        return 1
    wish, calendar = session.get(EngagementPreference, engagement.id), _calendar(session, engagement, now)
    engagement.digest_at = first_weekly(kickoff.day, calendar, wish.digest_hour if wish else None, now)
    if now < at + WEEKLY_USEFUL:
        _tell_week(session, engagement, calendar, at, now)
    session.flush()
    return 1


def _tell_week(session: AnySession, engagement: Engagement, calendar: Calendar, at: datetime, now: datetime) -> None:
    outlook = outlook_of(session, engagement, with_hours=False, now=now)
    if not outlook.says_something:
        return
    monday = calendar.local_date(at)
    words = weekly_words(outlook, f"{monday:%a %-d %b %Y}")
    notice = Notice(
        key=f"{WEEKLY_DIGEST}:{engagement.id}:{monday.isoformat()}",
        kind=WEEKLY_DIGEST,
        audience=Audience.CUSTOMER,
        headline=words.headline,
        text=words.text,
        facts=words.facts,
        path=f"/engagements/{engagement.id}",
        due_at=at,
        useless_after=at + WEEKLY_USEFUL,
    )
    tell(session, engagement, notice, now=now)


def daily_due(session: AnySession, *, now: datetime) -> int:
    """Write the daily digest of one channel of a team whose moment has come; tell how many there were.

    It speaks of every running engagement that has the channel for its team, and is kept at the oldest of them. A channel
    that a customer reads as well gets none.
    """
    first = digests.next_daily(session)
    if first is None or first[1] > now:
        return 0
    turn = digests.hold_daily(session, first[0])
    if turn is None or turn.next_at > now:
        return 1
    teams, at = digests.teams_of(session, turn.channel), turn.next_at
    if not teams:
        session.delete(turn)
        session.flush()
        return 1
    oldest = teams[0]
    wish, calendar = session.get(EngagementPreference, oldest.id), _calendar(session, oldest, now)
    turn.next_at = first_daily(calendar, wish.digest_hour if wish else None, now)
    if now < at + DAILY_USEFUL:
        _tell_day(session, turn.channel, teams, calendar, at, now)
    session.flush()
    return 1


def _tell_day(
    session: AnySession, channel: str, teams: list[Engagement], calendar: Calendar, at: datetime, now: datetime
) -> None:
    day = calendar.local_date(at)
    words = daily_words(f"{day:%a %-d %b %Y}", _days_of(session, teams, now))
    if words is None:
        return
    only = teams[0].id if len(teams) == 1 else None
    notice = Notice(
        key=f"{DAILY_DIGEST}:{channel}:{day.isoformat()}",
        kind=DAILY_DIGEST,
        audience=Audience.INTERNAL,
        headline=words.headline,
        text=words.text,
        facts=words.facts,
        path=f"/engagements/{only}" if only else "/",
        due_at=at,
        useless_after=at + DAILY_USEFUL,
    )
    outbox.plan(session, teams[0].id, [notice], {Audience.INTERNAL: channel}, now)


def _days_of(session: AnySession, teams: list[Engagement], now: datetime) -> list[DayOf]:
    """What the morning brings for each engagement, in five statements however many there are."""
    ids = [each.id for each in teams]
    customers = engagements.customer_names(session, {each.customer_id for each in teams})
    waiting = alarm.counts_of(session, teams, now)
    tight: dict[UUID, list[str]] = {each: [] for each in ids}
    for budget, site in digests.tight_budgets(session, ids):
        tight[budget.engagement_id].append(_say_tight(budget, site))
    dates: dict[UUID, list[OpenDate]] = {each: [] for each in ids}
    for row in digests.open_dates(session, ids, now.date() + timedelta(days=1)):
        dates[row.deadline.engagement_id].append(row)
    return [
        _day_of(each, customers[each.customer_id], dates[each.id], tight[each.id], waiting[each.id].get(Alarm.WAITING, 0), now)
        for each in teams
    ]


def _day_of(engagement: Engagement, customer: str, dates: list[OpenDate], tight: list[str], waiting: int, now: datetime) -> DayOf:
    calendar = Calendar(engagement.time_zone)
    today = calendar.local_date(now)
    late = [each for each in dates if each.deadline.dates.ends_at(calendar) <= now]
    due = [each for each in dates if each.deadline.day == today and each not in late]

    def line(row: OpenDate) -> str:
        return _say_date(row, calendar, customer, today)

    return DayOf(engagement.name, customer, [line(each) for each in late], [line(each) for each in due], tight, waiting)


def _say_date(row: OpenDate, calendar: Calendar, customer: str, today: date) -> str:
    kind = KINDS[DeadlineKind(row.deadline.kind)]
    whose = row.owner or {"customer": customer, "team": "the team"}[kind.owner]
    where = f", {row.site}" if row.site else ""
    is_plain_day = row.deadline.due_at is None and row.deadline.day == today
    when = "" if is_plain_day else f", {say_due(row.deadline.dates, calendar, calendar.time_zone)}"
    return f"{row.deadline.title}{where}{when} ({whose})"


def _say_tight(budget: Budget, site: str) -> str:
    share = budget.booked * 100 // budget.limit_minutes
    return f"{site}, {share} % of the {say_budget(budget.kind)} booked, {say_minutes(budget.balance.left)} left"


def _calendar(session: AnySession, engagement: Engagement, now: datetime) -> Calendar:
    customer = engagements.customer(session, engagement.customer_id)
    return calendar_of(session, engagement, customer.country, [now.date()])
