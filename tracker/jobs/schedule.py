"""Every job, one line each: its name, how often it runs, and when its silence is worth a word."""

from dataclasses import dataclass

from tracker.jobs.channel_step import CHANNELS
from tracker.jobs.step import CLEAN, DELIVER, PLAN

STALE_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Job:
    """A job and its interval in ticks."""

    name: str
    ticks: int


JOBS = (Job(PLAN, 1), Job(DELIVER, 1), Job(CLEAN, 720), Job(CHANNELS, 60))
WATCHED = (PLAN, DELIVER)
