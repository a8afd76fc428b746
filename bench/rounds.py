"""Rounds: every target is visited before the first comes again, so that what the machine does meanwhile falls on all alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import load
from bench.load import Outcome, Target


@dataclass(frozen=True)
class Pace:
    """How long to measure: rounds, seconds of each load in a round, requests where a few are enough."""

    rounds: int
    seconds: float
    shots: int


def interleaved(targets: Mapping[str, Target], pace: Pace, *, clients: int, most: int | None = None) -> dict[str, list[Outcome]]:
    """Load each target once a round; the outcomes by the target's name, in the order of the rounds."""
    found: dict[str, list[Outcome]] = {name: [] for name in targets}
    for number in range(pace.rounds):
        for name in _turned(list(targets), number):
            target = targets[name]
            found[name].append(load.run(target, clients=clients, seconds=pace.seconds, seed=number + 1, most=most))
    return found


def _turned(names: Sequence[str], number: int) -> Sequence[str]:
    """Another one begins in each round: whoever is always first would always find the machine rested."""
    place = number % len(names)
    return [*names[place:], *names[:place]]
