"""Log hours and see beforehand what is left; below it what was logged, with what belongs together."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Self
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Optional

from tracker.catalog.loader import pinned
from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.budget import BudgetExceeded, WorkKind
from tracker.domain.duration import EXAMPLES, say_minutes
from tracker.domain.errors import TrackerError
from tracker.domain.time_entry import PS_KINDS, Work
from tracker.domain.workday import Calendar
from tracker.edge.gate import current_actor
from tracker.edge.refusal import Refusal
from tracker.edge.rule import allow
from tracker.services import time_entry as service
from tracker.services.time_entry import Booked
from tracker.store import budget as budgets
from tracker.store import engagement as engagements
from tracker.store import entry_family
from tracker.store import site as sites
from tracker.store import time_entry as entries
from tracker.store import timer as timers
from tracker.store.budget import Budget
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.time_entry import TimeEntry
from tracker.web.entry_words import say_relation
from tracker.web.filters import say_day
from tracker.web.form import DurationField, Form, blank_to_none, save
from tracker.web.present import unplaced_row
from tracker.web.week_grid import Shown, WeekForm, of_address, week_at_hand

bp = Blueprint("time_entry", __name__)
ENTRIES_SHOWN = 25
SITES_SHOWN = 30
ACTIVITY_LABELS = {"": "None", "research": "Research", "known_solution": "Known solution"}
OPEN_STATES = ("draft", "submitted")


def _choices(labels: dict[str, str]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in labels.items()]


class LogForm(Form):
    """Work as it is typed."""

    site_id = SelectField(  # type: ignore[call-arg]  # newer than its stubs
        "Site",
        [InputRequired("Choose a site.")],
        invalid_choice_message="Choose a site from the list: one in agreed requirements that is still being worked on.",
    )
    worked_on = DateField(  # type: ignore[call-arg]  # newer than its stubs
        "Day", [InputRequired("Say on which day.")], invalid_value_message="Write the day as 2026-11-20."
    )
    duration = DurationField("Time spent", [InputRequired(f"Write how long it took. {EXAMPLES}")])
    kind = SelectField("Kind of work", choices=_choices({kind.value: kind.label for kind in WorkKind}))
    activity = SelectField("Activity", choices=_choices(ACTIVITY_LABELS), default="")
    known_issue_id = StringField("Known issue")
    ps_kind = SelectField(
        "Kind of PS work",
        choices=_choices({"": "None"} | {kind: kind.replace("-", " ").capitalize() for kind in PS_KINDS}),
        default="",
    )
    note = TextAreaField("Note", [Optional()])
    split = BooleanField("Split it if it does not fit")

    sites: Sequence[tuple[Site, Engagement]] = ()
    payers: Mapping[UUID, list[Budget]] = MappingProxyType({})
    refusal: Refusal | None = None
    # The part that shows a refusal.
    refusal_part = "time/_refusal.html"
    booked: Sequence[Booked] = ()

    @classmethod
    def of(cls, actor: Actor, *, engagement_id: UUID | None = None, **over: Any) -> Self:
        """The form with the sites on which somebody may log, perhaps those of one engagement only.

        The day is theirs, wherever they are. `over` are values to begin with.
        """
        today = Calendar(actor.time_zone, frozenset()).local_date(utc_now())
        workable = sites.workable_of(db.session, actor)
        if engagement_id is not None:
            workable = [(site, engagement) for site, engagement in workable if engagement.id == engagement_id]
        wanted = request.args.get("site") or (str(workable[0][0].id) if len(workable) == 1 else None)
        form = cls(**({"worked_on": today, "site_id": wanted} | over))
        form.sites = workable
        form.read_left()
        return form

    def read_left(self) -> None:
        """Read what is left of what pays for each site, and say it in the list of sites."""
        self.payers = budgets.of_sites(db.session, [(engagement.id, site.id) for site, engagement in self.sites])
        self.site_id.choices = [SelectChoice("", "Choose a site")] + [
            SelectChoice(str(site.id), f"{site.name} · {_in_short(self.payers[site.id])}", optgroup=engagement.name)
            for site, engagement in self.sites
        ]

    def work(self) -> Work:
        """What was typed, as the domain reads it."""
        assert self.worked_on.data is not None
        assert self.duration.minutes is not None
        return Work(
            site_id=UUID(self.site_id.data),
            worked_on=self.worked_on.data,
            minutes=self.duration.minutes,
            kind=WorkKind(self.kind.data),
            activity=blank_to_none(self.activity.data),
            known_issue_id=blank_to_none(self.known_issue_id.data),
            ps_kind=blank_to_none(self.ps_kind.data),
            note=(self.note.data or "").strip(),
        )

    def may_split(self) -> bool:
        """Whether it was ticked, or chosen after a refusal."""
        return bool(self.split.data) or request.form.get("option", "").startswith("split:")

    def take(self, error: TrackerError) -> None:
        """What does not fit is explained at the field with its ways on; the rest as everywhere."""
        super().take(error)
        if isinstance(error, BudgetExceeded):
            self.refusal = Refusal.of(error)
            # Others may have booked since the form was made: one number stands everywhere on the page.
            self.read_left()

    def understood(self) -> str:
        """What was logged, to be echoed."""
        work = self.work()
        (site,) = [site for site, _engagement in self.sites if site.id == work.site_id]
        return say_booked(work.minutes, f"{site.name}, {say_day(work.worked_on)}", self.booked)


def say_booked(minutes: int, where: str, booked: Sequence[Booked]) -> str:
    """What was logged, and as what where it was split."""
    said = f"{say_minutes(minutes)} logged on {where}"
    parts = [f"{say_minutes(each.entry.minutes)} as {WorkKind(each.entry.kind).label}" for each in booked]
    return f"{said}: {' and '.join(parts)}." if len(parts) > 1 else f"{said}."


def _in_short(payers: Sequence[Budget]) -> str:
    """What is left of a site's allowance, in the list in which the site is chosen."""
    balance = payers[0].balance
    return f"{say_minutes(balance.left)} left of {say_minutes(balance.limit)}"


