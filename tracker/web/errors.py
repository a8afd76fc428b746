"""Error pages: what happened in a sentence, and the way on."""

from collections.abc import Mapping

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from tracker.domain.errors import RateLimited, TrackerError, Unauthenticated
from tracker.edge.fault import CROSSED, STATUS, say_database_fault
from tracker.edge.gate import BY_TOKEN_TOO
from tracker.logs import REQUEST_ID
from tracker.store.database import db

PLAIN = {"Content-Type": "text/plain; charset=utf-8"}
TITLES = {
    400: "That request could not be read",
    403: "Not permitted",
    404: "Nothing here",
    405: "Not this way",
    409: "Not now",
    413: "Too large",
    422: "That cannot be used",
    429: "Too many tries",
    500: "Something went wrong",
    503: "Not available just now",
}
TEXTS = {
    404: "There is nothing under this address, or it is not yours to see.",
    405: "This address is used from a form only.",
    413: "That is larger than is read: a file may have 2 MB, a table of hours 16 MB, a pasted text 500 kB. Nothing was kept.",
    500: "It has been written down, and nothing was changed. Try again; if it stays, tell your administrator.",
}


def page_of_error(error: Exception) -> ResponseReturnValue:
    """Translate whatever a page or the gate raised."""
    if isinstance(error, Unauthenticated) and request.path in BY_TOKEN_TOO:
        return "Send a token of somebody of the staff: Authorization: Bearer ...\n", 401, PLAIN | {"WWW-Authenticate": "Bearer"}
    if isinstance(error, Unauthenticated):
        return redirect(url_for("sign_in.sign_in", next=_next_page()), 303)
    if isinstance(error, RateLimited):
        return _page(STATUS[error.code], error.message, {"Retry-After": str(error.retry_after)})
    if isinstance(error, TrackerError):
        return _page(STATUS[error.code], error.message)
    if isinstance(error, CSRFError):
        return _page(400, "This page was open for too long, or was sent from elsewhere. Go back, load it again and send it anew.")
    if isinstance(error, IntegrityError):
        current_app.logger.warning("crossed", exc_info=error)
        return _page(409, CROSSED)
    if isinstance(error, SQLAlchemyError):
        current_app.logger.error("database", exc_info=error)
        return _page(503, say_database_fault(error))
    if isinstance(error, HTTPException):
        if error.code in (301, 302, 303, 304, 307, 308):
            return error
        allowed = {"Allow": ", ".join(error.valid_methods or ())} if isinstance(error, MethodNotAllowed) else {}
        return _page(error.code or 500, TEXTS.get(error.code or 500, error.description or ""), allowed)
    current_app.logger.error("unexpected", exc_info=error)
    return _page(500, TEXTS[500])


def _next_page() -> str:
    """Where somebody wanted to go, to be taken there after signing in: only by reading, and only here."""
    return request.full_path.removesuffix("?") if request.method == "GET" else "/"


def _page(status: int, text: str, headers: Mapping[str, str] | None = None) -> ResponseReturnValue:
    db.session.rollback()
    request_id = REQUEST_ID.get() if status >= 500 else None
    title = TITLES.get(status, "That did not work")
    page = render_template(
        "errors/error.html",
        status=status,
        title=title,
        text=text,
        action_url="/",
        action_label="To the start",
        request_id=request_id,
    )
    return page, status, dict(headers or {})
