"""Rounds of UAT: opened by the site's steps, ended by the customer or by the agreed clause; and what was found wrong."""

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from tests.factories import (
    NOW,
    SIGNED_ON,
    TODAY,
    actor,
    agree,
    make_defect,
    make_duty,
    make_engagement,
    make_person,
    make_round,
    make_site,
    settle_scope,
)
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.engagement import Windows
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.domain.uat import DefectClass, DefectState
from tracker.services import deadline as deadline_service
from tracker.services import site as site_service
from tracker.services import uat as service
from tracker.services.deadline import DateSpec
from tracker.services.engagement import AgreementSpec
from tracker.services.uat import DefectChange
from tracker.store import deadline as deadlines
from tracker.store import requirements
from tracker.store import uat as rounds
from tracker.store.database import db
from tracker.store.notice import OutboxNotice
from tracker.store.requirements import Signature
from tracker.store.site import Site
from tracker.store.transaction import transaction
from tracker.store.uat import Defect, UatRound

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def site(app: object) -> Site:
    return make_site(make_engagement())


@pytest.fixture
def approver(app: object) -> Actor:
    return actor(make_person(Role.CUSTOMER_APPROVER, name="Petra Approver"))


def at(site: Site, stage: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = stage


def move(site: Site, to: str) -> None:
    with transaction(db.session, now=NOW):
        site_service.move_site(db.session, SYSTEM, site.id, to, now=NOW)


def states(site: Site) -> list[tuple[int, str]]:
    db.session.close()
    return [(row.round.number, row.round.state) for row in rounds.rounds_of_site(db.session, site.id)]


def told(site: Site) -> list[str]:
    db.session.close()
    query = sa.select(OutboxNotice.kind).where(OutboxNotice.site_id == site.id, OutboxNotice.deadline_id.is_(None))
    return sorted(db.session.scalars(query))


def sign_off(who: Actor, tested: UatRound, digest: str) -> None:
    with transaction(db.session, now=NOW):
        service.sign_off(db.session, who, tested.id, digest, now=NOW)


def reject(who: Actor, tested: UatRound, reason: str = "The search finds nothing.") -> None:
    with transaction(db.session, now=NOW):
        service.reject(db.session, who, tested.id, reason, version=None, now=NOW)


def lapse(tested: UatRound) -> None:
    with transaction(db.session, now=NOW):
        service.lapse(db.session, SYSTEM, tested.id, version=None, now=NOW)


def change(who: Actor, defect: Defect, version: int | None = None, **said: object) -> Defect:
    with transaction(db.session, now=NOW):
        return service.change_defect(db.session, who, defect.id, DefectChange(version, **said)).defect  # type: ignore[arg-type]


def set_uat(site: Site, day: date) -> None:
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind.UAT, Dates(due_on=day), site.id)
        deadline_service.set_date(db.session, SYSTEM, site.engagement_id, spec, now=NOW)


def test_a_round_opens_as_the_site_enters_uat_and_the_channel_hears_of_it(site: Site) -> None:
    at(site, "ready_for_uat")
    settle_scope(site)
    move(site, "in_uat")
    assert states(site) == [(1, "open")]
    assert told(site) == ["uat.opened"]
    move(site, "uat_fixing")
    move(site, "in_uat")
    assert states(site) == [(1, "open")], "the customer has not closed it"


def test_a_site_that_is_not_accepted_is_tested_again_by_the_same_people(site: Site, approver: Actor) -> None:
    tested = make_round(site, Tom="tom@example.com")
    with pytest.raises(Invalid, match="Say why"):
        reject(approver, tested, " ")
    reject(approver, tested)
    settle_scope(site)
    move(site, "uat_fixing")
    move(site, "in_uat")
    assert states(site) == [(2, "open"), (1, "rejected")]
    assert rounds.rounds_of_site(db.session, site.id)[0].round.testers == [{"name": "Tom", "email": "tom@example.com"}]
    assert told(site) == ["uat.opened", "uat.opened", "uat.rejected"]
    with pytest.raises(Guard, match="Round 1 is closed"):
        reject(approver, tested)


def test_an_approver_signs_off_and_with_it_the_duty_its_date_and_the_step_are_done(site: Site, approver: Actor) -> None:
    set_uat(site, TODAY + timedelta(days=5))
    tested = make_round(site)
    agreed = agree(rounds.get_round(db.session, SYSTEM, tested.id).engagement)
    with pytest.raises(Guard, match="Carry out acceptance testing"):
        move(site, "uat_accepted")
    for who in (SYSTEM, actor(make_person(Role.CUSTOMER_VIEWER))):
        with pytest.raises(NotAllowed):
            sign_off(who, tested, agreed.hash)
    with pytest.raises(EditedMeanwhile):
        sign_off(approver, tested, "another")
    sign_off(approver, tested, agreed.hash)
    assert states(site) == [(1, "signed")]
    duty = make_duty(site, "uat")
    assert (duty.state, duty.evidence) == ("done", "Signed by Petra Approver.")
    found = deadlines.one(db.session, site.engagement_id, site.id, "uat")
    assert found is not None
    assert found.done_at == NOW
    assert "uat.signed" in told(site)
    move(site, "uat_accepted")


