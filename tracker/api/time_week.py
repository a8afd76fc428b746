"""One's own week as the hours page shows it: rows, cells, totals, and what is left for each row."""

from datetime import date
from uuid import UUID

from pydantic import Field

from tracker.api.operation import Api, Call, Out, Query
from tracker.domain.access import Permission
from tracker.domain.week import Cell, Row, Week
from tracker.domain.workday import Calendar
from tracker.store import week as weeks

api = Api("time_week")


class WeekQuery(Query):
    week: str | None = Field(None, max_length=20, description="Such as 2026-W09; without it the week of today in your time zone.")


class CellOut(Out):
    day: date
    minutes: int
    state: str
    editable: bool
    reason: str | None
    entry_ids: list[UUID]
    version: int | None


class RowOut(Out):
    site_id: UUID
    site_name: str
    engagement_id: UUID
    engagement_name: str
    kind: str
    activity: str | None
    known_issue_id: str | None
    ps_kind: str | None
    cells: list[CellOut]
    minutes: int
    limit_minutes: int | None
    left_minutes: int | None


class DayOut(Out):
    day: date
    minutes: int


class TimeWeekOut(Out):
    week: str
    rows: list[RowOut]
    days: list[DayOut]
    minutes: int


@api.get("/time-week", Permission.SEE_INTERNAL)
def show_time_week(call: Call, query: WeekQuery) -> TimeWeekOut:
    """Your own week. A cell that is not `editable` says why in `reason`; `version` is that of the draft that an edit changes."""
    actor = call.actor
    assert actor.person_id is not None
    today = Calendar(actor.time_zone, frozenset()).local_date(call.now)
    week = Week.read(query.week) if query.week is not None else Week.of(today)
    grid = weeks.of_person(call.session, actor, actor.person_id, week, today=today)
    days = [DayOut(day=day, minutes=minutes) for day, minutes in zip(week.days, grid.day_minutes, strict=True)]
    return TimeWeekOut(week=week.name, rows=[_row(row) for row in grid.rows], days=days, minutes=grid.minutes)


def _row(row: Row) -> RowOut:
    key, ground, balance = row.key, row.ground, row.balance
    return RowOut(
        site_id=key.site_id,
        site_name=ground.site_name,
        engagement_id=ground.engagement_id,
        engagement_name=ground.engagement_name,
        kind=key.kind.value,
        activity=key.activity,
        known_issue_id=key.known_issue_id,
        ps_kind=key.ps_kind,
        cells=[_cell(cell) for cell in row.cells],
        minutes=row.minutes,
        limit_minutes=balance.limit if balance else None,
        left_minutes=balance.left if balance else None,
    )


def _cell(cell: Cell) -> CellOut:
    return CellOut(
        day=cell.day,
        minutes=cell.minutes,
        state=cell.state,
        editable=cell.shut is None,
        reason=cell.shut.why if cell.shut else cell.rejected,
        entry_ids=[piece.id for piece in cell.pieces],
        version=cell.draft.version if cell.draft else None,
    )
