"""The pictures of the README's tour: taken from the demo as it runs, at a size that a page of text can carry."""

import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.demo.running import RunningDemo, running_demo
from tracker.demo.cast import APPROVER, MANAGER

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DESK, WIDE, PHONE = (1120, 780), (1280, 800), (390, 780)
LARGEST_BYTES = 150_000
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Stop:
    """A page of the tour: who looks, at what size, by which links one gets there, and to which words one scrolls."""

    name: str
    who: str
    links: tuple[str, ...]
    size: tuple[int, int] = DESK
    section: str | None = None
    to: str | None = None
    scroll: str | None = None


ENGAGEMENT = "Three-site migration"
STOPS = (
    Stop("portfolio", MANAGER, ()),
    Stop("overview", MANAGER, (ENGAGEMENT,), WIDE),
    Stop("scope", MANAGER, (ENGAGEMENT, "archive"), size=(1120, 700), section="Scope", scroll="Out of scope"),
    Stop("findings", MANAGER, (ENGAGEMENT, "shop"), section="Inventory", scroll="Status"),
    Stop("customer-phone", APPROVER, (ENGAGEMENT,), PHONE),
    Stop("change-request", APPROVER, (ENGAGEMENT,), section="Changes", to="1: The ticket shop moves too"),
)


def take_tour(browser: Browser, out: Path) -> None:
    """Run the demo and write the tour's pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running_demo(Path(folder)) as demo:
        _wait(demo.address)
        for stop in STOPS:
            _shoot(browser, demo, stop, out / f"{stop.name}.png")
        _shoot_channels(browser, demo, out / "channels.png")
    for picture in sorted(out.glob("*.png")):
        if picture.stat().st_size > LARGEST_BYTES:
            raise SystemExit(f"{picture.name} has {picture.stat().st_size} bytes, more than {LARGEST_BYTES}.")


def _wait(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310 -- our own
                return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _shoot(browser: Browser, demo: RunningDemo, stop: Stop, picture: Path) -> None:
    width, height = stop.size
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme="light")
    page = context.new_page()
    page.goto(f"{demo.address}/sign-in")
    page.get_by_label("E-mail address").fill(stop.who)
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo.address}/")
    for link in stop.links:
        _follow(page, link)
    if stop.section is not None:
        page.get_by_role("navigation").get_by_role("link", name=stop.section, exact=True).first.click()
    if stop.to is not None:
        _follow(page, stop.to)
    if stop.scroll is not None:
        words = page.get_by_role("main").get_by_text(stop.scroll, exact=True).first
        words.evaluate("place => scrollTo(0, place.getBoundingClientRect().top - 24)")
    page.screenshot(path=picture)
    context.close()


def _follow(page: Page, link: str) -> None:
    page.get_by_role("main").get_by_role("link", name=link, exact=True).first.click()


def _shoot_channels(browser: Browser, demo: RunningDemo, picture: Path) -> None:
    page = browser.new_page(viewport={"width": 820, "height": DESK[1]}, color_scheme="light")
    page.goto(demo.channel_page)
    page.get_by_text("Change request 1 waits for your approval").wait_for(timeout=PATIENCE_SECONDS * 1000)
    page.screenshot(path=picture)
    page.close()
