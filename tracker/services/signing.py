"""A customer approver's name under what was shown, and what it brings about. Use cases share it; no edge calls it."""

from datetime import datetime

from tracker.domain.access import Actor
from tracker.domain.errors import EditedMeanwhile, Guard
from tracker.domain.freeze import FreezeAnswer
from tracker.domain.notice import Audience
from tracker.domain.site import check_signable
from tracker.domain.uat import RoundState
from tracker.services import freezing, obligations, rounds
from tracker.services.planning import replan
from tracker.services.requirements_version import put_signature
from tracker.services.telling import tell
from tracker.store import freeze as freezes
from tracker.store import requirements
from tracker.store import uat as uat_rounds
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.requirements import Signature
from tracker.store.site import Site

# Keeps other edits waiting, but not those who only refer to the row, such as a booking.
AGAINST_EDITS = {"key_share": True}


def put_name(
    session: AnySession, actor: Actor, engagement: Engagement, site: Site | None, subject: str, digest: str, *, now: datetime
) -> Signature:
    """Sign; doing so twice changes nothing (BR-49). The caller has checked that the actor may, and whose the site is.

    `digest` is the hash of the requirements in force that was on the screen: where that has changed meanwhile,
    EditedMeanwhile is raised. Raises Guard where nothing is agreed, or where the site is not at that point.
    """
    # Two approvers, or one who presses twice, may sign at the same moment.
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    agreed = requirements.latest(session, engagement.id)
    if agreed is None:
        raise Guard(
            "There is nothing to sign: the requirements are not agreed yet.",
            rule="BR-08",
            missing=["requirements_agreed"],
        )
    if digest != agreed.hash:
        raise EditedMeanwhile("What you were shown has changed. Read it again before you sign.")
    stored = digest if site is None else f"{digest}:{site.id}"
    existing = requirements.signature(session, engagement.id, subject, stored)
    if existing is not None:
        return existing
    if site is not None:
        _hold_at(session, site, subject)
    assert actor.person_id is not None
    site_id = site.id if site else None
    signature = put_signature(session, actor, engagement.id, subject, stored, signed_by=actor.person_id, site_id=site_id, now=now)
    if site is not None:
        _follow(session, actor, engagement, site, subject, now)
    return signature


def _hold_at(session: AnySession, site: Site, subject: str) -> None:
    """Hold the site, so that it cannot go on while the signature is given. Raises Guard where it is not asked for."""
    session.refresh(site, with_for_update=AGAINST_EDITS)
    check_signable(site.name, site.stage, subject)


def _follow(session: AnySession, actor: Actor, engagement: Engagement, site: Site, subject: str, now: datetime) -> None:
    """What a signature for a site brings about: an answer to its freezes, the end of its UAT, a duty that is done."""
    evidence = f"Signed by {actor.name}."
    if subject == "freeze":
        for row in freezes.open_of_site(session, site.id):
            if row.freeze.answer is None:
                freezing.answer(session, actor, row.freeze, site, FreezeAnswer.FREEZE, now=now)
        obligations.complete_of_site(session, actor, site, "code-freeze", evidence, now=now)
    elif subject == "uat":
        _end_uat(session, actor, engagement, site, now)
        obligations.complete_of_site(session, actor, site, "uat", evidence, now=now)
    else:
        obligations.complete_of_site(session, actor, site, "dns-cutover", evidence, now=now)
    replan(session, engagement, now=now)


def _end_uat(session: AnySession, actor: Actor, engagement: Engagement, site: Site, now: datetime) -> None:
    last = uat_rounds.latest_round(session, site.id)
    if last is not None and last.state == RoundState.OPEN:
        rounds.close_round(session, actor, last, RoundState.SIGNED, None, now=now)
    tell(
        session,
        engagement,
        site,
        "uat.signed",
        f"{site.id}:{now.isoformat()}",
        f"UAT is signed by {actor.name}",
        "Team: the launch can be planned.",
        path=rounds.path_of(site.id),
        audience=Audience.INTERNAL,
        now=now,
    )
