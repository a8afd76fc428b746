"""The built wheel serves from an empty folder: templates, migrations and static files are in it."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what is in the repository and unpacked beside nothing else."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--target",
        str(target),
    ]
    subprocess.run([*pip, str(source)], check=True, capture_output=True)
    return target


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def serving(package: Path, folder: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run `tracker serve` from a package, in a folder of its own."""
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(package), "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "tracker", "serve", "--port", str(port)]
    process = subprocess.Popen(words, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/healthz", process)
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def wait_until_up(url: str, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not come up"


def test_the_wheel_serves_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    with serving(installed, tmp_path) as (address, process):
        assert process.stdout is not None
        printed = [process.stdout.readline() for _line in range(2)]
        link = printed[1].split()[-1]
        assert link.startswith(f"{address}/first-admin/")
        with urllib.request.urlopen(link, timeout=5) as page:  # noqa: S310
            assert "Create the first administrator" in page.read().decode()
        with urllib.request.urlopen(f"{address}/static/css/tokens.css", timeout=5) as css:  # noqa: S310
            assert b"light-dark(" in css.read()
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as ready:  # noqa: S310
            assert b'"migrations":"ok"' in ready.read()
    assert (tmp_path / "instance" / "tracker.sqlite").stat().st_size > 0
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o077 == 0
