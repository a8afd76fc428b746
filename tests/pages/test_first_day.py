"""A newcomer's first day in the browser, from the printed link to the message in the channel, on each engine."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.pages.conftest import Served
from tests.postgres import PostgresServer
from tests.scene import APPROVER, ENGINEER, MANAGER
from tests.server import Running, environment, serving
from tests.shots import sign_in
from tests.slack_double.client import SlackControl, slack_process
from tracker.clock import utc_now


@pytest.fixture
def slack() -> Iterator[SlackControl]:
    """The double, in a process of its own."""
    with slack_process("--seed", "1", "--channel", "C1=acme", "--pace-seconds", "0") as control:
        yield control


@dataclass(frozen=True)
class Fresh:
    """A server that started on nothing at all, and the environment it runs in."""

    running: Running
    environ: dict[str, str]


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, slack: SlackControl, tmp_path: Path) -> Iterator[Fresh]:
    """A server on an empty database, connected to the double."""
    over = {"SLACK_BOT_TOKEN": "xoxb-double", "SLACK_API_URL": slack.base_url}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        name = f"fresh_{uuid4().hex}"
        server.create_database(name)
        over["DATABASE_URL"] = server.url(name)
    environ = environment(tmp_path, **over)
    with serving(tmp_path, environ=environ) as running:
        yield Fresh(running, environ)


def test_from_the_printed_link_to_a_message_in_the_channel(fresh: Fresh, slack: SlackControl, page: Page) -> None:
    become_administrator(page, fresh.running.first_admin_link)
    expect(page.get_by_text("No engagement yet.")).to_be_visible()
    page.get_by_role("link", name="Create the first engagement").click()
    make_an_engagement(page)
    list_and_agree_a_site(page)
    engagement = page.url.partition("#")[0]

    page.get_by_role("link", name="Log hours").last.click()
    expect(page.get_by_text("5 h left of 5 h on this site")).to_be_visible()
    page.get_by_label("Site", exact=True).select_option(label="shop · 5 h left of 5 h")
    page.get_by_label("Activity").select_option("research")
    page.get_by_label("Time spent").fill("0:15")
    page.get_by_role("button", name="Log the hours").click()
    expect(page.get_by_text("4 h 45 left of 5 h on this site")).to_be_visible()
    page.get_by_label("Time spent").fill("30")
    page.get_by_role("button", name="Log the hours").click()
    expect(page.get_by_text("30: write 30m or 30h").first).to_be_visible()
    expect(page.get_by_label("Time spent")).to_have_value("30")

    page.goto(f"{engagement}/deadlines/new")
    page.get_by_label("What", exact=True).select_option("uat")
    page.locator("#site_id").select_option(label="shop")
    page.locator("#due_on").fill((utc_now().date() + timedelta(days=30)).isoformat())
    page.get_by_role("button", name="Set the date").click()
    expect(page.get_by_text("UAT sign-off due").first).to_be_visible()
    assert slack.count_by_marker() == {}, "setting a date posts nothing by itself"

    # The day before it is due comes; the running server delivers what is then released.
    then = utc_now() + timedelta(days=29, hours=23)
    command = [sys.executable, "-m", "tracker", "remind", "--now", then.isoformat()]
    subprocess.run(command, env=fresh.environ, check=True, capture_output=True)
    wait_for(lambda: len(slack.count_by_marker()) == 1)
    assert set(slack.count_by_marker().values()) == {1}
    page.goto(f"{fresh.running.address}/notices?state=sent")
    expect(page.get_by_role("link", name="shop: the UAT sign-off is due")).to_be_visible()


def become_administrator(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Okafor")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create the first administrator").click()


def make_an_engagement(page: Page) -> None:
    page.get_by_label("Name", exact=True).fill("Three-site migration")
    page.get_by_label("Customer", exact=True).fill("Acme")
    page.get_by_label("Time zone", exact=True).fill("Europe/Berlin")
    page.get_by_label("Customer channel").fill("C1")
    page.get_by_role("button", name="Create the engagement").click()
    expect(page.get_by_role("alert").first).to_contain_text("Nothing was saved yet")
    expect(page.get_by_label("Customer", exact=True)).to_have_value("Acme")
    page.get_by_label("Reference").fill("SOW-1")
    page.get_by_label("Signed on").fill(utc_now().date().isoformat())
    for name in ("uat", "cutover", "hypercare"):
        page.locator(f"#{name}_business_days").fill("5")
    page.get_by_role("button", name="Create the engagement").click()
    expect(page.get_by_role("heading", name="Three-site migration", level=1)).to_be_visible()


def list_and_agree_a_site(page: Page) -> None:
    engagement = page.url
    page.get_by_role("link", name="Add a site").click()
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_label("Address").fill("shop.example.com")
    page.get_by_role("button", name="Add the site").click()
    expect(page.get_by_text("5 h left").first).to_be_visible()
    page.goto(engagement)
    page.get_by_text("Agree these requirements…").click()
    page.get_by_role("button", name="Agree these requirements").click()
    expect(page.get_by_text("Version 1", exact=True)).to_be_visible()


def wait_for(condition: Callable[[], bool]) -> None:
    """Poll until something is so."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.05)


def test_a_customer_signs_by_name_and_staff_cannot(served: Served, page: Page) -> None:
    sign_in(page, served.address, APPROVER)
    page.goto(f"{served.address}/engagements/{served.scene.engagement_id}")
    expect(page.get_by_role("heading", name="Three-site migration", level=1)).to_be_visible()
    expect(page.get_by_text("C0MIGRATION")).to_have_count(0)
    assert page.goto(f"{served.address}/notices").status == 404  # type: ignore[union-attr]
    assert page.goto(f"{served.address}/people").status == 404  # type: ignore[union-attr]


def test_a_refused_entry_is_resolved_by_a_split(served: Served, page: Page) -> None:
    sign_in(page, served.address, ENGINEER)
    page.goto(f"{served.address}/time?site={served.scene.site_id}")
    page.get_by_label("Activity").select_option("research")
    page.get_by_label("Time spent").fill("45m")
    page.get_by_role("button", name="Log the hours").click()
    expect(page.locator("#refusal")).to_contain_text("15 min")
    expect(page.get_by_label("Time spent")).to_have_value("45m")
    page.locator("#refusal").get_by_role("button").first.click()
    expect(page.get_by_text("9 h 30 left of 10 h on this site")).to_be_visible()
    expect(page.get_by_text("0 min left of 5 h on this site")).to_be_visible()


def test_the_manager_gets_about_by_keyboard_alone(served: Served, page: Page) -> None:
    sign_in(page, served.address, MANAGER)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    reached = False
    for _step in range(40):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and focused.inner_text() == "Three-site migration":
            reached = True
            break
    assert reached
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Three-site migration", level=1)).to_be_visible()
