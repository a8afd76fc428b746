"""How long our server takes to its first answer, and how much memory it holds with the scheduler in the same process."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from bench import goals, load, requests, servers, table
from bench.goals import Goal
from bench.load import Outcome, Target
from bench.rounds import Pace
from bench.servers import Server
from bench.stage import Act
from bench.table import Line
from tracker.domain.access import Role

CLIENTS = 4
THREADS = 8  # what `tracker serve` has where nothing is said
KIB_PER_MIB = 1024


def start_lines(act: Act, pace: Pace) -> Iterator[Line]:
    """Start one process after the other; the memory of each is read at its first answer and once it was used for a while."""
    seconds: list[float] = []
    yardsticks: list[float] = []
    at_first: list[float] = []
    in_use: list[float] = []
    used: list[Outcome] = []
    for _ in range(pace.rounds):
        began = time.perf_counter()
        with servers.tracker_server(act.pair.settings, workers=1, threads=THREADS) as server:
            seconds.append(time.perf_counter() - began)
            at_first += memory_of(server.pid)
            used += _use(act, server, pace)
            in_use += memory_of(server.pid)
        began = time.perf_counter()
        with servers.yardstick_server(act.pair.yardstick, act.pair.settings.instance):
            yardsticks.append(time.perf_counter() - began)
    memory = "memory (PSS) of web and scheduler together"
    # The yardstick's own start is no mark; it tells a slow program from a machine that is busy.
    start = _line(act, "start to first answer", seconds, goals.START_SECONDS, "s")
    yield replace(start, other=f"{median(yardsticks):.2f} s")
    yield _line(act, f"{memory}, at the first answer", at_first, goals.MEMORY_MIB, "MiB")
    yield replace(_line(act, f"{memory}, after a load", in_use, goals.MEMORY_MIB, "MiB"), bad=table.wrong(used))


def _use(act: Act, server: Server, pace: Pace) -> list[Outcome]:
    """Read and write for a while, with several clients."""
    reader = act.readers[Role.ENGAGEMENT_MANAGER]
    targets = [
        Target(server.port, [*reader.engagement_pages(), reader.portfolio("first")]),
        Target(server.port, requests.entries(act.pair), 201),
    ]
    return [load.run(each, clients=CLIENTS, seconds=pace.seconds) for each in targets]


def memory_of(pid: int) -> list[float]:
    """MiB of a process and all that descend from it, shared pages shared out among them; nothing where the system has no PSS."""
    if not Path(f"/proc/{pid}/smaps_rollup").exists():
        return []
    return [sum(_pss(each) for each in _tree(pid)) / KIB_PER_MIB]


def _tree(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _tree(int(child))


def _pss(pid: int) -> int:
    """KiB of one process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _line(act: Act, what: str, values: Sequence[float], goal: Goal, unit: str) -> Line:
    return Line(what, act.pair.engine, 1, str(act.pair.shape.engagements), "–", "–", values, goal, "not known here", unit=unit)
