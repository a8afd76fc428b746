"""Links to what is kept elsewhere: which kinds there are, and which addresses may be kept.

Source: docs/rules/conversation.md.
"""

from enum import StrEnum
from urllib.parse import urlsplit

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.domain.text import TextError, read_line

TITLE_LENGTH, URL_LENGTH = 200, 2000
MOST_LINKS = 200


class LinkKind(StrEnum):
    """What stands behind a link, named as the API names it."""

    AGREEMENT = "agreement"
    TEST_SCRIPT = "test_script"
    DOCUMENT = "document"
    OTHER = "other"


KIND_LABELS = {
    LinkKind.AGREEMENT: "Agreement",
    LinkKind.TEST_SCRIPT: "Test script",
    LinkKind.DOCUMENT: "Document",
    LinkKind.OTHER: "Other",
}
WRITE_LIKE = "Write the whole address, like https://docs.example.com/agreement."


def read_url(text: str) -> str:
    """Read a web address. Raises Invalid at `url` for another scheme, for credentials in it, and for what looks secret."""
    try:
        typed = read_line(text, URL_LENGTH)
    except TextError as error:
        raise Invalid.at("url", error.message) from None
    try:
        parts = urlsplit(typed)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise Invalid.at("url", f"That is not a web address. {WRITE_LIKE}") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Invalid.at("url", f"A link begins with https:// or http://. {WRITE_LIKE}")
    if " " in typed or "\\" in typed:
        raise Invalid.at("url", f"A web address holds no spaces and no backslash. {WRITE_LIKE}")
    if parts.username is not None or parts.password is not None:
        raise Invalid.at("url", "Leave user name and password out of the address; credentials are never stored.")
    return typed


def may_remove(actor: Actor, *, is_own: bool) -> bool:
    """The team removes any link, a customer what they added themselves."""
    return actor.may(Permission.WORK_ON_SITES) or (is_own and actor.may(Permission.ANSWER))
