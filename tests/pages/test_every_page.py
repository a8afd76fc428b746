"""Every page, light and dark, desktop and phone: axe finds nothing, and nothing is wider than the screen."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.pages.conftest import Served
from tests.server import environment, serving
from tests.shots import VIEWS, pages_of, sign_in

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The script of the wheel, put into each page once; it asks for no more than the violations, in one page and four views.
AXE = Axe().axe_script
CONTRAST = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
SHARES = 4


@pytest.mark.parametrize("share", range(SHARES))
def test_no_page_shuts_anybody_out(served: Served, browser: Browser, share: int) -> None:
    """A page is asked for once and looked at in every view: the server sends the same to all of them."""
    wanted = list(pages_of(served.scene))[share::SHARES]
    faults: list[str] = []
    for who in dict.fromkeys(who for _name, who, _path in wanted):
        context = browser.new_context()
        page = context.new_page()
        if who is not None:
            sign_in(page, served.address, who)
        for name, reader, path in wanted:
            if reader != who:
                continue
            page.goto(f"{served.address}{served.notice if path == '/notices/latest' else path}")
            faults += [f"{name}, {fault}" for fault in faults_of(page)]
        context.close()
    assert faults == []


def faults_of(page: Page) -> list[str]:
    """What is wrong with the page that is shown, in any view."""
    page.evaluate(AXE)
    faults: list[str] = []
    for view, width, scheme in VIEWS:
        page.set_viewport_size({"width": width, "height": 900})
        # Without motion, or colours would be measured on their way from light to dark.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        # Dark changes the colours of the same page and nothing else.
        rules = CONTRAST if scheme == "dark" else RULES
        found = page.evaluate("rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", rules)
        faults += [f"{view}: {fault['id']} {fault['nodes'][0]['html'][:120]}" for fault in found["violations"]]
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            faults.append(f"{view}: wider than the screen")
    return faults


def test_nor_does_the_page_that_only_an_empty_installation_has(browser: Browser, tmp_path: Path) -> None:
    with serving(tmp_path, environ=environment(tmp_path)) as running:
        context = browser.new_context()
        page = context.new_page()
        page.goto(running.first_admin_link)
        assert page.get_by_role("button", name="Create the first administrator").is_visible()
        assert faults_of(page) == []
        context.close()
