"""A timer in a real browser: it survives reloads and other devices, counts up, and its time finds a place by a split."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.pages.days import MANAGER, Day, lay_engagement, lay_people, lay_work, see, served_day
from tests.shots import sign_in
from tracker.clock import utc_now
from tracker.domain.budget import WorkKind
from tracker.services import budget, timer
from tracker.services.budget import BlockSpec
from tracker.services.timer import StartOrder
from tracker.store.database import db
from tracker.store.transaction import transaction

SCREENS = pytest.mark.parametrize(("screen", "database_url"), [("desktop", "sqlite"), ("phone", "postgresql")], indirect=True)
# The server's clock is the real one: the test itself may take a minute or two.
SOON_AFTER_42 = re.compile(r"^0:4[2-9]$")


def timed_day() -> UUID:
    """A manager whose timer has run for 42 minutes on a site whose allowance is nearly used up, beside PS hours."""
    manager, now = lay_people()[MANAGER], utc_now()
    made, (shop,) = lay_engagement(manager, "Harbour move", "shop")
    begun = now - timedelta(minutes=42)
    with transaction(db.session, now=begun):
        budget.sell_block(db.session, manager, made.id, BlockSpec(240, "Q-7", begun.date()), now=begun)
        order = StartOrder(shop.id, WorkKind.ALLOWANCE, "research", note="The basket is empty")
        timer.start(db.session, manager, order, now=begun)
    lay_work(manager, shop, 290)
    return made.id


@pytest.fixture
def day(tmp_path: Path, database_url: str | None) -> Iterator[Day]:
    with served_day(tmp_path, database_url, timed_day) as served:
        yield served


@SCREENS
def test_a_timer_runs_across_reloads_and_its_time_is_placed_by_a_split(day: Day, page: Page, context: BrowserContext) -> None:
    sign_in(page, day.address, MANAGER)
    clock = page.locator("[data-timer-clock]")
    expect(clock).to_have_text(SOON_AFTER_42)
    page.reload()
    expect(clock).to_have_text(SOON_AFTER_42)
    other_window = context.new_page()
    other_window.goto(day.engagement)
    expect(other_window.locator("[data-timer-clock]")).to_have_text(SOON_AFTER_42)

    page.get_by_role("button", name="Stop the timer").click()
    expect(page.get_by_text("could not be logged, and not a minute is lost")).to_be_visible()
    see(page, page.get_by_role("heading", level=1).inner_text())
    expect(page.locator("[data-timer]")).to_have_count(0)
    other_window.get_by_role("button", name="Stop the timer").click()
    expect(other_window.get_by_text("No timer of yours runs.")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Split it: 10 min here, 3[2-9] min on PS hours$")).click()
    expect(page.get_by_text(re.compile("10 min as Known incompatibility and 3[2-9] min as PS work"))).to_be_visible()
    expect(page.get_by_role("heading", name="Time to be placed")).to_have_count(0)


def test_the_shown_time_counts_up_and_turns_amber_with_words_after_ten_hours(tmp_path: Path, page: Page) -> None:
    with served_day(tmp_path, None, timed_day) as day:
        page.clock.install()
        sign_in(page, day.address, MANAGER)
        shown, clock = page.locator("[data-timer]"), page.locator("[data-timer-clock]")
        page.clock.fast_forward("01:00:00")
        expect(clock).to_have_text(re.compile("^1:4[2-9]$"))
        expect(page.get_by_text("Over ten hours")).to_be_hidden()
        page.clock.fast_forward("09:00:00")
        expect(clock).to_have_text(re.compile("^10:4[2-9]$"))
        expect(page.get_by_text("Over ten hours: are you still at it?")).to_be_visible()
        expect(shown).to_have_class("timer timer--long")
