"""The dates of an engagement: which kinds there are, which are entered and which follow from them.

A day is a `date` and ends at local midnight; an instant is an aware datetime. Offsets count business days in the
engagement's zone and the customer's holidays. Sources: docs/rules/deadlines.md, BR-08, BR-10, BR-15, BR-17.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import StrEnum
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.engagement import Windows
from tracker.domain.errors import FieldError, Invalid
from tracker.domain.workday import Calendar

WORKDAY_START = time(9)
EARLIEST_YEAR, LATEST_YEAR = 2000, 2099


class DeadlineKind(StrEnum):
    """What a date stands for, named as the API names it."""

    KICKOFF = "kickoff"
    INVENTORY = "inventory"
    JOIN_CHANNEL = "join_channel"
    ACCESS = "access"
    CODE_FREEZE = "code_freeze"
    UAT = "uat"
    TTL = "ttl"
    CONTENT_FREEZE_NOTICE = "content_freeze_notice"
    CONTENT_FREEZE = "content_freeze"
    DNS_CUTOVER = "dns_cutover"
    HYPERCARE_END = "hypercare_end"
    CUSTOM = "custom"


@dataclass(frozen=True)
class KindFacts:
    """How one kind is spoken of and whose it is."""

    title: str
    thing: str  # as a reminder speaks of it: "<thing> <verb> in two business days"
    verb: str
    ask: str  # who must do what
    owner: str  # customer or team
    of_site: bool
    starts: bool = False  # something begins then, so an hour before it matters
    runs: bool = False  # once begun it goes on until the launch: it is never late
    internal: bool = False  # told to the team's own channel


KINDS: Mapping[DeadlineKind, KindFacts] = {
    DeadlineKind.KICKOFF: KindFacts(
        "Kick-off",
        "the kick-off",
        "is",
        "Engagement manager: confirm who attends and send the agenda.",
        "team",
        of_site=False,
    ),
    DeadlineKind.INVENTORY: KindFacts(
        "Site inventory due",
        "the site inventory",
        "is due",
        "Customer: send the inventory of every listed site, so that the kick-off can settle the scope.",
        "customer",
        of_site=False,
    ),
    DeadlineKind.JOIN_CHANNEL: KindFacts(
        "Channel joined",
        "joining the channel",
        "is due",
        "Customer: have everybody who decides or tests join this channel.",
        "customer",
        of_site=False,
    ),
    DeadlineKind.ACCESS: KindFacts(
        "Source access due",
        "access to the source",
        "is due",
        "Customer: give access to the current host, or hand over code, database and files.",
        "customer",
        of_site=True,
    ),
    DeadlineKind.CODE_FREEZE: KindFacts(
        "Code freeze",
        "the code freeze",
        "starts",
        "Customer: no code changes on the source from then until this site launches; later changes are yours to carry over.",
        "customer",
        of_site=True,
        runs=True,
    ),
    DeadlineKind.UAT: KindFacts(
        "UAT sign-off due",
        "the UAT sign-off",
        "is due",
        "Customer: test the site, report what is wrong, and have an approver sign.",
        "customer",
        of_site=True,
    ),
    DeadlineKind.TTL: KindFacts(
        "DNS TTL lowered",
        "the lowering of the DNS TTLs",
        "is due",
        "Customer: lower the TTL of every record of this site.",
        "customer",
        of_site=True,
    ),
    DeadlineKind.CONTENT_FREEZE_NOTICE: KindFacts(
        "Content freeze announced",
        "the announcement of the content freeze",
        "is due",
        "Customer: tell everyone who writes to the source when the content freeze begins; the site is not frozen before.",
        "customer",
        of_site=True,
    ),
    DeadlineKind.CONTENT_FREEZE: KindFacts(
        "Content freeze",
        "the content freeze",
        "starts",
        "Customer: tell every editor and stop machine writers; what is written to the source after it is lost.",
        "customer",
        of_site=True,
        starts=True,
        runs=True,
    ),
    DeadlineKind.DNS_CUTOVER: KindFacts(
        "DNS cutover",
        "the DNS cutover",
        "starts",
        "Customer: switch the records of every name to the required values inside the agreed window.",
        "customer",
        of_site=True,
        starts=True,
    ),
    DeadlineKind.HYPERCARE_END: KindFacts(
        "Hypercare ends",
        "hypercare",
        "ends",
        "Team: raise the TTLs, revoke tokens, remove access, and close the site.",
        "team",
        of_site=True,
        internal=True,
    ),
    DeadlineKind.CUSTOM: KindFacts("Date", "the date", "is", "", "team", of_site=False),
}
# A day before the kick-off; the last business day on which an inventory still comes before it (BR-08).
INVENTORY_OFFSET = -1
# The freeze begins on the business day before the launch and holds to the verified cutover (reading 7).
CONTENT_FREEZE_OFFSET = -1
# The channel is joined by the day of the kick-off.
JOIN_CHANNEL_OFFSET = 0
# Those affected hear of the freeze five business days before it begins (BR-46; the lead is ours).
NOTICE_OFFSET = CONTENT_FREEZE_OFFSET - 5


@dataclass(frozen=True)
class Dates:
    """When something is due: a day, or an instant. `opens_on` belongs to a window that has a first day (UAT)."""

    due_on: date | None = None
    due_at: datetime | None = None
    opens_on: date | None = None

    def __post_init__(self) -> None:
        # One instant has one name, in whatever zone it was typed: keys of reminders are made of it.
        # (At the ends of the calendar there is no other zone; such a year is refused anyway.)
        if self.due_at is not None and 1 < self.due_at.year < 9999:
            object.__setattr__(self, "due_at", self.due_at.astimezone(UTC))

    def day(self, calendar: Calendar) -> date:
        """The local day on which it is due."""
        if self.due_at is not None:
            return calendar.local_date(self.due_at)
        assert self.due_on is not None
        return self.due_on

    def starts_at(self, calendar: Calendar) -> datetime:
        """The instant itself, or nine o'clock where only a day is known."""
        return self.due_at or calendar.at(self.day(calendar), WORKDAY_START)

    def ends_at(self, calendar: Calendar) -> datetime:
        """The instant itself, or the midnight that ends the day."""
        return self.due_at or calendar.end_of_day(self.day(calendar))

    def check(self, calendar: Calendar) -> None:
        """Raises Invalid at the field for absurd dates: no date, two dates, a strange year, an end before its start."""
        if (self.due_on is None) == (self.due_at is None):
            raise Invalid.at("due_on", "Give either a day (due_on) or an instant (due_at).")
        field = "due_on" if self.due_at is None else "due_at"
        errors = [
            FieldError(name, f"The year {value.year:04d} is not plausible. Write a year from {EARLIEST_YEAR} to {LATEST_YEAR}.")
            for name, value in ((field, self.due_at or self.due_on), ("opens_on", self.opens_on))
            if value is not None and not EARLIEST_YEAR <= value.year <= LATEST_YEAR
        ]
        if not errors and self.opens_on is not None and self.opens_on > self.day(calendar):
            errors = [FieldError(field, "The end lies before the start.")]
        if errors:
            raise Invalid(errors)


