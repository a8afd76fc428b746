"""How durations are read and said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.durations import AMBIGUOUS, READ, REFUSED
from tracker.domain.duration import AmbiguousDuration, DurationError, parse_minutes, say_minutes


@pytest.mark.parametrize(("written", "minutes"), [pytest.param(written, minutes, id=why) for written, minutes, why in READ])
def test_a_duration_is_read(written: str, minutes: int) -> None:
    assert parse_minutes(written) == minutes


@pytest.mark.parametrize("number", AMBIGUOUS)
def test_a_bare_number_above_a_day_may_have_meant_minutes(number: str) -> None:
    with pytest.raises(AmbiguousDuration) as refused:
        parse_minutes(f" {number} ")
    assert refused.value.message == f"{number}: write {number}m or {number}h"


@pytest.mark.parametrize(("written", "message"), [pytest.param(written, message, id=why) for written, message, why in REFUSED])
def test_what_cannot_be_booked_is_refused_in_words(written: str, message: str) -> None:
    with pytest.raises(DurationError) as refused:
        parse_minutes(written)
    assert message in refused.value.message
    assert not isinstance(refused.value, AmbiguousDuration)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 min"),
        (1, "1 min"),
        (45, "45 min"),
        (60, "1 h"),
        (65, "1 h 05"),
        (75, "1 h 15"),
        (300, "5 h"),
        (6015, "100 h 15"),
        (-45, "−45 min"),
        (-75, "−1 h 15"),
    ],
)
def test_minutes_are_said(minutes: int, said: str) -> None:
    assert say_minutes(minutes) == said


def test_what_is_said_can_be_typed_back() -> None:
    said = {minutes: say_minutes(minutes) for minutes in range(1, 1441)}
    assert {minutes: parse_minutes(text) for minutes, text in said.items()} == {minutes: minutes for minutes in said}


@given(st.text(alphabet="0123456789.,:hm in-−½²\u0661\u00a0x\n", max_size=42))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_any_text_is_either_a_lawful_duration_or_refused(text: str) -> None:
    try:
        minutes = parse_minutes(text)
    except DurationError as refused:
        assert refused.message  # noqa: PT017 - either outcome is right
    else:
        assert 1 <= minutes <= 1440
