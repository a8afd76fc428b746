"""What the words of a row of hours mean, and the key under which a row is booked once."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracker.domain.budget import WorkKind
from tracker.domain.rejected_row import RejectedRow, guarded, unguarded
from tracker.domain.time_entry import Work
from tracker.domain.time_import import EntryRow, key_of, numbers_of, read_entry_row
from tracker.domain.time_sheet import COLUMNS, SheetRow, say_clock

GOOD = {"worked_on": "2026-03-02", "site": "Shop", "duration": "1h30", "kind": "included"}
ID = UUID("01890a5d-ac96-774b-bcce-b302099a8057")


def said(**over: str) -> dict[str, Any]:
    row = read_entry_row(2, GOOD | over, ())
    assert isinstance(row, EntryRow), row
    return dict(row.said)


def refused(**over: str) -> tuple[str, str]:
    row = read_entry_row(2, GOOD | over, ())
    assert isinstance(row, RejectedRow), row
    return row.column, row.reason


@pytest.mark.parametrize("text", ["2026-03-02", "2026-3-2", "02.03.2026", "2.3.2026", "2. 3. 2026"])
def test_a_day_is_read_as_programs_and_people_write_it(text: str) -> None:
    assert said(worked_on=text)["worked_on"] == "2026-03-02"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("3/2/2026", "Which of the numbers is the month?", id="month or day first"),
        pytest.param("25/12/2026", "Which of the numbers is the month?", id="slashes at all"),
        pytest.param("2026-02-30", "There is no such day", id="no such day"),
        pytest.param("02.03.26", "Write the day as 2026-11-20", id="two digits of a year"),
        pytest.param("46083", "Write the day as 2026-11-20", id="a spreadsheet's number"),
        pytest.param("", "Say on which day", id="none"),
    ],
)
def test_a_day_that_may_be_another_is_refused(text: str, words: str) -> None:
    column, reason = refused(worked_on=text)
    assert column == "worked_on"
    assert words in reason


@pytest.mark.parametrize(
    ("cells", "minutes"),
    [
        ({"duration": "1,5"}, 90), ({"duration": "1:30"}, 90), ({"duration": "01:30:00"}, 90), ({"duration": "7"}, 420),
        ({"duration": "", "minutes": "90"}, 90), ({"duration": "1:30", "minutes": "90"}, 90),
    ],
)  # fmt: skip
def test_time_is_read_as_everywhere_and_minutes_as_whole_ones(cells: dict[str, str], minutes: int) -> None:
    assert said(**cells)["minutes"] == minutes


@pytest.mark.parametrize(
    ("cells", "column", "words"),
    [
        ({"duration": "30"}, "duration", "30: write 30m or 30h"),
        ({"duration": "-1h"}, "duration", "Time cannot be negative"),
        ({"duration": ""}, "duration", "Write how long it took."),
        ({"duration": "", "minutes": ""}, "minutes", "Write how long it took."),
        ({"minutes": "1,5"}, "minutes", "Write whole minutes"),
        ({"minutes": "80"}, "duration", "The minutes say 80, this says 1 h 30"),
        ({"site": ""}, "site", "Choose a site"),
        ({"kind": ""}, "kind", "Say what kind of work it was"),
        ({"kind": "holiday"}, "kind", "Write one of: known_incompatibility, premium, ps, included."),
        ({"id": "17"}, "id", "Leave the column out"),
        ({"split": "perhaps"}, "split", "Write yes or no"),
        ({"copy": "0"}, "copy", "which of several rows alike"),
        ({"note": "password: hunter2hunter2"}, "note", "looks like a password"),
        ({"known_issue_id": "ghp_" + "a1B2" * 9}, "known_issue_id", "looks like a GitHub token"),
        ({"site": "Sh\x00op"}, "site", "control character"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_at_its_column(cells: dict[str, str], column: str, words: str) -> None:
    found, reason = refused(**cells)
    assert found == column
    assert words in reason


def test_labels_of_the_page_are_words_of_the_file() -> None:
    row = said(kind="Known incompatibility", activity="Known solution", ps_kind="Cron custom module", split="Yes")
    assert (row["kind"], row["activity"], row["ps_kind"], row["split"]) == (
        "known_incompatibility", "known_solution", "cron-custom-module", True,
    )  # fmt: skip


def stated(number: int, *, minutes: int = 60, **cells: str) -> tuple[EntryRow, Work]:
    row = read_entry_row(number, GOOD | cells, ())
    assert isinstance(row, EntryRow)
    return row, Work(ID, date(2026, 3, 2), minutes, WorkKind.INCLUDED, person_id=ID)


def test_rows_alike_are_numbered_those_with_an_id_first() -> None:
    rows = [stated(2), stated(3, id=str(ID)), stated(4), stated(5, minutes=30)]
    assert numbers_of(rows) == [2, 1, 3, 1]


def test_a_row_that_says_which_of_several_it_is_is_that_one() -> None:
    assert numbers_of([stated(2), stated(3, copy="1"), stated(4, copy="3"), stated(5)]) == [2, 1, 3, 4]


def test_the_key_hangs_on_all_that_a_row_states_and_on_nothing_else() -> None:
    work = Work(ID, date(2026, 3, 2), 60, WorkKind.PS, None, None, "custom-upstream", "Note", ID)
    others = [
        Work(ID, date(2026, 3, 3), 60, WorkKind.PS, None, None, "custom-upstream", "Note", ID),
        Work(ID, date(2026, 3, 2), 61, WorkKind.PS, None, None, "custom-upstream", "Note", ID),
        Work(ID, date(2026, 3, 2), 60, WorkKind.INCLUDED, None, None, "custom-upstream", "Note", ID),
        Work(ID, date(2026, 3, 2), 60, WorkKind.PS, "research", None, "custom-upstream", "Note", ID),
        Work(ID, date(2026, 3, 2), 60, WorkKind.PS, None, "custom-upstream", None, "Note", ID),
        Work(ID, date(2026, 3, 2), 60, WorkKind.PS, None, None, "custom-upstream", "note", ID),
        Work(ID, date(2026, 3, 2), 60, WorkKind.PS, None, None, "custom-upstream", "Note", UUID(int=1)),
        Work(UUID(int=1), date(2026, 3, 2), 60, WorkKind.PS, None, None, "custom-upstream", "Note", ID),
    ]
    keys = {key_of(each, 1) for each in [work, *others]} | {key_of(work, 2)}
    assert len(keys) == len(others) + 2
    # Kept for ever: a key that is computed otherwise would book every old file again.
    assert key_of(work, 1) == "78df8cbe4e76c2901464978680bed491bcc0e9240948e16a967cb4251b7379a6"


@given(st.text())
@example("'=1")
@example("''+1")
@example("'")
def test_every_text_comes_back_from_its_guarded_cell(text: str) -> None:
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(guarded(text)) == text


def test_words_that_only_hold_a_sign_stay_as_they_are() -> None:
    for word in ("added", "hidden", "a=b", "1-2", "e@mail"):
        assert guarded(word) == word


def test_a_sheet_row_adds_up_and_its_minus_is_no_formula() -> None:
    row = SheetRow(
        ID, date(2026, 3, 2), "Move", "=Shop", "https://shop.example", "Ann", "ann@example.com", -90, "included", None, None,
        None, "reversal", "@here", datetime(2026, 3, 2, 12, tzinfo=UTC),
    )  # fmt: skip
    cells = dict(zip(COLUMNS, row.cells(), strict=True))
    assert (cells["site"], cells["note"], cells["minutes"], cells["duration"]) == ("=Shop", "@here", -90, "−1:30")
    assert (cells["worked_on"], cells["typed_at"], cells["activity"]) == (date(2026, 3, 2), "2026-03-02T12:00:00Z", None)


@pytest.mark.parametrize(("minutes", "words"), [(90, "1:30"), (5, "0:05"), (1440, "24:00"), (-75, "−1:15")])
def test_minutes_are_written_as_a_clock_whatever_comma_a_country_has(minutes: int, words: str) -> None:
    assert say_clock(minutes) == words