@bp.route("/time", methods=["GET", "POST"])
@allow(Permission.LOG_TIME)
def log() -> ResponseReturnValue:
    """Log hours; beside the form what is left, below it what was logged."""
    actor = current_actor()
    form = LogForm.of(actor)

    def follow(booked: Sequence[Booked]) -> str:
        form.booked = booked
        return url_for("time_entry.log", site=form.site_id.data, **week_at_hand())

    answer = save(form, lambda: service.book(db.session, actor, form.work(), split=form.may_split(), now=utc_now()), follow)
    if answer is None:
        return page_of(form), form.status
    flash(form.understood(), "success")
    if form.booked and form.booked[0].warning:
        flash(form.booked[0].warning, "warning")
    return answer


def page_again() -> str:
    """The page with an empty form, for what was refused of a button on it."""
    return page_of(LogForm.of(current_actor(), formdata=None))


def page_of(form: LogForm, week: Shown | None = None) -> str:
    """The hours page: the week on top, as it is or as it was sent, then the form as it stands, then what was logged."""
    actor = current_actor()
    week = week or of_address(actor, WeekForm.of(form.sites, formdata=None))
    mine = entry_family.mine(db.session, actor, before=request.args.get("before", type=UUID), limit=ENTRIES_SHOWN)
    site_names = sites.names_of(db.session, {row.site_id for row in mine.rows})
    return render_template(
        "time/log.html",
        nav_current="time",
        form=form,
        refusal=form.refusal,
        known_issues=known_issues(form),
        unplaced=[unplaced_row(each) for each in timers.waiting(db.session, actor, person_id=actor.person_id)],
        left=_left(form),
        sites_hidden=max(0, len(form.sites) - SITES_SHOWN),
        ps_url=ps_url(form),
        change_url=change_url(form),
        week=week,
        log_url=week.log_url(),
        entries=[_entry(actor, row, mine.rows, site_names) for row in mine.rows],
        prev_url=url_for("time_entry.log") if "before" in request.args else None,
        next_cursor_url=url_for("time_entry.log", before=mine.next) if mine.next else None,
        approvals_count=entries.waiting(db.session, actor)[0] if actor.may(Permission.APPROVE_TIME) else 0,
    )


