"""Small delivery storms on each commit; docs/rules/delivery.md tells how to run great ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.storm.database import ENGINES

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 180
WRONGS = ("lost", "doubled", "unexpected", "unsettled", "unfinished", "marked_repeats")


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
    ("policy", "kind"),
    [
        pytest.param("sdk-retries", "accept_reset", id="the SDK sends again by itself what was reset on its way back"),
        pytest.param("short-quiet", "accept_late", id="looking before Slack may have accepted finds nothing"),
    ],
)
def test_the_judge_finds_doubles_where_the_promise_is_broken(policy: str, kind: str) -> None:
    few = ("--notices", "24", "--channels", "24", "--workers", "4", "--kills", "0", "--seed", "2")
    status, verdict = storm(*few, "--faults", "0.2", "--fault-kind", kind, "--policy", policy)
    assert verdict["doubled"] > 0, verdict
    assert status == 1
