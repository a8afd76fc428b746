"""Reads how an engagement stands, for its status card, its digest and its weekly update. No edge calls it."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from tracker.domain.change_request import Side, waits_for
from tracker.domain.deadline import KINDS, Dates, DeadlineKind
from tracker.domain.duration import say_minutes
from tracker.domain.freeze import FreezeKind, FreezeState
from tracker.domain.outlook import Outlook, say_budget
from tracker.domain.weekly_update import monday_of
from tracker.services.planning import Ground, ground_of, is_live, say_due
from tracker.store import budget as budgets
from tracker.store import change_request as change_requests
from tracker.store import deadline as deadlines
from tracker.store import engagement as engagements
from tracker.store import freeze as freezes
from tracker.store import person as people
from tracker.store import portfolio, requirements, waiting
from tracker.store.database import AnySession
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement

ONE_WEEK = timedelta(days=7)


def outlook_of(session: AnySession, engagement: Engagement, *, with_hours: bool, now: datetime) -> Outlook:
    """How an engagement stands at a moment, in some fifteen statements however much there is to it."""
    dated = deadlines.of_engagement(session, engagement.id, anew=True)
    ground = ground_of(session, engagement, around=[now.date(), *(each.day for each in dated)])
    today, open_dates = ground.calendar.local_date(now), [each for each in dated if is_live(each, ground)]
    names = people.people_named(session, {each.owner_id for each in open_dates if each.owner_id is not None})
    late = [each for each in open_dates if is_late(each, ground, now)]
    ahead = [each for each in open_dates if each not in late and not is_on(each, ground, now)]
    week_ends = monday_of(today) + ONE_WEEK
    stage, _count = portfolio.stages_of(session, [engagement])[engagement.id]

    def line(deadline: Deadline) -> str:
        return say_date(deadline, ground, names)

    return Outlook(
        name=engagement.name,
        customer=engagements.customer(session, engagement.customer_id).name,
        stage=stage,
        as_of=say_due(Dates(due_at=now), ground.calendar, engagement.time_zone),
        overdue=[line(each) for each in late],
        coming=[line(each) for each in ahead],
        this_week=[line(each) for each in ahead if each.day < week_ends],
        waiting=[*decisions_of_customer(session, engagement.id), *questions_to_customer(session, ground)],
        freezes=list(_freezes(session, ground, now)),
        hours=list(_hours(session, ground)) if with_hours else [],
    )


def is_late(deadline: Deadline, ground: Ground, now: datetime) -> bool:
    """Whether an open date has passed. A freeze, once begun, runs until the launch: it is never late."""
    return not KINDS[DeadlineKind(deadline.kind)].runs and deadline.dates.ends_at(ground.calendar) <= now


def is_on(deadline: Deadline, ground: Ground, now: datetime) -> bool:
    """Whether it is the beginning of a freeze, and that is on: it is no date to come any more."""
    return KINDS[DeadlineKind(deadline.kind)].runs and deadline.dates.starts_at(ground.calendar) <= now


def say_date(deadline: Deadline, ground: Ground, names: Mapping[UUID, str]) -> str:
    """A date with what it is for and whose it is, such as "Fri 20 Mar 2026: UAT sign-off due, shop (Priya Nair)"."""
    owner = names.get(deadline.owner_id) if deadline.owner_id else None
    whose = owner or {"customer": "customer", "team": "team"}[KINDS[DeadlineKind(deadline.kind)].owner]
    return f"{say_when(ground, deadline)}: {deadline.title}{of_site(ground.site_names, deadline.site_id)} ({whose})"


def say_when(ground: Ground, deadline: Deadline) -> str:
    """A date as its engagement's people read it."""
    return say_due(deadline.dates, ground.calendar, ground.engagement.time_zone)


def of_site(names: Mapping[UUID, str], site_id: UUID | None) -> str:
    """The site that something belongs to, to be put behind it."""
    return f", {names[site_id]}" if site_id is not None and site_id in names else ""


def decisions_of_customer(session: AnySession, engagement_id: UUID) -> Iterator[str]:
    """What an approver of the customer has to sign or decide."""
    agreed = requirements.latest(session, engagement_id)
    if agreed and requirements.signature(session, engagement_id, "requirements", agreed.hash) is None:
        yield "Your signature under the project requirements"
    for request in change_requests.open_of_engagement(session, engagement_id):
        if waits_for(request.state, request.estimate_minutes) is Side.CUSTOMER:
            yield f"Your decision on change request {request.number}: {request.title}"


def questions_to_customer(session: AnySession, ground: Ground) -> Iterator[str]:
    """What the customer has to answer, the most urgent first."""
    for question in waiting.questions(session, ground.engagement.id):
        by = f" (by {_say_day(question.due_on)})" if question.due_on else ""
        site = ground.site_names.get(question.site_id) if question.site_id else None
        yield f"{f'{site}: ' if site else ''}{question.text}{by}"


def _say_day(day: date) -> str:
    return f"{day:%a %-d %b %Y}"


def _freezes(session: AnySession, ground: Ground, now: datetime) -> Iterator[str]:
    for row in freezes.open_of_engagement(session, ground.engagement.id):
        if row.state(now) is FreezeState.RUNNING:
            until = f" until {_say_moment(row.freeze.ends_at, ground)}" if row.freeze.ends_at else ""
            since = say_due(row.deadline.dates, ground.calendar, ground.engagement.time_zone)
            yield f"{row.site.name}: {FreezeKind(row.freeze.kind).label.lower()} since {since}{until}"


def _say_moment(moment: datetime, ground: Ground) -> str:
    return say_due(Dates(due_at=moment), ground.calendar, ground.engagement.time_zone)


def _hours(session: AnySession, ground: Ground) -> Iterator[str]:
    for budget in budgets.of_engagement(session, ground.engagement.id):
        if budget.limit_minutes and budget.site_id not in ground.withdrawn:
            whose = ground.site_names.get(budget.site_id, "All sites") if budget.site_id else "All sites"
            left, limit = say_minutes(budget.balance.left), say_minutes(budget.limit_minutes)
            yield f"{whose}: {left} of {limit} left of the {say_budget(budget.kind)}"
