"""An engagement manager's day by keyboard alone, at a desk and on a phone: the mouse is not touched once."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.pages.days import MANAGER, PASSWORD, Day, managers_day, see, served_day
from tests.pages.keyboard import Keyboard
from tracker.clock import utc_now

PLUGINS = [
    {"name": "autoptimize", "status": "active", "update": "none", "version": "3.1.9"},
    {"name": "contact-form-7", "status": "active", "update": "none", "version": "5.9.8"},
]


@pytest.fixture
def day(tmp_path: Path, database_url: str | None) -> Iterator[Day]:
    """An engagement that is late and nearly out of hours, beside one that is quiet."""
    with served_day(tmp_path, database_url, managers_day) as served:
        yield served


@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_the_managers_day_needs_no_mouse(day: Day, page: Page, screen: str) -> None:
    keys = Keyboard(page)
    sign_in(keys, day)
    find_what_is_late(keys)
    read_the_overview(keys)
    answer_what_is_known(keys)
    decide_what_is_open(keys)
    import_an_inventory(keys)
    set_a_code_freeze(keys)
    ask_for_a_change(keys)
    write_the_weekly_update(keys)
    look_as_the_customer_does(keys)
    search_for_the_site(keys, screen)
    log_what_does_not_fit(keys)


def sign_in(keys: Keyboard, day: Day) -> None:
    keys.page.goto(f"{day.address}/sign-in")
    keys.write("E-mail address", MANAGER)
    keys.write("Password", PASSWORD)
    keys.page.keyboard.press("Enter")
    see(keys.page, "Portfolio")


def find_what_is_late(keys: Keyboard) -> None:
    expect(keys.page.get_by_role("link", name="Quiet move", exact=True)).to_be_visible()
    keys.skip()
    keys.open("More filters")
    keys.tick("A date is overdue")
    keys.press("Show", back=True)
    expect(keys.page.get_by_role("link", name="Quiet move", exact=True)).to_have_count(0)
    keys.follow("Harbour move")
    see(keys.page, "Harbour move")


def read_the_overview(keys: Keyboard) -> None:
    expect(keys.page.get_by_role("heading", name="Timeline")).to_be_visible()
    expect(keys.page.get_by_text("Sign the project requirements").first).to_be_visible()
    keys.skip()
    keys.follow("shop")
    see(keys.page, "shop")


def answer_what_is_known(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Facts")
    see(keys.page, "What we know of shop")
    keys.choose("Does the site send e-mail, such as from forms, orders or password resets?", "Yes")
    keys.press("Save the answers")
    see(keys.page, "Scope of shop")
    expect(keys.page.get_by_text("Thank you. The scope is decided from your answers.")).to_be_visible()


def decide_what_is_open(keys: Keyboard) -> None:
    opened = keys.page.locator("#scope-undecided a").first
    title = opened.inner_text()
    keys.reach(opened)
    keys.page.keyboard.press("Enter")
    see(keys.page, title)
    keys.choose("How far is it?", "Done")
    keys.choose("Decision", "Included")
    keys.press("Save")
    expect(keys.page.get_by_role("alert").first).to_contain_text("Nothing was saved yet")
    keys.write("What shows that it is done", "Tried on Dev, see the report.")
    keys.write("Why", "Agreed at the kick-off.")
    keys.press("Save")
    see(keys.page, "Scope of shop")
    item = keys.page.get_by_role("listitem").filter(has=keys.page.get_by_role("link", name=title, exact=True))
    expect(item).to_contain_text("Agreed at the kick-off.")
    expect(item).to_contain_text("Proof: Tried on Dev, see the report.")


def import_an_inventory(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Inventory")
    keys.write("Or paste it", json.dumps(PLUGINS))
    keys.press("Preview")
    see(keys.page, "Preview of the inventory")
    keys.press("Import these 2")
    see(keys.page, "Inventory of shop")
    expect(keys.page.get_by_text("contact-form-7").first).to_be_visible()


def set_a_code_freeze(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Freezes")
    see(keys.page, "Freezes")
    keys.follow("Set a freeze")
    keys.choose("What is frozen", "Code freeze")
    keys.reach(keys.field("Begins"))
    tomorrow = utc_now() + timedelta(days=1)
    keys.page.keyboard.type(f"{tomorrow:%m%d%Y}")
    keys.page.keyboard.press("ArrowRight")
    keys.page.keyboard.type("0900AM")
    keys.press("Set the freeze")
    see(keys.page, "Freezes")
    expect(keys.page.get_by_text("Not answered yet")).to_be_visible()


def ask_for_a_change(keys: Keyboard) -> None:
    keys.follow("Harbour move")
    see(keys.page, "Harbour move")
    keys.skip()
    keys.follow("Changes")
    see(keys.page, "Changes")
    keys.follow("Ask for a change")
    see(keys.page, "Ask for a change")
    keys.press("Another site")
    expect(keys.page.get_by_role("group", name="1. Another site")).to_be_focused()
    keys.write("Name", "tickets")
    keys.write("Address", "https://tickets.harbour.example")
    keys.write("Why", "Its old host closes.")
    keys.press("Send the request")
    see(keys.page, "Another site")
    keys.write("Time it takes", "90m")
    keys.press("Save the estimate")
    keys.press("Approve")
    expect(keys.page.get_by_text("Your side has approved it.")).to_be_visible()


def write_the_weekly_update(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Overview")
    see(keys.page, "Harbour move")
    keys.follow("Weekly updates")
    see(keys.page, "Weekly updates")
    keys.press("Compose this week’s update")
    keys.write("What the customer reads", "We listed the plugins of the shop.")
    keys.press("Keep the draft")
    see(keys.page, "Weekly updates")
    keys.open("Post…")
    keys.reach(keys.page.get_by_role("button", name=re.compile("^Post ")), presses=1)
    keys.page.keyboard.press("Space")
    expect(keys.page.get_by_text("Not posted yet")).to_have_count(0)
    expect(keys.page.get_by_text("We listed the plugins of the shop.")).to_be_visible()


def look_as_the_customer_does(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Overview")
    keys.press("View as customer")
    expect(keys.page.get_by_text("You see this as Harbour Museum does.")).to_be_visible()
    expect(keys.page.get_by_role("heading", name="What you have to do")).to_be_visible()
    keys.press("Back to your own view")
    expect(keys.page.get_by_role("button", name="View as customer")).to_be_visible()


def search_for_the_site(keys: Keyboard, screen: str) -> None:
    if screen == "phone":
        keys.open("Menu")
    keys.write("Search everything", "shop")
    keys.page.keyboard.press("Enter")
    see(keys.page, "Search for “shop”")
    keys.skip()
    keys.follow("shop")
    see(keys.page, "shop")


def log_what_does_not_fit(keys: Keyboard) -> None:
    keys.skip()
    keys.follow("Log hours")
    see(keys.page, "Log hours")
    keys.write("Time spent", "45m")
    keys.choose("Activity", "Research")
    keys.write("Note", "The search index was broken.")
    keys.press("Log the hours")
    expect(keys.page.locator("#refusal")).to_be_focused()
    expect(keys.page.get_by_label("Time spent")).to_have_value("45m")
    keys.reach(keys.page.locator("#refusal").get_by_role("link", name=re.compile("change", re.IGNORECASE)), presses=4)
    keys.page.keyboard.press("Enter")
    see(keys.page, "Ask for a change")
    expect(keys.field("Hours")).to_have_value("4 h")
    expect(keys.field("Why")).to_have_value("The hours of shop do not last for this work: The search index was broken.")
