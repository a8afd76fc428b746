"""The customer's name under the DNS cutover of a site."""

from uuid import UUID

from flask import Blueprint, flash, render_template
from flask.typing import ResponseReturnValue
from wtforms import BooleanField
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.domain.site import check_signable
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import requirements as service
from tracker.store import deadline as deadlines
from tracker.store import requirements
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.web import dates
from tracker.web import engagement as engagement_pages
from tracker.web import site as site_pages
from tracker.web.form import FieldRow, save

bp = Blueprint("cutover", __name__)
SUBJECT = "cutover"


class CutoverForm(engagement_pages.SignForm):
    agree = BooleanField("Our DNS points at the new site, for every name of it", [InputRequired("Tick this to sign.")])


@bp.route("/sites/<uuid:site_id>/cutover", methods=["GET", "POST"])
@allow(Permission.SIGN)
def sign(site_id: UUID) -> ResponseReturnValue:
    """Say by name that DNS has been switched."""
    form, actor = CutoverForm(), current_actor()
    site, engagement = sites.get_with_engagement(db.session, actor, site_id)
    signed = save(
        form,
        lambda: service.sign(db.session, actor, engagement.id, SUBJECT, form.hash.data or "", site_id=site_id, now=utc_now()),
        lambda _: f"/sites/{site_id}",
    )
    if signed is not None:
        flash("Thank you. The team checks your DNS, and the site is live.", "success")
        return signed
    if not form.is_submitted():
        check_signable(site.name, site.stage, SUBJECT)
    agreed = requirements.latest(db.session, engagement.id)
    form.hash.data = agreed.hash if agreed else ""
    return page_of(form, site, engagement)


def page_of(form: CutoverForm, site: Site, engagement: Engagement) -> ResponseReturnValue:
    """The form, also as it was refused, and by when it is asked for."""
    date = deadlines.one(db.session, engagement.id, site.id, "dns_cutover")
    fields: list[FieldRow] = [(form.agree, None, None), (form.signed_name, "Type your name as it should stand on record.", None)]
    page = render_template(
        "site/act.html",
        nav_current="portfolio",
        title="Sign the DNS cutover",
        meta=site.name,
        engagement=site_pages.head_of(engagement),
        crumbs=[(site.name, f"/sites/{site.id}")],
        form=form,
        fields=fields,
        label="Sign",
        back_url=f"/sites/{site.id}",
        facts_title="When",
        facts=[("Due", dates.say_due(date, engagement.time_zone) if date else "No date yet")],
        remark="Switch DNS first. Both the bare name and www count, and the old records are removed.",
    )
    return page, form.status
