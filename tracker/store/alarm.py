"""Why an engagement should be looked at. Each source is one line: which rows of which table raise which alarm.

A filter asks each engagement of the list whether such a row exists, along the table's index on it, so that a page stops
as soon as it is full; the badges count the rows of the engagements on one page, all sources in one statement.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tracker.domain.change_request import RequestState
from tracker.domain.deadline import KINDS
from tracker.domain.portfolio import Alarm
from tracker.domain.site import LAUNCHED_STAGES
from tracker.store.budget import Budget
from tracker.store.change_request import ChangeRequest
from tracker.store.database import AnySession, UtcDateTime
from tracker.store.deadline import Deadline
from tracker.store.engagement import Engagement
from tracker.store.question import Question
from tracker.store.requirements import ProjectRequirements, Signature
from tracker.store.site import Site

PRESSING = {alarm: place for place, alarm in enumerate(Alarm)}
Conditions = Sequence[sa.ColumnElement[bool]]
FREEZES = ("code_freeze", "content_freeze")
RUNNING = tuple(kind.value for kind, facts in KINDS.items() if facts.runs)
CUSTOMERS_KINDS = tuple(kind.value for kind, facts in KINDS.items() if facts.owner == "customer" and not facts.runs)


@dataclass(frozen=True)
class Days:
    """Which day it is in the zones of some engagements, for statements that ask whether a day is over."""

    now: sa.ColumnElement[datetime]
    today: sa.ColumnElement[date]
    # No date later than that can have begun anywhere.
    last: sa.ColumnElement[date]

    @classmethod
    def of(cls, elsewhere: int) -> "Days":
        """The days with their values left open, where it is another day in zones of so many sorts; `said` fills them in."""
        cases = [
            (
                Engagement.time_zone.in_(sa.bindparam(f"zones_{each}", expanding=True)),
                sa.bindparam(f"day_{each}", type_=sa.Date()),
            )
            for each in range(elsewhere)
        ]
        here = sa.bindparam("day", type_=sa.Date())
        return cls(
            now=sa.bindparam("now", type_=UtcDateTime()),
            today=sa.case(*cases, else_=here) if cases else here,
            last=sa.bindparam("last_day", type_=sa.Date()),
        )

    def begun(self) -> sa.ColumnElement[bool]:
        """Whether a date is today or past, to the minute where it is an instant."""
        return sa.case((Deadline.due_at.is_not(None), Deadline.due_at <= self.now), else_=Deadline.day <= self.today)

    def over(self) -> sa.ColumnElement[bool]:
        """Whether a date is past."""
        return sa.case((Deadline.due_at.is_not(None), Deadline.due_at <= self.now), else_=Deadline.day < self.today)

    def nearby(self) -> sa.ColumnElement[bool]:
        """For the index."""
        return Deadline.day <= self.last


def said(now: datetime, zones: Iterable[str]) -> tuple[int, dict[str, Any]]:
    """In zones of how many sorts it is another day than in UTC, and the values that such days leave open."""
    local = {zone: now.astimezone(ZoneInfo(zone)).date() for zone in sorted(set(zones))}
    elsewhere = sorted(set(local.values()) - {now.date()})
    values: dict[str, Any] = {"now": now, "day": now.date(), "last_day": date.fromordinal(now.toordinal() + 1)}
    for number, day in enumerate(elsewhere):
        values[f"zones_{number}"] = [zone for zone, there in local.items() if there == day]
        values[f"day_{number}"] = day
    return len(elsewhere), values


def _open_date(days: Days) -> Conditions:
    withdrawn = sa.exists().where(Site.id == Deadline.site_id, Site.stage == "withdrawn")
    return (Deadline.withdrawn_at.is_(None), Deadline.done_at.is_(None), days.nearby(), ~withdrawn)


def overdue(days: Days) -> Conditions:
    """Open dates that are past. A freeze, once begun, runs until the launch: it is never late."""
    return (*_open_date(days), Deadline.kind.not_in(RUNNING), days.over())


def customers_dates(days: Days) -> Conditions:
    """The customer's own dates that are past."""
    return (*_open_date(days), Deadline.kind.in_(CUSTOMERS_KINDS), days.over())


