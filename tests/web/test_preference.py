"""Preferences: how far ahead, at which hours, by which road; empty is the usual."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import actor, make_engagement, make_person, make_site, sign_in
from tests.web.test_engagement import value_of
from tracker.clock import utc_now
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.preference import EngagementWish, HoursWish
from tracker.services.deadline import DateSpec, set_date
from tracker.services.preference import wish_engagement
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.person import Person
from tracker.store.transaction import transaction


def dated(manager: Person, kind: DeadlineKind = DeadlineKind.KICKOFF) -> UUID:
    """An engagement with a date six weeks ahead; its id."""
    engagement = make_engagement(manager)
    day = utc_now().date() + timedelta(weeks=6)
    site = make_site(engagement).id if kind is DeadlineKind.DNS_CUTOVER else None
    instant = datetime.combine(day, time(3), UTC) if site else None
    dates = Dates(due_at=instant) if instant else Dates(due_on=day)
    with transaction(db.session, now=utc_now()):
        set_date(db.session, actor(manager), engagement.id, DateSpec(kind, dates, site), now=utc_now())
    return engagement.id


def planned(engagement_id: UUID, kind: str) -> dict[str, datetime]:
    """What waits of a kind of date, by kind, and when."""
    query = sa.select(OutboxNotice.kind, OutboxNotice.due_at).where(
        OutboxNotice.engagement_id == engagement_id, OutboxNotice.state == "planned", OutboxNotice.kind.startswith(kind)
    )
    return {row.kind: row.due_at for row in db.session.execute(query)}


def test_an_engagement_is_told_as_far_ahead_as_it_wishes(client: FlaskClient) -> None:
    manager = make_person()
    engagement_id = dated(manager)
    assert set(planned(engagement_id, "kickoff")) == {"kickoff.5d", "kickoff.1d"}
    sign_in(client, manager)
    address = f"/engagements/{engagement_id}/preferences"
    page = client.get(address).text
    assert "Usually 5, 1." in page
    assert "Back to the usual" not in page
    said = {"version": value_of(page, "version"), "ladder_kickoff": "8, 3", "weekly_digest": "y", "daily_digest": "y"}
    refused = client.post(address, data=said | {"ladder_kickoff": "soon", "quiet_from": "18:00"})
    assert refused.status_code == 422
    assert value_of(refused.text, "ladder_kickoff") == "soon"
    assert client.post(address, data=said | {"quiet_from": "18:00"}).status_code == 422
    assert client.post(address, data=said).status_code == 303
    assert set(planned(engagement_id, "kickoff")) == {"kickoff.8d", "kickoff.3d"}
    assert client.post(address, data=said | {"request_key": "stale"}).status_code == 409
    page = client.get(address).text
    assert value_of(page, "ladder_kickoff") == "8, 3"
    off = said | {"version": value_of(page, "version"), "ladder_kickoff": "off", "request_key": "off"}
    assert client.post(address, data=off).status_code == 303
    assert planned(engagement_id, "kickoff") == {}
    assert client.post(f"{address}/usual", data={"request_key": "usual"}).status_code == 303
    assert set(planned(engagement_id, "kickoff")) == {"kickoff.5d", "kickoff.1d"}


def test_quiet_hours_put_reminders_off_but_not_those_of_a_cutover(app: Flask) -> None:
    manager = make_person()
    kickoff, cutover = dated(manager), dated(manager, DeadlineKind.DNS_CUTOVER)
    usual = planned(cutover, "dns_cutover")
    for engagement_id in (kickoff, cutover):
        with transaction(db.session, now=utc_now()):
            wish = EngagementWish(HoursWish(quiet_from=time(22), quiet_until=time(11)))
            wish_engagement(db.session, actor(manager), engagement_id, wish, version=None, now=utc_now())
    told = {moment.astimezone(UTC).hour for moment in planned(kickoff, "kickoff").values()}
    assert told <= {9, 10}, "eleven in Berlin, in winter or summer"
    assert told
    assert planned(cutover, "dns_cutover") == usual


def test_everybody_says_how_they_are_told(client: FlaskClient) -> None:
    person = make_person("customer_approver")
    sign_in(client, person)
    page = client.get("/account/preferences").text
    said = {"version": value_of(page, "version"), "mail": "never", "working_days": ["0", "1"]}
    assert client.post("/account/preferences", data=said).status_code == 303
    page = client.get("/account/preferences").text
    assert page.count("checked") == 3
    assert client.post("/account/preferences", data=said | {"mail": "pigeon", "request_key": "x"}).status_code == 422
