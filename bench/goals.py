"""What is asked of each figure: what it must reach, what it aims at, and whether it does."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """Two marks for one figure. At least so much for a rate beside the yardstick's, at most for a time or a size."""

    must: float
    aim: float
    at_least: bool = False

    def verdict(self, value: float) -> str:
        """What to say of a value; a figure on the mark has reached it."""
        sign = -1 if self.at_least else 1
        if sign * value <= sign * self.aim:
            return "aim"
        return "meets must" if sign * value <= sign * self.must else "misses"

    def say(self, mark: float) -> str:
        return f"{'≥' if self.at_least else '≤'} {mark:g}"


ENTRY = Goal(0.30, 0.45, at_least=True)
ENTRY_P99 = Goal(4, 2.5)
PAGE = Goal(0.15, 0.30, at_least=True)
GROWTH = Goal(1.5, 1.2)
REPORT = Goal(5, 2.5)
START_SECONDS = Goal(1, 0.5)
MEMORY_MIB = Goal(150, 110)
HANGING_P99 = Goal(1.3, 1.1)
DUE = Goal(2, 1.2)
MESSAGES = Goal(0.10, 0.25, at_least=True)
TICK_MS = Goal(50, 25)
SOAK = Goal(1.05, 1.02)
