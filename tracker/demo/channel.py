"""The stand-in for Slack beside the demo: a process of its own, whose page shows messages as they arrive."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tracker.demo.port import check_free

DOUBLE = "tests.slack_double"
TOKEN = "xoxb-double"  # noqa: S105 -- the stand-in's own, it opens nothing
ROOT = Path(__file__).parents[2]


class NoDouble(Exception):
    """The stand-in lies in the repository only, not in an installed package."""


@contextmanager
def channel_page(port: int, channels: Mapping[str, str]) -> Iterator[str]:
    """Run the stand-in with channels given as id to name; yields its address. Raises NoDouble, PortTaken."""
    if not (ROOT / "tests" / "slack_double" / "__main__.py").is_file():
        raise NoDouble("The channel page is part of the repository: run `make demo` in a clone of it.")
    check_free("127.0.0.1", port, "--slack-port")
    named = [word for channel, name in channels.items() for word in ("--channel", f"{channel}={name}")]
    command = [sys.executable, "-m", DOUBLE, "--port", str(port), "--token", TOKEN, *named]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    owner = os.getpid()
    signal.signal(signal.SIGTERM, partial(_end_both, process))
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        if not address:
            raise NoDouble("The channel page did not start.")
        yield address
    finally:
        # The server forks: only who started the stand-in ends it.
        if os.getpid() == owner:
            process.terminate()
            process.wait(timeout=10)


def _end_both(process: "subprocess.Popen[str]", number: int, _frame: object) -> None:
    """Told to stop before the server has taken over: end the stand-in, then die of the signal as if there were no handler.

    Nothing is raised: an exception could be lost wherever the story is at that moment.
    """
    process.terminate()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
