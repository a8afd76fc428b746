"""PS blocks from their sale to their end: term, warnings, lapse, carry-over, voiding, on both engines."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import NOW, SIGNED_ON, actor, agree, make_engagement, make_person, make_site, some_work
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.engagement import Windows
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound, TrackerError
from tracker.jobs import step
from tracker.services import budget as sale
from tracker.services import engagement as engagement_service
from tracker.services import ps_block as service
from tracker.services import time_entry
from tracker.services.budget import BlockSpec
from tracker.services.engagement import AgreementSpec, EngagementChange
from tracker.services.ps_block import BlockChange
from tracker.services.time_entry import DraftChange
from tracker.store import audit
from tracker.store import budget as budgets
from tracker.store import ps_block as blocks
from tracker.store.budget import Budget, PsBlock
from tracker.store.database import db
from tracker.store.engagement import Engagement, Member
from tracker.store.notice import OutboxNotice
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
BOUGHT = date(2026, 2, 2)
LAST = date(2026, 4, 30)  # a Thursday
YEAR = {"ps_valid_days": 365}


@dataclass
class Place:
    """Where PS hours are sold and used."""

    site: Site
    boss: Actor

    @property
    def engagement_id(self) -> UUID:
        return self.site.engagement_id


def make_place(*, terms: dict[str, Any] | None = None, **over: Any) -> Place:
    manager = make_person(name="Jonas Weber", slack_user_id="U7JONAS")
    agreement = AgreementSpec("SOW-1", SIGNED_ON, Windows(uat=5, cutover=2, hypercare=10), **(terms or {}))
    engagement = make_engagement(manager, **({"agreement": agreement, "internal_slack_channel": "C2"} | over))
    site = make_site(engagement)
    agree(engagement)
    return Place(site, actor(manager))


@pytest.fixture
def place(app: Flask) -> Place:
    return make_place()


def at(day: date, hour: int = 12) -> datetime:
    """An hour of a day, UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def sell(place: Place, minutes: int = 240, *, now: datetime = NOW, **over: Any) -> PsBlock:
    said: dict[str, Any] = {"reference": "Q-7", "purchased_on": BOUGHT} | over
    spec = BlockSpec(minutes, **said)
    with transaction(db.session, now=now):
        return sale.sell_block(db.session, place.boss, place.engagement_id, spec, now=now)


def change(place: Place, block: PsBlock, *, now: datetime = NOW, version: int | None = None, **values: Any) -> PsBlock:
    with transaction(db.session, now=now):
        return service.change_block(db.session, place.boss, block.id, BlockChange(values, version), now=now)


def void(place: Place, block: PsBlock, reason: str = "Entered twice", *, now: datetime = NOW) -> PsBlock:
    with transaction(db.session, now=now):
        return service.void_block(db.session, place.boss, block.id, reason, now=now)


def use(place: Place, minutes: int, *, now: datetime = NOW, **over: Any) -> TimeEntry:
    work = some_work(place.site, minutes, WorkKind.PS, **({"worked_on": now.date()} | over))
    with transaction(db.session, now=now):
        return time_entry.book(db.session, place.boss, work, now=now)[0].entry


def give_back(place: Place, entry: TimeEntry, *, now: datetime) -> None:
    with transaction(db.session, now=now):
        time_entry.reverse(db.session, place.boss, entry.id, None, now=now)


def tick(now: datetime) -> list[OutboxNotice]:
    """What a worker does each few seconds; what it sent of blocks."""
    sent = [each for each in step.plan(now) if each.kind.startswith("ps_block")]
    with transaction(db.session, now=now):
        gone = sa.update(OutboxNotice).where(OutboxNotice.id.in_([each.id for each in sent]))
        db.session.execute(gone.values(state="sent", slack_ts="1.0", settled_at=now))
    return sent


def told(now: datetime) -> list[tuple[str, str]]:
    """Channel and occasion of what a tick released of blocks."""
    return sorted((each.channel or "nowhere", each.key.split(":")[3]) for each in tick(now))


def pool(place: Place) -> tuple[int, int]:
    """What the pool holds, and what of it is booked."""
    db.session.close()
    query = sa.select(Budget.limit_minutes, Budget.booked).where(Budget.engagement_id == place.engagement_id, Budget.kind == "ps")
    return tuple(db.session.execute(query).one())  # type: ignore[return-value]


