"""Writes a version of the project requirements. Agreeing and change requests share it; no edge calls it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.domain.access import Actor
from tracker.domain.budget import entitled
from tracker.domain.errors import Guard
from tracker.store import audit
from tracker.store import site as sites
from tracker.store.database import AnySession
from tracker.store.engagement import Engagement
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.site import Site


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


def write_version(
    session: AnySession, actor: Actor, engagement: Engagement, *, agreed_by: UUID, now: datetime
) -> ProjectRequirements:
    """Lock the list of sites, as it stands, as the next version; a site that is new on it may be worked on from now on.

    The engagement's row is held by the caller. Raises Guard where no site is listed (BR-01).
    """
    version = engagement.requirements_version + 1
    listed = sites.of_engagement(session, engagement.id)
    document = document_of(engagement, listed, version)
    if not document["sites"]:
        raise Guard("List at least one site before the requirements are agreed.", rule="BR-01", missing=["sites"])
    agreed = ProjectRequirements(
        engagement_id=engagement.id,
        version=version,
        document=document,
        hash=document_digest(document),
        agreed_at=now,
        agreed_by=agreed_by,
    )
    session.add(agreed)
    for site in listed:
        if site.stage != "withdrawn" and site.listed_in_version is None:
            site.listed_in_version = version
            site.version += 1
    engagement.requirements_version, engagement.unsigned_since = version, now
    engagement.version += 1
    session.flush()
    about = ("requirements", agreed.id)
    audit.record(session, actor, engagement.id, "requirements.agreed", about, {"version": version, "hash": agreed.hash})
    return agreed


def put_signature(
    session: AnySession,
    actor: Actor,
    engagement_id: UUID,
    subject: str,
    digest: str,
    *,
    signed_by: UUID,
    now: datetime,
    site_id: UUID | None = None,
) -> Signature:
    """Put an approver's name under what has a hash; that they saw it has been checked by the caller."""
    signature = Signature(
        engagement_id=engagement_id,
        site_id=site_id,
        subject=subject,
        hash=digest,
        signed_by=signed_by,
        signed_at=now,
    )
    session.add(signature)
    if subject == "requirements":
        session.get_one(Engagement, engagement_id).unsigned_since = None
    session.flush()
    about = ("signature", signature.id)
    audit.record(session, actor, engagement_id, "signature.given", about, {"subject": subject, "hash": digest})
    return signature
