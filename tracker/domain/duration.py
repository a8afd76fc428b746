"""Durations as people write them, in whole minutes: reads `1h30`, says "1 h 30"."""

import re
import unicodedata
from fractions import Fraction

MINUTES_PER_HOUR = 60
LONGEST_MINUTES = 24 * MINUTES_PER_HOUR
MOST_HOURS_WITHOUT_UNIT = 24
LONGEST_TEXT = 40  # Characters. Every lawful duration is far shorter; what is longer was pasted by mistake.

EXAMPLES = "Write time as 1h30, 90m, 1:30 or 1.5."

NUMBER = r"[0-9]+(?:[.,][0-9]+)?|[.,][0-9]+"
HOUR = r"(?:h|hr|hrs|hour|hours)"
MINUTE = r"(?:m|min|mins|minute|minutes)"

BARE = re.compile(NUMBER)
CLOCK = re.compile(rf"([0-9]*):([0-9]{{2}})(?: ?{HOUR})?")
HOURS = re.compile(rf"({NUMBER}) ?{HOUR}")
MINUTES = re.compile(rf"({NUMBER}) ?{MINUTE}")
HOURS_AND_MINUTES = re.compile(rf"([0-9]+) ?{HOUR} ?([0-9]{{1,2}})(?: ?{MINUTE})?")

# What other keyboards type for the same mark. Digits of other scripts are read as the digits they are.
SAME_MARK = str.maketrans({"：": ":", "∶": ":", "．": ".", "，": ",", "٫": ".", "−": "-", "–": "-", "－": "-"})


class DurationError(ValueError):
    """The text is no duration that can be booked. `message` says why, to the person who wrote it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class AmbiguousDuration(DurationError):
    """A bare number that nobody would work in hours: it may have meant minutes."""

    def __init__(self, number: str) -> None:
        super().__init__(f"{number}: write {number}m or {number}h")


def parse_minutes(text: str, longest: int = LONGEST_MINUTES) -> int:
    """Read a duration of one minute to a day, exactly: a share of a minute is refused and never rounded.

    A bare number up to 24 is hours. Raises AmbiguousDuration for a bare number above it and DurationError for all else.
    """
    if len(text) > LONGEST_TEXT:
        raise DurationError(f"This is too long to be a duration. {EXAMPLES}")
    written = _plain(text)
    if written.startswith("-"):
        raise DurationError("Time cannot be negative. To correct an entry, reverse it.")
    return _whole_minutes(_minutes(written), written, longest)


def say_minutes(minutes: int) -> str:
    """Write minutes as people say them: "1 h 15", "45 min", "5 h"; a negative number gets a real minus sign."""
    sign = "−" if minutes < 0 else ""
    hours, rest = divmod(abs(minutes), MINUTES_PER_HOUR)
    if not hours:
        return f"{sign}{rest} min"
    return f"{sign}{hours} h {rest:02}" if rest else f"{sign}{hours} h"


def _plain(text: str) -> str:
    """Write the text in the digits, marks and spaces that the patterns know."""
    digits = "".join(str(unicodedata.decimal(mark)) if mark.isdecimal() else mark for mark in text)
    return " ".join(digits.translate(SAME_MARK).lower().split())


def _minutes(written: str) -> Fraction:
    """Read each way of writing a duration; the result may still be too much, too little or no whole minute."""
    if BARE.fullmatch(written):
        number = _number(written)
        if number > MOST_HOURS_WITHOUT_UNIT:
            raise AmbiguousDuration(written)
        return number * MINUTES_PER_HOUR
    if match := HOURS.fullmatch(written):
        return _number(match[1]) * MINUTES_PER_HOUR
    if match := MINUTES.fullmatch(written):
        return _number(match[1])
    if match := CLOCK.fullmatch(written) or HOURS_AND_MINUTES.fullmatch(written):
        return _hours_and_minutes(int(match[1] or 0), int(match[2]))
    raise DurationError(EXAMPLES if written else f"Write how long it took. {EXAMPLES}")


def _hours_and_minutes(hours: int, minutes: int) -> Fraction:
    if minutes >= MINUTES_PER_HOUR:
        raise DurationError(f"Minutes beside hours go up to 59. Did you mean {hours * MINUTES_PER_HOUR + minutes}m?")
    return Fraction(hours * MINUTES_PER_HOUR + minutes)


def _number(written: str) -> Fraction:
    return Fraction(written.replace(",", "."))


def _whole_minutes(minutes: Fraction, written: str, longest: int) -> int:
    if minutes <= 0:
        raise DurationError("Write at least one minute. To correct an entry, reverse it.")
    if minutes > longest:
        at_most = "One entry holds at most 24 hours. Split the work by day."
        raise DurationError(at_most if longest == LONGEST_MINUTES else f"Write at most {say_minutes(longest)}.")
    if minutes.denominator != 1:
        nearest = max(1, int(minutes + Fraction(1, 2)))
        raise DurationError(f"{written} is not a whole number of minutes. The nearest is {nearest}m.")
    return int(minutes)
