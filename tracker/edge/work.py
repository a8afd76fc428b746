"""Open the unit of work of a request, a command or a job step: the moment, the session and the request key in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

from tracker.clock import utc_now
from tracker.store.database import db
from tracker.store.transaction import RequestKey, Unit, transaction


@contextmanager
def work(request_key: RequestKey | None = None, *, patience: int | None = None) -> Iterator[Unit]:
    """One `transaction()` on the session at hand, begun now; `patience` in milliseconds where the answer cannot wait."""
    with transaction(db.session, now=utc_now(), request_key=request_key, patience=patience) as unit:
        yield unit
