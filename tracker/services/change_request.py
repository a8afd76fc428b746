"""Raise, edit, estimate, approve, reject and withdraw change requests; the second approval applies one (BR-47)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.change import REASON_LENGTH, TITLE_LENGTH, Change
from tracker.domain.change_list import plain, read_change, read_changes
from tracker.domain.change_request import (
    REQUEST_LIFECYCLE,
    UNDECIDED_STATES,
    RequestState,
    Side,
    approval_leads_to,
    check_estimate,
    may_edit,
    may_withdraw,
    side_of,
)
from tracker.domain.duration import say_minutes
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.lifecycle import advance, say_state
from tracker.domain.notice import Audience, Notice
from tracker.domain.text import TextError, read_line, read_text
from tracker.services.change_application import carry_out, course_of, foresee
from tracker.services.planning import channels_of, take
from tracker.services.standing import standing_of
from tracker.store import audit, outbox
from tracker.store import change_request as requests
from tracker.store import engagement as engagements
from tracker.store.budget import hold_pool
from tracker.store.change_request import ChangeRequest, ChangeRequestStep
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement

# After two weeks whoever was to be told has long seen it on the page.
NOTICE_LIFE = timedelta(days=14)


@dataclass(frozen=True)
class RequestSpec:
    """A change request as it is raised: its changes are plain values, as the API names them. Minutes are whole."""

    changes: Sequence[Mapping[str, Any]]
    title: str = ""
    reason: str = ""
    estimate_minutes: int | None = None


@dataclass(frozen=True)
class RequestEdit:
    """What is to change about a request: title, reason, changes, estimate_minutes. What is not named stays."""

    values: Mapping[str, Any] = field(default_factory=dict)
    version: int | None = None


def raise_request(session: AnySession, actor: Actor, engagement_id: UUID, spec: RequestSpec, *, now: datetime) -> ChangeRequest:
    """Ask for a change. Only a manager estimates it at once.

    Raises NotFound, NotAllowed, Invalid at `title`, `reason`, `changes.0.url` and the like, Guard for a change that cannot be
    made as things stand, such as a further site before the requirements are agreed (BR-01).
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.ANSWER)
    if spec.estimate_minutes is not None:
        _check_estimate(actor, spec.estimate_minutes)
    take(session, engagement)
    reason = _text("reason", spec.reason)
    changes = read_changes(spec.changes, reason, standing_of(session, engagement))
    title = _line("title", spec.title) or changes[0].label
    assert actor.person_id is not None
    request = ChangeRequest(
        engagement_id=engagement_id,
        number=requests.next_number(session, engagement_id),
        title=title,
        reason=reason,
        changes=[plain(change) for change in changes],
        estimate_minutes=spec.estimate_minutes,
        raised_by=actor.person_id,
        raised_at=now,
    )
    session.add(request)
    session.flush()
    _note(session, actor, request, "raised", _estimate_note(spec.estimate_minutes), now)
    ask = "Read it, say how much time it takes, and approve or reject it."
    _tell(session, request, engagement, Saying("raised", Audience.INTERNAL, f"raised by {actor.name}", ask), now)
    return request


def edit_request(session: AnySession, actor: Actor, request_id: UUID, edit: RequestEdit, *, now: datetime) -> ChangeRequest:
    """Change what is asked, or estimate it. What was approved before was something else, so approvals are cleared.

    Raises NotFound, NotAllowed, EditedMeanwhile, Guard once it is decided, Invalid as `raise_request` does.
    """
    request, engagement = _held(session, actor, request_id)
    actor.must(Permission.ANSWER)
    if request.state not in UNDECIDED_STATES:
        raise Guard(f"This change request is {say_state(request.state)}. Raise a new one.", rule="order")
    if not may_edit(actor, request.state, request.raised_by):
        raise NotAllowed("Only who raised it, as long as nobody has approved it, and the engagement's managers change it.")
    _check_version(request, edit.version)
    changed = _read_edit(session, actor, request, engagement, edit.values)
    if not changed:
        return request
    if request.state != RequestState.OPEN:
        request.state = advance(REQUEST_LIFECYCLE, request.state, RequestState.OPEN)
    request.team_approved_by = request.team_approved_at = None
    request.customer_approved_by = request.customer_approved_at = request.customer_foresaw = None
    for name, value in changed.items():
        setattr(request, name, value)
    request.version += 1
    only_estimated = set(changed) == {"estimate_minutes"}
    note = _estimate_note(request.estimate_minutes) if "estimate_minutes" in changed else ""
    _note(session, actor, request, "estimated" if only_estimated else "edited", note, now)
    return request


