"""The built wheel serves from an empty folder: templates, migrations and static files are in it."""

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.server import serving

ROOT = Path(__file__).parents[2]


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


def test_the_wheel_serves_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(installed), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with serving(tmp_path, environ=environ, cwd=tmp_path) as running:
        address = running.address
        assert running.first_admin_link.startswith(f"{address}/first-admin/")
        with urllib.request.urlopen(running.first_admin_link, timeout=5) as page:  # noqa: S310
            assert "Create the first administrator" in page.read().decode()
        with urllib.request.urlopen(f"{address}/static/css/tokens.css", timeout=5) as css:  # noqa: S310
            assert b"light-dark(" in css.read()
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as ready:  # noqa: S310
            assert b'"migrations":"ok"' in ready.read()
    assert (tmp_path / "instance" / "tracker.sqlite").stat().st_size > 0
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o077 == 0
