"""A run of a worker comes, stays and goes: a row in the database, and a file beside it that remembers the last run here.

Whoever comes looks whether the one before went as it should, and whether the database remembers it. Where it does not, a backup
was put back without `tracker restore`; what is overdue may have been told already, and is looked up before it is sent.
"""

import logging
import os
import platform
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from uuid import UUID
from zoneinfo import TZPATH

from tracker.edge.work import work
from tracker.jobs import step
from tracker.jobs.schedule import STALE_AFTER_SECONDS
from tracker.services import delivery
from tracker.store import worker as workers
from tracker.store.database import AnySession, db
from tracker.store.worker import Worker

FILE = "last-run"
SILENCE = timedelta(seconds=STALE_AFTER_SECONDS)
UNCLEAN = "The last worker did not end as it should; whether it was sent is being looked up."
FORGOTTEN = "The database does not remember the last worker here; whether it was sent is being looked up."
log = logging.getLogger("tracker.jobs")


@dataclass
class Attendance:
    """One run of a worker on this node. Nothing is delivered before it has come."""

    instance: Path
    node: str = step.NODE
    run_id: UUID | None = field(default=None, init=False)
    _under_way: Lock = field(default_factory=Lock, init=False)
    _gone: bool = field(default=False, init=False)

    @contextmanager
    def passing(self) -> Iterator[bool]:
        """A pass is under way: nobody says goodbye in the middle of it. False after the goodbye."""
        with self._under_way:
            yield not self._gone

    def come(self, *, can_look: bool = True) -> None:
        """Be noted, once; see to what the run before may have left.

        Without Slack nothing can be looked up, nor is anything told twice: that is for the first run that has it.
        """
        if self.run_id is not None:
            return
        step.plan_further(step.moment())
        db.session.close()
        with work():
            now = step.moment()
            reason = self._why_verify(db.session, now)
            run_id = workers.start(db.session, self.node, versions(), now).id
            doubted = delivery.verify_first(db.session, reason, now=now) if reason and can_look else 0
        if reason:
            log.warning("verify first", extra={"reason": reason, "notices": doubted})
        # After the row: a file that names a run which nobody knows would only have more looked up than need be.
        if can_look or reason is None:
            part = self.instance / f"{FILE}.part"
            part.write_text(f"{run_id}\n")
            part.replace(self.instance / FILE)
        self.run_id = run_id

    def beat(self) -> None:
        """Still there."""
        if self.run_id is not None:
            with work():
                workers.beat(db.session, self.run_id, step.moment())

    def go(self) -> None:
        """Say goodbye, so that the next one knows that nothing was left half done. In the middle of a pass it is not said."""
        if not self._under_way.acquire(blocking=False):
            log.warning("stopped in the middle of a pass")
            return
        try:
            self._gone = True
            if self.run_id is not None:
                with work():
                    workers.stop(db.session, self.run_id, step.moment())
                self.run_id = None
        finally:
            self._under_way.release()

    def _why_verify(self, session: AnySession, now: datetime) -> str | None:
        last = self._last()
        if last is not None and not workers.is_known(session, last):
            return FORGOTTEN
        if any(self._is_gone(run, now) for run in workers.unfinished(session, SILENCE)):
            return UNCLEAN
        return None

    def _last(self) -> UUID | None:
        try:
            return UUID((self.instance / FILE).read_text().strip())
        except (OSError, ValueError):
            return None

    def _is_gone(self, run: Worker, now: datetime) -> bool:
        """Whether a run that said no goodbye is over: it has not beaten for long, or its process is no more."""
        if now - run.beat_at > SILENCE:
            return True
        host, _, pid = run.node.rpartition(":")
        if host != socket.gethostname() or not pid.isdigit():
            return False
        return int(pid) == os.getpid() or not _is_running(int(pid))


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def versions() -> dict[str, str]:
    """What a run runs on, so that nodes that would compute different times can be told apart."""
    return {"tracker": version("engagement-tracker"), "python": platform.python_version(), "tzdata": tzdata_version()}


def tzdata_version() -> str:
    """The release of the zone rules in use: the system's go before the package's."""
    for folder in TZPATH:
        try:
            first = (Path(folder) / "tzdata.zi").read_text(encoding="ascii", errors="replace").partition("\n")[0]
        except OSError:
            if (Path(folder) / "UTC").exists():
                return "system, unnamed"
            continue
        return first.removeprefix("# version ").strip()
    return version("tzdata")
