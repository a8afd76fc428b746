"""List many sites from a file, after a preview in which each bad row has its reason."""

from uuid import UUID

from flask import Blueprint, Response, flash, render_template, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import Invalid
from tracker.domain.inventory import Change
from tracker.domain.site_list import SiteRow
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.intake.site_list import COLUMNS, read_site_list
from tracker.services import site_list as service
from tracker.services.site_list import ListTrial
from tracker.store import engagement as engagements
from tracker.store import upload as uploads
from tracker.store.database import db
from tracker.store.upload import Upload
from tracker.web import present
from tracker.web import site as site_pages
from tracker.web.form import Form, save
from tracker.web.present import Shown, count_of
from tracker.web.upload import UploadForm, rejected_file, rejected_rows

bp = Blueprint("site_list", __name__)
COLUMN_LABELS = tuple(column.name.replace("_", " ") for column in COLUMNS)


class SiteListForm(UploadForm):
    """A list of sites."""


class ListForm(Form):
    """The button that lists them."""


@bp.get("/engagements/<uuid:engagement_id>/sites/import")
@allow(Permission.EDIT_ENGAGEMENT)
def new(engagement_id: UUID) -> ResponseReturnValue:
    """Ask for the file."""
    return page_of(engagement_id, SiteListForm())


@bp.post("/engagements/<uuid:engagement_id>/sites/import")
@allow(Permission.EDIT_ENGAGEMENT)
def send(engagement_id: UUID) -> ResponseReturnValue:
    """Take a file for its preview. It is read before the unit of work begins."""
    actor, form = current_actor(), SiteListForm()
    try:
        form.must_hold_something()
        listed = read_site_list(form.data_sent())
    except Invalid as error:
        form.validate()
        form.take(error)
        return page_of(engagement_id, form)
    kept = save(
        form,
        lambda: service.keep_list(db.session, actor, engagement_id, listed, now=utc_now(), name=form.name_sent),
        lambda upload: url_for("site_list.preview", upload_id=upload.id),
    )
    return page_of(engagement_id, form) if kept is None else kept


def page_of(engagement_id: UUID, form: SiteListForm) -> ResponseReturnValue:
    """The form, also with what was refused; after the agreement, the way on instead."""
    engagement = engagements.get(db.session, current_actor(), engagement_id)
    head = site_pages.head_of(engagement)
    page = render_template(
        "site_list/new.html",
        nav_current="portfolio",
        form=form,
        engagement=head,
        is_agreed=engagement.requirements_version > 0,
        columns=COLUMN_LABELS,
        back_url=head.url,
    )
    return page, form.status


@bp.route("/uploads/<uuid:upload_id>/sites", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def preview(upload_id: UUID) -> ResponseReturnValue:
    """What a list would add; then list the good rows."""
    actor, form = current_actor(), ListForm()
    kept = uploads.get(db.session, actor, upload_id, uploads.SITES)
    listed, engagement_id = service.kept_list(kept), kept.engagement_id
    done = save(
        form,
        lambda: service.import_list(db.session, actor, engagement_id, listed, now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id, _anchor="sites"),
    )
    if done is not None:
        flash("The sites are listed, each with its five hours for known incompatibilities.", "success")
        return done
    if engagements.get(db.session, actor, engagement_id).requirements_version > 0:
        return page_of(engagement_id, SiteListForm())
    return preview_page(kept, service.try_list(db.session, actor, engagement_id, listed), form), form.status


def preview_page(kept: Upload, trial: ListTrial, form: ListForm) -> str:
    """Every row with what becomes of it."""
    engagement = engagements.get(db.session, current_actor(), kept.engagement_id)
    added = trial.added
    return render_template(
        "site_list/preview.html",
        nav_current="portfolio",
        form=form,
        engagement=site_pages.head_of(engagement),
        file_name=kept.file_name or "What you pasted",
        added=[row_shown(row) for row in added],
        unchanged=[row_shown(row) for row, change in trial.accepted if change is Change.UNCHANGED],
        rejected=rejected_rows(trial.rejected),
        list_label=f"List these {count_of(len(added), 'site')}" if len(added) > 1 else "List this site",
        rejected_url=url_for("site_list.rejected", upload_id=kept.id),
        back_url=url_for("site_list.new", engagement_id=kept.engagement_id),
    )


def row_shown(row: SiteRow) -> Shown:
    """One good row."""
    said = row.values
    return Shown(
        row=row.row,
        name=said["name"],
        url=said["url"],
        cms=present.VARIANT_LABELS.get(said.get("cms_variant", "")) or present.CMS_LABELS[said["cms"]],
        package=present.PACKAGE_LABELS[said.get("package", "standard")],
        extra=present.PREMIUM_LABELS.get(said.get("premium_option", "")),
        plan=present.PLAN_LABELS.get(said.get("plan", "")),
    )


@bp.get("/uploads/<uuid:upload_id>/sites/rejected.csv")
@allow(Permission.EDIT_ENGAGEMENT)
def rejected(upload_id: UUID) -> Response:
    """The rows that cannot be used, with the reason for each."""
    actor = current_actor()
    kept = uploads.get(db.session, actor, upload_id, uploads.SITES)
    return rejected_file(service.try_list(db.session, actor, kept.engagement_id, service.kept_list(kept)).rejected)
