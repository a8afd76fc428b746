"""Settings by the page: what managers see, and whether Slack answers."""

from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import make_engagement, make_person, sign_in
from tests.slack_double.server import SlackDouble
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.settings import Settings
from tracker.store import pacing
from tracker.store.database import db
from tracker.store.pacing import SlackChannel
from tracker.store.transaction import transaction


def test_without_a_token_the_page_says_how_to_connect(client: FlaskClient) -> None:
    sign_in(client, make_person("admin"))
    page = client.get("/settings").text
    assert "Slack is not connected." in page
    assert "No mail is sent." in page
    assert "Late" in page, "no job has run yet"
    assert "SQLite 3" in page or "PostgreSQL 1" in page
    assert "http://localhost" in page
    refused = client.post("/settings/slack-test")
    assert refused.status_code == 409
    assert "set SLACK_BOT_TOKEN" in refused.text


def test_what_managers_see_is_decided_here(app: Flask, client: FlaskClient) -> None:
    engagement = make_engagement(name="Somebody else's")
    manager = app.test_client()
    sign_in(manager, make_person())
    sign_in(client, make_person("admin"))
    assert client.post("/settings", data={"manager_sees": "everything"}).status_code == 422
    assert "Saved." in client.post("/settings", data={"manager_sees": "assigned"}, follow_redirects=True).text
    assert manager.get(f"/engagements/{engagement.id}").status_code == 404
    client.post("/settings", data={"manager_sees": "all"})
    assert manager.get(f"/engagements/{engagement.id}").status_code == 200


def test_the_test_button_says_who_answers_and_lets_what_waited_go(app: Flask, settings: Settings) -> None:
    admin = make_person("admin")
    now = utc_now()
    with transaction(db.session, now=now):
        pacing.hold(db.session, pacing.WORKSPACE, now + timedelta(hours=1), "invalid_auth")
    with SlackDouble() as slack:
        connected = create_app(replace(settings, slack_bot_token=slack.token, slack_api_url=slack.base_url))
        connected.config["WTF_CSRF_ENABLED"] = False
        client = connected.test_client()
        sign_in(client, admin)
        assert "invalid_auth" in client.get("/settings").text
        page = client.post("/settings/slack-test")
        with connected.app_context():
            db.engine.dispose()
    assert page.status_code == 200
    assert "What waited for Slack goes out now." in page.text
    assert slack.token not in page.text
    db.session.rollback()
    assert db.session.scalar(sa.select(SlackChannel.channel)) is None


def test_a_refusal_of_slack_is_told_in_words(app: Flask, settings: Settings) -> None:
    admin = make_person("admin")
    with SlackDouble() as slack:
        connected = create_app(replace(settings, slack_bot_token="xoxb-wrong", slack_api_url=slack.base_url))
        connected.config["WTF_CSRF_ENABLED"] = False
        client = connected.test_client()
        sign_in(client, admin)
        page = client.post("/settings/slack-test")
        with connected.app_context():
            db.engine.dispose()
    assert "Slack answers: invalid_auth." in page.text
    assert "Not working" in page.text


def test_only_administrators_come_in(client: FlaskClient) -> None:
    for role, status in (("engagement_manager", 403), ("engineer", 403), ("customer_viewer", 404)):
        sign_in(client, make_person(role))
        assert client.get("/settings").status_code == status
        assert client.post("/settings", data={"manager_sees": "all"}).status_code == status
