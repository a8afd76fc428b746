"""The agreed list of sites, and the signatures under it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from tracker.api.operation import Api, Call, In, Out
from tracker.domain.access import Permission
from tracker.services import requirements as service
from tracker.store import engagement as engagements
from tracker.store import requirements
from tracker.store import site as sites
from tracker.store.requirements import Signature, document_digest

api = Api("requirements")


class SignatureOut(Out):
    id: UUID
    subject: str
    site_id: UUID | None
    hash: str
    signed_by: UUID
    signed_at: datetime


class RequirementsOut(Out):
    version: int
    hash: str
    sites: list[dict[str, Any]]
    agreed_at: datetime | None
    signature: SignatureOut | None


class SignatureIn(In):
    subject: str
    hash: str
    site_id: UUID | None = None


def signature_out(signature: Signature | None) -> SignatureOut | None:
    if signature is None:
        return None
    return SignatureOut(
        id=signature.id,
        subject=signature.subject,
        site_id=signature.site_id,
        hash=signature.hash.split(":")[0],
        signed_by=signature.signed_by,
        signed_at=signature.signed_at,
    )


def requirements_out(call: Call, engagement_id: UUID) -> RequirementsOut:
    """The version in force; before any was agreed, version 0: what would be agreed now."""
    agreed = requirements.latest(call.session, engagement_id)
    if agreed is None:
        engagement = engagements.get(call.session, call.actor, engagement_id)
        document = service.document_of(engagement, sites.of_engagement(call.session, engagement_id), 1)
        return RequirementsOut(version=0, hash=document_digest(document), sites=document["sites"], agreed_at=None, signature=None)
    signed = requirements.signature(call.session, engagement_id, "requirements", agreed.hash)
    return RequirementsOut(
        version=agreed.version,
        hash=agreed.hash,
        sites=agreed.document["sites"],
        agreed_at=agreed.agreed_at,
        signature=signature_out(signed),
    )


@api.get("/engagements/<uuid:engagement_id>/requirements", Permission.SEE_ENGAGEMENTS)
def get_requirements(call: Call, engagement_id: UUID) -> RequirementsOut:
    """The agreed requirements with the hash that is signed."""
    return requirements_out(call, engagement_id)


@api.post("/engagements/<uuid:engagement_id>/requirements/agree", Permission.EDIT_ENGAGEMENT)
def agree_requirements(call: Call, engagement_id: UUID) -> RequirementsOut:
    """Lock the list of sites as a version. Staff agree; a customer approver signs separately."""
    service.agree_requirements(call.session, call.actor, engagement_id, now=call.now)
    return requirements_out(call, engagement_id)


@api.post("/engagements/<uuid:engagement_id>/signatures", Permission.SIGN)
def sign(call: Call, engagement_id: UUID, body: SignatureIn) -> SignatureOut:
    """Sign what was shown, by its hash. Another hash than the one in force answers 409 `edited_meanwhile`."""
    given = service.sign(call.session, call.actor, engagement_id, body.subject, body.hash, site_id=body.site_id, now=call.now)
    shown = signature_out(given)
    assert shown is not None
    return shown
