"""A Slack without sockets, on a clock that somebody else moves: for what has to happen in one certain order."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from tracker.clock import utc_now
from tracker.domain.notice import Doubt, Outcome, Post, Sent, Wait

NOTHING = timedelta()


class Fate(StrEnum):
    """What becomes of one message, and what its sender is told of it."""

    TAKEN = "taken"
    TAKEN_UNSAID = "taken, and the answer is lost"
    TAKEN_LATE = "taken after the sender has given up"
    LOST = "lost on the way there"
    TOLD_TO_WAIT = "refused for now"


@dataclass
class Message:
    """What this Slack holds, from a moment on."""

    notice_id: UUID
    channel: str
    at: datetime
    ts: str


@dataclass
class Wire:
    """The sender of a simulated worker, and the Slack at its other end; `fate` decides over each message.

    `late` is how long after its sender gave up a message may be taken, `lag` how long the history does not show it.
    `meanwhile` is called before Slack decides and after it did: there others may act, time may pass, the sender may die.
    """

    fate: Callable[[Post], Fate]
    late: timedelta = NOTHING
    lag: timedelta = NOTHING
    readable: Callable[[], bool] = lambda: True
    meanwhile: Callable[[], None] = lambda: None
    messages: list[Message] = field(default_factory=list)
    requests: int = 0

    def send(self, post: Post) -> Outcome:
        """Put one message before this Slack."""
        self.requests += 1
        self.meanwhile()
        fate = self.fate(post)
        if fate is Fate.TOLD_TO_WAIT:
            return Wait(1, "ratelimited")
        if fate is not Fate.LOST:
            self._take(post, utc_now() + (self.late if fate is Fate.TAKEN_LATE else NOTHING))
        ts = self.messages[-1].ts if self.messages else ""
        self.meanwhile()
        return Sent(ts) if fate is Fate.TAKEN else Doubt(f"the wire: {fate}")

    def _take(self, post: Post, at: datetime) -> None:
        self.messages.append(Message(post.notice_id, post.channel, at, f"{at.timestamp():.0f}.{len(self.messages):06}"))

    def find(
        self,
        channel: str,
        notice_ids: Iterable[UUID],
        oldest: datetime,
        *,
        threads: Collection[str] = (),  # noqa: ARG002 -- here all stands in the channel
        history: bool = True,  # noqa: ARG002 -- here all stands in the channel
    ) -> Mapping[UUID, str] | None:
        """What the history of a channel shows by now."""
        self.meanwhile()
        if not self.readable():
            return None
        wanted, horizon = set(notice_ids), utc_now() - self.lag
        shown = [
            each for each in self.messages if each.channel == channel and oldest - timedelta(minutes=5) <= each.at <= horizon
        ]
        return {each.notice_id: each.ts for each in shown if each.notice_id in wanted}

    def update(self, post: Post, slack_ts: str) -> Outcome:  # noqa: ARG002 -- nobody reads the words
        """Edit a message, which is always there."""
        return Sent(slack_ts)

    def told(self, notice_id: UUID) -> int:
        """How often this Slack has a notice, or will have it."""
        return sum(each.notice_id == notice_id for each in self.messages)
