"""The whole spine through the API alone, down to the message in the channel: the scripted run of a new user."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.api.conftest import Ask
from tests.factories import make_person
from tests.slack_double.server import SlackDouble
from tracker.app import create_app
from tracker.cli.main import cli
from tracker.clock import utc_now
from tracker.settings import Settings
from tracker.store.database import db
from tracker.store.person import Person

AGREEMENT = {
    "reference": "SOW-2026-1",
    "signed_on": "2026-01-12",
    "uat_business_days": 5,
    "cutover_business_days": 2,
    "hypercare_business_days": 10,
}


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a console command against the same database, with the double as Slack."""

    def run(slack: SlackDouble, *words: str) -> Any:
        environ = {
            "DATABASE_URL": settings.database_url,
            "TRACKER_INSTANCE": str(settings.instance),
            "SECRET_KEY": "tests only",
            "SLACK_BOT_TOKEN": slack.token,
            "SLACK_API_URL": slack.base_url,
            "TRACKER_PACE": "0.05",
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        done = CliRunner().invoke(cli, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout.splitlines()[-1])

    return run


def new_engagement(ask: Ask, **over: Any) -> dict[str, Any]:
    body = {
        "name": "Three-site migration",
        "customer": "Acme",
        "time_zone": "Europe/Berlin",
        "slack_channel": "C1",
        "agreement": AGREEMENT,
    }
    answer = ask("POST", "/engagements", body | over)
    assert answer.status_code == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def new_site(ask: Ask, engagement: dict[str, Any], name: str) -> dict[str, Any]:
    body = {"name": name, "url": f"https://{name}.example.com", "cms": "wordpress"}
    answer = ask("POST", f"/engagements/{engagement['id']}/sites", body)
    assert answer.status_code == 201, answer.json
    made: dict[str, Any] = answer.json
    return made


def left(ask: Ask, path: str) -> list[tuple[str, int]]:
    answer = ask("GET", f"{path}/budgets")
    return [(item["kind"], item["left_minutes"]) for item in answer.json["items"]]


def test_from_a_signed_agreement_to_a_reminder_told_once(
    app: Flask, asking: Callable[[Person], Ask], command: Callable[..., Any]
) -> None:
    ask = asking(make_person("engagement_manager"))
    engagement = new_engagement(ask)
    shop, blog = new_site(ask, engagement, "shop"), new_site(ask, engagement, "blog")
    work = {"site_id": shop["id"], "worked_on": "2026-03-02", "kind": "known_incompatibility", "activity": "research"}

    assert ask("POST", "/time-entries", work | {"minutes": 10}).json["code"] == "unlisted_site"
    agreed = ask("POST", f"/engagements/{engagement['id']}/requirements/agree")
    assert (agreed.status_code, agreed.json["version"], len(agreed.json["sites"])) == (201, 1, 2)
    late = ask("POST", f"/engagements/{engagement['id']}/sites", {"name": "x", "url": "x.example.com", "cms": "drupal"})
    assert (late.status_code, late.json["code"]) == (409, "unlisted_site")

    signature = {"subject": "requirements", "hash": agreed.json["hash"]}
    assert ask("POST", f"/engagements/{engagement['id']}/signatures", signature).status_code == 403
    approver = asking(make_person("customer_approver", customer="Acme"))
    assert approver("POST", f"/engagements/{engagement['id']}/signatures", signature).status_code == 201

    first = ask("POST", "/time-entries", work | {"minutes": 290})
    assert (first.status_code, first.json["draws"]) == (
        201,
        [{"kind": "known_incompatibility", "minutes": 290, "block_id": None}],
    )
    assert ask("POST", "/time-entries", work | {"duration": "10m"}).status_code == 201
    refused = ask("POST", "/time-entries", work | {"minutes": 1})
    assert (refused.status_code, refused.json["code"], refused.json["left_minutes"]) == (409, "budget_exceeded", 0)
    assert [option["action"] for option in refused.json["options"]] == ["buy_ps", "change_request"]
    assert left(ask, f"/sites/{blog['id']}") == [("known_incompatibility", 300)]

    block = {"reference": "Q-7", "purchased_on": "2026-03-01"}
    small = ask("POST", f"/engagements/{engagement['id']}/ps-blocks", block | {"minutes": 239})
    assert (small.status_code, small.json["code"]) == (422, "ps_minimum")
    sold = ask("POST", f"/engagements/{engagement['id']}/ps-blocks", block | {"minutes": 240})
    assert sold.status_code == 201
    drawn = ask("POST", "/time-entries", work | {"kind": "ps", "ps_kind": "custom-upstream", "minutes": 200})
    assert drawn.json["draws"] == [{"kind": "ps", "minutes": 200, "block_id": sold.json["id"]}]
    split = ask("POST", "/time-entries", work | {"minutes": 30, "split": True})
    assert split.json["draws"] == [{"kind": "ps", "minutes": 30, "block_id": sold.json["id"]}]

    reversal = ask("POST", f"/time-entries/{first.json['id']}/reversal", {"reason": "wrong site"})
    assert (reversal.status_code, reversal.json["minutes"]) == (201, -290)
    assert left(ask, f"/sites/{shop['id']}") == [("known_incompatibility", 290)]
    assert ask("POST", f"/time-entries/{first.json['id']}/reversal", {}).json["code"] == "guard"

    with SlackDouble(pace_seconds=0.0, channels=["C1"]) as slack:
        told = [row["key"].partition(":")[0] for row in command(slack, "remind")]
        assert sorted(told) == ["budget.100", "budget.60", "budget.60", "budget.80", "budget.80"]
        assert command(slack, "deliver", "--once")["sent"] == 5
    due = utc_now().date() + timedelta(days=400)
    date = ask(
        "POST", f"/engagements/{engagement['id']}/deadlines", {"kind": "uat", "site_id": shop["id"], "due_on": due.isoformat()}
    )
    assert date.status_code == 201, date.json
    with SlackDouble(pace_seconds=0.0, channels=["C1"]) as slack:
        assert command(slack, "remind") == []
        assert command(slack, "deliver", "--once") == {"sent": 0, "unknown": 0, "parked": 0, "dead": 0}
        assert slack.messages("C1") == []
        planned = ask("GET", f"/engagements/{engagement['id']}/notices?state=planned").json["items"]
        assert [item["kind"] for item in planned] == ["uat.overdue", "uat.1d", "uat.2d", "uat.midpoint", "uat.open"]
        moments = sorted(datetime.fromisoformat(item["due_at"]) for item in planned)

        released = command(slack, "remind", "--now", moments[0].isoformat())
        assert [(row["kind"], row["channel"]) for row in released] == [("uat.open", "C1")]
        assert command(slack, "deliver", "--once")["sent"] == 1
        assert command(slack, "remind", "--now", moments[0].isoformat()) == []
        assert command(slack, "deliver", "--once")["sent"] == 0
        (message,) = slack.messages("C1")
        assert message["blocks"][0]["text"]["text"].startswith("*shop: the window is open, the UAT sign-off is awaited*")

        command(slack, "remind", "--now", moments[2].isoformat())
        command(slack, "deliver", "--once")
        assert len(slack.messages("C1")) == 2, "after an outage only the latest reminder still matters"
        states = {item["kind"]: item["state"] for item in ask("GET", f"/engagements/{engagement['id']}/notices").json["items"]}
        assert states["uat.midpoint"] == "expired"

        done = ask("PATCH", f"/deadlines/{date.json['id']}", {"done_at": utc_now().isoformat()})
        assert (done.status_code, done.json["done_at"] is not None) == (200, True)
        command(slack, "remind", "--now", (moments[-1] + timedelta(days=30)).isoformat())
        command(slack, "deliver", "--once")
        assert len(slack.messages("C1")) == 2
        assert set(slack.count_by_marker().values()) == {1}
        assert slack.pacing_violations == 0
        assert command(slack, "verify") == {"ok": True, "faults": []}


def test_connecting_slack_later_sends_what_is_still_useful(settings: Settings, ask: Ask, command: Callable[..., Any]) -> None:
    engagement = new_engagement(ask)
    today = utc_now().date()
    body = {"kind": "custom", "title": "Hand-over", "due_on": (today + timedelta(days=300)).isoformat()}
    assert ask("POST", f"/engagements/{engagement['id']}/deadlines", body).status_code == 201
    moment = ask("GET", f"/engagements/{engagement['id']}/notices").json["items"][-1]["due_at"]
    with SlackDouble(pace_seconds=0.0, channels=["C1"]) as slack:
        command(slack, "remind", "--now", moment)
        app = create_app(replace(settings, slack_bot_token=None))
        with app.app_context():
            from tracker.cli.base import worker_of
            from tracker.jobs import step

            step.deliver_all(worker_of(app))
            db.session.remove()
            db.engine.dispose()
        (waiting,) = ask("GET", f"/engagements/{engagement['id']}/notices?state=ready").json["items"]
        assert waiting["reason"] == "Slack is not connected."
        assert command(slack, "deliver", "--once")["sent"] == 1
        assert len(slack.messages("C1")) == 1
