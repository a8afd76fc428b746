"""A week of hours in the browser: by keyboard alone, through a session that ends, and past a budget that does."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.durations import AMBIGUOUS, READ, REFUSED
from tests.pages.conftest import Served
from tests.pages.days import MANAGER, Day, lay_engagement, lay_people, lay_work, see, served_day
from tests.pages.keyboard import Keyboard
from tests.pages.test_every_page import faults_of
from tests.shots import sign_in
from tracker.clock import utc_now
from tracker.domain.access import SYSTEM, Actor
from tracker.domain.duration import DurationError, parse_minutes, say_minutes
from tracker.domain.week import Week
from tracker.edge.work import work
from tracker.services import budget, token
from tracker.services.budget import BlockSpec
from tracker.store.database import db
from tracker.store.site import Site

Extra = Callable[[Actor, Site], None]


@dataclass
class Desk:
    """A manager's desk: the server, a token to read back with, and the week before this one, of which every day is open."""

    day: Day
    token: str
    week: Week = field(default_factory=lambda: Week.of(utc_now().date() - timedelta(days=7)))

    @property
    def address(self) -> str:
        return f"{self.day.address}/time?week={self.week.name}"

    def read(self, page: Page) -> Any:
        """The week as the API tells it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return page.request.get(f"{self.day.address}/api/v1/time-week?week={self.week.name}", headers=headers).json()


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, database_url: str | None) -> Iterator[Desk]:
    """An engagement with one site; the parameter lays more."""
    made: list[str] = []
    more: Extra | None = getattr(request, "param", None)

    def lay() -> UUID:
        manager = lay_people()[MANAGER]
        engagement, (shop,) = lay_engagement(manager, "Harbour move", "shop")
        assert manager.person_id is not None
        with work():
            made.append(token.create_token(db.session, SYSTEM, manager.person_id, "read", now=utc_now()))
        if more is not None:
            more(manager, shop)
        return engagement.id

    with ExitStack() as stack:
        yield Desk(stack.enter_context(served_day(tmp_path, database_url, lay)), made[0])


def nearly_spent(manager: Actor, shop: Site) -> None:
    """Twenty minutes are left on the site, eight hours in the pool."""
    lay_work(manager, shop, 280)
    with work():
        spec = BlockSpec(480, "Q-9", utc_now().date() - timedelta(days=3))
        budget.sell_block(db.session, manager, shop.engagement_id, spec, now=utc_now())


def state(page: Page) -> Locator:
    return page.locator("[data-week-state]")


def cell(page: Page, place: str) -> Locator:
    return page.locator(f'[data-week-cell="{place}"]')


def add_row(page: Page, what: str) -> None:
    """Add a row for the shop."""
    if not page.get_by_label("Site for the row").is_visible():
        page.get_by_text("Add a row", exact=True).click()
    page.get_by_label("Site for the row").select_option(label="shop")
    page.get_by_label("What for").select_option(label=what)
    page.get_by_role("button", name="Add the row").click()
    expect(page.get_by_role("rowheader", name=re.compile(re.escape(what)))).to_be_visible()


def test_a_week_is_entered_by_keyboard_alone_from_the_first_to_the_last_cell(desk: Desk, page: Page) -> None:
    sign_in(page, desk.day.address, MANAGER)
    keys = Keyboard(page)
    page.goto(desk.address)
    for what, row in (("Known incompatibility: research", 0), ("Included work", 1)):
        if row:
            keys.open("Add a row")
        else:
            keys.skip()
        keys.choose("Site for the row", "shop")
        keys.choose("What for", what)
        keys.press("Add the row")
        expect(cell(page, f"{row}-6")).to_be_visible()
    # After each row the page stands at the week, and Tab goes on from there.
    keys.reach(cell(page, "0-0"))
    typed = ["1h", ":15", "0,5", "20m", "1h05", "", "5 min", "7.5", "2h 30m", "1:45", "8", "", "90m", "1h"]
    for text in typed:
        keys.page.keyboard.type(text)
        keys.page.keyboard.press("Enter")
    expect(cell(page, "1-6")).to_be_focused()
    expect(state(page)).to_have_text(re.compile(r"^Saved \d\d:\d\d$"))
    expect(cell(page, "1-6")).to_have_value("1 h")

    wanted = [parse_minutes(text) if text else 0 for text in typed]
    told = desk.read(page)
    read = [each["minutes"] for row in told["rows"] for each in row["cells"]]
    assert read == wanted
    assert told["minutes"] == sum(wanted)
    expect(page.locator("[data-week-total]")).to_have_text(say_minutes(sum(wanted)))
    expect(page.get_by_text("1 h 45 left of 5 h").first).to_be_visible()

    keys.page.keyboard.press("Home")
    expect(cell(page, "1-0")).to_be_focused()
    for press, place in (("ArrowUp", "0-0"), ("End", "0-6"), ("ArrowLeft", "0-5"), ("ArrowDown", "1-5"), ("ArrowRight", "1-6")):
        keys.page.keyboard.press(press)
        expect(cell(page, place)).to_be_focused()
    keys.page.keyboard.type("9h")
    expect(page.locator("#word-1-6")).to_have_text("= 9 h")
    keys.page.keyboard.press("Escape")
    expect(cell(page, "1-6")).to_have_value("1 h")
    page.reload()
    expect(page.locator("[data-week-total]")).to_have_text(say_minutes(sum(wanted)))
    see(page, "Log hours")


def test_what_was_typed_survives_a_session_that_ended(desk: Desk, page: Page, context: BrowserContext) -> None:
    sign_in(page, desk.day.address, MANAGER)
    page.goto(desk.address)
    add_row(page, "Known incompatibility: research")
    context.clear_cookies()
    cell(page, "0-1").fill("1h30")
    page.keyboard.press("Enter")
    expect(state(page)).to_contain_text("Not saved: your session has ended. What you typed is kept.")
    cell(page, "0-2").fill("45m")
    page.keyboard.press("Enter")
    expect(cell(page, "0-1")).to_have_value("1h30")
    assert desk.read(page)["minutes"] == 0

    page.get_by_role("link", name="Sign in again").click()
    page.get_by_label("E-mail address").fill(MANAGER)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(state(page)).to_contain_text("What you had typed is back: 2 cells are not saved yet.")
    expect(cell(page, "0-1")).to_have_value("1h30")
    page.get_by_role("button", name="Save the week").click()
    expect(state(page)).to_have_text(re.compile(r"^Saved"))
    expect(cell(page, "0-2")).to_have_value("45 min")
    assert desk.read(page)["minutes"] == 135
    page.reload()
    expect(state(page)).to_have_text("Each cell is saved as you leave it.")


@pytest.mark.parametrize("desk", [nearly_spent], indirect=True, ids=["nearly spent"])
@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_a_refused_cell_says_what_is_left_and_is_split_where_it_stands(desk: Desk, page: Page) -> None:
    sign_in(page, desk.day.address, MANAGER)
    page.goto(desk.address)
    add_row(page, "Known incompatibility: research")
    cell(page, "0-1").fill("1h")
    cell(page, "0-2").focus()
    expect(state(page)).to_have_text("Not saved: Known-incompatibility allowance: 20 min left, so this does not fit.")
    expect(cell(page, "0-1")).to_have_value("1h")
    expect(cell(page, "0-1")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#said-0-1").get_by_role("link", name="Raise a change request for 40 min")).to_be_visible()
    expect(page.locator("#said-0-1").get_by_role("link", name=re.compile("Sell a PS block"))).to_be_visible()
    assert faults_of(page) == []
    page.locator("#said-0-1").get_by_role("button", name="Split it: 20 min here, 40 min on PS hours").click()
    expect(page.get_by_role("rowheader", name=re.compile("PS work: research, custom code troubleshooting"))).to_be_visible()
    expect(cell(page, "0-1")).to_have_value("20 min")
    expect(cell(page, "1-1")).to_have_value("40 min")
    see(page, "Log hours")


def test_without_a_script_the_button_saves_the_whole_week(desk: Desk, page: Page) -> None:
    page.route("**/js/*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    sign_in(page, desk.day.address, MANAGER)
    page.goto(desk.address)
    add_row(page, "Known incompatibility: research")
    cell(page, "0-0").fill("1h")
    cell(page, "0-3").fill("30")
    page.get_by_role("button", name="Save the week").click()
    expect(page.get_by_text("30: write 30m or 30h")).to_be_visible()
    expect(cell(page, "0-3")).to_have_value("30")
    assert faults_of(page) == []
    cell(page, "0-3").fill("30m")
    cell(page, "0-3").press("Enter")
    expect(page.get_by_text("Saved 1 cell.")).to_be_visible()
    assert desk.read(page)["minutes"] == 90


def test_a_row_is_added_right_after_typing_and_the_cell_is_saved_once(desk: Desk, page: Page) -> None:
    sign_in(page, desk.day.address, MANAGER)
    page.goto(desk.address)
    add_row(page, "Known incompatibility: research")
    page.get_by_text("Add a row", exact=True).click()
    page.get_by_label("Site for the row").select_option(label="shop")
    page.get_by_label("What for").select_option(label="Included work")
    cell(page, "0-2").fill("2h")
    page.get_by_role("button", name="Add the row").click()
    expect(page.get_by_role("rowheader", name=re.compile("Included work"))).to_be_visible()
    expect(cell(page, "0-2")).to_have_value("2 h")
    assert desk.read(page)["minutes"] == 120


def test_a_duration_is_echoed_while_it_is_typed(desk: Desk, page: Page) -> None:
    sign_in(page, desk.day.address, MANAGER)
    page.goto(desk.address)
    spent, echo = page.get_by_label("Time spent"), page.locator(".field__echo")
    for text, said in (("1,5", "= 1 h 30"), (":15", "= 15 min"), ("30", "30: write 30m or 30h"), ("", "")):
        spent.fill(text)
        expect(echo).to_have_text(said)


def read_by_server(text: str) -> int | str:
    try:
        return parse_minutes(text)
    except DurationError as error:
        return error.message


IN_THE_BROWSER = """async (texts) => {
  const { parseMinutes } = await import("/static/js/duration.js");
  return texts.map((text) => { try { return parseMinutes(text); } catch (error) { return error.message; } });
}"""


def test_browser_and_server_read_the_same_table_of_durations_alike(served: Served, page: Page) -> None:
    chance = random.Random(7)  # noqa: S311 - the same texts every time
    marks = "0123456789.,:hmin hours-−½²\u0661\u00a0x\n\ufeff\u0085"
    drawn = ["".join(chance.choices(marks, k=chance.randint(0, 12))) for _number in range(3000)]
    texts = [text for text, *_rest in READ] + AMBIGUOUS + [text for text, *_rest in REFUSED] + drawn
    page.goto(f"{served.address}/sign-in")
    by_browser = page.evaluate(IN_THE_BROWSER, texts)
    differing = {
        text[:50]: (theirs, read_by_server(text))
        for text, theirs in zip(texts, by_browser, strict=True)
        if theirs != read_by_server(text)
    }
    assert differing == {}
    assert sum(isinstance(each, int) for each in by_browser) > len(READ)
