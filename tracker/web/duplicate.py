"""Open an engagement like another one."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, DateField, StringField
from wtforms.validators import InputRequired

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import engagement as service
from tracker.services.engagement import DuplicateSpec
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.web import present
from tracker.web.form import Form, save
from tracker.web.present import count_of

bp = Blueprint("duplicate", __name__)


class DuplicateForm(Form):
    name = StringField("Name", [InputRequired("Name the engagement.")])
    customer = StringField("Customer", [InputRequired("Name the customer.")])
    reference = StringField("Reference of the new agreement", [InputRequired("Write the reference of the new agreement.")])
    signed_on = DateField("Signed on", [InputRequired("Say when it was signed.")])
    sites = BooleanField("The sites, listed anew", default=True)
    members = BooleanField("The people who work on it", default=True)

    def spec(self) -> DuplicateSpec:
        """What was typed, as the use case takes it."""
        agreed = "reference" in self
        return DuplicateSpec(
            name=self.name.data or "",
            customer=self.customer.data or "",
            reference=self.reference.data if agreed else None,
            signed_on=self.signed_on.data if agreed else None,
            sites=bool(self.sites.data),
            members=bool(self.members.data),
        )


@bp.route("/engagements/<uuid:engagement_id>/duplicate", methods=["GET", "POST"])
@allow(Permission.EDIT_ENGAGEMENT)
def show(engagement_id: UUID) -> ResponseReturnValue:
    """Choose what is taken along, and open it."""
    actor = current_actor()
    engagement = engagements.get(db.session, actor, engagement_id)
    customer = engagements.customer(db.session, engagement.customer_id).name
    form = DuplicateForm(name=engagement.name, customer=customer)
    if engagements.agreement_of(db.session, engagement_id) is None:
        del form.reference, form.signed_on
    made = save(
        form,
        lambda: service.duplicate_engagement(db.session, actor, engagement_id, form.spec(), now=utc_now()),
        lambda opened: url_for("engagement.show", engagement_id=opened.id),
    )
    if made is None:
        return _page(engagement, customer, form), form.status
    flash("Opened. Set its kick-off, then its dates are counted.", "success")
    return made


def _page(engagement: Engagement, customer: str, form: DuplicateForm) -> str:
    listed = sum(site.stage != "withdrawn" for site in sites.of_engagement(db.session, engagement.id))
    shown: dict[str, Any] = {
        "engagement": present.engagement_head(engagement, customer, ""),
        "agreement": present.agreement_card(engagements.agreement_of(db.session, engagement.id)),
        "site_count": count_of(listed, "site"),
        "member_count": count_of(len(engagements.members_of(db.session, engagement.id)), "person", "people"),
        "customers": [each.name for each in engagements.customers(db.session, current_actor(), after=None, limit=500)],
    }
    return render_template("engagement/duplicate.html", nav_current="portfolio", form=form, **shown)
