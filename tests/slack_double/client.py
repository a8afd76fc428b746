"""For tests in another process: the double's control panel, and a double in a process of its own."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.slack_double.answers import JsonObject

ROOT = Path(__file__).parents[2]
TIMEOUT = 10.0

# Proxy variables in the environment would otherwise send requests for this machine through a proxy.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class ControlError(Exception):
    """The double did not understand what a test asked of its control panel."""


class SlackControl:
    """The control panel of a double at `base_url`, which ends with `/api/`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.url = base_url.removesuffix("api/")

    def state(self) -> JsonObject:
        return self._ask("state")

    def log(self) -> list[JsonObject]:
        entries: list[JsonObject] = self._ask("log")["log"]
        return entries

    def count_by_marker(self) -> dict[str, int]:
        counts: dict[str, int] = self._ask("counts")["counts"]
        return counts

    def wait_until_settled(self, seconds: float = 10.0) -> None:
        """Wait until nothing will be accepted late any more; only then is the count final."""
        deadline = time.monotonic() + seconds
        while self._ask("counts")["pending"]:
            if time.monotonic() > deadline:
                raise TimeoutError("Slack still holds messages back.")
            time.sleep(0.02)

    def push(self, kind: str, **details: Any) -> None:
        """Details: method, channel, times; status, delay, retry_after, error."""
        self._ask("faults", kind=str(kind), **details)

    def change_schedule(self, **changes: Any) -> None:
        """Changes: seed, rate, rates, kinds, methods, delay, retry_after, retry_after_most. Requests count from one again."""
        self._ask("schedule", **changes)

    def put_channel(self, channel: str, **changes: Any) -> None:
        """Changes: name, is_member, is_archived, is_private, is_ext_shared, members."""
        self._ask("channels", id=channel, **changes)

    def change_id(self, old: str, new: str) -> None:
        self._ask("channels/id", old=old, new=new)

    def remove_channel(self, channel: str) -> None:
        self._ask("channels/remove", id=channel)

    def put_token(self, token: str, **changes: Any) -> None:
        """Changes: state (valid, token_revoked, account_inactive), scopes."""
        self._ask("tokens", token=token, **changes)

    def change_settings(self, **changes: Any) -> None:
        """Changes: pace_seconds, lag_seconds, page_default, page_max, reads_per_minute."""
        self._ask("settings", **changes)

    def say(self, channel: str, text: str, *, thread_ts: str | None = None) -> str:
        """Let a person write something; returns its ts."""
        return str(self._ask("messages", channel=channel, text=text, thread_ts=thread_ts)["ts"])

    def delete(self, channel: str, ts: str) -> None:
        """Let a person delete a message."""
        self._ask("messages/delete", channel=channel, ts=ts)

    def reset(self) -> None:
        self._ask("reset")

    def _ask(self, name: str, /, **body: Any) -> JsonObject:
        data = None if name in {"state", "log", "counts"} else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}_control/{name}", data)  # noqa: S310 -- always our own http address
        try:
            with _DIRECT.open(request, timeout=TIMEOUT) as answer:
                found: JsonObject = json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ControlError(refusal.read().decode()) from None
        return found


@contextmanager
def slack_process(*options: str) -> Iterator[SlackControl]:
    """Run a double in a process of its own, where forking and killing around it cannot disturb it.

    Options are those of `python -m tests.slack_double`.
    """
    command = [sys.executable, "-m", "tests.slack_double", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().strip()
            if not base_url:
                raise RuntimeError("The Slack double did not start.")
            yield SlackControl(base_url)
        finally:
            process.terminate()
