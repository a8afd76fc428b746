"""Files as people and programs write them: encodings, separators, headings, and what is no list at all."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.domain.errors import Invalid, UnreadableFile
from tracker.intake.inventory.registry import InventoryFile, read_inventory

REAL = (Path(__file__).parents[1] / "samples" / "wordpress-6.1-plugins.json").read_bytes()


def rows_of(file: InventoryFile) -> list[tuple[int, str, str | None, str | None]]:
    return [(row.row, row.slug, row.version, row.status) for row in file.reading.rows]


def reasons_of(data: bytes) -> list[tuple[int, str, str]]:
    return [(each.row, each.column, each.reason) for each in read_inventory(data).reading.rejected]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_encoding_separator_and_line_end_of_a_spreadsheet_is_read(encoding: str, delimiter: str, newline: str) -> None:
    table = newline.join(delimiter.join(row) for row in (("Version", "SLUG ", "Anmerkung"), ("5.0", "akismet", "für später")))
    file = read_inventory(table.encode(encoding))
    assert (file.source, rows_of(file)) == ("csv", [(2, "akismet", "5.0", None)])


def test_rows_are_counted_as_the_spreadsheet_counts_them() -> None:
    table = 'slug,notes\n\nakismet,"two\nlines"\n\n!,\n'
    file = read_inventory(table.encode())
    assert [row.row for row in file.reading.rows] == [3]
    assert [each.row for each in file.reading.rejected] == [5]
    assert rows_of(read_inventory(b"sep=;\nslug;version\nakismet;5\n")) == [(2, "akismet", "5", None)]


@pytest.mark.parametrize(
    ("heading", "row", "slug", "name"),
    [
        pytest.param("name,version", "akismet,5", "akismet", "akismet", id="name alone is the slug"),
        pytest.param("name,slug", "Akismet Anti-Spam,akismet", "akismet", "Akismet Anti-Spam", id="name beside a slug"),
        pytest.param("Plugin,Title", "akismet/akismet.php,Akismet", "akismet", "Akismet", id="plugin file"),
        pytest.param("Machine_Name,Label", "views,Views", "views", "Views", id="machine name"),
        pytest.param("folder", "hello.php", "hello", "hello", id="single file"),
    ],
)
def test_headings_are_known_by_other_names(heading: str, row: str, slug: str, name: str) -> None:
    (read,) = read_inventory(f"{heading}\n{row}\n".encode()).reading.rows
    assert (read.slug, read.name) == (slug, name)


def test_the_words_of_a_status_are_the_same_in_every_format() -> None:
    cli = [{"name": name, "status": name} for name in ("active", "inactive", "must-use", "dropin", "active-network")]
    assert [row[3] for row in rows_of(read_inventory(json.dumps(cli).encode()))] == [
        "active", "inactive", "must_use", "dropin", "network_active",
    ]  # fmt: skip
    rest = [{"plugin": "a/a", "status": "network-active"}]
    assert rows_of(read_inventory(json.dumps(rest).encode())) == [(1, "a", None, "network_active")]
    assert [row[3] for row in rows_of(read_inventory(b"slug,active\na,Yes\nb,OFF\nc,\n"))] == ["active", "inactive", None]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        pytest.param("=cmd|' /C calc'!A0,,", "slug", "looks like a formula", id="formula"),
        pytest.param("+a,,", "slug", "does not begin with +", id="plus"),
        pytest.param("-a,,", "slug", "does not begin with -", id="minus"),
        pytest.param("@a,,", "slug", "does not begin with @", id="at"),
        pytest.param("a,,=1+1", "version", "does not begin with =", id="formula as version"),
        pytest.param("two words,,", "slug", "holds only letters", id="space"),
        pytest.param("größe,,", "slug", "holds only letters", id="umlaut"),
        pytest.param("../etc,,", "slug", "holds only letters", id="path"),
        pytest.param(f"{'a' * 201},,", "slug", "at most 200", id="long slug"),
        pytest.param(f"a,{'n' * 201},", "name", "at most 200", id="long name"),
        pytest.param(f"a,,{'1' * 61}", "version", "at most 60", id="long version"),
        pytest.param("a,b\x00c,", "name", "control character", id="nul"),
        pytest.param(",Akismet,5", "slug", "is missing", id="no slug"),
        pytest.param("a,password: hunter2hunter2,", "name", "looks like a password", id="secret"),
        pytest.param("a,b,c,d,e", "", "Put quotation marks", id="too many cells"),
    ],
)
def test_a_cell_that_cannot_be_used_rejects_its_row(row: str, column: str, reason: str) -> None:
    ((number, named, said),) = reasons_of(b"slug,name,version\nfine,,-\n" + row.encode())
    assert (number, named) == (3, column)
    assert reason in said


def test_what_is_rejected_is_shortened_and_its_secret_is_left_out() -> None:
    token = "ghp_" + "a1B2" * 9
    first, second = read_inventory(f"slug,name\na,{'n' * 300}\nb,{token}\n".encode()).reading.rejected
    assert len(first.value) == 100
    assert token not in repr(second)
    kept = read_inventory(f"slug,key\nb,{token}\n".encode()).reading.rows[0].plain()
    assert token not in json.dumps(kept), "not in a column that nobody asked for either"


def test_what_is_kept_between_preview_and_import_is_the_same_file() -> None:
    file = read_inventory(REAL)
    again = [type(row).read(json.loads(json.dumps(row.plain()))) for row in file.reading.rows]
    assert again == list(file.reading.rows)


def test_a_cut_off_list_is_told_with_line_and_character() -> None:
    with pytest.raises(UnreadableFile, match="it ends in the middle, at line 2, character 8"):
        read_inventory(b'[\n{"name":\n')


def test_what_was_printed_before_a_list_is_named() -> None:
    with pytest.raises(UnreadableFile, match="begins with “PHP Warning: old"):
        read_inventory(b'PHP Warning: old\n[{"name":"a","status":"active"}]')


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"slug;name\n{text}".encode("utf-8", "replace")))
def test_no_file_whatsoever_brings_the_reader_down(data: bytes) -> None:
    try:
        read = read_inventory(data)
    except Invalid:
        pass  # told in words
    else:
        assert read.reading.rows or read.reading.rejected
