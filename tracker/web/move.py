"""Let another budget pay: what a move does to both balances, then the move; of one entry, or of several that were ticked."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, SelectField, StringField

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.budget import BUDGET_LABELS, BudgetExceeded, BudgetKind, WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import FieldError, Invalid, NotFound, TrackerError
from tracker.domain.move import NotMoved, Target
from tracker.edge.fault import STATUS
from tracker.edge.gate import current_actor
from tracker.edge.refusal import Refusal
from tracker.edge.rule import allow
from tracker.services import move_preview
from tracker.services import time_entry as service
from tracker.services.move_preview import Change, Preview
from tracker.services.time_entry import Booked
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.database import db
from tracker.store.time_entry import TimeEntry
from tracker.web.approval import MOST_AT_ONCE, say_entry, ticked_ids
from tracker.web.entry import ACTIVITY_LABELS, PS_LABELS
from tracker.web.entry_words import say_kind
from tracker.web.filters import say_day
from tracker.web.form import Form, blank_to_none, save
from tracker.web.present import Shown, choices, count_of

bp = Blueprint("move", __name__)


class MoveForm(Form):
    """What work is to count as instead. Looked at first, then confirmed."""

    kind = SelectField("Kind of work", choices={kind.value: kind.label for kind in WorkKind})
    activity = SelectField("Activity", choices=choices(ACTIVITY_LABELS, "None"), default="")
    known_issue_id = StringField("Known issue")
    ps_kind = SelectField("Kind of PS work", choices=choices(PS_LABELS, "None"), default="")
    split = BooleanField("Split it if it does not fit")

    def target(self) -> Target:
        """What was chosen. Raises Invalid for a kind that there is not."""
        if self.kind.data not in set(WorkKind):
            raise Invalid.at("kind", "Choose what it is instead.")
        said = (blank_to_none(each.data) for each in (self.activity, self.known_issue_id, self.ps_kind))
        return Target(WorkKind(self.kind.data), *said)

    def may_split(self) -> bool:
        """Whether it was ticked, or chosen after a refusal."""
        return bool(self.split.data) or request.values.get("option", "").startswith("split:")

    def take(self, error: TrackerError) -> None:
        """What stands in the way of one of several entries is no fault of a field."""
        if not isinstance(error, NotMoved):
            super().take(error)
            return
        self.status = STATUS[error.code]
        self.say(error.message)

    def ask(self, missing: Sequence[FieldError]) -> None:
        """Say at the fields what the move still has to know."""
        for fault in missing:
            field = self._fields.get(fault.field)
            if field is None:
                self.say(fault.message)
            elif fault.message not in field.errors:
                field.errors = [*field.errors, fault.message]


@bp.get("/time/<uuid:entry_id>/move")
@allow(Permission.LOG_TIME)
def look(entry_id: UUID) -> ResponseReturnValue:
    """Choose, and see what it does. The address holds what is looked at."""
    entry = entries.get(db.session, current_actor(), entry_id)
    asked = request.args if "kind" in request.args else None
    return _page([entry_id], _form(entry, asked), looks=asked is not None)


@bp.post("/time/<uuid:entry_id>/move")
@allow(Permission.LOG_TIME)
def move(entry_id: UUID) -> ResponseReturnValue:
    """Move one entry."""
    actor, form = current_actor(), _form(entries.get(db.session, current_actor(), entry_id), request.form)
    moved: list[Booked] = []

    def carry_out() -> list[Booked]:
        moved[:] = service.move(db.session, actor, entry_id, form.target(), split=form.may_split(), now=utc_now())
        return moved

    done = save(form, carry_out, lambda booked: url_for("entry.show", entry_id=booked[0].entry.id))
    if done is None:
        return _page([entry_id], form, looks=True), form.status
    if moved:
        parts = " and ".join(f"{say_minutes(each.entry.minutes)} as {say_kind(each.entry)}" for each in moved)
        flash(f"Moved: {parts}. The old entry and its reversal stay on record.", "success")
    return done


@bp.post("/time/move")
@allow(Permission.APPROVE_TIME)
def move_many() -> ResponseReturnValue:
    """Look at a move of several entries, or confirm it: all of them move, or none does."""
    actor, ids = current_actor(), ticked_ids()
    form = _form(None, request.form)
    if not ids or len(ids) > MOST_AT_ONCE:
        wrong = "Nothing was ticked." if not ids else f"At most {MOST_AT_ONCE} entries move at once."
        flash(f"{wrong} Tick the entries first, then choose what they are instead.", "error")
        return redirect(url_for("approval.index"), 303)
    if request.form.get("step") != "move":
        return _page(ids, form, looks=True)
    moved: list[Booked] = []

    def carry_out() -> list[Booked]:
        moved[:] = service.move_all(db.session, actor, ids, form.target(), split=form.may_split(), now=utc_now())
        return moved

    done = save(form, carry_out, lambda _booked: url_for("approval.index"))
    if done is None:
        return _page(ids, form, looks=True), form.status
    if moved:
        flash(f"Moved: {count_of(len(ids), 'entry', 'entries')}, now counted as {say_kind(moved[0].entry)}.", "success")
    return done


def _form(entry: TimeEntry | None, said: MultiDict[str, str] | None) -> MoveForm:
    """The form as it was sent; before that, with what the entry says of itself."""
    if said is not None:
        return MoveForm(formdata=said)
    assert entry is not None
    stated = {name: getattr(entry, name) or "" for name in ("activity", "known_issue_id", "ps_kind")}
    other = WorkKind.PS if entry.kind != WorkKind.PS else WorkKind.ALLOWANCE
    return MoveForm(formdata=None, data=stated | {"kind": other.value})


def _page(ids: Sequence[UUID], form: MoveForm, *, looks: bool) -> str:
    """The page: the form, and where something was chosen what it does. A fixed number of statements."""
    actor = current_actor()
    chosen = entries.of_ids(db.session, actor, ids)
    if len(chosen) != len(set(ids)):
        raise NotFound
    looked = _look(ids, form) if looks else None
    names = people.people_named(db.session, {entry.person_id for entry in chosen})
    places = sites.names_of(db.session, {entry.site_id for entry in chosen})
    cause = looked.refused.cause if looked and looked.refused else None
    over = cause if isinstance(cause, BudgetExceeded) else None
    refusal = Refusal.of(over) if over else None
    stuck = next((entry for entry in chosen if looked and looked.refused and entry.id == looked.refused.entry_id), None)
    single = chosen[0] if len(ids) == 1 else None
    if cause is not None:
        # The preview shows it, with the entry and the ways on.
        form.form_errors.clear()
    stuck_words = say_entry(stuck, names, places) if stuck and single is None else None
    if isinstance(cause, Invalid):
        form.ask([FieldError(each.field, ": ".join(filter(None, [stuck_words, each.message]))) for each in cause.errors])
    may_confirm = looked is not None and looked.refused is None and not form.errors
    return render_template(
        "time/move.html",
        nav_current="time",
        form=form,
        rows=[_row(entry, looked, names, places) for entry in chosen],
        total=sum(entry.minutes for entry in chosen),
        single_url=f"/time/{single.id}" if single else None,
        changes=_changes(looked, places) if looked else [],
        looked=looked is not None,
        may_confirm=may_confirm,
        refusal=refusal,
        refused=cause.message if cause and not isinstance(cause, BudgetExceeded | Invalid) else None,
        stuck=stuck_words,
        ps_url=refusal.ps_url(actor, stuck.engagement_id) if stuck and refusal else None,
        change_url=refusal.change_url(stuck.engagement_id, stuck.site_id, stuck.note) if stuck and refusal else None,
        becomes=WorkKind(form.kind.data).label if form.kind.data in set(WorkKind) else None,
        splits=form.may_split(),
    )


def _look(ids: Sequence[UUID], form: MoveForm) -> Preview | None:
    """What the move would do; what cannot be read or is still missing is said at its field."""
    try:
        target = form.target()
        looked = move_preview.preview(db.session, current_actor(), ids, target, split=form.may_split(), now=utc_now())
    except Invalid as error:
        form.ask(error.errors)
        return None
    form.ask(looked.missing)
    return looked


def _row(entry: TimeEntry, looked: Preview | None, names: dict[UUID, str], places: dict[UUID, str]) -> Shown:
    parts = looked.parts.get(entry.id, []) if looked else []
    return Shown(
        id=entry.id,
        url=f"/time/{entry.id}",
        person=names[entry.person_id],
        site_name=places[entry.site_id],
        worked_on=say_day(entry.worked_on),
        kind_label=WorkKind(entry.kind).label,
        minutes=entry.minutes,
        state=entry.state,
        parts=[f"{say_minutes(part.minutes)} on {BUDGET_LABELS[part.kind]}" for part in parts] if len(parts) > 1 else [],
    )


def _changes(looked: Preview, places: dict[UUID, str]) -> list[Shown]:
    """Each budget before and after, under the name of its site or engagement."""
    pools = {change.budget.engagement_id for change in looked.changes if change.budget.site_id is None}
    names = engagements.names_of(db.session, pools)
    return [_change(change, places, names) for change in looked.changes]


def _change(change: Change, places: dict[UUID, str], names: dict[UUID, str]) -> Shown:
    budget = change.budget
    return Shown(
        label=BUDGET_LABELS[BudgetKind(budget.kind)],
        name=places[budget.site_id] if budget.site_id else names[budget.engagement_id],
        before=change.before,
        after=change.after,
    )
