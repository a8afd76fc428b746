"""How durations are read and said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.domain.duration import AmbiguousDuration, DurationError, parse_minutes, say_minutes

NO_BREAK_SPACE = "\u00a0"
NARROW_NO_BREAK_SPACE = "\u202f"


@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        pytest.param("1", 60, id="a bare number is hours"),
        pytest.param("24", 1440, id="up to a whole day"),
        pytest.param("08", 480, id="a leading zero changes nothing"),
        pytest.param("1.5", 90, id="hours with a point"),
        pytest.param("1,5", 90, id="hours with a comma"),
        pytest.param("0.1", 6, id="a tenth of an hour is exact"),
        pytest.param(".25", 15, id="a quarter without its zero"),
        pytest.param("1:30", 90, id="as on a clock"),
        pytest.param("0:15", 15, id="minutes on a clock"),
        pytest.param(":15", 15, id="minutes on a clock without the hour"),
        pytest.param("24:00", 1440, id="a whole day on a clock"),
        pytest.param("1:30 h", 90, id="a clock with its unit"),
        pytest.param("90m", 90, id="minutes"),
        pytest.param("147m", 147, id="minutes may run over the hour"),
        pytest.param("1440 min", 1440, id="a whole day in minutes"),
        pytest.param("15 min", 15, id="minutes with a space"),
        pytest.param("1 minute", 1, id="one minute in full"),
        pytest.param("90.0 minutes", 90, id="a decimal that is whole"),
        pytest.param("1h30", 90, id="hours and minutes"),
        pytest.param("1h30m", 90, id="both units"),
        pytest.param("1h 30m", 90, id="both units with a space"),
        pytest.param("1h 30 min", 90, id="mixed units"),
        pytest.param("1 H 5", 65, id="one digit of minutes, capital unit"),
        pytest.param("2h", 120, id="hours"),
        pytest.param("2 hours", 120, id="hours in full"),
        pytest.param("1.5 hrs", 90, id="decimal hours with their unit"),
        pytest.param("  1h30\n", 90, id="space around it"),
        pytest.param(f"1{NO_BREAK_SPACE}h{NARROW_NO_BREAK_SPACE}30", 90, id="spaces that do not break"),
        pytest.param("１：３０", 90, id="full-width digits and colon"),
        pytest.param("١٫٥", 90, id="Arabic digits and decimal mark"),
    ],
)
def test_a_duration_is_read(written: str, minutes: int) -> None:
    assert parse_minutes(written) == minutes


@pytest.mark.parametrize("number", ["25", "30", "90", "24.5", "1500", "0030"])
def test_a_bare_number_above_a_day_may_have_meant_minutes(number: str) -> None:
    with pytest.raises(AmbiguousDuration) as refused:
        parse_minutes(f" {number} ")
    assert refused.value.message == f"{number}: write {number}m or {number}h"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        pytest.param("", "Write how long it took", id="nothing"),
        pytest.param(" ", "Write how long it took", id="only space"),
        pytest.param("soon", "Write time as 1h30", id="a word"),
        pytest.param("1:5", "Write time as 1h30", id="half a minute on a clock could be 1:05 or 1:50"),
        pytest.param("1:30:00", "Write time as 1h30", id="seconds"),
        pytest.param("1.5h 30", "Write time as 1h30", id="a decimal and minutes"),
        pytest.param("1h30h", "Write time as 1h30", id="hours twice"),
        pytest.param("30m 1h", "Write time as 1h30", id="the wrong way round"),
        pytest.param("1.", "Write time as 1h30", id="a point and nothing after it"),
        pytest.param("1.000,5", "Write time as 1h30", id="two marks"),
        pytest.param("1e3", "Write time as 1h30", id="an exponent"),
        pytest.param("0x10", "Write time as 1h30", id="hexadecimal"),
        pytest.param("+1", "Write time as 1h30", id="a plus sign"),
        pytest.param("1²", "Write time as 1h30", id="a superscript is no digit"),
        pytest.param("½", "Write time as 1h30", id="a fraction sign"),
        pytest.param("nan", "Write time as 1h30", id="not a number"),
        pytest.param("1\u200b5", "Write time as 1h30", id="an invisible character"),
        pytest.param("1:75", "go up to 59. Did you mean 135m", id="75 minutes on a clock"),
        pytest.param("1h75", "go up to 59. Did you mean 135m", id="75 minutes beside hours"),
        pytest.param("0", "at least one minute", id="zero"),
        pytest.param("0:00", "at least one minute", id="zero on a clock"),
        pytest.param("0m", "at least one minute", id="zero minutes"),
        pytest.param("-1", "cannot be negative. To correct an entry, reverse it", id="negative"),
        pytest.param("−1 h 15", "cannot be negative", id="negative with a real minus"),
        pytest.param("24h01", "at most 24 hours", id="a minute over a day"),
        pytest.param("1441m", "at most 24 hours", id="a minute over a day in minutes"),
        pytest.param("99:00", "at most 24 hours", id="days on a clock"),
        pytest.param("0.33", "0.33 is not a whole number of minutes. The nearest is 20m", id="19.8 minutes"),
        pytest.param("0,33 h", "0,33 h is not a whole number of minutes. The nearest is 20m", id="with comma and unit"),
        pytest.param("1.5m", "The nearest is 2m", id="a minute and a half"),
        pytest.param("0.001", "The nearest is 1m", id="the nearest is never nothing"),
        pytest.param("23.9999999999999999999999999999999999", "The nearest is 1440m", id="no rounding at any length"),
        pytest.param("1" * 41, "too long", id="too long"),
        pytest.param("1" * 1_000_000, "too long", id="absurdly long"),
    ],
)
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
