"""The metronome: APScheduler beats, and nothing else. The database says what is due, so any number of them may beat."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from tracker.jobs import channel_step, step
from tracker.jobs.attendance import Attendance
from tracker.jobs.schedule import JOBS
from tracker.jobs.step import Delivery
from tracker.settings import Settings

log = logging.getLogger("tracker.jobs")


@dataclass(frozen=True)
class Metronome:
    """What beats in the background, and the run it is."""

    app: Flask
    scheduler: BackgroundScheduler
    attendance: Attendance

    @property
    def running(self) -> bool:
        return bool(self.scheduler.running)

    def shutdown(self, *, wait: bool) -> None:
        """Stop beating. Goodbye is said where nothing is left half done: where nothing is under way, or it was waited for."""
        self.scheduler.shutdown(wait=wait)
        with self.app.app_context():
            try:
                self.attendance.go()
            except SQLAlchemyError:
                log.exception("no goodbye")


def start(app: Flask, worker: Delivery) -> Metronome:
    """Start beating in the background. In-memory jobs only: one that is missed is made up for by the next."""
    settings: Settings = app.config["SETTINGS"]
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(len(JOBS))},
        job_defaults={"max_instances": 1, "coalesce": True, "misfire_grace_time": None},
    )
    attendance = Attendance(settings.instance)
    channels = app.extensions["channels"]
    every = {
        **bodies(worker),
        step.DELIVER: lambda: _attend(attendance, worker),
        channel_step.CHANNELS: lambda: channel_step.check_and_beat(channels.look if channels else None),
    }
    for job in JOBS:
        beat = _guarded(app, job.name, every[job.name])
        scheduler.add_job(beat, "interval", seconds=settings.tick * job.ticks, id=job.name, jitter=settings.tick * job.ticks / 10)
    scheduler.start()
    return Metronome(app, scheduler, attendance)


def bodies(worker: Delivery) -> Mapping[str, Callable[[], None]]:
    """What each job does."""
    return {step.PLAN: step.plan_and_beat, step.DELIVER: lambda: step.deliver_and_beat(worker), step.CLEAN: step.clean}


def _attend(attendance: Attendance, worker: Delivery) -> None:
    """Deliver, but not before what the run before may have left is seen to."""
    with attendance.passing() as goes_on:
        if goes_on:
            attendance.come(can_look=worker.sender is not None)
            step.deliver_and_beat(worker)
            attendance.beat()


def _guarded(app: Flask, name: str, body: Callable[[], None]) -> Callable[[], None]:
    def beat() -> None:
        try:
            with app.app_context():
                body()
        except Exception:
            log.exception("job failed", extra={"job": name})

    return beat
