"""A notice as mail: its subject, plain text, and the same as simple HTML. What it says is frozen at its first claim."""

from collections.abc import Mapping
from html import escape
from typing import Any

from tracker.store.notice import OutboxNotice

LETTER = "letter"
SUBJECT_LENGTH = 200
TEXT_LENGTH = 20_000
REPEAT = "This may be a repeat."
PREFERENCES = "/account/preferences"


def render(notice: OutboxNotice, *, base_url: str) -> Mapping[str, Any]:
    """The frozen body of a letter: the plain text, and in its one block what else the mail needs."""
    link, wishes = f"{base_url}{notice.path}", f"{base_url}{PREFERENCES}"
    subject = _fit(" ".join(notice.headline.split()), SUBJECT_LENGTH)
    said, facts = _fit(notice.text, TEXT_LENGTH), [(str(name), str(value)) for name, value in notice.facts]
    why = "You get this by mail because it is yours to do and Slack does not reach you, or because you asked for it."
    plain = [
        notice.headline,
        *([said] if said else []),
        *(["\n".join(f"{name}: {value}" for name, value in facts)] if facts else []),
        *([REPEAT] if notice.repeats else []),
        f"Open it: {link}",
        f"--\n{why}\nChange that: {wishes}",
    ]
    block = {"type": LETTER, "subject": subject, "html": _html(notice, said, facts, link, why, wishes), "preferences": wishes}
    return {"text": "\n\n".join(plain) + "\n", "blocks": [block]}


def _html(notice: OutboxNotice, said: str, facts: list[tuple[str, str]], link: str, why: str, wishes: str) -> str:
    rows = "".join(f"<tr><th align='left'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts)
    parts = [
        f"<h1>{escape(notice.headline)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in said.splitlines() if line.strip()),
        *([f"<table>{rows}</table>"] if rows else []),
        *([f"<p><em>{REPEAT}</em></p>"] if notice.repeats else []),
        f"<p><a href='{escape(link)}'>Open it in the tracker</a></p>",
        f"<hr><p><small>{why} <a href='{escape(wishes)}'>Change that</a></small></p>",
    ]
    return f"<!DOCTYPE html><html><body>{''.join(parts)}</body></html>"


def _fit(text: str, longest: int) -> str:
    """At most so many characters; an ellipsis shows that something is missing."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
