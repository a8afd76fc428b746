"""Time entries as rows of a table, as they are exported. The import reads every one of these columns back.

Source: docs/rules/time_import.md.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from tracker.domain.duration import MINUTES_PER_HOUR

COLUMNS = (
    "id", "worked_on", "engagement", "site", "site_url", "person", "person_email", "minutes", "duration", "kind", "activity",
    "known_issue_id", "ps_kind", "state", "note", "typed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """Which entries are asked for; None asks for all. `first` and `last` are days of work, both included."""

    engagement_id: UUID | None = None
    site_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None
    kind: str | None = None
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True)
class SheetRow:
    """One entry with the words for what it hangs on. Minutes of a reversal are negative."""

    id: UUID
    worked_on: date
    engagement: str
    site: str
    site_url: str
    person: str
    person_email: str
    minutes: int
    kind: str
    activity: str | None
    known_issue_id: str | None
    ps_kind: str | None
    state: str
    note: str
    typed_at: datetime

    def cells(self) -> list[date | int | str | None]:
        """The row, in the order of COLUMNS."""
        said = {name: getattr(self, name, None) for name in COLUMNS}
        said |= {"id": str(self.id), "duration": say_clock(self.minutes)}
        said["typed_at"] = self.typed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [said[name] for name in COLUMNS]


def say_clock(minutes: int) -> str:
    """Minutes as 1:30, whatever comma a country has; less than nothing with a real minus sign, which is no formula."""
    hours, rest = divmod(abs(minutes), MINUTES_PER_HOUR)
    return f"{'−' if minutes < 0 else ''}{hours}:{rest:02}"
