"""Splitting a network or a multisite into single sites, with a look at the list before it is done."""

from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import TextAreaField
from wtforms.validators import InputRequired, Length

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.errors import FieldError, Guard, Invalid
from tracker.domain.split import Target, line_numbers, read_targets
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import split as service
from tracker.services.split import Split
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.web import present
from tracker.web import site as site_pages
from tracker.web.form import Form, save
from tracker.web.present import count_of

bp = Blueprint("split", __name__)
LONGEST_LIST = 50_000


class SplitForm(Form):
    targets = TextAreaField("The sites", [InputRequired("Name the sites, one in each line."), Length(max=LONGEST_LIST)])

    def split(self) -> Split:
        """The list as it was typed. Raises Invalid at `targets`, for each line that cannot be read."""
        return Split(read_targets(self.targets.data or ""), self.edited_version())

    def by_line(self, error: Invalid) -> Invalid:
        """The same faults, each with the line it is in."""
        numbers = line_numbers(self.targets.data or "")
        return Invalid([_in_line(fault, numbers) for fault in error.errors])


def _in_line(fault: FieldError, numbers: list[int]) -> FieldError:
    field, _, place = fault.field.partition(".")
    index = place.partition(".")[0]
    return FieldError(field, f"Line {numbers[int(index)]}: {fault.message}") if index else fault


@bp.route("/sites/<uuid:site_id>/split", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def split(site_id: UUID) -> ResponseReturnValue:
    """Look at a split, then do it."""
    actor = current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    form = SplitForm(data={"version": site.version})
    if "preview" in request.form:
        return split_page(form, site, engagement, preview=look(form, site)), form.status
    done = save(
        form, lambda: carry_out(form, site_id), lambda made: url_for("engagement.show", engagement_id=made[0].engagement_id)
    )
    if done is not None:
        flash("The site is split. Each of the new sites has hours of its own.", "success")
        return done
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    if form.status == 409:
        form.version.data = str(site.version)
    return split_page(form, site, engagement), form.status


def carry_out(form: SplitForm, site_id: UUID) -> list[Site]:
    """Split, faults told by line."""
    try:
        return service.split_site(db.session, current_actor(), site_id, form.split(), now=utc_now())
    except Invalid as error:
        raise form.by_line(error) from None


def look(form: SplitForm, site: Site) -> list[Target] | None:
    """The list as it was understood; None where something is wrong with it, which the form then says."""
    if not form.validate():
        form.status = 422
        return None
    try:
        targets = form.split().targets
        service.check_targets(db.session, site, targets)
    except Invalid as error:
        form.take(form.by_line(error))
        return None
    return list(targets)


def split_page(form: SplitForm, site: Site, engagement: Engagement, preview: list[Target] | None = None) -> str:
    """The list, and what stands in the way of splitting at all."""
    try:
        service.check_can_split(site, engagement)
        refusal = None
    except Guard as error:
        refusal = error.message
    return render_template(
        "split/split.html",
        nav_current="portfolio",
        form=form,
        preview=preview,
        counted=count_of(len(preview), "site") if preview else None,
        refusal=refusal,
        site=present.site_head(site),
        engagement=site_pages.head_of(engagement),
        back_url=url_for("site.show", site_id=site.id),
    )
