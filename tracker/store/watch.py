"""What is watched of delivery, for whoever looks after the installation: a fixed number of statements, along indexes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from tracker.domain.notice import NoticeState
from tracker.store import message_edit, pacing, setting
from tracker.store import worker as workers
from tracker.store.database import AnySession
from tracker.store.identity import first_id_at
from tracker.store.notice import DeliveryAttempt, table
from tracker.store.worker import Worker

# Outcomes are counted over so long, along the key of the delivery log, which is in order of time.
LATELY = timedelta(days=1)
OPEN = (NoticeState.PLANNED, NoticeState.READY, NoticeState.SENDING, NoticeState.UNKNOWN)


@dataclass(frozen=True)
class Figures:
    """Durations in seconds."""

    by_state: Mapping[str, int]
    oldest_overdue: float
    outcomes: Mapping[str, int]
    edits_waiting: int
    held: Mapping[str, float]
    job_silence: Mapping[str, float]
    running: list[Worker]
    now: datetime


def figures(session: AnySession, now: datetime) -> Figures:
    """Everything at once."""
    return Figures(
        by_state=_by_state(session),
        oldest_overdue=_oldest_overdue(session, now),
        outcomes=_outcomes(session, now - LATELY),
        edits_waiting=message_edit.waiting(session),
        held={road: (until - now).total_seconds() for road, until in pacing.breakers(session, now).items()},
        job_silence={job: (now - ran).total_seconds() for job, ran in setting.heartbeats(session).items()},
        running=workers.running(session, now - LATELY),
        now=now,
    )


def _by_state(session: AnySession) -> dict[str, int]:
    rows = session.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state))
    return dict.fromkeys(NoticeState, 0) | {row[0]: row[1] for row in rows}


def _oldest_overdue(session: AnySession, now: datetime) -> float:
    """For how long the notice that waits longest has been due; none is 0. What has no channel waits for somebody."""
    waiting = [
        sa.select(sa.func.min(table.c.due_at)).where(
            table.c.state == sa.bindparam(None, state, literal_execute=True),
            table.c.due_at <= now,
            table.c.useless_after > now,
            table.c.channel.is_not(None),
        )
        for state in OPEN
    ]
    oldest = [moment for (moment,) in session.execute(sa.union_all(*waiting)) if moment is not None]
    return max(0.0, (now - min(oldest)).total_seconds()) if oldest else 0.0


def _outcomes(session: AnySession, since: datetime) -> dict[str, int]:
    lately = sa.select(DeliveryAttempt.outcome, sa.func.count()).where(DeliveryAttempt.id >= first_id_at(since))
    return {row[0]: row[1] for row in session.execute(lately.group_by(DeliveryAttempt.outcome))}
