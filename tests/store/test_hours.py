"""What the report on hours costs: one statement that reads an index and not the entries."""

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.bulk import many_engagements
from tests.factories import actor, make_person
from tracker.domain.hours_report import GroupBy, HoursFilter, month_around
from tracker.store import hours
from tracker.store.database import db


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize("group", [GroupBy.ENGAGEMENT, GroupBy.MONTH])
def test_a_month_is_added_up_from_the_index_alone(app: Flask, group: GroupBy) -> None:
    boss = make_person("admin")
    many_engagements(20, manager_id=boss.id, member_id=boss.id)
    first, last = month_around(boss.created_at.date())
    seen: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        seen.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        hours.report(db.session, actor(boss), group, HoursFilter(first, last), limit=100)
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)
    (statement, parameters) = seen[-1]
    with db.engine.connect() as connection:
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]  # type: ignore[arg-type]
    assert [step for step in plan if "time_entry" in step] == [
        "SEARCH time_entry USING COVERING INDEX ix_time_entry_day (worked_on>? AND worked_on<?)"
    ]
