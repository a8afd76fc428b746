"""All pages."""

from flask import Flask, g, request

from tracker.web import (
    account,
    approval,
    budget,
    burnup,
    catalog,
    change_request,
    channel,
    comment,
    cover,
    customer_view,
    cutover,
    day_off,
    deadline,
    dry_run,
    duplicate,
    duty,
    engagement,
    engagement_form,
    entry,
    entry_step,
    fact,
    freeze,
    freeze_banner,
    handover,
    health,
    hours,
    hours_lock,
    inventory,
    kickoff,
    link,
    metrics,
    move,
    notice,
    parts,
    path,
    person,
    portfolio,
    preference,
    ps_block,
    question,
    risk,
    scope,
    search,
    setting,
    sign_in,
    site,
    site_list,
    slack_account,
    split,
    status_card,
    team,
    time_entry,
    time_export,
    time_import,
    timer,
    uat,
    unplaced,
    week,
    weekly_update,
)
from tracker.web.filters import warn_of_silence
from tracker.web.form import new_key

BLUEPRINTS = (
    account.bp,
    budget.bp,
    burnup.bp,
    comment.bp,
    customer_view.bp,
    catalog.bp,
    change_request.bp,
    channel.bp,
    day_off.bp,
    deadline.bp,
    dry_run.bp,
    duty.bp,
    engagement.bp,
    engagement_form.bp,
    fact.bp,
    freeze.bp,
    cover.bp,
    cutover.bp,
    duplicate.bp,
    handover.bp,
    health.bp,
    hours.bp,
    inventory.bp,
    kickoff.bp,
    link.bp,
    metrics.bp,
    notice.bp,
    path.bp,
    person.bp,
    portfolio.bp,
    preference.bp,
    ps_block.bp,
    question.bp,
    risk.bp,
    scope.bp,
    setting.bp,
    sign_in.bp,
    site.bp,
    site_list.bp,
    slack_account.bp,
    split.bp,
    status_card.bp,
    search.bp,
    team.bp,
    time_entry.bp,
    approval.bp,
    entry.bp,
    entry_step.bp,
    move.bp,
    hours_lock.bp,
    time_export.bp,
    time_import.bp,
    timer.bp,
    week.bp,
    weekly_update.bp,
    uat.bp,
    unplaced.bp,
)
PAGES = frozenset(blueprint.name for blueprint in BLUEPRINTS if blueprint not in (health.bp, metrics.bp))


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
    """Say what is frozen, what timer runs, and that nobody looks after the reminders. The gate has let them in by now."""
    g.delivery_warning = None
    if request.blueprint in PAGES:
        freeze_banner.look()
        timer.look()
    if request.method == "GET" and request.blueprint in PAGES:
        warn_of_silence()
