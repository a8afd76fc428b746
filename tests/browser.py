"""The browser under the page tests and screenshots: found on the machine, or put there by `--install`.

Looked for in this order: `TRACKER_CHROMIUM`, a Chromium or Chrome on the path, the one that `playwright install` made.
No page test may depend on the machine's fonts: pages bring their own, and what those lack (emoji, Chinese) is
compared by its text and never by its pixels.
"""

import argparse
import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TypedDict

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APPLICATIONS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
QUIET = [
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-gpu",
]


class BrowserUnavailable(RuntimeError):
    """There is no browser to test with. The message is one line that says what to do."""


class LaunchOptions(TypedDict):
    """What Playwright's `chromium.launch` takes."""

    executable_path: str
    args: list[str]
    chromium_sandbox: bool


def chromium_path() -> Path:
    """Return the browser's program. Raises BrowserUnavailable when there is none that runs."""
    named = os.environ.get("TRACKER_CHROMIUM")
    if named:
        if not _runs(Path(named)):
            raise BrowserUnavailable(f"TRACKER_CHROMIUM is {named}, which is not a browser that runs here.")
        return Path(named)
    found = _on_the_machine() or _from_playwright()
    if found is None:
        raise BrowserUnavailable(
            "The page tests need Chromium and found none: run `python -m tests.browser --install`, or set TRACKER_CHROMIUM."
        )
    return found


def launch_options() -> LaunchOptions:
    """Return how to start the browser: quiet, and in its sandbox unless the machine has none to offer."""
    path = chromium_path()
    sandbox = _sandbox_works(path)
    args = QUIET if sandbox else [*QUIET, "--no-sandbox"]
    return {"executable_path": str(path), "args": list(args), "chromium_sandbox": sandbox}


def install() -> Path:
    """Return the browser, after getting one where there is none."""
    try:
        return chromium_path()
    except BrowserUnavailable:
        if os.environ.get("TRACKER_CHROMIUM"):
            raise
    if _is_debian() and os.geteuid() == 0 and _succeeds("apt-get", "update"):
        _succeeds("apt-get", "install", "-y", "chromium")
    if _on_the_machine() is None:
        _succeeds(sys.executable, "-m", "playwright", "install", "chromium")
    try:
        return chromium_path()
    except BrowserUnavailable as error:
        raise BrowserUnavailable(
            "No Chromium could be installed (see above): install one and set TRACKER_CHROMIUM to its path."
        ) from error


def _on_the_machine() -> Path | None:
    candidates = [Path(path) for name in NAMES if (path := shutil.which(name))]
    return next((path for path in (*candidates, *APPLICATIONS) if _runs(path)), None)


def _from_playwright() -> Path | None:
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if _runs(path) else None


@functools.cache
def _runs(program: Path) -> bool:
    """Tell whether this is a browser: Ubuntu's `chromium-browser` may be a script that only names a snap."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and b"chrom" in done.stdout.lower()


@functools.cache
def _sandbox_works(program: Path) -> bool:
    """Chromium has no sandbox as root, nor where a container or the system forbids user namespaces."""
    if os.geteuid() == 0:
        return False
    command: list[str | Path] = [program, "--headless", *QUIET, "--dump-dom", "about:blank"]
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _is_debian() -> bool:
    return Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def _succeeds(*command: str) -> bool:
    """Run an installer with all it says on standard error: standard output is for the path alone."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, stdout=sys.stderr, env=environment, check=False).returncode == 0


def main() -> int:
    """Print the browser's path; with `--install`, make sure there is one first."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description="The browser of the page tests.")
    parser.add_argument("--install", action="store_true", help="install Chromium when none is found")
    arguments = parser.parse_args()
    try:
        path = install() if arguments.install else chromium_path()
    except BrowserUnavailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
