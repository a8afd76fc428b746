"""`tracker demo --slack` in a process of its own, for tests and for the pictures of the tour."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.server import PATIENCE_SECONDS, environment, free_port

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class RunningDemo:
    """A demo that has said where it is; the server answers a moment later."""

    process: "subprocess.Popen[str]"
    address: str
    channel_page: str
    password: str


@contextmanager
def running_demo(folder: Path) -> Iterator[RunningDemo]:
    """Run the demo until the block ends."""
    words = ["demo", "--slack", "--json", "--port", str(free_port()), "--slack-port", str(free_port())]
    command = [sys.executable, "-m", "tracker", *words]
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the demo ended: {(folder / 'demo.log').read_text()[-2000:]}"
            said = json.loads(line)
            yield RunningDemo(process, said["address"], said["channel_page"], said["password"])
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE_SECONDS)
