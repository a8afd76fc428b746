"""Hours added up, and how budgets filled up, in whole minutes: the figures of the pages on hours."""

from datetime import date
from uuid import UUID

from pydantic import ConfigDict, Field

from tracker.api.operation import Api, Call, Listing, Out, PageQuery, one_of, page_of
from tracker.domain.access import Permission
from tracker.domain.budget import WorkKind
from tracker.domain.burnup import Point, check_past
from tracker.domain.forecast import runs_out
from tracker.domain.hours_report import ROWS_ON_A_PAGE, STANDING, GroupBy, HoursFilter, HoursRow, read_place, span_asked
from tracker.domain.workday import Calendar
from tracker.services.planning import calendar_of
from tracker.store import burnup, hours
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.burnup import Account
from tracker.store.engagement import Engagement

api = Api("hours")


class HoursQuery(PageQuery):
    limit: int = Field(ROWS_ON_A_PAGE, ge=1, le=200)
    group_by: str = Field("engagement", description=f"One of {', '.join(GroupBy)}.")
    first: date | None = Field(None, alias="from", description="Without this and `to`: this month, in the person's time zone.")
    last: date | None = Field(None, alias="to")
    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    kind: str | None = Field(None, description=f"One of {', '.join(WorkKind)}.")
    state: str | None = Field(None, description=f"One of {', '.join(STANDING)}; without it all of them.")


class HoursOut(Out):
    key: str = Field(description="The group's id, kind or month (2026-03).")
    label: str
    part_of: str | None = Field(description="The engagement of a site, the customer of an engagement.")
    used_minutes: int
    held_minutes: int
    total_minutes: int


class HoursListing(Listing[HoursOut]):
    """One page of rows; the totals are those of all rows."""

    # "from" cannot be a name in Python.
    model_config = ConfigDict(serialize_by_alias=True)

    first: date | None = Field(alias="from", description="The days that count, also where none were named.")
    last: date | None = Field(alias="to")
    used_minutes: int
    held_minutes: int
    total_minutes: int


class BurnUpQuery(PageQuery):
    as_of: date | None = Field(None, description="As it stood on the books at the end of that day, in the engagement's zone.")
    site_id: UUID | None = None


class DayOut(Out):
    day: date
    used_minutes: int
    held_minutes: int
    limit_moved_minutes: int
    used_so_far: int
    held_so_far: int
    limit_minutes: int
    why: list[str]


class RunsOutOut(Out):
    earliest: date
    latest: date | None


class BurnUpOut(Out):
    budget_id: UUID
    kind: str
    site_id: UUID | None
    days: list[DayOut] = Field(description="The days on which something moved, by day of work.")
    runs_out: RunsOutOut | None = Field(description="Null with too little to tell by, and with `as_of`.")


@api.get("/hours", Permission.SEE_INTERNAL)
def list_hours(call: Call, query: HoursQuery) -> HoursListing:
    """Hours added up by engagement, site, person, kind or month, the most first, months in order."""
    group = GroupBy(one_of("group_by", query.group_by, tuple(GroupBy)) or GroupBy.ENGAGEMENT)
    kind = one_of("kind", query.kind, tuple(WorkKind))
    first, last = span_asked(query.first, query.last, Calendar(call.actor.time_zone, frozenset()).local_date(call.now))
    asked = HoursFilter(
        first=first,
        last=last,
        engagement_id=query.engagement_id,
        site_id=query.site_id,
        person_id=query.person_id,
        kind=WorkKind(kind) if kind else None,
        state=one_of("state", query.state, STANDING),
    ).checked()
    place = read_place(query.cursor, group)
    found = hours.report(call.session, call.actor, group, asked, after=place, limit=query.limit)
    return HoursListing(
        items=[_row(row) for row in found.rows],
        next_cursor=found.next.cursor() if found.next else None,
        **{"from": first, "to": last},
        used_minutes=found.used,
        held_minutes=found.held,
        total_minutes=found.total,
    )


def _row(row: HoursRow) -> HoursOut:
    return HoursOut(
        key=row.key,
        label=row.label,
        part_of=row.part_of,
        used_minutes=row.used,
        held_minutes=row.held,
        total_minutes=row.total,
    )


@api.get("/engagements/<uuid:engagement_id>/burn-up", Permission.SEE_ENGAGEMENTS)
def list_burn_up(call: Call, engagement_id: UUID, query: BurnUpQuery) -> Listing[BurnUpOut]:
    """How each budget filled up, by day of work, and when it runs out at the pace of the last four weeks."""
    engagement = engagements.get(call.session, call.actor, engagement_id)
    if query.site_id is not None:
        sites.get(call.session, call.actor, query.site_id)
    country = engagements.customer(call.session, engagement.customer_id).country
    calendar = calendar_of(call.session, engagement, country, [call.now.date()])
    today = calendar.local_date(call.now)
    as_of = None if query.as_of is None else check_past(query.as_of, today)
    found = burnup.accounts(call.session, engagement_id, calendar, as_of=as_of, site_id=query.site_id)
    items = [_burn_up(each, engagement, calendar, None if as_of else today) for each in found]
    return page_of(items, query, lambda item: item.budget_id)


def _burn_up(account: Account, engagement: Engagement, calendar: Calendar, today: date | None) -> BurnUpOut:
    """`today` is None for a past day, of which nothing is forecast."""
    goes_on = engagement.status == "active" and account.site_stage not in ("closed", "withdrawn")
    forecast = runs_out(account.balance.left, account.minutes_by_day, today, calendar) if today and goes_on else None
    return BurnUpOut(
        budget_id=account.budget_id,
        kind=account.kind,
        site_id=account.site_id,
        days=[_day(point) for point in account.points],
        runs_out=None if forecast is None else RunsOutOut(earliest=forecast.earliest, latest=forecast.latest),
    )


def _day(point: Point) -> DayOut:
    return DayOut(
        day=point.day,
        used_minutes=point.used_that_day,
        held_minutes=point.held_that_day,
        limit_moved_minutes=point.moved_limit,
        used_so_far=point.used,
        held_so_far=point.held,
        limit_minutes=point.limit,
        why=[step.why for step in point.steps],
    )