def known_issues(form: LogForm) -> list[dict[str, str]]:
    """The known issues that may be named: those of the chosen site's system, in the catalogue of its engagement."""
    chosen = next(((site, engagement) for site, engagement in form.sites if str(site.id) == form.site_id.data), None)
    agreement = engagements.agreement_of(db.session, chosen[1].id) if chosen else None
    known = pinned(agreement.catalogue_version if agreement else None)
    systems = {chosen[0].cms} if chosen else {site.cms for site, _engagement in form.sites}
    return [{"id": issue.id, "title": issue.name} for issue in known.issues.values() if issue.cms in systems]


def _left(form: LogForm) -> list[dict[str, Any]]:
    """What can still be logged on each site, the chosen one first."""
    chosen = sorted(form.sites, key=lambda pair: str(pair[0].id) != form.site_id.data)[:SITES_SHOWN]
    return [
        {
            "name": site.name,
            "engagement": engagement.name,
            "href": url_for("time_entry.log", site=site.id),
            "is_chosen": str(site.id) == form.site_id.data,
            "budgets": [_budget(budget) for budget in form.payers[site.id] if budget.limit_minutes],
        }
        for site, engagement in chosen
    ]


def _budget(budget: Budget) -> dict[str, Any]:
    balance = budget.balance
    where = "on this site" if budget.site_id else "in this engagement"
    name = f"{budget.site_id or budget.engagement_id}:{balance.kind}"
    return {"name": name, "label": balance.kind.label, "left": balance.left, "limit": balance.limit, "where": where}


def ps_url(form: LogForm) -> str | None:
    """Where PS hours are sold for the engagement of the chosen site, after a refusal."""
    return None if form.refusal is None else form.refusal.ps_url(current_actor(), _chosen(form).id)


def change_url(form: LogForm) -> str | None:
    """Where a change request begins with what did not fit: more hours, from this site, for this work."""
    if form.refusal is None:
        return None
    return form.refusal.change_url(_chosen(form).id, form.site_id.data, form.note.data)


def _chosen(form: LogForm) -> Engagement:
    (engagement,) = [engagement for site, engagement in form.sites if str(site.id) == form.site_id.data]
    return engagement


def _entry(actor: Actor, entry: TimeEntry, shown: Sequence[TimeEntry], site_names: dict[UUID, str]) -> dict[str, Any]:
    """One of my own entries, with what I may still do to it and what belongs to it."""
    relation = say_relation(entry, shown)
    may_reverse = entry.state in OPEN_STATES or (entry.state == "approved" and actor.may(Permission.APPROVE_TIME))
    return {
        "id": entry.id,
        "url": f"/time/{entry.id}",
        "worked_on": say_day(entry.worked_on),
        "site_name": site_names[entry.site_id],
        "site_url": f"/sites/{entry.site_id}",
        "kind_label": WorkKind(entry.kind).label,
        "note": entry.note,
        "minutes": entry.minutes,
        "relation": relation,
        "is_nested": entry.reverses_id is not None or entry.moved_from_id is not None or entry.split_from_id is not None,
        "state_label": entry.state,
        "reason": None if relation and relation.startswith("moved to") else entry.decision_reason,
        "submit_url": f"/time/{entry.id}/submit" if entry.state == "draft" else None,
        "reverse_url": f"/time/{entry.id}/reverse" if may_reverse else None,
    }