def anew(block: PsBlock) -> PsBlock:
    db.session.close()
    return db.session.get_one(PsBlock, block.id)


def sound() -> bool:
    db.session.close()
    return budgets.counter_faults(db.session) + blocks.block_faults(db.session) == []


def nine(day: date) -> datetime:
    """Nine o'clock in Berlin in summer; in winter it is an hour later."""
    return at(day, 7)


BOTH = ["C1", "C2"]


def both(occasion: str) -> list[tuple[str, str]]:
    return [(channel, occasion) for channel in BOTH]


# --- the term of a block ---------------------------------------------------------------------------------------------


def test_a_block_has_the_term_of_the_agreement_unless_the_sale_says_otherwise(app: Flask) -> None:
    place = make_place(terms={"ps_valid_days": 365, "ps_carry_over": True})
    assert [(each.expires_on, each.carries_over) for each in (
        sell(place),
        sell(place, expires_on=LAST, carries_over=False),
        sell(place, expires_on=None),
    )] == [(date(2027, 2, 2), True), (LAST, False), (None, True)]  # fmt: skip


def test_without_a_word_in_the_agreement_or_without_one_a_block_does_not_end(place: Place) -> None:
    block = sell(place)
    assert (block.expires_on, block.carries_over, block.turn_at) == (None, False, None)
    bare = make_engagement(agreement=None, type="self_service")
    with transaction(db.session, now=NOW):
        assert sale.sell_block(db.session, SYSTEM, bare.id, BlockSpec(240, "Q-7", BOUGHT), now=NOW).expires_on is None


def test_another_agreement_leaves_the_blocks_that_are_sold_as_they_are(app: Flask) -> None:
    place = make_place(terms=YEAR)
    before = sell(place)
    with transaction(db.session, now=NOW):
        said = EngagementChange(None, {"agreement": {"ps_valid_days": 90, "ps_carry_over": True}})
        engagement_service.edit_engagement(db.session, place.boss, place.engagement_id, said, now=NOW)
    assert (anew(before).expires_on, anew(before).carries_over) == (date(2027, 2, 2), False)
    assert sell(place).expires_on == date(2026, 5, 3)


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_an_agreement_with_absurd_days_is_refused_at_the_field(place: Place, days: int) -> None:
    said = EngagementChange(None, {"agreement": {"ps_valid_days": days}})
    with pytest.raises(Invalid) as refused, transaction(db.session, now=NOW):
        engagement_service.edit_engagement(db.session, place.boss, place.engagement_id, said, now=NOW)
    assert [error.field for error in refused.value.errors] == ["agreement.ps_valid_days"]


def test_a_block_of_which_nothing_could_be_used_is_not_sold(app: Flask) -> None:
    place = make_place(terms={"ps_valid_days": 10})
    with pytest.raises(Invalid, match="has passed"):
        sell(place)
    with pytest.raises(Invalid, match="before the purchase"):
        sell(place, expires_on=date(2026, 1, 1))
    assert pool(place) == (0, 0)
    assert sell(place, carries_over=True).expires_on == date(2026, 2, 12)


# --- warnings --------------------------------------------------------------------------------------------------------


def test_both_channels_are_warned_30_14_and_3_days_ahead_at_nine_each_once(place: Place) -> None:
    sell(place, expires_on=LAST)
    for days in (30, 14, 3):
        day = LAST - timedelta(days=days)
        assert told(nine(day) - timedelta(seconds=1)) == []
        assert told(nine(day)) == both(f"{days}d")
        assert told(nine(day) + timedelta(hours=1)) == []
    assert told(nine(LAST)) == []


def test_the_two_channels_read_different_words_and_the_figures_of_that_moment(place: Place) -> None:
    sell(place, expires_on=LAST)
    use(place, 150, now=at(date(2026, 3, 20)))
    use(place, 15, now=at(date(2026, 4, 1)))
    customer, team = sorted(tick(nine(LAST - timedelta(days=14))), key=lambda each: each.audience)
    name = db.session.get_one(Engagement, place.engagement_id).name
    assert customer.headline == f"{name}: 1 h 15 of PS hours end in 14 days"
    assert customer.text == (
        "They can be used until Thu 30 Apr; what is left then lapses. What has been used stays as it is. "
        "Tell Jonas Weber soon what they should go into."
    )
    assert customer.facts == [["PS block", "Q-7"], ["Last day", "Thu 30 Apr 2026"]]
    assert team.headline == f"{name}: PS block Q-7 ends in 14 days, 1 h 15 left"
    assert "Jonas Weber: agree with the customer by Thu 30 Apr" in team.text
    assert (customer.mention, team.mention) == (None, "U7JONAS")


