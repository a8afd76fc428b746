"""Customers: one name for one of them, and a country whose holidays move what is counted."""

from datetime import date

import pytest
from flask import Flask

from tests.factories import NOW, actor, make_engagement, make_person, make_site
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Invalid
from tracker.services.customer import CustomerChange, create_customer, edit_customer
from tracker.services.deadline import DateSpec, set_date
from tracker.store import deadline as deadlines
from tracker.store.database import db
from tracker.store.transaction import transaction


def test_another_country_counts_the_dates_anew(app: Flask) -> None:
    manager = make_person()
    engagement = make_engagement(manager, customer="Acme")
    site = make_site(engagement)
    who = actor(manager)
    cutover = DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_on=date(2026, 4, 7)), site.id)  # the Tuesday after Easter
    with transaction(db.session, now=NOW):
        set_date(db.session, who, engagement.id, cutover, now=NOW)
    assert frozen_on(engagement.id, site.id) == date(2026, 4, 6)
    with transaction(db.session, now=NOW):
        edit_customer(db.session, who, engagement.customer_id, CustomerChange({"country": "DE"}), now=NOW)
    assert frozen_on(engagement.id, site.id) == date(2026, 4, 2), "Easter Monday and Good Friday are no business days there"


def frozen_on(engagement_id: object, site_id: object) -> date:
    db.session.rollback()
    found = deadlines.one(db.session, engagement_id, site_id, "content_freeze")  # type: ignore[arg-type]
    assert found is not None
    return found.day


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"name": "ACME"}, "name", "There is a customer of that name already."),
        ({"name": " \u200b "}, "name", "Fill this in."),
        ({"name": "New", "country": "XX"}, "country", "There is no holiday calendar for that country."),
    ],
)
def test_what_cannot_stand_is_named(app: Flask, values: dict[str, str], field: str, said: str) -> None:
    make_engagement(customer="Acme")
    who = actor(make_person())
    with pytest.raises(Invalid) as refused, transaction(db.session, now=NOW):
        create_customer(db.session, who, CustomerChange(values))
    (error,) = refused.value.errors
    assert (error.field, error.message.startswith(said)) == (field, True)
