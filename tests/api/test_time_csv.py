"""Hours as CSV over the API: out, in again, and into another installation."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.api.conftest import Ask, Asking
from tests.conftest import migrated, settings_for
from tests.factories import (
    NOW,
    SIGNED_ON,
    TODAY,
    actor,
    agree,
    make_agreed_site,
    make_engagement,
    make_person,
    make_site,
    make_token,
    some_work,
)
from tracker.app import create_app
from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.time_sheet import COLUMNS
from tracker.edge import time_sheet
from tracker.services import time_entry
from tracker.services.budget import BlockSpec, sell_block
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

HEAD = b"day,site,hours,kind,note\n"
TABLE = HEAD + b"2026-02-27,Shop,1:30,included,Call\n3/2/2026,Shop,1h,included,\n2026-02-27,Shop,30,included,\n"


@pytest.fixture
def shop(app: Flask) -> Site:
    return make_agreed_site(name="Shop", url="https://shop.example.com")


def text_of(app: Flask, person: Person, query: str = "") -> str:
    """The export as somebody gets it."""
    headers = {"Authorization": f"Bearer {make_token(person)}"}
    answer = app.test_client().get(f"/api/v1/time-entries.csv{query}", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv"), answer.text
    return answer.get_data(as_text=True)


def rows_of(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff"), "a spreadsheet takes it for UTF-8"
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def book(who: Actor, site: Site, minutes: int = 60, **over: Any) -> TimeEntry:
    with transaction(db.session, now=NOW):
        return time_entry.book(db.session, who, some_work(site, minutes, **over), now=NOW)[0].entry


def count() -> int:
    db.session.close()
    return db.session.scalar(sa.select(sa.func.count()).select_from(TimeEntry)) or 0


def test_a_file_is_tried_then_imported_and_the_second_time_changes_nothing(ask: Ask, shop: Site) -> None:
    tried = ask("POST", "/time-entries/import?dry_run=true", TABLE)
    assert tried.status_code == 200
    assert tried.json["accepted"] == [{"row": 2, "id": None, "change": "new", "state": "draft", "warning": None}]
    assert [(each["row"], each["column"], each["value"]) for each in tried.json["rejected"]] == [
        (3, "worked_on", "3/2/2026"), (4, "duration", "30"),
    ]  # fmt: skip
    assert tried.json["rejected"][1]["reason"] == "30: write 30m or 30h"
    assert (tried.json["sites"][0]["minutes"], count()) == (90, 0)
    done = ask("POST", "/time-entries/import", TABLE)
    (entry,) = ask("GET", "/time-entries").json["items"]
    assert [(each["row"], each["id"], each["change"]) for each in done.json["accepted"]] == [(2, entry["id"], "new")]
    assert (entry["minutes"], entry["state"], entry["note"]) == (90, "draft", "Call")
    again = ask("POST", "/time-entries/import", TABLE)
    assert [(each["id"], each["change"]) for each in again.json["accepted"]] == [(entry["id"], "already there")]
    ask("POST", f"/time-entries/{entry['id']}/reversal", {})
    later = ask("POST", "/time-entries/import", TABLE)
    assert [(each["change"], each["state"]) for each in later.json["accepted"]] == [("already there", "reversed")]
    assert count() == 2


def test_a_file_under_one_key_is_answered_once(ask: Ask, shop: Site) -> None:
    first, second = (ask("POST", "/time-entries/import", TABLE, Idempotency_Key="k") for _ in range(2))
    assert first.json == second.json
    assert second.headers["Idempotency-Replayed"] == "true"


def test_a_hundred_thousand_rows_are_refused_in_rows_not_in_bytes(ask: Ask, shop: Site) -> None:
    long = b"day,site,hours,kind\n" + b"2026-02-27,Shop,1h,included\n" * 100_000
    answer = ask("POST", "/time-entries/import", long)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert answer.json["errors"] == [{"field": "file", "message": "This file has more than 2,000 rows. Split it."}]
    assert ask("POST", "/time-entries/import", b"x" * 17_000_000).status_code == 413
    assert ask("POST", f"/sites/{shop.id}/inventory", long).status_code == 413, "other files are not"


@pytest.mark.parametrize("data", [b"", b"\x00\x01\xff", b"day,site,hours,kind\n", b"a" * 1000])
def test_what_is_no_table_answers_422(ask: Ask, data: bytes) -> None:
    answer = ask("POST", "/time-entries/import", data)
    assert (answer.status_code, answer.json["code"]) == (422, "unreadable_file")


def test_a_secret_in_a_note_is_neither_answered_nor_kept(ask: Ask, shop: Site) -> None:
    answer = ask("POST", "/time-entries/import", HEAD + b"2026-02-27,Shop,1h,included,password: hunter2hunter2\n")
    assert answer.json["accepted"] == []
    assert "hunter2" not in str(answer.json)
    assert "looks like a password" in answer.json["rejected"][0]["reason"]


def test_an_engineer_exports_their_engagements_and_customers_nothing(app: Flask, asking: Asking, shop: Site) -> None:
    book(actor(make_person("admin")), shop)
    assert rows_of(text_of(app, make_person("engineer"))) == []
    assert asking(make_person("customer_approver"))("GET", "/time-entries.csv").status_code == 404


def test_the_export_is_narrowed_by_every_filter(app: Flask, asking: Asking, shop: Site) -> None:
    ann, ben = make_person("admin"), make_person("admin")
    other = make_agreed_site(name="Blog")
    one = book(actor(ann), shop, note="one")
    book(actor(ben), other, kind=WorkKind.INCLUDED, activity=None, worked_on=SIGNED_ON, note="two")
    with transaction(db.session, now=NOW):
        time_entry.submit(db.session, actor(ann), one.id, now=NOW)
    for query, notes in (
        ("", ["one", "two"]),
        (f"?engagement_id={shop.engagement_id}", ["one"]),
        (f"?site_id={other.id}", ["two"]),
        (f"?person_id={ann.id}", ["one"]),
        ("?state=submitted", ["one"]),
        ("?kind=included", ["two"]),
        (f"?from={TODAY.isoformat()}", ["one"]),
        (f"?to={SIGNED_ON.isoformat()}", ["two"]),
        (f"?from={TODAY.isoformat()}&kind=included", []),
    ):
        assert [row["note"] for row in rows_of(text_of(app, ann, query))] == notes, query
    ask = asking(ann)
    for query in ("state=gone", "kind=holiday", "from=yesterday", "site_id=shop", "first=2026-03-02", "who=ann"):
        assert ask("GET", f"/time-entries.csv?{query}").status_code == 422, query


def test_a_long_export_is_sent_in_stretches_and_is_whole(app: Flask, shop: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ann = make_person("admin")
    for number in range(7):
        book(actor(ann), shop, 1, note=str(number))
    monkeypatch.setattr(time_sheet, "STRETCH", 3)
    assert [row["note"] for row in rows_of(text_of(app, ann))] == [str(number) for number in range(7)]


def lay_twin() -> Person:
    """The same engagement with the same sites, agreed, and its manager."""
    ann = make_person("admin", name="Ann", email="ann@example.com")
    make_person("engineer", name="Ben", email="ben@example.com")
    engagement = make_engagement(ann, name="Harbour move")
    for name in ("Shop", "Blog"):
        make_site(engagement, name=name, url=f"https://{name.lower()}.example.com")
    agree(engagement)
    with transaction(db.session, now=NOW):
        sell_block(db.session, actor(ann), engagement.id, BlockSpec(600, "Q-1", TODAY), now=NOW)
    return ann


def work_on(ann: Person) -> None:
    """Hours of every kind and state: a split, a reversal, a rejection, and two alike."""
    who = actor(ann)
    ben = db.session.scalars(sa.select(Person.id).where(Person.email == "ben@example.com")).one()
    shop, blog = db.session.scalars(sa.select(Site).order_by(Site.id))
    with transaction(db.session, now=NOW):
        made = time_entry.book(db.session, who, some_work(shop, 400, note='=Split,\n"quoted"'), split=True, now=NOW)
        made += time_entry.book(db.session, who, some_work(blog, 90, note="'=guarded", person_id=ben), now=NOW)
        for _ in range(2):
            made += time_entry.book(db.session, who, some_work(blog, 15, WorkKind.INCLUDED, note="Alike"), now=NOW)
        taken_back = time_entry.book(db.session, who, some_work(blog, 30, note="Wrong"), now=NOW)[0].entry
        turned_down = time_entry.book(db.session, who, some_work(blog, 45, note="No"), now=NOW)[0].entry
        time_entry.submit_all(db.session, who, [turned_down.id, made[0].entry.id], now=NOW)
        time_entry.approve(db.session, who, made[0].entry.id, now=NOW)
        time_entry.reject(db.session, who, turned_down.id, "Not ours", now=NOW)
        time_entry.reverse(db.session, who, taken_back.id, None, now=NOW)


def totals() -> dict[tuple[str, str, str], int]:
    """The standing minutes by site, kind and person."""
    db.session.close()
    query = (
        sa.select(Site.name, TimeEntry.kind, Person.email, sa.func.sum(TimeEntry.minutes))
        .join(Site, Site.id == TimeEntry.site_id)
        .join(Person, Person.id == TimeEntry.person_id)
        .where(TimeEntry.state.in_(("draft", "submitted", "approved")))
        .group_by(Site.name, TimeEntry.kind, Person.email)
    )
    return {(row[0], row[1], row[2]): int(row[3]) for row in db.session.execute(query)}


def test_an_export_changes_nothing_here_and_brings_the_same_hours_to_a_twin(app: Flask, asking: Asking, tmp_path: Path) -> None:
    ann = lay_twin()
    work_on(ann)
    text, here, rows = text_of(app, ann), totals(), count()
    assert list(rows_of(text)[0]) == list(COLUMNS)
    assert sum(int(row["minutes"]) for row in rows_of(text)) == sum(here.values()) + 45, "a rejected entry keeps its minutes"
    back = asking(ann)("POST", "/time-entries/import", text.encode()).json
    assert (len(back["accepted"]), {each["change"] for each in back["accepted"]}) == (rows, {"already there"})
    assert (back["rejected"], totals(), count()) == ([], here, rows)
    folder = tmp_path / "twin"
    folder.mkdir()
    settings = settings_for(folder)
    migrated(settings)
    twin = create_app(settings)
    with twin.app_context():
        token = make_token(lay_twin())
        for change, number in (("new", 5), ("already there", 5)):
            headers = {"Authorization": f"Bearer {token}"}
            answer = twin.test_client().post("/api/v1/time-entries/import", data=text.encode(), headers=headers)
            told: Any = answer.json
            assert [each["change"] for each in told["accepted"]] == [change] * number
            assert {each["column"] for each in told["rejected"]} == {"state"}
            assert totals() == here
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Engagement)) == 1
        db.session.remove()
        db.engine.dispose()
