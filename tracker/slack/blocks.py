"""A notice as Block Kit: one builder for all kinds. User text is escaped, limits are held."""

from collections.abc import Mapping
from typing import Any

from tracker.store.outbox import OutboxNotice

HEADLINE_LENGTH = 300
FACT_LENGTH = 500
TEXT_LENGTH = 2000
FALLBACK_LENGTH = 3500
MAX_FACTS = 10


def escape(text: str) -> str:
    """What keeps <!channel>, <@U…> and disguised links from working: Slack reads only these three signs."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def shorten(text: str, longest: int) -> str:
    """Cut at a length; an ellipsis shows that something is missing."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def render(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The frozen body of a notice: fallback text and blocks. The first block carries its marker."""
    headline = shorten(notice.headline, HEADLINE_LENGTH)
    said = f"*{escape(headline)}*"
    if notice.mention:
        said = f"<@{notice.mention}> {said}"
    if notice.text:
        said += f"\n{escape(shorten(notice.text, TEXT_LENGTH))}"
    if notice.repeats:
        said += "\n_This may be a repeat._"
    section: dict[str, Any] = {
        "type": "section",
        "block_id": f"tracker:{notice.id}:v1",
        "text": {"type": "mrkdwn", "text": said},
    }
    facts = [
        {"type": "mrkdwn", "text": f"*{escape(name)}*\n{escape(shorten(value, FACT_LENGTH))}"}
        for name, value in notice.facts[:MAX_FACTS]
    ]
    if facts:
        section["fields"] = facts
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Open"},
        "action_id": "tracker.open",
        "value": str(notice.id),
        "url": f"{base_url}{notice.path}",
    }
    fallback = " · ".join([headline, *(f"{name}: {value}" for name, value in notice.facts)])
    return {
        "text": escape(shorten(fallback, FALLBACK_LENGTH)),
        "blocks": [section, {"type": "actions", "elements": [button]}],
    }
