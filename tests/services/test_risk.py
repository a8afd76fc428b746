"""Risks: raised and closed by the team, and internal ones known to nobody else."""

from datetime import date
from typing import Any

import pytest

from tests.factories import NOW, actor, make_engagement, make_person
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.errors import EditedMeanwhile, Invalid, NotFound
from tracker.services import risk as service
from tracker.services.risk import RiskChange, RiskSpec
from tracker.store import risk as risks
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.risk import Risk
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def note(engagement: Engagement, who: Actor = SYSTEM, **over: Any) -> Risk:
    values: dict[str, Any] = {"title": "The plugin is not sold any more", "mitigation": "Look for another"}
    with transaction(db.session, now=NOW):
        return service.raise_risk(db.session, who, engagement.id, RiskSpec(**(values | over)), now=NOW)


def change(risk: Risk, who: Actor = SYSTEM, version: int | None = None, **values: Any) -> Risk:
    with transaction(db.session, now=NOW):
        return service.change_risk(db.session, who, risk.id, RiskChange(values, version), now=NOW)


def test_customers_know_of_the_risks_that_are_for_them_only() -> None:
    engagement = make_engagement()
    viewer = actor(make_person("customer_viewer"))
    secret, told = note(engagement), note(engagement, audience="customer")
    assert [risk.id for risk in risks.open_of(db.session, engagement.id, viewer)] == [told.id]
    assert [risk.id for risk in risks.page(db.session, engagement.id, viewer, after=None, limit=9)] == [told.id]
    with pytest.raises(NotFound):
        risks.get(db.session, viewer, secret.id)
    change(secret, state="closed", outcome="Bought out")
    assert risks.closed_of(db.session, engagement.id, viewer, limit=9) == []
    with pytest.raises(NotFound):
        note(engagement, viewer)


def test_a_risk_is_closed_with_its_outcome_and_may_open_again() -> None:
    risk = note(make_engagement(), severity="blocks", due_on=date(2026, 3, 9))
    with pytest.raises(Invalid) as refused:
        change(risk, state="closed")
    assert refused.value.errors[0].field == "outcome"
    closed = change(risk, state="closed", outcome="Another plugin does it")
    assert (closed.closed_at, closed.outcome) == (NOW, "Another plugin does it")
    opened = change(risk, state="open")
    assert (opened.closed_at, opened.outcome) == (None, None)


def test_the_gravest_risk_comes_first() -> None:
    engagement = make_engagement()
    for severity in ("note", "blocks", "warns"):
        note(engagement, severity=severity)
    assert [risk.severity for risk in risks.open_of(db.session, engagement.id, SYSTEM)] == ["blocks", "warns", "note"]


def test_a_stale_change_is_refused() -> None:
    risk = note(make_engagement())
    change(risk, title="Another name")
    with pytest.raises(EditedMeanwhile):
        change(risk, version=1, title="Overwritten")


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"title": ""}, "title"),
        ({"mitigation": " "}, "mitigation"),
        ({"severity": "grave"}, "severity"),
        ({"audience": "all"}, "audience"),
        ({"due_on": date(9999, 1, 1)}, "due_on"),
    ],
)
def test_what_cannot_be_noted_is_explained(over: dict[str, Any], field: str) -> None:
    engagement = make_engagement()
    with pytest.raises(Invalid) as refused:
        note(engagement, **over)
    assert refused.value.errors[0].field == field


def test_only_somebody_of_the_engagement_is_put_on_it() -> None:
    risk = note(make_engagement())
    with pytest.raises(Invalid):
        change(risk, owner_id=make_person("engineer").id)
    approver = make_person("customer_approver")
    assert change(risk, owner_id=approver.id).owner_id == approver.id
