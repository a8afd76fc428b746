"""`tracker demo` as a newcomer runs it: a real process, its pages, the channel page beside it, and how it ends."""

import http.cookiejar
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.demo.running import running_demo
from tests.server import environment, free_port

PATIENCE_SECONDS = 60


def wait_for(what: Callable[[], bool], missing: str) -> None:
    """Look until it is so, for a while."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, missing
        time.sleep(0.1)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 -- our own
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError):
        return False


def text_of(address: str) -> str:
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 -- our own
        text: str = answer.read().decode()
        return text


def signed_in(address: str, email: str, password: str) -> urllib.request.OpenerDirector:
    """A browser in which somebody has signed in by the form."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    form = browser.open(f"{address}/sign-in", timeout=10).read().decode()
    hidden = re.findall(r'<input[^>]*type="hidden"[^>]*>', form)
    values = {}
    for each in hidden:
        name, value = re.search(r'name="([^"]+)"', each), re.search(r'value="([^"]*)"', each)
        if name is not None and value is not None:
            values[name[1]] = value[1]
    said = urllib.parse.urlencode(values | {"email": email, "password": password}).encode()
    browser.open(f"{address}/sign-in", said, timeout=10).close()
    return browser


def test_a_newcomer_signs_in_and_sees_reminders_arrive_and_the_signal_to_stop_ends_both(tmp_path: Path) -> None:
    with running_demo(tmp_path) as demo:
        wait_for(lambda: answers(f"{demo.address}/healthz"), "the demo did not answer")
        browser = signed_in(demo.address, "priya@northwind.example", demo.password)
        page = browser.open(demo.address, timeout=10).read().decode()
        assert "Three-site migration" in page
        assert "Bakery relaunch" not in page
        wait_for(lambda: "Change request 1 waits for your approval" in text_of(demo.channel_page), "no reminder arrived")
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(timeout=PATIENCE_SECONDS) == 0
        assert not answers(f"{demo.address}/healthz")
        assert not answers(demo.channel_page)


def test_told_to_stop_while_the_story_is_told_it_ends_the_channel_page_too(tmp_path: Path) -> None:
    page = free_port()
    command = [sys.executable, "-m", "tracker", "demo", "--slack", "--port", str(free_port()), "--slack-port", str(page)]
    with subprocess.Popen(command, env=environment(tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
        wait_for(lambda: answers(f"http://127.0.0.1:{page}/"), "the channel page did not answer")
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(timeout=PATIENCE_SECONDS) == -signal.SIGTERM
    wait_for(lambda: not answers(f"http://127.0.0.1:{page}/"), "the channel page went on")


def test_a_port_in_use_is_one_clear_line_and_nothing_is_left_running(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for words, option in (
            (("--port", str(port)), "--port"),
            (("--slack", "--port", str(free_port()), "--slack-port", str(port)), "--slack-port"),
        ):
            command = [sys.executable, "-m", "tracker", "demo", *words]
            done = subprocess.run(
                command, env=environment(tmp_path), capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
            )
            assert (done.returncode, done.stdout) == (1, "")
            assert done.stderr == f"tracker: Port {port} is in use already. Choose another with {option}.\n"
