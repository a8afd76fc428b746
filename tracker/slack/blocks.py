"""A notice as Block Kit: one builder for all kinds. User text is escaped, limits are held."""

import re
from collections.abc import Mapping
from typing import Any

from tracker.domain.notice import Marks
from tracker.domain.notice_kind import Button, buttons_of
from tracker.domain.snooze import Snooze
from tracker.store.notice import OutboxNotice

# In characters as Slack counts them, after escaping. Slack takes 3,000 in a section, 2,000 in a field, 13,200 in all blocks,
# the last of which it does not document: we stay well below. It has posted texts of about 4,000 characters twice.
HEADLINE_LENGTH = 600
TEXT_LENGTH = 2000  # beside the headline; what is longer goes on in sections of its own
SECTION_LENGTH = 2900
WHOLE_LENGTH = 7600  # buttons and what is put around it come on top, to 8,000 in all
FACT_NAME_LENGTH = 60
FACT_LENGTH = 280
MARK_LENGTH = 200
FALLBACK_LENGTH = 3500
PLAIN_LENGTH = 3000
MAX_FACTS = 10
TITLE = re.compile("[^•*\\s][^*]{0,199}")
NO_MARKS = Marks()
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


def render(notice: OutboxNotice, *, base_url: str, marks: Marks = NO_MARKS, edition: int = 1) -> Mapping[str, Any]:
    """The body of a notice: fallback text and blocks. The first block carries its marker.

    A message is edited in place when it no longer says what is so: `marks` are what people have done about it since, and
    `edition` counts its versions.
    """
    if notice.plain:
        return plain(notice, base_url=base_url)
    said = f"*{fit(notice.headline, HEADLINE_LENGTH)}*"
    if notice.mention:
        said = f"<@{escape(notice.mention)}> {said}"
    facts = [said_as(f"*{fit(name, FACT_NAME_LENGTH)}*\n{fit(value, FACT_LENGTH)}") for name, value in notice.facts[:MAX_FACTS]]
    below = [fit(line, MARK_LENGTH) for line in marks.lines]
    taken = len(said) + sum(len(fact["text"]) for fact in facts) + sum(map(len, below))
    text, *further = parts_of(_with_titles(notice.text), TEXT_LENGTH, WHOLE_LENGTH - taken) or [""]
    if text:
        said += f"\n{text}"
    if notice.repeats:
        said += "\n_This may be a repeat._"
    section: dict[str, Any] = {"type": "section", "block_id": f"tracker:{notice.id}:v{edition}", "text": said_as(said)}
    if facts:
        section["fields"] = facts
    return {
        "text": _fallback(notice, marks),
        "blocks": [
            section,
            *({"type": "section", "text": said_as(part)} for part in further),
            *({"type": "context", "elements": [said_as(line)]} for line in below),
            {"type": "actions", "elements": [_element(button, notice, base_url) for button in _left(notice, marks)]},
        ],
    }


def _with_titles(text: str) -> str:
    """A line above a list is its title: it stands out."""
    lines = text.split("\n")
    pairs = zip(lines, [*lines[1:], ""], strict=True)
    return "\n".join(f"*{line}*" if below.startswith("• ") and TITLE.fullmatch(line) else line for line, below in pairs)


def _fallback(notice: OutboxNotice, marks: Marks) -> str:
    """The message in one line, for notifications and screen readers: what is so, who does what, by when."""
    text = " ".join(notice.text.split())
    facts = (f"{name}: {' '.join(str(value).split())}" for name, value in notice.facts)
    return fit(" · ".join(filter(None, [notice.headline, text, *facts, *marks.lines])), FALLBACK_LENGTH)


def plain(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The same in plain text, for a notice whose blocks Slack refused. Its marker goes in the metadata alone."""
    mention = f"<@{escape(notice.mention)}> " if notice.mention else ""
    repeat = "\nThis may be a repeat." if notice.repeats else ""
    facts = [f"{name}: {value}" for name, value in notice.facts[:MAX_FACTS]]
    said = fit("\n".join(filter(None, [notice.headline, notice.text, *facts])), PLAIN_LENGTH)
    return {"text": f"{mention}{said}{repeat}\n{base_url}{notice.path}", "blocks": []}


def _left(notice: OutboxNotice, marks: Marks) -> list[Button]:
    """What can still be pressed: nothing that somebody has done already."""
    over: set[Button] = set()
    if marks.done:
        over = {Button.DONE, Button.ACK, Button.SNOOZE}
    elif marks.acknowledged:
        over = {Button.ACK}
    return [button for button in buttons_of(notice.kind or "", notice.audience or "") if button not in over]


def _element(button: Button, notice: OutboxNotice, base_url: str) -> dict[str, Any]:
    if button is Button.SNOOZE:
        choices = [{"text": _plain(choice.label), "value": f"{choice}:{notice.id}"} for choice in Snooze]
        return {"type": "static_select", "action_id": button.value, "placeholder": _plain(button.label), "options": choices}
    element = {"type": "button", "text": _plain(button.label), "action_id": button.value, "value": str(notice.id)}
    if button is Button.OPEN:
        element["url"] = f"{base_url}{notice.path}"
    elif button is Button.DONE:
        element["style"] = "primary"
    return element


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
