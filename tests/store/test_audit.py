"""The audit trail: what its chains prove, and which tampering they show."""

from collections.abc import Callable
from threading import Barrier, Thread
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, make_engagement
from tracker.domain.access import SYSTEM
from tracker.store import audit
from tracker.store.audit import GENESIS, AuditChain, AuditEntry, chain_faults
from tracker.store.database import db, table_of
from tracker.store.engagement import Engagement
from tracker.store.transaction import transaction

ENTRY, CHAIN = table_of(AuditEntry), table_of(AuditChain)
Tamper = Callable[..., None]


def do(engagement_id: UUID | None, *actions: str) -> None:
    """One unit that does some things."""
    with transaction(db.session, now=NOW):
        for action in actions:
            audit.record(db.session, SYSTEM, engagement_id, action, ("thing", None), {"what": action})


@pytest.fixture
def engagement(app: Flask) -> Engagement:
    """An engagement on whose chain stand its creation and four further entries."""
    made = make_engagement()
    do(made.id, "one", "two", "three", "four")
    return made


@pytest.fixture
def tamper(app: Flask) -> Tamper:
    """Change the trail as somebody could who owns the database: past the triggers."""

    def change(*statements: sa.Executable) -> None:
        sqlite = db.engine.dialect.name == "sqlite"
        with transaction(db.session, now=NOW):
            if sqlite:
                for name in db.session.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                    db.session.execute(sa.text(f"DROP TRIGGER {name}"))
            else:
                db.session.execute(sa.text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                db.session.execute(statement)

    return change


def on(engagement: Engagement, seq: int) -> sa.ColumnElement[bool]:
    return sa.and_(ENTRY.c.chain == str(engagement.id), ENTRY.c.seq == seq)


def faults() -> list[str]:
    db.session.close()
    return [fault.partition(", ")[2] or fault.partition(": ")[2] for fault in chain_faults(db.session)]


def test_each_engagement_has_a_chain_of_its_own_and_the_installation_another(engagement: Engagement) -> None:
    other = make_engagement()
    do(None, "alone")
    assert chain_faults(db.session) == []
    rows = db.session.execute(sa.select(ENTRY).where(ENTRY.c.chain == str(engagement.id)).order_by(ENTRY.c.seq)).all()
    assert [(row.seq, row.action) for row in rows] == [
        (1, "engagement.created"),
        (2, "one"),
        (3, "two"),
        (4, "three"),
        (5, "four"),
    ]
    assert [row.previous_hash for row in rows] == [GENESIS, *(row.hash for row in rows[:-1])]
    assert set(db.session.scalars(sa.select(CHAIN.c.chain))) == {str(engagement.id), str(other.id), "installation"}


def test_a_unit_that_fails_leaves_no_line(engagement: Engagement) -> None:
    def fail() -> None:
        with transaction(db.session, now=NOW):
            audit.record(db.session, SYSTEM, engagement.id, "undone", ("thing", None))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert db.session.scalar(sa.select(sa.func.max(ENTRY.c.seq)).where(ENTRY.c.chain == str(engagement.id))) == 5
    assert chain_faults(db.session) == []


def test_a_changed_payload_is_found(engagement: Engagement, tamper: Tamper) -> None:
    tamper(sa.update(ENTRY).where(on(engagement, 3)).values(payload={"what": "nothing"}))
    assert faults() == ["entry 3: its payload was changed"]


@pytest.mark.parametrize("column", ["action", "actor_name", "subject_type", "payload_hash"])
def test_a_changed_entry_is_found(engagement: Engagement, tamper: Tamper, column: str) -> None:
    tamper(sa.update(ENTRY).where(on(engagement, 3)).values({column: "other"}))
    assert "entry 3: its hash does not fit" in faults()


def test_a_removed_entry_is_found(engagement: Engagement, tamper: Tamper) -> None:
    tamper(sa.delete(ENTRY).where(on(engagement, 3)))
    assert faults() == ["entry 4: entries are missing before it", "entry 4: its hash does not fit"]


def test_a_removed_end_is_found(engagement: Engagement, tamper: Tamper) -> None:
    tamper(sa.delete(ENTRY).where(on(engagement, 5)))
    assert faults() == ["its end is missing"]


def test_reordered_entries_are_found(engagement: Engagement, tamper: Tamper) -> None:
    tamper(*(sa.update(ENTRY).where(on(engagement, old)).values(seq=new) for old, new in ((3, 30), (4, 3), (30, 4))))
    assert "entry 3: its hash does not fit" in faults()
    assert "entry 4: its hash does not fit" in faults()


def test_an_entry_that_was_written_in_is_found(engagement: Engagement, tamper: Tamper) -> None:
    last = db.session.execute(sa.select(ENTRY).where(on(engagement, 5))).mappings().one()
    forged = dict(last) | {"id": engagement.id, "seq": 6, "previous_hash": last["hash"], "action": "forged"}
    forged["hash"] = audit.entry_digest(forged)
    tamper(sa.insert(ENTRY).values(forged))
    assert faults() == ["it has entries beyond its end"]


def test_a_lost_head_is_a_fault_and_no_crash(engagement: Engagement, tamper: Tamper) -> None:
    if db.engine.dialect.name == "sqlite":
        db.session.close()
        with db.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            assert raw is not None
            connection.rollback()
            raw.execute("PRAGMA foreign_keys=OFF")
    tamper(sa.delete(CHAIN).where(CHAIN.c.chain == str(engagement.id)))
    assert faults() == ["it has entries beyond its end"]
    db.session.remove()
    db.engine.dispose()


def test_erasing_a_payload_and_its_salt_leaves_the_chain_whole(engagement: Engagement) -> None:
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(ENTRY).where(on(engagement, 3)).values(payload=sa.null(), salt=None))
    assert faults() == []
    row = db.session.execute(sa.select(ENTRY.c.payload, ENTRY.c.salt).where(on(engagement, 3))).one()
    assert tuple(row) == (None, None)


