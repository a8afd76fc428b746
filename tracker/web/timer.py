"""The timer: shown on every page of the staff, started from the form for hours or a site, stopped, changed, discarded."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateTimeLocalField
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BudgetExceeded, BudgetKind, WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import NotFound, TrackerError
from tracker.domain.timer import LONG_RUN, BudgetEmpty, TimerRuns, must_ask, say_clock, say_run, seconds_between
from tracker.edge.gate import current_actor
from tracker.edge.refusal import Refusal
from tracker.edge.rule import allow
from tracker.services import timer as service
from tracker.services.timer import Started, StartOrder, Stopped, TimerChange
from tracker.store import site as sites
from tracker.store import timer as timers
from tracker.store.database import db
from tracker.store.timer import Running, Timer
from tracker.web.deadline import LOCAL_FORMATS
from tracker.web.form import DurationField, Form, blank_to_none, save
from tracker.web.freeze import MomentForm
from tracker.web.present import Shown, unplaced_row
from tracker.web.time_entry import LogForm, known_issues, say_booked
from tracker.web.time_entry import page_of as log_page

bp = Blueprint("timer", __name__)
STATED = ("kind", "activity", "known_issue_id", "ps_kind", "note")


def look() -> None:
    """Before a page of the staff is made, one statement. The gate has let its reader in by now."""
    actor: Actor | None = g.get("actor")
    g.timer = None
    if actor is not None and actor.is_staff:
        running = timers.running(db.session, actor)
        g.timer = _shown(running, actor, g.now) if running else None


def _shown(running: Running, actor: Actor, now: datetime) -> Shown:
    began = running.timer.started_at
    return Shown(
        url=url_for("timer.show"),
        clock=say_clock(seconds_between(began, now)),
        seconds=seconds_between(began, now),
        long_seconds=int(LONG_RUN.total_seconds()),
        site=running.site_name,
        engagement=running.engagement_name,
        asks=must_ask(began, now),
        run=say_run(began, now, actor.time_zone),
    )


@dataclass(frozen=True)
class Obstacle(Refusal):
    """Why no timer starts: its budget is empty, or one runs already, which may be stopped or has a question first."""

    stop: bool = False
    asks: bool = False

    @classmethod
    def of(cls, error: BudgetExceeded) -> Self:
        """An empty budget; the way on over another one names the work that it then is."""
        room = next((option for option in error.options if option.action == "split"), None)
        instead = f"Start it on {BudgetKind(room.kind).label}: {say_minutes(room.minutes)} left" if room else None
        return replace(super().of(error), split=instead)

    @classmethod
    def of_running(cls, error: TimerRuns) -> Self:
        return cls(error.message, 0, None, None, None, stop=not error.asks, asks=error.asks)


class StartForm(LogForm):
    """The form for hours as the start of a timer: what is said of day and time spent is kept and not asked for."""

    refusal_part = "timer/_refusal.html"

    def validate(self, extra_validators: Any = None) -> bool:
        """Neither day nor time spent matters yet."""
        super().validate(extra_validators)
        for field in (self.worked_on, self.duration):
            field.errors = []
        return not self.errors

    def order(self) -> StartOrder:
        """What was typed, as the use case reads it."""
        stated = {name: blank_to_none(self[name].data) for name in ("activity", "known_issue_id", "ps_kind")}
        return StartOrder(
            site_id=UUID(self.site_id.data),
            kind=WorkKind(self.kind.data),
            note=(self.note.data or "").strip(),
            split=self.may_split(),
            stop_running=self.wants_stop(),
            **stated,
        )

    def wants_stop(self) -> bool:
        """Whether a timer that runs is to be stopped first."""
        return "stop_running" in request.form

    def take(self, error: TrackerError) -> None:
        """What stands in the way is explained with its ways on."""
        super().take(error)
        if isinstance(error, BudgetEmpty):
            self.refusal = Obstacle.of(error)
        elif isinstance(error, TimerRuns):
            self.refusal = Obstacle.of_running(error)


class StopForm(Form):
    duration = DurationField("How long did you work?")
    split = BooleanField("Split it if it does not fit")


class EditForm(LogForm, MomentForm):
    """What a running timer says of the work, and when it began on its person's clock."""

    started_at = DateTimeLocalField("Began", [InputRequired("Say when it began.")], format=LOCAL_FORMATS)

    @classmethod
    def of_timer(cls, actor: Actor, timer: Timer) -> Self:
        """The form as the timer stands."""
        stated: dict[str, Any] = {name: getattr(timer, name) or "" for name in STATED}
        zone = ZoneInfo(actor.time_zone)
        began = timer.started_at.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
        form = cls.of(actor, site_id=str(timer.site_id), started_at=began, version=timer.version, **stated)
        for name in ("worked_on", "duration", "split"):
            del form[name]
        form.zone, form.shown = zone, began
        return form

    shown: datetime

    def change(self) -> TimerChange:
        """What was typed. The start only where it was moved: the field shows no seconds, and none are to be lost."""
        stated = {name: blank_to_none(self[name].data) for name in ("activity", "known_issue_id", "ps_kind")}
        values = stated | {"site_id": UUID(self.site_id.data), "kind": self.kind.data, "note": (self.note.data or "").strip()}
        moved = {} if self.started_at.data == self.shown else {"started_at": self.instant("started_at")}
        return TimerChange(values | moved, self.edited_version())


