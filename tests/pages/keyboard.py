"""Somebody who has a keyboard and no mouse: what is not reached with Tab is not there for them."""

import re

from playwright.sync_api import Locator, Page, expect

PRESSES = 120


class Keyboard:
    """Goes from control to control as a screen reader names them, and fails where Tab never comes to one."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def reach(self, wanted: Locator, *, back: bool = False, presses: int = PRESSES) -> None:
        """Tab on until a control has the focus."""
        has_focus = wanted.and_(self.page.locator(":focus"))
        for _press in range(presses):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            if has_focus.count():
                return
        raise AssertionError(f"{presses} times Tab on {self.page.url} did not come to {wanted}")

    def skip(self) -> None:
        """Past the head of a page that was just opened."""
        self.reach(self.page.get_by_role("link", name="Skip to the content"), presses=1)
        self.page.keyboard.press("Enter")

    def follow(self, name: str, *, back: bool = False) -> None:
        """A link, by its name."""
        self.reach(self.page.get_by_role("link", name=name, exact=True), back=back)
        self.page.keyboard.press("Enter")

    def press(self, name: str, *, back: bool = False) -> None:
        """A button, by its name."""
        self.reach(self.page.get_by_role("button", name=name, exact=True), back=back)
        self.page.keyboard.press("Space")

    def open(self, name: str) -> None:
        """What folds, by what stands on it."""
        self.reach(self.page.locator("summary").filter(has_text=name))
        self.page.keyboard.press("Enter")

    def tick(self, name: str) -> None:
        """A box."""
        box = self.page.get_by_role("checkbox", name=name, exact=True)
        self.reach(box)
        self.page.keyboard.press("Space")
        expect(box).to_be_checked()

    def write(self, label: str, text: str) -> None:
        """Fill a field in, whatever stood there."""
        self.reach(self.field(label))
        self.page.keyboard.press("ControlOrMeta+A")
        self.page.keyboard.insert_text(text)

    def choose(self, label: str, option: str) -> None:
        """An option of a list, by typing its name."""
        chosen = self.field(label)
        self.reach(chosen)
        self.page.keyboard.type(option)
        expect(chosen.locator("option:checked")).to_have_text(option)

    def field(self, label: str) -> Locator:
        """A field by its label, whether or not it says that it may stay empty."""
        return self.page.get_by_label(re.compile(rf"^\s*{re.escape(label)}\s*(optional)?\s*$"))
