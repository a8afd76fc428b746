"""Engagements over the API: what they answer, and what of them may be changed."""

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.api.test_bad_input import AGREEMENT, ENGAGEMENT
from tests.factories import make_engagement
from tracker.store.engagement import Engagement


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    return make_engagement(country="DE")


def test_the_agreement_is_corrected_in_part(ask: Ask, engagement: Engagement) -> None:
    path = f"/engagements/{engagement.id}"
    answer = ask("PATCH", path, {"agreement": {"uat_business_days": 8, "uat_silence": "proceed"}}, If_Match="1")
    assert answer.status_code == 200, answer.json
    changed = {"uat_business_days": 8, "uat_silence": "proceed", "catalogue_version": 1}
    assert answer.json["agreement"] == AGREEMENT | changed | {"ps_valid_days": None, "ps_carry_over": False}
    assert ask("GET", path).json == answer.json
    assert ask("PATCH", path, {"agreement": {"uat_business_days": 9}}, If_Match="1").json["code"] == "edited_meanwhile"


def test_an_agreement_is_entered_later(ask: Ask) -> None:
    made = ask("POST", "/engagements", ENGAGEMENT | {"agreement": None, "type": "self_service"}).json
    path = f"/engagements/{made['id']}"
    refused = ask("PATCH", path, {"type": "managed"})
    assert (refused.status_code, refused.json["errors"][0]["field"]) == (422, "agreement")
    answer = ask("PATCH", path, {"type": "managed", "agreement": AGREEMENT})
    assert (answer.status_code, answer.json["type"], answer.json["stage"]) == (200, "managed", "agreed")


def test_an_engagement_and_its_row_say_where_they_stand(ask: Ask, engagement: Engagement) -> None:
    whole = ask("PATCH", f"/engagements/{engagement.id}", {"status": "on_hold"}).json
    assert (whole["status"], whole["stage"], whole["country"]) == ("on_hold", "on_hold", "DE")
    (row,) = ask("GET", "/engagements").json["items"]
    shown = ("time_zone", "slack_channel", "requirements_version", "status")
    assert [row[name] for name in shown] == ["Europe/Berlin", "C1", 0, "on_hold"]
    assert [row[name] for name in shown] == [whole[name] for name in shown]
