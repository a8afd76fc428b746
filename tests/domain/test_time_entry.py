"""What somebody may state as work, and the states of an entry."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tracker.domain.budget import WorkKind
from tracker.domain.errors import Guard, Invalid
from tracker.domain.lifecycle import advance
from tracker.domain.time_entry import ENTRY_LIFECYCLE, Work

MONDAY = date(2026, 3, 2)
SIGNED = date(2026, 1, 12)
SITE = UUID(int=1)


def work(**over: Any) -> Work:
    values: dict[str, Any] = {"site_id": SITE, "worked_on": MONDAY, "minutes": 60, "kind": WorkKind.INCLUDED}
    return Work(**(values | over))


def faults(stated: Work, signed_on: date | None = SIGNED) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        stated.checked(today=MONDAY, signed_on=signed_on)
    return [(error.field, error.message) for error in refused.value.errors]


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param(work(minutes=1), id="one minute"),
        pytest.param(work(minutes=1440), id="a whole day"),
        pytest.param(work(worked_on=date(2026, 3, 3)), id="tomorrow, for it has begun elsewhere"),
        pytest.param(work(worked_on=SIGNED), id="the day of the signature"),
        pytest.param(work(kind=WorkKind.ALLOWANCE, activity="research"), id="research"),
        pytest.param(
            work(kind=WorkKind.ALLOWANCE, activity="known_solution", known_issue_id="wp-yoast-indexables"), id="a known solution"
        ),
        pytest.param(work(kind=WorkKind.PS, ps_kind="custom-upstream"), id="PS work of a kind"),
        pytest.param(work(note="שלום 👩‍👩‍👧 <!channel>"), id="any script, kept as it is"),
    ],
)
def test_work_that_may_be_stated(stated: Work) -> None:
    assert stated.checked(today=MONDAY, signed_on=SIGNED) == stated


@pytest.mark.parametrize(
    ("stated", "field", "words"),
    [
        pytest.param(work(minutes=0), "minutes", "reversing an entry", id="nothing"),
        pytest.param(work(minutes=-60), "minutes", "reversing an entry", id="less than nothing"),
        pytest.param(work(minutes=1441), "minutes", "24 h", id="more than a day"),
        pytest.param(work(worked_on=date(2026, 3, 4)), "worked_on", "future", id="the day after tomorrow"),
        pytest.param(work(worked_on=date(2026, 1, 11)), "worked_on", "signed on 2026-01-12", id="before the agreement"),
        pytest.param(work(worked_on=date(26, 3, 2)), "worked_on", "The year 0026", id="a year typed too short"),
        pytest.param(
            work(kind=WorkKind.ALLOWANCE), "activity", "research or a known solution only", id="the allowance for nothing"
        ),
        pytest.param(
            work(kind=WorkKind.ALLOWANCE, activity="audit"), "activity", "Choose one of", id="the allowance for an audit"
        ),
        pytest.param(work(activity="known_solution"), "known_issue_id", "names the known issue", id="a solution of nothing"),
        pytest.param(work(known_issue_id="<b>"), "known_issue_id", "as in the catalogue", id="no issue's id"),
        pytest.param(work(kind=WorkKind.PS), "ps_kind", "what kind", id="PS work of no kind"),
        pytest.param(work(kind=WorkKind.PS, ps_kind="other"), "ps_kind", "Choose one of", id="PS work of an unknown kind"),
        pytest.param(work(note="x" * 2001), "note", "at most 2,000 characters", id="a note too long"),
        pytest.param(work(note="pwd=example"), "note", "looks like a password", id="a secret in the note"),
        pytest.param(work(note="a\u202eb"), "note", "turns its direction", id="a mark that misleads"),
        pytest.param(work(note="a\x00b"), "note", "control character", id="a control character"),
    ],
)
def test_work_that_is_refused_at_its_field(stated: Work, field: str, words: str) -> None:
    ((at, message),) = faults(stated)
    assert at == field
    assert words in message


def test_every_fault_is_named_at_once() -> None:
    stated = work(minutes=0, kind=WorkKind.PS, worked_on=date(2030, 1, 1), note="pwd=example")
    assert [field for field, _ in faults(stated)] == ["worked_on", "ps_kind", "minutes", "note"]


def test_without_an_agreement_a_strange_year_is_still_refused() -> None:
    assert faults(work(worked_on=date(1, 1, 1)), signed_on=None) == [("worked_on", "The year 0001 is not plausible.")]


def test_a_note_is_kept_tidied() -> None:
    assert work(note="  one \r\ntwo\ufeff  ").checked(today=MONDAY, signed_on=None).note == "one\ntwo"


@pytest.mark.parametrize(
    ("state", "ways"),
    [
        ("draft", {"submitted", "reversed"}),
        ("submitted", {"approved", "rejected", "reversed"}),
        ("approved", {"reversed"}),
        ("rejected", set()),
        ("reversed", set()),
        ("reversal", set()),
    ],
)
def test_an_entry_goes_only_forward(state: str, ways: set[str]) -> None:
    for to in ENTRY_LIFECYCLE:
        if to in ways:
            assert advance(ENTRY_LIFECYCLE, state, to) == to
        else:
            with pytest.raises(Guard, match="there is no step"):
                advance(ENTRY_LIFECYCLE, state, to)
