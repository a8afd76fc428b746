"""What is said in a conversation: how long it may be, how a channel is told of it, and who may take it back.

Source: docs/rules/conversation.md.
"""

from uuid import UUID

from tracker.domain.access import Actor

TEXT_LENGTH = 5000
EXCERPT_LENGTH = 300
CUSTOMER_KIND, INTERNAL_KIND = "comment.customer", "comment.internal"


def notice_key(comment_id: UUID) -> str:
    """Names the notice of a comment."""
    return f"comment:{comment_id}"


def comment_of(notice_key: str) -> UUID | None:
    """The comment that a notice of that name tells of."""
    kind, _, comment_id = notice_key.partition(":")
    return UUID(comment_id) if kind == "comment" else None


def excerpt(text: str, longest: int = EXCERPT_LENGTH) -> str:
    """The beginning of a text, cut between words; an ellipsis shows that there is more."""
    if len(text) <= longest:
        return text
    end = max((place for place, mark in enumerate(text[:longest]) if mark.isspace()), default=longest - 1)
    return text[:end].rstrip() + "…"


def may_withdraw(actor: Actor, author_id: UUID) -> bool:
    """Only whoever said something takes it back."""
    return actor.person_id is not None and actor.person_id == author_id
