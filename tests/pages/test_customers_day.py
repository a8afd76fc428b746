"""A customer's day on their one page, at a desk and on a phone: what to do comes first, and all of it can be done there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.days import APPROVER, VIEWER, Day, customers_day, see, served_day
from tests.shots import sign_in

EITHER_SCREEN = pytest.mark.parametrize(
    ("screen", "database_url"),
    [("desktop", "sqlite"), ("phone", "sqlite"), ("phone", "postgresql")],
    indirect=True,
)

TASKS = (
    "Sign the project requirements",
    "Decide on change request 1",
    "Freeze code",
    "Give access to the current host",
    "Carry out acceptance testing",
    "Who may change your DNS records?",
)


@pytest.fixture
def day(tmp_path: Path, database_url: str | None) -> Iterator[Day]:
    """An engagement in which everything that can wait on a customer does."""
    with served_day(tmp_path, database_url, customers_day) as served:
        yield served


class Customer:
    """Somebody with a mouse, or with a finger on a phone."""

    def __init__(self, page: Page, day: Day, screen: str) -> None:
        self.page, self.day, self.has_touch = page, day, screen == "phone"

    def press(self, wanted: Locator) -> None:
        if self.has_touch:
            wanted.tap()
        else:
            wanted.click()

    def open(self) -> None:
        """Their one page."""
        self.page.goto(self.day.engagement)
        see(self.page, "Harbour move")

    def take_up(self, button: str, task: str) -> None:
        """Press a button of something that they have to do."""
        self.open()
        self.press(self.todo(task).get_by_role("link", name=button))

    def todo(self, task: str) -> Locator:
        return self.page.locator("#todo").get_by_role("listitem").filter(has_text=task)

    def submit(self, button: str) -> None:
        self.press(self.page.get_by_role("button", name=button, exact=True))


@EITHER_SCREEN
def test_the_customers_day(day: Day, page: Page, screen: str) -> None:
    sign_in(page, day.address, APPROVER)
    customer = Customer(page, day, screen)
    read_what_is_to_do(customer)
    read_dates_and_hours(customer)
    complete_a_duty(customer)
    answer_a_question(customer)
    answer_the_freeze(customer)
    sign_the_requirements(customer)
    approve_the_change(customer)
    report_a_defect(customer)
    accept_the_site(customer)
    write_to_the_team(customer)
    find_nothing_at_an_address_of_the_team(customer)
    expect_nothing_is_left(customer)


def read_what_is_to_do(customer: Customer) -> None:
    see(customer.page, "Your engagements")
    customer.press(customer.page.get_by_role("link", name="Harbour move", exact=True))
    see(customer.page, "Harbour move")
    first = customer.page.get_by_role("main").get_by_role("heading", level=2).first
    expect(first).to_contain_text("What you have to do")
    expect(first).to_be_in_viewport()
    expect(customer.page.locator("#todo").get_by_role("listitem").first).to_be_in_viewport()
    for task in TASKS:
        expect(customer.todo(task)).to_have_count(1)


def read_dates_and_hours(customer: Customer) -> None:
    dates = customer.page.get_by_role("table", name="Dates")
    expect(dates.get_by_role("row", name="Code freeze shop")).to_contain_text(
        re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d+ \w{3} \d{4}, \d\d:\d\d (GMT|BST)")
    )
    expect(customer.page.get_by_text("all times Europe/London")).to_be_visible()
    hours = customer.page.locator("#sites").get_by_role("listitem").filter(has_text="shop")
    expect(hours).to_contain_text(re.compile(r"2 h 15 used · 1 h held ·\s+1 h 45 left\s+of 5 h"))


def complete_a_duty(customer: Customer) -> None:
    customer.take_up("Done…", "Give access to the current host")
    customer.submit("Mark as done")
    expect(customer.page.get_by_role("alert").first).to_contain_text("Nothing was saved yet")
    customer.page.get_by_label("What proves it").fill("Mei signed in at our host this morning.")
    customer.submit("Mark as done")
    expect(customer.page.get_by_text("Thank you. Marked as done; nobody is reminded of it any more.")).to_be_visible()
    see(customer.page, "What you have to do")
    expect(customer.page.get_by_text("Mei signed in at our host this morning.")).to_be_visible()


def answer_a_question(customer: Customer) -> None:
    customer.take_up("Answer", "Who may change your DNS records?")
    see(customer.page, "Questions")
    question = customer.page.get_by_role("listitem").filter(has_text="Who may change your DNS records?")
    customer.press(question.locator("summary"))
    question.get_by_label("Answer").fill("Tom Baker does.")
    customer.press(question.get_by_role("button", name="Send the answer"))
    expect(customer.page.get_by_text("Tom Baker does.")).to_be_visible()


def answer_the_freeze(customer: Customer) -> None:
    customer.take_up("Answer", "Freeze code")
    see(customer.page, "Freezes")
    customer.press(customer.page.get_by_role("link", name="Answer the code freeze"))
    see(customer.page, "Answer the freeze")
    customer.press(customer.page.get_by_role("radio").first)
    customer.page.get_by_label("Your name").fill("Somebody Else")
    customer.submit("Answer for your organisation")
    expect(customer.page.get_by_text("You are signed in as Priya Nair. Type that name.").first).to_be_visible()
    expect(customer.page.get_by_role("radio").first).to_be_checked()
    customer.page.get_by_label("Your name").fill("Priya Nair")
    customer.submit("Answer for your organisation")
    see(customer.page, "Freezes")
    expect(customer.page.get_by_text("Thank you. Your answer is on record.")).to_be_visible()


def sign_the_requirements(customer: Customer) -> None:
    customer.take_up("Read and sign", "Sign the project requirements")
    customer.press(customer.page.get_by_label("I have read the requirements and agree to them"))
    customer.page.locator("#requirements").get_by_label("Your name").fill("Priya Nair")
    customer.submit("Sign the requirements")
    expect(customer.page.get_by_text("Thank you. The requirements are signed.")).to_be_visible()
    see(customer.page, "Harbour move")


def approve_the_change(customer: Customer) -> None:
    customer.take_up("Read and decide", "Decide on change request 1")
    see(customer.page, "The ticket shop moves too")
    customer.press(customer.page.get_by_label("I have read what changes and approve it"))
    customer.page.get_by_label("Your name").fill("Priya Nair")
    customer.submit("Approve and sign")
    expect(customer.page.get_by_text("Both sides approved it, and it is done.")).to_be_visible()
    customer.press(customer.page.get_by_role("link", name="Read it"))
    see(customer.page, "Harbour move")
    requirements = customer.page.locator("#requirements")
    expect(requirements).to_contain_text("Version 2")
    expect(requirements).to_contain_text(re.compile(r"Signed\s.* by Priya Nair"))
    customer.press(requirements.locator("summary"))
    expect(requirements.get_by_text("https://tickets.harbour.example")).to_be_visible()


def report_a_defect(customer: Customer) -> None:
    customer.take_up("Test and sign", "Carry out acceptance testing")
    see(customer.page, "Acceptance test")
    customer.press(customer.page.get_by_role("link", name="Report a defect").first)
    see(customer.page, "Report a defect")
    customer.page.get_by_label("What is wrong").fill("The search finds nothing")
    customer.submit("Report it")
    see(customer.page, "Acceptance test")
    expect(customer.page.get_by_role("link", name="The search finds nothing")).to_be_visible()


def accept_the_site(customer: Customer) -> None:
    customer.press(customer.page.get_by_label("I have tested this site, or had it tested, and accept it"))
    customer.page.get_by_label("Your name").fill("Priya Nair")
    customer.submit("Accept the site")
    expect(customer.page.get_by_text("Thank you. The site is accepted; the team plans the launch with you.")).to_be_visible()
    see(customer.page, "Acceptance test")


def write_to_the_team(customer: Customer) -> None:
    customer.open()
    customer.press(customer.page.get_by_role("link", name="Write to the team"))
    see(customer.page, "Conversation")
    customer.page.get_by_label("What do you want to say?").fill("When do we launch?")
    customer.submit("Send")
    expect(customer.page.get_by_text("Said. The channel is told.")).to_be_visible()
    see(customer.page, "Conversation")
    customer.open()
    expect(customer.page.get_by_text("When do we launch?")).to_be_visible()


def find_nothing_at_an_address_of_the_team(customer: Customer) -> None:
    for path in ("/notices", "/team", "/time", "/people"):
        answer = customer.page.goto(f"{customer.day.address}{path}")
        assert answer is not None
        assert answer.status == 404
        see(customer.page, "Nothing here")


def expect_nothing_is_left(customer: Customer) -> None:
    customer.open()
    for done in TASKS:
        expect(customer.todo(done)).to_have_count(0)
    signed = customer.page.locator("#sign-offs")
    expect(signed.get_by_text("Priya Nair").first).to_be_visible()


@pytest.mark.parametrize("screen", ["desktop", "phone"], indirect=True)
def test_who_only_looks_sees_the_same_and_no_button(day: Day, page: Page, screen: str) -> None:
    sign_in(page, day.address, VIEWER)
    viewer = Customer(page, day, screen)
    viewer.open()
    read_dates_and_hours(viewer)
    expect(viewer.todo("Sign the project requirements")).to_contain_text("Somebody who may sign for you does this.")
    expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    viewer.press(viewer.todo("Decide on change request 1").get_by_role("link"))
    see(page, "The ticket shop moves too")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    for section, heading in (("/duties", "What you have to do"), ("/scope", "Scope of Harbour move"), ("/risks", "Risks")):
        page.goto(f"{day.engagement}{section}")
        expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
        see(page, heading)
