"""Which misfortune befalls which request.

A seed and the number of a request decide, never the order in which threads happen to ask, so that a failing
storm can be run again. A test that needs one certain fault pushes it; a pushed fault goes before the schedule
and leaves the schedule of every other request as it was.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock


class FaultKind(StrEnum):
    """`accept_*`: Slack has the message, whatever the client is told. All others: Slack does not have it.

    The last four are things that people do while the request is on its way; what they change stays changed.
    """

    OK = "ok"
    RESET_BEFORE = "reset_before"
    HANG_BEFORE = "hang_before"
    ERROR_BEFORE = "error_before"
    HTML_BEFORE = "html_before"
    RATE_LIMITED = "rate_limited"
    INTERNAL_ERROR = "internal_error"
    API_ERROR = "api_error"
    ACCEPT_RESET = "accept_reset"
    ACCEPT_CLOSE = "accept_close"
    ACCEPT_HANG = "accept_hang"
    ACCEPT_LATE = "accept_late"
    ACCEPT_LATE_AFTER_HANGUP = "accept_late_after_hangup"
    ACCEPT_ERROR = "accept_error"
    ACCEPT_FATAL_ERROR = "accept_fatal_error"
    ACCEPT_TRUNCATED = "accept_truncated"
    ACCEPT_HTML = "accept_html"
    ACCEPT_DRIP = "accept_drip"
    CHANNEL_ARCHIVED = "channel_archived"
    TOKEN_REVOKED = "token_revoked"
    ACCEPT_ARCHIVED = "accept_archived"
    ACCEPT_DELETED = "accept_deleted"

    @property
    def accepts_at_once(self) -> bool:
        return self is FaultKind.OK or (self.value.startswith("accept_") and not self.accepts_late)

    @property
    def accepts_late(self) -> bool:
        return self in {FaultKind.ACCEPT_LATE, FaultKind.ACCEPT_LATE_AFTER_HANGUP}


# An API error needs a name to be of any use, and what people do has to be undone by people: these are only ever pushed.
EVENTS = (FaultKind.CHANNEL_ARCHIVED, FaultKind.TOKEN_REVOKED, FaultKind.ACCEPT_ARCHIVED, FaultKind.ACCEPT_DELETED)
SCHEDULED_KINDS = tuple(kind for kind in FaultKind if kind not in {FaultKind.OK, FaultKind.API_ERROR, *EVENTS})


@dataclass(frozen=True)
class Fault:
    """One misfortune. `delay` is seconds: of lateness, or between the pieces of a dripped answer."""

    kind: FaultKind
    status: int = 503
    delay: float = 0.2
    retry_after: int = 1
    error: str = "internal_error"


OK = Fault(FaultKind.OK)


@dataclass(frozen=True)
class FaultSchedule:
    """A share of all requests fails, chosen by seed and request number alone.

    `rate` is a share between 0 and 1, `rates` has those of methods that fail otherwise; `methods` limits the faults to these
    API methods (None: any). A 429 asks for between `retry_after` and `retry_after_most` seconds.
    """

    seed: int = 0
    rate: float = 0.0
    kinds: Sequence[FaultKind] = SCHEDULED_KINDS
    methods: Collection[str] | None = None
    delay: float = 0.2
    retry_after: int = 1
    retry_after_most: int = 0
    rates: Mapping[str, float] = field(default_factory=dict)

    def fault(self, number: int, method: str) -> Fault:
        if not self.kinds or (self.methods is not None and method not in self.methods):
            return OK
        # A hash rather than a generator: the same in every Python version, and free of any hidden state.
        digest = hashlib.sha256(f"{self.seed}:{number}".encode()).digest()
        if int.from_bytes(digest[:8]) >= self.rates.get(method, self.rate) * 2**64:
            return OK
        kind = self.kinds[int.from_bytes(digest[8:16]) % len(self.kinds)]
        status = (500, 503)[digest[16] % 2]
        span = max(0, self.retry_after_most - self.retry_after) + 1
        retry_after = self.retry_after + digest[17] % span
        return Fault(kind, status=status, delay=self.delay, retry_after=retry_after)


@dataclass
class _Pushed:
    fault: Fault
    method: str | None
    channel: str | None
    times: int

    def befalls(self, method: str, channel: str | None) -> bool:
        return self.method in {None, method} and self.channel in {None, channel}


class FaultPlan:
    """The schedule and the queue of pushed faults; safe to use from several threads."""

    def __init__(self, schedule: FaultSchedule) -> None:
        self._lock = Lock()
        self._schedule = schedule
        self._queue: list[_Pushed] = []
        self._number = 0

    def push(self, fault: Fault, *, method: str | None = None, channel: str | None = None, times: int = 1) -> None:
        """Let the next `times` requests that match fail this way; a fault of kind OK keeps the schedule away."""
        with self._lock:
            self._queue.append(_Pushed(fault, method, channel, times))

    def restart(self, schedule: FaultSchedule | None = None) -> None:
        """Count requests from one again, forget what was pushed, and perhaps follow another schedule."""
        with self._lock:
            self._schedule = schedule or self._schedule
            self._queue.clear()
            self._number = 0

    @property
    def schedule(self) -> FaultSchedule:
        return self._schedule

    @property
    def pushed(self) -> int:
        """How many pushed faults still wait for their request."""
        with self._lock:
            return sum(pushed.times for pushed in self._queue)

    def next_number(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def take(self, number: int, method: str, channel: str | None) -> Fault:
        with self._lock:
            for pushed in self._queue:
                if pushed.befalls(method, channel):
                    pushed.times -= 1
                    if pushed.times <= 0:
                        self._queue.remove(pushed)
                    return pushed.fault
            return self._schedule.fault(number, method)
