"""Hours to approve: by person and week, what a yes does to the budgets, and one bar that decides on all that is ticked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from wtforms import StringField

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid
from tracker.domain.time_entry import say_long_day
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import time_entry as service
from tracker.services.time_entry import Decided
from tracker.store import approval as approvals
from tracker.store import budget as budgets
from tracker.store import person as people
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store.approval import WaitingEntry, monday_of
from tracker.store.budget import Budget, Draw
from tracker.store.database import db
from tracker.store.time_entry import TimeEntry
from tracker.web.approval_filter import Asked
from tracker.web.filters import say_day, say_moment, say_short_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, count_of

bp = Blueprint("approval", __name__)
MOST_AT_ONCE = 200
MOVABLE_TO = {kind.value: kind.label for kind in WorkKind}


class BulkForm(Form):
    """What is done with the entries that are ticked."""

    reason = StringField("Reason")

    def ids(self) -> list[UUID]:
        """What is ticked. Raises Invalid where that is nothing, or more than is decided on at once."""
        ticked = ticked_ids()
        if not ticked:
            raise Invalid.at("ids", "Nothing is ticked. Tick the entries first.")
        if len(ticked) > MOST_AT_ONCE:
            raise Invalid.at("ids", f"At most {MOST_AT_ONCE} entries are decided on at once. Narrow the list.")
        return ticked

    def decide(self, actor: Actor) -> Decided:
        """Approve or reject, as the button said that was pressed."""
        ids = self.ids()
        if request.form.get("step") == "approve":
            return service.approve_all(db.session, actor, ids, now=utc_now())
        reason = self.reason.data or ""
        if not reason.strip():
            raise Invalid.at("reason", "Say why, so that it can be logged right.")
        return service.reject_all(db.session, actor, ids, reason, now=utc_now())


def ticked_ids() -> list[UUID]:
    """The ids that a form carries, each once; what is no id was not ticked by anybody."""
    found: dict[UUID, None] = {}
    for text in request.form.getlist("ids"):
        try:
            found[UUID(text)] = None
        except ValueError:
            continue
    return list(found)


@bp.get("/time/approvals")
@allow(Permission.APPROVE_TIME)
def index() -> ResponseReturnValue:
    """Everything that waits. A fixed number of statements."""
    return page_of(BulkForm(formdata=None))


@bp.post("/time/approvals")
@allow(Permission.APPROVE_TIME)
def decide() -> ResponseReturnValue:
    """Approve or reject what is ticked: what can be done is done, the rest is told one by one."""
    actor, form = current_actor(), BulkForm()
    made: list[Decided] = []

    def carry_out() -> Decided:
        made.append(form.decide(actor))
        return made[-1]

    answer = save(form, carry_out, lambda _done: Asked.read().url())
    if answer is None:
        return page_of(form), form.status
    for decided in made:
        _tell(decided, request.form.get("step") == "approve")
        if decided.refused:
            # Shown at once instead of after a redirect: what was refused is as long as the list was.
            return page_of(BulkForm(formdata=None), refused=_refused(actor, decided)), 200 if decided.done else 409
    return answer


def _tell(decided: Decided, approved: bool) -> None:
    if decided.done:
        minutes = say_minutes(sum(entry.minutes for entry in decided.done))
        said = "Approved" if approved else "Rejected"
        rest = "." if approved else ". Their hours are free again, and whoever logged them sees the reason."
        flash(f"{said}: {count_of(len(decided.done), 'entry', 'entries')}, {minutes}{rest}", "success")


def _refused(actor: Actor, decided: Decided) -> list[Shown]:
    """What was refused, each with its reason, under the name of whoever logged it."""
    known = {entry.id: entry for entry in entries.of_ids(db.session, actor, list(decided.refused))}
    names = people.people_named(db.session, {entry.person_id for entry in known.values()})
    places = sites.names_of(db.session, {entry.site_id for entry in known.values()})
    return [
        Shown(about=say_entry(known.get(entry_id), names, places), message=error.message)
        for entry_id, error in decided.refused.items()
    ]


def say_entry(entry: TimeEntry | None, names: Mapping[UUID, str], places: Mapping[UUID, str]) -> str:
    """One entry in a line, such as 1 h 30 of Mei on shop, Mon 2 Mar."""
    if entry is None:
        return "An entry that is not there"
    worked = say_short_day(entry.worked_on)
    return f"{say_minutes(entry.minutes)} of {names[entry.person_id]} on {places[entry.site_id]}, {worked}"


@dataclass(frozen=True)
class _Around:
    """What is read once for all entries of the page."""

    actor: Actor
    drawn: Mapping[UUID, list[Draw]]
    kept: Mapping[UUID, Budget]
    days: Mapping[tuple[UUID, date], int]
    ticked: set[UUID]


def page_of(form: BulkForm, refused: Sequence[Shown] = ()) -> str:
    """The list, narrowed as the address says, and what approving all of it would do to the budgets."""
    actor, asked = current_actor(), Asked.read()
    around, open_weeks = approvals.around(db.session, actor), approvals.open_weeks(db.session, actor)
    found = approvals.waiting(db.session, actor, asked.narrowed, open_weeks, limit=MOST_AT_ONCE)
    count, minutes = approvals.count(db.session, actor, asked.narrowed, open_weeks)
    rows = [each.entry for each in found]
    ticked = {row.id for row in rows} if request.args.get("ticked") == "all" else set(ticked_ids())
    read = _Around(
        actor=actor,
        drawn=budgets.drawn_by(db.session, [row.id for row in rows]),
        kept=_budgets_of(rows),
        days=entries.day_minutes(db.session, rows),
        ticked=ticked,
    )
    return render_template(
        "time/approvals.html",
        nav_current="time",
        form=form,
        refused=refused,
        filter_form=asked.form(around),
        chips=list(asked.chips(around)),
        groups=[_group(list(each), read, open_weeks) for _key, each in groupby(found, key=_week_of)],
        changes=_changes(found, read),
        count=count,
        minutes=minutes,
        hidden_count=max(0, count - len(found)),
        is_empty=not around,
        all_url=asked.url(narrowed=approvals.Narrowed()),
        here=asked.url(),
        tick_url=asked.url(ticked="all"),
        movable_to=MOVABLE_TO,
    )


def _week_of(each: WaitingEntry) -> tuple[UUID, date]:
    return each.entry.person_id, monday_of(each.entry.worked_on)


def _budgets_of(rows: Iterable[TimeEntry]) -> dict[UUID, Budget]:
    paying = budgets.of_sites(db.session, {(row.engagement_id, row.site_id) for row in rows})
    return {budget.id: budget for each in paying.values() for budget in each}


def _group(found: Sequence[WaitingEntry], read: _Around, open_weeks: Mapping[approvals.Week, int]) -> Shown:
    """One week of one person."""
    person_id, monday = _week_of(found[0])
    drafts = open_weeks.get((person_id, monday), 0)
    return Shown(
        person=found[0].person,
        week=f"week of {say_day(monday)}",
        note=f"{count_of(len(found), 'entry', 'entries')}, {say_minutes(sum(each.entry.minutes for each in found))}",
        drafts=f"{count_of(drafts, 'draft')} still open" if drafts else None,
        rows=[_row(each, read) for each in found],
    )


def _row(each: WaitingEntry, read: _Around) -> Shown:
    entry = each.entry
    taken = _by_budget(read.drawn[entry.id])
    return Shown(
        id=entry.id,
        url=f"/time/{entry.id}",
        about=f"{say_minutes(entry.minutes)} of {each.person} on {each.site}, {say_short_day(entry.worked_on)}",
        is_ticked=entry.id in read.ticked,
        worked_on=say_short_day(entry.worked_on),
        typed_at=say_moment(entry.created_at, read.actor.time_zone),
        site_name=each.site,
        site_url=f"/sites/{entry.site_id}",
        engagement=each.engagement,
        kind_label=WorkKind(entry.kind).label,
        note=entry.note,
        minutes=entry.minutes,
        warning=say_long_day(entry.worked_on, read.days.get((entry.person_id, entry.worked_on), 0)),
        changes=[_change(read.kept[budget_id], minutes) for budget_id, minutes in taken.items()],
        draws=" ".join(f"{budget_id}:{minutes}" for budget_id, minutes in taken.items()),
    )


def _by_budget(draws: Iterable[Draw]) -> dict[UUID, int]:
    """Minutes by budget; an entry may draw on several blocks of one pool."""
    taken: dict[UUID, int] = {}
    for draw in draws:
        taken[draw.budget_id] = taken.get(draw.budget_id, 0) + draw.minutes
    return taken


def _change(budget: Budget, minutes: int) -> Shown:
    """What approving so many minutes does to a budget: held becomes used, and what is left stays."""
    balance = budget.balance
    return Shown(
        id=budget.id, label=balance.kind.label, used=balance.used, after=balance.used + minutes, left=balance.left,
        limit=balance.limit,
    )  # fmt: skip


def _changes(found: Sequence[WaitingEntry], read: _Around) -> list[Shown]:
    """What approving all that is shown does to each budget, under the name of its site or engagement."""
    names: dict[UUID, str] = {}
    totals: dict[UUID, int] = {}
    for each in found:
        for budget_id, minutes in _by_budget(read.drawn[each.entry.id]).items():
            totals[budget_id] = totals.get(budget_id, 0) + minutes
            names[budget_id] = each.site if read.kept[budget_id].site_id else each.engagement
    return [_named(_change(read.kept[key], minutes), names[key]) for key, minutes in totals.items()]


def _named(change: Shown, name: str) -> Shown:
    return Shown(**vars(change), name=name)
