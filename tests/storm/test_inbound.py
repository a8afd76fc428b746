"""A small inbound storm on each commit; docs/rules/slack.md tells how to run great ones."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 120


def test_each_press_and_command_takes_effect_once_however_often_it_comes_and_whatever_dies() -> None:
    command = [sys.executable, "-m", "tests.storm.inbound", "--actions", "24", "--deliveries", "4", "--kills", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)
    assert (found["effects"], found["killed"]) == (24, 1), found
    assert done.returncode == 0, found
