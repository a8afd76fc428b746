"""Decide scope items by hand, propose decisions, note how far the work is, and add items of one's own."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, FieldError, Invalid, NotAllowed
from tracker.domain.scope import OWN_CATEGORY, Decision, WorkState, about, check_work
from tracker.domain.text import TextError, read_line, read_text
from tracker.services.scoping import catalogue_of, consider, hold
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import scope as scopes
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.scope import ScopeItem

TITLE_LENGTH, CLAUSE_LENGTH, TEXT_LENGTH = 200, 500, 2000
# What managers decide; the rest is also for who does the work.
DECIDING = ("decision", "clause", "by_rule")
READERS = {"clause": (read_line, CLAUSE_LENGTH)}
TOLD = (
    "decision", "reason", "clause", "by_rule", "work_state", "work_reason", "evidence", "proposed_decision", "proposed_reason",
)  # fmt: skip
PROPOSE = "Managers decide the scope. Propose a decision instead."
WHY_DECIDED = "Say why; the customer reads it."


@dataclass(frozen=True)
class ItemChange:
    """What is to change about an item; what is not named stays.

    `reason` says why, for whichever of decision and work state it comes with. `by_rule` lets the rules decide again.
    """

    values: dict[str, Any]
    version: int | None = None


def change_item(session: AnySession, actor: Actor, scope_item_id: UUID, change: ItemChange, *, now: datetime) -> ScopeItem:
    """Decide an item, propose how to, or note the work on it.

    Raises NotFound, NotAllowed, EditedMeanwhile, and Invalid at the field.
    """
    item, engagement = scopes.get(session, actor, scope_item_id)
    actor.must(Permission.WORK_ON_SITES)
    if set(change.values) & set(DECIDING) and not actor.may(Permission.EDIT_ENGAGEMENT):
        raise NotAllowed(PROPOSE)
    if set(change.values) == {"reason"} and not actor.may(Permission.EDIT_ENGAGEMENT):
        raise NotAllowed(PROPOSE)
    hold(session, engagement, item)
    if change.version is not None and change.version != item.version:
        raise EditedMeanwhile
    values = _read(change.values)
    if not values:
        return item
    before = _say(item)
    if values.get("by_rule"):
        _hand_back(session, item, engagement, actor, now)
    else:
        _decide(item, values, actor, now)
    _propose(item, values, actor)
    _work(session, item, values)
    item.version += 1
    session.flush()
    changed = {name: value for name, value in _say(item).items() if value != before[name]}
    audit.record(session, actor, item.engagement_id, "scope.changed", ("scope_item", item.id), {"item": item.item} | changed)
    return item


def _read(values: dict[str, Any]) -> dict[str, Any]:
    """What was entered as it is stored. Raises Invalid naming every field that cannot stand."""
    errors: list[FieldError] = []
    read = dict(values)
    for field, known in (("decision", Decision), ("proposed_decision", Decision), ("work_state", WorkState)):
        if values.get(field) is not None and values[field] not in set(known):
            errors.append(FieldError(field, f"Choose one of: {', '.join(known)}."))
    for field in ("reason", "clause", "evidence", "proposed_reason", "work_reason"):
        if values.get(field) is not None:
            reader, longest = READERS.get(field, (read_text, TEXT_LENGTH))
            try:
                read[field] = reader(values[field], longest)
            except TextError as error:
                errors.append(FieldError(field, error.message))
    emptied = [field for field in ("decision", "work_state") if values.get(field, "") is None]
    errors += [FieldError(field, "This cannot be emptied.") for field in emptied]
    if errors:
        raise Invalid(errors)
    return read


def _decide(item: ScopeItem, values: dict[str, Any], actor: Actor, now: datetime) -> None:
    """A decision by hand, with a reason; the rules leave the item alone from then on."""
    decision, reason = values.get("decision", item.decision), values.get("reason")
    if values.get("clause"):
        item.clause = values["clause"]
    taken_up = item.proposed_decision is not None and decision == item.proposed_decision
    if decision == item.decision:
        # A manager may put the reason in other words; with a state of work the reason is about the work.
        about_work = "work_state" in values and "work_reason" not in values
        if not reason or reason == item.reason or about_work or not actor.may(Permission.EDIT_ENGAGEMENT):
            return
    elif not reason and not taken_up:
        raise Invalid.at("reason", WHY_DECIDED)
    item.decision, item.reason = decision, reason or item.proposed_reason or item.reason
    item.by_rule, item.decided_by, item.decided_at = False, actor.person_id, now
    item.proposed_decision = item.proposed_reason = item.proposed_by = None
    item.route = "ps-hours" if decision == Decision.PS else item.route if decision == Decision.OUT_OF_SCOPE else None


def _propose(item: ScopeItem, values: dict[str, Any], actor: Actor) -> None:
    """What somebody would decide, until a manager takes it up; null takes it back or declines it."""
    if "proposed_decision" not in values:
        return
    proposed, reason = values["proposed_decision"], values.get("proposed_reason") or values.get("reason")
    if proposed is None:
        item.proposed_decision = item.proposed_reason = item.proposed_by = None
        return
    if (proposed, reason) == (item.proposed_decision, item.proposed_reason):
        return
    if not reason:
        raise Invalid.at("proposed_reason", "Say why you would decide so.")
    item.proposed_decision, item.proposed_reason, item.proposed_by = proposed, reason, actor.person_id


def _work(session: AnySession, item: ScopeItem, values: dict[str, Any]) -> None:
    """How far the work is: done with its proof, left out with a reason."""
    state = values.get("work_state", item.work_state)
    evidence: str = item.evidence if values.get("evidence") is None else values["evidence"]
    moved = state != item.work_state
    named = "work_reason" in values
    reason = values["work_reason"] if named else values.get("reason") or (None if moved else item.work_reason)
    asked = about(catalogue_of(session, item.engagement_id), item.item).verification
    if errors := check_work(state, evidence=evidence, reason=reason, verification=asked):
        raise Invalid([FieldError("work_reason", each.message) if named and each.field == "reason" else each for each in errors])
    item.work_state, item.evidence = state, evidence
    item.work_reason = reason if state in (WorkState.WAIVED, WorkState.NOT_NEEDED) else None


def _hand_back(session: AnySession, item: ScopeItem, engagement: Engagement, actor: Actor, now: datetime) -> None:
    """Let the rules decide again what somebody had decided by hand."""
    if item.category == OWN_CATEGORY or item.site_id is None:
        raise Invalid.at("by_rule", "No rule decides this item.")
    item.by_rule = True
    session.flush()
    consider(session, engagement, sites.get(session, actor, item.site_id), now=now)


@dataclass(frozen=True)
class OwnItem:
    """A thing that is not in the catalogue, such as a change to S3 that PS hours pay for."""

    title: str
    decision: str
    reason: str
    clause: str = ""
    site_id: UUID | None = None
    due_before: str = "uat"


def add_item(session: AnySession, actor: Actor, engagement_id: UUID, own: OwnItem, *, now: datetime) -> ScopeItem:
    """Put a thing of one's own into the scope of a site or of the engagement as a whole.

    Raises NotFound, NotAllowed, and Invalid at the field.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    hold(session, engagement)
    values = _read({"decision": own.decision, "reason": own.reason, "clause": own.clause})
    title = _title(own.title)
    if not values["reason"]:
        raise Invalid.at("reason", WHY_DECIDED)
    if own.due_before not in ("uat", "launch"):
        raise Invalid.at("due_before", "Choose one of: uat, launch.")
    if own.site_id is not None and sites.get(session, actor, own.site_id).engagement_id != engagement_id:
        raise Invalid.at("site_id", "That site belongs to another engagement.")
    item = ScopeItem(
        engagement_id=engagement_id,
        site_id=own.site_id,
        item=_slug(title, scopes.slugs_of(session, engagement_id, own.site_id)),
        title=title,
        category=OWN_CATEGORY,
        decision=values["decision"],
        clause=values["clause"] or "Agreed in this engagement",
        source="own",
        route="ps-hours" if own.decision == Decision.PS else None,
        reason=values["reason"],
        by_rule=False,
        decided_by=actor.person_id,
        decided_at=now,
        due_before=own.due_before,
        created_at=now,
    )
    session.add(item)
    session.flush()
    said = {"title": title, "decision": item.decision, "site_id": own.site_id}
    audit.record(session, actor, engagement_id, "scope.added", ("scope_item", item.id), said)
    return item


def _title(text: str) -> str:
    try:
        title = read_line(text, TITLE_LENGTH)
    except TextError as error:
        raise Invalid.at("title", error.message) from None
    if not title:
        raise Invalid.at("title", "Name the item.")
    return title


def _slug(title: str, taken: Any) -> str:
    """A name for an item among the others: own ones begin alike, so that none is taken for one of the catalogue."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:60] or "item"
    number, slug = 1, f"own-{plain}"
    while slug in taken:
        number += 1
        slug = f"own-{plain}-{number}"
    return slug


def _say(item: ScopeItem) -> dict[str, object]:
    return {name: getattr(item, name) for name in TOLD}
