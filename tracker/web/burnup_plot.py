"""The drawing of a burn-up: lines in thousandths, words in per cent of its width and height, so that both stretch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tracker.domain.burnup import Point
from tracker.domain.duration import say_minutes
from tracker.web.filters import say_day
from tracker.web.present import Shown

WHOLE = 1000
# So that the highest line and the words on it stay inside.
HEADROOM = 1.12
# Distances of the level lines, in minutes: the least that makes no more than so many of them.
DISTANCES = (15, 30, 60, 120, 300, 600, 1200, 3000, 6000, 12_000, 30_000, 60_000, 120_000, 300_000, 600_000)
MOST_LEVELS = 4
# Words this far to the right would leave the drawing, so they end where they would begin.
RIGHT_SIDE = 70
Corners = list[tuple[int, int]]


@dataclass(frozen=True)
class Span:
    """The days of a drawing. Work of its first day already rises from the line below it."""

    first: date
    last: date

    @classmethod
    def of(cls, points: Sequence[Point], until: date) -> "Span":
        first = points[0].day - timedelta(days=1)
        return cls(first, max(until, points[-1].day, first + timedelta(days=1)))

    def x(self, day: date) -> int:
        return (day - self.first).days * WHOLE // (self.last - self.first).days

    def ticks(self) -> list[str]:
        middle = self.first + (self.last - self.first) / 2
        days = (self.first, middle, self.last) if (self.last - self.first).days > 3 else (self.first, self.last)
        return [f"{day:%-d %b}" for day in days]


def plot_of(name: str, opening: int, points: Sequence[Point], until: date) -> Shown | None:
    """The plot of one budget up to a day; None while nothing moved. `opening` is the limit before the first point, in minutes."""
    if not points:
        return None
    span = Span.of(points, until)
    top = max(opening, *(max(point.limit, point.used + point.held) for point in points), 1)

    def y(minutes: int) -> int:
        return WHOLE - round(minutes * WHOLE / (top * HEADROOM))

    used, booked, limit = (
        _staircase(span, y, start, points, value)
        for start, value in (
            (0, lambda point: point.used),
            (0, lambda point: point.used + point.held),
            (opening, lambda point: point.limit),
        )
    )
    last = points[-1]
    return Shown(
        sentence=_sentence(name, span, last),
        used=_line(used),
        booked=_line(booked),
        limit=_line(limit),
        held=_line([*booked, *reversed(used)]),
        under=_line([*used, (WHOLE, WHOLE), (0, WHOLE)]),
        levels=[Shown(y=y(minutes), at=_per_cent(y(minutes)), label=say_minutes(minutes)) for minutes in _levels(top)],
        steps=_step_words(span, y, points),
        ticks=span.ticks(),
        has_held=any(point.held for point in points),
        total=Shown(used=last.used, held=last.held, limit=last.limit),
    )


def _staircase(
    span: Span, y: Callable[[int], int], start: int, points: Sequence[Point], value: Callable[[Point], int]
) -> Corners:
    """A value that stays until the day on which it moves."""
    corners = [(0, y(start))]
    for point in points:
        x = span.x(point.day)
        corners += [(x, corners[-1][1]), (x, y(value(point)))]
    return [*corners, (WHOLE, corners[-1][1])]


def _line(corners: Corners) -> str:
    return " ".join(f"{x},{y}" for x, y in corners)


def _levels(top: int) -> list[int]:
    distance = next((each for each in DISTANCES if top // each <= MOST_LEVELS), DISTANCES[-1])
    return list(range(distance, top + 1, distance))


def _step_words(span: Span, y: Callable[[int], int], points: Sequence[Point]) -> list[Shown]:
    """What was bought or lost, at the place where the limit moves."""
    words = []
    for point in points:
        if point.moved_limit:
            at = span.x(point.day) / (WHOLE / 100)
            sign = "+" if point.moved_limit > 0 else ""
            height = _per_cent(y(max(point.limit, point.limit - point.moved_limit)))
            anchor = "end" if at > RIGHT_SIDE else "start"
            words.append(Shown(x=f"{at:.1f}%", y=height, anchor=anchor, text=f"{sign}{say_minutes(point.moved_limit)}"))
    return words


def _per_cent(thousandths: int) -> str:
    return f"{thousandths / (WHOLE / 100):.1f}%"


def _sentence(name: str, span: Span, last: Point) -> str:
    held = f" and {say_minutes(last.held)} held" if last.held else ""
    return (
        f"{name}, {say_day(span.first)} to {say_day(span.last)}: {say_minutes(last.used)} used{held} "
        f"of {say_minutes(last.limit)}, {say_minutes(last.left)} left. The table below has every day."
    )
