"""Ladders: at which moments before, at and after a date a reminder is worth sending.

Rungs are data; `occasions` turns them into moments. What a rung says is completed with the thing and its verb, such as
"{thing} {verb} in 2 business days".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from tracker.domain.deadline import WORKDAY_START, Dates
from tracker.domain.workday import Calendar

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Moment:
    """A date as its ladder sees it. `window` is the agreed length of a cutover, in business days."""

    dates: Dates
    calendar: Calendar
    window: int | None = None

    @property
    def day(self) -> date:
        return self.dates.day(self.calendar)

    @property
    def starts_at(self) -> datetime:
        return self.dates.starts_at(self.calendar)

    @property
    def ends_at(self) -> datetime:
        return self.dates.ends_at(self.calendar)

    def morning(self, day: date) -> datetime:
        """Nine o'clock in the engagement's zone."""
        return self.calendar.at(day, WORKDAY_START)


@dataclass(frozen=True)
class Rung:
    """One moment of a ladder: its name in the notice's key, when it is, and what it says."""

    name: str
    at: Callable[[Moment], datetime | None]
    says: str


@dataclass(frozen=True)
class Repeat:
    """Reminders that go on until the thing is done: the last one that has come by now, and the next one."""

    name: str
    around: Callable[[Moment, datetime], tuple[datetime | None, datetime]]
    says: str


@dataclass(frozen=True)
class Ladder:
    """The rungs of one kind of date, and what repeats after them."""

    rungs: tuple[Rung, ...]
    repeat: Repeat | None = None
    starts: bool = False  # what announces a start is useless once it has started
    climbs: bool = False  # what is overdue goes up: to the engagement manager, then to the team


@dataclass(frozen=True)
class Occasion:
    """One reminder: when it is due, what it says, and when it has become useless."""

    name: str
    at: datetime
    useless_after: datetime
    says: str


def days_before(count: int) -> Rung:
    """At nine, so many business days before."""
    when = "today" if count == 0 else "on the next business day" if count == 1 else f"in {count} business days"
    says = f"{{thing}} {{verb}} {when}"
    return Rung(f"{count}d", lambda moment: moment.morning(moment.calendar.add_business_days(moment.day, -count)), says)


def days_after(count: int) -> Rung:
    """At nine, so many business days after: it was due, and nobody has said that it is done."""
    says = f"{{thing}} was due {count} business day{'s' if count > 1 else ''} ago"
    return Rung(f"after{count}d", lambda moment: moment.morning(moment.calendar.add_business_days(moment.day, count)), says)


def hours_before(count: int) -> Rung:
    """So many hours before the instant itself."""
    says = f"{{thing}} {{verb}} in {count} hour{'s' if count > 1 else ''}"
    return Rung(f"{count}h", lambda moment: moment.starts_at - timedelta(hours=count), says)


AT_START = Rung("start", lambda moment: moment.starts_at, "{thing} {verb} now")


def _half_window(moment: Moment) -> datetime | None:
    if moment.window is None:
        return None
    end = moment.calendar.end_of_day(moment.calendar.add_business_days(moment.day, moment.window))
    return moment.starts_at + (end - moment.starts_at) / 2


HALF_USED = Rung("half", _half_window, "half of the agreed window of {thing} is used")


def _opening(moment: Moment) -> datetime | None:
    return moment.morning(moment.dates.opens_on) if moment.dates.opens_on else None


