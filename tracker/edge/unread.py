"""What was sent and nobody read. A client that is still sending hears no answer: its connection breaks instead."""

from flask import request

# Enough for the files that people take for a list; who sends more finds the connection closed.
MOST_DRAINED = 64 * 1024 * 1024
BLOCK = 64 * 1024


def drain() -> None:
    """Throw away the rest of the body, so that the refusal arrives."""
    stream = request.environ["wsgi.input"]
    left = min(request.content_length or 0, MOST_DRAINED)
    while left > 0 and (block := stream.read(min(BLOCK, left))):
        left -= len(block)
