"""Before a date moves one sees what that does; and then just that happens."""

from datetime import timedelta

from flask import Flask

from tests.conftest import Browser
from tests.factories import actor, agree, make_engagement, make_person, make_site, make_token, sign_in
from tracker.clock import utc_now
from tracker.domain.access import Scope
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.store import deadline as deadlines
from tracker.store import notice as notices
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import transaction


def test_what_a_move_changes_is_shown_first_and_is_what_happens(app: Flask, client: Browser) -> None:
    now = utc_now()
    day = now.date() + timedelta(days=60)
    manager = make_person()
    engagement = make_engagement(manager)
    site, who = make_site(engagement), actor(manager)
    agree(engagement)
    with transaction(db.session, now=now):
        spec = DateSpec(DeadlineKind.DNS_CUTOVER, Dates(due_on=day), site.id)
        deadline_id = set_date(db.session, who, engagement.id, spec, now=now).id
        told = notices.of_dates(db.session, engagement.id)[0]
        told_key = told.key
        told.state, told.slack_ts = "sent", "1.1"

    def waiting() -> set[str]:
        db.session.rollback()
        return {each.key for each in notices.of_dates(db.session, engagement.id) if each.state == "planned"}

    before = waiting()
    sign_in(client, manager)
    later = (day + timedelta(days=14)).isoformat()
    page, asked = f"/deadlines/{deadline_id}/move", {"due_on": later, "reason": "The customer asked", "request_key": "one"}
    shown = client.post(page, data=asked | {"step": "show"})
    assert (shown.status_code, "What would change" in shown.text, waiting() == before) == (200, True, True)
    assert client.post(page, data=asked | {"step": "show", "reason": ""}).status_code == 422

    headers = {"Authorization": f"Bearer {make_token(manager, Scope.ADMIN)}"}
    body = {"due_on": later, "reason": "The customer asked"}
    api = app.test_client()
    answer = api.patch(f"/api/v1/deadlines/{deadline_id}?dry_run=true", json=body, headers=headers)
    assert answer.json is not None
    assert (answer.status_code, answer.json["due_on"], waiting() == before) == (200, day.isoformat(), True)
    effect = answer.json["effect"]
    lines = {name: {each["key"] for each in effect[name]} for name in ("called_off", "planned", "told")}
    assert (bool(lines["called_off"]), bool(lines["planned"]), told_key in lines["told"]) == (True, True, True)
    assert {each["title"] for each in effect["moved"]} >= {"DNS cutover"}

    assert client.post(page, data=asked).status_code == 303
    assert waiting() == before - lines["called_off"] | lines["planned"]
    assert deadlines.get(db.session, who, deadline_id).day.isoformat() == later
    assert db.session.query(OutboxNotice).filter_by(key=told_key).one().state == "sent"
