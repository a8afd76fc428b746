"""The benchmarks of the outbox measure what they say: each gives its line, at the smallest size."""

from pathlib import Path

from bench import outbox
from bench.outbox import Ground
from bench.rounds import Pace
from bench.soak import soak


def test_every_benchmark_of_the_outbox_gives_its_line(tmp_path: Path) -> None:
    ground, pace = Ground("sqlite", tmp_path, None), Pace(rounds=1, seconds=0.05, shots=1)
    lines = [
        *outbox.due_lines(ground, pace, (150, 300)),
        *outbox.message_lines(ground, pace, 3),
        *outbox.tick_lines(ground, pace, 2),
    ]
    assert [len(line.values) for line in lines] == [1, 1, 1]
    assert min(line.values[0] for line in lines) > 0


def test_a_soak_tells_everything_once_and_leaves_nothing_behind() -> None:
    found = soak(days=4, engagements=4)
    assert (found["lost"], found["doubled"]) == (0, 0)
    assert found["told"] > 0
