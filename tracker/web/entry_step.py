"""One button for one entry: submit, reverse, approve, reject. Each page that shows the buttons is shown again with a refusal."""

from collections.abc import Callable
from uuid import UUID

from flask import Blueprint, flash, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Permission
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import time_entry as service
from tracker.store.database import db
from tracker.web import approval, entry, time_entry
from tracker.web.form import blank_to_none, save
from tracker.web.sign_in import EmptyForm

bp = Blueprint("entry_step", __name__)


@bp.post("/time/<uuid:entry_id>/submit")
@allow(Permission.LOG_TIME)
def submit(entry_id: UUID) -> ResponseReturnValue:
    """Hand a draft in."""
    actor = current_actor()
    return _step(
        entry_id, lambda: service.submit(db.session, actor, entry_id, now=utc_now()), "Submitted. It waits for approval."
    )


@bp.post("/time/<uuid:entry_id>/reverse")
@allow(Permission.LOG_TIME)
def reverse(entry_id: UUID) -> ResponseReturnValue:
    """Take an entry back by its opposite."""
    actor = current_actor()
    reason = blank_to_none(request.form.get("reason"))
    said = "Reversed. Its hours are free again."
    return _step(entry_id, lambda: service.reverse(db.session, actor, entry_id, reason, now=utc_now()), said)


@bp.post("/time/<uuid:entry_id>/approve")
@allow(Permission.APPROVE_TIME)
def approve(entry_id: UUID) -> ResponseReturnValue:
    """Accept a submitted entry."""
    actor = current_actor()
    return _step(entry_id, lambda: service.approve(db.session, actor, entry_id, now=utc_now()), "Approved.", decides=True)


@bp.post("/time/<uuid:entry_id>/reject")
@allow(Permission.APPROVE_TIME)
def reject(entry_id: UUID) -> ResponseReturnValue:
    """Turn a submitted entry down, with a reason."""
    actor, reason = current_actor(), request.form.get("reason", "")
    return _step(
        entry_id,
        lambda: service.reject(db.session, actor, entry_id, reason, now=utc_now()),
        "Rejected. Its hours are free again, and whoever logged it sees the reason.",
        decides=True,
    )


def _step(entry_id: UUID, use_case: Callable[[], object], said: str, *, decides: bool = False) -> ResponseReturnValue:
    """Carry out one button; where a rule forbids it, say so above the page it was on."""
    button = EmptyForm()
    on_entry = request.form.get("from") == "entry"
    back = url_for("approval.index") if decides else url_for("time_entry.log")
    answer = save(button, use_case, lambda _done: url_for("entry.show", entry_id=entry_id) if on_entry else back)
    if answer is not None:
        flash(said, "success")
        return answer
    for messages in button.errors.values():
        for message in messages:
            flash(message, "error")
    if on_entry:
        return entry.page_of(entry_id), button.status
    shown = approval.page_of(approval.BulkForm(formdata=None)) if decides else time_entry.page_again()
    return shown, button.status
