"""Which weeks there are, what makes a row, and which cells may be typed in."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from tracker.domain.budget import Balance, BudgetKind, WorkKind
from tracker.domain.errors import Invalid
from tracker.domain.week import Facts, Ground, Piece, RowKey, Shut, Week, WeekGrid, lay_out

MONDAY = date(2026, 3, 2)
FRIDAY = MONDAY + timedelta(days=4)
SHOP, BLOG = UUID(int=1), UUID(int=2)
RESEARCH = RowKey(SHOP, WorkKind.ALLOWANCE, "research")
OPEN = Ground(SHOP, "shop", UUID(int=9), "Harbour move", is_workable=True)


def piece(minutes: int = 60, day: date = MONDAY, state: str = "draft", row: RowKey = RESEARCH, **over: str) -> Piece:
    return Piece(UUID(int=minutes), 1, row, day, minutes, state, over.get("reason"))


def grid(*pieces: Piece, ground: Ground = OPEN, added: tuple[RowKey, ...] = (RESEARCH,)) -> WeekGrid:
    balances = {(SHOP, BudgetKind.ALLOWANCE): Balance(BudgetKind.ALLOWANCE, 300, 60, 30)}
    return lay_out(Week(MONDAY), Facts(pieces, {SHOP: ground}, balances), added, today=FRIDAY)


def shut(laid: WeekGrid, day: date = MONDAY) -> Shut | None:
    cell = laid.cell(RESEARCH, day)
    assert cell is not None
    return cell.shut


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 3, 8), "2026-W10"),
        (date(2027, 1, 1), "2026-W53"),
        (date(2024, 12, 30), "2025-W01"),
    ],
)
def test_a_week_is_named_as_its_thursday_is(day: date, name: str) -> None:
    week = Week.of(day)
    assert (week.name, week.monday.weekday(), day in week.days) == (name, 0, True)
    assert Week.read(f" {name} ") == week


@pytest.mark.parametrize("text", ["", "soon", "2026-10", "2025-W53", "2026-W00", "1999-W10", "2100-W01", "2026-W1", "٢٠٢٦-W10"])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="Write the week as 2026-W09"):
        Week.read(text)


@pytest.mark.parametrize(
    ("row", "label"),
    [
        (RESEARCH, "Known incompatibility: research"),
        (
            RowKey(SHOP, WorkKind.ALLOWANCE, "known_solution", "wp-yoast.2"),
            "Known incompatibility: known solution, wp-yoast.2",
        ),
        (RowKey(SHOP, WorkKind.PS, ps_kind="cron-custom-module"), "PS work: cron custom module"),
        (RowKey(SHOP, WorkKind.INCLUDED), "Included work"),
    ],
)
def test_a_row_is_read_as_it_is_written(row: RowKey, label: str) -> None:
    assert RowKey.read(row.text) == row
    assert row.label == label


@pytest.mark.parametrize("text", ["", "shop~ps~~~", f"{SHOP}~ps", f"{SHOP}~sick~~~", f"{SHOP}~ps~~~~", f"{SHOP}"])
def test_what_is_no_row_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="There is no such row"):
        RowKey.read(text)


@pytest.mark.parametrize(
    ("pieces", "ground", "day", "word"),
    [
        pytest.param([], OPEN, MONDAY, None, id="nothing yet"),
        pytest.param([piece()], OPEN, MONDAY, None, id="a draft"),
        pytest.param([piece(state="rejected")], OPEN, MONDAY, None, id="what was rejected is logged anew"),
        pytest.param([piece(state="submitted")], OPEN, MONDAY, "submitted", id="submitted"),
        pytest.param([piece(state="approved")], OPEN, MONDAY, "approved", id="approved"),
        pytest.param([piece(10), piece(20)], OPEN, MONDAY, "2 entries", id="several drafts"),
        pytest.param([], OPEN, FRIDAY + timedelta(days=1), None, id="tomorrow"),
        pytest.param([], OPEN, FRIDAY + timedelta(days=2), "to come", id="the day after tomorrow"),
        pytest.param(
            [], Ground(SHOP, "s", SHOP, "e", is_workable=True, locked_through=MONDAY), MONDAY, "closed", id="the last closed day"
        ),
        pytest.param(
            [],
            Ground(SHOP, "s", SHOP, "e", is_workable=True, locked_through=MONDAY),
            MONDAY + timedelta(days=1),
            None,
            id="the first open day",
        ),
        pytest.param(
            [], Ground(SHOP, "s", SHOP, "e", is_workable=True, signed_on=FRIDAY), MONDAY, "too early", id="before the agreement"
        ),
        pytest.param(
            [], Ground(SHOP, "s", SHOP, "e", is_workable=True, signed_on=MONDAY), MONDAY, None, id="the day of the agreement"
        ),
        pytest.param([piece()], Ground(SHOP, "s", SHOP, "e", is_workable=False), MONDAY, "no work", id="a site that is closed"),
    ],
)
def test_a_cell_is_open_or_says_why_not(pieces: list[Piece], ground: Ground, day: date, word: str | None) -> None:
    found = shut(grid(*pieces, ground=ground), day)
    assert (found.word if found else None) == word
    assert found is None or found.why.endswith(".")


def test_totals_are_of_rows_days_and_the_week_and_leave_out_what_was_rejected() -> None:
    included = RowKey(SHOP, WorkKind.INCLUDED)
    laid = grid(piece(60), piece(30, FRIDAY), piece(45, FRIDAY, row=included), piece(99, FRIDAY, state="rejected"))
    assert [(row.key, row.minutes) for row in laid.rows] == [(RESEARCH, 90), (included, 45)]
    assert laid.day_minutes == (60, 0, 0, 0, 75, 0, 0)
    assert laid.minutes == 135
    assert [row.balance.left if row.balance else None for row in laid.rows] == [210, None]


def test_a_cell_says_why_its_entry_was_rejected_until_something_stands_in_its_place() -> None:
    rejected = piece(60, state="rejected", reason="Wrong site")
    alone, replaced = grid(rejected), grid(rejected, piece(30))
    assert [laid.rows[0].cells[0].rejected for laid in (alone, replaced)] == ["Wrong site", None]
    assert [laid.rows[0].cells[0].state for laid in (alone, replaced)] == ["empty", "draft"]


def test_a_row_of_a_site_that_its_reader_may_not_know_of_is_left_out() -> None:
    hidden = RowKey(BLOG, WorkKind.INCLUDED)
    assert [row.key for row in grid(piece(row=hidden), added=(hidden, RESEARCH, RESEARCH)).rows] == [RESEARCH]
