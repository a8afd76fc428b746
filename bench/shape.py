"""What both data sets hold: how many of everything, on which days, for how many minutes. Plain arithmetic, no chance."""

from dataclasses import dataclass
from datetime import date, timedelta

SITES, ITEMS, ENTRIES = 5, 20, 30
STAFF, MANAGERS = 50, 9  # the first is the administrator, then the managers, the rest are engineers
CREW = 4  # engineers on one engagement, beside the one who is on all of them
MONTH, SPAN = 28, 336  # days: work lies within the last twelve months of four weeks
SMALL_CUSTOMER, LEAST_BIG = 4, 60  # engagements of an ordinary customer, and of the one who has most


@dataclass(frozen=True)
class Shape:
    """A data set of some size, as of a day."""

    engagements: int
    today: date

    @property
    def month(self) -> tuple[date, date]:
        """The first and the last day of four weeks in the middle of what was worked: one entry in twelve."""
        return self.today - timedelta(days=SPAN // 2 + MONTH), self.today - timedelta(days=SPAN // 2 + 1)

    @property
    def signed_on(self) -> date:
        """When all agreements were signed: before any work."""
        return self.today - timedelta(days=SPAN + 30)

    @property
    def of_big_customer(self) -> int:
        """How many engagements the largest customer has: a tenth of all, and always enough for three pages."""
        return min(self.engagements, max(LEAST_BIG, self.engagements // 10))

    def worked_on(self, engagement: int, entry: int) -> date:
        return self.today - timedelta(days=1 + (engagement * 7 + entry * 11) % SPAN)

    def due_in(self, engagement: int, site: int) -> int:
        """Days from today to the cutover of a site; negative where it is past."""
        return (engagement * 37 + site * 11) % 240 - 60


def minutes_of(engagement: int, entry: int) -> int:
    """The minutes of one entry: a quarter of an hour to one hour."""
    return 15 * ((engagement + entry) % 4 + 1)


def manager_of(engagement: int) -> int:
    """Who leads an engagement, as a place among the staff."""
    return 1 + engagement % MANAGERS


def crew_of(engagement: int) -> list[int]:
    """Who may log time on an engagement, as places among the staff: its manager first, then its engineers."""
    engineers = STAFF - 1 - MANAGERS
    return [manager_of(engagement), *(1 + MANAGERS + (engagement * CREW + each) % engineers for each in range(CREW))]
