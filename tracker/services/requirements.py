"""Agree on the project requirements, and sign what was agreed."""

from datetime import datetime
from uuid import UUID

from tracker.domain.access import Actor, Permission
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid
from tracker.services.planning import replan
from tracker.services.requirements_version import document_of as document_of
from tracker.services.requirements_version import write_version
from tracker.services.signing import AGAINST_EDITS, put_name
from tracker.store import engagement as engagements
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.site import Site

SUBJECTS = ("requirements", "freeze", "uat", "cutover")


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
    document = document_of(engagement, sites.of_engagement(session, engagement_id), 1)
    if digest is not None and document["sites"] and digest != document_digest(document):
        raise EditedMeanwhile("The list of sites has changed since you read it. Look at it again, then agree it.")
    assert actor.person_id is not None
    agreed = write_version(session, actor, engagement, agreed_by=actor.person_id, now=now)
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
