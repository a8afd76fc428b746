"""What a real client hears that sends far more than is read: an answer, not a broken connection."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.server import serving

FIFTY_MEGABYTES = b" " * (50 * 1024 * 1024)


@pytest.mark.parametrize("path", ["/api/v1/engagements", "/sign-in"])
def test_whoever_sends_fifty_megabytes_is_told_why_not(tmp_path: Path, path: str) -> None:
    with serving(tmp_path) as running:
        asked = urllib.request.Request(running.address + path, data=FIFTY_MEGABYTES, method="POST")  # noqa: S310
        for _try in range(3):
            with pytest.raises(urllib.error.HTTPError) as told:
                urllib.request.urlopen(asked, timeout=30)  # noqa: S310
            assert told.value.code in (401, 413)
            told.value.close()
        with urllib.request.urlopen(f"{running.address}/healthz", timeout=30) as answer:  # noqa: S310
            assert json.load(answer) == {"ok": True}
