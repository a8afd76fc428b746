"""The three hour ledgers: what a package brings, how work is spread, and which ways on a refusal offers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.budget import (
    DRAW_ORDER,
    Balance,
    BudgetExceeded,
    BudgetKind,
    Option,
    Part,
    Room,
    check_block,
    entitled,
    rooms_for,
    spread,
    ways_on,
)
from tracker.domain.errors import Invalid, PsMinimum

ALLOWANCE, EXTRA, PS = DRAW_ORDER
QUICK = settings(derandomize=True, database=None, max_examples=300)


@st.composite
def rooms(draw: st.DrawFn) -> list[Room]:
    """What the budgets of some site have left, the first one being that of the work."""
    first = draw(st.sampled_from(DRAW_ORDER))
    left = {kind: draw(st.integers(0, 700)) for kind in DRAW_ORDER if kind is not EXTRA or draw(st.booleans())}
    left.setdefault(first, draw(st.integers(0, 700)))
    return rooms_for(first, left)


@pytest.mark.parametrize(
    ("package", "option", "minutes"),
    [
        pytest.param("standard", None, {ALLOWANCE: 300}, id="five hours for every site"),
        pytest.param("premium", "extra-hours-10", {ALLOWANCE: 300, EXTRA: 600}, id="ten more for the option that is ten hours"),
        pytest.param("premium", "performance-report", {ALLOWANCE: 300}, id="another option is a deliverable, no hours"),
    ],
)
def test_what_a_package_brings(package: str, option: str | None, minutes: dict[BudgetKind, int]) -> None:
    assert entitled(package, option) == minutes


def test_work_is_drawn_on_the_narrowest_purpose_first() -> None:
    left = {PS: 240, EXTRA: 600, ALLOWANCE: 10}
    assert spread(700, rooms_for(ALLOWANCE, left)) == [Part(ALLOWANCE, 10), Part(EXTRA, 600), Part(PS, 90)]
    assert spread(620, rooms_for(EXTRA, left)) == [Part(EXTRA, 600), Part(PS, 20)], "never back to what is narrower"
    assert spread(60, rooms_for(PS, left)) == [Part(PS, 60)]


def test_an_empty_budget_gets_no_part() -> None:
    assert spread(60, [Room(ALLOWANCE, 0), Room(PS, 60)]) == [Part(PS, 60)]


@QUICK
@given(st.integers(1, 1440), rooms())
def test_a_spread_loses_no_minute_and_overdraws_nothing(minutes: int, given_rooms: list[Room]) -> None:
    parts = spread(minutes, given_rooms)
    if sum(room.left for room in given_rooms) < minutes:
        assert parts is None
        return
    assert parts is not None
    assert sum(part.minutes for part in parts) == minutes
    left = {room.kind: room.left for room in given_rooms}
    assert all(0 < part.minutes <= left[part.kind] for part in parts)
    emptied = [part.kind for part in parts[:-1]]
    assert all(part.minutes == left[part.kind] for part in parts[:-1]), "the next is touched once this one is empty"
    assert [kind for kind in left if kind in emptied] == emptied, "in draw order"


@QUICK
@given(st.integers(1, 1440), rooms())
def test_each_way_on_that_is_offered_leads_on(minutes: int, given_rooms: list[Room]) -> None:
    own, *others = given_rooms
    if minutes <= own.left:
        return
    options = ways_on(minutes, given_rooms)
    by_action = {option.action: option for option in options}
    assert list(by_action) == [action for action in ("split", "buy_ps", "change_request") if action in by_action]
    assert by_action["change_request"] == Option("change_request", own.kind, minutes - own.left)
    assert by_action["buy_ps"].minutes == max(240, minutes - own.left)
    bought = {room.kind: room.left for room in given_rooms}
    bought[PS] = bought.get(PS, 0) + by_action["buy_ps"].minutes
    assert spread(minutes, rooms_for(own.kind, bought)) is not None, "after the purchase it fits"
    splits = [option for option in options if option.action == "split"]
    assert bool(splits) == (sum(room.left for room in given_rooms) >= minutes)
    if splits:
        assert sum(option.minutes for option in splits) == minutes - own.left
        assert {option.kind for option in splits} <= {room.kind for room in others}


def test_the_refusal_says_what_is_left_and_what_may_be_done() -> None:
    left = [Room(ALLOWANCE, 10), Room(EXTRA, 30), Room(PS, 60)]
    refused = BudgetExceeded(ALLOWANCE, 10, ways_on(60, left))
    assert refused.message == "Known-incompatibility allowance: 10 min left, so this does not fit."
    assert [option.label for option in refused.options] == [
        "Put 30 min on Premium extra hours",
        "Put 20 min on PS hours",
        "Sell a PS block of at least 4 h",
        "Raise a change request for 50 min",
    ]
    assert refused.details()["left_minutes"] == 10
    assert refused.details()["options"][1] == {"action": "split", "kind": "ps", "minutes": 20}


def test_a_balance_shows_what_is_used_held_and_left() -> None:
    balance = Balance(ALLOWANCE, limit=300, used=100, held=140)
    assert (balance.left, balance.warn) == (60, True)
    assert not Balance(ALLOWANCE, limit=300, used=0, held=239).warn, "one minute below four fifths"
    assert not Balance(PS, limit=0, used=0, held=0).warn, "nothing was sold, nothing runs out"


def test_ps_hours_are_bought_four_at_a_time() -> None:
    check_block(240)
    check_block(600_000)
    with pytest.raises(PsMinimum, match="this is 3 h 59"):
        check_block(239)
    with pytest.raises(Invalid, match="10,000 hours") as absurd:
        check_block(600_001)
    assert absurd.value.code == "invalid"
