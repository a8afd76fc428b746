"""Agree on the project requirements, and sign what was agreed."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.budget import entitled
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid
from tracker.services.planning import replan
from tracker.services.signing import AGAINST_EDITS, put_name
from tracker.store import audit
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.site import Site

SUBJECTS = ("requirements", "freeze", "uat", "cutover")


def document_of(engagement: Engagement, listed: list[Site], version: int) -> dict[str, Any]:
    """The requirements as they are shown, agreed and signed: the exact list of sites and what each one gets."""
    return {
        "engagement": engagement.name,
        "version": version,
        "sites": [
            {
                "id": str(site.id),
                "name": site.name,
                "url": site.url,
                "cms": site.cms,
                "package": site.package,
                "premium_option": site.premium_option,
                "multisite_decision": site.multisite_decision,
                "budgets": {kind.value: minutes for kind, minutes in entitled(site.package, site.premium_option).items()},
            }
            for site in listed
            if site.stage != "withdrawn"
        ],
    }


def agree_requirements(
    session: AnySession, actor: Actor, engagement_id: UUID, *, now: datetime, digest: str | None = None
) -> ProjectRequirements:
    """Lock the list of sites as a version (reading 9). Later changes come by change request (BR-47).

    `digest` is the hash of the list that was on the screen: where that has changed meanwhile, EditedMeanwhile is raised.
    Raises NotFound, NotAllowed, Guard where they are agreed already or no site is listed.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.EDIT_ENGAGEMENT)
    session.refresh(engagement, with_for_update=AGAINST_EDITS)
    if engagement.requirements_version > 0:
        raise Guard("The requirements are agreed already. A change to them is made by change request.", rule="BR-47")
    listed = sites.of_engagement(session, engagement_id)
    document = document_of(engagement, listed, 1)
    if not document["sites"]:
        raise Guard("List at least one site before the requirements are agreed.", rule="BR-01", missing=["sites"])
    if digest is not None and digest != document_digest(document):
        raise EditedMeanwhile("The list of sites has changed since you read it. Look at it again, then agree it.")
    assert actor.person_id is not None
    agreed = ProjectRequirements(
        engagement_id=engagement_id,
        version=1,
        document=document,
        hash=document_digest(document),
        agreed_at=now,
        agreed_by=actor.person_id,
    )
    session.add(agreed)
    for site in listed:
        if site.stage != "withdrawn":
            site.listed_in_version = 1
            site.version += 1
    engagement.requirements_version = 1
    engagement.version += 1
    session.flush()
    audit.record(
        session,
        actor,
        engagement_id,
        "requirements.agreed",
        ("requirements", agreed.id),
        {"version": 1, "hash": agreed.hash},
    )
    replan(session, engagement, now=now)
    return agreed


def sign(
    session: AnySession,
    actor: Actor,
    engagement_id: UUID,
    subject: str,
    digest: str,
    *,
    now: datetime,
    site_id: UUID | None = None,
) -> Signature:
    """Put a customer approver's name under what was shown; doing so twice changes nothing (BR-49).

    `digest` is the hash of what was on the screen: where that has changed meanwhile, EditedMeanwhile is raised.
    For freeze, UAT and cutover it is the hash of the requirements in force, and the site is named.
    """
    engagement = engagements.get(session, actor, engagement_id)
    actor.must(Permission.SIGN)
    if subject not in SUBJECTS:
        raise Invalid.at("subject", f"Choose one of: {', '.join(SUBJECTS)}.")
    site: Site | None = None
    if subject == "requirements":
        if site_id is not None:
            raise Invalid.at("site_id", "The requirements are signed for all sites at once. Leave the site out.")
    elif (site := sites.get(session, actor, site_id) if site_id else None) is None or site.engagement_id != engagement_id:
        raise Invalid.at("site_id", "Say which site of this engagement is signed for.")
    return put_name(session, actor, engagement, site, subject, digest, now=now)
