"""What somebody is answered in Slack: words that only they see, a form, or what is wrong with the form they sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.slack.blocks import HALF_AN_ENTITY, SECTION_LENGTH, escape, said_as

Block = Mapping[str, Any]
BUTTON_LENGTH, TITLE_LENGTH, LABEL_LENGTH, OPTION_LENGTH = 75, 24, 2000, 75
MOST_BUTTONS = 20
MOST_OPTIONS = 100


@dataclass(frozen=True)
class OpenView:
    """A form that is to be opened for whoever pressed; where that fails, they are told where the page for it is."""

    trigger_id: str
    view: Mapping[str, Any]
    page: str


@dataclass(frozen=True)
class PublishView:
    """Somebody's App Home."""

    user_id: str
    view: Mapping[str, Any]


@dataclass(frozen=True)
class Reply:
    """The answer to a request, in JSON; and what Slack is asked for once everything is kept."""

    body: Mapping[str, Any]
    then: OpenView | PublishView | None = None


NOTHING = Reply({})


def shorten(said: str, longest: int) -> str:
    """Plain text that fits a label."""
    return said if len(said) <= longest else f"{said[: longest - 1].rstrip()}…"


def ephemeral(text: str, elements: Sequence[Block] = ()) -> Reply:
    """Words for whoever asked, and nobody else. `text` is marked up, with what people typed escaped."""
    said = text if len(text) <= SECTION_LENGTH else HALF_AN_ENTITY.sub("", text[: SECTION_LENGTH - 1]).rstrip() + "…"
    blocks: list[Block] = [{"type": "section", "text": said_as(said)}]
    if elements:
        blocks.append({"type": "actions", "elements": list(elements[:MOST_BUTTONS])})
    return Reply({"response_type": "ephemeral", "replace_original": False, "text": said, "blocks": blocks})


def plainly(message: str, elements: Sequence[Block] = ()) -> Reply:
    """A sentence of ours, in which somebody's words may stand."""
    return ephemeral(escape(message), elements)


def plain(said: str, longest: int) -> Block:
    return {"type": "plain_text", "text": shorten(said, longest) or "–", "emoji": False}


def button(label: str, action_id: str, value: str, *, primary: bool = False) -> Block:
    """Something to press; the value comes back with it."""
    style = {"style": "primary"} if primary else {}
    return {"type": "button", "text": plain(label, BUTTON_LENGTH), "action_id": action_id, "value": value} | style


def link(label: str, url: str, number: int = 0) -> Block:
    """A button that leads to a page. Slack tells us that it was pressed, too."""
    return {"type": "button", "text": plain(label, BUTTON_LENGTH), "action_id": f"tracker.open.{number}", "url": url}


def option(label: str, value: str) -> Block:
    return {"text": plain(label, OPTION_LENGTH), "value": value}


def options(pairs: Iterable[tuple[str, str]]) -> list[Block]:
    """Choices as (value, label)."""
    return [option(label, value) for value, label in list(pairs)[:MOST_OPTIONS]]


def field(name: str, label: str, element: Block, *, hint: str | None = None, optional: bool = False) -> Block:
    """One field of a form; what is wrong with it is said under its name."""
    said = {"type": "input", "block_id": name, "label": plain(label, LABEL_LENGTH), "optional": optional}
    return said | {"element": dict(element) | {"action_id": name}} | ({"hint": plain(hint, LABEL_LENGTH)} if hint else {})


def modal(
    callback_id: str,
    title: str,
    submit: str | None,
    blocks: Sequence[Block],
    *,
    metadata: str = "",
    external_id: str | None = None,
) -> dict[str, Any]:
    """A form, or (without `submit`) a sheet that says something."""
    view = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain(title, TITLE_LENGTH),
        "close": plain("Close" if submit is None else "Cancel", TITLE_LENGTH),
        "blocks": list(blocks),
        "private_metadata": metadata,
    }
    if submit is not None:
        view["submit"] = plain(submit, TITLE_LENGTH)
    return view | ({"external_id": external_id} if external_id else {})


def section(text: str) -> Block:
    """Marked-up text, with what people typed escaped."""
    return {"type": "section", "text": said_as(text)}


def done_sheet(title: str, message: str) -> Reply:
    """What takes the place of a form that was sent."""
    return Reply({"response_action": "update", "view": modal("tracker.done", title, None, [section(escape(message))])})


def field_errors(errors: Mapping[str, str]) -> Reply:
    """What is wrong, at the fields; whatever was typed stays."""
    return Reply({"response_action": "errors", "errors": dict(errors)})
