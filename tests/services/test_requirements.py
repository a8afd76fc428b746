"""Agreeing on the requirements, and signing them."""

from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, actor, agree, make_engagement, make_person, make_site
from tracker.domain.access import Actor, Role
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed, NotFound
from tracker.services import requirements as service
from tracker.store.database import db
from tracker.store.engagement import Engagement
from tracker.store.requirements import ProjectRequirements, Signature, document_digest
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


def sign(who: Actor, engagement: Engagement, subject: str, digest: str, **over: Any) -> Signature:
    with transaction(db.session, now=NOW):
        return service.sign(db.session, who, engagement.id, subject, digest, now=NOW, **over)


@pytest.fixture
def engagement(app: object) -> Engagement:
    return make_engagement()


@pytest.fixture
def agreed(engagement: Engagement) -> ProjectRequirements:
    """The requirements of the engagement, with one site in them."""
    make_site(engagement)
    return agree(engagement)


@pytest.fixture
def approver(app: object) -> Actor:
    return actor(make_person(Role.CUSTOMER_APPROVER))


def test_the_agreed_document_says_what_each_site_gets_and_its_hash_is_over_all_of_it(engagement: Engagement) -> None:
    make_site(engagement, name="Shop", package="premium", premium_option="extra-hours-10")
    agreed = agree(engagement)
    (site,) = agreed.document["sites"]
    assert (site["name"], site["budgets"]) == ("Shop", {"known_incompatibility": 300, "premium_extra": 600})
    assert agreed.hash == document_digest(agreed.document)
    assert document_digest(agreed.document | {"version": 2}) != agreed.hash


def test_requirements_are_agreed_once_and_not_without_a_site(engagement: Engagement) -> None:
    with pytest.raises(Guard, match="at least one site"):
        agree(engagement)
    make_site(engagement)
    agree(engagement)
    with pytest.raises(Guard, match="agreed already") as refused:
        agree(engagement)
    assert refused.value.rule == "BR-47"
    assert db.session.scalars(sa.select(Site.listed_in_version)).all() == [1]


def test_staff_agree_and_an_approver_of_the_customer_signs(
    engagement: Engagement, agreed: ProjectRequirements, approver: Actor
) -> None:
    for role, error in ((Role.ADMIN, NotAllowed), (Role.CUSTOMER_VIEWER, NotAllowed), (Role.ENGINEER, NotFound)):
        with pytest.raises(error):
            sign(actor(make_person(role)), engagement, "requirements", agreed.hash)
    with pytest.raises(NotFound):
        sign(actor(make_person(Role.CUSTOMER_APPROVER, customer="Other")), engagement, "requirements", agreed.hash)
    signed = sign(approver, engagement, "requirements", agreed.hash)
    assert (signed.signed_by, signed.hash) == (approver.person_id, agreed.hash)


def test_signing_twice_changes_nothing(engagement: Engagement, agreed: ProjectRequirements, approver: Actor) -> None:
    first = sign(approver, engagement, "requirements", agreed.hash)
    assert sign(approver, engagement, "requirements", agreed.hash).id == first.id


def test_what_was_not_shown_is_not_signed(engagement: Engagement, agreed: ProjectRequirements, approver: Actor) -> None:
    with pytest.raises(EditedMeanwhile, match="has changed"):
        sign(approver, engagement, "requirements", "0" * 64)
    with pytest.raises(Invalid, match="Choose one of"):
        sign(approver, engagement, "everything", agreed.hash)


def test_before_the_agreement_there_is_nothing_to_sign(engagement: Engagement, approver: Actor) -> None:
    make_site(engagement)
    with pytest.raises(Guard, match="nothing to sign"):
        sign(approver, engagement, "requirements", "0" * 64)


def test_the_requirements_are_signed_whole_and_the_rest_site_by_site(
    engagement: Engagement, agreed: ProjectRequirements, approver: Actor
) -> None:
    site = db.session.scalars(sa.select(Site)).one()
    other = make_site(make_engagement())
    with pytest.raises(Invalid, match="for all sites at once"):
        sign(approver, engagement, "requirements", agreed.hash, site_id=site.id)
    for wrong in (None, other.id):
        with pytest.raises(Invalid, match="which site of this engagement"):
            sign(approver, engagement, "uat", agreed.hash, site_id=wrong)
    stand(site, "in_uat")
    assert sign(approver, engagement, "uat", agreed.hash, site_id=site.id).site_id == site.id


def stand(site: Site, stage: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.execute(sa.update(Site).where(Site.id == site.id).values(stage=stage))


@pytest.mark.parametrize(
    ("subject", "asked", "not_asked"),
    [
        ("uat", ("in_uat", "uat_fixing"), ("listed", "ready_for_uat", "launch_planned", "withdrawn")),
        ("cutover", ("cutover_open",), ("listed", "in_uat", "resynced", "dns_verified", "rolled_back")),
        ("freeze", ("qualified", "migrating", "dns_verified", "rolled_back"), ("listed", "launched", "closed", "withdrawn")),
    ],
)
def test_a_site_is_signed_for_only_where_it_is_asked_for(
    engagement: Engagement,
    agreed: ProjectRequirements,
    approver: Actor,
    subject: str,
    asked: tuple[str, ...],
    not_asked: tuple[str, ...],
) -> None:
    site = db.session.scalars(sa.select(Site)).one()
    for stage in not_asked:
        stand(site, stage)
        with pytest.raises(Guard, match="not asked for now") as refused:
            sign(approver, engagement, subject, agreed.hash, site_id=site.id)
        assert refused.value.rule == "BR-49"
    given = []
    for stage in asked:
        stand(site, stage)
        given.append(sign(approver, engagement, subject, agreed.hash, site_id=site.id).id)
    assert len(set(given)) == 1
    stand(site, "closed")
    assert sign(approver, engagement, subject, agreed.hash, site_id=site.id).id == given[0], "twice is once, also later"
