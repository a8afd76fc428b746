"""The portfolio: by what it is narrowed and ordered, which risks it shows, and where a page of it begins.

Source: docs/rules/portfolio.md.
"""

import base64
import binascii
import json
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID

LONGEST_WORDS, MOST_WORDS = 200, 6


class Order(StrEnum):
    """What the list is ordered by."""

    NEXT = "next"
    NAME = "name"
    CUSTOMER = "customer"
    NEWEST = "newest"


class Alarm(StrEnum):
    """A reason to look at an engagement, in the order in which it presses."""

    OVERDUE = "overdue"
    OVER_80 = "over_80"
    WAITING = "waiting"
    FROZEN = "frozen"


@dataclass(frozen=True)
class Filters:
    """What narrows the portfolio. Every one that is set has to hold; of several alarms one is enough."""

    words: str = ""
    customer_id: UUID | None = None
    manager_id: UUID | None = None
    mine: bool = False
    status: str | None = None
    alarms: tuple[Alarm, ...] = ()

    @property
    def is_empty(self) -> bool:
        return replace(self, words=self.words.strip()) == Filters()


def words_of(text: str) -> list[str]:
    """The words that are looked for, casefolded, at most so many of them; each has to be found."""
    return text[:LONGEST_WORDS].casefold().split()[:MOST_WORDS]


def say_alarm(alarm: Alarm, count: int, *, to_customer: bool) -> str:
    """An alarm as its badge says it, with how many things raise it."""
    if alarm is Alarm.OVERDUE:
        return f"{count} {'date' if count == 1 else 'dates'} overdue"
    if alarm is Alarm.OVER_80:
        return f"{count} {'site' if count == 1 else 'sites'} over 80 %"
    if alarm is Alarm.WAITING:
        return f"waiting on {'you' if to_customer else 'the customer'}: {count}"
    return "freeze running" if count == 1 else f"freeze running on {count} sites"


@dataclass(frozen=True)
class Place:
    """A row between two pages: what it is ordered by, and its id. None stands for an engagement without a date."""

    order: Order
    value: str | date | None
    id: UUID

    def cursor(self) -> str:
        """The place as a text that says nothing to whoever reads it."""
        said = json.dumps([self.order, str(self.value or ""), self.id.hex], ensure_ascii=False)
        return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def read_place(cursor: str, order: Order) -> Place | None:
    """The place that a cursor of this order names; None for anything else."""
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        named, value, key = said
        if named != order or not isinstance(value, str) or "\0" in value:
            return None
        value.encode()
        day = date.fromisoformat(value) if order is Order.NEXT and value else None
        return Place(order, day if order is Order.NEXT else value, UUID(key))
    except (binascii.Error, ValueError, TypeError, AttributeError, RecursionError):
        return None
