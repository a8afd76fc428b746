"""The customer's duties: made with the engagement, hung on their dates, done in one place."""

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import NOW, TODAY, actor, agree, make_duty, make_engagement, make_person, make_site
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.duty import DUTIES, DutyState
from tracker.domain.errors import EditedMeanwhile, Guard, Invalid, NotAllowed
from tracker.services import deadline as deadline_service
from tracker.services import duty as service
from tracker.services import site as site_service
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.duty import DutyChange
from tracker.store import deadline as deadlines
from tracker.store import duty as duties
from tracker.store.database import db
from tracker.store.duty import Duty, DutyRow
from tracker.store.notice import OutboxNotice
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def site(app: object) -> Site:
    return make_site(make_engagement(kickoff_on=TODAY + timedelta(days=14)))


@pytest.fixture
def approver(app: object) -> Actor:
    return actor(make_person(Role.CUSTOMER_APPROVER, name="Petra Approver"))


def change(who: Actor, duty: Duty, version: int | None = None, **said: Any) -> DutyRow:
    named = frozenset(said) - {"reason", "override_reason"}
    with transaction(db.session, now=NOW):
        return service.change_duty(db.session, who, duty.id, DutyChange(version, named, **said), now=NOW)


def done(who: Actor, duty: Duty, evidence: str | None = "Sent by mail on Monday.") -> DutyRow:
    return change(who, duty, state=DutyState.DONE, evidence=evidence)


def set_date(site: Site, kind: str, day: date, **over: Any) -> None:
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind(kind), Dates(due_on=day), site.id, **over)
        deadline_service.set_date(db.session, SYSTEM, site.engagement_id, spec, now=NOW)


def waiting(site: Site, kind: str) -> int:
    """How many reminders of a kind of date are still to be sent."""
    db.session.close()
    query = sa.select(sa.func.count()).where(
        OutboxNotice.engagement_id == site.engagement_id,
        OutboxNotice.kind.startswith(f"{kind}."),
        OutboxNotice.state == "planned",
    )
    return db.session.scalar(query) or 0


def move(site: Site, to: str) -> None:
    with transaction(db.session, now=NOW):
        site_service.move_site(db.session, SYSTEM, site.id, to, now=NOW)


