"""Tells a story of the past: each step is a unit of work of its own, at the moment at which it would have happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from tracker.domain.access import Actor
from tracker.domain.workday import Calendar
from tracker.store import person as people
from tracker.store.database import db
from tracker.store.transaction import transaction

MORNING = time(10)


@dataclass
class Teller:
    """Who tells, and when the story ends. Moments go forward: a step that would lie before the last one follows it."""

    now: datetime
    people: dict[str, Actor]

    def __post_init__(self) -> None:
        self._last = datetime(2000, 1, 1, tzinfo=UTC)

    def workday(self, offset: int) -> date:
        """The business day so many business days from today; weekends count as the Monday that follows."""
        calendar = Calendar("UTC", frozenset())
        today = calendar.add_business_days(calendar.add_business_days(self.now.date(), -1), 1)
        return calendar.add_business_days(today, offset)

    @contextmanager
    def step(self, business_days_ago: int, clock: time = MORNING) -> Iterator[datetime]:
        """One unit of work, so many business days ago; it never lies after the end of the story."""
        meant = datetime.combine(self.workday(-business_days_ago), clock, UTC)
        self._last = min(max(meant, self._last + timedelta(minutes=7)), self.now)
        with transaction(db.session, now=self._last):
            yield self._last

    def meet(self, email: str) -> Actor:
        """Somebody who has been introduced; roles may have changed, so they are read anew."""
        person = people.by_email(db.session, email)
        assert person is not None, email
        self.people[email] = people.actor_of(db.session, person)
        return self.people[email]
