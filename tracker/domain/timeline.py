"""The timeline of an engagement: one lane for each site, its freezes, UAT and cutover as stretches of days.

Days are local days of the engagement, ends included. Places are thousandths of the shown span, so that a drawing needs
no arithmetic of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.domain.deadline import DeadlineKind

DAY, WEEK = timedelta(days=1), timedelta(days=7)
MARGIN = 2 * DAY
MOST_TICKS = 6
WHOLE = 1000


@dataclass(frozen=True)
class Stretch:
    """Days from `first` to `last` on which something goes on; `is_open` where its end is not known yet."""

    kind: DeadlineKind
    first: date
    last: date
    is_open: bool = False


@dataclass(frozen=True)
class DatedKind:
    """One date as the timeline needs it: its kind, its day, and the first day of its window."""

    kind: DeadlineKind
    day: date
    opens_on: date | None = None


@dataclass(frozen=True)
class Span:
    """The days that are shown, both included."""

    first: date
    last: date

    def place(self, day: date) -> int:
        """Where the morning of a day lies, in thousandths."""
        return (day - self.first).days * WHOLE // ((self.last - self.first).days + 1)

    def width(self, stretch: Stretch) -> int:
        """How wide a stretch is, in thousandths: at least so much that it is seen."""
        return max(self.place(stretch.last + DAY) - self.place(stretch.first), 6)

    @property
    def ticks(self) -> list[date]:
        """Days at equal distances from the first one on: as many as are readable, a whole number of days apart."""
        days = (self.last - self.first).days + 1
        return [self.first + DAY * offset for offset in range(0, days, _step(days))]


def _step(days: int) -> int:
    return -(-days // MOST_TICKS)


def stretches_of(dated: Iterable[DatedKind], *, launched_on: date | None, today: date) -> list[Stretch]:
    """What goes on at one site, in the order in which it begins.

    A code freeze runs to the launch (BR-10), a content freeze to the cutover (reading 7); without a date for that they
    are open and drawn up to today at least.
    """
    by_kind: Mapping[DeadlineKind, DatedKind] = {each.kind: each for each in dated}
    cutover = by_kind.get(DeadlineKind.DNS_CUTOVER)
    end = launched_on or (cutover.day if cutover else None)
    found: list[Stretch] = []
    for kind in (DeadlineKind.CODE_FREEZE, DeadlineKind.CONTENT_FREEZE):
        if freeze := by_kind.get(kind):
            last = end if end is not None and end >= freeze.day else max(freeze.day, today)
            found.append(Stretch(kind, freeze.day, last, is_open=end is None))
    if uat := by_kind.get(DeadlineKind.UAT):
        found.append(Stretch(DeadlineKind.UAT, min(uat.opens_on or uat.day, uat.day), uat.day))
    if cutover:
        found.append(Stretch(DeadlineKind.DNS_CUTOVER, cutover.day, cutover.day))
    return sorted(found, key=lambda stretch: (stretch.first, stretch.kind))


def span_of(lanes: Iterable[Sequence[Stretch]], *, also: Iterable[date], today: date) -> Span:
    """The days that hold every stretch, today, and what else is to be seen, with a little air."""
    days = [today, *also]
    for lane in lanes:
        days += [day for stretch in lane for day in (stretch.first, stretch.last)]
    first, last = min(days) - MARGIN, max(max(days), min(days) + WEEK) + MARGIN
    length = (last - first).days + 1
    # Whole steps, so that the last tick has as much room as the others.
    return Span(first, first + DAY * (-(-length // _step(length)) * _step(length) - 1))
