"""Who gets in: what Slack signed, once; whatever else comes is refused, and nothing is ever a fault of ours."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import settings_for
from tests.factories import NOW, make_engagement, make_person, sign_in
from tests.slack.inbound.conftest import People
from tests.slack_double.inbound import FORM, signed
from tests.slack_double.server import SlackDouble
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.services.deadline import DateSpec, set_date
from tracker.services.person import set_active
from tracker.slack.inbound.registry import ACTIONS, VIEWS
from tracker.slack.inbound.reply import field
from tracker.store import pacing
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.notice import OutboxNotice
from tracker.store.transaction import RequestRecord, transaction

PATHS = ("/slack/commands", "/slack/interactions", "/slack/events")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no signature"),
        pytest.param({"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"}, id="a junk timestamp"),
        pytest.param({"X-Slack-Request-Timestamp": "9" * 5000, "X-Slack-Signature": "v0=0"}, id="an endless timestamp"),
        pytest.param({"X-Slack-Request-Timestamp": "١٧", "X-Slack-Signature": "v0=0"}, id="digits of another script"),
        pytest.param({"X-Slack-Request-Timestamp": "1", "X-Slack-Signature": "v0=é"}, id="a signature beyond ASCII"),
        pytest.param(signed(b"text=another"), id="a signature of something else"),
        pytest.param(signed(b"text=hello", secret="another"), id="a signature of somebody else"),
        pytest.param(signed(b"text=hello", seconds=time.time() - 301), id="301 seconds old"),
    ],
)
def test_what_slack_did_not_sign_just_now_is_not_let_in(client: FlaskClient, headers: dict[str, str]) -> None:
    for path in PATHS:
        latin = {name: value.encode().decode("latin-1") for name, value in headers.items()}
        answer = client.post(path, data=b"text=hello", headers=latin | {"Content-Type": FORM})
        assert answer.status_code == 401, path


def test_a_body_beyond_utf_8_or_too_large_is_refused(client: FlaskClient) -> None:
    body = b"text=\xff\xfe"
    assert client.post("/slack/commands", data=body, headers=signed(body)).status_code == 401
    body = b"text=" + b"x" * 600_000
    assert client.post("/slack/commands", data=body, headers=signed(body)).status_code == 413


def test_without_a_signing_secret_slack_is_told_that_nobody_listens(tmp_path: Any) -> None:
    answer = create_app(settings_for(tmp_path)).test_client().post("/slack/events", data=b"{}")
    assert answer.status_code == 503
    assert "SLACK_SIGNING_SECRET" in answer.text


def test_slack_finds_our_address(as_user: People) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1aB10FEMAGAZd4FyFQ"}).encode()
    heard = as_user("U1").deliver("/slack/events", body, "application/json")
    assert heard.json == {"challenge": "3eZbrw1aB10FEMAGAZd4FyFQ"}


def test_a_stranger_says_once_who_they_are_and_only_their_own_account(as_user: People, client: FlaskClient) -> None:
    engagement = make_engagement(name="Harbour")
    approver = make_person("customer_approver")
    spec = DateSpec(DeadlineKind.CUSTOM, Dates(due_on=utc_now().date() + timedelta(days=30)), title="Texts", owner_id=approver.id)
    with transaction(db.session, now=NOW):
        set_date(db.session, SYSTEM, engagement.id, spec, now=utc_now())
    stranger = as_user("U0GUEST", team_id="T0ACME")
    asked = stranger.command_request("/engagement")
    heard = stranger.deliver(*asked)
    assert "does not know yet who you are" in heard.text
    assert engagement.name not in heard.text
    url = heard.buttons["This Slack account is mine"]["url"].removeprefix("http://localhost")
    assert stranger.deliver(*asked).buttons["This Slack account is mine"]["url"].endswith(url), "the same again, the same link"

    assert client.get(url).location.startswith("/sign-in?next=/slack/account/")
    sign_in(client, approver)
    assert "U0GUEST" in client.get(url).text
    assert client.post(url).status_code == 303
    assert "no longer works" in client.get(url).text
    kept = people.get(db.session, approver.id)
    assert (kept.slack_user_id, kept.slack_team_id) == ("U0GUEST", "T0ACME")
    assert "Harbour" in stranger.command("/engagement").text
    assert set(db.session.scalars(sa.select(OutboxNotice.mention))) == {"U0GUEST"}

    # Somebody else cannot take it over, and the same id of another company is another account.
    elsewhere = as_user("U0GUEST", team_id="T0OTHER")
    second = elsewhere.command("/engagement").buttons["This Slack account is mine"]["url"].removeprefix("http://localhost")
    sign_in(client, make_person("customer_viewer"))
    refused = client.post(second)
    assert refused.status_code == 422
    assert "somebody else’s here" in refused.text


def test_whoever_has_left_is_told_so(as_user: People) -> None:
    make_engagement(name="Harbour")
    left = make_person("customer_viewer", slack_user_id="U1")
    with transaction(db.session, now=NOW):
        set_active(db.session, SYSTEM, left.id, active=False, now=NOW)
    heard = as_user("U1").command("/engagement")
    assert "deactivated" in heard.text
    assert "Harbour" not in heard.text


def test_nobody_sees_an_engagement_of_another_customer_in_whatever_channel(as_user: People) -> None:
    for name, customer, channel in (("Ours", "Acme", "C1"), ("Theirs", "Other", "C2")):
        make_engagement(name=name, customer=customer, slack_channel=channel)
    make_person("customer_approver", slack_user_id="U1")
    theirs = db.session.scalars(sa.select(Engagement.id).where(Engagement.name == "Theirs")).one()
    notice = db.session.scalar(sa.select(OutboxNotice.id).where(OutboxNotice.engagement_id == theirs).limit(1)) or theirs
    user = as_user("U1", channel="C2")
    for command in ("/engagement", "/engagement hours", "/engagement next", "/uat", "/freeze", "/log 1h shop x", "/log"):
        assert "Theirs" not in str(user.command(command).json), command
    for action in ACTIONS:
        for value in (f"status:{theirs}", str(notice), f"1h:{notice}", json.dumps({"site": str(theirs), "minutes": 5})):
            assert "Theirs" not in str(user.press({"action_id": action, "value": value}).json), action


def test_a_link_that_was_pressed_is_no_question_and_a_form_of_a_stranger_says_what_to_do(as_user: People) -> None:
    stranger = as_user("U0GUEST")
    for action in ("tracker.open", "tracker.open.1"):
        heard = stranger.press({"action_id": action, "value": "x"})
        assert (heard.status, heard.body) == (200, b"")
    view = {
        "callback_id": "tracker.log",
        "id": "V1",
        "hash": "1",
        "blocks": [field("note", "Note", {"type": "plain_text_input"})],
    }
    assert "Write /engagement" in stranger.submit(view, note="x").json["errors"]["note"]


def test_news_counts_once_and_a_revoked_token_holds_everything(as_user: People) -> None:
    user = as_user("U1")
    request = user.event_request("tokens_revoked", tokens={"bot": ["U0TRACKER"]})
    assert [user.deliver(*request).status for _ in range(3)] == [200, 200, 200]
    held = db.session.get(pacing.SlackChannel, pacing.WORKSPACE)
    assert held is not None
    assert held.reason == "token_revoked"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(RequestRecord)) == 1


def test_the_home_page_holds_what_is_mine(as_user: People, slack: SlackDouble) -> None:
    make_engagement(make_person("engagement_manager", slack_user_id="U1"), name="Harbour <!channel>")
    assert as_user("U1").event("app_home_opened", user="U1", tab="home").status == 200
    assert as_user("U9").event("app_home_opened", user="U9", tab="home").status == 200
    assert "Harbour &lt;!channel&gt;" in json.dumps(slack.workspace.forms.homes["U1"])
    assert "My hours this week" in json.dumps(slack.workspace.forms.homes["U1"])
    assert "/slack/account/" in json.dumps(slack.workspace.forms.homes["U9"])


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(["U1", "C1", "\ud800", "\x00", "1:2"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("user", "channel", "container", "message", "actions", "view", "trigger_id", "response_url", "event", "event_id")


def mangled(payload: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """The payload with some of it missing or of another type."""
    names = data.draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True))
    return {name: data.draw(JUNK) if name in names else value for name, value in payload.items()}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_comes_signed_is_never_a_fault_of_ours(as_user: People, data: st.DataObject) -> None:
    if people.by_slack_user(db.session, "U1") is None:
        make_engagement(make_person("engagement_manager", slack_user_id="U1"))
    user = as_user("U1")
    action = {"action_id": data.draw(st.sampled_from([*ACTIONS, "x"])), "action_ts": data.draw(JUNK), "value": data.draw(JUNK)}
    view = {"callback_id": data.draw(st.sampled_from([*VIEWS, "x"])), "private_metadata": data.draw(JUNK), "id": "V", "hash": "1"}
    view |= {"state": {"values": data.draw(JUNK)}, "blocks": data.draw(JUNK)}
    pressed = {"type": "block_actions", "user": {"id": "U1"}, "channel": {"id": "C1"}, "actions": [action], "trigger_id": "1.1"}
    sent = {"type": "view_submission", "user": {"id": "U1"}, "view": view}
    for payload in (data.draw(JUNK), mangled(pressed, data), mangled(sent, data), pressed, sent):
        assert user.deliver(*user.payload_request(payload)).status < 500
    news = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_home_opened", "user": data.draw(JUNK)}}
    for said in (data.draw(JUNK), mangled(news, data), news | {"event_id": data.draw(st.text(min_size=1, max_size=9))}):
        assert user.deliver("/slack/events", json.dumps(said).encode(), "application/json").status < 500
    words = data.draw(st.text(max_size=40))
    for command in ("/engagement", "/log", "/uat", "/freeze", "/x"):
        assert user.command(f"{command} {words.encode(errors='replace').decode()}").status < 500
