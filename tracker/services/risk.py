"""Raise, change and close risks. The team does; customers read those that are for them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.deadline import check_day
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid
from tracker.domain.text import TextError, read_line, read_text
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import risk as risks
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.risk import AUDIENCES, SEVERITIES, STATES, Risk

TITLE_LENGTH, TEXT_LENGTH = 200, 2000
CHOICES = {"severity": SEVERITIES, "audience": AUDIENCES, "state": STATES}
NEVER_EMPTY = {
    "title": "Name the risk.",
    "severity": "Choose how grave it is.",
    "audience": "Choose who reads it.",
    "mitigation": "Say what is done about it.",
    "state": "Choose open or closed.",
}
NOBODY = "Choose somebody who works on this engagement, or nobody."
# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class RiskSpec:
    """A risk as it is raised."""

    title: str
    mitigation: str
    severity: str = "warns"
    audience: str = "internal"
    site_id: UUID | None = None
    owner_id: UUID | None = None
    due_on: date | None = None


def raise_risk(session: AnySession, actor: Actor, engagement_id: UUID, spec: RiskSpec, *, now: datetime) -> Risk:
    """Note something that may move a date or cost hours. Raises NotFound, NotAllowed, and Invalid at the field."""
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.WORK_ON_SITES)
    if spec.site_id is not None and sites.get(session, actor, spec.site_id).engagement_id != engagement_id:
        raise Invalid.at("site_id", "That site belongs to another engagement.")
    values = _read(session, engagement, {**vars(spec)})
    risk = Risk(engagement_id=engagement_id, raised_by=actor.person_id, raised_at=now, state="open", **values)
    session.add(risk)
    session.flush()
    audit.record(session, actor, engagement_id, "risk.raised", ("risk", risk.id), _say(risk))
    return risk


@dataclass(frozen=True)
class RiskChange:
    """What is to change of a risk; what is not named stays. Closing one says how it came out."""

    values: dict[str, Any]
    version: int | None = None


def change_risk(session: AnySession, actor: Actor, risk_id: UUID, change: RiskChange, *, now: datetime) -> Risk:
    """Change, close or open a risk again. Raises NotFound, NotAllowed, EditedMeanwhile, and Invalid at the field."""
    risk, engagement = risks.get(session, actor, risk_id)
    actor.must(Permission.WORK_ON_SITES)
    session.refresh(risk, with_for_update=AGAINST_EDITS)
    if change.version is not None and change.version != risk.version:
        raise EditedMeanwhile
    values = _read(session, engagement, change.values)
    if not values:
        return risk
    for name, value in values.items():
        setattr(risk, name, value)
    if risk.state == "closed":
        if not risk.outcome:
            raise Invalid.at("outcome", "Say how it came out.")
        risk.closed_at = risk.closed_at or now
    else:
        risk.closed_at = risk.outcome = None
    risk.version += 1
    session.flush()
    audit.record(session, actor, risk.engagement_id, "risk.changed", ("risk", risk.id), _say(risk))
    return risk


def _read(session: AnySession, engagement: Engagement, values: dict[str, Any]) -> dict[str, Any]:
    """What was entered as it is stored. Raises Invalid naming every field that cannot stand."""
    read, errors = dict(values), list[FieldError]()
    for field in ("title", "mitigation", "outcome"):
        if values.get(field) is not None:
            try:
                read[field] = (
                    read_line(values[field], TITLE_LENGTH) if field == "title" else read_text(values[field], TEXT_LENGTH)
                )
            except TextError as error:
                errors.append(FieldError(field, error.message))
    errors += [FieldError(field, said) for field, said in NEVER_EMPTY.items() if field in read and not read[field]]
    errors += [
        FieldError(field, f"Choose one of: {', '.join(known)}.")
        for field, known in CHOICES.items()
        if read.get(field) and read[field] not in known
    ]
    owner = values.get("owner_id")
    if owner is not None and engagements.somebody_on(session, engagement, owner) is None:
        errors.append(FieldError("owner_id", NOBODY))
    if errors:
        raise Invalid(errors)
    check_day("due_on", values.get("due_on"))
    return read


def _say(risk: Risk) -> dict[str, object]:
    names = ("title", "severity", "audience", "mitigation", "owner_id", "due_on", "state", "outcome")
    return {name: getattr(risk, name) for name in names}
