"""Enter hours from a file, after a preview in which each bad row has its reason."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.budget import BUDGET_LABELS, BudgetKind, WorkKind
from tracker.domain.duration import say_minutes
from tracker.domain.errors import Invalid
from tracker.domain.time_import import MOST_ROWS, Change, EntryRow, may_be_split
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow, takes_up_to
from tracker.intake.time_entries import COLUMNS, LARGEST_FILE, read_entries
from tracker.services import time_import as service
from tracker.services.time_import import AcceptedRow, Outcome, SiteHours
from tracker.store import hours_upload as uploads
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.hours_upload import HoursUpload
from tracker.web.filters import say_day
from tracker.web.form import Form, save
from tracker.web.present import Shown, count_of
from tracker.web.upload import UploadForm, rejected_file, rejected_rows

bp = Blueprint("time_import", __name__)
NEEDED = ("day", "site", "duration", "kind")
COLUMN_LABELS = tuple(column.name for column in COLUMNS if column.name not in (*NEEDED, "worked_on", "copy"))
# On the page; the file of rejected rows has them all.
ROWS_SHOWN = 200


class HoursForm(UploadForm):
    """A table of hours."""

    split = BooleanField("Split what does not fit")


class ImportForm(Form):
    """The button that books them."""


class TryForm(Form):
    """The button that tries the file again, what does not fit split or not."""

    split = BooleanField()


@bp.get("/time/import")
@allow(Permission.LOG_TIME)
def new() -> ResponseReturnValue:
    """Ask for the file."""
    return page_of(HoursForm())


@bp.post("/time/import")
@takes_up_to(LARGEST_FILE)
@allow(Permission.LOG_TIME)
def send() -> ResponseReturnValue:
    """Take a file for its preview. It is read before the unit of work begins."""
    actor, form = current_actor(), HoursForm()
    try:
        form.must_hold_something()
        file = read_entries(form.data_sent())
    except Invalid as error:
        form.validate()
        form.take(error)
        return page_of(form)
    split, name = bool(form.split.data), form.name_sent
    kept = save(
        form,
        lambda: service.keep_file(db.session, actor, file, split=split, now=utc_now(), name=name),
        lambda upload: url_for("time_import.preview", hours_upload_id=upload.id),
    )
    return page_of(form) if kept is None else kept


def page_of(form: HoursForm) -> ResponseReturnValue:
    """The form, also with what was refused."""
    page = render_template(
        "time/import.html", nav_current="time", form=form, needed=NEEDED, columns=COLUMN_LABELS, most_rows=MOST_ROWS
    )
    return page, form.status


@bp.route("/time/import/<uuid:hours_upload_id>", methods=["GET", "POST"])
@allow(Permission.LOG_TIME)
def preview(hours_upload_id: UUID) -> ResponseReturnValue:
    """What a file would book; then book the good rows, and what came of it."""
    actor, form = current_actor(), ImportForm()
    done = save(
        form,
        lambda: service.import_kept(db.session, actor, hours_upload_id, now=utc_now()),
        lambda kept: url_for("time_import.preview", hours_upload_id=kept.id),
    )
    kept = uploads.get(db.session, actor, hours_upload_id)
    if done is not None:
        flash(say_done(service.outcome_of(kept)), "success")
        return done
    return preview_page(kept, form), form.status


@bp.post("/time/import/<uuid:hours_upload_id>/try")
@allow(Permission.LOG_TIME)
def try_again(hours_upload_id: UUID) -> ResponseReturnValue:
    """Try the file again, with what does not fit split or left whole."""
    actor, form = current_actor(), TryForm()
    tried = save(
        form,
        lambda: service.try_kept(db.session, actor, hours_upload_id, split=bool(form.split.data), now=utc_now()),
        lambda kept: url_for("time_import.preview", hours_upload_id=kept.id),
    )
    if tried is not None:
        return tried
    return preview_page(uploads.get(db.session, actor, hours_upload_id), form), form.status


@bp.get("/time/import/<uuid:hours_upload_id>/rejected.csv")
@allow(Permission.LOG_TIME)
def rejected(hours_upload_id: UUID) -> Response:
    """The rows that cannot be used, with the reason for each."""
    return rejected_file(service.outcome_of(uploads.get(db.session, current_actor(), hours_upload_id)).rejected)


def say_done(outcome: Outcome) -> str:
    """What was booked, in a sentence."""
    if not outcome.new:
        return "Nothing of this file was new, so nothing was logged."
    said = count_of(len(outcome.new), "entry is logged as a draft", "entries are logged as drafts")
    return f"{said}. Submit under Log hours what is right."


def preview_page(kept: HoursUpload, form: Form) -> str:
    """Every row with what becomes of it, or has become. A fixed number of statements."""
    outcome, rows = service.outcome_of(kept), service.rows_of(kept)
    there = [each for each in outcome.accepted if each.change is Change.THERE]
    names = sites.names_of(db.session, {each.site_id for each in outcome.accepted})
    return render_template(
        "time/import_preview.html",
        nav_current="time",
        form=form,
        file_name=kept.file_name or "What you pasted",
        is_done=kept.imported_at is not None,
        is_split=kept.content["split"],
        may_split=any(may_be_split(each) for each in outcome.rejected),
        total=sum(each.minutes for each in outcome.new),
        new=entry_rows(outcome.new, rows, names),
        new_count=len(outcome.new),
        there=entry_rows(there, rows, names),
        there_count=len(there),
        sites=[site_row(each) for each in outcome.sites],
        rejected=rejected_rows(outcome.rejected[:ROWS_SHOWN]),
        rejected_count=len(outcome.rejected),
        import_label=f"Log these {count_of(len(outcome.new), 'entry', 'entries')}" if len(outcome.new) > 1 else "Log this entry",
        try_url=url_for("time_import.try_again", hours_upload_id=kept.id),
        rejected_url=url_for("time_import.rejected", hours_upload_id=kept.id),
        back_url=url_for("time_import.new"),
    )


def entry_rows(accepted: Sequence[AcceptedRow], rows: dict[int, EntryRow], names: dict[UUID, str]) -> list[Shown]:
    """Good rows as a page lists them, the first of them where there are many."""
    return [entry_row(each, rows[each.row], names) for each in accepted[:ROWS_SHOWN]]


def entry_row(accepted: AcceptedRow, row: EntryRow, names: dict[UUID, str]) -> Shown:
    work = row.work(accepted.site_id, accepted.site_id)
    return Shown(
        row=accepted.row,
        day=say_day(work.worked_on),
        site=names[accepted.site_id],
        site_url=f"/sites/{accepted.site_id}",
        who=row.said.get("person_email") or row.said.get("person"),
        kind=WorkKind(work.kind).label,
        note=work.note,
        minutes=accepted.minutes,
        state=accepted.state,
        warning=accepted.warning,
    )


def site_row(hours: SiteHours) -> Shown:
    """What the file brings to a site, and what that leaves."""
    return Shown(
        name=hours.name,
        url=f"/sites/{hours.site_id}",
        engagement=hours.engagement,
        minutes=hours.minutes,
        left=[
            f"{BUDGET_LABELS[BudgetKind(room.kind)]}: {say_minutes(room.left)} left of {say_minutes(room.limit)}"
            for room in hours.rooms
        ],
    )
