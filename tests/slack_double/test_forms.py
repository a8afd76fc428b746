"""The double takes forms as Slack does: one for a trigger, in time, within the limits."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack_double.inbound import trigger
from tests.slack_double.sdk import web_client
from tests.slack_double.server import SlackDouble

NOTE: dict[str, Any] = {
    "type": "input",
    "block_id": "note",
    "label": {"type": "plain_text", "text": "Note"},
    "element": {"type": "plain_text_input", "action_id": "note"},
}
VIEW: dict[str, Any] = {
    "type": "modal",
    "title": {"type": "plain_text", "text": "Log time"},
    "submit": {"type": "plain_text", "text": "Log"},
    "external_id": "one",
    "blocks": [NOTE],
}


@pytest.fixture
def client() -> Iterator[WebClient]:
    with SlackDouble() as double:
        yield web_client(double.base_url)


def error_of(client: WebClient, trigger_id: str, view: dict[str, Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        client.views_open(trigger_id=trigger_id, view=view)
    return str(refused.value.response["error"])


def test_a_trigger_opens_one_form_and_is_good_for_three_seconds(client: WebClient) -> None:
    once = trigger()
    opened = client.views_open(trigger_id=once, view=VIEW)["view"]
    assert error_of(client, once, VIEW) == "duplicate_external_id"
    assert error_of(client, once, VIEW | {"external_id": "two"}) == "exchanged_trigger_id"
    assert error_of(client, f"{int(time.time() * 1000) - 3100}.1", VIEW | {"external_id": "two"}) == "expired_trigger_id"
    assert error_of(client, "junk", VIEW | {"external_id": "two"}) == "invalid_trigger_id"
    client.views_update(view_id=opened["id"], hash=opened["hash"], view=VIEW)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        client.views_update(view_id=opened["id"], hash=opened["hash"], view=VIEW)


@pytest.mark.parametrize(
    "over",
    [
        pytest.param({"title": {"type": "plain_text", "text": "x" * 25}}, id="a title of 25 characters"),
        pytest.param({"blocks": [NOTE] * 2}, id="two fields of one name"),
        pytest.param({"blocks": []}, id="nothing in it"),
        pytest.param({"private_metadata": "x" * 3001}, id="more to remember than is kept"),
        pytest.param({"submit": None}, id="a form that cannot be sent"),
    ],
)
def test_a_form_beyond_the_limits_is_declined(client: WebClient, over: dict[str, Any]) -> None:
    view = {name: value for name, value in (VIEW | over).items() if value is not None}
    assert error_of(client, trigger(), view) == "invalid_arguments"
