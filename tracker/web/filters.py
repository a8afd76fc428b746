"""What every template may use: how minutes and moments are written, who is signed in, and what they may do."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.duration import say_minutes
from tracker.jobs.schedule import STALE_AFTER_SECONDS, WATCHED
from tracker.store import setting
from tracker.store.database import db


def install(app: Flask) -> None:
    """Register filters and what stands in every template."""
    app.jinja_env.filters["minutes"] = say_minutes
    app.jinja_env.filters["sentence"] = sentence
    app.jinja_env.filters["state"] = state
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.context_processor(context)


def context() -> dict[str, Any]:
    """Who is signed in and what they may do."""
    actor: Actor | None = g.get("actor")
    return {
        "actor": actor,
        "may": lambda name: actor is not None and actor.may(Permission(name)),
        "delivery_warning": g.get("delivery_warning"),
        "looking_as": g.get("looking_as"),
        "freezes_on": g.get("freezes_on") or [],
        "timer": g.get("timer"),
        "request_id": None,
    }


def stale_jobs(now: datetime) -> dict[str, datetime | None]:
    """The watched jobs that have not run for a while, with when they last did."""
    beats = setting.heartbeats(db.session)
    return {
        job: beats.get(job) for job in WATCHED if job not in beats or (now - beats[job]).total_seconds() > STALE_AFTER_SECONDS
    }


def warn_of_silence() -> None:
    """Put the banner up for staff when reminders are not being looked after."""
    actor: Actor | None = g.get("actor")
    if actor is None or not actor.is_staff:
        return
    stale = stale_jobs(utc_now())
    if stale:
        last = max((moment for moment in stale.values() if moment), default=None)
        since = f"since {say_moment(last, actor.time_zone)}" if last else "yet"
        g.delivery_warning = f"Reminders are not being sent: no worker has run {since}."


def say_day(day: date) -> str:
    """A day with its weekday, such as Fri 20 Nov 2026."""
    return f"{day:%a %-d %b %Y}"


def say_short_day(day: date) -> str:
    """A day near by, such as Fri 28 Nov."""
    return f"{day:%a %-d %b}"


def say_moment(moment: datetime, time_zone: str) -> str:
    """A moment as its reader's clock shows it, such as Fri 20 Nov 2026, 16:00."""
    return f"{moment.astimezone(ZoneInfo(time_zone)):%a %-d %b %Y, %H:%M}"


def say_distance(day: date, today: date) -> str:
    """How far off a day is, in words."""
    days = (day - today).days
    if days in (-1, 0, 1):
        return {-1: "yesterday", 0: "today", 1: "tomorrow"}[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def sentence(line: str) -> str:
    """A line of the catalogue with its first letter large, unless it begins with a name such as wp-config.php."""
    first = line.split(maxsplit=1)[0].rstrip(",;:") if line.strip() else ""
    return line[:1].upper() + line[1:] if first.replace("-", "").isalpha() else line


@lru_cache(maxsize=256)
def state(name: str) -> str:
    """Where something stands, as a badge says it, such as Ready for UAT."""
    words = " ".join({"uat": "UAT", "dns": "DNS"}.get(word, word) for word in str(name).replace("_", " ").split())
    return words[:1].upper() + words[1:]
