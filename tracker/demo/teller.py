"""Tells a story of the past: each step is a unit of work of its own, at the moment at which it would have happened."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from random import Random

import sqlalchemy as sa

from tracker.domain.access import Actor
from tracker.domain.notice import Sent
from tracker.domain.weekly_update import monday_of
from tracker.domain.workday import Calendar
from tracker.services import delivery, digest, ps_block
from tracker.services.delivery import Timing
from tracker.slack.blocks import render
from tracker.store import digest as digests
from tracker.store import outbox
from tracker.store import person as people
from tracker.store import ps_block as ps_blocks
from tracker.store.database import db
from tracker.store.deadline import Deadline
from tracker.store.transaction import transaction

MORNING, AFTERNOON, EVENING = time(10), time(14), time(16)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Between two steps that would be told at the same moment, and how far from its end the last day's first step lies.
BREATH, LAST_HOURS = timedelta(minutes=4), timedelta(hours=2)
# A step that comes so much too late is told in the wrong place.
ONE_DAY = timedelta(hours=18)
Told = Callable[[datetime], object]


@dataclass
class Teller:
    """Who tells, and when the story ends. Within a chapter moments go forward: what would lie before the last step follows it."""

    now: datetime
    base_url: str
    people: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._turns = itertools.count()
        self.begin()

    def begin(self) -> None:
        """Begin a chapter, which goes back to the past."""
        self._last = LONG_AGO
        self._meanwhile: list[tuple[datetime, int, Told]] = []

    def end(self) -> None:
        """Tell what is left of a chapter. What came due today is left to whoever watches the demo."""
        self._tell_until(self.now)
        self._deliver(self.now)

    def workday(self, offset: int) -> date:
        """The business day so many business days from today; weekends count as the Monday that follows."""
        calendar = Calendar("UTC", frozenset())
        today = calendar.add_business_days(calendar.add_business_days(self.now.date(), -1), 1)
        return calendar.add_business_days(today, offset)

    def last_week(self) -> int:
        """So many business days ago was the last one of the week before this."""
        monday = monday_of(self.now.date())
        return next(ago for ago in range(1, 8) if self.workday(-ago) < monday)

    def moment(self, business_days_ago: int, clock: time) -> datetime:
        """When a step is told, in UTC; one of today lies within the last hours."""
        meant = datetime.combine(self.workday(-business_days_ago), clock, UTC)
        return min(meant, self.now - LAST_HOURS)

    @contextmanager
    def step(self, business_days_ago: int, clock: time = MORNING) -> Iterator[datetime]:
        """One unit of work, so many business days ago; what happened meanwhile is told before it."""
        meant = self.moment(business_days_ago, clock)
        self._tell_until(meant)
        with self._unit(meant) as now:
            yield now

    def meanwhile(self, business_days_ago: int, clock: time, told: Told) -> None:
        """Have something told at its time, between the steps around it."""
        heapq.heappush(self._meanwhile, (self.moment(business_days_ago, clock), next(self._turns), told))

    def meet(self, email: str) -> Actor:
        """Somebody who has been introduced; roles may have changed, so they are read anew."""
        person = people.by_email(db.session, email)
        assert person is not None, email
        self.people[email] = people.actor_of(db.session, person)
        return self.people[email]

    def _tell_until(self, moment: datetime) -> None:
        while self._meanwhile and self._meanwhile[0][0] <= moment:
            meant, _turn, told = heapq.heappop(self._meanwhile)
            with self._unit(meant) as now:
                told(now)

    @contextmanager
    def _unit(self, meant: datetime) -> Iterator[datetime]:
        assert self._last - meant < ONE_DAY, f"what was meant for {meant} would be told on {self._last}"
        self._last = min(max(meant, self._last + BREATH), self.now)
        self._deliver(self._last)
        with transaction(db.session, now=self._last):
            yield self._last

    def _deliver(self, until: datetime) -> None:
        """What came due before today has been told, each notice at its time."""
        until = min(until, datetime.combine(self.now.date(), time(), UTC), self.now - LAST_HOURS - BREATH)
        while (moment := _next_due(until)) is not None:
            with transaction(db.session, now=moment):
                for plan in (delivery.replan_due, ps_block.turn_due, digest.weekly_due, digest.daily_due):
                    while plan(db.session, now=moment):
                        pass
                for _notice in delivery.release_due(db.session, now=moment, ready_at=moment):
                    self._send(moment)

    def _send(self, moment: datetime) -> None:
        """As a worker would, but for the wire."""
        timing = Timing(pace=timedelta(0))
        claimed = delivery.claim(db.session, partial(render, base_url=self.base_url), timing, "story", now=moment)
        assert claimed is not None
        sent = Sent(f"{moment.timestamp():.6f}")
        delivery.settle(db.session, claimed, sent, timing, Random(0), now=moment)  # noqa: S311 -- nothing is secret


def _next_due(until: datetime) -> datetime | None:
    """The first moment at which something is to be told or planned further."""
    notices = outbox.due(db.session, until)
    again = db.session.scalar(sa.select(sa.func.min(Deadline.replan_at)).where(Deadline.replan_at <= until))
    turns = (ps_blocks.next_turn(db.session), digests.next_weekly(db.session), digests.next_daily(db.session))
    moments = [turn[1] for turn in turns if turn is not None and turn[1] <= until]
    return min((each for each in (notices[0].due_at if notices else None, again, *moments) if each is not None), default=None)
