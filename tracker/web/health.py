"""Is it alive, and may traffic come? For whoever watches the process; no secret in either."""

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from tracker import layout
from tracker.clock import utc_now
from tracker.edge.rule import public
from tracker.store import schema
from tracker.store.database import db
from tracker.web.filters import stale_jobs

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process answers."""
    return {"ok": True}


@bp.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers at the newest revision; beside it, whether the scheduler has run lately."""
    try:
        migrated = schema.current(db.engine) == schema.head(layout.folder("migrations"))
        scheduler = "stale" if migrated and stale_jobs(utc_now()) else "ok"
    except SQLAlchemyError:
        current_app.logger.warning("not ready", exc_info=True)
        return {"database": "away", "migrations": "unknown", "scheduler": "unknown"}, 503
    if not migrated:
        return {"database": "ok", "migrations": "behind", "scheduler": "unknown"}, 503
    return {"database": "ok", "migrations": "ok", "scheduler": scheduler}
