"""What the database itself refuses, whoever writes: past every use case, with statements of one's own."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.factories import NOW, TODAY, actor, agree, make_engagement, make_person, make_site, some_work
from tracker.domain.budget import WorkKind
from tracker.services import budget as budget_service
from tracker.services import time_entry as service
from tracker.services.budget import BlockSpec
from tracker.store.budget import Budget, Posting, PsBlock
from tracker.store.database import db, table_of
from tracker.store.engagement import Engagement
from tracker.store.identity import new_id
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

BUDGET, BLOCK, POSTING, ENTRY = (table_of(model) for model in (Budget, PsBlock, Posting, TimeEntry))
APPEND_ONLY = (
    "change_request_step",
    "delivery_attempt",
    "freeze_override",
    "hours_lock",
    "inventory_import",
    "posting",
    "project_requirements",
    "signature",
)
EXPECTED = {
    *((table, f"{table}_{word}") for table in (*APPEND_ONLY, "audit_entry", "time_entry") for word in ("no_delete", "no_update")),
    ("audit_entry", "audit_entry_erase_only"),
    ("time_entry", "time_entry_closed_insert"),
    ("time_entry", "time_entry_closed_update"),
}


@pytest.fixture
def sites(app: Flask) -> tuple[Site, Site, Site]:
    """Two sites of one engagement and one of another, all with an hour of research and one of PS work."""
    who = actor(make_person("admin"))
    engagement, other = make_engagement(), make_engagement()
    made = make_site(engagement), make_site(engagement), make_site(other)
    for each in (engagement, other):
        agree(each)
        with transaction(db.session, now=NOW):
            budget_service.sell_block(db.session, who, each.id, BlockSpec(240, "Q-7", TODAY), now=NOW)
    for site in made:
        with transaction(db.session, now=NOW):
            service.book(db.session, who, some_work(site), now=NOW)
            service.book(db.session, who, some_work(site, 60, WorkKind.PS), now=NOW)
    return made


def refused(statement: sa.Executable, words: str, kind: type[DBAPIError] = IntegrityError) -> None:
    with pytest.raises(kind, match=words), transaction(db.session, now=NOW):
        db.session.execute(statement)


def entry_of(site: Site, kind: str = "known_incompatibility") -> Any:
    return db.session.scalars(sa.select(ENTRY.c.id).where(ENTRY.c.site_id == site.id, ENTRY.c.kind == kind)).one()


def budget_of(site: Site, kind: str = "known_incompatibility") -> Any:
    where = BUDGET.c.site_id == site.id if kind != "ps" else BUDGET.c.engagement_id == site.engagement_id
    return db.session.scalars(sa.select(BUDGET.c.id).where(where, BUDGET.c.kind == kind)).one()


def block_of(site: Site) -> Any:
    return db.session.scalars(sa.select(BLOCK.c.id).where(BLOCK.c.engagement_id == site.engagement_id)).one()


def posting(site: Site, **over: Any) -> sa.Insert:
    values = {"id": new_id(), "engagement_id": site.engagement_id, "site_id": site.id, "entry_id": entry_of(site)}
    values |= {"budget_id": budget_of(site), "block_id": None, "minutes": 1, "approved_minutes": 0, "at": NOW}
    return sa.insert(POSTING).values(values | over)


Sites = tuple[Site, Site, Site]


def test_a_lawful_posting_is_taken(sites: Sites) -> None:
    with transaction(db.session, now=NOW):
        db.session.execute(posting(sites[0]))


@pytest.mark.parametrize("values", [{"booked": 301}, {"approved": 121}, {"booked": -1}, {"limit_minutes": 59}, {"approved": -1}])
def test_no_counter_leaves_its_bounds(sites: Sites, values: dict[str, int]) -> None:
    own = sa.update(BUDGET).where(BUDGET.c.id == budget_of(sites[0]))
    refused(own.values(values), "within_limit")
    if "limit_minutes" not in values:
        refused(sa.update(BLOCK).where(BLOCK.c.id == block_of(sites[0])).values(values), "within_limit")


def test_a_block_is_four_hours_or_more(sites: Sites) -> None:
    refused(sa.update(BLOCK).where(BLOCK.c.id == block_of(sites[0])).values(limit_minutes=239), "four_hours")


def test_an_engagement_has_one_pool_and_a_site_one_budget_of_a_kind(sites: Sites) -> None:
    site = sites[0]
    pool: dict[str, Any] = {"id": new_id(), "engagement_id": site.engagement_id, "site_id": None, "kind": "ps"}
    pool |= {"limit_minutes": 0, "booked": 0, "approved": 0}
    refused(sa.insert(BUDGET).values(pool), "(?i)unique")
    refused(sa.insert(BUDGET).values(pool | {"site_id": site.id, "kind": "known_incompatibility"}), "(?i)unique")
    refused(sa.insert(BUDGET).values(pool | {"site_id": site.id}), "pool_of_engagement")
    refused(sa.insert(BUDGET).values(pool | {"kind": "premium_extra"}), "pool_of_engagement")
    refused(sa.insert(BUDGET).values(pool | {"kind": "gift"}), "kind_known|pool_of_engagement")


def test_a_posting_stays_within_one_engagement(sites: Sites) -> None:
    shop, _blog, foreign = sites
    keys = "(?i)foreign key"
    refused(posting(shop, entry_id=entry_of(foreign)), keys)
    refused(posting(shop, budget_id=budget_of(foreign)), keys)
    refused(posting(shop, engagement_id=foreign.engagement_id), keys)
    ps = {"site_id": None, "entry_id": entry_of(shop, "ps"), "budget_id": budget_of(shop, "ps"), "block_id": block_of(shop)}
    with transaction(db.session, now=NOW):
        db.session.execute(posting(shop, **ps))
    refused(posting(shop, **ps | {"block_id": block_of(foreign)}), keys)
    refused(posting(shop, **ps | {"budget_id": budget_of(foreign, "ps")}), keys)


def test_the_budget_of_one_site_does_not_pay_for_an_entry_of_another(sites: Sites) -> None:
    shop, blog, _foreign = sites
    refused(posting(shop, budget_id=budget_of(blog)), "(?i)foreign key")
    refused(posting(shop, budget_id=budget_of(blog), site_id=blog.id), "(?i)foreign key")
    refused(posting(shop, entry_id=entry_of(blog)), "(?i)foreign key")
    refused(posting(shop, site_id=None), "site_or_block")
    refused(posting(shop, minutes=0), "moves_something")


def test_a_posting_is_for_ever(sites: Sites) -> None:
    append_only = "posting is append-only"
    refused(sa.update(POSTING).values(minutes=1), append_only, DBAPIError)
    refused(sa.delete(POSTING), append_only, DBAPIError)


WORKED: list[dict[str, Any]] = [{"minutes": 1}, {"note": "other"}, {"worked_on": TODAY.replace(day=1)}]
NEVER: list[dict[str, Any]] = [{"kind": "included"}, {"person_id": new_id()}, {"moved_from_id": new_id()}, {"import_key": "x"}]


@pytest.mark.parametrize("values", WORKED)
def test_what_was_worked_changes_in_a_draft_only(sites: Sites, values: dict[str, Any]) -> None:
    own = sa.update(ENTRY).where(ENTRY.c.id == entry_of(sites[0]))
    with transaction(db.session, now=NOW):
        db.session.execute(own.values(values))
    refused(own.values(values | {"state": "submitted", "minutes": 2}), "time_entry is append-only", DBAPIError)
    with transaction(db.session, now=NOW):
        db.session.execute(own.values(state="submitted"))
    refused(own.values({"minutes": 3, "note": "third"}), "time_entry is append-only", DBAPIError)
    refused(own.values({"minutes": 3, "state": "draft"}), "time_entry is append-only", DBAPIError)


@pytest.mark.parametrize("values", NEVER)
def test_whose_and_what_work_it_was_is_for_ever(sites: Sites, values: dict[str, Any]) -> None:
    own = sa.update(ENTRY).where(ENTRY.c.id == entry_of(sites[0]))
    refused(own.values(values), "time_entry is append-only", DBAPIError)


def test_a_closed_day_takes_no_entry_and_changes_none(sites: Sites) -> None:
    site, closed = sites[0], "the hours of that day are closed"
    row = dict(db.session.execute(sa.select(ENTRY).where(ENTRY.c.id == entry_of(site))).mappings().one())
    shut = sa.update(table_of(Engagement)).where(table_of(Engagement).c.id == site.engagement_id)
    with transaction(db.session, now=NOW):
        db.session.execute(shut.values(hours_locked_through=TODAY))
    own = sa.update(ENTRY).where(ENTRY.c.id == row["id"])
    refused(sa.insert(ENTRY).values(row | {"id": new_id()}), closed, DBAPIError)
    refused(own.values(state="submitted"), closed, DBAPIError)
    refused(own.values(worked_on=TODAY + timedelta(days=1)), closed, DBAPIError)
    with transaction(db.session, now=NOW):
        db.session.execute(sa.insert(ENTRY).values(row | {"id": new_id(), "worked_on": TODAY + timedelta(days=1)}))
    refused(own.values(worked_on=TODAY), closed, DBAPIError)


def test_an_entry_is_decided_on_but_never_deleted_or_moved_elsewhere(sites: Sites) -> None:
    shop, blog, _foreign = sites
    own = sa.update(ENTRY).where(ENTRY.c.id == entry_of(shop))
    refused(own.values(site_id=blog.id), "time_entry is append-only", DBAPIError)
    refused(sa.delete(ENTRY), "time_entry is append-only", DBAPIError)
    refused(own.values(state="invented"), "state_known")
    with transaction(db.session, now=NOW):
        db.session.execute(own.values(state="submitted", decided_at=NOW))


def test_an_entry_is_reversed_once_by_one_of_opposite_sign(sites: Sites) -> None:
    site = sites[0]
    row = db.session.execute(sa.select(ENTRY).where(ENTRY.c.id == entry_of(site))).mappings().one()
    reversal = dict(row) | {"id": new_id(), "minutes": -60, "state": "reversal", "reverses_id": row["id"]}
    refused(sa.insert(ENTRY).values(reversal | {"minutes": 60}), "minutes_signed")
    refused(sa.insert(ENTRY).values(reversal | {"reverses_id": None}), "minutes_signed")
    with transaction(db.session, now=NOW):
        db.session.execute(sa.insert(ENTRY).values(reversal))
    refused(sa.insert(ENTRY).values(reversal | {"id": new_id()}), "(?i)unique")


def test_the_triggers_at_head_are_these(app: Flask) -> None:
    if db.engine.dialect.name == "sqlite":
        query = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = (
            "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
            "WHERE NOT t.tgisinternal AND t.tgenabled = 'O'"
        )
    assert {(row[0], row[1]) for row in db.session.execute(sa.text(query))} == EXPECTED
