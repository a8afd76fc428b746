"""PS hours as they are sold."""

import pytest
from flask.testing import FlaskClient

from tests.factories import make_engagement, make_person, sign_in
from tests.web.test_engagement import value_of

BLOCK = {"duration": "40h", "purchased_on": "2026-03-02", "reference": "Q-2210", "request_key": "once"}


def test_a_block_is_sold_once_however_often_the_button_is_pressed(client: FlaskClient) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    sign_in(client, manager)
    for _ in range(2):
        answer = client.post(f"/engagements/{engagement.id}/ps-blocks/new", data=BLOCK)
        assert answer.status_code == 303
    page = client.get(answer.location).text
    assert "Q-2210" in page
    assert "40 h left" in page


@pytest.mark.parametrize(
    ("duration", "message"),
    [
        pytest.param("3h30", "PS hours are bought 4 h or more at a time; this is 3 h 30.", id="too little"),
        pytest.param("30", "30: write 30m or 30h", id="minutes or hours"),
        pytest.param("soon", "Write time as 1h30, 90m, 1:30 or 1.5.", id="unreadable"),
        pytest.param("", "Write how many hours.", id="empty"),
    ],
)
def test_hours_that_cannot_be_sold_are_explained_beside_them(client: FlaskClient, duration: str, message: str) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    sign_in(client, manager)
    answer = client.post(f"/engagements/{engagement.id}/ps-blocks/new", data=BLOCK | {"duration": duration})
    assert answer.status_code == 422
    assert message in answer.text.partition('id="duration-error"')[2]
    assert value_of(answer.text, "reference") == "Q-2210"
    assert value_of(answer.text, "duration") == duration


def test_only_managers_sell(client: FlaskClient) -> None:
    engagement = make_engagement()
    sign_in(client, make_person("customer_approver"))
    assert client.post(f"/engagements/{engagement.id}/ps-blocks/new", data=BLOCK).status_code == 404
