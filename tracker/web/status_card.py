"""A status card in an engagement's channels, posted when somebody asks for it."""

from uuid import UUID

from flask import Blueprint, flash, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import status_card as service
from tracker.store.database import db
from tracker.web.engagement import Button, page_of
from tracker.web.form import save

bp = Blueprint("status_card", __name__)


@bp.post("/engagements/<uuid:engagement_id>/status-card")
@allow(Permission.EDIT_ENGAGEMENT)
def post(engagement_id: UUID) -> ResponseReturnValue:
    """Post the cards, or bring those up to date that are there."""
    form, actor = Button(), current_actor()
    posted = save(
        form,
        lambda: service.post_status_card(db.session, actor, engagement_id, now=utc_now()),
        lambda _: url_for("engagement.show", engagement_id=engagement_id),
    )
    if posted is None:
        return page_of(engagement_id, refused=form)
    flash("The status card goes out with the next round, and is kept up to date in its place.", "success")
    return posted
