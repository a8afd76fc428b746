"""What a format makes of a file."""

from collections.abc import Iterable
from dataclasses import dataclass

from tracker.domain.inventory import Coverage, InventoryRow
from tracker.domain.rejected_row import RejectedRow


@dataclass(frozen=True)
class Reading:
    """The rows of one file, good and bad. `covers` is what it speaks of where it is complete."""

    rows: tuple[InventoryRow, ...]
    rejected: tuple[RejectedRow, ...]
    covers: Coverage

    @classmethod
    def of(cls, read: Iterable[InventoryRow | RejectedRow], covers: Coverage) -> "Reading":
        """Sort good from bad."""
        every = list(read)
        return cls(
            tuple(each for each in every if isinstance(each, InventoryRow)),
            tuple(each for each in every if isinstance(each, RejectedRow)),
            covers,
        )
