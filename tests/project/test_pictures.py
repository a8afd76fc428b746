"""Every page has its picture, so that it is also among those that are tested for everybody's eyes."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from werkzeug.exceptions import HTTPException

from tests.conftest import settings_for
from tests.scene import Scene
from tests.shots import pages_of
from tracker.app import create_app
from tracker.store.identity import new_id

# What a browser gets that is no page of ours, and the one page that is gone once there is somebody.
WITHOUT = {
    "/healthz": "for machines",
    "/readyz": "for machines",
    "/metrics": "for machines",
    "/static/<path:filename>": "files",
    "/uploads/<uuid:upload_id>/inventory/rejected.csv": "a file",
    "/uploads/<uuid:upload_id>/sites/rejected.csv": "a file",
    "/hours.csv": "a file",
    "/engagements/<uuid:engagement_id>/hours.csv": "a file",
    "/time/import/<uuid:hours_upload_id>/rejected.csv": "a file",
    "/time/entries.csv": "a file",
    "/first-admin/<token>": "only in an empty installation; tests/pages/test_every_page.py looks at it there",
}


def test_every_page_has_a_picture(tmp_path: Path) -> None:
    app = create_app(settings_for(tmp_path))
    rules = {rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and "/api/" not in rule.rule}
    made: dict[str, Any] = {each.name: "/sign-in/secret" if each.type is str else new_id() for each in fields(Scene)}
    scene = Scene(**made)
    address = app.url_map.bind("localhost")
    pictured = set()
    for name, _who, path in pages_of(scene):
        real = f"/notices/{new_id()}" if path == "/notices/latest" else path.partition("?")[0]
        try:
            rule, _values = address.match(real, "GET", return_rule=True)
        except HTTPException:
            assert name == "not-found", f"{name}: there is no page at {real}"
            continue
        pictured.add(rule.rule)
    assert sorted(rules - pictured - set(WITHOUT)) == [], "a page without a picture: add it to pages_of in tests/shots.py"
    assert sorted(set(WITHOUT) - rules) == [], "no longer there"