def test_after_an_outage_only_the_latest_warning_is_told(place: Place) -> None:
    sell(place, expires_on=LAST)
    notices = tick(at(LAST - timedelta(days=2)))
    assert [each.key.split(":")[3] for each in notices] == ["3d", "3d"]
    assert {each.due_at for each in notices} == {nine(LAST - timedelta(days=3))}
    assert "in 2 days" in notices[0].headline


def test_a_block_that_is_sold_late_is_warned_of_once_and_at_once(place: Place) -> None:
    late = at(LAST - timedelta(days=10))
    sell(place, expires_on=LAST, now=late)
    assert told(late) == both("14d")
    assert told(nine(LAST - timedelta(days=3))) == both("3d")


def test_nobody_is_warned_of_a_block_in_which_nothing_is_left_until_something_is(place: Place) -> None:
    sell(place, expires_on=LAST)
    entry = use(place, 240)
    assert told(nine(LAST - timedelta(days=30))) == []
    give_back(place, entry, now=at(LAST - timedelta(days=20)))
    assert told(nine(LAST - timedelta(days=14))) == both("14d")


def test_another_last_day_is_another_occasion_and_the_same_one_again_is_not(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    day = LAST - timedelta(days=30)
    assert told(nine(day)) == both("30d")
    change(place, block, expires_on=LAST + timedelta(days=60), now=at(day))
    assert told(at(day, 13)) == []
    change(place, block, expires_on=LAST, now=at(day, 14))
    assert told(at(day, 15)) == []
    assert told(nine(LAST - timedelta(days=14))) == both("14d")
    change(place, block, expires_on=LAST + timedelta(days=2), now=at(LAST - timedelta(days=14), 13))
    assert told(at(LAST - timedelta(days=14), 14)) == both("30d"), "it ends in 16 days: the latest that has passed"


def test_a_warning_that_still_waits_is_called_off_when_the_last_day_moves(app: Flask) -> None:
    place = make_place(slack_channel=None, internal_slack_channel=None)
    block = sell(place, expires_on=LAST)
    day = LAST - timedelta(days=30)
    (waiting,) = step.plan(nine(day))
    assert (waiting.channel, waiting.audience) == (None, "customer")
    change(place, block, expires_on=LAST + timedelta(days=60), now=at(day))
    db.session.close()
    assert db.session.get_one(OutboxNotice, waiting.id).state == "cancelled"


@pytest.mark.parametrize("own", [None, "C1"])
def test_the_customers_channel_never_gets_what_is_for_the_team(app: Flask, own: str | None) -> None:
    place = make_place(internal_slack_channel=own)
    sell(place, expires_on=LAST)
    assert told(nine(LAST - timedelta(days=30))) == [("C1", "30d")]


def test_while_an_engagement_is_on_hold_nobody_is_told_and_its_blocks_end_all_the_same(place: Place) -> None:
    sell(place, expires_on=LAST)
    with transaction(db.session, now=NOW):
        held = EngagementChange(None, {"status": "on_hold"})
        engagement_service.edit_engagement(db.session, place.boss, place.engagement_id, held, now=NOW)
    assert told(nine(LAST - timedelta(days=14))) == []
    assert told(at(LAST + timedelta(days=1))) == []
    assert pool(place) == (0, 0)


def test_in_another_time_zone_nine_o_clock_is_another_moment(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    with transaction(db.session, now=NOW):
        moved = EngagementChange(None, {"time_zone": "Pacific/Apia"})
        engagement_service.edit_engagement(db.session, place.boss, place.engagement_id, moved, now=NOW)
    assert anew(block).turn_at == at(LAST - timedelta(days=31), 20)


def test_a_rehearsal_shows_what_is_to_come_and_keeps_nothing(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    shown = [each.key.split(":")[3] for each in step.rehearse(NOW, at(date(2026, 5, 10))) if each.kind == "ps_block.customer"]
    later = [each.key.split(":")[3] for each in step.coming(NOW, at(date(2026, 4, 20))) if each.kind == "ps_block.customer"]
    assert (shown, later) == (["30d", "14d", "3d", "ended"], ["30d", "14d"])
    assert (anew(block).lapsed_at, pool(place)) == (None, (240, 0))
    assert db.session.scalar(sa.select(sa.func.count()).where(OutboxNotice.kind.like("ps_block%"))) == 0


# --- the end ---------------------------------------------------------------------------------------------------------


def test_what_is_left_lapses_on_the_day_after_the_last_and_what_was_used_stays(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    use(place, 90)
    tick(at(LAST, 21))
    assert pool(place) == (240, 90)
    tick(at(LAST, 22))
    assert pool(place) == (90, 90)
    ended = anew(block)
    assert (ended.limit_minutes, ended.booked, ended.lapsed_minutes, ended.left, ended.turn_at) == (240, 90, 150, 0, None)
    assert sound()
    last = audit.entries_of(db.session, place.engagement_id, before=None, limit=1)[0]
    assert (last.action, last.payload["minutes"]) == ("ps_block.lapsed", 150)  # type: ignore[index]


def test_the_next_morning_both_channels_hear_what_lapsed_and_what_is_left(place: Place) -> None:
    sell(place, expires_on=LAST)
    sell(place, 300, reference="Q-8")
    use(place, 90)
    assert told(at(LAST, 22)) == []
    customer, team = sorted(tick(nine(LAST + timedelta(days=1))), key=lambda each: each.audience)
    assert "2 h 30 of PS hours have lapsed" in customer.headline
    assert customer.text.endswith("What was used of the block stays as it is. 5 h of PS hours are left in all.")
    assert "PS block Q-7 has ended, 2 h 30 lapsed" in team.headline
    assert told(nine(LAST + timedelta(days=2))) == []


def test_a_block_that_carries_over_keeps_its_minutes_and_says_so(place: Place) -> None:
    block = sell(place, expires_on=LAST, carries_over=True)
    first = tick(nine(LAST - timedelta(days=30)))
    assert all("carried over" in each.headline + each.text for each in first)
    ended = tick(nine(LAST + timedelta(days=1)))
    assert {each.audience: "4 h of PS hours are carried over" in each.headline for each in ended}["customer"]
    assert (pool(place), anew(block).lapsed_minutes, anew(block).left) == ((240, 0), 0, 240)
    use(place, 240, now=at(LAST + timedelta(days=5)))
    assert (pool(place), sound()) == ((240, 240), True)


def test_a_booking_finds_a_block_lapsed_also_before_the_tick_does(place: Place) -> None:
    sell(place, expires_on=LAST)
    later = at(LAST + timedelta(days=1), 0)
    with pytest.raises(BudgetExceeded) as refused:
        use(place, 60, now=later)
    assert refused.value.left == 0
    sell(place, reference="Q-8", now=later)
    use(place, 60, now=later)
    assert (pool(place), sound()) == ((240, 60), True)
    assert told(nine(LAST + timedelta(days=1))) == both("ended")


def test_a_split_and_a_draft_that_grows_draw_on_no_block_that_has_ended(place: Place) -> None:
    sell(place, expires_on=LAST)
    draft = use(place, 60)
    later = at(LAST + timedelta(days=1))
    with pytest.raises(BudgetExceeded), transaction(db.session, now=later):
        time_entry.mend(db.session, place.boss, draft.id, DraftChange({"minutes": 90}), now=later)
    work = some_work(place.site, 360, worked_on=later.date())
    with pytest.raises(BudgetExceeded), transaction(db.session, now=later):
        time_entry.book(db.session, place.boss, work, split=True, now=later)
    assert pool(place) == (240, 60), "what was refused has changed nothing; the tick lets the block lapse"
    tick(later)
    assert (pool(place), sound()) == ((60, 60), True)


def test_work_that_is_logged_after_the_end_is_told_what_lapsed_meanwhile(place: Place) -> None:
    sell(place, expires_on=LAST)
    later = at(LAST + timedelta(days=4))
    tick(later)
    with pytest.raises(BudgetExceeded, match="4 h lapsed with block Q-7 after Thu 30 Apr 2026"):
        use(place, 60, now=later, worked_on=LAST - timedelta(days=1))
    with pytest.raises(BudgetExceeded) as refused:
        use(place, 60, now=later)
    assert "lapsed" not in refused.value.message, "on that day the block could not have paid"


def test_what_comes_back_to_a_block_that_has_ended_lapses_too(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    entry = use(place, 90)
    later = at(LAST + timedelta(days=1))
    tick(later)
    give_back(place, entry, now=later)
    assert (pool(place), anew(block).lapsed_minutes, sound()) == ((0, 0), 240, True)


# --- changes ---------------------------------------------------------------------------------------------------------


def test_a_later_last_day_gives_back_what_lapsed(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    use(place, 90)
    later = at(LAST + timedelta(days=4))
    tick(later)
    changed = change(place, block, expires_on=LAST + timedelta(days=30), now=later)
    assert (pool(place), changed.lapsed_minutes, changed.lapsed_at) == ((240, 90), 0, None)
    use(place, 30, now=later, worked_on=LAST)
    tick(at(LAST + timedelta(days=31)))
    assert (pool(place), sound()) == ((120, 120), True)


def test_whether_the_rest_stays_can_be_changed_also_after_the_end(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    later = at(LAST + timedelta(days=1))
    tick(later)
    change(place, block, carries_over=True, now=later)
    assert (pool(place), sound()) == ((240, 0), True)
    change(place, block, carries_over=False, now=later)
    assert (pool(place), anew(block).lapsed_minutes, sound()) == ((0, 0), 240, True)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"reference": "  "}, "reference"),
        ({"reference": None}, "reference"),
        ({"carries_over": None}, "carries_over"),
        ({"expires_on": date(2026, 3, 1)}, "expires_on"),
        ({"expires_on": date(2026, 1, 1)}, "expires_on"),
        ({"expires_on": date(2126, 1, 1)}, "expires_on"),
    ],
)
def test_a_change_that_cannot_be_is_refused_at_its_field(place: Place, values: dict[str, Any], field: str) -> None:
    block = sell(place, expires_on=LAST)
    with pytest.raises(Invalid) as refused:
        change(place, block, **values)
    assert [error.field for error in refused.value.errors] == [field]
    assert anew(block).version == block.version


def test_a_change_says_what_was_and_is_and_a_stale_one_is_refused(place: Place) -> None:
    block = sell(place)
    changed = change(place, block, reference="Q-7a", expires_on=LAST, version=block.version)
    assert changed.version == block.version + 1
    last = audit.entries_of(db.session, place.engagement_id, before=None, limit=1)[0]
    assert last.payload == {
        "before": {"reference": "Q-7", "expires_on": None}, "after": {"reference": "Q-7a", "expires_on": "2026-04-30"},
    }  # fmt: skip
    with pytest.raises(EditedMeanwhile):
        change(place, block, reference="Q-7b", version=block.version)
    assert change(place, changed, reference="Q-7a").version == changed.version, "nothing changed"


# --- voiding ---------------------------------------------------------------------------------------------------------


def test_a_block_that_was_entered_by_mistake_leaves_the_pool_and_stays_to_be_seen(place: Place) -> None:
    sell(place, 300)
    block = sell(place, expires_on=LAST)
    voided = void(place, block, "  Entered twice ")
    assert (voided.void_reason, voided.voided_by, voided.left, voided.turn_at) == ("Entered twice", place.boss.person_id, 0, None)
    assert (pool(place), sound()) == ((300, 0), True)
    assert told(at(LAST + timedelta(days=1))) == []
    assert audit.entries_of(db.session, place.engagement_id, before=None, limit=1)[0].action == "ps_block.voided"
    with pytest.raises(Guard) as twice:
        void(place, block)
    with pytest.raises(Guard) as late:
        change(place, block, reference="Q-9")
    assert (twice.value.rule, late.value.rule) == ("block_voided", "block_voided")


def test_a_block_that_pays_for_work_is_not_voided_and_says_for_how_much(place: Place) -> None:
    block = sell(place)
    entry = use(place, 90)
    with pytest.raises(Guard, match="pays for 1 h 30 of work") as guard:
        void(place, block)
    assert (guard.value.rule, pool(place)) == ("block_pinned", (240, 90))
    give_back(place, entry, now=NOW)
    void(place, block)
    assert (pool(place), sound()) == ((0, 0), True)


def test_a_block_that_has_lapsed_leaves_the_pool_only_once(place: Place) -> None:
    block = sell(place, expires_on=LAST)
    later = at(LAST + timedelta(days=1))
    tick(later)
    void(place, block, now=later)
    assert (pool(place), sound()) == ((0, 0), True)


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_voiding_needs_a_reason(place: Place, reason: str) -> None:
    block = sell(place)
    with pytest.raises(Invalid) as refused:
        void(place, block, reason)
    assert ([error.field for error in refused.value.errors], pool(place)) == (["reason"], (240, 0))


def test_only_who_sells_changes_and_voids(place: Place) -> None:
    block = sell(place)
    engineer, stranger = make_person("engineer"), make_person("engineer")
    with transaction(db.session, now=NOW):
        db.session.add(Member(engagement_id=place.engagement_id, person_id=engineer.id, joined_at=NOW))
    refusals: list[tuple[Actor, type[TrackerError]]] = [
        (actor(engineer), NotAllowed),
        (actor(make_person("customer_approver")), NotFound),
        (actor(stranger), NotFound),
        (actor(make_person("customer_approver", customer="Other")), NotFound),
    ]
    for who, refused in refusals:
        with pytest.raises(refused), transaction(db.session, now=NOW):
            service.void_block(db.session, who, block.id, "Entered twice", now=NOW)
        with pytest.raises(refused), transaction(db.session, now=NOW):
            service.change_block(db.session, who, block.id, BlockChange({"reference": "Q-8"}), now=NOW)


# --- what is found afterwards ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"lapsed_minutes": 100, "lapsed_at": NOW, "turn_at": None}, "has ended, but 80 of its minutes"),
        ({"turn_at": None}, "nothing will look at it"),
    ],
)
def test_a_check_of_the_ledger_finds_a_block_that_is_wrong(place: Place, broken: dict[str, Any], fault: str) -> None:
    block = sell(place, expires_on=LAST)
    use(place, 60)
    assert sound()
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(PsBlock).where(PsBlock.id == block.id).values(**broken))
    assert fault in " ".join(blocks.block_faults(db.session))


