"""A notice as Block Kit: one builder for all kinds. User text is escaped, limits are held."""

import re
from collections.abc import Mapping
from typing import Any

from tracker.store.notice import OutboxNotice

# In characters as Slack counts them, after escaping. Slack takes 3,000 in a section, 2,000 in a field, 13,200 in all blocks;
# it has posted texts of about 4,000 characters twice.
HEADLINE_LENGTH = 600
TEXT_LENGTH = 2000
FACT_NAME_LENGTH = 100
FACT_LENGTH = 700
FALLBACK_LENGTH = 3500
MAX_FACTS = 10
HALF_AN_ENTITY = re.compile(r"&[a-z]*$")


def escape(text: str) -> str:
    """What keeps <!channel>, <@U…> and disguised links from working: Slack reads only these three signs."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fit(text: str, longest: int) -> str:
    """Escape, then cut at a length; an ellipsis shows that something is missing."""
    escaped = escape(text)
    if len(escaped) <= longest:
        return escaped
    return HALF_AN_ENTITY.sub("", escaped[: longest - 1]).rstrip() + "…"


def said_as(text: str) -> dict[str, Any]:
    """Marked-up text in which Slack itself discovers nothing: a name such as @channel stays a name."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def render(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The frozen body of a notice: fallback text and blocks. The first block carries its marker."""
    said = f"*{fit(notice.headline, HEADLINE_LENGTH)}*"
    if notice.mention:
        said = f"<@{notice.mention}> {said}"
    if notice.text:
        said += f"\n{fit(notice.text, TEXT_LENGTH)}"
    if notice.repeats:
        said += "\n_This may be a repeat._"
    section: dict[str, Any] = {"type": "section", "block_id": f"tracker:{notice.id}:v1", "text": said_as(said)}
    facts = [said_as(f"*{fit(name, FACT_NAME_LENGTH)}*\n{fit(value, FACT_LENGTH)}") for name, value in notice.facts[:MAX_FACTS]]
    if facts:
        section["fields"] = facts
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open"},
        "action_id": "tracker.open",
        "value": str(notice.id),
        "url": f"{base_url}{notice.path}",
    }
    fallback = " · ".join([notice.headline, *(f"{name}: {value}" for name, value in notice.facts)])
    return {
        "text": fit(fallback, FALLBACK_LENGTH),
        "blocks": [section, {"type": "actions", "elements": [button]}],
    }
