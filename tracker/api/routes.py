"""All resources of the API, and its description at /api/v1/openapi.json."""

from typing import Any

from flask import Blueprint, Flask, current_app
from flask_wtf import CSRFProtect

from tracker.api import (
    audit,
    budget,
    catalog,
    change_request,
    channel,
    comment,
    cover,
    customer,
    day_off,
    deadline,
    dry_run,
    duty,
    engagement,
    fact,
    freeze,
    hours,
    hours_lock,
    inventory,
    kickoff,
    link,
    notice,
    path,
    person,
    preference,
    question,
    requirements,
    risk,
    scope,
    search,
    site,
    site_list,
    status_card,
    time_bulk,
    time_csv,
    time_entry,
    time_move,
    time_week,
    timer,
    uat,
    weekly_update,
)
from tracker.api.openapi import describe
from tracker.edge.rule import public

APIS = (
    customer.api,
    engagement.api,
    site.api,
    fact.api,
    scope.api,
    path.api,
    inventory.api,
    catalog.api,
    site_list.api,
    question.api,
    risk.api,
    requirements.api,
    budget.api,
    time_entry.api,
    hours.api,
    time_bulk.api,
    time_move.api,
    hours_lock.api,
    time_csv.api,
    timer.api,
    time_week.api,
    day_off.api,
    deadline.api,
    dry_run.api,
    duty.api,
    freeze.api,
    uat.api,
    change_request.api,
    channel.api,
    notice.api,
    comment.api,
    weekly_update.api,
    kickoff.api,
    link.api,
    audit.api,
    person.api,
    preference.api,
    cover.api,
    search.api,
    status_card.api,
)
bp = Blueprint("api", __name__, url_prefix="/api/v1")


@bp.get("/openapi.json")
@public
def openapi() -> dict[str, Any]:
    """The API, described in OpenAPI 3.1."""
    return describe([operation for each in APIS for operation in each.operations], current_app.config["SETTINGS"].base_url)


def install(app: Flask, csrf: CSRFProtect) -> None:
    """Register every resource. Tokens need no CSRF check: a browser never sends them by itself."""
    for blueprint in (bp, *(each.blueprint for each in APIS)):
        app.register_blueprint(blueprint)
        csrf.exempt(blueprint)
