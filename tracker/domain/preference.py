"""What may be preferred: when to be told, how far ahead, by which road. Where nothing is said, the usual holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from enum import StrEnum

from tracker.domain.deadline import DeadlineKind
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.quiet import QuietHours
from tracker.domain.reminders.ladder import Ladder, days_before
from tracker.domain.reminders.registry import REMINDERS

LONGEST_LEAD, MOST_LEADS = 60, 6
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
A_LEAD = re.compile("[0-9]+d")
NEVER_QUIET = frozenset({DeadlineKind.DNS_CUTOVER})
# What is told by the clock of the thing itself; an hour later it would be of no use.
BY_THE_CLOCK = re.compile("[0-9]+h|start|half")


class MailWish(StrEnum):
    """When somebody is told by mail as well."""

    WITHOUT_SLACK = "without_slack"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class HoursWish:
    """When somebody may be told things. `digest_hour` is 0 to 23; days are 0 for Monday to 6; None is as usual."""

    digest_hour: int | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None
    working_days: tuple[int, ...] | None = None

    @property
    def quiet(self) -> QuietHours:
        days = None if self.working_days is None else frozenset(self.working_days)
        return QuietHours(self.quiet_from, self.quiet_until, days)

    def faults(self) -> list[FieldError]:
        found = []
        if self.digest_hour is not None and not 0 <= self.digest_hour <= 23:
            found.append(FieldError("digest_hour", "Write an hour from 0 to 23."))
        if (self.quiet_from is None) != (self.quiet_until is None):
            name = "quiet_until" if self.quiet_until is None else "quiet_from"
            found.append(FieldError(name, "Quiet hours need a beginning and an end."))
        elif self.quiet_from is not None and self.quiet_from == self.quiet_until:
            found.append(FieldError("quiet_until", "That would be quiet all day. Write another end, or leave both empty."))
        if self.working_days is not None and not self.working_days:
            found.append(FieldError("working_days", "Choose at least one day."))
        if self.working_days is not None and not set(self.working_days) <= set(range(7)):
            found.append(FieldError("working_days", "Days are 0 for Monday to 6 for Sunday."))
        return found


@dataclass(frozen=True)
class EngagementWish:
    """How an engagement's channels are told. `ladders` has, by kind of date, how many business days ahead; none is not at all."""

    hours: HoursWish = field(default_factory=HoursWish)
    weekly_digest: bool = True
    daily_digest: bool = True
    ladders: Mapping[DeadlineKind, tuple[int, ...]] = field(default_factory=dict)

    def check(self) -> None:
        """Raises Invalid naming every field that cannot stand."""
        found = self.hours.faults()
        for kind, leads in self.ladders.items():
            if len(leads) > MOST_LEADS or any(not 0 <= lead <= LONGEST_LEAD for lead in leads):
                words = f"Write up to {MOST_LEADS} numbers of business days, each from 0 to {LONGEST_LEAD}, such as 5, 2, 1."
                found.append(FieldError(f"ladder_{kind.value}", words))
        if found:
            raise Invalid(found)


@dataclass(frozen=True)
class PersonWish:
    """How one person is told what is theirs to do."""

    hours: HoursWish = field(default_factory=HoursWish)
    mail: MailWish = MailWish.WITHOUT_SLACK


def leads_of(ladder: Ladder) -> tuple[int, ...]:
    """How many business days ahead a ladder reminds."""
    return tuple(int(rung.name[:-1]) for rung in ladder.rungs if A_LEAD.fullmatch(rung.name))


def wished(kind: DeadlineKind, leads: Sequence[int] | None) -> Ladder:
    """The ladder of a kind, with other lead times where some are wished for.

    What is told by the clock of the thing itself, at its opening or once it is overdue stays: only the days ahead are a
    matter of taste. Without any lead at all the kind is not told of, and what is overdue neither.
    """
    usual = REMINDERS[kind]
    if leads is None:
        return usual
    if not leads:
        return Ladder((), starts=usual.starts)
    others = tuple(rung for rung in usual.rungs if not A_LEAD.fullmatch(rung.name))
    return replace(usual, rungs=(*(days_before(lead) for lead in sorted(set(leads), reverse=True)), *others))


def may_wait(kind: DeadlineKind, occasion: str) -> bool:
    """Whether quiet hours put a reminder off: a cutover and what goes by the clock do not wait."""
    return kind not in NEVER_QUIET and not BY_THE_CLOCK.fullmatch(occasion)


def read_leads(text: str) -> tuple[int, ...]:
    """Numbers as people write them, such as "10, 5 and 2". Raises ValueError for anything else; "off" is none."""
    words = [word for word in re.split(r"[\s,;]+|and", text.strip()) if word]
    if [word.casefold() for word in words] == ["off"]:
        return ()
    return tuple(int(word) for word in words)
