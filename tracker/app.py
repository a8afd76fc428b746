"""The one place where the parts are put together."""

import logging
import time
from functools import partial
from typing import Any

from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from tracker import layout
from tracker.api import problem
from tracker.api import routes as api_routes
from tracker.catalog import loader
from tracker.edge import gate
from tracker.edge.address import Address
from tracker.edge.unread import drain
from tracker.logs import REQUEST_ID
from tracker.settings import Settings
from tracker.slack.channels import SlackChannels
from tracker.slack.check import check
from tracker.slack.inbound import routes as slack_routes
from tracker.slack.sender import SlackSender
from tracker.store import schema
from tracker.store.database import db, prepare_engine
from tracker.web import filters
from tracker.web import routes as web_routes
from tracker.web.errors import page_of_error

CSP = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
MAX_BODY = 2 * 1024 * 1024
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
log = logging.getLogger("tracker.request")


class Application(Flask):
    """Flask, with rules that cost little to add."""

    url_rule_class = Address


def create_app(settings: Settings) -> Flask:
    """An application on one database, with its own settings. Raises CatalogueFault where a catalogue file cannot be used."""
    loader.check_all()
    app = Application("tracker", template_folder=str(layout.folder("templates")), static_folder=str(layout.PACKAGE / "static"))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=MAX_BODY,
        SESSION_COOKIE_NAME="tracker",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure,
        PERMANENT_SESSION_LIFETIME=14 * 86_400,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
    )
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    # The gate comes first: it gives the request its id, and what is not there needs no token to be told so.
    gate.install(app)
    csrf = CSRFProtect(app)
    filters.install(app)
    app.register_error_handler(Exception, _tell)
    web_routes.install(app)
    api_routes.install(app, csrf)
    slack_routes.install(app, csrf)
    app.extensions["sender"] = _sender(settings)
    app.extensions["channels"] = _channels(settings)
    app.extensions["slack_check"] = partial(check, settings)
    app.after_request(_finish)
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    return app


def _tell(error: Exception) -> ResponseReturnValue:
    """Each door tells a fault in its own way."""
    drain()
    return problem.of_error(error) if request.path.startswith(gate.API) else page_of_error(error)


def _engine_options(settings: Settings) -> dict[str, Any]:
    if settings.on_sqlite:
        return {"connect_args": {"timeout": 5}}
    return {"pool_size": 8, "max_overflow": 8}


def _sender(settings: Settings) -> SlackSender | None:
    """The way to Slack; None while no token is set, and everything else works without it."""
    if settings.slack_bot_token is None:
        return None
    return SlackSender(
        settings.slack_bot_token, settings.slack_api_url, timeout=settings.slack_timeout, proxy=settings.slack_proxy
    )


def _channels(settings: Settings) -> SlackChannels | None:
    """Channels of Slack's; None while no token is set."""
    if settings.slack_bot_token is None:
        return None
    return SlackChannels(
        settings.slack_bot_token, settings.slack_api_url, timeout=settings.slack_timeout, proxy=settings.slack_proxy
    )


def is_migrated() -> bool:
    """Whether the database at hand stands at the newest revision."""
    return schema.current(db.engine) == schema.head(layout.folder("migrations"))


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["X-Request-Id"] = REQUEST_ID.get() or ""
    if request.endpoint != "static":
        response.headers.setdefault("Cache-Control", "no-store")
        started = g.get("started")
        ms = round((time.perf_counter() - started) * 1000, 1) if started else None
        rule = request.url_rule.rule if request.url_rule else "-"
        log.info("request", extra={"method": request.method, "path": rule, "status": response.status_code, "ms": ms})
    return response
