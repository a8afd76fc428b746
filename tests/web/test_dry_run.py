"""Who will be told what and when, and why somebody will not be: on the page and in the API."""

from datetime import timedelta

from flask import Flask

from tests.conftest import Browser
from tests.factories import actor, make_engagement, make_person, make_token, sign_in
from tracker.clock import utc_now
from tracker.domain.access import Scope
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.store.database import db
from tracker.store.transaction import transaction


def test_what_will_be_told_is_listed_by_day_with_the_reason_where_it_will_not(app: Flask, client: Browser) -> None:
    now = utc_now()
    manager, other = make_person(), make_person()
    engagement = make_engagement(manager, slack_channel="C0ACME", time_zone="Pacific/Auckland")
    silent = make_engagement(other, slack_channel=None)
    with transaction(db.session, now=now):
        for each in (engagement, silent):
            spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=now.date() + timedelta(days=10)), title="Press release")
            set_date(db.session, actor(manager), each.id, spec, now=now)
    sign_in(client, manager)
    page = client.get(f"/engagements/{engagement.id}/dry-run").text
    assert ("Press release" in page, "Pacific/Auckland" in page, "Slack is not connected." in page) == (True, True, True)
    every = client.get("/notices/dry-run?days=30").text
    assert "No channel: nobody reads it before one is chosen." in every
    assert client.get("/notices/dry-run?days=99999999999").status_code == 200

    headers = {"Authorization": f"Bearer {make_token(manager, Scope.ADMIN)}"}
    api = app.test_client()
    found = api.get(f"/api/v1/engagements/{engagement.id}/dry-run?days=14", headers=headers).json
    assert found is not None
    assert {each["why_not"] for each in found["items"]} == {"Slack is not connected."}
    assert api.get(f"/api/v1/engagements/{engagement.id}/dry-run?days=0", headers=headers).status_code == 422
