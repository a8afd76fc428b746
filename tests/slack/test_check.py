"""What has to be right about the connection, in plain words; and the manifest from which the app is made."""

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

from tests.conftest import settings_for
from tests.factories import make_engagement
from tests.slack.test_sender import SILENT
from tests.slack_double.faults import SCHEDULED_KINDS, FaultKind
from tests.slack_double.faults import Fault as FaultOf
from tests.slack_double.server import SlackDouble
from tests.slack_double.workspace import ALL_SCOPES, Channel, Token
from tracker.cli.main import cli
from tracker.domain.channel import Fault, legal_name
from tracker.slack.channels import SlackChannels
from tracker.slack.check import check
from tracker.slack.inbound.events import EVENTS
from tracker.slack.inbound.registry import COMMANDS
from tracker.slack.manifest import SCOPE_NAMES, manifest
from tracker.slack.sender import SlackSender


def test_the_manifest_names_each_address_of_ours_or_none_in_socket_mode() -> None:
    said = manifest("https://tracker.example.com", socket_mode=False)
    assert said["oauth_config"]["scopes"]["bot"] == list(SCOPE_NAMES)
    assert not {"chat:write.public", "chat:write.customize", "users:read.email", "im:write"} & set(SCOPE_NAMES)
    assert {each["url"] for each in said["features"]["slash_commands"]} == {"https://tracker.example.com/slack/commands"}
    assert said["settings"]["interactivity"]["request_url"] == "https://tracker.example.com/slack/interactions"
    assert said["settings"]["event_subscriptions"]["request_url"] == "https://tracker.example.com/slack/events"
    assert set(said["settings"]["event_subscriptions"]["bot_events"]) == set(EVENTS), "all that we answer, and no more"
    assert {each["command"] for each in said["features"]["slash_commands"]} == set(COMMANDS)
    assert "http" not in json.dumps(manifest("https://tracker.example.com", socket_mode=True))


def test_the_check_says_which_scope_and_which_channel_is_wrong_and_never_the_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    known = [Channel("C1", "fine"), Channel("C2", "shared", is_ext_shared=True), Channel("C3", "old", is_archived=True)]
    with SlackDouble(channels=[*known, Channel("C4", "out", is_member=False)]) as slack:
        settings = replace(settings_for(tmp_path), slack_bot_token=slack.token, slack_api_url=slack.base_url)
        sender = SlackSender(slack.token, slack.base_url, timeout=2, proxy=None)
        looks = SlackChannels(slack.token, slack.base_url, timeout=2, proxy=None)
        fine = check(settings, sender.test(), looks, ["C1"])
        assert (fine.ok, [warning.partition(":")[0] for warning in fine.warnings]) == (
            True,
            ["Commands and buttons in Slack are refused"],
        )
        report = check(settings, sender.test(), looks, ["C1", "C2", "C3", "C4", "C5"])
        assert [fault.split(":")[0] for fault in report.faults] == ["Channel #old", "Channel #out", "Channel C5"]
        assert "Channel #shared: people of another company read it." in report.warnings
        scopes = ALL_SCOPES - {"groups:history", "groups:write"}
        slack.workspace.put_token(slack.token, Token(scopes=scopes))
        less = check(settings, sender.test(), looks, [])
        assert [fault.partition(" is missing")[0] for fault in less.faults] == ["The scope groups:history"]
        assert (
            less.warnings[0]
            == "Creating channels and inviting people does not work: add groups:write, then install the app again."
        )
        everything = json.dumps([each.as_json() for each in (fine, report, less)]) + caplog.text + repr(report)
    assert slack.token not in everything


def test_the_commands_print_the_manifest_and_end_with_one_on_a_fault(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = app.config["SETTINGS"]
    make_engagement(slack_channel="C9")
    monkeypatch.setenv("TRACKER_INSTANCE", str(settings.instance))
    monkeypatch.setenv("DATABASE_URL", settings.database_url)
    monkeypatch.setenv("BASE_URL", "https://tracker.example.com")
    with SlackDouble() as slack:
        monkeypatch.setenv("SLACK_API_URL", slack.base_url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", slack.token)
        printed = CliRunner().invoke(cli, ["slack", "manifest"])
        assert json.loads(printed.stdout) == manifest("https://tracker.example.com", socket_mode=False)
        done = CliRunner().invoke(cli, ["slack", "check", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout)["channels"][0]["channel"] == "C9"
    assert done.stderr.startswith("tracker: Channel C9: Slack does not show it to us")
    assert slack.token not in done.output


@pytest.mark.parametrize(
    ("name", "legal"),
    [
        ("Three-site migration", "three-site-migration"),
        ("Größe & Söhne: Shop!", "grosse-and-sohne-shop"),
        ("  ", "engagement"),
        ("日本", "engagement"),
        ("x" * 200, "x" * 80),
        ("a" * 79 + " b", "a" * 79),
    ],
)
def test_a_channels_name_is_one_that_slack_takes(name: str, legal: str) -> None:
    assert legal_name(name) == legal


@pytest.mark.parametrize("kind", [kind for kind in SCHEDULED_KINDS if kind not in SILENT])
def test_whatever_happens_to_a_question_about_channels_it_is_asked_once_and_answered_in_words(kind: FaultKind) -> None:
    with SlackDouble() as slack:
        looks = SlackChannels(slack.token, slack.base_url, timeout=2, proxy=None)
        for question in (lambda: looks.look("C1"), looks.joined, lambda: looks.create("x", private=True)):
            slack.push(FaultOf(kind, delay=0.01))
            before = len(slack.log())
            found = question()
            assert len(slack.log()) - before <= 3, "no question is repeated"
            assert not isinstance(found, Fault) or (found.message.endswith((".", "”")) and slack.token not in found.message)
