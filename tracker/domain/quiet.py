"""When somebody may be told things: not in their quiet hours, on their working days only.

What would come in a quiet time waits for its end, at most a week. It never waits past its deadline: then it comes early,
at the last allowed moment before the quiet time, or at its own moment where even that is long gone.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tracker.domain.workday import Calendar

LONGEST_WAIT = timedelta(days=7)
ONE_DAY = timedelta(days=1)
# Kinds that are told at their moment, whatever the hour: at a cutover the hour is the point.
BYPASS = ("dns_cutover",)


@dataclass(frozen=True)
class QuietRules:
    """Quiet from one local time until another, over midnight where the second comes first; and the days that are worked.

    Without both times no hour is quiet. `only_working_days` keeps whole days quiet that are none in the calendar.
    """

    calendar: Calendar
    quiet_from: time | None = None
    quiet_until: time | None = None
    only_working_days: bool = False

    @property
    def is_empty(self) -> bool:
        return not self.only_working_days and not self._has_hours

    @property
    def _has_hours(self) -> bool:
        return self.quiet_from is not None and self.quiet_until is not None and self.quiet_from != self.quiet_until

    def allows(self, instant: datetime) -> bool:
        """Whether something may be told at an instant."""
        local = instant.astimezone(self.calendar.zone)
        if self.only_working_days and not self.calendar.is_working_day(local.date()):
            return False
        if not self._has_hours or self.quiet_from is None or self.quiet_until is None:
            return True
        if self.quiet_from < self.quiet_until:
            return not self.quiet_from <= local.time() < self.quiet_until
        return self.quiet_until <= local.time() < self.quiet_from


def next_allowed(instant: datetime, rules: QuietRules, *, deadline: datetime, bypass: bool = False) -> datetime:
    """Return when something may be told that is due at an instant, by a deadline; both aware, and so is the answer.

    An allowed instant stays. Another moves to the next allowed one within seven days and not past the deadline; where there
    is none, it comes early: at the last moment before the quiet time, at most seven days back, else it stays. What is
    later in, is never earlier out. `bypass` is for what is told whatever the hour.
    """
    if bypass or rules.is_empty or rules.allows(instant):
        return instant
    later = [each for each in _ends(instant, rules) if instant < each <= instant + LONGEST_WAIT and rules.allows(each)]
    if later and min(later) <= deadline:
        return min(later)
    earlier = [each for each in _starts(instant, rules) if instant - LONGEST_WAIT <= each < instant and rules.allows(each)]
    return max(earlier, default=instant)


def _ends(instant: datetime, rules: QuietRules) -> list[datetime]:
    """Where a quiet time may end around an instant: each local midnight, each end of the quiet hours, each change of the clock."""
    clocks = [time(), *([rules.quiet_until] if rules.quiet_until else [])]
    return _around(instant, rules, clocks)


def _starts(instant: datetime, rules: QuietRules) -> list[datetime]:
    """The last moments before a quiet time may begin: a minute earlier, so that they are allowed and seen to be."""
    clocks = [time(), *([rules.quiet_from] if rules.quiet_from else [])]
    return [each - timedelta(minutes=1) for each in _around(instant, rules, clocks)]


def _around(instant: datetime, rules: QuietRules, clocks: list[time]) -> list[datetime]:
    day = rules.calendar.local_date(instant)
    days = [day + index * ONE_DAY for index in range(-8, 9)]
    return [rules.calendar.at(each, clock) for each in days for clock in clocks]
