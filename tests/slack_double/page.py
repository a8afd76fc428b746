"""The channels and their messages on one page, for people: what a client would see in Slack."""

import re
from datetime import UTC, datetime
from html import escape
from typing import Any

from tests.slack_double.answers import JsonObject
from tests.slack_double.workspace import BOT_USER_ID, Channel, Message, Workspace

SHOWN_PER_CHANNEL = 50
REFRESH_SECONDS = 3

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d9dce1, #3a3f47); --soft: light-dark(#5c636e, #a3abb8);
  --card: light-dark(#ffffff, #1d2026); --ground: light-dark(#f4f5f7, #121418);
  --accent: light-dark(#0b5cad, #7db7f5); }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 56rem; background: var(--ground);
  font: 1rem/1.5 system-ui, sans-serif; }
h1 { font-size: 1.25rem; margin: 0 0 .25rem; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
.soft { color: var(--soft); font-size: .875rem; font-weight: normal; }
.message { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .75rem 1rem; margin: .5rem 0; overflow-wrap: anywhere; }
.reply { margin-left: 2rem; }
.message p { margin: .25rem 0; }
.message h3 { font-size: 1.05rem; margin: .25rem 0; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); gap: .25rem 1.5rem;
  margin: .5rem 0; }
.buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
.button { border: 1px solid var(--line); border-radius: .375rem; padding: .125rem .75rem; font-size: .875rem;
  text-decoration: none; }
.tag { border: 1px solid var(--line); border-radius: .375rem; padding: 0 .375rem; font-size: .75rem;
  font-weight: normal; }
a { color: var(--accent); }
hr { border: 0; border-top: 1px solid var(--line); }
"""

_LINK = re.compile(r"<([^<>]*)>")
_STRONG = re.compile(r"(?<!\w)\*([^*\n]+)\*(?!\w)")
_OPEN, _CLOSE = "\ue000", "\ue001"  # private characters, which no message means anything by
_SET_ASIDE = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_EMPHASIS = re.compile(r"(?<!\w)_([^_\n]+)_(?!\w)")


def page(workspace: Workspace) -> str:
    with workspace.lock:
        workspace.catch_up()
        total = sum(len(channel.messages) for channel in workspace.channels.values())
        channels = "".join(_channel(channel) for channel in workspace.channels.values())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}">'
        f"<title>Slack double: {_counted(total)}</title><style>{STYLE}</style></head><body>"
        f'<header><h1>Slack double</h1><p class="soft">A stand-in for Slack on this machine. {_counted(total)}. '
        "Nothing here has left this machine.</p></header>"
        f"<main>{channels or '<p>No channels.</p>'}</main></body></html>"
    )


def _channel(channel: Channel) -> str:
    standing = [
        ("private", channel.is_private),
        ("archived", channel.is_archived),
        ("the app is not a member", not channel.is_member),
    ]
    tags = "".join(f' <span class="tag">{label}</span>' for label, holds in standing if holds)
    recent = channel.messages[-SHOWN_PER_CHANNEL:][::-1]
    body = "".join(_message(message) for message in recent) or '<p class="soft">No messages yet.</p>'
    if len(channel.messages) > SHOWN_PER_CHANNEL:
        body += f'<p class="soft">{len(channel.messages) - SHOWN_PER_CHANNEL} earlier ones are not shown.</p>'
    return (
        f'<section><h2>#{escape(channel.name)} <span class="soft">{escape(channel.id)}, '
        f"{_counted(len(channel.messages))}</span>{tags}</h2>{body}</section>"
    )


def _message(message: Message) -> str:
    author = "Engagement tracker" if message.user == BOT_USER_ID else message.user
    moment = datetime.fromtimestamp(message.at / 1_000_000, UTC)
    notes = [f'<time datetime="{moment.isoformat()}">{moment:%d %b %Y %H:%M:%S} UTC</time>']
    notes += ["reply in a thread"] if message.is_reply else []
    notes += ["edited"] if message.edited_at is not None else []
    body = "".join(map(_block, message.blocks)) if message.blocks else f"<p>{mrkdwn(message.text)}</p>"
    css = "message reply" if message.is_reply else "message"
    return (
        f'<article class="{css}"><strong>{escape(author)}</strong> <span class="soft">{", ".join(notes)}</span>{body}</article>'
    )


def _block(block: JsonObject) -> str:
    match block.get("type"):
        case "header":
            return f"<h3>{_text(block.get('text'))}</h3>"
        case "section":
            return _section(block)
        case "actions":
            return f'<div class="buttons">{"".join(map(_element, block.get("elements", [])))}</div>'
        case "context":
            return f'<p class="soft">{" ".join(map(_text, block.get("elements", [])))}</p>'
        case "markdown":
            return f"<p>{mrkdwn(str(block.get('text', '')))}</p>"
        case "divider":
            return "<hr>"
        case other:
            return f'<p class="soft">[{escape(str(other))}]</p>'


def _section(block: JsonObject) -> str:
    text = f"<p>{_text(block['text'])}</p>" if "text" in block else ""
    fields = "".join(f"<div>{_text(field)}</div>" for field in block.get("fields") or [])
    grid = f'<div class="fields">{fields}</div>' if fields else ""
    accessory = f'<div class="buttons">{_element(block["accessory"])}</div>' if "accessory" in block else ""
    return text + grid + accessory


def _element(element: JsonObject) -> str:
    label = _text(element.get("text")) or escape(str(element.get("type")))
    if "placeholder" in element:
        return f'<span class="button">{_text(element["placeholder"])} ▾</span>'
    if element.get("style") == "primary":
        label = f"<strong>{label}</strong>"
    url = str(element.get("url", ""))
    if _is_web_address(url):
        return f'<a class="button" href="{escape(url)}">{label}</a>'
    return f'<span class="button">{label}</span>'


def _text(part: Any) -> str:
    if not isinstance(part, dict):
        return ""
    text = str(part.get("text", part.get("alt_text", "")))
    return mrkdwn(text) if part.get("type") == "mrkdwn" else escape(text)


def mrkdwn(text: str) -> str:
    """Turn Slack's markup into HTML: escaped once, and only links of the web become links."""
    references: list[str] = []

    def set_aside(found: re.Match[str]) -> str:
        references.append(_reference(found[1]))
        return f"{_OPEN}{len(references) - 1}{_CLOSE}"

    # Links stand aside while the rest is styled: a bold link is one thing, and an address may hold underscores.
    bare = _LINK.sub(set_aside, text.replace(_OPEN, "").replace(_CLOSE, ""))
    safe = escape(_unescaped(bare), quote=False)
    styled = _EMPHASIS.sub(r"<em>\1</em>", _STRONG.sub(r"<strong>\1</strong>", safe))
    whole = _SET_ASIDE.sub(lambda found: references[int(found[1])], styled)
    return whole.replace("\n", "<br>")


def _reference(reference: str) -> str:
    """A link, or one of Slack's commands; a command that would call people is shown so that it stands out."""
    target, _, label = reference.partition("|")
    target, label = _unescaped(target), _unescaped(label)
    if _is_web_address(target):
        return f'<a href="{escape(target)}">{escape(label or target)}</a>'
    if target.startswith(("!date", "mailto:")):
        return escape(label or target)
    return f"<strong>[{escape(label or target)}]</strong>"


def _unescaped(text: str) -> str:
    """Undo Slack's escaping, which knows three characters and no more."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _is_web_address(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def _counted(messages: int) -> str:
    return f"{messages} message" if messages == 1 else f"{messages} messages"
