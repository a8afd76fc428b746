"""Measures the program beside the yardstick and prints the table: `python -m bench --help`."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench import lines, table
from bench.databases import ENGINES
from bench.rounds import Pace
from bench.stage import staged
from bench.table import Line

PARTS = ("entries", "pages", "growth", "report")


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    parts: tuple[str, ...]
    engines: tuple[str, ...]
    sizes: tuple[int, ...]
    pace: Pace
    json: Path | None


def measure(plan: Plan) -> Iterator[Line]:
    """The lines of the table, each as soon as it is known. Reading comes before what writes."""
    for engine in plan.engines:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            say(f"Filling {engine} with {', '.join(map(str, plan.sizes))} engagements.")
            acts = stack.enter_context(staged(engine, list(plan.sizes), folder))
            if "pages" in plan.parts:
                yield from lines.page_lines(acts, plan.pace)
            if "growth" in plan.parts:
                yield from lines.growth_lines(acts, plan.pace)
            if "report" in plan.parts:
                yield from lines.report_lines(acts, plan.pace)
            if "entries" in plan.parts:
                yield from lines.entry_lines(acts, plan.pace)


def say(text: str) -> None:
    """To whoever waits; the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def read_arguments() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", action="append", choices=PARTS, help="repeatable; default: everything")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each load in a round")
    parser.add_argument("--sizes", type=sizes, default=(100, 10_000), help="engagements, such as 100,1000,10000")
    parser.add_argument("--engines", choices=ENGINES, action="append", help="repeatable; default: both")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    said = parser.parse_args()
    return Plan(
        parts=tuple(said.only or PARTS),
        engines=tuple(said.engines or ENGINES),
        sizes=said.sizes,
        pace=Pace(said.rounds, said.seconds, shots=12),
        json=said.json,
    )


def sizes(text: str) -> tuple[int, ...]:
    """Read numbers of engagements."""
    return tuple(sorted(int(each) for each in text.split(",")))


def main() -> int:
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
