"""Hours added up by engagement, site, person, kind or month: what is asked for, and the rows that answer it.

All figures are whole minutes and are added, never rounded. Source: docs/rules/hours_report.md.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from tracker.domain.budget import WorkKind
from tracker.domain.errors import Invalid

# What stands: a rejected entry, a reversed one and its reversal have given back all they took.
STANDING = ("draft", "submitted", "approved")
ROWS_ON_A_PAGE = 100
PLACE = re.compile(r"(?P<total>[0-9]{1,12})\.(?P<key>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z_]{1,30}|[0-9]{4}-[0-9]{2})")


class GroupBy(StrEnum):
    """What one row of the report stands for."""

    ENGAGEMENT = "engagement"
    SITE = "site"
    PERSON = "person"
    KIND = "kind"
    MONTH = "month"

    @property
    def label(self) -> str:
        return "Kind of work" if self is GroupBy.KIND else self.value.capitalize()


KEYED_BY_ID = (GroupBy.ENGAGEMENT, GroupBy.SITE, GroupBy.PERSON)


@dataclass(frozen=True)
class HoursFilter:
    """Which entries count. Days of work, both included; what is None narrows nothing."""

    first: date | None = None
    last: date | None = None
    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    kind: WorkKind | None = None
    state: str | None = None

    def checked(self) -> "HoursFilter":
        """Raises Invalid at `to` for a span that ends before it begins."""
        if self.first is not None and self.last is not None and self.last < self.first:
            raise Invalid.at("to", "The last day lies before the first.")
        return self


def span_asked(first: date | None, last: date | None, today: date) -> tuple[date | None, date | None]:
    """The days that are meant: the whole month of `today` where none is named; where one is, the other end is open."""
    return month_around(today) if first is None and last is None else (first, last)


def month_around(day: date) -> tuple[date, date]:
    """The first and the last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


@dataclass(frozen=True)
class HoursRow:
    """The hours of one group, in minutes. `part_of` names the engagement of a site, the customer of an engagement."""

    key: str
    label: str
    part_of: str | None
    used: int
    held: int

    @property
    def total(self) -> int:
        return self.used + self.held


@dataclass(frozen=True)
class HoursReport:
    """One page of rows, and the minutes of all rows together, shown or not."""

    rows: Sequence[HoursRow]
    used: int
    held: int
    next: "HoursPlace | None" = None

    @property
    def total(self) -> int:
        return self.used + self.held


@dataclass(frozen=True)
class HoursPlace:
    """Where the next page begins: after the row with so many minutes and this key. Most hours come first."""

    total: int
    key: str

    def cursor(self) -> str:
        return f"{self.total}.{self.key}"


def read_place(cursor: str | None, group: GroupBy) -> HoursPlace | None:
    """The place that a cursor names; None where none is given. Raises Invalid at `cursor`."""
    if cursor is None:
        return None
    found = PLACE.fullmatch(cursor)
    if found and (group in KEYED_BY_ID) == (found["key"].count("-") == 4):
        return HoursPlace(int(found["total"]), found["key"])
    raise Invalid.at("cursor", "That is not a cursor of this list.")


def by_month(days: Iterable[tuple[date, int, int]]) -> list[HoursRow]:
    """Rows by month, the earliest first, from the used and held minutes of single days."""
    months: dict[date, tuple[int, int]] = {}
    for day, used, held in days:
        first = day.replace(day=1)
        before = months.get(first, (0, 0))
        months[first] = (before[0] + used, before[1] + held)
    return [HoursRow(f"{first:%Y-%m}", f"{first:%B %Y}", None, *minutes) for first, minutes in sorted(months.items())]