def test_silence_lapses_only_where_the_agreement_says_so_and_its_time_has_passed() -> None:
    def in_uat(silence: str, day: date) -> UatRound:
        spec = AgreementSpec("SOW-1", SIGNED_ON, Windows(5, 2, 10, silence))
        site = make_site(make_engagement(agreement=spec))
        set_uat(site, day)
        return make_round(site)

    past, ahead = date(2026, 2, 27), date(2026, 3, 6)
    for silence, day, missing in (("hold", past, "uat_silence_proceed"), ("proceed", ahead, "uat_date_passed")):
        with pytest.raises(Guard) as refused:
            lapse(in_uat(silence, day))
        assert refused.value.missing == [missing]
    tested = in_uat("proceed", past)
    lapse(tested)
    site = db.session.get_one(Site, tested.site_id)
    assert states(site) == [(1, "lapsed")]
    assert db.session.scalars(sa.select(Signature)).all() == [], "recorded as such, never as a signature"
    assert make_duty(site, "uat").state == "waived"
    move(site, "uat_accepted")


def test_staff_and_approvers_name_testers_who_need_no_account(site: Site, approver: Actor) -> None:
    tested = make_round(site)

    def name(who: Actor, *said: dict[str, str]) -> list[dict[str, str]]:
        with transaction(db.session, now=NOW):
            return service.name_testers(db.session, who, tested.id, said, version=None).round.testers

    assert name(approver, {"name": " Tom  Baker "}, {"name": "tom baker", "email": "t@example.com"}) == [
        {"name": "tom baker", "email": "t@example.com"}
    ]
    with pytest.raises(NotAllowed):
        name(actor(make_person(Role.CUSTOMER_VIEWER)), {"name": "Tom"})
    for wrong in ({"name": ""}, {"name": "Tom", "email": "nowhere"}):
        with pytest.raises(Invalid) as refused:
            name(approver, wrong)
        assert refused.value.errors[0].field == "testers"


def test_anybody_reports_a_defect_but_only_while_a_round_is_open(site: Site, approver: Actor) -> None:
    with pytest.raises(Guard, match="No round of UAT is open"):
        make_defect(site)
    tested = make_round(site)
    defect = make_defect(site)
    assert (defect.round_id, defect.classification, defect.state) == (tested.id, "unclassified", "open")
    assert "defect.reported" in told(site)
    reject(approver, tested)
    with pytest.raises(Guard):
        make_defect(site)


def test_staff_mend_and_the_customer_confirms(site: Site, approver: Actor) -> None:
    make_round(site)
    defect, viewer = make_defect(site), actor(make_person(Role.CUSTOMER_VIEWER))
    with pytest.raises(NotAllowed):
        change(viewer, defect, state=DefectState.FIXED)
    with pytest.raises(NotAllowed):
        change(viewer, defect, classification=DefectClass.MIGRATION_DEFECT)
    change(SYSTEM, defect, classification=DefectClass.MIGRATION_DEFECT, state=DefectState.FIXED)
    with pytest.raises(NotAllowed, match="confirms"):
        change(SYSTEM, defect, state=DefectState.CONFIRMED)
    assert change(viewer, defect, state=DefectState.OPEN).state == "open", "it is not fixed"
    change(SYSTEM, defect, state=DefectState.FIXED)
    assert change(approver, defect, state=DefectState.CONFIRMED).state == "confirmed"
    with pytest.raises(Guard):
        change(SYSTEM, defect, state=DefectState.OPEN)


def test_what_was_there_before_has_to_be_seen_on_the_source_and_only_what_is_not_ours_is_declined(site: Site) -> None:
    make_round(site)
    defect = make_defect(site)
    with pytest.raises(Invalid, match="on the source as well"):
        change(SYSTEM, defect, classification=DefectClass.PRE_EXISTING)
    with pytest.raises(Invalid, match="Say first what it is"):
        change(SYSTEM, defect, state=DefectState.DECLINED)
    seen = "www.example.com/search gives the same."
    change(SYSTEM, defect, classification=DefectClass.PRE_EXISTING, source_checked=seen)
    assert change(SYSTEM, defect, state=DefectState.DECLINED).state == "declined"
    with pytest.raises(EditedMeanwhile):
        change(SYSTEM, defect, version=1, state=DefectState.OPEN)


def test_the_open_rounds_of_an_engagement_are_found_in_one_go(site: Site) -> None:
    make_round(site)
    assert [row.site.id for row in rounds.open_rounds_of_engagement(db.session, site.engagement_id)] == [site.id]
    assert requirements.latest(db.session, site.engagement_id) is None
