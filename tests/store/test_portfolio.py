"""The portfolio is asked in two ways, by how much somebody sees; both find the same."""

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from tests.factories import NOW, TODAY, actor, make_engagement, make_person, make_site
from tracker.domain.access import Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.portfolio import Filters, Order
from tracker.services.deadline import DateSpec, set_date
from tracker.services.engagement import add_member
from tracker.store import portfolio
from tracker.store.database import db
from tracker.store.transaction import transaction


@pytest.mark.parametrize("role", [Role.ENGAGEMENT_MANAGER, Role.ENGINEER, Role.CUSTOMER_APPROVER])
def test_who_sees_much_and_who_sees_little_are_told_the_same_dates(
    app: Flask, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    manager = make_person()
    mine, foreign = make_engagement(manager), make_engagement(make_person(), customer="Other")
    reader = manager if role is Role.ENGAGEMENT_MANAGER else make_person(role)
    with transaction(db.session, now=NOW):
        if role is Role.ENGINEER:
            add_member(db.session, actor(manager), mine.id, reader.id, now=NOW)
        for engagement in (mine, foreign):
            for number in range(3):
                spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=TODAY + timedelta(days=number)), title=f"Day {number}")
                set_date(db.session, actor(manager), engagement.id, spec, now=NOW)
    site = make_site(mine)
    with transaction(db.session, now=NOW):
        inventory = DateSpec(DeadlineKind.UAT, Dates(due_on=TODAY + timedelta(days=5)), site_id=site.id)
        set_date(db.session, actor(manager), mine.id, inventory, now=NOW)
    # As a manager sees who sees only what they are on.
    who = replace(actor(reader), sees_all=False)
    found = []
    for many in (False, True):
        monkeypatch.setattr(portfolio, "sees_many", lambda *_asked, many=many: many)
        dates = portfolio.due(db.session, who, TODAY, kinds=["custom", "uat"], limit=20)
        page = portfolio.page(db.session, who, Filters(), Order.NEXT, limit=20, now=NOW)
        found.append(([(row.deadline.id, row.count) for row in dates], [row.engagement.id for row in page.rows]))
    assert found[0] == found[1]
    dates_of, engagements = found[0]
    assert (len(dates_of), engagements) == (4, [mine.id])
