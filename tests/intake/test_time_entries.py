"""Tables of hours as people and programs write them, and what is no such table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.errors import Invalid
from tracker.intake.time_entries import EntryFile, read_entries

ROW = "2026-03-02,Shop,1h,included"


def minutes_of(file: EntryFile) -> list[int]:
    return [row.said["minutes"] for row in file.rows]


@pytest.mark.parametrize(
    "text",
    [
        "worked_on,site,duration,kind\n2026-03-02,Shop,1:30,included\n",
        "Kind;Hours;URL;Date\nincluded;1,5;shop.example.com;02.03.2026\n",
        "\ufeffTAG\tStunden\tSite name\tType of thing\tType\n2.3.2026\t1:30\tShop\t\tIncluded work\n",
        "minutes,day,website,kind of work,e-mail\n90,2026-03-02,Shop,Included work,\n",
        'day,site,"time spent",kind,note\n2026-03-02,Shop,90m,included,"two\nlines; and a semicolon"\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_headings_in_any_order_spelling_and_encoding_are_understood(text: str, encoding: str) -> None:
    file = read_entries(text.encode(encoding))
    assert (minutes_of(file), file.rejected) == ([90], ())


def test_a_guarded_cell_is_read_without_its_guard() -> None:
    (row,) = read_entries(b"day,site,hours,kind,note\n2026-03-02,Shop,1h,included,'=1+1\n").rows
    assert row.said["note"] == "=1+1"


def test_columns_that_are_not_ours_are_left_alone() -> None:
    file = read_entries(f"row,reason,day,site,hours,kind,cost centre\n7,Because,{ROW},42\n".encode())
    assert minutes_of(file) == [60]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"", "This file is empty", id="empty"),
        pytest.param(b"day,site,hours,kind\n", "no row under them", id="headings only"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\xff", "not UTF-8", id="binary"),
        pytest.param(b"PK\x03\x04", "a workbook", id="workbook"),
        pytest.param(b"site,hours,kind\nShop,1h,included\n", "worked_on", id="no day"),
        pytest.param(b"day,hours,kind\n2026-03-02,1h,included\n", "site_url", id="no site"),
        pytest.param(b"day,site,kind\n2026-03-02,Shop,included\n", "duration", id="no duration"),
        pytest.param(b"day,site,hours,kind,Hours\n2026-03-02,Shop,1h,included,2h\n", "twice", id="a heading twice"),
        pytest.param(b"day,site,hours,kind\n" + b"x" * 10_000_000, "longer than any list has", id="a line of ten megabytes"),
        pytest.param(b'day,site,hours,kind\n"2026', "never closed", id="open quotation mark"),
    ],
)
def test_what_is_no_table_of_hours_is_told_at_the_file(data: bytes, words: str) -> None:
    with pytest.raises(Invalid) as told:
        read_entries(data)
    assert told.value.errors[0].field == "file"
    assert words in told.value.message


def test_a_file_of_a_hundred_thousand_rows_is_refused_without_reading_them() -> None:
    with pytest.raises(Invalid, match=r"^This file has more than 2,000 rows\. Split it\.$") as told:
        # What follows row 2,001 is never looked at: there is no such day.
        read_entries(("day,site,hours,kind\n" + f"{ROW}\n" * 2001 + '"never closed\n' * 98_000).encode())
    assert told.value.code == "invalid"
    assert len(read_entries(("day,site,hours,kind\n" + f"{ROW}\n" * 2000).encode()).rows) == 2000


def test_what_is_kept_between_preview_and_import_is_the_same_row() -> None:
    (row,) = read_entries(f"day,site,hours,kind,note,split\n{ROW},Grüße,yes\n".encode()).rows
    assert type(row).read(row.plain()) == row


@given(
    st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"day;site;hours;kind\n{text}".encode("utf-8", "replace"))
)
def test_no_file_whatsoever_brings_the_reader_down(data: bytes) -> None:
    try:
        read = read_entries(data)
    except Invalid:
        pass  # told in words
    else:
        assert read.rows or read.rejected
