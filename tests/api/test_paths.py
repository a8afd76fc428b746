"""Guided paths over the API."""

from tests.api.conftest import Ask
from tests.factories import make_engagement, make_site


def test_a_self_service_site_needs_nothing_but_a_path(ask: Ask) -> None:
    site = make_site(make_engagement(type="self_service", agreement=None), facts={"plugin_installable": True})
    said = ask("GET", f"/sites/{site.id}/runbook").json
    assert (said["proposal"]["runbook"], said["paths"]) == ("wordpress-guided-2024", [])
    assert "network" in [each["fact"] for each in said["proposal"]["unknown"]]
    chosen = ask("POST", f"/sites/{site.id}/runbook", {"runbook": "wordpress-guided-2024"})
    assert chosen.status_code == 201, chosen.json
    first = chosen.json["steps"][0]
    assert (first["step"], first["actor"], first["done"]) == ("prepare", "customer", False)
    step = f"/path-steps/{first['id']}"
    refused = ask("PATCH", step, {"done": True, "on_behalf": True})
    assert refused.status_code == 422
    assert {each["field"] for each in refused.json["errors"]} == {
        "inputs.core_version", "inputs.extension_inventory", "inputs.php_version", "evidence", "confirmed",
    }  # fmt: skip
    said = {
        "inputs": {"core_version": "6.7", "extension_inventory": "12 plugins", "php_version": "8.2"},
        "evidence": "Checklist of 3 March",
        "confirmed": [check["id"] for check in first["checks"]],
        "done": True,
        "on_behalf": True,
    }
    done = ask("PATCH", step, said, If_Match="1")
    assert (done.status_code, done.json["done"], done.json["on_behalf"]) == (200, True, True), done.json
