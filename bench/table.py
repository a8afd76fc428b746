"""What was found: one line a figure, as a Markdown table for people and as JSON for programs."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.goals import Goal
from bench.load import Outcome

Figure = Callable[[Outcome], float]
HEAD = ("what", "engine", "clients", "N", "ours", "yardstick", "ratio or value, median (min–max)", "must", "aim", "verdict")


@dataclass(frozen=True)
class Line:
    """One figure. `values` has one value of each round, whose median is judged; `note` stands where there is none.

    They are ratios unless `unit` says what they are.
    """

    what: str
    engine: str
    clients: int
    size: str
    ours: str
    other: str
    values: Sequence[float]
    goal: Goal
    note: str = ""
    unit: str = ""
    bad: Counter[str] = field(default_factory=Counter)

    @property
    def verdict(self) -> str:
        if self.bad:
            return f"WRONG ANSWERS: {dict(self.bad)}"
        return self.goal.verdict(median(self.values)) if self.values else self.note

    def cells(self) -> list[str]:
        """The line as its cells are shown."""
        values, unit = self.values, f" {self.unit}" if self.unit else ""
        found = f"{median(values):.3g}{unit} ({min(values):.3g}–{max(values):.3g})" if values else "–"
        marks = [f"{self.goal.say(mark)}{unit}" for mark in (self.goal.must, self.goal.aim)]
        return [self.what, self.engine, str(self.clients), self.size, self.ours, self.other, found, *marks, self.verdict]

    def as_json(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in ("what", "engine", "clients", "size", "ours", "other", "unit", "verdict")}
        marks = {"must": self.goal.must, "aim": self.goal.aim, "at_least": self.goal.at_least}
        return plain | marks | {"values": list(self.values), "median": median(self.values) if self.values else None}


def head() -> str:
    return f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}"


def row(line: Line) -> str:
    return f"| {' | '.join(line.cells())} |"


def ratios(ours: Sequence[Outcome], others: Sequence[Outcome], figure: Figure) -> list[float]:
    """Ours by the other's, within each round, because a machine that is shared drifts between them."""
    return [figure(each) / figure(other) for each, other in zip(ours, others, strict=True) if figure(other)]


def wrong(*outcomes: Sequence[Outcome]) -> Counter[str]:
    """All answers that were wrong, by what was wrong with them."""
    return sum((each.bad for some in outcomes for each in some), Counter[str]())


def rate(outcome: Outcome) -> float:
    """Right answers in a second."""
    return outcome.per_second


def p50(outcome: Outcome) -> float:
    """Milliseconds."""
    return outcome.percentile(0.50)


def p99(outcome: Outcome) -> float:
    """Milliseconds."""
    return outcome.percentile(0.99)


def say_rate(outcomes: Sequence[Outcome]) -> str:
    return f"{median(rate(each) for each in outcomes):.0f}/s, p50 {median(p50(each) for each in outcomes):.1f} ms"


def say_p99(outcomes: Sequence[Outcome]) -> str:
    return f"p95 {median(each.percentile(0.95) for each in outcomes):.1f}, p99 {median(p99(each) for each in outcomes):.1f} ms"


def say_p50(outcomes: Sequence[Outcome]) -> str:
    return f"p50 {median(p50(each) for each in outcomes):.1f} ms"
