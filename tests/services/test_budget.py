"""Selling PS hours."""

from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, actor, make_engagement, make_person
from tracker.domain.access import Role
from tracker.domain.errors import Invalid, NotAllowed, NotFound, PsMinimum
from tracker.services.budget import BlockSpec, sell_block
from tracker.store.budget import Budget, PsBlock
from tracker.store.database import db
from tracker.store.engagement import Engagement, Member
from tracker.store.person import Person
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def sell(person: Person, engagement: Engagement, **over: Any) -> PsBlock:
    values: dict[str, Any] = {"minutes": 240, "reference": "Q-7", "purchased_on": date(2026, 3, 1)}
    with transaction(db.session, now=NOW):
        return sell_block(db.session, actor(person), engagement.id, BlockSpec(**(values | over)), now=NOW)


def pool(engagement: Engagement) -> int:
    return db.session.scalars(sa.select(Budget.limit_minutes).where(Budget.engagement_id == engagement.id)).one()


def test_a_block_fills_the_pool() -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    assert pool(engagement) == 0
    sell(manager, engagement)
    block = sell(manager, engagement, minutes=480, reference="  Q-8 ")
    assert (pool(engagement), block.limit_minutes, block.booked, block.reference) == (720, 480, 0, "Q-8")


@pytest.mark.parametrize(
    ("over", "kind", "field"),
    [
        ({"minutes": 239}, PsMinimum, "minutes"),
        ({"minutes": 0}, PsMinimum, "minutes"),
        ({"minutes": -240}, PsMinimum, "minutes"),
        ({"minutes": 10**12}, Invalid, "minutes"),
        ({"purchased_on": date(26, 3, 1)}, Invalid, "purchased_on"),
        ({"reference": "x" * 201}, Invalid, "reference"),
        ({"reference": "Q\u202e7"}, Invalid, "reference"),
    ],
)
def test_a_purchase_that_cannot_stand_leaves_the_pool_alone(over: dict[str, Any], kind: type[Invalid], field: str) -> None:
    manager = make_person()
    engagement = make_engagement(manager)
    with pytest.raises(kind) as refused:
        sell(manager, engagement, **over)
    assert ([error.field for error in refused.value.errors], pool(engagement)) == ([field], 0)


def test_only_managers_sell_hours() -> None:
    engagement = make_engagement()
    engineer = make_person(Role.ENGINEER)
    with pytest.raises(NotFound):
        sell(engineer, engagement)
    with transaction(db.session, now=NOW):
        db.session.add(Member(engagement_id=engagement.id, person_id=engineer.id, joined_at=NOW))
    with pytest.raises(NotAllowed):
        sell(engineer, engagement)
    with pytest.raises(NotFound):
        sell(make_person(Role.CUSTOMER_APPROVER), engagement)
    assert pool(engagement) == 0