@bp.post("/timer/start")
@allow(Permission.LOG_TIME)
def start() -> ResponseReturnValue:
    """Start a timer with what stands in the form for hours, or on the page of a site."""
    actor, started = current_actor(), list[Started]()
    form = StartForm.of(actor)

    def follow(begun: Started) -> str:
        started.append(begun)
        return url_for("timer.show")

    answer = save(form, lambda: service.start(db.session, actor, form.order(), now=utc_now()), follow)
    if answer is None:
        return log_page(form), form.status
    for begun in started:
        if begun.stopped is not None:
            tell(begun.stopped)
        flash("The timer runs. It is shown on every page until you stop it.", "success")
    return answer


@bp.post("/timer/stop")
@allow(Permission.LOG_TIME)
def stop() -> ResponseReturnValue:
    """Stop the timer: its time is logged, or kept where it cannot be."""
    actor, form, ended = current_actor(), StopForm(), list[Stopped]()

    def follow(stopped: Stopped) -> str:
        ended.append(stopped)
        if stopped.unplaced is not None and not isinstance(stopped.refusal, NotFound):
            return url_for("unplaced.place", unplaced_id=stopped.unplaced.id)
        return url_for("time_entry.log")

    def use_case() -> Stopped:
        return service.stop(db.session, actor, form.duration.minutes, split=bool(form.split.data), now=utc_now())

    answer = save(form, use_case, follow)
    if answer is None:
        return page_of(stop_form=form), form.status
    for stopped in ended:
        tell(stopped)
    return answer


def tell(stopped: Stopped) -> None:
    """Say how a timer ended, and what should be looked at again."""
    if stopped.unplaced is not None:
        kept = f"{say_minutes(stopped.minutes)} could not be logged, and not a minute is lost: place it, or discard it."
        flash(f"{kept} {stopped.unplaced.refused}", "warning")
        return
    entry = stopped.booked[0].entry
    where = sites.names_of(db.session, {entry.site_id})[entry.site_id]
    flash(f"{say_booked(stopped.minutes, where, stopped.booked)} Submit it when it is right.", "success")
    for warning in {each.warning for each in stopped.booked if each.warning}:
        flash(warning, "warning")


@bp.route("/timer", methods=["GET", "POST"])
@allow(Permission.LOG_TIME)
def show() -> ResponseReturnValue:
    """The timer, with what it says of the work, which may be changed while it runs."""
    actor = current_actor()
    running = timers.running(db.session, actor)
    if running is None or running.site_name is None or request.method == "GET":
        return page_of()
    form = EditForm.of_timer(actor, running.timer)
    answer = save(
        form, lambda: service.edit(db.session, actor, form.change(), now=utc_now()), lambda _timer: url_for("timer.show")
    )
    if answer is None:
        return page_of(edit_form=form), form.status
    flash("Saved. The timer runs on.", "success")
    return answer


@bp.post("/timer/discard")
@allow(Permission.LOG_TIME)
def discard() -> ResponseReturnValue:
    """Throw away what the timer measured."""
    actor, form = current_actor(), StopForm()
    answer = save(form, lambda: service.discard(db.session, actor, now=utc_now()), lambda _none: url_for("time_entry.log"))
    if answer is None:
        return page_of(stop_form=form), form.status
    flash("Discarded. Nothing of it was logged.", "success")
    return answer


def page_of(*, edit_form: EditForm | None = None, stop_form: StopForm | None = None) -> str:
    """The page, also with what was refused on it."""
    actor, now = current_actor(), utc_now()
    running = timers.running(db.session, actor)
    if edit_form is None and running is not None and running.site_name is not None:
        edit_form = EditForm.of_timer(actor, running.timer)
    return render_template(
        "timer/timer.html",
        nav_current="time",
        running=_shown(running, actor, now) if running else None,
        stop_form=stop_form or StopForm(formdata=None),
        edit_form=edit_form if running else None,
        known_issues=known_issues(edit_form) if edit_form else [],
        unplaced=[unplaced_row(each) for each in timers.waiting(db.session, actor, person_id=actor.person_id)],
    )
