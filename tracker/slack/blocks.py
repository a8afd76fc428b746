"""A notice as Block Kit: one builder for all kinds. User text is escaped, limits are held."""

import re
from collections.abc import Mapping
from typing import Any

from tracker.store.notice import OutboxNotice

# In characters as Slack counts them, after escaping. Slack takes 3,000 in a section, 2,000 in a field, 13,200 in all blocks;
# it has posted texts of about 4,000 characters twice.
HEADLINE_LENGTH = 600
TEXT_LENGTH = 2000  # beside the headline; what is longer goes on in sections of its own
SECTION_LENGTH = 2900
WHOLE_LENGTH = 12_800
FACT_NAME_LENGTH = 100
FACT_LENGTH = 700
FALLBACK_LENGTH = 3500
PLAIN_LENGTH = 3000
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


def parts_of(text: str, first: int, whole: int) -> list[str]:
    """Escape a text, cut it at a length, and share it out: so much in the first part, what fits a section in each other."""
    rest, room, parts = fit(text, whole), first, list[str]()
    while len(rest) > room:
        head = _head(rest, room)
        parts.append(head.rstrip())
        rest, room = rest[len(head) :].lstrip(), SECTION_LENGTH
    return [part for part in (*parts, rest) if part]


def _head(text: str, longest: int) -> str:
    """The beginning of an escaped text: whole lines, else whole words, else whole signs."""
    cut = text[:longest]
    for mark in ("\n", " "):
        end = cut.rfind(mark)
        if end > longest // 2:
            return cut[: end + 1]
    return HALF_AN_ENTITY.sub("", cut)


def said_as(text: str) -> dict[str, Any]:
    """Marked-up text in which Slack itself discovers nothing: a name such as @channel stays a name."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def render(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The frozen body of a notice: fallback text and blocks. The first block carries its marker."""
    if notice.plain:
        return plain(notice, base_url=base_url)
    said = f"*{fit(notice.headline, HEADLINE_LENGTH)}*"
    if notice.mention:
        said = f"<@{notice.mention}> {said}"
    facts = [said_as(f"*{fit(name, FACT_NAME_LENGTH)}*\n{fit(value, FACT_LENGTH)}") for name, value in notice.facts[:MAX_FACTS]]
    taken = len(said) + sum(len(fact["text"]) for fact in facts)
    text, *further = parts_of(notice.text, TEXT_LENGTH, WHOLE_LENGTH - taken) or [""]
    if text:
        said += f"\n{text}"
    if notice.repeats:
        said += "\n_This may be a repeat._"
    section: dict[str, Any] = {"type": "section", "block_id": f"tracker:{notice.id}:v1", "text": said_as(said)}
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
        "blocks": [
            section,
            *({"type": "section", "text": said_as(part)} for part in further),
            {"type": "actions", "elements": [button]},
        ],
    }


def plain(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The same in plain text, for a notice whose blocks Slack refused. Its marker goes in the metadata alone."""
    mention = f"<@{escape(notice.mention)}> " if notice.mention else ""
    repeat = "\nThis may be a repeat." if notice.repeats else ""
    facts = [f"{name}: {value}" for name, value in notice.facts[:MAX_FACTS]]
    said = fit("\n".join(filter(None, [notice.headline, notice.text, *facts])), PLAIN_LENGTH)
    return {"text": f"{mention}{said}{repeat}\n{base_url}{notice.path}", "blocks": []}