def approve(
    session: AnySession,
    actor: Actor,
    request_id: UUID,
    *,
    now: datetime,
    version: int | None = None,
    foresaw: list[dict[str, Any]] | None = None,
    estimate_minutes: int | None = None,
) -> ChangeRequest:
    """Say yes for one's side; the second yes applies it, whole, in this transaction. Twice is once.

    `version` is the one that was on the screen, `foresaw` the sites as the page said that the requirements will list them.
    A manager may estimate with the same step. Raises NotFound, NotAllowed, EditedMeanwhile, and Guard for what is not
    estimated, and for a change that cannot be made any more: then nothing is changed, and the first yes stands.
    """
    request, engagement = _held(session, actor, request_id)
    actor.must(Permission.ANSWER)
    side = side_of(actor)
    if side is None:
        raise NotAllowed("A change request is approved by an approver of the customer, and by the engagement's managers.")
    given = request.team_approved_at if side is Side.TEAM else request.customer_approved_at
    if given is not None and request.state not in (RequestState.REJECTED, RequestState.WITHDRAWN):
        return request
    _check_version(request, version)
    if estimate_minutes is not None:
        _check_estimate(actor, estimate_minutes)
        if estimate_minutes != request.estimate_minutes:
            request = edit_request(session, actor, request_id, RequestEdit({"estimate_minutes": estimate_minutes}), now=now)
    facts = {"estimate"} if request.estimate_minutes is not None else set()
    before = request.state
    after = advance(REQUEST_LIFECYCLE, before, approval_leads_to(before, side), facts)
    changes = [read_change(each, request.reason) for each in request.changes]
    if side is Side.TEAM:
        request.team_approved_by, request.team_approved_at = actor.person_id, now
    else:
        request.customer_foresaw = _foreseen_by_customer(session, engagement, changes, foresaw)
        request.customer_approved_by, request.customer_approved_at = actor.person_id, now
    request.state = after
    request.applied_at = now if after == RequestState.APPLIED else None
    request.version += 1
    session.flush()
    _note(session, actor, request, f"approved_by_{side}", "", now)
    if after == RequestState.APPLIED:
        carry_out(course_of(session, actor, request, engagement, now=now), changes)
        _note(session, actor, request, "applied", "", now)
    _say_approval(session, request, engagement, side, now)
    return request


def _foreseen_by_customer(
    session: AnySession, engagement: Engagement, changes: Sequence[Change], foresaw: list[dict[str, Any]] | None
) -> list[dict[str, Any]] | None:
    """The list of sites that a customer's approval is under. Raises EditedMeanwhile where they were shown another one."""
    foreseen = foresee(session, engagement, changes)
    if foresaw is not None and foresaw != foreseen:
        raise EditedMeanwhile("The list of sites has changed since you read it. Look at it again, then approve it.")
    return foreseen


def _say_approval(session: AnySession, request: ChangeRequest, engagement: Engagement, side: Side, now: datetime) -> None:
    if request.state == RequestState.APPLIED:
        saying = Saying("applied", Audience.CUSTOMER, "is done", "Both sides approved it. What changed stands on its page.")
    elif side is Side.TEAM:
        ask = "An approver of the customer reads it, and approves or rejects it."
        saying = Saying("approved_by_team", Audience.CUSTOMER, "waits for your approval", ask)
    else:
        saying = Saying("approved_by_customer", Audience.INTERNAL, "is approved by the customer", "Approve or reject it.")
    _tell(session, request, engagement, saying, now)


def reject(
    session: AnySession, actor: Actor, request_id: UUID, reason: str, *, now: datetime, version: int | None = None
) -> ChangeRequest:
    """Say no for one's side, with a reason that the other side reads. Raises as `approve` does, and Invalid at `reason`."""
    request, engagement = _held(session, actor, request_id)
    actor.must(Permission.ANSWER)
    side = side_of(actor)
    if side is None:
        raise NotAllowed("A change request is rejected by an approver of the customer, or by the engagement's managers.")
    _check_version(request, version)
    said = _text("reason", reason)
    if not said:
        raise Invalid.at("reason", "Say why; the other side reads it.")
    _end(session, actor, request, RequestState.REJECTED, said, now)
    audience = Audience.CUSTOMER if side is Side.TEAM else Audience.INTERNAL
    _tell(session, request, engagement, Saying("rejected", audience, f"is rejected by {actor.name}", said), now)
    return request


def withdraw(
    session: AnySession, actor: Actor, request_id: UUID, note: str = "", *, now: datetime, version: int | None = None
) -> ChangeRequest:
    """Take a request back. Raises NotFound, NotAllowed, EditedMeanwhile, Guard once it is decided, Invalid at `note`."""
    request, _engagement = _held(session, actor, request_id)
    actor.must(Permission.ANSWER)
    if request.state in UNDECIDED_STATES and not may_withdraw(actor, request.state, request.raised_by):
        raise NotAllowed("Only who raised it and the engagement's managers take a change request back.")
    _check_version(request, version)
    _end(session, actor, request, RequestState.WITHDRAWN, _text("note", note), now)
    return request