def test_a_check_of_the_ledger_finds_what_the_database_would_refuse(place: Place) -> None:
    """By the postings, not by the counters: those may be wrong together."""
    lapsed, twice = sell(place, expires_on=LAST), sell(place, purchased_on=date(2026, 2, 3))
    use(place, 240)
    use(place, 60)
    with transaction(db.session, now=NOW):
        gone = {"booked": 0, "lapsed_minutes": 240, "lapsed_at": NOW, "turn_at": None}
        db.session.execute(sa.update(PsBlock).where(PsBlock.id == lapsed.id).values(**gone))
        never = {"booked": 0, "voided_at": NOW, "void_reason": "Entered twice", "voided_by": place.boss.person_id}
        db.session.execute(sa.update(PsBlock).where(PsBlock.id == twice.id).values(**never))
    faults = " ".join(blocks.block_faults(db.session))
    assert "240 minutes lapsed, with its postings 480 of 240" in faults
    assert "is voided, but its postings add up to 60/0" in faults


# --- at once ---------------------------------------------------------------------------------------------------------


def test_selling_using_voiding_and_lapsing_at_once_keep_the_pool_equal_to_its_blocks(app: Flask, place: Place) -> None:
    now = at(LAST + timedelta(days=1))
    old = [sell(place, expires_on=LAST) for _ in range(4)]
    live = [sell(place, purchased_on=date(2026, 2, 3)) for _ in range(6)]
    faults: list[BaseException] = []
    start = Barrier(5)

    def alongside(*deeds: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            for deed in deeds:
                try:
                    deed()
                except (BudgetExceeded, Guard):
                    pass
                except BaseException as error:  # noqa: BLE001 -- a deadlock is what the test looks for
                    faults.append(error)
            db.session.remove()

    workers = [
        Thread(target=alongside, args=[lambda: sell(place, reference="new", now=now)] * 6),
        Thread(target=alongside, args=[lambda: use(place, 100, now=now)] * 8),
        Thread(target=alongside, args=[lambda: use(place, 70, now=now)] * 8),
        Thread(target=alongside, args=[lambda each=each: void(place, each, now=now) for each in (*live, *old)]),
        Thread(target=alongside, args=[lambda: step.plan_further(now)] * 6),
    ]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert faults == []
    assert sound()
    db.session.close()
    kept = budgets.blocks_of(db.session, place.engagement_id)
    held = sum(each.limit_minutes - each.lapsed_minutes for each in kept if each.voided_at is None)
    assert pool(place) == (held, sum(each.booked for each in kept))
    assert all(anew(each).left == 0 for each in old)
