"""The week as the hours page shows it: rows, cells and totals in words, and the form around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

from flask import request, url_for
from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Optional

from tracker.catalog.loader import newest
from tracker.clock import utc_now
from tracker.domain.access import Actor
from tracker.domain.budget import WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import FieldError, Invalid, TrackerError
from tracker.domain.time_entry import PS_KINDS
from tracker.domain.week import MOST_ADDED, Cell, Row, RowKey, Shut, Week, WeekGrid
from tracker.domain.workday import Calendar
from tracker.store import week as weeks
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.web.filters import say_day, say_short_day
from tracker.web.form import Form, blank_to_none
from tracker.web.week_cell import Outcomes, Seen

TAKEN_AT = {"known_issue_id": "row_issue"}
NOTHING_TYPED: Outcomes = MappingProxyType({})
# What a row can be for, as its list offers it: the kind, the activity and the kind of PS work in one choice.
KINDS_OF_ROW: Mapping[str, str] = {
    "known_incompatibility~research~": "Known incompatibility: research",
    "known_incompatibility~known_solution~": "Known incompatibility: known solution",
    "premium~~": "Premium extra",
    "included~~": "Included work",
} | {f"ps~~{kind}": f"PS work: {kind.replace('-', ' ')}" for kind in PS_KINDS}


class WeekForm(Form):
    """The grid's form: what a further row is for. The cells are read by their names, as there are so many of them."""

    row_site = SelectField("Site for the row", validate_choice=False)
    row_work = SelectField("What for", validate_choice=False)
    row_issue = StringField("Which known issue", [Optional()])
    site_ids: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sites: Sequence[tuple[Site, Engagement]], **over: Any) -> "WeekForm":
        """The form with the sites on which somebody may log."""
        form = cls(**over)
        form.site_ids = frozenset(str(site.id) for site, _engagement in sites)
        form.row_site.choices = [SelectChoice("", "Choose a site")] + [
            SelectChoice(str(site.id), site.name, optgroup=engagement.name) for site, engagement in sites
        ]
        form.row_work.choices = [SelectChoice("", "Choose the work")] + [
            SelectChoice(value, label) for value, label in KINDS_OF_ROW.items()
        ]
        return form

    def take(self, error: TrackerError) -> None:
        """Show a fault at its field; of a row, a rule can refuse only the known issue that it names."""
        if isinstance(error, Invalid):
            error = Invalid([FieldError(TAKEN_AT.get(each.field, each.field), each.message) for each in error.errors])
        super().take(error)

    def row(self) -> RowKey:
        """The row that was asked for. Raises Invalid at the fields."""
        if self.row_site.data not in self.site_ids:
            raise Invalid.at("row_site", "Choose a site from the list.")
        if self.row_work.data not in KINDS_OF_ROW:
            raise Invalid.at("row_work", "Choose what the row is for.")
        kind, activity, ps_kind = self.row_work.data.split("~")
        issue = blank_to_none(self.row_issue.data) if activity == "known_solution" else None
        return RowKey(UUID(self.row_site.data), WorkKind(kind), activity or None, issue, ps_kind or None)


def today_of(actor: Actor) -> date:
    """The day it is for somebody, wherever they are."""
    return Calendar(actor.time_zone, frozenset()).local_date(utc_now())


def week_at_hand() -> dict[str, Any]:
    """Week and rows without hours as the address names them, to be carried on."""
    return {name: request.args.getlist(name) for name in ("week", "row") if request.args.get(name)}


