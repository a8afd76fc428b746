"""Hours from a file: every good row by the one booking path, bad ones told, and the same file again changes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, actor, make_agreed_site, make_engagement, make_person, make_site, some_work
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import BudgetKind
from tracker.domain.time_import import Change
from tracker.intake.time_entries import read_entries
from tracker.services import hours_lock, time_entry
from tracker.services import time_import as service
from tracker.services.budget import BlockSpec, sell_block
from tracker.services.engagement import add_member
from tracker.services.time_entry import DraftChange
from tracker.services.time_import import Outcome
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store.audit import AuditEntry
from tracker.store.budget import Budget, counter_faults
from tracker.store.database import db
from tracker.store.person import Person
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry, entry_faults
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
HEAD = "day,site,duration,kind,activity,note"


def table(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows]).encode()


@pytest.fixture
def ann(app: Flask) -> Person:
    """An administrator, who sees every site and enters the hours of others."""
    return make_person("admin", name="Ann", email="ann@example.com")


@pytest.fixture
def shop(app: Flask) -> Site:
    return make_agreed_site(name="Shop", url="https://shop.example.com")


def send(who: Person | Actor, data: bytes, **over: Any) -> Outcome:
    """Import a file as somebody."""
    acting = actor(who) if isinstance(who, Person) else who
    with transaction(db.session, now=NOW):
        return service.import_file(db.session, acting, read_entries(data), now=NOW, **over)


def entries() -> list[TimeEntry]:
    db.session.close()
    return list(db.session.scalars(sa.select(TimeEntry).order_by(TimeEntry.id)))


def changes(outcome: Outcome) -> list[tuple[int, str]]:
    return [(each.row, each.change.value) for each in outcome.accepted]


def reasons(outcome: Outcome) -> list[tuple[int, str, str]]:
    return [(each.row, each.column, each.reason) for each in outcome.rejected]


def the_reason(outcome: Outcome) -> tuple[str, str]:
    ((_row, column, reason),) = reasons(outcome)
    return column, reason


def left(site: Site, kind: BudgetKind = BudgetKind.ALLOWANCE) -> int:
    db.session.close()
    return budgets.of_site(db.session, site.engagement_id, site.id)[kind].balance.left


def engineer_of(*sites: Site) -> Person:
    person = make_person("engineer")
    with transaction(db.session, now=NOW):
        for site in sites:
            add_member(db.session, SYSTEM, site.engagement_id, person.id, now=NOW)
    return person


def test_rows_are_booked_as_drafts_of_whoever_sends_them(ann: Person, shop: Site) -> None:
    outcome = send(ann, table("2026-02-27,Shop,1h30,known_incompatibility,research,Cache", "27.02.2026,Shop,0.5,included,,"))
    assert changes(outcome) == [(2, "new"), (3, "new")]
    assert [(each.minutes, each.state, each.note, each.person_id, each.kind) for each in entries()] == [
        (90, "draft", "Cache", ann.id, "known_incompatibility"), (30, "draft", "", ann.id, "included"),
    ]  # fmt: skip
    assert left(shop) == 210
    assert (counter_faults(db.session), entry_faults(db.session)) == ([], [])


def test_a_try_leaves_nothing_behind_and_says_what_would_be_left(ann: Person, shop: Site) -> None:
    file = read_entries(table(*(f"2026-02-27,Shop,{hours}h,known_incompatibility,research," for hours in (4, 2, 0.5))))
    with transaction(db.session, now=NOW):
        before = budgets.of_site(db.session, shop.engagement_id, shop.id)
        tried = service.try_file(db.session, actor(ann), file, now=NOW)
    assert BudgetKind.ALLOWANCE in before, "what was read before is still in hand, and yet not what is told"
    assert [(each.row, each.change, each.id) for each in tried.accepted] == [(2, Change.NEW, None), (4, Change.NEW, None)]
    assert the_reason(tried)[1].startswith(
        "Known-incompatibility allowance: 1 h left, so this does not fit. Ways on: Sell a PS block"
    )
    (site,) = tried.sites
    assert (site.name, site.minutes, [(room.kind, room.left) for room in site.rooms]) == (
        "Shop", 270, [("known_incompatibility", 30)],
    )  # fmt: skip
    assert (entries(), left(shop)) == ([], 300)
    said = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.chain == str(shop.engagement_id)))
    assert "time_entry.booked" not in set(said)
    assert audit.chain_faults(db.session) == []


def test_the_same_file_again_changes_nothing_not_even_after_a_reversal_or_a_mended_draft(ann: Person, shop: Site) -> None:
    data = table(*["2026-02-27,Shop,30m,known_incompatibility,research,Alike"] * 2, "2026-02-26,Shop,1h,included,,Kick-off")
    first = send(ann, data)
    one, two, three = entries()
    with transaction(db.session, now=NOW):
        time_entry.reverse(db.session, actor(ann), one.id, None, now=NOW)
        time_entry.mend(db.session, actor(ann), three.id, DraftChange({"minutes": 45}), now=NOW)
    again = send(ann, data)
    assert changes(again) == [(2, "already there"), (3, "already there"), (4, "already there")]
    assert [each.id for each in again.accepted] == [each.id for each in first.accepted]
    assert [each.state for each in again.accepted] == ["reversed", "draft", "draft"]
    assert len(entries()) == 4, "the reversal is the only further entry"
    assert left(shop) == 270
    assert two.import_key != one.import_key


def test_a_file_that_overlaps_an_earlier_one_books_what_is_new(ann: Person, shop: Site) -> None:
    alike = "2026-02-27,Shop,30m,included,,Alike"
    send(ann, table(alike))
    again = send(ann, table("2026-02-26,Shop,1h,included,,Another", alike, alike))
    assert changes(again) == [(2, "new"), (3, "already there"), (4, "new")]


def test_a_bad_row_says_why_in_the_words_of_the_form_and_holds_up_no_other(ann: Person, shop: Site) -> None:
    other = make_site(make_engagement(), name="Unlisted")
    assert other.listed_in_version is None
    outcome = send(
        ann,
        table(
            "2026-03-09,Shop,1h,included,,",
            "2026-01-02,Shop,1h,included,,",
            "2026-02-27,Unlisted,1h,included,,",
            "2026-02-27,Nowhere,1h,included,,",
            "2026-02-27,Shop,1h,known_incompatibility,,",
            "2026-02-27,Shop,1h,premium,,",
            "2026-02-27,Shop,1h,ps,,",
            "2026-02-27,Shop,1h,included,,Fine",
        ),
    )
    assert [(row, column, reason.split(".")[0]) for row, column, reason in reasons(outcome)] == [
        (2, "worked_on", "That day lies in the future"),
        (3, "worked_on", "The agreement was signed on 2026-01-12; work before it cannot be logged"),
        (4, "site", "This site is not in the agreed requirements, so no work can be logged on it"),
        (5, "site", "There is no such site, or it is not yours to log on"),
        (6, "activity", "The allowance pays for research or a known solution only"),
        (7, "kind", "This site has no Premium extra hours"),
        (8, "ps_kind", "PS work says what kind it is"),
    ]
    assert changes(outcome) == [(9, "new")]


def test_a_closed_day_refuses_its_rows_only(ann: Person, shop: Site) -> None:
    with transaction(db.session, now=NOW):
        hours_lock.close_hours(db.session, actor(ann), shop.engagement_id, NOW.date().replace(day=1), now=NOW)
    outcome = send(ann, table("2026-02-27,Shop,1h,included,,", "2026-03-02,Shop,1h,included,,"))
    assert the_reason(outcome)[0] == "worked_on"
    assert "are closed" in the_reason(outcome)[1]
    assert changes(outcome) == [(3, "new")]


def test_what_does_not_fit_is_split_where_that_is_asked_in_the_row_or_for_the_file(ann: Person, shop: Site) -> None:
    with transaction(db.session, now=NOW):
        sell_block(db.session, actor(ann), shop.engagement_id, BlockSpec(240, "Q-1", NOW.date()), now=NOW)
    head = f"{HEAD},split"
    row = "2026-02-27,Shop,5h30,known_incompatibility,research,Long"
    refused = send(ann, table(f"{row},no", head=head), split=True)
    assert the_reason(refused)[0] == "duration"
    assert "Put 30 min on PS hours (write yes under split); Sell a PS block" in the_reason(refused)[1]
    data = table(f"{row},yes", "2026-02-26,Shop,1h,known_incompatibility,research,More,", head=head)
    assert changes(send(ann, data, split=True)) == [(2, "new"), (3, "new")]
    assert [(each.kind, each.minutes) for each in entries()] == [("known_incompatibility", 300), ("ps", 30), ("ps", 60)]
    assert changes(send(ann, data, split=True)) == [(2, "already there"), (3, "already there")]
    assert (left(shop), left(shop, BudgetKind.PS)) == (0, 150)


def test_what_was_rejected_for_want_of_hours_is_booked_when_it_comes_back_alone(ann: Person, shop: Site) -> None:
    """Of two rows alike the first took the hours; the second is the second still in the file of rejected rows."""
    alike = "2026-02-27,Shop,3h,known_incompatibility,research,Alike"
    outcome = send(ann, table(alike, alike))
    (rejected,) = outcome.rejected
    with transaction(db.session, now=NOW):
        mine = Budget.engagement_id == shop.engagement_id, Budget.kind == "known_incompatibility"
        db.session.execute(sa.update(Budget).where(*mine).values(limit_minutes=400))
    names, cells = zip(*rejected.cells, strict=True)
    back = table(",".join(cells), head=",".join(names))
    assert changes(send(ann, back)) == [(2, "new")]
    assert changes(send(ann, back)) == [(2, "already there")]
    assert len(entries()) == 2


def test_engineers_enter_their_own_hours_and_managers_those_of_others(ann: Person, shop: Site) -> None:
    engineer, stranger = engineer_of(shop), make_person("customer_viewer")
    head = f"{HEAD},E-Mail"
    row = "2026-02-27,Shop,1h,included,,"
    outcome = send(
        ann, table(f"{row},{engineer.email.upper()}", f"{row},nobody@example.com", f"{row},{stranger.email}", head=head)
    )
    assert [each.person_id for each in entries()] == [engineer.id]
    assert [reason for _row, _column, reason in reasons(outcome)] == [
        "Nobody here has this address.", "Hours are logged for people of the team.",
    ]  # fmt: skip
    own = send(engineer, table(f"{row}Own,{engineer.email}", f"{row},{ann.email}", f"{row},nobody@example.com", head=head))
    assert changes(own) == [(2, "new")]
    assert {(column, reason) for _row, column, reason in reasons(own)} == {
        ("person_email", "You log your own hours. An engagement manager enters those of others.")
    }


def test_a_site_is_named_by_its_address_its_name_or_its_id(ann: Person, shop: Site) -> None:
    words = (str(shop.id), "shop.example.com", "https://SHOP.example.com/", "shop")
    outcome = send(ann, table(*(f"2026-02-27,{word},1m,included,,{place}" for place, word in enumerate(words))))
    assert len(changes(outcome)) == 4
    twin = make_agreed_site(name="Shop", url="https://shop.example.com")
    unclear = send(ann, table("2026-02-27,Shop,1h,included,,"))
    assert the_reason(unclear)[0] == "site"
    assert "Several sites are called so" in the_reason(unclear)[1]
    engagement = db.session.get_one(type(make_engagement()), twin.engagement_id).name
    clear = send(ann, table(f"2026-02-27,Shop,1h,included,,,{engagement}", head=f"{HEAD},project"))
    assert (changes(clear), entries()[-1].site_id) == ([(2, "new")], twin.id)
    crossed = send(ann, table("2026-02-27,Shop,1h,included,,,other.example.com", head=f"{HEAD},url"))
    assert the_reason(crossed) == ("site_url", "There is no such site, or it is not yours to log on.")


def test_a_foreign_site_is_told_in_the_words_for_one_that_is_not_there(shop: Site) -> None:
    engineer = engineer_of(make_agreed_site(name="Mine"))
    for word in ("Shop", "shop.example.com", str(shop.id), "Nowhere", "nowhere.example.com"):
        outcome = send(engineer, table(f"2026-02-27,{word},1h,included,,"))
        assert the_reason(outcome) == ("site", "There is no such site, or it is not yours to log on.")


def exported(entry: TimeEntry, **over: str) -> bytes:
    said = {"id": str(entry.id), "worked_on": entry.worked_on.isoformat(), "site_id": str(entry.site_id)}
    said |= {"minutes": str(entry.minutes), "kind": entry.kind, "activity": entry.activity or "", "note": entry.note}
    said |= {"state": entry.state} | over
    return table(",".join(said.values()), head=",".join(said))


def test_a_row_with_the_id_of_an_entry_is_that_entry_or_is_rejected(ann: Person, shop: Site) -> None:
    with transaction(db.session, now=NOW):
        entry = time_entry.book(db.session, actor(ann), some_work(shop, 60, note="Typed"), now=NOW)[0].entry
    same = send(ann, exported(entry))
    assert [(each.id, each.change) for each in same.accepted] == [(entry.id, Change.THERE)]
    column, reason = the_reason(send(ann, exported(entry, minutes="61", note="Else")))
    assert (column, reason.split(".")[0]) == ("id", "The entry of this id has another minutes and note")
    assert len(entries()) == 1


def test_a_row_without_hours_where_it_comes_from_is_not_booked_here(ann: Person, shop: Site) -> None:
    head = f"{HEAD},state"
    outcome = send(ann, table("2026-02-27,Shop,−1:30,included,,,reversal", "2026-02-27,Shop,1:30,included,,,reversed", head=head))
    assert {(column, reason) for _row, column, reason in reasons(outcome)} == {
        ("state", "It is reversal where it comes from, so it holds no hours: there is nothing to book."),
        ("state", "It is reversed where it comes from, so it holds no hours: there is nothing to book."),
    }


def test_a_failure_half_way_leaves_the_database_as_it_was(ann: Person, shop: Site) -> None:
    file = read_entries(table(*(f"2026-02-27,Shop,1m,included,,{number}" for number in range(5))))
    # What no reader lets through stands for whatever may go wrong in the middle.
    broken = replace(file, rows=(*file.rows, replace(file.rows[0], row=9, said=dict(file.rows[0].said) | {"minutes": "sixty"})))
    with pytest.raises(TypeError), transaction(db.session, now=NOW):
        service.import_file(db.session, actor(ann), broken, now=NOW)
    assert entries() == []


def test_two_who_send_the_same_file_at_once_book_each_row_once(app: Flask, ann: Person, shop: Site) -> None:
    rows = [f"2026-02-{day:02},Shop,1m,known_incompatibility,research,Day {day}" for day in range(1, 21)]
    begin, told = Barrier(4), list[Sequence[tuple[int, str]]]()
    who = actor(ann)
    db.session.close()

    def once() -> None:
        with app.app_context():
            begin.wait(timeout=10)
            told.append(changes(send(who, table(*rows))))
            db.session.remove()

    threads = [Thread(target=once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(sum(change == "new" for _row, change in each) for each in told) == [0, 0, 0, 20]
    assert (len(entries()), left(shop)) == (20, 280)


def test_a_kept_file_is_tried_again_and_imported_with_what_came_of_it(ann: Person, shop: Site) -> None:
    with transaction(db.session, now=NOW):
        sell_block(db.session, actor(ann), shop.engagement_id, BlockSpec(240, "Q-1", NOW.date()), now=NOW)
        file = read_entries(table("2026-02-27,Shop,6h,known_incompatibility,research,", "x,Shop,1h,included,,"))
        kept = service.keep_file(db.session, actor(ann), file, split=False, now=NOW, name="march.csv").id
    with transaction(db.session, now=NOW):
        before = service.outcome_of(service.try_kept(db.session, actor(ann), kept, split=False, now=NOW))
        after = service.outcome_of(service.try_kept(db.session, actor(ann), kept, split=True, now=NOW))
    assert ([each.row for each in before.rejected], [each.row for each in after.rejected]) == ([2, 3], [3])
    assert entries() == []
    with transaction(db.session, now=NOW):
        done = service.import_kept(db.session, actor(ann), kept, now=NOW)
    assert done.imported_at == NOW
    assert [(each.row, each.change, each.id is None) for each in service.outcome_of(done).accepted] == [(2, Change.NEW, False)]
    assert [each.minutes for each in entries()] == [300, 60]


def test_a_warning_of_a_long_day_comes_with_the_row(ann: Person, shop: Site) -> None:
    outcome = send(ann, table("2026-02-27,Shop,20h,included,,", "2026-02-27,Shop,5h,included,,"))
    assert [bool(each.warning) for each in outcome.accepted] == [False, True]
