"""Small delivery storms on each commit; docs/rules/delivery.md tells how to run great ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.storm.database import ENGINES
from tests.storm.outbox import WRONGS
from tests.storm.simulation import is_clean, simulate

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 180


def storm(*options: str) -> tuple[int, dict[str, Any]]:
    """Let one rage in a process of its own: a test's threads must not be there when it forks."""
    command = [sys.executable, "-m", "tests.storm.delivery", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.stdout, done.stderr
    assert not done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_workers_and_a_failing_slack_lose_nothing_and_double_nothing(engine: str) -> None:
    status, verdict = storm("--engine", engine, "--notices", "500", "--kills", "10", "--faults", "0.03")
    assert {name: verdict[name] for name in WRONGS} == dict.fromkeys(WRONGS, 0), verdict
    assert verdict["kills"] == 10
    assert verdict["befallen"], "a storm without a fault proves nothing"
    assert status == 0


@pytest.mark.parametrize(
    ("scene", "words", "proof"),
    [
        pytest.param("freeze", ("--notices", "24", "--kills", "2"), {"freezes": 2}, id="workers freeze"),
        pytest.param("restore", ("--notices", "20", "--channels", "10"), {}, id="backups are put back"),
        pytest.param("nodes", ("--notices", "24", "--kills", "1"), {"groups_killed": 1, "server_crashes": 1}, id="nodes fail"),
    ],
)
def test_whatever_befalls_the_workers_nothing_is_lost_and_nothing_doubled(
    scene: str, words: tuple[str, ...], proof: dict[str, int]
) -> None:
    _status, verdict = storm("--scene", scene, *words)
    assert {name: verdict[name] for name in WRONGS} == dict.fromkeys(WRONGS, 0), verdict
    assert {name: verdict[name] for name in proof} == proof
    if scene == "restore":
        assert [each["settled_in_it"] < 20 for each in verdict["restores"]][:2] == [True, True]


def test_nobody_posts_before_it_may_and_who_need_not_wait_does_not() -> None:
    words = ("--notices", "15", "--channels", "3", "--kills", "1", "--pace", "0.5")
    _status, verdict = storm("--scene", "pacing", *words)
    names = (*WRONGS, "before_retry_after", "held_up")
    assert {name: verdict[name] for name in names} == dict.fromkeys(names, 0), verdict
    assert verdict["told_to_wait"] == 1
    assert verdict["least_seconds_apart"] >= 0.4


def test_in_many_lives_with_sudden_deaths_nothing_is_lost_and_nothing_doubled() -> None:
    verdicts = simulate(range(1, 19))
    assert [verdict for verdict in verdicts if not is_clean(verdict)] == []
    assert sum(verdict["died"] for verdict in verdicts) > 10


def test_the_simulation_finds_what_a_look_that_comes_too_early_doubles() -> None:
    assert sum(verdict["doubled"] for verdict in simulate(range(1, 13), faults=0.8, deaths=0, quiet=1)) > 0
