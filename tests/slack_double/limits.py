"""What Slack accepts as the content of a message.

The numbers are the published ones, except the total of 13,200 characters, which Slack enforces without
documenting it, and the size of the metadata, which is our cautious guess.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.slack_double.answers import JsonObject, Refusal

MAX_TEXT = 40_000
MAX_BLOCKS = 50
MAX_SECTION_TEXT = 3_000
MAX_FIELDS = 10
MAX_FIELD_TEXT = 2_000
MAX_ACTIONS = 25
MAX_CONTEXT_ELEMENTS = 10
MAX_BUTTON_TEXT = 75
MAX_BUTTON_VALUE = 2_000
MAX_BUTTON_URL = 3_000
MAX_HEADER_TEXT = 150
MAX_MARKDOWN_TEXT = 12_000
MAX_ID = 255
MAX_TOTAL_TEXT = 13_200
MAX_METADATA_BYTES = 8_000

Problem = tuple[str, str]  # what is wrong, and the JSON pointer to it
Problems = Iterator[Problem]


def check_content(text: str, blocks: list[JsonObject], metadata: JsonObject | None, *, attachments: bool) -> None:
    """Raise the Refusal that Slack would answer this content with."""
    if not text and not blocks and not attachments:
        raise Refusal("no_text")
    if len(text) > MAX_TEXT:
        raise Refusal("msg_too_long")
    check_blocks(blocks)
    if metadata is not None:
        check_metadata(metadata)


def check_blocks(blocks: list[JsonObject]) -> None:
    problems = list(_problems_of_blocks(blocks))
    if problems:
        errors = [f"{what} [json-pointer:{where}]" for what, where in problems]
        messages = [f"[ERROR] {error}" for error in errors]
        raise Refusal("invalid_blocks", errors=errors, response_metadata={"messages": messages})
    if sum(map(len, _texts_in(blocks))) > MAX_TOTAL_TEXT:
        raise Refusal("msg_blocks_too_long")


def check_metadata(metadata: JsonObject) -> None:
    event_type, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not (isinstance(event_type, str) and event_type and isinstance(payload, dict)):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata, ensure_ascii=False).encode()) > MAX_METADATA_BYTES:
        raise Refusal("metadata_too_large")


def _texts_in(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _texts_in(item)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from _texts_in(value)


def _problems_of_blocks(blocks: list[JsonObject]) -> Problems:
    if len(blocks) > MAX_BLOCKS:
        yield f"no more than {MAX_BLOCKS} items allowed", "/blocks"
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        at = f"/blocks/{index}"
        yield from _problems_of_id(block, "block_id", at)
        block_id = block.get("block_id")
        if isinstance(block_id, str):
            if block_id in seen:
                yield "block_id must be unique", f"{at}/block_id"
            seen.add(block_id)
        check = _CHECKS.get(str(block.get("type")))
        if check is None:
            yield f"unsupported type: {block.get('type')}", f"{at}/type"
        else:
            yield from check(block, at)


def _problems_of_section(block: JsonObject, at: str) -> Problems:
    fields = block.get("fields")
    if "text" not in block and not fields:
        yield "missing required field: text", at
    if "text" in block:
        yield from _problems_of_text(block["text"], f"{at}/text", MAX_SECTION_TEXT)
    if fields is not None:
        yield from _problems_of_list(fields, f"{at}/fields", MAX_FIELDS)
        for index, field in enumerate(fields if isinstance(fields, list) else []):
            yield from _problems_of_text(field, f"{at}/fields/{index}", MAX_FIELD_TEXT)
    if "accessory" in block:
        yield from _problems_of_element(block["accessory"], f"{at}/accessory")


def _problems_of_header(block: JsonObject, at: str) -> Problems:
    yield from _problems_of_text(block.get("text"), f"{at}/text", MAX_HEADER_TEXT, plain=True)


def _problems_of_actions(block: JsonObject, at: str) -> Problems:
    elements = block.get("elements")
    yield from _problems_of_list(elements, f"{at}/elements", MAX_ACTIONS)
    seen: set[str] = set()
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        where = f"{at}/elements/{index}"
        yield from _problems_of_element(element, where)
        action_id = element.get("action_id") if isinstance(element, dict) else None
        if isinstance(action_id, str):
            if action_id in seen:
                yield "action_id already exists in this block", f"{where}/action_id"
            seen.add(action_id)


def _problems_of_context(block: JsonObject, at: str) -> Problems:
    elements = block.get("elements")
    yield from _problems_of_list(elements, f"{at}/elements", MAX_CONTEXT_ELEMENTS)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        if not (isinstance(element, dict) and element.get("type") == "image"):
            yield from _problems_of_text(element, f"{at}/elements/{index}", MAX_SECTION_TEXT)


def _problems_of_markdown(block: JsonObject, at: str) -> Problems:
    text = block.get("text")
    if not isinstance(text, str) or not text:
        yield "missing required field: text", at
    elif len(text) > MAX_MARKDOWN_TEXT:
        yield _too_long(MAX_MARKDOWN_TEXT), f"{at}/text"


def _nothing_to_check(block: JsonObject, at: str) -> Problems:
    yield from ()


_CHECKS: dict[str, Callable[[JsonObject, str], Problems]] = {
    "section": _problems_of_section,
    "header": _problems_of_header,
    "actions": _problems_of_actions,
    "context": _problems_of_context,
    "markdown": _problems_of_markdown,
    "divider": _nothing_to_check,
    "image": _nothing_to_check,
    "rich_text": _nothing_to_check,
}


def _problems_of_element(element: Any, at: str) -> Problems:
    if not isinstance(element, dict) or not isinstance(element.get("type"), str):
        yield "missing required field: type", at
        return
    yield from _problems_of_id(element, "action_id", at)
    if element["type"] == "button":
        yield from _problems_of_text(element.get("text"), f"{at}/text", MAX_BUTTON_TEXT, plain=True)
        for name, limit in (("value", MAX_BUTTON_VALUE), ("url", MAX_BUTTON_URL)):
            if len(str(element.get(name, ""))) > limit:
                yield _too_long(limit), f"{at}/{name}"


def _problems_of_id(part: JsonObject, name: str, at: str) -> Problems:
    value = part.get(name)
    if value is None:
        return
    if not isinstance(value, str):
        yield "must be a string", f"{at}/{name}"
    elif len(value) > MAX_ID:
        yield _too_long(MAX_ID), f"{at}/{name}"


def _problems_of_text(text: Any, at: str, limit: int, *, plain: bool = False) -> Problems:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield "missing required field: text", at
        return
    allowed = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if text.get("type") not in allowed:
        yield f"must be one of {', '.join(allowed)}", f"{at}/type"
    if not text["text"]:
        yield "must be more than 0 characters", f"{at}/text"
    if len(text["text"]) > limit:
        yield _too_long(limit), f"{at}/text"


def _problems_of_list(items: Any, at: str, limit: int) -> Problems:
    if not isinstance(items, list) or not items:
        yield "must provide an array of at least 1 item", at
    elif len(items) > limit:
        yield f"no more than {limit} items allowed", at


def _too_long(limit: int) -> str:
    return f"must be less than {limit + 1} characters"
