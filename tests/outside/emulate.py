"""Our sender and channel care against an emulator of Slack that is not ours: vercel-labs/emulate, from the npm registry.

`python -m tests.outside.emulate` fetches one pinned release into a folder that is thrown away, starts it in a network
namespace that has only loopback (it would listen on every interface), and talks with it. It skips, with the reason, where
npm or namespaces are missing. What it cannot show: pace, limits, and `oldest` of a history, which it ignores.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.slack_double.workspace import ALL_SCOPES
from tracker.domain.channel import ChannelSeen, Fault
from tracker.domain.notice import Park, Pause, Post, Sent
from tracker.slack.channels import SlackChannels
from tracker.slack.sender import SlackSender
from tracker.store.outbox import id_of

RELEASE = "0.8.0"  # `latest` is another package of that name, and later releases do not start on Node 20
INTEGRITY = "sha512-UMbzvyrSgBVpWciS/I6/XbvsG6CAabKeSctweC328yaMcw5cT86ms50lOjcEWUcGPiXZTefxL4UY2s6tZR8IXA=="
ROOT = Path(__file__).parents[2]
PORT = 4003
FETCH_SECONDS, START_SECONDS = 120, 20
FULL, POOR = "xoxb-outside-full", "xoxb-outside-poor"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(words)
    if asked.inside is not None:
        return talk(asked.inside)
    if (missing := _missing()) is not None:
        click.echo(f"Skipped: {missing}")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if (fault := _fetch(folder)) is not None:
            click.echo(f"Skipped: {fault}")
            return 0
        enclosed = 'ip link set lo up && exec "$0" -m tests.outside.emulate --inside "$1"'
        command = [*_unshare(), "sh", "-c", enclosed, sys.executable, str(folder)]
        return subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False).returncode


def _missing() -> str | None:
    for program in ("npm", "node", "unshare", "ip"):
        if shutil.which(program) is None:
            return f"there is no {program} on the PATH."
    if subprocess.run([*_unshare(), "true"], capture_output=True, check=False).returncode != 0:
        return "this machine does not let us make a network namespace."
    return None


def _unshare() -> list[str]:
    return ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]


def _fetch(folder: Path) -> str | None:
    """Fetch the release without running anything of it; what went wrong, if anything did."""
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", f"emulate@{RELEASE}"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return "the npm registry did not answer in time."
    if done.returncode != 0:
        return f"npm could not fetch emulate {RELEASE}: {done.stderr.strip().splitlines()[-1:]}"
    lock = json.loads((folder / "package-lock.json").read_text())
    if lock["packages"]["node_modules/emulate"]["integrity"] != INTEGRITY:
        raise SystemExit("The registry gave another emulate than the one that was looked at.")
    return None


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    tokens = [{"token": FULL, "scopes": sorted(ALL_SCOPES)}, {"token": POOR, "scopes": ["channels:read"]}]
    seed = {
        "slack": {"strict_scopes": True, "users": [{"name": "priya"}], "tokens": [{"user": "admin", **each} for each in tokens]}
    }
    (folder / "seed.json").write_text(json.dumps(seed))
    command = ["node", "node_modules/emulate/dist/index.js", "start", "-s", "slack", "-p", str(PORT), "--seed", "seed.json"]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            _wait(folder)
            yield f"http://127.0.0.1:{PORT}/api/"
        finally:
            process.terminate()


def _wait(folder: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The emulator did not start: {(folder / 'log').read_text()[-500:]}")


def talk(folder: Path) -> int:
    """Everything that is checked; each line says what held."""
    with _running(folder) as url:
        channels = SlackChannels(FULL, url, timeout=5, proxy=None)
        sender = SlackSender(FULL, url, timeout=5, proxy=None)
        made = channels.create("northwind", private=False)
        assert isinstance(made, ChannelSeen), made
        _say("a channel is made", made.name == "northwind")
        again = channels.create("northwind", private=False)
        _say("made again it is the same one, or refused in words", again == made or isinstance(again, Fault))
        seen = channels.look(made.channel)
        _say("it is seen with who is in it", isinstance(seen, ChannelSeen) and seen.is_member and bool(seen.members))
        gone = channels.look("C0NOWHERE")
        _say("one that is not there is an answer", isinstance(gone, ChannelSeen) and gone.problem is not None)
        joined = channels.joined()
        _say(
            "the channels that we are in are listed",
            not isinstance(joined, Fault) and made.channel in [c.channel for c in joined],
        )
        sent = [sender.send(_post(made.channel, key)) for key in ("one", "two")]
        _say("two notices are posted", all(isinstance(each, Sent) for each in sent))
        found = sender.find(made.channel, [id_of(key) for key in ("one", "two", "three")], LONG_AGO)
        stamps = [each.slack_ts for each in sent if isinstance(each, Sent)]
        _say(
            "both are found by their markers, and no third", found == dict(zip((id_of("one"), id_of("two")), stamps, strict=True))
        )
        _say("a channel that is not there cannot be read", sender.find("C0NOWHERE", [id_of("one")], LONG_AGO) is None)
        _say("nor posted to", isinstance(sender.send(_post("C0NOWHERE", "four")), Park))
        poor = SlackSender(POOR, url, timeout=5, proxy=None)
        _say("without the scope everything waits", isinstance(poor.send(_post(made.channel, "five")), Pause))
        refused = SlackChannels(POOR, url, timeout=5, proxy=None).create("southwind", private=False)
        _say("and the missing scope is named", isinstance(refused, Fault) and "scope" in refused.message)
    click.echo("The emulator agrees.")
    return 0


def _post(channel: str, key: str) -> Post:
    said = {"type": "mrkdwn", "text": f"Notice {key}"}
    return Post(id_of(key), channel, f"Notice {key}", [{"type": "section", "block_id": f"tracker:{id_of(key)}:v1", "text": said}])


def _say(what: str, holds: bool) -> None:
    click.echo(f"{'ok' if holds else 'NOT SO'}: {what}")
    if not holds:
        raise SystemExit(1)


if __name__ == "__main__":
    sys.exit(main())
