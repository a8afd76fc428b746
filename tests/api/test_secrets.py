"""Secrets are never stored: a text that looks like one is refused at its field, wherever text is kept."""

from typing import Any

import pytest
from flask import Flask

from tests.api.conftest import Ask
from tests.api.test_bad_input import BLOCK, ENGAGEMENT, SITE, WORK, refused, with_changes
from tests.factories import make_agreed_site, make_engagement, make_site
from tracker.store.engagement import Engagement

SECRET = "password: example1"
AWS = "AKIAEXAMPLEEXAMPLEXX"
HEXADECIMAL = "a1b2" * 8
LOOKS = "This looks like "


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    return make_engagement()


@pytest.mark.parametrize("field", ["name", "customer", "account_rep", "agreement.reference"])
def test_in_an_engagement(ask: Ask, field: str) -> None:
    body = with_changes(ENGAGEMENT, {field: SECRET})
    assert refused(ask, "POST", "/engagements", body, field).startswith(LOOKS)


@pytest.mark.parametrize("field", ["slack_channel", "internal_slack_channel"])
def test_in_a_channel(ask: Ask, field: str) -> None:
    refused(ask, "POST", "/engagements", ENGAGEMENT | {field: AWS}, field)


def test_in_a_corrected_agreement(ask: Ask, engagement: Engagement) -> None:
    body = {"agreement": {"reference": SECRET}}
    assert refused(ask, "PATCH", f"/engagements/{engagement.id}", body, "agreement.reference").startswith(LOOKS)


@pytest.mark.parametrize("field", ["name", "account_rep"])
def test_in_an_edited_engagement(ask: Ask, engagement: Engagement, field: str) -> None:
    assert refused(ask, "PATCH", f"/engagements/{engagement.id}", {field: SECRET}, field).startswith(LOOKS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": SECRET}, "name"),
        ({"cms_version": HEXADECIMAL}, "cms_version"),
        ({"url": "https://blog.example.com/?api_key=example1"}, "url"),
        ({"facts": {"search_provider": SECRET}}, "facts.search_provider"),
    ],
)
def test_in_a_site(ask: Ask, engagement: Engagement, changes: dict[str, Any], field: str) -> None:
    listed = make_site(engagement)
    assert refused(ask, "POST", f"/engagements/{engagement.id}/sites", SITE | changes, field).startswith(LOOKS)
    assert refused(ask, "PATCH", f"/sites/{listed.id}", changes, field).startswith(LOOKS)


def test_in_a_customer(ask: Ask, engagement: Engagement) -> None:
    for method, path in (("POST", "/customers"), ("PATCH", f"/customers/{engagement.customer_id}")):
        assert refused(ask, method, path, {"name": SECRET}, "name").startswith(LOOKS)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": SECRET}, "name"), ({"customer": SECRET}, "customer"), ({"slack_user_id": AWS}, "slack_user_id")],
)
def test_in_a_person(ask: Ask, changes: dict[str, Any], field: str) -> None:
    body = {"email": "ann@example.com", "name": "Ann", "role": "customer_viewer", "customer": "Acme"}
    refused(ask, "POST", "/people", body | changes, field)


def test_in_a_purchase(ask: Ask, engagement: Engagement) -> None:
    path = f"/engagements/{engagement.id}/ps-blocks"
    assert refused(ask, "POST", path, BLOCK | {"reference": SECRET}, "reference").startswith(LOOKS)


def test_in_a_known_issue(ask: Ask) -> None:
    over = {"site_id": str(make_agreed_site().id), "activity": "known_solution", "known_issue_id": HEXADECIMAL}
    assert refused(ask, "POST", "/time-entries", WORK | over, "known_issue_id").startswith(LOOKS)


def test_what_only_speaks_of_a_secret_is_kept(ask: Ask, engagement: Engagement) -> None:
    said = "Password: see the vault"
    for path, body in ((f"/engagements/{engagement.id}", {"name": said}), (f"/sites/{make_site(engagement).id}", {"name": said})):
        assert ask("PATCH", path, body).json["name"] == said
