"""Brings messages up to date in place: takes an edit, says what is so now, writes down what came of it.

As with posts the network is used between two steps. An edit may be repeated freely, so that what is in doubt is done again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tracker.domain.notice import Outcome, Pause, Post, Refuse, Sent, Unthread, Wait
from tracker.services.delivery import MAX_FAILURES, Render, Timing
from tracker.services.saying import say_now
from tracker.store import message_edit, pacing
from tracker.store.database import AnySession

LONGEST_PAUSE = timedelta(minutes=15)


@dataclass(frozen=True)
class Editing:
    """A message under one's own lease, with what it is to say."""

    post: Post
    slack_ts: str
    wanted: int
    lease_until: datetime
    attempts: int


def claim(session: AnySession, render: Render, timing: Timing, *, now: datetime) -> Editing | None:
    """Take one edit and say what is so now. Raises SlotTaken."""
    message_edit.drop_unsent(session, now)
    taken = message_edit.claim(session, now, timing.lease, timing.pace)
    if taken is None:
        return None
    notice = taken.notice
    assert notice.channel is not None
    assert notice.slack_ts is not None
    body = say_now(session, notice, render, edition=taken.wanted + 1, now=now)
    post = Post(notice.id, notice.channel, body["text"], body["blocks"])
    return Editing(post, notice.slack_ts, taken.wanted, taken.lease_until, taken.attempts)


def settle(session: AnySession, editing: Editing, outcome: Outcome, timing: Timing, chance: Random, *, now: datetime) -> None:
    """Write down what came of an edit. One that cannot be made any more is done, and says why; nothing is posted instead."""
    if isinstance(outcome, Sent):
        values: dict[str, Any] = {"done": editing.wanted, "last_error": None, "attempts": 0}
    elif isinstance(outcome, Refuse | Unthread) or (editing.attempts >= MAX_FAILURES and not isinstance(outcome, Wait | Pause)):
        values = {"done": editing.wanted, "last_error": outcome.error, "attempts": 0}
    elif isinstance(outcome, Wait):
        later = timedelta(seconds=outcome.seconds * (1 + chance.random() / 4))
        values = {"next_at": now + later, "last_error": outcome.error, "attempts": editing.attempts - 1}
        if outcome.hold_channel:
            pacing.hold(session, pacing.EDITS, now + timedelta(seconds=outcome.seconds), outcome.error)
    elif isinstance(outcome, Pause):
        values = {"next_at": now, "last_error": outcome.error, "attempts": editing.attempts - 1}
        pacing.hold(session, pacing.WORKSPACE, now + timing.breaker, outcome.error)
    else:
        pause = min(LONGEST_PAUSE, timedelta(seconds=5 * 2**editing.attempts))
        values = {"next_at": now + pause, "last_error": outcome.error}
    message_edit.settle(session, editing.post.notice_id, editing.lease_until, **values)
