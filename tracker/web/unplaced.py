"""Unplaced time: a page for each piece of it, on which its person or a manager logs it or lets it go."""

from typing import Self
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import DRAWS_ON, BudgetExceeded, BudgetKind, WorkKind, rooms_for, ways_on
from tracker.domain.duration import say_minutes
from tracker.domain.errors import NotAllowed
from tracker.edge.gate import current_actor
from tracker.edge.refusal import Refusal
from tracker.edge.rule import allow
from tracker.services import unplaced as service
from tracker.services.booking import Booked
from tracker.store import timer as timers
from tracker.store.database import db
from tracker.store.timer import UnplacedTime, Waiting
from tracker.web.filters import say_moment
from tracker.web.form import Form, save
from tracker.web.present import Shown, unplaced_row
from tracker.web.time_entry import LogForm, change_url, known_issues, ps_url

bp = Blueprint("unplaced", __name__)
STATED = ("kind", "activity", "known_issue_id", "ps_kind", "note")


class PlaceForm(LogForm):
    """The form for hours, filled in with what the timer said."""

    @classmethod
    def of_time(cls, actor: Actor, kept: UnplacedTime) -> Self:
        """The form as the time was kept; its site is one of the same engagement."""
        stated = {name: getattr(kept, name) or "" for name in STATED} | {"worked_on": kept.worked_on}
        said = {"site_id": str(kept.site_id), "duration": say_minutes(kept.minutes)} | stated
        return cls.of(actor, engagement_id=kept.engagement_id, **said)


class DiscardForm(Form):
    reason = TextAreaField("Reason", [InputRequired("Say why: the time was worked, and nobody will be paid for it.")])


@bp.route("/unplaced-time/<uuid:unplaced_id>", methods=["GET", "POST"])
@allow(Permission.LOG_TIME)
def place(unplaced_id: UUID) -> ResponseReturnValue:
    """Log it as it is, or said otherwise."""
    actor, kept = current_actor(), _kept(unplaced_id)
    form, booked = PlaceForm.of_time(actor, kept.time), list[Booked]()

    def use_case() -> list[Booked]:
        work = form.work()
        values = {name: getattr(work, name) for name in service.PLACEABLE}
        return service.place(db.session, actor, unplaced_id, values, split=form.may_split(), now=utc_now())

    def follow(made: list[Booked]) -> str:
        booked.extend(made)
        return _home(actor, kept.time)

    answer = save(form, use_case, follow)
    if answer is None:
        return _page(kept, form), form.status
    if booked:
        form.booked = booked
        flash(form.understood(), "success")
    return answer


@bp.post("/unplaced-time/<uuid:unplaced_id>/discard")
@allow(Permission.LOG_TIME)
def discard(unplaced_id: UUID) -> ResponseReturnValue:
    """Let it go, with a reason."""
    actor, kept, form = current_actor(), _kept(unplaced_id), DiscardForm()
    answer = save(
        form,
        lambda: service.discard(db.session, actor, unplaced_id, form.reason.data or "", now=utc_now()),
        lambda _time: _home(actor, kept.time),
    )
    if answer is None:
        return _page(kept, None, form), form.status
    flash("Discarded. The reason stays on record.", "success")
    return answer


def _kept(unplaced_id: UUID) -> Waiting:
    """Raises NotFound, and NotAllowed for somebody else's."""
    actor = current_actor()
    found = timers.one_unplaced(db.session, actor, unplaced_id)
    if found.time.person_id != actor.person_id and not actor.may(Permission.APPROVE_TIME):
        raise NotAllowed("That time is somebody else's.")
    return found


def _home(actor: Actor, kept: UnplacedTime) -> str:
    """Back to one's own hours, or to the engagement of whoever worked it."""
    if kept.person_id == actor.person_id:
        return url_for("time_entry.log")
    return url_for("engagement.show", engagement_id=kept.engagement_id)


def _page(kept: Waiting, form: PlaceForm | None, discard_form: DiscardForm | None = None) -> str:
    actor = current_actor()
    form = form or PlaceForm.of_time(actor, kept.time)
    if not form.is_submitted() or discard_form is not None:
        form.refusal = _still_refused(form, kept.time)
    return render_template(
        "timer/place.html",
        nav_current="time",
        time=_shown(kept, actor),
        settled=_say_settled(kept.time),
        form=form,
        discard_form=discard_form or DiscardForm(formdata=None),
        refusal=form.refusal,
        ps_url=ps_url(form),
        change_url=change_url(form),
        known_issues=known_issues(form),
    )


def _still_refused(form: PlaceForm, kept: UnplacedTime) -> Refusal | None:
    """Where the time does not fit as it is, the ways on, before anybody presses a button."""
    kind = DRAWS_ON[WorkKind(kept.kind)]
    left = {BudgetKind(budget.kind): budget.balance.left for budget in form.payers.get(kept.site_id, [])}
    if kind is None or left.get(kind, kept.minutes) >= kept.minutes:
        return None
    rooms = rooms_for(kind, left)
    return Refusal.of(BudgetExceeded(kind, left[kind], ways_on(kept.minutes, rooms)))


def _shown(kept: Waiting, actor: Actor) -> Shown:
    shown = unplaced_row(kept)
    shown.began = say_moment(kept.time.started_at, actor.time_zone)
    shown.ended = say_moment(kept.time.stopped_at, actor.time_zone)
    return shown


def _say_settled(kept: UnplacedTime) -> str | None:
    if kept.settled_at is None:
        return None
    return "This time is logged." if kept.placed_id else f"This time was discarded: {kept.discard_reason}"
