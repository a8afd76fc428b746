"""Hand engagements over from one person to another: lead, assignment, and the open things that they own."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tracker.domain.access import MANAGERS, STAFF, Actor, Permission
from tracker.domain.errors import Invalid, NotAllowed
from tracker.domain.text import TextError, read_text
from tracker.services.planning import replan, take
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import handover as handovers
from tracker.store import person as people
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement, Member
from tracker.store.person import Person

REASON_LENGTH = 500
AGAINST_EDITS = {"key_share": True}


@dataclass(frozen=True)
class HandOver:
    """From whom, to whom, which engagements, and why."""

    from_id: UUID
    to_id: UUID
    engagement_ids: Collection[UUID]
    reason: str


def hand_over(session: AnySession, actor: Actor, said: HandOver, *, now: datetime) -> list[Engagement]:
    """Move lead and assignment, and the open dates, questions and risks of the person, in all of the engagements or none.

    One's own as a manager, anybody's as an administrator. Both stay in the history of each engagement. Raises NotAllowed,
    NotFound, and Invalid at `to`, `engagement_ids` or `reason`.
    """
    check_may(actor, said.from_id)
    person, successor = people.get(session, said.from_id), _successor(session, said)
    reason = _read_reason(said.reason)
    if not said.engagement_ids:
        raise Invalid.at("engagement_ids", "Choose at least one engagement.")
    done = []
    for engagement_id in sorted(set(said.engagement_ids)):
        engagement = engagements.get(session, actor, engagement_id)
        take(session, engagement)
        _pass(session, actor, engagement, person, successor, reason, now)
        replan(session, engagement, now=now)
        done.append(engagement)
    return done


def check_may(actor: Actor, from_id: UUID) -> None:
    """Raises NotAllowed for somebody else's engagements, but for administrators."""
    actor.must(Permission.EDIT_ENGAGEMENT)
    if actor.only_engagement_id is not None:
        raise NotAllowed("This token is for one engagement only.")
    if from_id != actor.person_id:
        actor.must(Permission.MANAGE_PEOPLE)


def _successor(session: AnySession, said: HandOver) -> Person:
    """Held, so that nobody deactivates them at the same moment."""
    successor = session.get(Person, said.to_id)
    if successor is None or successor.id == said.from_id:
        raise Invalid.at("to", "Choose somebody else of the staff.")
    session.refresh(successor, with_for_update=AGAINST_EDITS)
    if successor.role not in STAFF or successor.deactivated_at is not None:
        raise Invalid.at("to", "Only active members of the staff take engagements over.")
    return successor


def _read_reason(text: str) -> str:
    try:
        reason = read_text(text, REASON_LENGTH)
    except TextError as error:
        raise Invalid.at("reason", error.message) from None
    if not reason:
        raise Invalid.at("reason", "Say why; it stands in the history of each engagement.")
    return reason


def _pass(
    session: AnySession,
    actor: Actor,
    engagement: Engagement,
    person: Person,
    successor: Person,
    reason: str,
    now: datetime,
) -> None:
    leads, member = engagement.manager_id == person.id, engagements.active_member(session, engagement.id, person.id)
    if not leads and member is None:
        raise Invalid.at("engagement_ids", f"{person.name} does not work on {engagement.name} any more. Look at the list again.")
    if leads and successor.role not in MANAGERS:
        raise Invalid.at("to", f"{person.name} leads {engagement.name}. Choose an engagement manager or an administrator.")
    if leads:
        engagement.manager_id = successor.id
        engagement.version += 1
    if member is not None:
        member.left_at = now
        if engagements.active_member(session, engagement.id, successor.id) is None:
            session.add(Member(engagement_id=engagement.id, person_id=successor.id, joined_at=now))
    session.flush()
    moved = handovers.pass_on(session, engagement.id, person.id, successor.id)
    payload = {"from": person.name, "to": successor.name, "leads": leads, "assigned": member is not None, "reason": reason}
    audit.record(session, actor, engagement.id, "engagement.handed_over", ("engagement", engagement.id), payload | moved)
