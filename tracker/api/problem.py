"""Errors of the API: application/problem+json with a stable code."""

from collections.abc import Mapping
from typing import Any

from flask import Response, current_app, jsonify
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from tracker.domain.errors import RateLimited, TrackerError
from tracker.edge.fault import CROSSED, STATUS, say_database_fault

CODES = {400: "invalid", 404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def problem(status: int, code: str, message: str, details: Mapping[str, Any] | None = None) -> Response:
    """One error as RFC 9457 has it, with our code and details beside the standard members."""
    body = {
        "type": "about:blank",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": message,
        "code": code,
    }
    response = jsonify(body | dict(details or {}))
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def of_error(error: Exception) -> Response:
    """Translate whatever a view or the gate raised."""
    if isinstance(error, TrackerError):
        response = problem(STATUS[error.code], error.code, error.message, error.details())
        if isinstance(error, RateLimited):
            response.headers["Retry-After"] = str(error.retry_after)
        return response
    if isinstance(error, IntegrityError):
        current_app.logger.warning("crossed", exc_info=error)
        return problem(409, "edited_meanwhile", CROSSED)
    if isinstance(error, SQLAlchemyError):
        current_app.logger.error("database", exc_info=error)
        return problem(503, "unavailable", say_database_fault(error))
    if isinstance(error, HTTPException):
        code = error.code or 500
        response = problem(code, CODES.get(code, "http"), error.description or error.name)
        if code == 405 and getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return response
    current_app.logger.error("unexpected", exc_info=error)
    return problem(500, "unexpected", "Something went wrong on our side. It has been written down; nothing was changed.")
