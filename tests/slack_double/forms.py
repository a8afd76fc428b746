"""Forms and home pages as Slack takes them: `views.open`, `views.update`, `views.publish`, and the answers to presses.

A trigger is good for three seconds and for one form. Limits are the published ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.slack_double.answers import JsonObject, Refusal

TRIGGER_SECONDS = 3.0
MAX_TITLE, MAX_BLOCKS, MAX_METADATA, MAX_ID, MAX_LABEL = 24, 100, 3000, 255, 2000
MAX_OPTIONS, MAX_OPTION_TEXT, MAX_OPTION_VALUE, MAX_SECTION = 100, 75, 150, 3000
MULTIPLE = ("static_select", "radio_buttons", "checkboxes", "overflow")
MAX_BOXES = 10


@dataclass
class Forms:
    """What was opened and published, and what presses were answered with."""

    opened: list[JsonObject] = field(default_factory=list)
    homes: dict[str, JsonObject] = field(default_factory=dict)
    answers: list[tuple[str, JsonObject]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def open(self, trigger_id: str, view: JsonObject, now: float) -> JsonObject:
        """Raises Refusal as Slack does for a trigger that is too old or was used, and for a view that breaks a limit."""
        minted, _, _number = trigger_id.partition(".")
        if not minted.isdecimal():
            raise Refusal("invalid_trigger_id")
        check_view(view, "modal")
        external_id = view.get("external_id")
        if external_id and any(each.get("external_id") == external_id for each in self.opened):
            raise Refusal("duplicate_external_id")
        if trigger_id in self.used:
            raise Refusal("exchanged_trigger_id")
        if now - int(minted) / 1000 > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        self.used.add(trigger_id)
        number = len(self.opened) + 1
        shown = view | {"id": f"V{number:08d}", "hash": f"{number}.abc", "team_id": "T0DOUBLE"}
        self.opened.append(shown)
        return {"ok": True, "view": shown}

    def update(self, view_id: str, view: JsonObject, digest: str) -> JsonObject:
        """Put another view in the place of an open one; with a hash only if it is still the one that was seen."""
        check_view(view, "modal")
        for number, each in enumerate(self.opened):
            if each["id"] == view_id:
                if digest and digest != each["hash"]:
                    raise Refusal("hash_conflict")
                first, _, rest = str(each["hash"]).partition(".")
                self.opened[number] = view | {"id": view_id, "hash": f"{first}.{rest}+", "team_id": "T0DOUBLE"}
                return {"ok": True, "view": self.opened[number]}
        raise Refusal("not_found")

    def publish(self, user_id: str, view: JsonObject) -> JsonObject:
        check_view(view, "home")
        self.homes[user_id] = view
        return {"ok": True, "view": view}


def check_view(view: Any, kind: str) -> None:
    """Raise the Refusal that Slack would answer a view with."""
    problems = list(_problems(view, kind))
    if problems:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {each}" for each in problems]})


def _problems(view: Any, kind: str) -> Iterator[str]:
    if not isinstance(view, dict) or view.get("type") != kind:
        yield f"a view of type {kind} is needed"
        return
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not 0 < len(blocks) <= MAX_BLOCKS:
        yield "1 to 100 blocks"
        return
    for name in ("callback_id", "external_id"):
        if len(str(view.get(name, ""))) > MAX_ID:
            yield f"{name} is too long"
    if len(view.get("private_metadata", "")) > MAX_METADATA:
        yield "private_metadata is too long"
    if kind == "modal":
        for name in ("title", "submit", "close"):
            yield from _text(view.get(name), MAX_TITLE, name, optional=name != "title", plain=True)
        if any(block.get("type") == "input" for block in blocks) and "submit" not in view:
            yield "a form with inputs needs submit"
    names = [block["block_id"] for block in blocks if "block_id" in block]
    if len(names) != len(set(names)):
        yield "block_id must be unique"
    for block in blocks:
        yield from _block(block)


def _block(block: JsonObject) -> Iterator[str]:
    match block.get("type"):
        case "section":
            yield from _text(block.get("text"), MAX_SECTION, "section")
        case "header":
            yield from _text(block.get("text"), 150, "header", plain=True)
        case "input":
            yield from _text(block.get("label"), MAX_LABEL, "label", plain=True)
            yield from _text(block.get("hint"), MAX_LABEL, "hint", optional=True, plain=True)
            yield from _element(block.get("element"))
        case "actions":
            for element in block.get("elements", []):
                yield from _element(element)
        case "divider" | "context":
            return
        case other:
            yield f"unsupported type: {other}"


def _element(element: Any) -> Iterator[str]:
    if not isinstance(element, dict) or not element.get("action_id"):
        yield "an element with an action_id is needed"
        return
    if element.get("type") == "button":
        yield from _text(element.get("text"), 75, "button", plain=True)
    if element.get("type") in MULTIPLE:
        listed = element.get("options")
        most = MAX_BOXES if element["type"] != "static_select" else MAX_OPTIONS
        if not isinstance(listed, list) or not 0 < len(listed) <= most:
            yield f"1 to {most} options"
            return
        for option in listed:
            yield from _text(option.get("text"), MAX_OPTION_TEXT, "option")
            if not 0 < len(str(option.get("value", ""))) <= MAX_OPTION_VALUE:
                yield "the value of an option has 1 to 150 characters"
        if "initial_option" in element and element["initial_option"] not in listed:
            yield "initial_option is none of the options"


def _text(text: Any, limit: int, where: str, *, optional: bool = False, plain: bool = False) -> Iterator[str]:
    if text is None and optional:
        return
    if not isinstance(text, dict) or not isinstance(text.get("text"), str) or not text["text"]:
        yield f"{where}: missing text"
    elif len(text["text"]) > limit:
        yield f"{where}: more than {limit} characters"
    elif plain and text.get("type") != "plain_text":
        yield f"{where}: must be plain_text"