@dataclass(frozen=True)
class Shown:
    """A week to be shown, and what somebody typed in it that could not be saved."""

    grid: WeekGrid
    form: WeekForm
    today: date
    outcomes: Outcomes

    @property
    def week(self) -> Week:
        return self.grid.week

    @property
    def title(self) -> str:
        return f"Week {self.week.number}"

    @property
    def span(self) -> str:
        return f"{say_short_day(self.week.monday)} to {say_day(self.week.sunday)}"

    @property
    def is_now(self) -> bool:
        return self.week == Week.of(self.today)

    def url(self, weeks_on: int) -> str:
        """The address of the week so many weeks on."""
        return url_for("time_entry.log", week=self.week.shifted(weeks_on).name, _anchor="week")

    @property
    def this_url(self) -> str:
        return url_for("time_entry.log", _anchor="week")

    def log_url(self) -> str:
        """Where the form for a single entry goes: back to this week."""
        return url_for("time_entry.log", **week_at_hand())

    @property
    def days(self) -> list[dict[str, Any]]:
        """The heads and totals of the columns."""
        pairs = zip(self.week.days, self.grid.day_minutes, strict=True)
        return [
            {"name": f"{day:%a}", "day": f"{day:%-d %b}", "is_today": day == self.today, "minutes": minutes}
            for day, minutes in pairs
        ]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [self._row(index, row) for index, row in enumerate(self.grid.rows)]

    @property
    def reasons(self) -> list[Shut]:
        """Why cells are grey, each reason once."""
        cells = [cell for row in self.grid.rows for cell in row.cells]
        return list(dict.fromkeys(cell.shut for cell in cells if cell.shut is not None))

    @property
    def issues(self) -> list[dict[str, str]]:
        """Known issues that a row may name."""
        return [{"id": issue.id, "title": issue.name} for issue in newest().issues.values()]

    def _row(self, index: int, row: Row) -> dict[str, Any]:
        ground = row.ground
        return {
            "index": index,
            "key": row.key.text,
            "site": ground.site_name,
            "site_url": f"/sites/{ground.site_id}",
            "engagement": ground.engagement_name,
            "label": row.key.label,
            "budget": budget_name(row),
            "left": say_left(row),
            "minutes": row.minutes,
            "cells": [self._cell(row, index, place, cell) for place, cell in enumerate(row.cells)],
        }

    def _cell(self, row: Row, index: int, place: int, cell: Cell) -> dict[str, Any]:
        outcome = self.outcomes.get((row.key, cell.day))
        return {
            "place": f"{index}-{place}",
            "iso": cell.day.isoformat(),
            "day": say_short_day(cell.day),
            "is_today": cell.day == self.today,
            "label": f"{row.ground.site_name}, {row.key.label}, {say_short_day(cell.day)}",
            "minutes": cell.minutes,
            "saved": say_cell(cell),
            "text": outcome.typed if outcome else say_cell(cell),
            "seen": Seen.text(cell),
            "word": word_of(cell),
            "shut": cell.shut,
            "url": f"/time/{cell.pieces[0].id}" if len(cell.pieces) == 1 else None,
            "outcome": outcome,
            "rejected": cell.rejected,
        }


def say_cell(cell: Cell) -> str:
    """What stands in a cell, as it could be typed."""
    return say_minutes(cell.minutes) if cell.pieces else ""


def word_of(cell: Cell) -> str:
    """The state of a cell in a word or two."""
    if cell.shut is not None:
        return cell.shut.word
    return "draft" if cell.pieces else "rejected" if cell.rejected else ""


def budget_name(row: Row) -> str:
    """Names the budget that rows have in common, so that all of them say what is left when one of them takes of it."""
    if row.balance is None:
        return ""
    owner = row.ground.engagement_id if row.balance.kind == "ps" else row.ground.site_id
    return f"{owner}:{row.balance.kind}"


def say_left(row: Row) -> tuple[str, str]:
    """What is left for a row, and of how much."""
    if row.key.draws_on is None:
        return "", "Draws on no budget"
    if row.balance is None or not row.balance.limit:
        return "", f"No {row.key.draws_on.label}"
    return f"{say_minutes(row.balance.left)} left", f"of {say_minutes(row.balance.limit)}"


def of_address(actor: Actor, form: WeekForm) -> Shown:
    """The week that the address names, or today's, with the rows it adds. Raises Invalid."""
    named = request.args.get("week")
    today = today_of(actor)
    added = [RowKey.read(text) for text in request.args.getlist("row")[:MOST_ADDED]]
    return show(actor, Week.read(named) if named else Week.of(today), added, form)


def show(actor: Actor, week: Week, added: Sequence[RowKey], form: WeekForm, outcomes: Outcomes = NOTHING_TYPED) -> Shown:
    """A week of somebody's own, with what they typed in it."""
    assert actor.person_id is not None
    today = today_of(actor)
    grid = weeks.of_person(db.session, actor, actor.person_id, week, added, today=today)
    return Shown(grid, form, today, outcomes)


def refused(outcomes: Outcomes) -> Outcomes:
    """Those that were not saved."""
    return {where: outcome for where, outcome in outcomes.items() if outcome.message is not None}
