"""Measures the program beside the yardstick and prints the table: `python -m bench --help`."""

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench import lines, outbox, table
from bench.databases import ENGINES
from bench.hanging import hanging_lines
from bench.outbox import Ground
from bench.rounds import Pace
from bench.soak import soak_lines
from bench.stage import Act, staged
from bench.start import start_lines
from bench.table import Line

STAGED = ("entries", "pages", "growth", "report", "start", "slack")  # what asks servers, each with all the data
OF_THE_OUTBOX = ("due", "messages", "tick", "soak")
PARTS = (*STAGED, *OF_THE_OUTBOX)
QUICK_SIZES, FULL_SIZES = (100, 10_000), (100, 1_000, 10_000)
QUICK, FULL = Pace(rounds=5, seconds=1.0, shots=5), Pace(rounds=5, seconds=4.0, shots=30)


@dataclass(frozen=True)
class Plan:
    """What is to be measured. `full`: entries and pages at every size instead of the largest, pages with 8 clients too."""

    parts: tuple[str, ...]
    engines: tuple[str, ...]
    sizes: tuple[int, ...]
    pace: Pace
    full: bool
    json: Path | None


def measure(plan: Plan) -> Iterator[Line]:
    """The lines of the table, each as soon as it is known."""
    for engine in plan.engines:
        if set(plan.parts) & set(OF_THE_OUTBOX):
            with tempfile.TemporaryDirectory(prefix="bench-") as name, outbox.ground(engine, Path(name)) as ground:
                yield from _measure_outbox(plan, ground)
        if not set(plan.parts) & set(STAGED):
            continue
        with tempfile.TemporaryDirectory(prefix="bench-") as name:
            say(f"Filling {engine} with {', '.join(map(str, plan.sizes))} engagements.")
            with staged(engine, plan.sizes, Path(name)) as acts:
                yield from _measure_one(plan, acts)


def _measure_one(plan: Plan, acts: Sequence[Act]) -> Iterator[Line]:
    """The lines of one engine. Reading comes before what writes, so that all read what was seeded.

    Entries are loaded for twice as long, because a p99 of few says little. Growth takes two sizes; start and memory are
    asked of SQLite, where one process is all there is.
    """
    chosen = acts if plan.full else acts[-1:]
    parts: dict[str, Callable[[], Iterator[Line]]] = {
        "pages": lambda: lines.page_lines(chosen, plan.pace, (1, 8) if plan.full else (1,)),
        "growth": lambda: lines.growth_lines(acts, plan.pace),
        "report": lambda: lines.report_lines(acts[-1], plan.pace),
        "entries": lambda: lines.entry_lines(chosen, replace(plan.pace, seconds=2 * plan.pace.seconds)),
        "start": lambda: start_lines(acts[0], plan.pace),
        "slack": lambda: hanging_lines(acts[0], plan.pace),
    }
    left_out = {"start"} if acts[0].pair.engine != "sqlite" else set()
    if len(acts) == 1:
        left_out.add("growth")
    for part, lines_of in parts.items():
        if part in plan.parts and part not in left_out:
            say(f"Measuring {part} on {acts[0].pair.engine}.")
            yield from lines_of()


def _measure_outbox(plan: Plan, ground: Ground) -> Iterator[Line]:
    """The lines that need no server of ours, on databases of their own. Memory over many days is asked of SQLite."""
    parts: dict[str, Callable[[], Iterator[Line]]] = {
        "due": lambda: outbox.due_lines(ground, plan.pace),
        "messages": lambda: outbox.message_lines(ground, plan.pace),
        "tick": lambda: outbox.tick_lines(ground, plan.pace, plan.sizes[-1]),
        "soak": soak_lines,
    }
    for part, lines_of in parts.items():
        if part in plan.parts and (part != "soak" or ground.engine == "sqlite"):
            say(f"Measuring {part} on {ground.engine}.")
            yield from lines_of()


def say(text: str) -> None:
    """To whoever waits; the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def read_arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PARTS, help="repeatable; default: everything")
    parser.add_argument("--rounds", type=int, help=f"default: {QUICK.rounds}; medians of fewer say little")
    parser.add_argument("--seconds", type=float, help=f"of each load; default: {QUICK.seconds:g}, with --full {FULL.seconds:g}")
    parser.add_argument("--sizes", type=sizes_in, help="engagements, such as 100,1000,10000")
    parser.add_argument("--engines", choices=ENGINES, action="append", help="repeatable; default: both")
    parser.add_argument("--full", action="store_true", help="all sizes, entries and pages at each of them, longer loads")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    said = parser.parse_args()
    pace = FULL if said.full else QUICK
    return Plan(
        parts=tuple(said.only or PARTS),
        engines=tuple(said.engines or ENGINES),
        sizes=said.sizes or (FULL_SIZES if said.full else QUICK_SIZES),
        pace=Pace(said.rounds or pace.rounds, said.seconds or pace.seconds, pace.shots),
        full=said.full,
        json=said.json,
    )


def sizes_in(text: str) -> tuple[int, ...]:
    """Read numbers of engagements, as an argument names them."""
    return tuple(sorted({int(each) for each in text.split(",")}))


def main() -> int:
    # Whoever ends this ends its servers with it, and leaves no database behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    plan, found = read_arguments(), []
    print(table.head(), flush=True)
    for line in measure(plan):
        print(table.row(line), flush=True)
        found.append(line)
    if plan.json is not None:
        plan.json.write_text(json.dumps([line.as_json() for line in found], indent=1) + "\n")
    wrong = [line for line in found if line.bad]
    for line in wrong:
        say(f"{line.what}, {line.engine}: {dict(line.bad)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
