"""Many engagements at once, in plain SQL: for tests that ask what a long list costs, and nothing else."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from tests.factories import NOW
from tracker.store.budget import Budget
from tracker.store.database import Base, db, table_of
from tracker.store.deadline import Deadline
from tracker.store.engagement import Customer, Engagement, Member
from tracker.store.identity import new_id
from tracker.store.question import Question
from tracker.store.site import Site

Row = dict[str, Any]


def many_engagements(number: int, *, manager_id: UUID, member_id: UUID, customer_id: UUID | None = None) -> None:
    """Engagements with a site, a budget near its cap, two dates, a question and a member each; four to a customer."""
    rows: dict[type[Base], list[Row]] = {each: [] for each in (Customer, Engagement, Member, Site, Budget, Deadline, Question)}
    customer = customer_id
    for index in range(number):
        if customer_id is None and index % 4 == 0:
            customer = new_id()
            name = f"Bulk customer {customer.hex}"
            rows[Customer].append({"id": customer, "name": name, "name_key": name.casefold(), "version": 1})
        assert customer is not None
        _lay(rows, index, customer, manager_id, member_id)
    with db.engine.begin() as connection:
        for model, values in rows.items():
            if values:
                connection.execute(sa.insert(table_of(model)), values)


def _lay(rows: dict[type[Base], list[Row]], index: int, customer_id: UUID, manager_id: UUID, member_id: UUID) -> None:
    engagement_id, site_id = new_id(), new_id()
    day = date(2026, 1, 1) + timedelta(days=index % 700)
    name = f"Bulk {index % 97:02} {index}"
    rows[Engagement].append(
        {
            "id": engagement_id, "customer_id": customer_id, "name": name, "type": "managed", "time_zone": "Europe/Berlin",
            "manager_id": manager_id, "status": "active", "requirements_version": 0, "next_on": day, "created_at": NOW,
            "version": 1,
        }
    )  # fmt: skip
    rows[Member].append({"id": new_id(), "engagement_id": engagement_id, "person_id": member_id, "joined_at": NOW})
    rows[Site].append(
        {
            "id": site_id, "engagement_id": engagement_id, "name": f"Shop {index}", "url": f"https://s{index}.example",
            "url_key": f"s{index}.example", "cms": "wordpress", "package": "standard", "facts": {}, "fact_sources": {},
            "stage": "listed", "created_at": NOW, "version": 1,
        }
    )  # fmt: skip
    rows[Budget].append(
        {
            "id": new_id(), "engagement_id": engagement_id, "site_id": site_id, "kind": "known_incompatibility",
            "limit_minutes": 300, "booked": 250 if index % 5 == 0 else 10, "approved": 0,
        }
    )  # fmt: skip
    for kind, site, when in (("kickoff", None, day), ("code_freeze", site_id, day + timedelta(days=5))):
        rows[Deadline].append(
            {
                "id": new_id(), "engagement_id": engagement_id, "site_id": site, "kind": kind, "title": kind, "due_on": when,
                "day": when, "source": "manual", "created_at": NOW, "version": 1,
            }
        )  # fmt: skip
    rows[Question].append(
        {
            "id": new_id(), "engagement_id": engagement_id, "text": f"Which host has site {index}?", "side": "customer",
            "state": "open", "asked_at": NOW, "version": 1,
        }
    )  # fmt: skip
