"""One server with the whole scene, and a browser, for all tests of pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser import launch_options
from tests.postgres import PostgresServer
from tests.scene import Scene
from tests.server import environment, serving
from tests.shots import latest_notice, prepare

SCREENS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 900}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True},
}


@dataclass(frozen=True)
class Served:
    """A running server, and what is in it."""

    address: str
    scene: Scene
    notice: str


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(**launch_options())
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The scene, served."""
    folder: Path = tmp_path_factory.mktemp("served")
    scene, notice = prepare(folder), latest_notice(folder)
    with serving(folder, environ=environment(folder, SECRET_KEY="tests only")) as running:
        yield Served(running.address, scene, notice)


@pytest.fixture
def screen(request: pytest.FixtureRequest) -> str:
    """What somebody looks at: a name in SCREENS."""
    return getattr(request, "param", "desktop")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str | None:
    """An empty database of a named engine; None is SQLite in the folder of the server."""
    if getattr(request, "param", "sqlite") == "sqlite":
        return None
    server: PostgresServer = request.getfixturevalue("postgres")
    name = f"page_{uuid4().hex}"
    server.create_database(name)
    return server.url(name)


@pytest.fixture
def context(browser: Browser, screen: str) -> Iterator[BrowserContext]:
    """A browser window of one's own, and nothing in its console that does not belong there."""
    opened = browser.new_context(**SCREENS[screen])
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("weberror", lambda fault: complaints.append(str(fault.error)))
    yield opened
    opened.close()
    # A form that is shown again answers 422 or 409, which the console notes; that is no fault of the page.
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page in that window."""
    opened = context.new_page()
    opened.set_default_timeout(10_000)
    return opened
