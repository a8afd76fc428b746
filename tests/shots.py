"""Screenshots of every page in light, dark and on a phone, and those of the README's tour.

`python -m tests.shots [--out FOLDER]` writes both, with `--tour` the tour's alone.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import launch_options
from tests.conftest import migrated, settings_for
from tests.demo.tour import IMAGES, take_tour
from tests.scene import ADMIN, APPROVER, ENGINEER, MANAGER, PASSWORD, VIEWER, Scene, lay
from tests.server import environment, serving
from tracker.app import create_app
from tracker.clock import utc_now
from tracker.jobs import step
from tracker.store import notice as notices
from tracker.store.database import db

VIEWS = (("light", 1280, "light"), ("dark", 1280, "dark"), ("phone", 390, "light"), ("phone-dark", 390, "dark"))
HEIGHT = 900


def pages_of(scene: Scene) -> Iterator[tuple[str, str | None, str]]:
    """Every page: its name, who looks at it, its address."""
    engagement, site = f"/engagements/{scene.engagement_id}", f"/sites/{scene.site_id}"
    yield "sign-in", None, "/sign-in"
    yield "lost-link", None, "/sign-in/link"
    yield "sign-in-link", None, scene.sign_in_path
    yield "sign-in-link-dead", None, "/sign-in/used-long-ago"
    yield "portfolio", MANAGER, "/"
    yield "portfolio-customer", APPROVER, "/"
    yield "portfolio-filtered", MANAGER, "/?q=museum&risk=waiting&status=active"
    yield "portfolio-nothing", MANAGER, "/?q=nowhere"
    yield "search", MANAGER, "/search?q=museum"
    yield "search-customer", APPROVER, "/search?q=museum"
    yield "team", MANAGER, "/team"
    yield "away", ENGINEER, "/account/away"
    yield "hand-over", MANAGER, f"/people/{scene.manager_id}/hand-over"
    yield (
        "hand-over-preview",
        MANAGER,
        (f"/people/{scene.manager_id}/hand-over?to={scene.admin_id}&engagement_ids={scene.engagement_id}"),
    )
    yield "person", ADMIN, f"/people/{scene.manager_id}"
    yield "person-away", ADMIN, f"/people/{scene.manager_id}/away"
    yield "engagement-duplicate", MANAGER, f"{engagement}/duplicate"
    yield "engagement", MANAGER, engagement
    yield "engagement-customer", APPROVER, engagement
    yield "engagement-draft", MANAGER, f"/engagements/{scene.draft_engagement_id}"
    yield "engagement-new", MANAGER, "/engagements/new"
    yield "engagement-edit", MANAGER, f"{engagement}/edit"
    yield "comments", MANAGER, f"{engagement}/comments"
    yield "comments-customer", APPROVER, f"{engagement}/comments"
    yield "updates", MANAGER, f"{engagement}/updates"
    yield "updates-customer", APPROVER, f"{engagement}/updates"
    yield "update-edit", MANAGER, f"/weekly-updates/{scene.update_id}"
    yield "kickoff", MANAGER, f"{engagement}/kickoff"
    yield "kickoff-edit", MANAGER, f"{engagement}/kickoff/edit"
    yield "links", MANAGER, f"{engagement}/links"
    yield "links-customer", APPROVER, f"{engagement}/links"
    yield "calendar", MANAGER, f"/customers/{scene.customer_id}/calendar"
    yield "calendar-customer", APPROVER, f"/customers/{scene.customer_id}/calendar"
    yield "dry-run", MANAGER, f"{engagement}/dry-run?days=90"
    yield "dry-run-all", MANAGER, "/notices/dry-run"
    yield "site", MANAGER, site
    yield "site-customer", APPROVER, site
    yield "site-new", MANAGER, f"/engagements/{scene.draft_engagement_id}/sites/new"
    yield "site-edit", MANAGER, f"{site}/edit"
    yield "inventory", MANAGER, f"{site}/inventory"
    yield "inventory-customer", APPROVER, f"{site}/inventory"
    yield "inventory-preview", APPROVER, f"/uploads/{scene.inventory_upload_id}/inventory?complete=yes"
    yield "inventory-verdict", ENGINEER, f"/inventory-items/{scene.inventory_item_id}/verdict"
    yield "site-list", MANAGER, f"/engagements/{scene.draft_engagement_id}/sites/import"
    yield "site-list-preview", MANAGER, f"/uploads/{scene.site_list_upload_id}/sites"
    yield "scope-site", MANAGER, f"{site}/scope"
    yield "scope-site-customer", APPROVER, f"{site}/scope"
    yield "scope-engagement", MANAGER, f"{engagement}/scope"
    yield "scope-item", MANAGER, f"/scope-items/{scene.scope_item_id}"
    yield "scope-item-engineer", ENGINEER, f"/scope-items/{scene.scope_item_id}"
    yield "scope-item-new", MANAGER, f"{engagement}/scope-items/new"
    yield "questionnaire", APPROVER, f"{site}/facts"
    yield "questions", MANAGER, f"{engagement}/questions"
    yield "questions-customer", VIEWER, f"{engagement}/questions"
    yield "question-assign", MANAGER, f"/questions/{scene.question_id}/assign"
    yield "risks", MANAGER, f"{engagement}/risks"
    yield "risks-customer", APPROVER, f"{engagement}/risks"
    yield "risk-edit", MANAGER, f"/risks/{scene.risk_id}/edit"
    yield "split", MANAGER, f"/sites/{scene.network_id}/split"
    yield "date-set", MANAGER, f"{engagement}/deadlines/new"
    yield "date-move", MANAGER, f"/deadlines/{scene.deadline_id}/move"
    yield "changes", MANAGER, f"{engagement}/change-requests"
    yield "change", MANAGER, f"/change-requests/{scene.change_request_id}"
    yield "change-customer", APPROVER, f"/change-requests/{scene.change_request_id}"
    yield "change-new", APPROVER, f"{engagement}/change-requests/new?kind=add_site"
    yield "change-edit", MANAGER, f"/change-requests/{scene.change_request_id}?edit=1"
    yield "duties", MANAGER, f"{engagement}/duties"
    yield "duties-customer", APPROVER, f"{engagement}/duties"
    yield "duties-done", APPROVER, f"/duties/{scene.duty_id}/done"
    yield "duties-edit", MANAGER, f"/duties/{scene.duty_id}/edit"
    yield "duties-waive", MANAGER, f"/duties/{scene.duty_id}/waive"
    yield "freezes", MANAGER, f"{site}/freezes"
    yield "freezes-customer", APPROVER, f"{site}/freezes"
    yield "freezes-new", MANAGER, f"{site}/freezes/new"
    yield "freezes-edit", MANAGER, f"/freezes/{scene.freeze_id}/edit"
    yield "freezes-answer", APPROVER, f"/freezes/{scene.freeze_id}/answer"
    yield "freezes-override", MANAGER, f"/freezes/{scene.freeze_id}/override"
    yield "uat", MANAGER, f"{site}/uat"
    yield "uat-customer", APPROVER, f"{site}/uat"
    yield "uat-report", APPROVER, f"{site}/defects/new"
    yield "uat-reject", APPROVER, f"/uat-rounds/{scene.round_id}/reject"
    yield "cutover-sign", APPROVER, f"/sites/{scene.cutover_site_id}/cutover"
    yield "uat-defect", MANAGER, f"/defects/{scene.defect_id}"
    yield "ps-sell", MANAGER, f"{engagement}/ps-blocks/new"
    yield "ps-block-edit", MANAGER, f"/ps-blocks/{scene.block_id}/edit"
    yield "ps-block-void", MANAGER, f"/ps-blocks/{scene.block_id}/void"
    yield "time", ENGINEER, "/time"
    yield "time-manager", MANAGER, "/time"
    yield "hours", MANAGER, "/hours"
    yield "hours-narrowed", MANAGER, f"/hours?group_by=site&engagement={scene.engagement_id}&from=2000-01-01&state=approved"
    yield "hours-nothing", ENGINEER, "/hours?from=2001-01-01&to=2001-01-31"
    yield "burnup", MANAGER, f"{engagement}/hours"
    yield "burnup-customer", APPROVER, f"{engagement}/hours"
    yield "burnup-site", MANAGER, f"{engagement}/hours?site={scene.site_id}"
    yield "burnup-past", MANAGER, f"{engagement}/hours?as_of=2020-02-30"
    yield "time-approvals", MANAGER, "/time/approvals"
    yield "time-approvals-narrowed", MANAGER, f"/time/approvals?engagement={scene.engagement_id}&week=open"
    yield "time-entry", MANAGER, f"/time/{scene.moved_entry_id}"
    yield "time-entry-draft", ENGINEER, f"/time/{scene.draft_entry_id}"
    yield "time-move", MANAGER, f"/time/{scene.moved_entry_id}/move"
    yield "time-move-preview", MANAGER, f"/time/{scene.moved_entry_id}/move?kind=premium"
    yield "time-move-refused", MANAGER, f"/time/{scene.moved_entry_id}/move?kind=known_incompatibility&activity=research"
    yield "hours-lock", MANAGER, f"{engagement}/hours-lock?through={utc_now().date()}"
    yield "time-import", ENGINEER, "/time/import"
    yield "time-import-preview", ENGINEER, f"/time/import/{scene.hours_upload_id}"
    yield "timer", ENGINEER, "/timer"
    yield "timer-long", ADMIN, "/timer"
    yield "timer-none", MANAGER, "/timer"
    yield "timer-place", ENGINEER, f"/unplaced-time/{scene.unplaced_id}"
    yield "preferences", MANAGER, f"{engagement}/preferences"
    yield "channels", MANAGER, f"{engagement}/channels"
    yield "channels-new", MANAGER, f"{engagement}/channels/new"
    yield "channels-choose", MANAGER, f"{engagement}/channels/choose"
    yield "notices", MANAGER, "/notices"
    yield "notices-stuck", MANAGER, "/notices?state=stuck&tick=all"
    yield "notice", MANAGER, "/notices/latest"
    yield "people", ADMIN, "/people"
    yield "person-new", ADMIN, "/people/new"
    yield "tokens", ADMIN, "/people/tokens"
    yield "settings", ADMIN, "/settings"
    yield "account", ENGINEER, "/account"
    yield "account-preferences", ENGINEER, "/account/preferences"
    yield "slack-account", ENGINEER, scene.slack_account_path
    yield "slack-account-dead", ENGINEER, "/slack/account/used-long-ago"
    yield "path", MANAGER, f"{site}/path"
    yield "path-walked", MANAGER, f"/sites/{scene.path_site_id}/path"
    yield "path-customer", APPROVER, f"/sites/{scene.path_site_id}/path"
    yield "site-self-service", APPROVER, f"/sites/{scene.path_site_id}"
    yield "catalog", APPROVER, "/catalog"
    yield "catalog-search", MANAGER, "/catalog?q=cache&part=known_issue"
    yield "catalog-empty", MANAGER, "/catalog?q=nothing-like-that"
    yield "catalog-offering", APPROVER, "/catalog/offering"
    yield "catalog-issue", MANAGER, "/catalog/issues/wp-accessally-protected-content"
    yield "catalog-path", APPROVER, "/catalog/paths/wordpress-guided-2024"
    yield "not-found", ENGINEER, "/engagements/nothing"


def prepare(folder: Path) -> Scene:
    """Lay the scene into a fresh database."""
    settings = settings_for(folder)
    migrated(settings)
    app = create_app(settings)
    with app.app_context():
        scene = lay()
        step.plan_and_beat()
        db.session.remove()
        db.engine.dispose()
    return scene


def latest_notice(folder: Path) -> str:
    """The address of the notice that is due last."""
    from tracker.domain.access import SYSTEM

    app = create_app(settings_for(folder))
    with app.app_context():
        found = notices.page(db.session, SYSTEM, limit=1)[0][0].id
        db.session.remove()
        db.engine.dispose()
    return f"/notices/{found}"


def sign_in(page: Page, address: str, email: str) -> None:
    """Sign in as a person would."""
    page.goto(f"{address}/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}/")


def shoot(browser: Browser, address: str, scene: Scene, notice: str, out: Path, only: str) -> None:
    """Take every page in every view."""
    wanted = [(name, who, notice if path == "/notices/latest" else path) for name, who, path in pages_of(scene) if only in name]
    for view, width, scheme in VIEWS:
        for who in dict.fromkeys(who for _name, who, _path in wanted):
            context = browser.new_context(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            if who is not None:
                sign_in(page, address, who)
            for name, reader, path in wanted:
                if reader == who:
                    page.goto(f"{address}{path}")
                    page.screenshot(path=out / f"{name}-{view}.png", full_page=True)
            context.close()


def shoot_all(browser: Browser, out: Path, only: str) -> None:
    """Lay the scene, serve it, take the pictures of every page."""
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene, notice = prepare(folder), latest_notice(folder)
        with serving(folder, environ=environment(folder, SECRET_KEY="tests only")) as running:
            shoot(browser, running.address, scene, notice, out, only)


def main() -> None:
    """Take the pictures that are asked for; all, and those of the tour, where nothing is said."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("shots"))
    parser.add_argument("--only", default="", help="only pages whose name holds this")
    parser.add_argument("--tour", action="store_true", help="only the pictures of the README's tour, from the demo")
    parser.add_argument("--images", type=Path, default=IMAGES, help="where those of the tour go")
    wanted = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        if not wanted.tour:
            shoot_all(browser, wanted.out, wanted.only)
        if not wanted.only:
            take_tour(browser, wanted.images)
        browser.close()


if __name__ == "__main__":
    main()
