"""A manager decides on hours in the browser: what is ticked is counted, and what a yes would do is seen before it is said."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.conftest import Served
from tests.pages.keyboard import Keyboard
from tests.scene import MANAGER
from tests.shots import sign_in


@pytest.fixture
def plain_page(browser: Browser) -> Iterator[Page]:
    """A page in a browser that runs no scripts."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_what_is_ticked_is_counted_and_the_budgets_follow(served: Served, page: Page) -> None:
    sign_in(page, served.address, MANAGER)
    page.goto(f"{served.address}/time/approvals")
    shop = page.get_by_role("listitem").filter(has_text="shop")
    expect(page.get_by_text("Nothing ticked")).to_be_visible()
    expect(shop).to_contain_text("used 3 h 45 → 4 h 45 of 5 h")
    box = page.get_by_role("checkbox", name="1 h of Mei Lindqvist on www")
    box.check()
    expect(page.get_by_text("1 ticked, 1 h")).to_be_visible()
    expect(shop).to_contain_text("used 3 h 45 → 3 h 45 of 5 h")
    expect(page.get_by_text("If what is ticked is approved.")).to_be_visible()
    page.get_by_role("checkbox", name="Tick all").check()
    expect(page.get_by_text("2 ticked, 2 h")).to_be_visible()
    box.uncheck()
    expect(page.get_by_role("checkbox", name="Tick the week").first).not_to_be_checked()


def test_by_keyboard_a_week_is_ticked_and_a_move_looked_at(served: Served, page: Page) -> None:
    sign_in(page, served.address, MANAGER)
    page.goto(f"{served.address}/time/approvals")
    keys = Keyboard(page)
    keys.skip()
    keys.reach(page.get_by_role("checkbox", name="Tick the week").first)
    page.keyboard.press("Space")
    # How many entries fall into one week hangs on the day of the week.
    ticked = page.locator('input[name="ids"]:checked').count()
    assert ticked > 0
    expect(page.get_by_text(f"{ticked} ticked, {ticked} h")).to_be_visible()
    keys.open("Move…")
    keys.press("Look at what it does")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Move (1 h on|2 entries|2 h)"))


def test_without_scripts_every_box_is_ticked_by_a_link_and_a_missing_reason_is_told(served: Served, plain_page: Page) -> None:
    page = plain_page
    sign_in(page, served.address, MANAGER)
    page.goto(f"{served.address}/time/approvals")
    page.get_by_role("link", name="Tick all 2").click()
    assert page.locator('input[name="ids"]:checked').count() == 2
    page.locator("summary").filter(has_text="Reject…").click()
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Say why, so that it can be logged right.").first).to_be_visible()
    assert page.locator('input[name="ids"]:checked').count() == 2