def test_the_database_takes_an_erasure_and_no_other_change(engagement: Engagement) -> None:
    for values in ({"payload": {"what": "other"}}, {"salt": "other"}, {"action": "other"}, {"hash": "other"}):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction(db.session, now=NOW):
            db.session.execute(sa.update(ENTRY).where(on(engagement, 3)).values(values))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction(db.session, now=NOW):
        db.session.execute(sa.delete(ENTRY))
    assert faults() == []


def test_units_at_once_leave_no_gap(app: Flask) -> None:
    first, second = make_engagement(), make_engagement()
    begin, refused = Barrier(4), []

    def write(number: int) -> None:
        with app.app_context():
            begin.wait(timeout=10)
            for turn in range(10):
                try:
                    with transaction(db.session, now=NOW):
                        # In either order: chains are taken in one order, so that no two units wait crosswise.
                        for each in (first, second) if number % 2 else (second, first):
                            audit.record(db.session, SYSTEM, each.id, f"{number}.{turn}", ("thing", None))
                except Exception as error:  # noqa: BLE001 -- told by the main thread
                    refused.append(error)
            db.session.remove()

    threads = [Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert refused == []
    assert faults() == []
    for each in (first, second):
        seqs = db.session.scalars(sa.select(ENTRY.c.seq).where(ENTRY.c.chain == str(each.id)).order_by(ENTRY.c.seq)).all()
        assert seqs == list(range(1, 42))


def test_the_walk_raises_no_alarm_where_others_write_meanwhile(app: Flask, engagement: Engagement) -> None:
    others = make_engagement()

    def write() -> None:
        with app.app_context():
            do(engagement.id, "five")
            do(others.id, "six")
            make_engagement()
            db.session.remove()

    seen: list[str] = []

    def before(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "FROM audit_entry ORDER BY" in statement.replace("\n", " ").replace("  ", " ") and not seen:
            seen.append(statement)
            writer = Thread(target=write)
            writer.start()
            writer.join(timeout=30)

    sa.event.listen(db.engine, "before_cursor_execute", before)
    db.session.close()
    assert (chain_faults(db.session), len(seen)) == ([], 1)
    sa.event.remove(db.engine, "before_cursor_execute", before)


def test_one_value_has_one_text() -> None:
    assert audit.canonical({"b": 1, "a": [NOW.date(), "ä"]}) == '{"a":["2026-03-02","ä"],"b":1}'
