"""One time entry's page: everything about it, what belongs to it, and what may still be done; a draft is changed here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Optional

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BUDGET_LABELS, BudgetExceeded, WorkKind
from tracker.domain.duration import EXAMPLES, say_minutes
from tracker.domain.errors import NotAllowed, TrackerError
from tracker.domain.time_entry import PS_KINDS, check_may_take_back, check_own, say_long_day
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import time_entry as service
from tracker.services.time_entry import DraftChange
from tracker.store import audit, entry_family
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.audit import AuditEntry
from tracker.store.budget import Draw, PsBlock
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.time_entry import TimeEntry
from tracker.web.entry_words import say_relation
from tracker.web.filters import say_day, say_moment
from tracker.web.form import DurationField, Form, blank_to_none, save, show_typed_minutes
from tracker.web.present import Shown, choices

bp = Blueprint("entry", __name__)
ACTIVITY_LABELS = {"research": "Research", "known_solution": "Known solution"}
PS_LABELS = {kind: kind.replace("-", " ").capitalize() for kind in PS_KINDS}
STEPS = {
    "time_entry.booked": "Logged",
    "time_entry.mended": "Changed",
    "time_entry.submitted": "Submitted",
    "time_entry.approved": "Approved",
    "time_entry.rejected": "Rejected",
    "time_entry.reversed": "Reversed",
}
FIELD_LABELS = {
    "worked_on": "day",
    "minutes": "time",
    "activity": "activity",
    "known_issue_id": "known issue",
    "ps_kind": "kind of PS work",
    "note": "note",
}


class MendForm(Form):
    """A draft as it is changed. Its site and its kind stay: another budget is a move."""

    worked_on = DateField(  # type: ignore[call-arg]  # newer than its stubs
        "Day", [InputRequired("Say on which day.")], invalid_value_message="Write the day as 2026-11-20."
    )
    duration = DurationField("Time spent", [InputRequired(f"Write how long it took. {EXAMPLES}")])
    activity = SelectField("Activity", choices=choices(ACTIVITY_LABELS, "None"))
    known_issue_id = StringField("Known issue")
    ps_kind = SelectField("Kind of PS work", choices=choices(PS_LABELS, "None"))
    note = TextAreaField("Note", [Optional()])

    @classmethod
    def of(cls, entry: TimeEntry, **over: Any) -> "MendForm":
        """The form with what stands there."""
        stated = {name: getattr(entry, name) for name in ("version", "worked_on", "known_issue_id", "note")}
        stated |= {"duration": show_typed_minutes(entry.minutes)}
        return cls(data=stated | {"activity": entry.activity or "", "ps_kind": entry.ps_kind or ""}, **over)

    def change(self) -> DraftChange:
        """What was typed, as the use case takes it."""
        values = {
            "worked_on": self.worked_on.data,
            "minutes": self.duration.minutes,
            "activity": blank_to_none(self.activity.data),
            "known_issue_id": blank_to_none(self.known_issue_id.data),
            "ps_kind": blank_to_none(self.ps_kind.data),
            "note": (self.note.data or "").strip(),
        }
        return DraftChange(values, self.edited_version())

    def take(self, error: TrackerError) -> None:
        """What does not fit is said at the time; the rest as everywhere."""
        super().take(error)
        if isinstance(error, BudgetExceeded):
            self.form_errors.clear()
            ways = "; ".join(option.label for option in error.options)
            self.duration.errors = [*self.duration.errors, f"{error.message} {ways}, or write less."]


@bp.get("/time/<uuid:entry_id>")
@allow(Permission.SEE_INTERNAL)
def show(entry_id: UUID) -> ResponseReturnValue:
    """The whole of one entry. A fixed number of statements."""
    return page_of(entry_id)


@bp.post("/time/<uuid:entry_id>")
@allow(Permission.LOG_TIME)
def mend(entry_id: UUID) -> ResponseReturnValue:
    """Change a draft."""
    actor = current_actor()
    form = MendForm.of(entries.get(db.session, actor, entry_id))
    done = save(
        form,
        lambda: service.mend(db.session, actor, entry_id, form.change(), now=utc_now()),
        lambda _booked: url_for("entry.show", entry_id=entry_id),
    )
    if done is None:
        return page_of(entry_id, form), form.status
    flash("Saved.", "success")
    return done


@dataclass(frozen=True)
class _Around:
    """What is read around one entry."""

    entry: TimeEntry
    engagement: Engagement
    family: Sequence[TimeEntry]
    actor: Actor


def page_of(entry_id: UUID, form: MendForm | None = None) -> str:
    """The page, also with what was refused on it."""
    actor = current_actor()
    entry = entries.get(db.session, actor, entry_id)
    engagement = engagements.get(db.session, actor, entry.engagement_id)
    read = _Around(entry, engagement, entry_family.family(db.session, entry), actor)
    drawn = budgets.drawn_by(db.session, [entry.id])[entry.id]
    blocks = {block.id: block for block in budgets.blocks_of(db.session, engagement.id)}
    named = {entry.person_id, *(each.decided_by for each in read.family if each.decided_by)}
    names = people.people_named(db.session, named)
    may = _may(read)
    trail = audit.of_subject(db.session, engagement.id, entry.id)
    days = entries.day_minutes(db.session, [entry])
    return render_template(
        "time/entry.html",
        nav_current="time",
        entry=_head(read, names, sites.names_of(db.session, {entry.site_id})),
        warning=say_long_day(entry.worked_on, days.get((entry.person_id, entry.worked_on), 0)),
        draws=[_draw(draw, blocks, entry.state) for draw in drawn if draw.minutes],
        family=[_relative(each, read) for each in read.family] if len(read.family) > 1 else [],
        steps=[_step(step, actor) for step in trail] or [_first_step(read, names)],
        form=(form or MendForm.of(entry, formdata=None)) if may["mend"] else None,
        refused=form if form is not None and not may["mend"] else None,
        locked_through=_closed_through(read),
        may_do=may,
    )


def _closed_through(read: _Around) -> str | None:
    """Up to which day the hours are closed, where the entry lies before it."""
    through = read.engagement.hours_locked_through
    return say_day(through) if through is not None and read.entry.worked_on <= through else None


def _may(read: _Around) -> dict[str, bool]:
    """What may be done with the entry now; the use cases decide again."""
    entry, actor = read.entry, read.actor
    is_open = _closed_through(read) is None
    decides = actor.may(Permission.APPROVE_TIME) and entry.state == "submitted" and is_open
    own = is_open and actor.may(Permission.LOG_TIME) and _allowed(lambda: check_own(actor, entry.person_id))
    takes_back = (
        is_open
        and entry.state in ("draft", "submitted", "approved")
        and _allowed(lambda: check_may_take_back(actor, entry.person_id, entry.state))
    )
    return {
        "mend": own and entry.state == "draft",
        "submit": own and entry.state == "draft",
        "decide": decides,
        "reverse": takes_back,
        "move": takes_back,
    }


def _allowed(check: Any) -> bool:
    try:
        check()
    except NotAllowed:
        return False
    return True


def _head(read: _Around, names: Mapping[UUID, str], places: Mapping[UUID, str]) -> Shown:
    entry = read.entry
    return Shown(
        id=entry.id,
        minutes=entry.minutes,
        site_name=places[entry.site_id],
        site_url=f"/sites/{entry.site_id}",
        engagement_name=read.engagement.name,
        engagement_url=f"/engagements/{read.engagement.id}",
        person=names[entry.person_id],
        worked_on=say_day(entry.worked_on),
        typed_at=say_moment(entry.created_at, read.actor.time_zone),
        kind_label=WorkKind(entry.kind).label,
        activity=ACTIVITY_LABELS.get(entry.activity or ""),
        known_issue_id=entry.known_issue_id,
        ps_kind=PS_LABELS.get(entry.ps_kind or ""),
        note=entry.note,
        state=entry.state,
        reason=entry.decision_reason,
        relation=say_relation(entry, read.family),
    )


def _draw(draw: Draw, blocks: Mapping[UUID, PsBlock], state: str) -> Shown:
    """What a budget, or a block of it, pays; what was reversed has been given back since."""
    block = blocks.get(draw.block_id) if draw.block_id else None
    return Shown(
        label=BUDGET_LABELS[draw.kind],
        block=(block.reference or "without reference") if block else None,
        minutes=draw.minutes,
        state="given back" if state in ("reversed", "reversal") else "used" if draw.approved else "held",
    )


def _relative(each: TimeEntry, read: _Around) -> Shown:
    return Shown(
        url=f"/time/{each.id}" if each.id != read.entry.id else None,
        kind_label=WorkKind(each.kind).label,
        relation=say_relation(each, read.family),
        minutes=each.minutes,
        state=each.state,
    )


def _step(step: AuditEntry, actor: Actor) -> Shown:
    """One thing that was done to the entry: by whom, when, and why or what changed."""
    payload = step.payload or {}
    said = payload.get("reason") or _changes(payload)
    return Shown(
        label=STEPS.get(step.action, step.action), who=step.actor_name, at=say_moment(step.at, actor.time_zone), said=said
    )


def _changes(payload: Mapping[str, Any]) -> str | None:
    """What a draft was and became, field by field."""
    before, after = payload.get("before"), payload.get("after")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return None
    return "; ".join(f"{FIELD_LABELS[name]}: {_say(name, before[name])} → {_say(name, after[name])}" for name in after)


def _say(name: str, value: Any) -> str:
    return say_minutes(value) if name == "minutes" else str(value or "none")


def _first_step(read: _Around, names: Mapping[UUID, str]) -> Shown:
    """A reversal has no steps of its own: it is there because somebody took another entry back."""
    entry = read.entry
    who = names.get(entry.decided_by or entry.person_id, "somebody")
    return Shown(label="Made by a reversal", who=who, at=say_moment(entry.created_at, read.actor.time_zone), said=entry.note)
