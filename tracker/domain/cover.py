"""Being away: for which days, and from which moment to which that is. Source: docs/rules/access.md, "Cover"."""

from dataclasses import dataclass
from datetime import date, datetime, time

from tracker.domain.errors import Invalid
from tracker.domain.workday import Calendar

LONGEST_DAYS = 366


@dataclass(frozen=True)
class Absence:
    """The first and the last day on which somebody is away, both inclusive."""

    from_on: date
    until_on: date

    def check(self, today: date) -> None:
        """Raises Invalid for days out of order, all past, or more than a year of them. `today` is the absent person's."""
        if self.until_on < self.from_on:
            raise Invalid.at("until_on", "The last day lies before the first.")
        if self.until_on < today:
            raise Invalid.at("until_on", "These days are over. Enter a last day from today on.")
        if not self.from_on.year >= 2000 or self.until_on.year > 2099 or (self.until_on - self.from_on).days >= LONGEST_DAYS:
            raise Invalid.at("until_on", "A cover lasts a year at most. Hand the engagements over instead.")

    def span(self, calendar: Calendar) -> tuple[datetime, datetime]:
        """From the local midnight that begins the first day to the one that ends the last."""
        return calendar.at(self.from_on, time.min), calendar.end_of_day(self.until_on)
