"""Guided paths over the API."""

from tests.api.conftest import Ask
from tests.factories import TODAY, make_agreed_site, make_engagement, make_site
from tracker.catalog.loader import newest

DRUPAL_ISSUE = next(issue.id for issue in newest().issues.values() if issue.cms == "drupal")


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


def test_the_catalogue_is_whole_and_its_lists_are_paged(ask: Ask) -> None:
    whole = ask("GET", "/catalog").json
    assert (whole["version"], whole["versions"]) == (1, [1])
    assert len(whole["offering"]["included"]) == 18
    assert len(whole["import_faults"]) == 14
    seen: list[str] = []
    path = "/catalog/known-issues?limit=100"
    while path:
        page = ask("GET", path).json
        seen += [issue["id"] for issue in page["items"]]
        path = f"/catalog/known-issues?limit=100&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert len(seen) == len(set(seen)) == 183
    found = ask("GET", "/catalog/known-issues?q=accessally&cms=wordpress").json["items"]
    assert [issue["slug"] for issue in found] == ["accessally"]
    runbooks = ask("GET", "/catalog/runbooks?cms=drupal").json["items"]
    assert "drupal-guided-archive" in [each["id"] for each in runbooks]
    for bad in ("version=2", "cms=joomla"):
        assert ask("GET", f"/catalog/known-issues?{bad}").status_code == 422


def test_the_wrong_order_and_a_failed_run_over_the_api(ask: Ask) -> None:
    site = make_site(make_engagement(type="self_service", agreement=None))
    path = ask("POST", f"/sites/{site.id}/runbook", {"runbook": "wordpress-guided-2024"}).json
    second = path["steps"][1]
    refused = ask("PATCH", f"/path-steps/{second['id']}", {"skipped_reason": "later", "on_behalf": True})
    assert (refused.status_code, refused.json["code"], refused.json["rule"]) == (409, "guard", "order")
    assert refused.json["missing"] == ["prepare"]
    stale = ask("PATCH", f"/path-steps/{second['id']}", {"evidence": "x"}, If_Match="7")
    assert (stale.status_code, stale.json["code"]) == (409, "edited_meanwhile")
    failed = ask("POST", f"/site-paths/{path['id']}/fail", {"fault": "large-footprint-timeout"})
    assert (failed.status_code, failed.json["state"], failed.json["next_runbook"]) == (200, "failed", None)
    assert ask("POST", f"/site-paths/{path['id']}/helped", {}).status_code == 409
    assert ask("GET", f"/path-steps/{second['id']}").json["title"].startswith("Choose to migrate")


def test_hours_name_a_known_issue_of_the_catalogue(ask: Ask) -> None:
    site = make_agreed_site()
    said = {"site_id": str(site.id), "worked_on": TODAY.isoformat(), "minutes": 30, "kind": "known_incompatibility"}
    said |= {"activity": "known_solution"}
    good = ask("POST", "/time-entries", said | {"known_issue_id": "wp-accessally-protected-content"})
    assert good.status_code == 201
    for issue, message in (
        ("wp-no-such-issue", "There is no such known issue in catalogue 1."),
        (DRUPAL_ISSUE, "another system"),
    ):
        refused = ask("POST", "/time-entries", said | {"known_issue_id": issue})
        assert refused.status_code == 422
        (error,) = refused.json["errors"]
        assert error["field"] == "known_issue_id"
        assert message in error["message"]


def test_no_hours_are_logged_on_a_self_service_site_and_it_says_why(ask: Ask) -> None:
    site = make_site(make_engagement(type="self_service", agreement=None))
    said = {"site_id": str(site.id), "worked_on": TODAY.isoformat(), "minutes": 30, "kind": "included"}
    refused = ask("POST", "/time-entries", said)
    assert (refused.status_code, refused.json["code"]) == (409, "unlisted_site")
    assert "guided self-service migration" in refused.json["detail"]


def test_a_self_service_engagement_is_made_without_an_agreement_and_closes_with_its_paths(ask: Ask) -> None:
    said = {"name": "Blog", "customer": "Acme", "time_zone": "Europe/Berlin", "type": "self_service"}
    made = ask("POST", "/engagements", said)
    assert made.status_code == 201, made.json
    engagement = f"/engagements/{made.json['id']}"
    site = ask("POST", f"{engagement}/sites", {"name": "Blog", "url": "https://blog.example.com", "cms": "drupal"}).json
    path = ask("POST", f"/sites/{site['id']}/runbook", {"runbook": "drupal7-terminus-import"}).json
    assert ask("GET", engagement).json["stage"] == "in_delivery"
    for step in path["steps"]:
        skipped = ask("PATCH", f"/path-steps/{step['id']}", {"skipped_reason": "Done before", "on_behalf": True})
        assert skipped.status_code == 200, skipped.json
    assert ask("GET", engagement).json["stage"] == "closed"
    assert ask("GET", f"/sites/{site['id']}/runbook").json["paths"][0]["state"] == "complete"
