"""Save the week: the whole grid by its button, or one cell at a time by the script on top of it."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.errors import Invalid
from tracker.domain.week import DAYS, RowKey, Week
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services.booking import check_known_issue
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store import week as weeks
from tracker.store.database import db
from tracker.web.filters import say_short_day
from tracker.web.form import new_key
from tracker.web.time_entry import LogForm, page_of
from tracker.web.week_cell import CellChange, Outcome, Outcomes, Seen, carry_out
from tracker.web.week_grid import WeekForm, budget_name, refused, say_cell, say_left, show, today_of, word_of

bp = Blueprint("week", __name__)
ROW = re.compile(r"row-([0-9]{1,4})", re.ASCII)
PLACE = re.compile(r"([0-9]{1,4})-([0-6])", re.ASCII)


@bp.post("/time/week")
@allow(Permission.LOG_TIME)
def save_week() -> ResponseReturnValue:
    """Save every cell that was changed, each on its own; then add a row or last week's rows, where that was pressed."""
    actor = current_actor()
    form = WeekForm.of(sites.workable_of(db.session, actor))
    week, rows = _week(), _rows()
    outcomes = {
        (change.key, change.day): carry_out(actor, change, form.request_key.data or new_key())
        for change in _changes(week, rows)
        if change.changes
    }
    _tell(outcomes)
    step, added = request.form.get("step"), list(rows.values())
    if step == "copy":
        added += _rows_of(actor, week.shifted(-1))
    if step == "add":
        added += _row_asked_for(actor, form)
    missed = refused(outcomes)
    if missed or form.errors:
        form.request_key.data = new_key()
        status = max((outcome.status for outcome in missed.values()), default=422)
        return page_of(LogForm.of(actor, formdata=None), show(actor, week, added, form, missed)), status
    without = [key.text for key in dict.fromkeys(added) if not _has_hours(key, rows)]
    return redirect(url_for("time_entry.log", week=week.name, row=without, _anchor="week"), 303)


def _week() -> Week:
    named = request.form.get("week")
    return Week.read(named) if named else Week.of(today_of(current_actor()))


def _rows() -> dict[str, RowKey]:
    """The rows that were sent, by their number on the page."""
    found = {match[1]: text for name, text in request.form.items() if (match := ROW.fullmatch(name))}
    return {number: RowKey.read(text) for number, text in found.items()}


def _changes(week: Week, rows: dict[str, RowKey]) -> Iterator[CellChange]:
    split = PLACE.fullmatch(request.form.get("split", ""))
    for number, key in rows.items():
        for place, day in enumerate(week.days):
            typed = request.form.get(f"cell-{number}-{place}")
            if typed is not None:
                seen = Seen.read(request.form.get(f"seen-{number}-{place}", ""))
                yield CellChange(key, day, typed, seen, split is not None and split.group(0) == f"{number}-{place}")


def _has_hours(key: RowKey, rows: dict[str, RowKey]) -> bool:
    """Whether a row that was sent holds anything and so needs not stand in the address."""
    names = [f"cell-{number}-{place}" for number, sent in rows.items() if sent == key for place in range(DAYS)]
    return any(request.form.get(name, "").strip() for name in names)


def _tell(outcomes: Outcomes) -> None:
    """Say above the page how much was saved, and what should be looked at again."""
    missed = len(refused(outcomes))
    saved = len(outcomes) - missed
    if saved:
        flash(f"Saved {saved} {'cell' if saved == 1 else 'cells'}.", "success")
    if missed:
        cells = "cell" if missed == 1 else "cells"
        flash(f"Not saved: {missed} {cells}. What you typed is kept, with the reason below it.", "error")
    for warning in dict.fromkeys(outcome.warning for outcome in outcomes.values() if outcome.warning):
        flash(warning, "warning")


def _rows_of(actor: Actor, week: Week) -> list[RowKey]:
    """The rows of a week in which hours were logged, on sites that are still worked on."""
    assert actor.person_id is not None
    grid = weeks.of_person(db.session, actor, actor.person_id, week, today=today_of(actor))
    found = [row.key for row in grid.rows if row.minutes and row.ground.is_workable]
    if not found:
        flash("No hours were logged in the week before, so there is no row to copy.", "info")
    return found


def _row_asked_for(actor: Actor, form: WeekForm) -> list[RowKey]:
    """The row that was asked for; none where the form says what is wrong with it."""
    assert actor.person_id is not None
    today = today_of(actor)
    try:
        key = form.row()
        work = key.work(today, 1).checked(today=today, signed_on=None)
        check_known_issue(work, entries.place_of(db.session, actor, key.site_id, actor.person_id, today))
    except Invalid as error:
        form.take(error)
        return []
    return [key]


@bp.post("/time/week/cell")
@allow(Permission.LOG_TIME)
def save_cell() -> ResponseReturnValue:
    """Save one cell for the script of the page; answers what stands in it then, and what the page should say."""
    actor = current_actor()
    change = CellChange(
        RowKey.read(request.form.get("row", "")),
        _day(request.form.get("day", "")),
        request.form.get("typed", ""),
        Seen.read(request.form.get("seen", "")),
        bool(request.form.get("split")),
    )
    outcome = carry_out(actor, change, request.form.get("request_key") or new_key()) if change.changes else Outcome(change.typed)
    return jsonify(_answer(actor, change, outcome)), outcome.status


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid.at("day", "There is no such day. Load the page again.") from None


def _answer(actor: Actor, change: CellChange, outcome: Outcome) -> dict[str, Any]:
    """The cell as it is now; `left` is what its budget holds, for every row that draws on it."""
    shown = show(actor, Week.of(change.day), [change.key], WeekForm(formdata=None))
    row = next((row for row in shown.grid.rows if row.key == change.key), None)
    cell = shown.grid.cell(change.key, change.day)
    clock = utc_now().astimezone(ZoneInfo(actor.time_zone))
    saved = outcome.message is None
    place = request.form.get("place", "")
    answer: dict[str, Any] = {
        "is_saved": saved,
        "said": f"Saved {clock:%H:%M}" if saved else f"Not saved: {outcome.message}",
        "html": render_template("time/_week_said.html", outcome=outcome, place=place, day=say_short_day(change.day)),
    }
    if row is not None and cell is not None:
        answer |= {
            "minutes": cell.minutes,
            "text": say_cell(cell),
            "seen": Seen.text(cell),
            "word": word_of(cell),
            "is_shut": cell.shut is not None,
            "budget": budget_name(row),
            "left": say_left(row),
        }
    return answer
