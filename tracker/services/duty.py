"""What the customer has to do: done, waived, whose it is and by when."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import Dates
from tracker.domain.duty import DUTIES, DutyState
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.text import TextError, read_text
from tracker.services import dating, freezing, obligations
from tracker.services.planning import replan, take
from tracker.store import audit
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store import engagement as engagements
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.duty import Duty, DutyRow
from tracker.store.engagement import Engagement

EVIDENCE_LENGTH = 4000
UNTOLD = "Said so by {name}."


@dataclass(frozen=True)
class DutyChange:
    """What is to change about a duty; what is not named in `said` stays. `reason` is for a waiver or a moved date."""

    version: int | None
    said: frozenset[str]
    state: DutyState | None = None
    evidence: str | None = None
    owner_id: UUID | None = None
    due_on: date | None = None
    reason: str | None = None
    override_reason: str | None = None


def change_duty(session: AnySession, actor: Actor, duty_id: UUID, change: DutyChange, *, now: datetime) -> DutyRow:
    """Complete a duty, waive it, open it again, or say whose it is and by when.

    Only an approver of the customer completes it; managers do the rest. Raises NotFound, NotAllowed, EditedMeanwhile,
    Guard for a duty that something else completes, and Invalid at the field.
    """
    row = duties.get(session, actor, duty_id)
    duty = row.duty
    engagement = engagements.get(session, actor, duty.engagement_id)
    take(session, engagement)
    session.refresh(duty)
    _check_permitted(actor, duty, change)
    if change.version is not None and change.version != duty.version:
        raise EditedMeanwhile
    if "owner_id" in change.said:
        _assign(session, actor, duty, engagement, change.owner_id)
    if "due_on" in change.said:
        _set_due(session, actor, duty, engagement, change, now)
    if "state" in change.said:
        _put_state(session, actor, duty, change, now)
    elif "evidence" in change.said:
        duty.evidence = _read_evidence(change.evidence) or duty.evidence
        duty.version += 1
        obligations.record(session, actor, duty)
    session.flush()
    replan(session, engagement, now=now)
    return duties.get(session, actor, duty_id)


def _check_permitted(actor: Actor, duty: Duty, change: DutyChange) -> None:
    """Completing is the customer's alone; so is taking one's own word back. All else is the managers'."""
    may_edit, may_complete = actor.may(Permission.EDIT_ENGAGEMENT), actor.may(Permission.COMPLETE_OWN_DUTY)
    own_word = may_complete and duty.state == DutyState.DONE and duty.done_by == actor.person_id
    if change.said & {"owner_id", "due_on"} and not may_edit:
        raise NotAllowed
    if "state" not in change.said:
        if "evidence" in change.said and not may_complete:
            raise NotAllowed
    elif change.state == DutyState.DONE and not may_complete:
        instead = " You can mark its date as received instead." if may_edit else ""
        raise NotAllowed(f"An approver of the customer completes this.{instead}")
    elif change.state != DutyState.DONE and not may_edit and not (own_word and change.state == DutyState.OPEN):
        raise NotAllowed


def _assign(session: AnySession, actor: Actor, duty: Duty, engagement: Engagement, owner_id: UUID | None) -> None:
    """Give a duty to somebody of the customer; the reminders of its date mention them."""
    if owner_id is not None and owner_id not in {each.id for each in people.active_of_customer(session, engagement.customer_id)}:
        raise Invalid.at("owner_id", "Choose somebody of this customer who can still sign in.")
    if owner_id == duty.owner_id:
        return
    duty.owner_id = owner_id
    duty.version += 1
    if duty.deadline_id is not None:
        deadline = deadlines.get(session, actor, duty.deadline_id)
        deadline.owner_id = owner_id
        deadline.version += 1
    audit.record(
        session, actor, duty.engagement_id, "duty.assigned", ("duty", duty.id), {"kind": duty.kind, "owner_id": owner_id}
    )


def _set_due(session: AnySession, actor: Actor, duty: Duty, engagement: Engagement, change: DutyChange, now: datetime) -> None:
    """Set the date on which a duty hangs, or move it with a reason."""
    if change.due_on is None:
        raise Invalid.at("due_on", "A date cannot be emptied. Waive the duty if nothing has to be done.")
    kind, asked = DUTIES[duty.kind].deadline, Dates(due_on=change.due_on)
    reason = dating.read("reason", change.reason)
    existing = deadlines.one(session, engagement.id, duty.site_id, kind)
    if existing is None:
        made = dating.enter(
            session, actor, engagement, kind, asked, site_id=duty.site_id, reason=reason, owner_id=duty.owner_id, now=now
        )
        duty.deadline_id = made.id
    elif existing.dates.due_on != change.due_on:
        dating.move(session, actor, engagement, existing, asked, reason, override_reason=change.override_reason, now=now)
        existing.version += 1
        session.flush()
        audit.record(session, actor, engagement.id, "deadline.changed", ("deadline", existing.id), dating.say(existing))
    else:
        return
    duty.version += 1


def _put_state(session: AnySession, actor: Actor, duty: Duty, change: DutyChange, now: datetime) -> None:
    if change.state == duty.state:
        return
    if change.state == DutyState.DONE:
        completed_by = DUTIES[duty.kind].completed_by
        if completed_by is not None:
            raise Guard(f"“{duty.title}” is completed by {completed_by}. Give that instead.", rule="BR-49", missing=[duty.kind])
        evidence = _read_evidence(change.evidence) or UNTOLD.format(name=actor.name)
        obligations.complete(session, actor, duty, evidence, now=now)
    elif change.state == DutyState.WAIVED:
        if duty.state == DutyState.DONE:
            raise Guard("This is done; there is nothing to waive.", rule="order", missing=["open"])
        obligations.waive(session, actor, duty, freezing.read("reason", change.reason))
    else:
        obligations.open_again(session, actor, duty)


def _read_evidence(text: str | None) -> str:
    """Tidy what proves it. Raises Invalid at `evidence`, also for what looks like a credential."""
    try:
        return read_text(text or "", EVIDENCE_LENGTH)
    except TextError as error:
        raise Invalid.at("evidence", error.message) from None