def _end(session: AnySession, actor: Actor, request: ChangeRequest, state: RequestState, said: str, now: datetime) -> None:
    request.state = advance(REQUEST_LIFECYCLE, request.state, state)
    request.decided_by, request.decided_at, request.decision_reason = actor.person_id, now, said or None
    request.version += 1
    session.flush()
    _note(session, actor, request, state, said, now)


def _held(session: AnySession, actor: Actor, request_id: UUID) -> tuple[ChangeRequest, Engagement]:
    """The request and its engagement, both taken for this unit: two approvals of one request come one after the other."""
    request, engagement = requests.get_with_engagement(session, actor, request_id)
    if any(change["kind"] == "ps_hours" for change in request.changes):
        # A booking takes the pool, then perhaps the engagement to tell of a level: the same order here, or both wait.
        hold_pool(session, engagement.id)
    take(session, engagement)
    session.refresh(request, with_for_update={"key_share": True})
    return request, engagement


def _check_version(request: ChangeRequest, version: int | None) -> None:
    if version is not None and version != request.version:
        raise EditedMeanwhile


def _check_estimate(actor: Actor, minutes: int) -> None:
    if not actor.may(Permission.EDIT_ENGAGEMENT):
        raise NotAllowed("The engagement's managers say how much time a change takes. Leave the estimate out.")
    check_estimate(minutes)


def _read_edit(
    session: AnySession, actor: Actor, request: ChangeRequest, engagement: Engagement, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The columns that change. Raises Invalid at the field."""
    read: dict[str, Any] = {}
    if "title" in values:
        read["title"] = _line("title", values["title"] or "")
        if not read["title"]:
            raise Invalid.at("title", "Say in a few words what it is about.")
    if "reason" in values:
        read["reason"] = _text("reason", values["reason"] or "")
    if "estimate_minutes" in values and values["estimate_minutes"] != request.estimate_minutes:
        if values["estimate_minutes"] is None:
            raise Invalid.at("estimate_minutes", "An estimate is corrected, not taken away. Write 0 for no time at all.")
        _check_estimate(actor, values["estimate_minutes"])
        read["estimate_minutes"] = values["estimate_minutes"]
    if "changes" in values:
        reason = read.get("reason", request.reason)
        changes = read_changes(values["changes"] or (), reason, standing_of(session, engagement))
        read["changes"] = [plain(change) for change in changes]
    return {name: value for name, value in read.items() if value != getattr(request, name)}


def _line(name: str, text: str) -> str:
    try:
        return read_line(text, TITLE_LENGTH)
    except TextError as error:
        raise Invalid.at(name, str(error)) from None


def _text(name: str, text: str) -> str:
    try:
        return read_text(text, REASON_LENGTH)
    except TextError as error:
        raise Invalid.at(name, str(error)) from None


def _estimate_note(minutes: int | None) -> str:
    return "" if minutes is None else f"Estimated at {say_minutes(minutes)}."


def _note(session: AnySession, actor: Actor, request: ChangeRequest, what: str, note: str, now: datetime) -> None:
    """Write a step into the history both sides read, and into the audit trail."""
    assert actor.person_id is not None
    session.add(
        ChangeRequestStep(
            engagement_id=request.engagement_id, request_id=request.id, at=now, by=actor.person_id, what=what, note=note
        )
    )
    session.flush()
    payload = {"number": request.number, "version": request.version, "changes": request.changes, "note": note}
    audit.record(session, actor, request.engagement_id, f"change_request.{what}", ("change_request", request.id), payload)


@dataclass(frozen=True)
class Saying:
    """What is told to whom about a request."""

    occasion: str
    audience: Audience
    headline: str
    text: str


def _tell(session: AnySession, request: ChangeRequest, engagement: Engagement, saying: Saying, now: datetime) -> None:
    """Tell one side once for each version of the request that they are asked about."""
    facts = [("Engagement", engagement.name), ("About", request.title)]
    if request.estimate_minutes is not None:
        facts.append(("Estimate", say_minutes(request.estimate_minutes)))
    notice = Notice(
        key=f"change_request:{request.id}:{saying.occasion}:{request.version}",
        kind=f"change_request.{saying.occasion}",
        audience=saying.audience,
        headline=f"Change request {request.number} {saying.headline}",
        text=saying.text,
        facts=tuple(facts),
        path=f"/change-requests/{request.id}",
        due_at=now,
        useless_after=now + NOTICE_LIFE,
    )
    outbox.plan(session, engagement.id, [notice], channels_of(engagement), now)
