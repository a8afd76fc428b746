"""Freezes: on a date of the spine, answered by name, held to what was announced."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.factories import NOW, TODAY, actor, agree, make_duty, make_engagement, make_freeze, make_person, make_site
from tracker.domain.access import SYSTEM, Actor, Role
from tracker.domain.deadline import Dates, DeadlineKind
from tracker.domain.errors import Guard, Invalid, NotAllowed, NotFound
from tracker.domain.freeze import FreezeAnswer, FreezeKind
from tracker.services import deadline as deadline_service
from tracker.services import freeze as service
from tracker.services import requirements as requirements_service
from tracker.services import site as site_service
from tracker.services.deadline import DateChange, DateSpec
from tracker.services.freeze import FreezeChange, FreezeSpec
from tracker.store import deadline as deadlines
from tracker.store import freeze as freezes
from tracker.store.database import db
from tracker.store.freeze import Freeze, FreezeRow
from tracker.store.site import Site
from tracker.store.transaction import transaction

pytestmark = pytest.mark.usefixtures("app")
HOUR = timedelta(hours=1)


@pytest.fixture
def site(app: object) -> Site:
    return make_site(make_engagement())


@pytest.fixture
def approver(app: object) -> Actor:
    return actor(make_person(Role.CUSTOMER_APPROVER, name="Petra Approver"))


@pytest.fixture
def manager(app: object) -> Actor:
    return actor(make_person("admin", name="Jonas Weber"))


def set_date(site: Site, kind: str, day: date, **over: Any) -> None:
    with transaction(db.session, now=NOW):
        spec = DateSpec(DeadlineKind(kind), Dates(due_on=day), site.id, **over)
        deadline_service.set_date(db.session, SYSTEM, site.engagement_id, spec, now=NOW)


def answer(who: Actor, freeze: Freeze, said: FreezeAnswer, reason: str | None = None) -> FreezeRow:
    with transaction(db.session, now=NOW):
        return service.acknowledge(db.session, who, freeze.id, said, reason=reason, now=NOW)


def at(site: Site, stage: str) -> None:
    with transaction(db.session, now=NOW):
        db.session.get_one(Site, site.id).stage = stage


def states(site: Site) -> dict[str, str]:
    db.session.close()
    return {row.freeze.kind: row.state(NOW) for row in freezes.of_site(db.session, site.id)}


def test_a_freeze_comes_with_its_date_and_begins_on_it(site: Site) -> None:
    set_date(site, "code_freeze", TODAY)
    set_date(site, "dns_cutover", TODAY + timedelta(days=9))
    assert states(site) == {"code": "running", "content": "planned"}
    held = freezes.running_of_engagements(db.session, [site.engagement_id], NOW)
    assert [(row.freeze.kind, row.starts_at.isoformat()) for row in held] == [("code", "2026-03-02T08:00:00+00:00")]


def test_scheduling_a_freeze_writes_its_date_once(site: Site) -> None:
    made = make_freeze(site, "code", starts_at=NOW + HOUR, ends_at=NOW + 9 * HOUR)
    found = deadlines.one(db.session, site.engagement_id, site.id, "code_freeze")
    assert found is not None
    assert (found.id, found.due_at) == (made.deadline_id, NOW + HOUR)
    make_freeze(site, "code", starts_at=NOW + 2 * HOUR)
    assert states(site) == {"code": "planned"}
    found = deadlines.one(db.session, site.engagement_id, site.id, "code_freeze")
    assert found is not None
    assert found.due_at == NOW + 2 * HOUR
    with pytest.raises(Invalid, match="before the start"):
        make_freeze(site, "code", starts_at=NOW + HOUR, ends_at=NOW)


def test_only_a_named_approver_answers_and_a_code_freeze_that_is_answered_completes_the_duty(site: Site, approver: Actor) -> None:
    freeze = make_freeze(site)
    for who in (SYSTEM, actor(make_person(Role.CUSTOMER_VIEWER))):
        with pytest.raises(NotAllowed):
            answer(who, freeze, FreezeAnswer.FREEZE)
    row = answer(approver, freeze, FreezeAnswer.ACCEPT_RESPONSIBILITY)
    assert (row.freeze.answer, row.answerer) == ("accept_responsibility", "Petra Approver")
    duty = make_duty(site, "code-freeze")
    assert (duty.state, duty.evidence) == ("done", "Responsibility accepted instead: Petra Approver.")
    date = deadlines.get(db.session, SYSTEM, freeze.deadline_id)
    assert date.done_at is None, "the date says when the freeze begins, and it is on"


def test_the_answer_is_given_once_and_changes_only_with_a_reason(site: Site, approver: Actor) -> None:
    freeze = make_freeze(site)
    answer(approver, freeze, FreezeAnswer.ACCEPT_RESPONSIBILITY)
    assert answer(approver, freeze, FreezeAnswer.ACCEPT_RESPONSIBILITY).freeze.version == 2, "the same again changes nothing"
    with pytest.raises(Invalid, match="Say why"):
        answer(approver, freeze, FreezeAnswer.FREEZE)
    assert answer(approver, freeze, FreezeAnswer.FREEZE, "We can freeze after all.").freeze.answer == "freeze"


def test_a_freeze_signature_answers_the_open_freezes_of_a_site_and_those_that_come(site: Site, approver: Actor) -> None:
    engagement = freezes.get(db.session, SYSTEM, make_freeze(site).id).engagement
    agreed = agree(engagement)
    at(site, "migrating")
    with transaction(db.session, now=NOW):
        requirements_service.sign(db.session, approver, engagement.id, "freeze", agreed.hash, site_id=site.id, now=NOW)
    set_date(site, "dns_cutover", TODAY + timedelta(days=20))
    assert [(row.freeze.kind, row.freeze.answer, row.answerer) for row in freezes.of_site(db.session, site.id)] == [
        ("code", "freeze", "Petra Approver"),
        ("content", "freeze", "Petra Approver"),
    ]


def test_a_freeze_that_is_on_moves_or_ends_early_only_with_a_typed_exception(site: Site, manager: Actor) -> None:
    freeze = make_freeze(site)
    move = DateChange(None, Dates(due_at=NOW + HOUR), "Delayed")
    with pytest.raises(Guard) as refused, transaction(db.session, now=NOW):
        deadline_service.change_date(db.session, manager, freeze.deadline_id, move, now=NOW)
    assert refused.value.missing == ["override_reason"]
    early, later = frozenset({"ends_at"}), frozenset({"starts_at"})
    for change in (FreezeChange(None, early, ends_at=NOW + HOUR), FreezeChange(None, later, starts_at=NOW + HOUR)):
        with pytest.raises(Guard), transaction(db.session, now=NOW):
            service.change_freeze(db.session, manager, freeze.id, change, now=NOW)
    with transaction(db.session, now=NOW):
        change = FreezeChange(None, frozenset({"ends_at"}), ends_at=NOW + HOUR, override_reason="The shop has to go on selling.")
        row = service.change_freeze(db.session, manager, freeze.id, change, now=NOW)
    assert [(each.reason, name) for each, name in row.overrides] == [("The shop has to go on selling.", "Jonas Weber")]


def test_a_cutover_that_would_move_a_content_freeze_that_is_on_needs_the_exception_too(site: Site, manager: Actor) -> None:
    set_date(site, "dns_cutover", TODAY + timedelta(days=1))
    with transaction(db.session, now=NOW):
        content = deadlines.one(db.session, site.engagement_id, site.id, "content_freeze")
        cutover = deadlines.one(db.session, site.engagement_id, site.id, "dns_cutover")
        assert content is not None
        assert cutover is not None
        assert content.day == TODAY, "it is on since nine o'clock"
        later = DateChange(None, Dates(due_on=TODAY + timedelta(days=7)), "The bank holiday")
        with pytest.raises(Guard, match="content freeze"):
            deadline_service.change_date(db.session, manager, cutover.id, later, now=NOW)
    excepted = DateChange(
        None, Dates(due_on=TODAY + timedelta(days=7)), "The bank holiday", override_reason="Editors may write again."
    )
    with transaction(db.session, now=NOW):
        deadline_service.change_date(db.session, manager, cutover.id, excepted, now=NOW)
    assert states(site)["content"] == "planned"


def test_a_code_freeze_ends_with_the_launch_and_a_content_freeze_with_the_verified_cutover(site: Site) -> None:
    make_freeze(site, "code")
    make_freeze(site, "content")
    at(site, "dns_verified")
    with transaction(db.session, now=NOW):
        site_service.move_site(db.session, SYSTEM, site.id, "launched", now=NOW)
    assert states(site) == {"code": "ended", "content": "ended"}
    with pytest.raises(Guard, match="would have ended"):
        make_freeze(site)


def test_a_freeze_whose_end_has_come_is_over_and_a_further_one_may_follow(site: Site) -> None:
    make_freeze(site, "code", starts_at=NOW - 3 * HOUR, ends_at=NOW - HOUR)
    assert states(site) == {"code": "ended"}
    make_freeze(site, "code", starts_at=NOW + HOUR)
    assert sorted(row.state(NOW) for row in freezes.of_site(db.session, site.id)) == ["ended", "planned"]


def test_an_exception_names_what_may_change_and_until_when(site: Site, manager: Actor, approver: Actor) -> None:
    freeze = make_freeze(site, "content")
    with pytest.raises(NotFound), transaction(db.session, now=NOW):
        service.override(db.session, approver, freeze.id, "Prices", "Sale", None, now=NOW)
    with pytest.raises(Invalid, match="within a year"), transaction(db.session, now=NOW):
        service.override(db.session, manager, freeze.id, "Prices", "Sale", NOW, now=NOW)
    with transaction(db.session, now=NOW):
        service.override(db.session, manager, freeze.id, "Prices in the shop", "Sale", NOW + HOUR, now=NOW)
    ((made, name),) = freezes.get(db.session, manager, freeze.id).overrides
    assert (made.what, made.until, name) == ("Prices in the shop", NOW + HOUR, "Jonas Weber")


def test_a_freeze_is_scheduled_by_managers_only(site: Site, approver: Actor) -> None:
    with pytest.raises(NotFound), transaction(db.session, now=NOW):
        service.schedule(db.session, approver, site.id, FreezeSpec(FreezeKind.CODE, NOW), now=NOW)