def _midpoint(moment: Moment) -> datetime | None:
    if not moment.dates.opens_on:
        return None
    span = moment.calendar.business_days_between(moment.dates.opens_on, moment.day)
    return moment.morning(moment.calendar.add_business_days(moment.dates.opens_on, span // 2)) if span >= 2 else None


AT_OPENING = Rung("open", _opening, "the window is open, {thing} is awaited")
AT_MIDPOINT = Rung("midpoint", _midpoint, "half of the window is over, {thing} is awaited")


def _each_overdue_morning(moment: Moment, now: datetime) -> tuple[datetime | None, datetime]:
    first = moment.calendar.add_business_days(moment.day, 1)
    day = max(first, moment.calendar.local_date(now))
    if not moment.calendar.is_working_day(day) or moment.morning(day) <= now:
        later = moment.morning(moment.calendar.add_business_days(day, 1))
    else:
        later = moment.morning(day)
    earlier = moment.morning(moment.calendar.add_business_days(moment.calendar.local_date(later), -1))
    return (earlier if earlier >= moment.morning(first) else None), later


OVERDUE_DAILY = Repeat("overdue", _each_overdue_morning, "{thing} is overdue")


def _each_week_on(moment: Moment, now: datetime) -> tuple[datetime | None, datetime]:
    weeks = max(0, (moment.calendar.local_date(now) - moment.day).days // 7)
    mornings = [moment.morning(moment.day + timedelta(weeks=count)) for count in range(max(1, weeks - 1), weeks + 3)]
    passed = [morning for morning in mornings if morning <= now]
    return (passed[-1] if passed else None), next(morning for morning in mornings if morning > now)


WEEKLY_WHILE_ON = Repeat("week", _each_week_on, "{thing} is still on")


def occasions(ladder: Ladder, moment: Moment, *, after: datetime, now: datetime) -> list[Occasion]:
    """Every occasion later than `after`, in order; of what repeats only the last one that has come and the next one.

    Two rungs at one moment are one occasion: the one that stands first in the ladder.
    """
    named: dict[datetime, tuple[str, str]] = {}
    for rung in ladder.rungs:
        at = rung.at(moment)
        if at is not None:
            named.setdefault(at, (rung.name, rung.says))
    if ladder.repeat is not None:
        for at in ladder.repeat.around(moment, now):
            if at is not None:
                named.setdefault(at, (f"{ladder.repeat.name}-{moment.calendar.local_date(at).isoformat()}", ladder.repeat.says))
    return [occasion for occasion in _in_order(ladder, moment, named) if occasion.at > after]


def _in_order(ladder: Ladder, moment: Moment, named: dict[datetime, tuple[str, str]]) -> Iterator[Occasion]:
    moments: list[datetime | None] = [*sorted(named), None]
    for at, following in pairwise(moments):
        assert at is not None
        name, says = named[at]
        useless = following or max(moment.ends_at, at + DAY)
        if ladder.starts and at < moment.starts_at:
            useless = min(useless, moment.starts_at)
        yield Occasion(name, at, useless, says)


# Business days after which what is overdue is the engagement manager's to settle, and then the whole team's to know.
TO_MANAGER, TO_TEAM = 3, 5
ESCALATIONS = {f"escalated{days}d": days for days in (TO_MANAGER, TO_TEAM)}


def escalations(ladder: Ladder, moment: Moment, *, after: datetime) -> list[Occasion]:
    """How what is overdue climbs, beside the reminders of whoever has to do it: each step once, later than `after`.

    A step is useless when the next one has come.
    """
    if not ladder.climbs:
        return []

    def morning(days: int) -> datetime:
        return moment.morning(moment.calendar.add_business_days(moment.day, days))

    steps = [
        Occasion(name, morning(days), morning(days + TO_TEAM - TO_MANAGER), f"{{thing}} is {days} business days overdue")
        for name, days in ESCALATIONS.items()
    ]
    return [step for step in steps if step.at > after]


def say_escalation(step: str, whose: str, ask: str) -> str:
    """Who settles what is overdue, and what there is to do; `whose` names its owner, or is customer or team."""
    owner = {"customer": "the customer", "team": "whoever has it"}.get(whose, whose)
    if ESCALATIONS[step] == TO_MANAGER:
        return f"Engagement manager: ask {owner} today what holds it up, and agree on a day or move the date.\n{ask}"
    return f"Team: nothing has moved since. Whoever knows why or can help says so in this thread today.\n{ask}"


def next_repeat(ladder: Ladder, moment: Moment, now: datetime) -> datetime | None:
    """When this ladder has to be looked at again, None where everything is planned already."""
    return ladder.repeat.around(moment, now)[1] if ladder.repeat else None
