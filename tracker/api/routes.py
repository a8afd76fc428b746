"""All resources of the API, and its description at /api/v1/openapi.json."""

from typing import Any

from flask import Blueprint, Flask, current_app
from flask_wtf import CSRFProtect

from tracker.api import (
    audit,
    budget,
    cover,
    customer,
    deadline,
    engagement,
    notice,
    person,
    requirements,
    search,
    site,
    time_entry,
)
from tracker.api.openapi import describe
from tracker.edge.rule import public

APIS = (
    customer.api,
    engagement.api,
    site.api,
    requirements.api,
    budget.api,
    time_entry.api,
    deadline.api,
    notice.api,
    audit.api,
    person.api,
    cover.api,
    search.api,
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
