"""Health and readiness, and what every answer carries."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import settings_for
from tests.factories import make_engagement, make_person, make_token, sign_in
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.notice import Audience, Notice
from tracker.services.delivery import FOUND
from tracker.store import outbox, pacing, setting
from tracker.store import worker as workers
from tracker.store.database import db
from tracker.store.transaction import transaction


def test_it_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"ok": True}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json) == (200, {"database": "ok", "migrations": "ok", "scheduler": "stale"})


def test_the_scheduler_is_ok_while_its_jobs_run(app: Flask, client: FlaskClient) -> None:
    now = utc_now()
    with transaction(db.session, now=now):
        setting.beat(db.session, "plan", "node", now)
        setting.beat(db.session, "deliver", "node", now)
    assert client.get("/readyz").json["scheduler"] == "ok"  # type: ignore[index]


def test_staff_see_that_nothing_is_being_sent(app: Flask, client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    assert "Reminders are not being sent: no worker has run yet." in client.get("/").text
    now = utc_now() - timedelta(hours=2)
    with transaction(db.session, now=now):
        for job in ("plan", "deliver"):
            setting.beat(db.session, job, "node", now)
    assert "Reminders are not being sent: no worker has run since" in client.get("/").text


def test_a_database_without_tables_is_alive_but_not_ready(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    with app.app_context():
        assert app.test_client().get("/healthz").status_code == 200
        ready = app.test_client().get("/readyz")
        assert (ready.status_code, ready.json) == (503, {"database": "ok", "migrations": "behind", "scheduler": "unknown"})
        db.engine.dispose()


def test_a_database_that_is_away_is_one_sentence(tmp_path: Path) -> None:
    settings = replace(settings_for(tmp_path), database_url="postgresql+psycopg://nobody@127.0.0.1:1/none")
    app = create_app(settings)
    with app.app_context():
        client = app.test_client()
        assert client.get("/readyz").status_code == 503
        answer = client.get("/api/v1/engagements", headers={"Authorization": "Bearer trk_x"})
        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")  # type: ignore[index]
        assert answer.json["detail"] == "The database is away. Nothing was changed; try again in a moment."  # type: ignore[index]


def test_every_answer_is_locked_down_and_has_a_request_id(client: FlaskClient) -> None:
    answer = client.get("/sign-in")
    assert "script-src 'self';" in answer.headers["Content-Security-Policy"], "none in a page, none from elsewhere"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"] != client.get("/sign-in").headers["X-Request-Id"]


def test_figures_of_delivery_are_for_scrapers_with_a_token_and_the_staff(app: Flask, client: FlaskClient) -> None:
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer trk_nobody"}).status_code == 401
    engagement = make_engagement(slack_channel="C1")
    now = utc_now()
    overdue = Notice(
        key="test",
        kind="test",
        audience=Audience.CUSTOMER,
        headline="Due",
        text="",
        facts=(),
        path="/",
        due_at=now - timedelta(minutes=20),
        useless_after=now + timedelta(days=1),
    )
    with transaction(db.session, now=now):
        outbox.plan(db.session, engagement.id, [overdue], {Audience.CUSTOMER: "C1"}, now)
        outbox.log(db.session, outbox.id_of("test"), 1, FOUND, None, now)
        setting.beat(db.session, "deliver", "node", now - timedelta(seconds=90))
        workers.start(db.session, "node:1", {"tzdata": "2026f"}, now)
        pacing.hold(db.session, pacing.WORKSPACE, now + timedelta(minutes=5), "token_revoked")
    token = make_token(make_person("engineer"), "read")
    said = client.get("/metrics", headers={"Authorization": f"Bearer {token}"})
    assert (said.status_code, said.mimetype) == (200, "text/plain")
    values = dict(line.rsplit(" ", 1) for line in said.text.splitlines() if not line.startswith("#"))
    assert values['tracker_notices{state="planned"}'] == "1.0"
    assert values['tracker_notices{state="dead"}'] == "0.0"
    assert 1200 <= float(values["tracker_notices_oldest_overdue_seconds"]) < 1300
    assert values["tracker_notices_found_day"] == "1.0"
    assert float(values['tracker_job_silence_seconds{job="deliver"}']) >= 90
    assert float(values['tracker_breaker_seconds{road="slack"}']) > 200
    assert 'tracker_worker_info{node="node:1",tzdata="2026f"}' in values
    assert "Acme" not in said.text
    sign_in(client, make_person("engineer"))
    assert client.get("/metrics").status_code == 200
    narrow = make_token(make_person(), "read", engagement_id=engagement.id)
    assert client.get("/metrics", headers={"Authorization": f"Bearer {narrow}"}).status_code == 403
    customer = make_token(make_person("customer_viewer"), "read")
    assert client.get("/metrics", headers={"Authorization": f"Bearer {customer}"}).status_code == 404
