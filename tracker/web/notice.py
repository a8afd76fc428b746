"""Notices: what was told, what will be, what is stuck, and each try to send it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from tracker.clock import utc_now
from tracker.domain.access import Actor, Permission
from tracker.domain.notice import GIVEN_UP, STATE_MEANINGS, STUCK, Audience, NoticeState, Road
from tracker.domain.notice_kind import buttons_of, kind_of
from tracker.edge.gate import current_actor
from tracker.edge.rule import allow
from tracker.services import delivery as service
from tracker.store import engagement as engagements
from tracker.store import notice as notices
from tracker.store.database import db
from tracker.store.notice import DeliveryAttempt, OutboxNotice
from tracker.web.filters import say_moment
from tracker.web.form import save
from tracker.web.present import count_of
from tracker.web.sign_in import EmptyForm

bp = Blueprint("notice", __name__)
NOTICES_SHOWN = 50
FACTS_SHOWN = 10  # No more fit into one message.
AUDIENCE_LABELS = {Audience.CUSTOMER: "The customer and the team", Audience.INTERNAL: "The team"}
SEND_AGAIN_FROM = (NoticeState.PARKED, NoticeState.DEAD)


@bp.get("/notices")
@allow(Permission.SEE_NOTICES)
def index() -> ResponseReturnValue:
    """Notices by due date, the latest first, in one state or in all."""
    actor, state = current_actor(), request.args.get("state")
    state = state if state in {*NoticeState, STUCK} else None
    return _list(actor, state, EmptyForm())


@bp.post("/notices/stuck")
@allow(Permission.EDIT_ENGAGEMENT)
def decide() -> ResponseReturnValue:
    """Send again, or give up, what was ticked among what is stuck."""
    actor, form = current_actor(), EmptyForm()
    again = request.form.get("step") == "again"
    ids = [read for each in request.form.getlist("ids")[:NOTICES_SHOWN] if (read := _uuid(each)) is not None]
    use_case = service.send_again if again else service.give_up
    done: list[int] = []

    def run() -> None:
        done.append(service.decide_on(db.session, actor, ids, use_case, now=utc_now()))

    answer = save(form, run, lambda _done: url_for("notice.index", state=STUCK))
    if answer is None:
        return _list(actor, STUCK, form), form.status
    if not ids:
        flash("Nothing was ticked.", "error")
    elif done:
        count = count_of(done[0], "notice")
        flash(f"{count} will be sent with the next rounds." if again else f"{count} given up. Nobody was told.", "success")
    return answer


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _list(actor: Actor, state: str | None, form: EmptyForm) -> str:
    after = _after(request.args.get("after"))
    rows = notices.page(db.session, actor, state=state, after=after, limit=NOTICES_SHOWN + 1)
    shown = rows[:NOTICES_SHOWN]
    return render_template(
        "notices/notices.html",
        nav_current="notices",
        filters=_filters(actor, state),
        form=form,
        may_decide=state == STUCK and actor.may(Permission.EDIT_ENGAGEMENT),
        tick_url=url_for("notice.index", state=STUCK, tick="all"),
        tick_all=request.args.get("tick") == "all",
        rows=[_row(actor, notice, name) for notice, name in shown],
        prev_url=url_for("notice.index", state=state) if after else None,
        next_cursor_url=_next(shown[-1][0], state) if len(rows) > NOTICES_SHOWN else None,
    )


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    """Where a page begins; what is no cursor begins at the beginning."""
    moment, _, notice_id = (cursor or "").partition("~")
    try:
        read = datetime.fromisoformat(moment), UUID(notice_id)
    except ValueError:
        return None
    return read if read[0].tzinfo else None


def _next(last: OutboxNotice, state: str | None) -> str:
    return url_for("notice.index", state=state, after=f"{last.due_at.isoformat()}~{last.id}")


def _filters(actor: Actor, current: str | None) -> list[dict[str, Any]]:
    """All, and every state in which there is something."""
    counts = notices.count_by_state(db.session, actor)
    states = [state for state in NoticeState if counts.get(state) or state == current]
    every = {"label": "All", "count": sum(counts.values()), "url": url_for("notice.index"), "is_current": current is None}
    stuck = notices.count_stuck(db.session, actor)
    if stuck or current == STUCK:
        url = url_for("notice.index", state=STUCK)
        states_first = [every, {"label": "Stuck", "count": stuck, "url": url, "is_current": current == STUCK}]
    else:
        states_first = [every]
    return states_first + [
        {
            "label": state.capitalize(),
            "count": counts.get(state, 0),
            "url": url_for("notice.index", state=state.value),
            "is_current": state == current,
        }
        for state in states
    ]


def say_kind(kind: str) -> str:
    """A kind of notice as people read it, such as "Kick-off, 5 business days ahead"."""
    return kind_of(kind).title


def _row(actor: Actor, notice: OutboxNotice, engagement_name: str) -> dict[str, Any]:
    return {
        "url": url_for("notice.show", notice_id=notice.id),
        "headline": notice.headline,
        "kind_label": say_kind(notice.kind),
        "engagement_name": engagement_name,
        "channel": notice.channel,
        "due": say_moment(notice.due_at, actor.time_zone),
        "state": notice.state,
        "reason": notice.reason,
        "last_error": notice.last_error,
        "attempts": notice.attempts,
        "id": str(notice.id),
        "may_decide": notice.state in SEND_AGAIN_FROM,
    }


@bp.get("/notices/<uuid:notice_id>")
@allow(Permission.SEE_NOTICES)
def show(notice_id: UUID) -> ResponseReturnValue:
    """One notice: the message as it looks, and how far it has got."""
    return _notice_page(notice_id)


@bp.post("/notices/<uuid:notice_id>/send-again")
@allow(Permission.EDIT_ENGAGEMENT)
def send_again(notice_id: UUID) -> ResponseReturnValue:
    """Take up what is parked or given up."""
    actor = current_actor()
    return _decide(
        notice_id,
        lambda: service.send_again(db.session, actor, notice_id, now=utc_now()),
        "It goes out with the next round, to the channel the engagement has now.",
    )


@bp.post("/notices/<uuid:notice_id>/give-up")
@allow(Permission.EDIT_ENGAGEMENT)
def give_up(notice_id: UUID) -> ResponseReturnValue:
    """Settle a parked notice unsent."""
    actor = current_actor()
    return _decide(notice_id, lambda: service.give_up(db.session, actor, notice_id, now=utc_now()), "Given up. Nobody was told.")


def _decide(notice_id: UUID, use_case: Callable[[], object], said: str) -> ResponseReturnValue:
    form = EmptyForm()
    answer = save(form, use_case, lambda _done: url_for("notice.show", notice_id=notice_id))
    if answer is not None:
        flash(said, "success")
        return answer
    for messages in form.errors.values():
        for message in messages:
            flash(message, "error")
    return _notice_page(notice_id), form.status


def _notice_page(notice_id: UUID) -> str:
    actor = current_actor()
    notice = notices.get(db.session, actor, notice_id)
    engagement = engagements.get(db.session, actor, notice.engagement_id)
    urls = {}
    if actor.may(Permission.EDIT_ENGAGEMENT) and notice.state in SEND_AGAIN_FROM:
        urls["send_again"] = url_for("notice.send_again", notice_id=notice.id)
        if not (notice.reason or "").startswith(GIVEN_UP):
            urls["give_up"] = url_for("notice.give_up", notice_id=notice.id)
    return render_template(
        "notices/notice.html",
        nav_current="notices",
        notice=_row(actor, notice, engagement.name) | _details(actor, notice),
        preview=_preview(notice),
        attempts=[_attempt(actor, attempt) for attempt in notices.attempts_of(db.session, notice.id)],
        urls=urls,
        back_url=url_for("notice.index"),
    )


def _details(actor: Actor, notice: OutboxNotice) -> dict[str, Any]:
    sent = notice.settled_at if notice.state == NoticeState.SENT else None
    return {
        "state_meaning": STATE_MEANINGS[NoticeState(notice.state)],
        "audience_label": AUDIENCE_LABELS[Audience(notice.audience)],
        "engagement_url": f"/engagements/{notice.engagement_id}",
        "useless_after": say_moment(notice.useless_after, actor.time_zone),
        "sent_at": say_moment(sent, actor.time_zone) if sent else None,
        "slack_ts": notice.slack_ts,
        "by_mail": notice.road == Road.MAIL,
    }


def _preview(notice: OutboxNotice) -> dict[str, Any]:
    """The message as its channel shows it. What a notice says does not change once it was tried."""
    mention = f"@{notice.mention} " if notice.mention else ""
    repeat = ["This may be a repeat."] if notice.repeats else []
    return {
        "headline": f"{mention}{notice.headline}",
        "lines": [*notice.text.splitlines(), *repeat],
        "fields": notice.facts[:FACTS_SHOWN],
        "buttons": [button.label for button in buttons_of(notice.kind, notice.audience)],
    }


def _attempt(actor: Actor, attempt: DeliveryAttempt) -> dict[str, Any]:
    outcome = attempt.outcome[:1].upper() + attempt.outcome[1:]
    return {"outcome": outcome, "detail": attempt.detail, "at": say_moment(attempt.at, actor.time_zone)}