def frozen(days: Days) -> Conditions:
    """Freezes that have begun on sites that are not launched."""
    launched = sa.exists().where(Site.id == Deadline.site_id, Site.stage.in_(LAUNCHED_STAGES))
    return (*_open_date(days), Deadline.kind.in_(FREEZES), days.begun(), ~launched)


def over_80(_days: Days) -> Conditions:
    """Budgets of sites of which 80 % and more is booked."""
    withdrawn = sa.exists().where(Site.id == Budget.site_id, Site.stage == "withdrawn")
    return (Budget.site_id.is_not(None), Budget.limit_minutes > 0, Budget.booked * 100 >= Budget.limit_minutes * 80, ~withdrawn)


def customers_questions(_days: Days) -> Conditions:
    """Open questions that the customer has to answer."""
    return (Question.state == "open", Question.side == "customer")


def unsigned(_days: Days) -> Conditions:
    """Requirements in force that no approver has signed."""
    signed = sa.exists().where(
        Signature.engagement_id == ProjectRequirements.engagement_id,
        Signature.subject == "requirements",
        Signature.hash == ProjectRequirements.hash,
    )
    return (ProjectRequirements.version == Engagement.requirements_version, ~signed)


def customers_changes(_days: Days) -> Conditions:
    """Change requests that the team has approved and the customer has not."""
    return (ChangeRequest.state == RequestState.APPROVED_BY_TEAM,)


@dataclass(frozen=True)
class Source:
    """Rows that raise an alarm: of which table, which, and what of them is counted."""

    alarm: Alarm
    table: type[Any]
    where: Callable[[Days], Conditions]
    counted: str = "id"


SOURCES: Sequence[Source] = (
    Source(Alarm.OVERDUE, Deadline, overdue),
    Source(Alarm.OVER_80, Budget, over_80, counted="site_id"),
    Source(Alarm.WAITING, Question, customers_questions),
    Source(Alarm.WAITING, ProjectRequirements, unsigned),
    Source(Alarm.WAITING, Deadline, customers_dates),
    Source(Alarm.WAITING, ChangeRequest, customers_changes),
    Source(Alarm.FROZEN, Deadline, frozen, counted="site_id"),
)


def zones_in_use(session: AnySession) -> list[str]:
    """The zones that engagements are in."""
    return list(session.scalars(sa.select(Engagement.time_zone).distinct()))


def raised(alarms: Collection[Alarm], days: Days) -> sa.ColumnElement[bool]:
    """Whether an engagement has at least one of some alarms. What is on hold or cancelled has none."""
    rows = [
        sa.exists(sa.select(sa.literal(1)).select_from(each.table).correlate(Engagement)).where(
            each.table.engagement_id == Engagement.id, *each.where(days)
        )
        for each in SOURCES
        if each.alarm in alarms
    ]
    return sa.and_(Engagement.status == "active", sa.or_(*rows))


@cache
def _counts(elsewhere: int) -> sa.CompoundSelect[str, UUID, int]:
    """Built once: it asks all sources for the engagements of one page."""
    days, ids = Days.of(elsewhere), sa.bindparam("ids", type_=sa.Uuid(), expanding=True)
    queries = [
        sa.select(
            sa.literal(source.alarm.value).label("alarm"),
            Engagement.id.label("engagement_id"),
            sa.func.count(sa.distinct(getattr(source.table, source.counted))).label("things"),
        )
        .select_from(source.table)
        .join(Engagement, Engagement.id == source.table.engagement_id)
        .where(Engagement.id.in_(ids), *source.where(days))
        .group_by(Engagement.id)
        for source in SOURCES
    ]
    return sa.union_all(*queries)


def counts_of(session: AnySession, engagements: Collection[Engagement], now: datetime) -> dict[UUID, dict[Alarm, int]]:
    """How many things raise which alarm, for some engagements, in one statement."""
    running = [each for each in engagements if each.status == "active"]
    found: dict[UUID, dict[Alarm, int]] = {each.id: {} for each in engagements}
    if not running:
        return found
    elsewhere, values = said(now, (each.time_zone for each in running))
    for row in session.execute(_counts(elsewhere), values | {"ids": [each.id for each in running]}):
        counted = found[row.engagement_id]
        counted[Alarm(row.alarm)] = counted.get(Alarm(row.alarm), 0) + row.things
    return {each: dict(sorted(counted.items(), key=lambda pair: PRESSING[pair[0]])) for each, counted in found.items()}
