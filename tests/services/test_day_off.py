"""Days off of a customer: dates counted in business days step over them, at once and by as much."""

import io
from datetime import date

import pytest
from flask import Flask

from tests.conftest import Browser
from tests.factories import NOW, actor, make_engagement, make_person, make_site, sign_in
from tests.intake.test_calendar_file import ics
from tracker.clock import utc_now
from tracker.domain.access import Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Invalid, NotFound
from tracker.services.day_off import DayOffSpec, add_days, import_days, remove_day
from tracker.services.deadline import DateSpec, set_date
from tracker.store import day_off as days_off
from tracker.store import deadline as deadlines
from tracker.store.database import db
from tracker.store.transaction import transaction


def test_a_day_off_moves_what_is_counted_over_it_and_back_when_it_is_removed(app: Flask) -> None:
    manager = make_person()
    engagement = make_engagement(manager, customer="Acme")
    site, who = make_site(engagement), actor(manager)
    with transaction(db.session, now=NOW):
        cutover = DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_on=date(2026, 4, 15)), site.id)
        set_date(db.session, who, engagement.id, cutover, now=NOW)

    def frozen_on() -> date:
        found = deadlines.one(db.session, engagement.id, site.id, "content_freeze")
        assert found is not None
        return found.day

    customer = engagement.customer_id
    before = frozen_on()
    with transaction(db.session, now=NOW):
        changed = add_days(db.session, who, customer, DayOffSpec(date(2026, 4, 13), "Stocktaking", date(2026, 4, 14)), now=NOW)
    assert (changed.days, changed.dates_moved > 0, frozen_on() < before) == (2, True, True)
    with transaction(db.session, now=NOW):
        again = import_days(db.session, who, customer, {date(2026, 4, 13): "Other"}, now=NOW)
    assert (again.days, again.dates_moved) == (0, 0), "what is off already stays as it is"
    for day in (13, 14):
        with transaction(db.session, now=NOW):
            remove_day(db.session, who, customer, date(2026, 4, day), now=NOW)
    assert frozen_on() == before


def test_what_is_no_range_of_days_is_told_at_its_field(app: Flask) -> None:
    manager = make_person()
    customer = make_engagement(manager).customer_id
    for spec, field in (
        (DayOffSpec(date(2026, 4, 2), "x", date(2026, 4, 1)), "until_on"),
        (DayOffSpec(date(2026, 4, 1), "x", date(2026, 5, 31)), "until_on"),
        (DayOffSpec(date(9999, 12, 31), "x"), "day"),
        (DayOffSpec(date(2026, 4, 1), " "), "name"),
    ):
        with pytest.raises(Invalid) as refused, transaction(db.session, now=NOW):
            add_days(db.session, actor(manager), customer, spec, now=NOW)
        assert refused.value.errors[0].field == field
    approver = actor(make_person(Role.CUSTOMER_APPROVER))
    with pytest.raises(NotFound), transaction(db.session, now=NOW):
        add_days(db.session, approver, customer, DayOffSpec(date(2026, 4, 1), "x"), now=NOW)


def test_a_calendar_file_is_shown_before_its_days_are_added(app: Flask, client: Browser) -> None:
    manager = make_person()
    customer = make_engagement(manager).customer_id
    sign_in(client, manager)
    page, year = f"/customers/{customer}/calendar", utc_now().year
    day = f"{year}-12-24"
    event = f"UID:1\nDTSTART;VALUE=DATE:{day.replace('-', '')}\nSUMMARY:Closed <early>"

    def send(data: bytes) -> tuple[int, str]:
        answer = client.post(f"{page}/file", data={"file": (io.BytesIO(data), "a.ics")}, content_type="multipart/form-data")
        return answer.status_code, answer.text

    status, shown = send(ics(event))
    assert (status, "Closed &lt;early&gt;" in shown) == (200, True)
    assert days_off.of_customer(db.session, customer) == []
    status, refused = send(b"no calendar")
    assert (status, "This is no calendar file." in refused) == (422, True)
    client.post(f"{page}/import", data={"days": f"{day} Closed <early>", "request_key": "k"})
    client.post(f"{page}/import", data={"days": f"{day} Closed <early>", "request_key": "k"})
    db.session.rollback()
    assert [(each.name, each.source) for each in days_off.of_customer(db.session, customer)] == [("Closed <early>", "ics")]
    assert "Closed &lt;early&gt;" in client.get(page).text
    assert client.post(page, data={"day": day, "until_on": "", "name": ""}).status_code == 422
    assert client.post(f"{page}/remove", data={"day": day, "request_key": "r"}).status_code == 303
    db.session.rollback()
    assert days_off.of_customer(db.session, customer) == []