def at(site: Site, stage: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = stage


def test_an_engagement_and_each_of_its_sites_have_their_duties_from_the_catalogue(site: Site) -> None:
    kept = duties.around_site(db.session, site)
    assert set(kept) == set(DUTIES)
    assert kept["site-inventory"].duty.title == "Deliver the site inventory"
    make_site(db.session.get_one(type(kept["uat"].engagement), site.engagement_id))
    assert len(duties.of_engagement(db.session, site.engagement_id)) == 2 + 2 * 5


def test_a_self_service_engagement_has_none() -> None:
    engagement = make_engagement(type="self_service", agreement=None)
    make_site(engagement)
    assert duties.of_engagement(db.session, engagement.id) == []


def test_a_duty_is_due_when_its_date_is_and_moves_with_it(site: Site) -> None:
    due = {row.duty.kind: row.deadline and row.deadline.day for row in duties.of_engagement(db.session, site.engagement_id)}
    assert due["site-inventory"] == date(2026, 3, 13), "the business day before the kick-off"
    assert due["join-channel"] == date(2026, 3, 16), "the kick-off itself"
    assert due["dns-cutover"] is None
    set_date(site, "dns_cutover", date(2026, 5, 20))
    due = {row.duty.kind: row.deadline and row.deadline.day for row in duties.of_engagement(db.session, site.engagement_id)}
    assert due["dns-cutover"] == date(2026, 5, 20)
    assert due["content-freeze-notice"] == date(2026, 5, 12), "five business days before the freeze"


def test_an_approver_completes_a_duty_and_its_date_with_it_so_that_reminders_stop(site: Site, approver: Actor) -> None:
    assert waiting(site, "inventory") > 0
    row = done(approver, make_duty(site, "site-inventory"))
    assert (row.duty.state, row.doer, row.duty.evidence) == ("done", "Petra Approver", "Sent by mail on Monday.")
    assert row.deadline is not None
    assert row.deadline.done_at == NOW
    assert waiting(site, "inventory") == 0


def test_finishing_the_date_completes_the_duty_and_opening_either_opens_both(site: Site, approver: Actor) -> None:
    duty = make_duty(site, "site-inventory")
    assert duty.deadline_id is not None
    with transaction(db.session, now=NOW):
        deadline_service.change_date(db.session, SYSTEM, duty.deadline_id, DateChange(None, done_at=NOW), now=NOW)
    assert duties.get(db.session, SYSTEM, duty.id).duty.evidence == "Received by the team. Marked done with its date."
    row = change(SYSTEM, duty, state=DutyState.OPEN)
    assert (row.duty.state, row.deadline and row.deadline.done_at) == ("open", None)
    done(approver, duty)
    with transaction(db.session, now=NOW):
        deadline_service.change_date(db.session, approver, duty.deadline_id, DateChange(None, open_again=True), now=NOW)
    assert duties.get(db.session, SYSTEM, duty.id).duty.state == "open"


def test_a_duty_without_a_date_can_be_completed_and_a_date_that_comes_later_is_done(site: Site, approver: Actor) -> None:
    done(approver, make_duty(site, "source-access"))
    set_date(site, "access", TODAY + timedelta(days=20))
    found = deadlines.one(db.session, site.engagement_id, site.id, "access")
    assert found is not None
    assert found.done_at == NOW
    assert waiting(site, "access") == 0


def test_only_an_approver_completes_a_duty_and_only_managers_do_the_rest(site: Site, approver: Actor) -> None:
    duty = make_duty(site, "join-channel")
    viewer = actor(make_person(Role.CUSTOMER_VIEWER))
    for who in (SYSTEM, viewer):
        with pytest.raises(NotAllowed):
            done(who, duty)
    for said in ({"due_on": TODAY}, {"owner_id": approver.person_id}, {"state": DutyState.WAIVED, "reason": "No"}):
        with pytest.raises(NotAllowed):
            change(approver, duty, **said)
    done(approver, duty)
    other = actor(make_person(Role.CUSTOMER_APPROVER))
    with pytest.raises(NotAllowed):
        change(other, duty, state=DutyState.OPEN)
    assert change(approver, duty, state=DutyState.OPEN).duty.state == "open", "their own word"


def test_what_a_signature_or_an_answer_completes_is_not_completed_by_saying_so(site: Site, approver: Actor) -> None:
    for kind in ("code-freeze", "uat", "dns-cutover"):
        with pytest.raises(Guard, match="is completed by"):
            done(approver, make_duty(site, kind))


def test_a_waived_duty_reminds_nobody_and_says_why(site: Site) -> None:
    duty = make_duty(site, "join-channel")
    with pytest.raises(Invalid, match="Say why"):
        change(SYSTEM, duty, state=DutyState.WAIVED)
    assert waiting(site, "join_channel") == 2
    change(SYSTEM, duty, state=DutyState.WAIVED, reason="They prefer mail.")
    assert waiting(site, "join_channel") == 0
    change(SYSTEM, duty, state=DutyState.OPEN)
    assert waiting(site, "join_channel") == 2


def test_a_duty_belongs_to_somebody_of_that_customer_whom_its_reminders_mention(site: Site) -> None:
    owner = make_person(Role.CUSTOMER_VIEWER, slack_user_id="U7OWNER")
    duty = make_duty(site, "site-inventory")
    for stranger in (make_person(Role.CUSTOMER_APPROVER, customer="Other"), make_person("engineer")):
        with pytest.raises(Invalid, match="of this customer"):
            change(SYSTEM, duty, owner_id=stranger.id)
    change(SYSTEM, duty, owner_id=owner.id)
    db.session.close()
    mentions = db.session.scalars(sa.select(OutboxNotice.mention).where(OutboxNotice.kind.startswith("inventory."))).all()
    assert set(mentions) == {"U7OWNER"}


def test_a_manager_sets_the_date_of_a_duty_and_moves_it_with_a_reason(site: Site) -> None:
    duty = make_duty(site, "source-access")
    assert (row := change(SYSTEM, duty, due_on=date(2026, 4, 1))).deadline is not None
    assert row.deadline is not None
    assert (row.deadline.kind, row.deadline.day) == ("access", date(2026, 4, 1))
    with pytest.raises(Invalid, match="Say why the date moves"):
        change(SYSTEM, duty, due_on=date(2026, 4, 2))
    moved = change(SYSTEM, duty, due_on=date(2026, 4, 2), reason="The host is on holiday.")
    assert moved.deadline is not None
    assert (moved.deadline.day, moved.deadline.reason) == (date(2026, 4, 2), "The host is on holiday.")


def test_two_people_do_not_overwrite_each_other_and_a_credential_is_no_evidence(site: Site, approver: Actor) -> None:
    duty = make_duty(site, "source-access")
    change(SYSTEM, duty, version=1, due_on=date(2026, 4, 1))
    with pytest.raises(EditedMeanwhile):
        change(approver, duty, version=1, state=DutyState.DONE)
    with pytest.raises(Invalid) as refused:
        done(approver, duty, "password: hunter2-and-more")
    assert refused.value.errors[0].field == "evidence"


def test_a_blocked_step_names_the_duty_whose_it_is_and_by_when(site: Site, approver: Actor) -> None:
    agree(make_engagement_of(site))
    with pytest.raises(Guard, match=r"“Deliver the site inventory”: an approver of the customer, due Fri 13 Mar 2026") as refused:
        move(site, "qualified")
    assert refused.value.missing == ["inventory_received"]
    done(approver, make_duty(site, "site-inventory"))
    move(site, "qualified")


def test_the_content_freeze_waits_until_everybody_affected_was_told(site: Site, approver: Actor) -> None:
    at(site, "launch_planned")
    with pytest.raises(Guard, match="Tell everyone affected about the content freeze") as refused:
        move(site, "content_frozen")
    assert (refused.value.rule, refused.value.missing) == ("BR-46", ["content_freeze_told"])
    done(approver, make_duty(site, "content-freeze-notice"), "Mail to all editors.")
    move(site, "content_frozen")


def test_open_duties_that_should_come_first_are_named_but_hold_nobody_up(site: Site) -> None:
    assert site_service.open_before(db.session, site)["migrating"] == [
        "Give access to the current host, or hand over code, database and files",
        "Freeze code from migration start until each site launches",
    ]


def make_engagement_of(site: Site) -> Any:
    return duties.around_site(db.session, site)["uat"].engagement


def test_the_customers_open_duties_are_listed_over_all_engagements_and_nobody_elses(site: Site, approver: Actor) -> None:
    make_site(make_engagement(customer="Other"))
    found = duties.open_of_customer_for(db.session, approver, limit=50)
    assert {row.duty.engagement_id for row in found} == {site.engagement_id}
    assert [row.duty.kind for row in found[:2]] == ["site-inventory", "join-channel"], "what is due first comes first"
    assert len(duties.open_of_engagement(db.session, site.engagement_id, [], set())) == 7
