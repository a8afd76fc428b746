"""The timeline: what goes on at a site, from which day to which, and where that lies on the drawing."""

from datetime import date, timedelta

import pytest

from tracker.domain.deadline import DeadlineKind
from tracker.domain.timeline import DatedKind, Span, Stretch, span_of, stretches_of

TODAY = date(2026, 3, 10)
FREEZE = DatedKind(DeadlineKind.CODE_FREEZE, date(2026, 3, 2))
UAT = DatedKind(DeadlineKind.UAT, date(2026, 3, 20), date(2026, 3, 13))
CUTOVER = DatedKind(DeadlineKind.DNS_CUTOVER, date(2026, 3, 27))
CONTENT = DatedKind(DeadlineKind.CONTENT_FREEZE, date(2026, 3, 26))


def said(stretches: list[Stretch]) -> list[tuple[str, int, int, bool]]:
    return [(each.kind.value, each.first.day, each.last.day, each.is_open) for each in stretches]


def test_freezes_run_to_the_launch_and_what_begins_first_comes_first() -> None:
    found = stretches_of([CUTOVER, UAT, CONTENT, FREEZE], launched_on=None, today=TODAY)
    assert said(found) == [
        ("code_freeze", 2, 27, False), ("uat", 13, 20, False), ("content_freeze", 26, 27, False), ("dns_cutover", 27, 27, False),
    ]  # fmt: skip


def test_without_a_cutover_a_freeze_is_open_and_reaches_today() -> None:
    assert said(stretches_of([FREEZE], launched_on=None, today=TODAY)) == [("code_freeze", 2, 10, True)]
    later = DatedKind(DeadlineKind.CODE_FREEZE, date(2026, 3, 18))
    assert said(stretches_of([later], launched_on=None, today=TODAY)) == [("code_freeze", 18, 18, True)]


def test_a_launch_that_came_later_than_planned_ends_the_freeze() -> None:
    assert said(stretches_of([FREEZE, CUTOVER], launched_on=date(2026, 3, 30), today=TODAY))[0] == ("code_freeze", 2, 30, False)


def test_a_freeze_that_was_set_after_its_cutover_does_not_run_backwards() -> None:
    late = DatedKind(DeadlineKind.CODE_FREEZE, date(2026, 4, 2))
    (cutover, freeze) = stretches_of([late, CUTOVER], launched_on=None, today=TODAY)
    assert (cutover.kind, freeze.first, freeze.last) == (DeadlineKind.DNS_CUTOVER, date(2026, 4, 2), date(2026, 4, 2))


@pytest.mark.parametrize("days", [1, 5, 6, 7, 30, 365, 4000])
def test_places_stay_on_the_drawing_and_ticks_are_few(days: int) -> None:
    span = Span(TODAY, TODAY + timedelta(days=days - 1))
    assert span.place(span.first) == 0
    assert span.place(span.last + timedelta(days=1)) == 1000
    assert 1 <= len(span.ticks) <= 6
    whole = Stretch(DeadlineKind.UAT, span.first, span.last)
    assert span.width(whole) == 1000
    assert span.width(Stretch(DeadlineKind.DNS_CUTOVER, span.last, span.last)) >= 6


def test_the_span_holds_today_and_the_kick_off_even_where_nothing_is_dated() -> None:
    span = span_of([[], []], also=[date(2026, 2, 2)], today=TODAY)
    assert span.first == date(2026, 1, 31)
    assert span.last >= date(2026, 3, 12)
    alone = span_of([], also=[], today=TODAY)
    assert (alone.last - alone.first).days >= 7


@pytest.mark.parametrize("days", [0, 3, 8, 17, 40, 400])
def test_every_tick_has_the_same_room(days: int) -> None:
    span = span_of([], also=[TODAY + timedelta(days=days)], today=TODAY)
    step = span.ticks[1] - span.ticks[0]
    assert span.ticks[-1] + step == span.last + timedelta(days=1)
