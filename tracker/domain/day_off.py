"""A customer's own days off: a range as somebody enters it, and how many there may be."""

from datetime import date, timedelta

from tracker.domain.deadline import EARLIEST_YEAR, LATEST_YEAR
from tracker.domain.errors import FieldError, Invalid

LONGEST_RANGE = 60
# Of one customer. Years of company holidays are fewer; more is a calendar of something else.
MOST = 2000
NAME_LENGTH = 100


def days_between(first: date, last: date | None) -> list[date]:
    """Every day from the first to the last, both included; without a last day the first alone.

    Raises Invalid at `until_on` for a range that ends before it begins or is longer than sixty days, and at `day` or
    `until_on` for a year nobody plans in.
    """
    last = last or first
    errors = [
        FieldError(field, f"The year {day.year} is not plausible.")
        for field, day in (("day", first), ("until_on", last))
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR
    ]
    if errors:
        raise Invalid(errors[:1])
    if last < first:
        raise Invalid.at("until_on", "The last day comes before the first.")
    count = (last - first).days + 1
    if count > LONGEST_RANGE:
        raise Invalid.at("until_on", f"These are {count} days. Enter at most {LONGEST_RANGE} at once.")
    return [first + timedelta(days=index) for index in range(count)]