def check_day(field: str, day: date | None) -> None:
    """Raises Invalid at the field for a day in a strange year, before any arithmetic runs off the calendar."""
    if day is not None and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise Invalid.at(field, f"The year {day.year:04d} is not plausible. Write a year from {EARLIEST_YEAR} to {LATEST_YEAR}.")


def complete(kind: DeadlineKind, dates: Dates, windows: Windows | None, calendar: Calendar) -> Dates:
    """Fill in the other end of a window from the agreement's length: UAT is known by its first or its last day."""
    if kind is not DeadlineKind.UAT or windows is None:
        return dates
    if dates.due_on is None and dates.due_at is None and dates.opens_on is not None:
        return Dates(due_on=calendar.add_business_days(dates.opens_on, windows.uat), opens_on=dates.opens_on)
    if dates.opens_on is None:
        return Dates(dates.due_on, dates.due_at, calendar.add_business_days(dates.day(calendar), -windows.uat))
    return dates


def following(
    kind: DeadlineKind, dates: Dates, windows: Windows | None, calendar: Calendar
) -> dict[DeadlineKind, tuple[int, date]]:
    """The dates that follow from an entered one: kind to (offset in business days, day)."""
    day = dates.day(calendar)
    offsets: dict[DeadlineKind, int] = {}
    if kind is DeadlineKind.KICKOFF:
        offsets = {DeadlineKind.INVENTORY: INVENTORY_OFFSET, DeadlineKind.JOIN_CHANNEL: JOIN_CHANNEL_OFFSET}
    if kind is DeadlineKind.DNS_CUTOVER:
        offsets = {DeadlineKind.CONTENT_FREEZE: CONTENT_FREEZE_OFFSET, DeadlineKind.CONTENT_FREEZE_NOTICE: NOTICE_OFFSET}
        if windows is not None:
            offsets[DeadlineKind.HYPERCARE_END] = windows.hypercare
    return {each: (offset, calendar.add_business_days(day, offset)) for each, offset in offsets.items()}


def may_finish(actor: Actor, kind: DeadlineKind, *, owner_id: UUID | None, done_by: UUID | None, open_again: bool) -> bool:
    """Whether somebody may mark a date done, or open it again.

    Managers may; an approver may say that what was the customer's, or theirs in person, is done, and take back their own word.
    A freeze is the customer's to keep, and nothing they finish: it ends when the site launches.
    """
    if actor.may(Permission.EDIT_ENGAGEMENT):
        return True
    theirs = (KINDS[kind].owner == "customer" and not KINDS[kind].runs) or (owner_id is not None and owner_id == actor.person_id)
    own_word = not open_again or done_by in (None, actor.person_id)
    return theirs and own_word and actor.may(Permission.COMPLETE_OWN_DUTY)
