"""Opens and closes rounds of UAT as a site moves and as the customer speaks. Use cases share it; no edge calls it."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.notice import Audience
from tracker.domain.uat import RoundState
from tracker.services.telling import tell
from tracker.store import audit, requirements
from tracker.store import uat as rounds
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.site import Site
from tracker.store.uat import UatRound


def open_round(session: AnySession, actor: Actor, site: Site, engagement: Engagement, *, now: datetime) -> UatRound | None:
    """The round that is open while a site is in UAT, made where there is none; the testers of the last one test again.

    None where the test is signed already: there is nothing left to test.
    """
    last = rounds.latest_round(session, site.id)
    if last is not None and last.state == RoundState.OPEN:
        return last
    if "uat" in requirements.signed_subjects(session, engagement.id, site.id):
        return None
    made = UatRound(
        engagement_id=engagement.id,
        site_id=site.id,
        number=last.number + 1 if last else 1,
        state=RoundState.OPEN,
        testers=list(last.testers) if last else [],
        opened_at=now,
    )
    session.add(made)
    session.flush()
    audit.record(session, actor, engagement.id, "uat.opened", ("uat_round", made.id), {"site_id": site.id, "number": made.number})
    tell(
        session,
        engagement,
        site,
        "uat.opened",
        f"{made.id}",
        f"round {made.number} of UAT is open",
        "Customer: test the site, report what is wrong, and have an approver sign or say what is missing.",
        path=path_of(site.id),
        audience=Audience.CUSTOMER,
        now=now,
    )
    return made


def close_round(
    session: AnySession, actor: Actor, closed: UatRound, state: RoundState, reason: str | None, *, now: datetime
) -> None:
    """A round has ended: signed, rejected, or lapsed."""
    closed.state, closed.closed_at, closed.closed_by, closed.reason = state, now, actor.person_id, reason
    closed.version += 1
    session.flush()
    said = {"site_id": closed.site_id, "number": closed.number, "reason": reason}
    audit.record(session, actor, closed.engagement_id, f"uat.{state}", ("uat_round", closed.id), said)


def path_of(site_id: UUID) -> str:
    """The page on which a site's UAT stands."""
    return f"/sites/{site_id}/uat#rounds"
