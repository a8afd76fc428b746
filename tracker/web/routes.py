"""All pages."""

from flask import Flask, g, request

from tracker.web import (
    account,
    budget,
    cover,
    deadline,
    duplicate,
    engagement,
    engagement_form,
    handover,
    health,
    notice,
    parts,
    person,
    portfolio,
    search,
    setting,
    sign_in,
    site,
    team,
    time_entry,
)
from tracker.web.filters import warn_of_silence
from tracker.web.form import new_key

BLUEPRINTS = (
    account.bp,
    budget.bp,
    cover.bp,
    deadline.bp,
    duplicate.bp,
    engagement.bp,
    engagement_form.bp,
    handover.bp,
    health.bp,
    notice.bp,
    person.bp,
    portfolio.bp,
    search.bp,
    setting.bp,
    sign_in.bp,
    site.bp,
    team.bp,
    time_entry.bp,
)
PAGES = frozenset(blueprint.name for blueprint in BLUEPRINTS if blueprint is not health.bp)


def install(app: Flask) -> None:
    """Register every blueprint of pages."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if app.config["SETTINGS"].development:
        app.register_blueprint(parts.bp)
    # A form that is only a button carries a key too, so that pressing it twice does the thing once.
    app.jinja_env.globals["new_key"] = new_key
    app.before_request(_watch)


def _watch() -> None:
    """On what staff read, say when nobody looks after the reminders. The gate has let them in by now."""
    g.delivery_warning = None
    if request.method == "GET" and request.blueprint in PAGES:
        warn_of_silence()
